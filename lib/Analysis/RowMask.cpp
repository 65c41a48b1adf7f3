//===- RowMask.cpp - whether a mask hides from one row what another sees --===//
//
// What tells a decoder's mask from padding where causality is not proved. No
// proof itself: where it cannot see, the answer is that the mask may.
//
//===----------------------------------------------------------------------===//

#include "ConstantPlane.h"
#include "Recogniser.h"
#include "SoftmaxAxis.h"

#include "xfa/Analysis/AxisLinks.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace xfa {

/// Along the axis that is FromEnd axes before the last, 1 for a row of scores.
/// Seen: what has been looked at.
bool Recogniser::hidesBy(unsigned FromEnd, ValueId V, AxesSeen &Seen) const {
  V = G.canonical(V);
  const ValueFacts &F = Facts[V];
  if (F.HasRank && (F.rank() <= static_cast<int64_t>(FromEnd) ||
                    F.Dims[F.rank() - 1 - FromEnd].is(1)))
    return false;
  if (!F.HasRank || !Seen.insert({V, FromEnd}).second)
    return !F.HasRank;
  if (F.Known.Splat)
    return false;
  NodeId N = G.producer(V);
  // Numbers of each head's own are learned; a mask is the same for all heads.
  if (!N)
    return !(M[V].Const && isFloat(F.Elem) && F.rank() >= 3 &&
             !F.Dims[F.rank() - 3].is(1));
  ValueId First = G.operand(N, 0);
  OpKind Kind = G.kind(N);
  // Where operands are put together piece by piece, one that is the same in all
  // columns opens or hides whole rows.
  const bool Joins = Kind == OpKind::And || Kind == OpKind::Or ||
                     Kind == OpKind::Add || Kind == OpKind::Mul ||
                     Kind == OpKind::Expand;
  auto SameInAllColumns = [&](ValueId In) {
    const ValueFacts &Of = Facts[In];
    return FromEnd == 1 && Of.HasRank &&
           (Of.rank() == 0 || Of.Dims.back().is(1));
  };
  if ((opTraits(Kind) & trait::Elementwise) || Kind == OpKind::Cast ||
      Kind == OpKind::Concat || Kind == OpKind::Expand ||
      Kind == OpKind::Slice) {
    const size_t Count = Kind == OpKind::Expand || Kind == OpKind::Slice
                             ? 1
                             : M[N].Inputs.size();
    return llvm::any_of(llvm::seq<unsigned>(0, Count), [&](unsigned I) {
      ValueId In = G.operand(N, I);
      return In && !(Joins && SameInAllColumns(In)) &&
             hidesBy(FromEnd, In, Seen);
    });
  }
  // A table of learned numbers, as relative positions look them up, hides
  // nothing; neither do products of it with queries or keys.
  if (asContraction(G, N, Store))
    return false;
  if (Kind == OpKind::GatherElements)
    return hidesBy(FromEnd, First, Seen);
  if (Kind == OpKind::Gather && First && M[First].Const &&
      isFloat(Facts[First].Elem) && !G.folded(G.operand(N, 1)))
    return false;
  const bool Regroups = Kind == OpKind::Transpose || Kind == OpKind::Identity ||
                        Kind == OpKind::Reshape || Kind == OpKind::Squeeze ||
                        Kind == OpKind::Unsqueeze;
  if (Regroups && First && Facts[First].HasRank)
    if (std::optional<int64_t> Axis =
            axisBefore(G, N, 0, F.rank() - 1 - FromEnd, Store))
      return hidesBy(static_cast<unsigned>(Facts[First].rank() - 1 - *Axis),
                     First, Seen);
  return true;
}

/// A mask is made from what says yes or no, from a triangle, from numbers too
/// low for a softmax, or it is the caller's. Learned numbers and distances,
/// however they come about, hide nothing.
bool Recogniser::mayHide(ValueId Mask) const {
  constexpr double Low = -50; // e^-50 is nothing beside 1 in fp32
  llvm::SmallVector<ValueId, 16> Work = {G.canonical(Mask)};
  llvm::SmallDenseSet<ValueId, 16> Seen;
  while (!Work.empty()) {
    ValueId V = Work.pop_back_val();
    if (!V || !Seen.insert(V).second)
      continue;
    if (Facts[V].Elem == ElemType::Bool)
      return true;
    ConstantReader Reader(M, Facts[V], M[V].Const, ConstantReader::Tables);
    if (auto Range = Reader.range()) {
      if (Range->first <= Low)
        return true;
      continue;
    }
    NodeId N = G.producer(V);
    if (!N) {
      if (!M[V].Const || Reader.couldBeMask())
        return true;
      continue;
    }
    const OpKind Kind = G.kind(N);
    if (readsShapeOnly(Kind) || asContraction(G, N, Store))
      continue;
    if (Kind == OpKind::Unknown || Kind == OpKind::Trilu || M[N].hasBody())
      return true;
    const bool Gathers = Kind == OpKind::Gather ||
                         Kind == OpKind::GatherElements ||
                         Kind == OpKind::GatherND;
    // Places to look at are no numbers.
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (!isStructuralOperand(Kind, I) && !(Gathers && I == 1))
        Work.push_back(G.operand(N, I));
  }
  return false;
}

bool Recogniser::hidesByRow(ValueId Mask) const {
  AxesSeen Seen;
  return Mask && hidesBy(1, Mask, Seen) && mayHide(Mask);
}

} // namespace xfa
