//===- MaskProofPlaces.cpp - nodes that move elements or make them --------===//

#include "MaskProofOperands.h"

#include "xfa/Analysis/ReshapeLinks.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

Interval MaskProof::moved(NodeId N, const Index &At, Operands &Ops) {
  ValueId Result = M[N].Outputs[Ops.Out];
  if (!Ops.has(0) || !Ops.Facts[0]->HasRank)
    return unknownOf(Result);
  switch (G.kind(N)) {
  case OpKind::Reshape:
  case OpKind::Flatten: {
    auto Index = reshapedIndex(
        Ops.Facts[0]->Dims, G.Facts[Result].Dims, At,
        [&](Expr E, Expr Dim) { return inside(E, Dim); },
        [&](Expr E, llvm::ArrayRef<Expr> Dims, size_t I) {
          return part(E, Dims, I);
        });
    if (!Index)
      return unknownOf(Result);
    return value(Ops.Values[0], *Index);
  }
  case OpKind::Concat:
    return joined(N, At, Ops);
  case OpKind::Gather:
  case OpKind::GatherND:
    return gathered(N, At, Ops);
  case OpKind::Pad: {
    std::optional<Index> Place = Ops.index(0);
    if (!Place)
      return unknownOf(Result);
    bool In = true;
    Interval Fill = Ops.has(2) ? bounds(Ops.scalar(2)) : Interval::point(0);
    for (auto [E, Dim] : llvm::zip(*Place, Ops.Facts[0]->Dims)) {
      if (isLess(E, Store.constant(0)) == Truth::True ||
          isLessEqual(Dim, E) == Truth::True)
        return Fill;
      In &= inside(E, Dim);
    }
    Interval Moved = value(Ops.Values[0], *Place);
    return In ? Moved : hull(bounds(Moved), Fill);
  }
  default:
    return Ops.get(0);
  }
}

/// Concat: the piece that holds the element; all of them where that depends.
Interval MaskProof::joined(NodeId N, const Index &At, Operands &Ops) {
  OpContext Op = Ops.context();
  auto Axis = OpContext::normalizeAxis(Op.intAttr("axis", 0), At.size());
  std::optional<Interval> Result;
  // One formula for all pieces: a piece of length 1 may be what the formula of
  // another gives at its place.
  Expr Formula;
  llvm::SmallVector<std::pair<Expr, Expr>, 2> Singles; // place, value
  bool Uniform = true;
  for (unsigned I = 0; Axis && I < Ops.Values.size(); ++I) {
    std::optional<Index> Place = Ops.index(I);
    if (!Place)
      return unknownOf(M[N].Outputs[0]);
    Expr E = (*Place)[*Axis], Dim = Ops.Facts[I]->Dims[*Axis];
    if (isLess(E, Store.constant(0)) == Truth::True ||
        isLessEqual(Dim, E) == Truth::True)
      continue;
    if (inside(E, Dim))
      return value(Ops.Values[I], *Place);
    Interval Exactly = value(Ops.Values[I], *Place);
    Interval Each = bounds(Exactly);
    Result = Result ? hull(*Result, Each) : Each;
    if (!Exactly.Exact)
      Uniform = false;
    else if (Dim.is(1))
      Singles.push_back({At[*Axis] - E, Exactly.Exact});
    else if (Formula)
      Uniform = false;
    else
      Formula = Exactly.Exact;
  }
  std::optional<llvm::StringRef> Name =
      Axis ? At[*Axis].asSymbol() : std::nullopt;
  if (Uniform && Formula && Name && llvm::all_of(Singles, [&](const auto &S) {
        Substitution There;
        There[*Name] = S.first;
        return substitute(Formula, There) == substitute(S.second, There);
      }))
    return Interval::exact(Formula);
  return Result.value_or(unknownOf(M[N].Outputs[0]));
}

Interval MaskProof::gathered(NodeId N, const Index &At, Operands &Ops) {
  ValueId Result = M[N].Outputs[0];
  if (!Ops.has(1) || !Ops.Facts[1]->HasRank)
    return unknownOf(Result);
  const ValueFacts &Data = *Ops.Facts[0];
  size_t IndexRank = Ops.Facts[1]->rank();
  OpContext Op = Ops.context();
  auto Exactly = [&](const Index &Where, Expr Dim) -> Expr {
    Interval I = value(Ops.Values[1], Where);
    if (!I.Exact)
      return Expr();
    if (isLessEqual(Store.constant(0), I.Exact) == Truth::True)
      return I.Exact;
    return isLess(I.Exact, Store.constant(0)) == Truth::True ? I.Exact + Dim
                                                             : Expr();
  };
  Index Place;
  if (G.kind(N) == OpKind::Gather) {
    auto Axis = OpContext::normalizeAxis(Op.intAttr("axis", 0), Data.rank());
    if (!Axis || At.size() != Data.Dims.size() - 1 + IndexRank)
      return unknownOf(Result);
    Index Where(At.begin() + *Axis, At.begin() + *Axis + IndexRank);
    Expr E = Exactly(Where, Data.Dims[*Axis]);
    if (!E)
      return unknownOf(Result);
    Place.append(At.begin(), At.begin() + *Axis);
    Place.push_back(E);
    Place.append(At.begin() + *Axis + IndexRank, At.end());
    return value(Ops.Values[0], Place);
  }
  // GatherND: the indices' last axis lists one index of the data.
  int64_t Length =
      IndexRank ? Ops.Facts[1]->Dims.back().constant().value_or(-1) : -1;
  int64_t Batch = Op.intAttr("batch_dims", 0);
  if (Length < 0 || Batch < 0 || Length + Batch > Data.rank() ||
      At.size() < IndexRank - 1)
    return unknownOf(Result);
  Index Where(At.begin(), At.begin() + IndexRank - 1);
  Place.append(At.begin(), At.begin() + Batch);
  Where.push_back(Store.constant(0));
  for (int64_t I = 0; I < Length; ++I) {
    Where.back() = Store.constant(I);
    Expr E = Exactly(Where, Data.Dims[Batch + I]);
    if (!E)
      return unknownOf(Result);
    Place.push_back(E);
  }
  Place.append(At.begin() + IndexRank - 1, At.end());
  return value(Ops.Values[0], Place);
}

