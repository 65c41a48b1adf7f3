//===- MaskProofTypes.cpp - what number types make of values --------------===//
//
// Positions are integers without bound here; a graph keeps them in a type. A
// narrow float rounds them, a narrow integer wraps. Where a type is exact for
// sequences that are short enough, the proof holds for those, and says so.
//
//===----------------------------------------------------------------------===//

#include "MaskProofOperands.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

namespace xfa {

/// Shorter sequences are no use.
static constexpr int64_t Shortest = 16;

namespace {
/// The integers around 0 that a type has all of.
struct IntegerRange {
  int64_t Low, High;
};
} // namespace

static std::optional<IntegerRange> exactIntegers(ElemType Type) {
  constexpr int64_t Max = std::numeric_limits<int64_t>::max();
  unsigned Bits = elemBits(Type);
  switch (elemClass(Type)) {
  case ElemClass::Signed: {
    int64_t High = Bits >= 64 ? Max : (int64_t(1) << (Bits - 1)) - 1;
    return IntegerRange{-High - 1, High};
  }
  case ElemClass::Unsigned:
    return IntegerRange{0, Bits >= 63 ? Max : (int64_t(1) << Bits) - 1};
  case ElemClass::Float: {
    unsigned Mantissa = Type == ElemType::Float64    ? 53
                        : Type == ElemType::Float32  ? 24
                        : Type == ElemType::Float16  ? 11
                        : Type == ElemType::BFloat16 ? 8
                                                     : 2;
    int64_t High = int64_t(1) << Mantissa;
    return IntegerRange{-High, High};
  }
  default:
    return std::nullopt;
  }
}

static double rounded(double D, ElemType Type) {
  const llvm::fltSemantics *To = nullptr;
  if (Type == ElemType::Float32)
    To = &llvm::APFloat::IEEEsingle();
  else if (Type == ElemType::Float16)
    To = &llvm::APFloat::IEEEhalf();
  else if (Type == ElemType::BFloat16)
    To = &llvm::APFloat::BFloat();
  else
    return D;
  llvm::APFloat F(D);
  bool Inexact;
  F.convert(*To, llvm::APFloat::rmNearestTiesToEven, &Inexact);
  F.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
            &Inexact);
  return F.convertToDouble();
}

static bool within(Expr E, const IntegerRange &Range) {
  std::optional<int64_t> Low = lowerBound(E), High = upperBound(E);
  return Low && High && *Low >= Range.Low && *High <= Range.High;
}

/// E, a function of positions, is exact in the type; assumes the longest
/// sequence for which it is, if that is no matter of course.
bool MaskProof::staysExact(Expr E, ElemType Type) {
  IntegerRange Range = *exactIntegers(Type);
  if (within(apply(E), Range))
    return true;
  Expr Past = Frame.Past.isConstant() ? Expr() : Frame.Past;
  bool OnlyTime = true;
  for (llvm::StringRef Name : symbols(E)) {
    Expr Symbol = Store.symbol(Name);
    Expr Limit = Limits.lookup(Symbol);
    OnlyTime &= Symbol == Row || Symbol == Column || Symbol == Frame.New ||
                Symbol == Past ||
                (Limit && (Limit == Frame.New || Limit == Frame.Total));
  }
  auto HoldsUpTo = [&](int64_t Length) {
    Expr Most = Store.constant(Length);
    Substitution Cut;
    for (llvm::StringRef Name : symbols(E))
      Cut[Name] = min(Store.symbol(Name), Most);
    if (within(substitute(E, Cut), Range))
      return true;
    if (!Past)
      return false;
    // A place among the new ones, and those before them, are no more than all.
    for (llvm::StringRef Name : symbols(E)) {
      Expr Symbol = Store.symbol(Name);
      if (Symbol == Row || Symbol == Frame.New ||
          Limits.lookup(Symbol) == Frame.New)
        Cut[Name] = min(Store.symbol("%all", 0), Most) - Past;
      else if (Symbol == Past)
        Cut[Name] = Past;
    }
    return within(substitute(E, Cut), Range);
  };
  if (HoldsUpTo(Unlimited))
    return true;
  if (!HoldsUpTo(Shortest))
    return false;
  int64_t Holds = Shortest, Fails = Unlimited;
  while (Fails - Holds > 1) {
    int64_t Middle = Holds + (Fails - Holds) / 2;
    (HoldsUpTo(Middle) ? Holds : Fails) = Middle;
  }
  assume((OnlyTime ? "sequences are no longer than " : "no size is above ") +
         std::to_string(Holds) + ", so that " + elemTypeName(Type).str() +
         " holds their positions exactly");
  return true;
}

