//===- ConstantPlane.cpp --------------------------------------------------===//

#include "ConstantPlane.h"

#include "llvm/ADT/APFloat.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace xfa {

/// Beyond this a constant is a weight, not a mask.
static constexpr int64_t MaxElementsRead = int64_t(1) << 26;

ConstantReader::ConstantReader(const Model &M, const ValueFacts &Facts,
                               ConstantId Id, WhichTy Which)
    : Facts(Facts) {
  int64_t Count = 1;
  for (Expr Dim : Facts.Dims) {
    std::optional<int64_t> Size = Dim.constant();
    if (!Size || *Size < 0 || *Size > MaxElementsRead)
      return;
    Count *= *Size;
    if (Count > MaxElementsRead)
      return;
    Dims.push_back(*Size);
  }
  if (!Facts.Known.none()) {
    Readable = Facts.Known.Splat ||
               static_cast<int64_t>(Facts.Known.Elements.size()) == Count;
    return;
  }
  if (!Id)
    return;
  C = &M[Id];
  unsigned Bits = elemBits(C->Elem);
  bool Supported = C->Elem == ElemType::Bool || C->Elem == ElemType::UInt8 ||
                   C->Elem == ElemType::Int8 || C->Elem == ElemType::Float16 ||
                   C->Elem == ElemType::Float32 || C->Elem == ElemType::Int32 ||
                   C->Elem == ElemType::Int64;
  bool Wanted = couldBeMask() || (Which == Tables && Count <= MaxTable);
  Readable = Wanted && Supported && Bits % 8 == 0 &&
             static_cast<int64_t>(C->Payload.size()) == Count * (Bits / 8);
}

bool ConstantReader::couldBeMask() const {
  if (!isFloat(Facts.Elem))
    return true;
  size_t Rank = Facts.Dims.size();
  return Rank >= 2 && Facts.Dims[Rank - 1] == Facts.Dims[Rank - 2];
}

namespace {
/// IEEE 754 binary16.
struct Half {
  uint16_t Bits = 0;
  operator double() const {
    return llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, Bits))
        .convertToDouble();
  }
};
} // namespace

/// The type's elements, by memcpy: the file gives no alignment.
template <typename T>
static bool widenBy(const char *From, int64_t Count,
                    std::optional<std::pair<double, double>> &Range) {
  using Number = std::conditional_t<std::is_integral_v<T>, T, double>;
  Number Low{}, High{};
  for (int64_t I = 0; I < Count; ++I) {
    T Stored;
    std::memcpy(&Stored, From + I * sizeof(T), sizeof(T));
    Number Each = Stored;
    if constexpr (std::is_floating_point_v<Number>)
      if (std::isnan(Each))
        return false;
    Low = I ? std::min(Low, Each) : Each;
    High = I ? std::max(High, Each) : Each;
  }
  double L = static_cast<double>(Low), H = static_cast<double>(High);
  Range = Range
              ? std::pair(std::min(Range->first, L), std::max(Range->second, H))
              : std::pair(L, H);
  return true;
}

bool ConstantReader::widen(
    int64_t Flat, int64_t Count,
    std::optional<std::pair<double, double>> &Range) const {
  if (!C) {
    if (Facts.Known.Splat)
      Count = std::min<int64_t>(Count, 1);
    for (int64_t I = Flat; I < Flat + Count; ++I) {
      Element E = Facts.Known.at(I);
      double D;
      if (E.kind() == Element::Bool)
        D = E.boolean();
      else if (E.kind() == Element::Float)
        D = E.number();
      else if (E.kind() == Element::Int && E.expr().isConstant())
        D = static_cast<double>(*E.expr().constant());
      else
        return false;
      if (std::isnan(D))
        return false;
      Range = Range ? std::pair(std::min(Range->first, D),
                                std::max(Range->second, D))
                    : std::pair(D, D);
    }
    return true;
  }
  const char *From = C->Payload.data() + Flat * (elemBits(C->Elem) / 8);
  switch (C->Elem) {
  case ElemType::Bool:
  case ElemType::UInt8:
    return widenBy<uint8_t>(From, Count, Range);
  case ElemType::Int8:
    return widenBy<int8_t>(From, Count, Range);
  case ElemType::Int32:
    return widenBy<int32_t>(From, Count, Range);
  case ElemType::Int64:
    return widenBy<int64_t>(From, Count, Range);
  case ElemType::Float16:
    return widenBy<Half>(From, Count, Range);
  default:
    return widenBy<float>(From, Count, Range);
  }
}

std::optional<std::pair<double, double>> ConstantReader::range() const {
  ConstantPlane All;
  for (int64_t Dim : Dims) {
    All.Low.push_back(0);
    All.High.push_back(Dim - 1);
  }
  return Readable ? range(All) : std::nullopt;
}

std::optional<std::pair<double, double>>
ConstantReader::range(const ConstantPlane &Plane) const {
  std::optional<std::pair<double, double>> Range;
  size_t Rank = Dims.size();
  llvm::SmallVector<int64_t, 4> Low(Rank), High(Rank);
  for (size_t A = 0; A < Rank; ++A) {
    Low[A] = std::max<int64_t>(Plane.Low[A], 0);
    High[A] = std::min(Plane.High[A], Dims[A] - 1);
    if (Low[A] > High[A])
      return std::nullopt;
  }
  if (Rank == 0)
    return widen(0, 1, Range) ? Range : std::nullopt;
  // Every index but the last, then a run along the last axis.
  llvm::SmallVector<int64_t, 4> At(Low);
  int64_t Last = static_cast<int64_t>(Rank) - 1;
  while (true) {
    int64_t From = Low[Last], To = High[Last];
    bool Cut = Plane.Second == Last && Plane.First >= 0;
    if (Cut && Plane.LowDifference)
      From = std::max(From, At[Plane.First] + *Plane.LowDifference);
    if (Cut && Plane.HighDifference)
      To = std::min(To, At[Plane.First] + *Plane.HighDifference);
    if (From <= To) {
      int64_t Flat = 0;
      for (int64_t A = 0; A < Last; ++A)
        Flat = (Flat + At[A]) * Dims[A + 1];
      if (!widen(Flat + From, To - From + 1, Range))
        return std::nullopt;
    }
    int64_t A = Last - 1;
    for (; A >= 0; --A) {
      if (++At[A] <= High[A])
        break;
      At[A] = Low[A];
    }
    if (A < 0)
      return Range;
  }
}

} // namespace xfa
