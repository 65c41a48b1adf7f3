//===- RowMask.cpp - whether a mask hides from one row what another sees --===//
//
// What tells a decoder's mask from padding where causality is not proved. No
// proof itself: where it cannot see, the answer is that the mask may.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace xfa {

/// The axis of In that Axis of Out is, where the shapes differ in ones only.
static std::optional<unsigned>
throughOnes(llvm::ArrayRef<Expr> Out, unsigned Axis, llvm::ArrayRef<Expr> In) {
  auto IsOne = [](Expr D) { return D.is(1); };
  llvm::SmallVector<unsigned, 6> Axes;
  for (unsigned A = 0; A < In.size(); ++A)
    if (!IsOne(In[A]))
      Axes.push_back(A);
  unsigned Before = 0, Count = 0;
  for (unsigned A = 0; A < Out.size(); ++A) {
    if (IsOne(Out[A]))
      continue;
    Before += A < Axis;
    if (Count == Axes.size() || Out[A] != In[Axes[Count]])
      return std::nullopt;
    ++Count;
  }
  return Count == Axes.size() ? std::optional(Axes[Before]) : std::nullopt;
}

/// Along the axis that is FromEnd axes before the last, 1 for a row of scores.
/// Seen: what has been looked at.
bool Recogniser::hidesBy(unsigned FromEnd, ValueId V,
                         llvm::SmallDenseSet<ValueId, 16> &Seen) const {
  V = G.canonical(V);
  const ValueFacts &F = Facts[V];
  if (F.HasRank && (F.rank() <= static_cast<int64_t>(FromEnd) ||
                    F.Dims[F.rank() - 1 - FromEnd].is(1)))
    return false;
  if (!F.HasRank || !Seen.insert(V).second)
    return !F.HasRank;
  if (F.Known.Splat)
    return false;
  NodeId N = G.producer(V);
  if (!N)
    return true;
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
  // nothing.
  if (Kind == OpKind::Gather && First && M[First].Const &&
      isFloat(Facts[First].Elem) && !G.folded(G.operand(N, 1)))
    return false;
  if (Kind == OpKind::Transpose && First && Facts[First].HasRank) {
    const Attribute *Perm = M[N].attribute("perm");
    const unsigned Rank = static_cast<unsigned>(F.rank());
    const int64_t Axis = Perm && Perm->Ints.size() == Rank
                             ? Perm->Ints[Rank - 1 - FromEnd]
                             : FromEnd;
    return hidesBy(Rank - 1 - static_cast<unsigned>(Axis), First, Seen);
  }
  if ((opTraits(Kind) & trait::View) && First && Facts[First].HasRank)
    if (std::optional<unsigned> Axis =
            throughOnes(F.Dims, F.rank() - 1 - FromEnd, Facts[First].Dims))
      return hidesBy(Facts[First].rank() - 1 - *Axis, First, Seen);
  return true;
}

bool Recogniser::hidesByRow(ValueId Mask) const {
  llvm::SmallDenseSet<ValueId, 16> Seen;
  return Mask && hidesBy(1, Mask, Seen);
}

} // namespace xfa
