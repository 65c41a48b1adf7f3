//===- Positions.cpp - how the model tells one position from another ------===//
//
// Rotary: angles multiply queries and keys. ALiBi: a slope for each head times
// positions is added to the scores. Relative: learned numbers for the distance
// of row and column are. Learned: rows of a table are added to the stream.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

#include "xfa/Analysis/Operands.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace xfa {

/// A row of width D for each position, added to what patches or frames gave.
bool Recogniser::addsTable(NodeId N) const {
  if (G.kind(N) != OpKind::Add || Cores.empty() || Cores.front().Q < 0)
    return false;
  Expr Width = Products[Cores.front().Q].In;
  auto IsTable = [&](ValueId V) {
    const ValueFacts &F = Facts[V];
    return G.isWeight(G.strip(V)) && F.HasRank && F.rank() >= 2 &&
           F.Dims.back() == Width && !F.Dims[F.rank() - 2].is(1);
  };
  ValueId A = G.operand(N, 0), B = G.operand(N, 1);
  return A && B && IsTable(A) != IsTable(B);
}

/// Whether Other, which multiplies queries or keys, is a number for each
/// position and channel, [..., N, head_dim]: not ones, nor a gain for each head
/// and channel that all positions share.
bool Recogniser::isAngles(ValueId Other, const FoundCore &C) const {
  if (!Other)
    return false;
  const ValueFacts &F = Facts[Other];
  if (!F.HasRank)
    return true;
  if (F.Known.Splat || F.rank() < 2)
    return false;
  return llvm::any_of(llvm::drop_end(F.Dims), [&](Expr Dim) {
    return !Dim.is(1) && Dim != C.Core.Heads && Dim != C.Core.KvHeads;
  });
}

/// What is added to the scores, upwards from an operand of the mask. LookedUp:
/// some of V's rows are taken.
std::optional<Recogniser::BiasKind>
Recogniser::biasOf(ValueId V, Expr Heads,
                   llvm::SmallDenseSet<ValueId, 16> &Seen,
                   bool LookedUp) const {
  V = G.canonical(V);
  if (!V || !Seen.insert(V).second || !isFloat(Facts[V].Elem))
    return std::nullopt;
  const ValueFacts &F = Facts[V];
  NodeId N = G.producer(V);
  if (!N || G.kind(N) == OpKind::Constant) {
    if (M[V].Const && LookedUp && F.rank() == 2 &&
        llvm::is_contained(F.Dims, Heads))
      return BiasKind::Relative;
    // [heads, rows, columns] of numbers, as a bias inside a window is kept; the
    // same for all rows it says where a column is relative to any of them only
    // if it is a slope.
    if (!M[V].Const || F.rank() < 3 || F.Dims[F.rank() - 3] != Heads ||
        F.Dims.back().is(1))
      return std::nullopt;
    return F.Dims[F.rank() - 2].is(1) ? BiasKind::Alibi : BiasKind::Relative;
  }
  if (asContraction(G, N, Store)) // with queries or keys
    return BiasKind::Relative;
  OpKind Kind = G.kind(N);
  if (Kind == OpKind::MsRelativePositionBias ||
      Kind == OpKind::MsGatedRelativePositionBias)
    return BiasKind::Relative;
  if (Kind == OpKind::Gather && M[G.operand(N, 0)].Const &&
      Facts[G.operand(N, 0)].rank() == 2 && Facts[G.operand(N, 1)].rank() != 1)
    return BiasKind::Relative; // buckets of distances choose from a table
  if (Kind == OpKind::Mul) {
    auto IsSlope = [&](ValueId In) {
      return In && G.folded(In) && !Heads.is(1) &&
             numElements(Store, Facts[In].Dims) == Heads;
    };
    if (IsSlope(G.operand(N, 0)) != IsSlope(G.operand(N, 1)))
      return BiasKind::Alibi;
  }
  const bool LooksUp =
      Kind == OpKind::Gather || Kind == OpKind::GatherElements;
  const bool Passes = (opTraits(Kind) & trait::Elementwise) ||
                      G.isPassThrough(N) || Kind == OpKind::Concat ||
                      Kind == OpKind::Expand || Kind == OpKind::Tile ||
                      Kind == OpKind::Slice || Kind == OpKind::Resize ||
                      LooksUp;
  if (!Passes)
    return std::nullopt;
  const bool AllOperands =
      Kind == OpKind::Concat || (opTraits(Kind) & trait::Elementwise);
  for (unsigned I :
       llvm::seq<unsigned>(0, AllOperands ? M[N].Inputs.size() : 1))
    if (ValueId In = G.operand(N, I))
      if (std::optional<BiasKind> Found =
              biasOf(In, Heads, Seen, LookedUp || LooksUp))
        return Found;
  return std::nullopt;
}

std::string Recogniser::positionScheme() const {
  if (Rotary)
    return "rotary";
  for (const FoundCore &C : Cores)
    if (G.kind(C.Core.Softmax) == OpKind::MsGroupQueryAttention &&
        M[C.Core.Softmax].intAttribute("do_rotary") != 0)
      return "rotary";
  for (const FoundCore &C : Cores)
    for (ValueId Mask : C.MaskOperands) {
      llvm::SmallDenseSet<ValueId, 16> Seen;
      if (std::optional<BiasKind> Found = biasOf(Mask, C.Core.Heads, Seen))
        return *Found == BiasKind::Alibi ? "alibi" : "relative";
    }
  return LearnedPositions ? "learned" : "none";
}

} // namespace xfa
