//===- Gpu.cpp - the table of accelerators --------------------------------===//

#include "xfa/Target/Gpu.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

namespace {

constexpr double Tera = 1e12, Giga = 1e9;
constexpr int64_t MiB = 1 << 20, KiB = 1 << 10;

// What a line of Gpus.def is written with.
using Cell = std::optional<double>;
constexpr std::nullopt_t _ = std::nullopt;

struct RateCells {
  std::array<Cell, NumRates> Values;
};
template <typename... Ts> RateCells rates(Ts... Values) {
  static_assert(sizeof...(Ts) == NumRates);
  return {{Cell(Values)...}};
}
struct MemoryCells {
  Cell Size;
  const char *Type;
  double Bandwidth;
  Cell L2, LastLevel;
};
MemoryCells memory(Cell Size, const char *Type, double Bandwidth, Cell L2,
                   Cell LastLevel) {
  return {Size, Type, Bandwidth, L2, LastLevel};
}
struct UnitCells {
  Cell Count;
  const char *Kind;
  Cell Sram, MaxShared;
};
UnitCells units(Cell Count, const char *Kind, Cell Sram, Cell MaxShared) {
  return {Count, Kind, Sram, MaxShared};
}
struct LinkCells {
  Cell Bandwidth;
  const char *Kind;
};
LinkCells link(Cell Bandwidth, const char *Kind) { return {Bandwidth, Kind}; }
struct MeasuredCells {
  Cell Best, Median, WeightStream;
};
MeasuredCells measured(Cell Best, Cell Median, Cell WeightStream) {
  return {Best, Median, WeightStream};
}

// Decimal fractions are not exact in binary; the products of rates are whole.
Cell whole(Cell Value, double Unit) {
  return Value ? Cell(std::round(*Value * Unit)) : Cell();
}
std::optional<int64_t> bytes(Cell Value, double Unit) {
  if (!Value)
    return std::nullopt;
  return std::llround(*Value * Unit);
}

Gpu row(const char *Key, const char *Vendor, const char *Name, const char *Arch,
        const RateCells &R, const MemoryCells &M, const UnitCells &U,
        const LinkCells &L, Cell Watts, const MeasuredCells &E,
        Evidence Verified, const char *Source, const char *Notes) {
  Gpu G;
  G.Key = Key;
  G.Vendor = Vendor;
  G.Name = Name;
  G.Arch = Arch;
  for (unsigned I = 0; I < NumRates; ++I)
    G.Rates[I] = whole(R.Values[I], Tera);
  G.Bandwidth = *whole(M.Bandwidth, Giga);
  G.MemoryBytes = bytes(M.Size, Giga);
  G.MemoryType = M.Type;
  G.L2Bytes = bytes(M.L2, MiB);
  G.LastLevelBytes = bytes(M.LastLevel, MiB);
  G.Units = bytes(U.Count, 1);
  G.UnitKind = U.Kind;
  G.SramBytesPerUnit = bytes(U.Sram, KiB);
  G.MaxSharedBytesPerBlock = bytes(U.MaxShared, KiB);
  G.LinkBandwidth = whole(L.Bandwidth, Giga);
  G.Link = L.Kind;
  G.Watts = Watts;
  G.BestMatrixFraction = E.Best;
  G.MedianMatrixFraction = E.Median;
  G.WeightStreamFraction = E.WeightStream;
  G.Verified = Verified;
  G.Source = Source;
  G.Notes = Notes;
  return G;
}

std::vector<Gpu> makeTable() {
  using enum Evidence;
  std::vector<Gpu> Table;
  Table.reserve(80);
#define XFA_GPU(...) Table.push_back(row(__VA_ARGS__));
#include "xfa/Target/Gpus.def"
  return Table;
}

std::optional<Rate> matrixRate(ElemType Type, Float32Products Mode) {
  switch (Type) {
  case ElemType::Float32:
    return Mode == Float32Products::TF32 ? Rate::TF32 : Rate::FP32;
  case ElemType::Float16:
    return Rate::FP16;
  case ElemType::BFloat16:
    return Rate::BF16;
  case ElemType::Float8E4M3FN:
  case ElemType::Float8E4M3FNUZ:
  case ElemType::Float8E5M2:
  case ElemType::Float8E5M2FNUZ:
    return Rate::FP8;
  case ElemType::Int8:
  case ElemType::UInt8:
    return Rate::INT8;
  case ElemType::Float4E2M1:
    return Rate::FP4;
  case ElemType::Int4:
  case ElemType::UInt4:
    return Rate::INT4;
  default:
    return std::nullopt;
  }
}

} // namespace

