//===- TimeAttention.cpp - attention as one operator, through time --------===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

std::optional<TimePass::AttentionRoles> TimePass::attentionRoles(OpKind Kind) {
  using Roles = AttentionRoles;
  switch (Kind) {
  case OpKind::Attention:
    return Roles{"is_causal", 3, 3, -1, {4, 5}};
  case OpKind::MsGroupQueryAttention:
    return Roles{"", 3, -1, -1, {3, 4}};
  case OpKind::MsMultiHeadAttention:
    return Roles{"unidirectional", 3, 5, 4, {6, 7}};
  case OpKind::MsAttention:
    return Roles{"unidirectional", 1, 5, 3, {4}};
  default:
    return std::nullopt;
  }
}

/// Its own flag says that later columns are hidden.
bool TimePass::isCausal(NodeId N, const AttentionRoles &Is) const {
  return Is.CausalFlag.empty() || M[N].intAttribute(Is.CausalFlag) != 0;
}

/// Mask, of which the last axis counts columns and the one before rows, if it
/// is not 1.
std::optional<MaskProof::Plane> TimePass::planeOf(ValueId Mask) {
  const ValueFacts &Shape = G.Facts[Mask];
  if (!Shape.HasRank || Shape.rank() < 1)
    return std::nullopt;
  unsigned Last = static_cast<unsigned>(Shape.rank() - 1);
  const TimeAxis *Column = facts(Mask).axis(Last);
  if (!Column || Column->Length != Frame.Total)
    return std::nullopt;
  const TimeAxis *Row = Last > 0 ? facts(Mask).axis(Last - 1) : nullptr;
  if (Row && Row->Length != Frame.New)
    return std::nullopt;
  // Without rows every row has the same.
  return MaskProof::Plane{Row ? Row->Axis : Last + 1, Column->Axis,
                          Row ? Row->Base : Frame.Past, Column->Base};
}

/// Each row's own column is shown to it.
bool TimePass::showsOwn(ValueId Mask, const MaskProof::Plane &P, bool Adds) {
  Interval Own = Proof.at(Mask, P, MaskProof::Diagonal);
  return Adds ? isOpen(Own)
              : Own.truth() == Truth::True || (Own.isPoint() && Own.Low != 0);
}

/// A mask operand that hides later columns.
bool TimePass::hidesLater(NodeId N, ValueId Mask, const MaskProof::Plane &P,
                          bool Adds) {
  if (P.Row > P.Column)
    return false;
  Proof.clearObstacle();
  Interval Above = Proof.at(Mask, P, MaskProof::Above);
  bool Hides = Adds ? isMasked(Above) : Above.truth() == Truth::False;
  if (!Hides && Adds)
    findLeak(N, Mask, P, true);
  return Hides;
}

/// Attention to another stream, as a decoder's to an encoder's: none of its rows
/// is one of the tokens', nor do they grow with them.
bool TimePass::attendsElsewhere(NodeId N, const AttentionRoles &Is) {
  if (Is.Sequences < 3 || !G.operand(N, 1) || !G.operand(N, 2))
    return false;
  for (unsigned I = 1; I < M[N].Inputs.size(); ++I) {
    const ValueId In = G.operand(N, I);
    if (!In)
      continue;
    const TimeFacts &From = facts(In);
    const bool Rows = I < Is.Sequences || llvm::is_contained(Is.Past, I);
    if (From.Tokens || From.isGlobal() || (Rows && !From.Axes.empty()) ||
        llvm::any_of(From.Axes, [](const TimeAxis &T) {
          return T.Dep != TimeDep::None;
        }))
      return false;
  }
  return true;
}

