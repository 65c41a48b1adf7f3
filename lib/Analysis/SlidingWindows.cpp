//===- SlidingWindows.cpp - how many keys a row attends to at most (T8) ---===//
//
// A mask is a window of W keys where every row sees the keys of some number of
// positions before it to some number after it, W together, and none beyond.
// Both ends are proved: what is farther away is hidden, what stands there is
// not. So a mask of chunks is no window: which keys it hides depends on where
// in its chunk a row is.
//
//===----------------------------------------------------------------------===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// How far from a row the keys reach that it sees, to one side: the least
/// distance beyond which all are hidden, less one. Side: 1 after it, -1 before
/// it. None where that is not proved.
std::optional<int64_t> TimePass::reach(const ScoresMask &Mask, int Side) {
  auto HiddenFrom = [&](int64_t Distance) {
    Interval Far = Proof.beyond(Mask.Of, Mask.Place, Side * Distance);
    return Mask.Boolean ? Far.truth() == Truth::False : isMasked(Far);
  };
  // What is computed reaches a number whatever the length is; what is stored
  // ends with its table.
  int64_t Hidden = Unlimited;
  bool Ends = HiddenFrom(Hidden);
  for (size_t I = 0; !Ends && I < Proof.squaresRead().size(); ++I) {
    Hidden = Proof.squaresRead()[I] - 1;
    Ends = Hidden > 1 && HiddenFrom(Hidden);
  }
  if (!Ends)
    return std::nullopt;
  int64_t Seen = 0; // the row's own
  while (Hidden - Seen > 1) {
    int64_t Middle = Seen + (Hidden - Seen) / 2;
    (HiddenFrom(Middle) ? Hidden : Seen) = Middle;
  }
  if (!Mask.Boolean)
    Proof.assumeFill(Proof.beyond(Mask.Of, Mask.Place, Side * Hidden));
  Interval Last = Proof.away(Mask.Of, Mask.Place, Side * Seen);
  bool Open = Mask.Boolean ? Last.truth() == Truth::True : isOpen(Last);
  return Open ? std::optional(Seen) : std::nullopt;
}

/// The keys that a row sees at most, by a mask that hides the others.
std::optional<int64_t> TimePass::windowOf(const ScoresMask &Mask,
                                          bool HidesLater) {
  MaskProof::Mark Start = Proof.mark();
  std::optional<int64_t> Before = reach(Mask, -1);
  std::optional<int64_t> After;
  if (Before)
    After = HidesLater ? 0 : reach(Mask, 1);
  if (!After) {
    Proof.forgetSince(Start);
    return std::nullopt;
  }
  return *Before + 1 + *After;
}

/// The mask of the scores that a core's softmax goes over.
std::optional<TimePass::ScoresMask>
TimePass::maskOfScores(const AttentionCore &Core) {
  const TimeAxis *Column = facts(Core.Scored).axis(Core.KeyAxis);
  if (!Column || !Column->pure() || Column->Length != Frame.Total)
    return std::nullopt;
  for (const TimeAxis &Row : facts(Core.Scored).Axes)
    if (Row.Axis != Core.KeyAxis && Row.pure() && Row.Length == Frame.New)
      return ScoresMask{Core.Scored,
                        {Row.Axis, Column->Axis, Row.Base, Column->Base},
                        /*Boolean=*/false};
  return std::nullopt;
}

/// What hides keys of an operator that is a whole core. HidesLater: a flag of
/// it hides later ones.
std::optional<TimePass::ScoresMask> TimePass::maskOfOperator(NodeId N,
                                                             bool &HidesLater) {
  std::optional<AttentionRoles> Is = attentionRoles(G.kind(N));
  if (!Is || Is->Mask < 0)
    return std::nullopt;
  HidesLater = isCausal(N, *Is);
  ValueId Mask = G.operand(N, static_cast<unsigned>(Is->Mask));
  std::optional<MaskProof::Plane> Place =
      Mask ? planeOf(Mask) : std::optional<MaskProof::Plane>();
  if (!Place || Place->Row > Place->Column)
    return std::nullopt;
  return ScoresMask{Mask, *Place, G.Facts[Mask].Elem == ElemType::Bool};
}

void TimePass::findWindows(const Structure &Found) {
  for (const Block &B : Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (Core.Cross || Core.Window)
        continue;
      bool HidesLater = false;
      std::optional<ScoresMask> Mask =
          Core.Fused ? maskOfOperator(Core.Softmax, HidesLater)
                     : maskOfScores(Core);
      if (!Mask)
        continue;
      if (std::optional<int64_t> Window = windowOf(*Mask, HidesLater))
        Result.Windows[Core.Softmax] = *Window;
    }
  for (std::string &Each : Proof.assumptions())
    if (!llvm::is_contained(Result.Assumptions, Each))
      Result.WindowAssumptions.push_back(std::move(Each));
}

void limitKeys(Structure &Found, const TimeDependence &Time, ExprStore &Store) {
  for (Block &B : Found.Blocks) {
    bool Limited = false;
    for (AttentionCore &Core : B.Attention) {
      if (auto It = Time.Windows.find(Core.Softmax); It != Time.Windows.end())
        Core.Window = Store.constant(It->second);
      if (!Core.Window)
        continue;
      Limited = true;
      if (!Found.Window)
        Found.Window = Core.Window;
      if (Core.Window != Found.Window)
        Found.differs(B.Layer, "window", Core.Window, Found.Window);
    }
    if (Limited)
      Found.WindowedLayers += B.layers();
  }
}

} // namespace xfa
