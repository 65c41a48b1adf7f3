//===- Roofline.h - time and what bounds it (C18, C19, C21) ---------------===//

#ifndef XFA_ANALYSIS_ROOFLINE_H
#define XFA_ANALYSIS_ROOFLINE_H

#include "xfa/Analysis/Ledger.h"
#include "xfa/Target/Gpu.h"

namespace xfa {

enum class Bound : uint8_t { Memory, Compute };

/// A ledger at one point on one accelerator. Seconds, FLOP, bytes.
struct RooflinePoint {
  __int128 Flops = 0, Bytes = 0;
  double Intensity = 0; ///< FLOP/byte
  std::optional<double>
      ComputeTime;            ///< C18: FLOPs / matrix peak; none: peak unknown
  double MemoryTime = 0;      ///< bytes / bandwidth
  std::optional<double> Time; ///< the larger
  std::optional<double> PerOpTime; ///< C19
  std::optional<Bound> BoundBy;
};

/// Fails on a symbol without a value or an unknown. `Type`: the element type
/// whose matrix peak C18 uses; `Products`: tf32 only by --dtype=tf32.
llvm::Expected<RooflinePoint>
evaluateRoofline(const Ledger &L, const Gpu &G, ElemType Type,
                 const Bindings &At,
                 Float32Products Products = Float32Products::FP32);

/// Times of ledgers on one accelerator, by one estimate.
struct Clock {
  Gpu G;
  ElemType Type = ElemType::Undefined; ///< whose matrix peak C18 takes
  Float32Products Products = Float32Products::FP32;
  bool PerOp = false; ///< C19, else C18
  /// None: a peak or a figure is not known, or a symbol has no value.
  std::optional<double> seconds(const Ledger &L, const Bindings &At) const;
};

/// C21: exact sign changes of FLOPs·bandwidth − bytes·peak over positive
/// integers of one symbol, the others fixed.
struct Crossover {
  std::string Along;
  std::vector<std::pair<std::string, int64_t>> Fixed;
  struct Flip {
    Bound From, To;
    int64_t At; ///< the first value at which To holds
  };
  std::vector<Flip> Flips;
  std::optional<Bound> Always; ///< if there are no flips
  std::string Unknown;         ///< why there is no answer
};
Crossover findCrossover(const Work &W, const Gpu &G, ElemType Type,
                        llvm::StringRef Along, const Bindings &Fixed,
                        ExprStore &Store,
                        Float32Products Products = Float32Products::FP32);

} // namespace xfa

#endif // XFA_ANALYSIS_ROOFLINE_H
