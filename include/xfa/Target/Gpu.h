//===- Gpu.h - accelerators: peaks, bandwidth, memory ---------------------===//
//
// Rates are whole numbers of FLOP/s (or integer op/s), dense; bandwidths whole
// numbers of bytes/s. Both are exact in a double, so that C21 can compare
// FLOPs x bandwidth with bytes x peak as integers. What is not known is absent.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TARGET_GPU_H
#define XFA_TARGET_GPU_H

#include "xfa/IR/ElemType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xfa {

/// The columns of peak rates, in the order of Gpus.def.
enum class Rate : uint8_t {
  FP64,
  FP64Matrix,
  FP32,
  TF32,
  FP16,      ///< sums in fp32, as libraries do by default
  FP16Sum16, ///< sums in fp16: the higher rate of GeForce and Ada
  BF16,
  FP8,
  INT8,
  FP4,
  INT4,
};
inline constexpr unsigned NumRates = 11;
/// fp64, fp64-matrix, fp32, tf32, fp16, …: as JSON and YAML write it.
llvm::StringRef rateName(Rate R);

/// How well a row of figures is known.
enum class Evidence : uint8_t { V1, V2, M, C, U, User };
/// "V1", "V2", "M", "C", "U", "user".
llvm::StringRef evidenceCode(Evidence E);
/// A few words that say what the code means.
llvm::StringRef evidenceMeaning(Evidence E);

struct Gpu {
  std::string Key, Vendor, Name, Arch;

  std::array<std::optional<double>, NumRates> Rates; ///< FLOP/s or op/s
  std::optional<double> rate(Rate R) const {
    return Rates[static_cast<unsigned>(R)];
  }

  double Bandwidth = 0; ///< of the memory, bytes/s
  std::optional<int64_t> MemoryBytes;
  std::string MemoryType;
  std::optional<int64_t> L2Bytes;
  std::optional<int64_t> LastLevelBytes; ///< the level beyond L2

  std::optional<int64_t> Units; ///< SMs, CUs, cores, …
  std::string UnitKind;
  std::optional<int64_t> SramBytesPerUnit;       ///< L1 and shared together
  std::optional<int64_t> MaxSharedBytesPerBlock; ///< bounds a tile

  std::optional<double> LinkBandwidth; ///< bytes/s, both directions together
  std::string Link;
  std::optional<double> Watts;

  /// Measured fractions of the peak (matrix products) and of the bandwidth.
  std::optional<double> BestMatrixFraction, MedianMatrixFraction,
      WeightStreamFraction;

  Evidence Verified = Evidence::User;
  std::string Source, Notes;
};

/// The table of Gpus.def, in its order.
llvm::ArrayRef<Gpu> gpus();

/// The accelerator of that key, upper or lower case; null where there is none.
/// The user's Own are looked at first. "cpu" is the generic CPU of the table.
const Gpu *findGpu(llvm::StringRef Key, llvm::ArrayRef<Gpu> Own = {});

/// The key that was perhaps meant ("t44" → "t4"); empty where none is near.
std::string nearestGpuKey(llvm::StringRef Key, llvm::ArrayRef<Gpu> Own = {});

/// In which precision fp32 matrix products run; tf32 only by --dtype=tf32 (C8).
enum class Float32Products : uint8_t { FP32, TF32 };

/// Peak of matrix products of that element type, FLOP/s (C8). None where the
/// row has no figure or the type no unit: unknown, not zero.
std::optional<double> matrixPeak(const Gpu &G, ElemType Type,
                                 Float32Products Mode = Float32Products::FP32);
/// Peak of everything else: the fp32 column (C8).
std::optional<double> vectorPeak(const Gpu &G);
/// FLOP per byte at which the two times of C18 are equal: peak / bandwidth.
std::optional<double>
machineBalance(const Gpu &G, ElemType Type,
               Float32Products Mode = Float32Products::FP32);

/// Reads the user's accelerators: one, or a list (docs/gpus.md). An error is
/// one sentence: file, line, what was expected, what was found.
llvm::Expected<std::vector<Gpu>> readGpuFile(llvm::StringRef Path);
/// The same from text; Path is for the errors only.
llvm::Expected<std::vector<Gpu>> parseGpus(llvm::StringRef Yaml,
                                           llvm::StringRef Path);

} // namespace xfa

#endif // XFA_TARGET_GPU_H