bool TimePass::fusedAttention(NodeId N, unsigned Out, TimeFacts &F) {
  std::optional<AttentionRoles> Is = attentionRoles(G.kind(N));
  if (!Is)
    return false;
  bool Causal = isCausal(N, *Is);
  auto Operand = [&](int I) {
    return I < 0 ? ValueId() : G.operand(N, static_cast<unsigned>(I));
  };
  ValueId Mask = Operand(Is->Mask), Padding = Operand(Is->Padding);
  const bool Elsewhere = !Causal && attendsElsewhere(N, *Is);
  auto Blame = [&](uint32_t R) {
    for (unsigned I = 0; I < Is->Sequences; ++I)
      if (ValueId In = G.operand(N, I))
        for (const TimeAxis &T : facts(In).Axes)
          if (T.Dep != TimeDep::None)
            return blame(F, true, R);
  };
  MaskProof::Mark Before = Proof.mark();
  bool Holds = true;
  if (Mask && !Elsewhere) {
    bool Adds = G.Facts[Mask].Elem != ElemType::Bool;
    std::optional<MaskProof::Plane> P = planeOf(Mask);
    if (!Causal)
      Causal = P && hidesLater(N, Mask, *P, Adds);
    Holds = Causal;
    if (Causal && !(P && showsOwn(Mask, *P, Adds))) {
      Holds = false;
      Blame(reason(TimeReason::Unknown, N,
                   "its mask is not proved to show each row its own column",
                   "a row of which all is hidden is spread over later ones, "
                   "too: positions and constants would have to show its own"));
    }
  }
  if (!Causal && !Elsewhere) {
    uint32_t Why = Refusal;
    // Surely so where the keys' rows are positions.
    ValueId Keys = Is->Sequences > 1 ? G.operand(N, 1) : G.operand(N, 0);
    const ValueFacts *Shape = Keys ? &G.Facts[Keys] : nullptr;
    bool Open = !Mask && !Padding && Shape && Shape->HasRank &&
                facts(Keys).axis(Shape->rank() == 4 ? 2 : 1);
    if (Why == TimeFacts::Nothing)
      Why = reason(Open ? TimeReason::Leaks : TimeReason::Unknown, N,
                   Open ? "has no mask: row 0 sees column 1"
                        : "its mask is not proved to hide later columns",
                   "the operator's flag, or a mask that follows from positions "
                   "and constants, would have to hide them");
    if (Open)
      Result.Reasons[Why].Leak = {0, 1};
    Blame(Why);
  }
  if (Padding && !Elsewhere) {
    std::optional<MaskProof::Plane> P = planeOf(Padding);
    bool Shows = G.Facts[Padding].rank() == 2 && P && P->Row > P->Column &&
                 showsOwn(Padding, *P, /*Adds=*/false);
    Holds &= Shows;
    if (!Shows)
      Blame(reason(TimeReason::Unknown, N,
                   "its padding is not proved to show each row its own column",
                   "it would have to be [sequences, positions], from an input "
                   "that marks padding or from positions and constants"));
  }
  if (!Holds)
    Proof.forgetSince(Before);
  else if (!Elsewhere && (Is->Padding < 0 || !Padding)) {
    std::optional<MaskProof::Plane> P =
        Mask ? planeOf(Mask) : std::optional<MaskProof::Plane>();
    bool Adds = Mask && G.Facts[Mask].Elem != ElemType::Bool;
    expectPaddingHidden(
        N, P ? Mask : ValueId(), P.value_or(MaskProof::Plane()),
        Adds ? isMasked
             : [](const Interval &I) { return I.truth() == Truth::False; });
  }
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId In = G.operand(N, I);
    if (!In)
      continue;
    const TimeFacts &From = facts(In);
    takeOver(N, From, F);
    bool Reads = I < Is->Sequences || In == Mask || In == Padding;
    if (!From.isStable() && Reads)
      blame(F, false, From.Unstable);
    if (llvm::is_contained(Is->Past, I) && From.Tokens)
      blame(F, true,
            reason(TimeReason::Unknown, N,
                   "takes earlier positions from the tokens of this step",
                   "they would have to be an input of the graph"));
    for (const TimeAxis &T : From.Axes)
      if (T.Dep != TimeDep::None)
        for (TimeAxis &O : F.Axes)
          depend(F, O.Axis, O.Outer, O.Inner, O.Length,
                 Elsewhere ? T.Dep : TimeDep::Prefix, T.Shift);
  }
  if (F.Axes.empty() && F.Tokens && (Causal || Elsewhere) &&
      G.Facts[M[N].Outputs[Out]].HasRank)
    blame(F, true,
          reason(TimeReason::Unknown, N, "gives a result without a time axis",
                 "its result would have to have a row for each position"));
  return true;
}

} // namespace xfa