llvm::StringRef rateName(Rate R) {
  static constexpr llvm::StringRef Names[NumRates] = {
      "fp64", "fp64-matrix", "fp32", "tf32", "fp16", "fp16-sum16",
      "bf16", "fp8",         "int8", "fp4",  "int4"};
  return Names[static_cast<unsigned>(R)];
}

llvm::StringRef evidenceCode(Evidence E) {
  static constexpr llvm::StringRef Codes[] = {"V1", "V2", "M",
                                              "C",  "U",  "user"};
  return Codes[static_cast<unsigned>(E)];
}

llvm::StringRef evidenceMeaning(Evidence E) {
  static constexpr llvm::StringRef Meanings[] = {
      "the maker's document, or the device itself, was read",
      "from a list that links the maker's document",
      "the maker's document, not reopened",
      "computed from units, clock and width",
      "uncertain, or sources conflict",
      "given by the user",
  };
  return Meanings[static_cast<unsigned>(E)];
}

llvm::ArrayRef<Gpu> gpus() {
  static const std::vector<Gpu> Table = makeTable();
  return Table;
}

const Gpu *findGpu(llvm::StringRef Key, llvm::ArrayRef<Gpu> Own) {
  auto Named = [&](const Gpu &G) { return Key.equals_insensitive(G.Key); };
  if (const Gpu *It = llvm::find_if(Own, Named); It != Own.end())
    return It;
  llvm::ArrayRef<Gpu> Table = gpus();
  if (const Gpu *It = llvm::find_if(Table, Named); It != Table.end())
    return It;
  return Key.equals_insensitive("cpu") ? findGpu("generic-cpu") : nullptr;
}

std::string nearestGpuKey(llvm::StringRef Key, llvm::ArrayRef<Gpu> Own) {
  std::string Wanted = Key.lower();
  llvm::StringRef W = Wanted;
  llvm::StringRef Best;
  // The start of a key ("a100", "mi300") means one of those that start so;
  // otherwise a slip of at most a third of the letters.
  unsigned BestDistance = 1 + std::max<size_t>(1, W.size() / 3);
  bool BestInFamily = false;
  auto Look = [&](const Gpu &G) {
    llvm::StringRef Candidate = G.Key;
    bool InFamily = W.size() >= 2 && Candidate.starts_with_insensitive(W);
    unsigned Distance = W.edit_distance(Candidate.lower());
    if (InFamily != BestInFamily ? InFamily : Distance < BestDistance) {
      Best = Candidate;
      BestDistance = Distance;
      BestInFamily = InFamily;
    }
  };
  llvm::for_each(Own, Look);
  llvm::for_each(gpus(), Look);
  return Best.str();
}

std::optional<double> matrixPeak(const Gpu &G, ElemType Type,
                                 Float32Products Mode) {
  if (Type == ElemType::Float64) // CPUs and consumer cards have one rate
    return G.rate(Rate::FP64Matrix) ? G.rate(Rate::FP64Matrix)
                                    : G.rate(Rate::FP64);
  if (std::optional<Rate> R = matrixRate(Type, Mode))
    return G.rate(*R);
  return std::nullopt;
}

std::optional<double> vectorPeak(const Gpu &G) { return G.rate(Rate::FP32); }

std::optional<double> machineBalance(const Gpu &G, ElemType Type,
                                     Float32Products Mode) {
  std::optional<double> Peak = matrixPeak(G, Type, Mode);
  if (!Peak)
    return std::nullopt;
  return *Peak / G.Bandwidth;
}

} // namespace xfa