Interval MaskProof::held(const Interval &I, ElemType Type) {
  std::optional<IntegerRange> Range = exactIntegers(Type);
  if (!Range)
    return I;
  bool Float = isFloat(Type);
  if (I.Exact) {
    std::optional<int64_t> C = I.Exact.constant();
    if (!C)
      return staysExact(I.Exact, Type) ? I : Interval::anything();
    if (!Float)
      return *C >= Range->Low && *C <= Range->High ? I : Interval::anything();
    double D = rounded(static_cast<double>(*C), Type);
    return D == static_cast<double>(*C) ? I : Interval::point(D);
  }
  Interval R = I;
  if (Float) {
    R.Low = rounded(I.Low, Type);
    R.High = rounded(I.High, Type);
    return R;
  }
  // What does not fit wraps.
  if (I.Low < static_cast<double>(Range->Low) ||
      I.High > static_cast<double>(Range->High))
    return Interval::anything();
  return R;
}

bool MaskProof::sharesOutColumns(NodeId N, const Index &At,
                                 const Interval &Masked) {
  OpContext Op(M, N, Store, {});
  bool Flattens = Op.opset() < 13;
  int64_t Rank = static_cast<int64_t>(At.size());
  auto Axis =
      OpContext::normalizeAxis(Op.intAttr("axis", Flattens ? 1 : -1), Rank);
  if (!Axis || (Flattens && *Axis != Rank - 1))
    return false;
  llvm::StringRef Name = *Column.asSymbol(), RowName = *Row.asSymbol();
  for (auto [A, E] : llvm::enumerate(At)) {
    auto Names = symbols(E);
    bool Here = static_cast<int64_t>(A) == *Axis;
    if (llvm::is_contained(Names, Name) != Here ||
        (Here && llvm::is_contained(Names, RowName)))
      return false;
  }
  if (Current != Above && Current != Padded && Current != Before)
    return Current == Diagonal || Current == Pair;
  // Where all are masked, all get the same.
  Substitution SavedHypothesis = Hypothesis;
  HypothesisTy SavedCurrent = Current;
  int64_t SavedApart = Apart;
  uint64_t SavedEpoch = Epoch;
  setHypothesis(Diagonal, RowPosition - Row, ColumnPosition - Column);
  bool Open = isOpenBeside(bounds(value(G.operand(N, 0), At)), Masked);
  Hypothesis = SavedHypothesis;
  Current = SavedCurrent;
  Apart = SavedApart;
  Epoch = SavedEpoch;
  return Open;
}

std::optional<Interval> MaskProof::largestColumn(Operands &Ops) {
  if (!Ops.has(0) || !Ops.Facts[0]->HasRank)
    return std::nullopt;
  OpContext Op = Ops.context();
  AxisLinks Links = axisLinks({Op, Ops.Results, Ops.Out, 0});
  auto Mentions = [](Expr E, Expr Symbol) {
    return llvm::is_contained(symbols(E), *Symbol.asSymbol());
  };
  Index Own;
  bool Reduced = false, HasRow = false;
  for (auto [A, L] : llvm::enumerate(Links)) {
    if (L.Kind == AxisLink::Same && L.OutAxis >= 0 &&
        L.OutAxis < static_cast<int>(Ops.At.size())) {
      Own.push_back(Ops.At[L.OutAxis]);
      HasRow |= Own.back() == Row && Ops.Facts[0]->Dims[A] == Frame.New;
      if (Mentions(Own.back(), Column))
        return std::nullopt;
      continue;
    }
    if (L.Kind != AxisLink::Whole || Reduced ||
        Ops.Facts[0]->Dims[A] != Frame.Total)
      return std::nullopt;
    Reduced = true;
    Own.push_back(RowPosition - (ColumnPosition - Column));
  }
  if (!Reduced || !HasRow)
    return std::nullopt;
  // At least what the row's own column holds, at most what any does.
  Interval Least = bounds(value(Ops.Values[0], Own)),
           Most = Ranges[Ops.Values[0]];
  Interval Result{Expr(), Least.Low, Most.High, Least.LowData, Most.HighData};
  if (Op.node().Kind == OpKind::ReduceLogSumExp)
    Result.HighData = true;
  return Result;
}

} // namespace xfa