bool MaskProof::writesInPlace(NodeId N) {
  auto [It, New] = InPlace.try_emplace(N, false);
  ValueId Data = G.operand(N, 0), Indices = G.operand(N, 1);
  if (!New || G.kind(N) != OpKind::ScatterND || !Data || !Indices)
    return It->second;
  const Attribute *Reduction = M[N].attribute("reduction");
  const Shape &To = G.Facts[Data].Dims, &At = G.Facts[Indices].Dims;
  size_t Rank = To.size();
  if ((Reduction && Reduction->S != "none") || !G.Facts[Data].HasRank ||
      !G.Facts[Indices].HasRank || At.size() != Rank + 1 ||
      !At.back().is(static_cast<int64_t>(Rank)) ||
      !std::equal(To.begin(), To.end(), At.begin()))
    return false;
  // For every place: without the hypothesis at hand.
  Substitution Kept = std::exchange(Hypothesis, Substitution());
  HypothesisTy KeptCurrent = std::exchange(Current, Nothing);
  uint64_t KeptEpoch = std::exchange(Epoch, PlaceEpoch);
  Index Place;
  for (auto [Axis, Dim] : llvm::enumerate(To))
    Place.push_back(Dim.is(1) ? Store.constant(0)
                              : place(static_cast<unsigned>(Axis), Dim));
  Place.push_back(Expr());
  bool Same = true;
  for (size_t Axis = 0; Same && Axis < Rank; ++Axis) {
    Place.back() = Store.constant(static_cast<int64_t>(Axis));
    Same = value(Indices, Place).Exact == Place[Axis];
  }
  Hypothesis = std::move(Kept);
  Current = KeptCurrent;
  Epoch = KeptEpoch;
  return InPlace[N] = Same;
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

Interval MaskProof::generated(NodeId N, const Index &At, Operands &Ops) {
  ValueId Result = M[N].Outputs[0];
  OpContext Op = Ops.context();
  switch (G.kind(N)) {
  case OpKind::Range: {
    Interval First = Ops.scalar(0), Step = Ops.scalar(2);
    if (First.Exact && Step.Exact)
      return Interval::exact(First.Exact + Step.Exact * At[0]);
    return Interval::data();
  }
  case OpKind::ConstantOfShape: {
    const Constant *C = Op.tensorAttr("value");
    if (!C)
      return Interval::exact(Store.constant(0));
    if (!C->Kept || C->Ints.size() + C->Floats.size() != 1)
      return unknownOf(Result);
    if (!C->Ints.empty())
      return asValue(Element::integer(Store.constant(C->Ints[0])));
    return asValue(Element::number(C->Floats[0]));
  }
  case OpKind::Trilu:
  case OpKind::EyeLike: {
    bool Eye = G.kind(N) == OpKind::EyeLike;
    if (At.size() < 2)
      return unknownOf(Result);
    Expr K = Store.constant(Eye ? Op.intAttr("k", 0) : 0);
    if (!Eye && Ops.has(1)) {
      Interval Given = Ops.scalar(1);
      if (!Given.Exact)
        return hull(bounds(Ops.get(0)), Interval::point(0));
      K = Given.Exact;
    }
    Expr Difference = At[At.size() - 1] - At[At.size() - 2];
    Truth Below = isLess(Difference, K), Over = isLess(K, Difference);
    if (Eye) {
      if (Below == Truth::True || Over == Truth::True)
        return Interval::point(0);
      return Below == Truth::False && Over == Truth::False
                 ? Interval::point(1)
                 : Interval::unknownBool();
    }
    Truth Dropped = Op.intAttr("upper", 1) != 0 ? Below : Over;
    if (Dropped == Truth::True)
      return Interval::exact(Store.constant(0));
    if (Dropped == Truth::False)
      return Ops.get(0);
    return hull(bounds(Ops.get(0)), Interval::point(0));
  }
  case OpKind::CumSum: {
    // The sum of equal numbers.
    Interval Axis = Ops.scalar(1);
    std::optional<int64_t> A =
        Axis.Exact ? Axis.Exact.constant() : std::nullopt;
    auto Along = A ? OpContext::normalizeAxis(*A, At.size()) : std::nullopt;
    if (!Along || Op.intAttr("reverse", 0) != 0)
      return unknownOf(Result);
    Index Somewhere = At;
    // An axis that no tensor here has: distinct from every place in At.
    Expr Summed = place(static_cast<unsigned>(At.size() + *Along),
                        G.Facts[Result].Dims[*Along]);
    Somewhere[*Along] = Summed;
    Interval Each = value(Ops.Values[0], Somewhere);
    if (Each.isPoint() && Each.Low == std::floor(Each.Low) &&
        std::abs(Each.Low) < 1e15)
      Each = Interval::exact(Store.constant(static_cast<int64_t>(Each.Low)));
    if (!Each.Exact ||
        llvm::is_contained(symbols(Each.Exact), *Summed.asSymbol()))
      return unknownOf(Result);
    return Interval::exact(Each.Exact *
                           (At[*Along] + (1 - Op.intAttr("exclusive", 0))));
  }
  default:
    return unknownOf(Result);
  }
}

} // namespace xfa
