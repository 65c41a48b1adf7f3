//===- KvCachePlan.cpp - from the rows wanted back to what is kept --------===//

#include "KvCachePlan.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

namespace {

/// Walks the main graph from its outputs back, so that all that is wanted of a
/// value is known when its node is reached.
class Walk {
public:
  Walk(const Facts &F, const llvm::DenseSet<ValueId> *Cut) : F(F), Cut(Cut) {}

  std::optional<Obstacle> run();

  llvm::DenseMap<ValueId, llvm::SmallVector<Version, 2>> Versions;
  llvm::SetVector<ValueId> Wanted; ///< Full, by what is computed anew
  llvm::DenseSet<ValueId> Covering;

private:
  void want(ValueId V, Version Which, bool ForHistory);
  bool produce(ValueId V, Version Which);
  bool history(ValueId V);
  NodeId firstUser() const;

  const Facts &F;
  /// Null: the cut is not known yet, every value that may be kept is wanted.
  const llvm::DenseSet<ValueId> *Cut;
  llvm::DenseSet<ValueId> Histories;
  std::optional<Obstacle> Stopped;
};

void Walk::want(ValueId V, Version Which, bool ForHistory) {
  if (F.isKnown(V))
    return;
  Which = F.settle(V, Which);
  auto &List = Versions[V];
  if (!llvm::is_contained(List, Which))
    List.push_back(Which);
  bool Full = Which != 0 && Which == F.full(V);
  if (F.isHistory(V) && Full && !ForHistory)
    Wanted.insert(V);
  if (!F.M[V].Producer && Full && !F.M[V].Const)
    Covering.insert(V);
}

/// The Full version of what depends on tokens: kept, or from operands' ones.
bool Walk::history(ValueId V) {
  bool Kept = Cut && Cut->count(V);
  if (Kept || !Cut)
    if (!F.needsWhole(V))
      want(V, 0, true);
  if (Kept)
    return true;
  if (!F.isCheap(V)) {
    if (Cut)
      Stopped =
          Obstacle{F.M[V].Producer,
                   "is needed for all positions, and follows from nothing "
                   "that is kept: between it and what is kept there "
                   "may be views and scales only"};
    return !Cut;
  }
  std::string Why;
  std::optional<Rule> R = F.rule(V, F.full(V), Why);
  if (!R) {
    Stopped = Obstacle{F.M[V].Producer, Why};
    return false;
  }
  for (const Need &N : R->Needs)
    want(F.M[F.M[V].Producer].Inputs[N.Operand], N.V, true);
  return true;
}

bool Walk::produce(ValueId V, Version Which) {
  if (F.isHistory(V) && Which == F.full(V))
    return history(V);
  if (F.time(V).Tokens && F.time(V).Axes.size() > 1 && Which == F.full(V)) {
    // Axes along which nothing of the tokens runs may be of any length.
    unsigned Along = 0;
    for (const TimeAxis &T : F.time(V).Axes)
      Along += T.Dep != TimeDep::None && T.Length == F.Time.New;
    if (Along > 1) {
      Stopped = Obstacle{F.M[V].Producer,
                         "is needed for all rows and all columns: one of "
                         "them would have to be new only"};
      return false;
    }
  }
  std::string Why;
  std::optional<Rule> R = F.rule(V, Which, Why);
  if (!R) {
    Stopped = Obstacle{F.M[V].Producer, Why};
    return false;
  }
  if (R->Kind == Rule::Rows) {
    for (size_t Bit = 0; Bit < F.time(V).Axes.size(); ++Bit) {
      const TimeAxis &T = F.time(V).Axes[Bit];
      bool Cuts = (R->Whole & ~Which) >> Bit & 1;
      if (Cuts && (!T.pure() || T.Length != F.Time.New)) {
        Stopped = Obstacle{F.M[V].Producer,
                           "mixes positions with another axis, so that new "
                           "rows cannot be cut from it: positions would have "
                           "to be an axis"};
        return false;
      }
    }
    want(V, R->Whole, false);
    return true;
  }
  for (const Need &N : R->Needs)
    want(F.M[F.M[V].Producer].Inputs[N.Operand], N.V, false);
  return true;
}

/// The first node that reads the tokens.
NodeId Walk::firstUser() const {
  for (NodeId N : F.M.main().Nodes)
    if (llvm::is_contained(F.M[N].Inputs, F.Time.Tokens))
      return N;
  return NodeId();
}

std::optional<Obstacle> Walk::run() {
  for (ValueId Out : F.M.main().Outputs)
    want(Out, 0, false);
  for (NodeId N : llvm::reverse(F.M.main().Nodes)) {
    if (F.M[N].Kind == OpKind::Constant)
      continue;
    for (ValueId V : F.M[N].Outputs) {
      if (!V || F.isKnown(V))
        continue;
      // Cutting rows asks for one version more of the same value.
      llvm::SmallVector<Version, 4> Done;
      for (bool More = true; More && !Stopped;) {
        More = false;
        auto It = Versions.find(V);
        if (It == Versions.end())
          break;
        llvm::SmallVector<Version, 2> Each = It->second;
        for (Version Which : Each) {
          if (llvm::is_contained(Done, Which))
            continue;
          Done.push_back(Which);
          More = true;
          if (!produce(V, Which))
            break;
        }
      }
      if (Stopped)
        return Stopped;
    }
  }
  // The tokens themselves are not kept: that would compute the past again.
  // Before the cut is known, everything reaches back to them.
  if (Cut && Covering.count(F.Time.Tokens))
    return Obstacle{firstUser(),
                    "would need the tokens of earlier steps again: what later "
                    "rows read would have to lie behind a table or a product"};
  return std::nullopt;
}

std::string because(const Facts &F, uint32_t Reason) {
  const TimeReason &R = F.Time.Reasons[Reason];
  return R.Needed.empty() ? R.Sentence : R.Sentence + ": " + R.Needed;
}

/// What has to hold before anything is planned.
std::optional<Obstacle> acceptable(const Facts &F) {
  const TimeDependence &T = F.Time;
  if (!T.New)
    return Obstacle{NodeId(), T.WhyNot};
  if (!T.Past.is(0))
    return Obstacle{NodeId(),
                    "attention reads '" + toString(T.Past) +
                        "' more positions than it has rows for: it would have "
                        "to read those of its own rows only"};
  const ValueFacts &Tokens = F.Shapes[T.Tokens];
  if (Tokens.rank() < 2 || Tokens.Dims[1] != T.New)
    return Obstacle{NodeId(), "the tokens '" + F.M[T.Tokens].Name.str() +
                                  "' would have to be [sequences, positions, "
                                  "…]"};
  for (ValueId In : F.M.main().Inputs)
    if (F.time(In).Axes.size() > 1)
      return Obstacle{NodeId(), "input '" + F.M[In].Name.str() +
                                    "' has rows and columns: a mask that the "
                                    "caller makes is not known to be causal, "
                                    "the graph itself would have to make it"};
  for (ValueId Out : F.M.main().Outputs) {
    const TimeFacts &V = F.time(Out);
    NodeId Producer = F.M[Out].Producer;
    if (V.isGlobal())
      return Obstacle{T.Reasons[V.Global].Node, because(F, V.Global)};
    if (!V.isStable())
      return Obstacle{T.Reasons[V.Unstable].Node, because(F, V.Unstable)};
    if (!V.Tokens || V.Axes.size() != 1 || V.Axes[0].Length != T.New ||
        !V.Axes[0].pure())
      return Obstacle{Producer, "gives output '" + F.M[Out].Name.str() +
                                    "': it would have to be [sequences, "
                                    "positions, …], a row for each token"};
    if (V.Axes[0].Dep != TimeDep::None && V.Axes[0].Shift > 0)
      return Obstacle{Producer, "sees the position after its own: a row would "
                                "have to see earlier ones only"};
  }
  if (T.AssumesPadding && T.Unmasked)
    return Obstacle{T.Unmasked, "mixes positions without a mask, so padding "
                                "would reach rows that are none: beside an "
                                "input that marks padding, everything that "
                                "mixes positions would have to look at it"};
  for (NodeId N : F.M.main().Nodes)
    if (F.M[N].Kind == OpKind::Unknown)
      for (ValueId Out : F.M[N].Outputs)
        if (Out && F.time(Out).Tokens)
          return Obstacle{N, "is an operator that is not known: what its rows "
                             "depend on would have to be"};
  return std::nullopt;
}

} // namespace

Plan makePlan(const Facts &F) {
  Plan P;
  P.Refused = acceptable(F);
  if (P.Refused)
    return P;
  Walk All(F, nullptr);
  P.Refused = All.run();
  if (P.Refused)
    return P;
  ValueId Stuck;
  P.Cut = cheapestCut(F, All.Wanted.getArrayRef(), Stuck);
  if (P.Cut.empty()) {
    if (Stuck)
      P.Refused = Obstacle{F.M[Stuck].Producer,
                           "is needed for all positions, and can neither be "
                           "kept nor follow from what is kept: it would have "
                           "to be [sequences, positions, numbers]"};
    else
      P.Refused = Obstacle{NodeId(), "no row needs an earlier one: there is "
                                     "nothing to keep, the graph works on new "
                                     "tokens as it is"};
    return P;
  }
  llvm::sort(P.Cut, [&](ValueId A, ValueId B) {
    return F.M[A].Producer < F.M[B].Producer ||
           (F.M[A].Producer == F.M[B].Producer && A < B);
  });
  llvm::DenseSet<ValueId> Cut(P.Cut.begin(), P.Cut.end());
  Walk Final(F, &Cut);
  P.Refused = Final.run();
  // What was only a detour of the first walk is not kept.
  llvm::erase_if(P.Cut, [&](ValueId V) {
    auto It = Final.Versions.find(V);
    return It == Final.Versions.end() ||
           !llvm::is_contained(It->second, F.full(V));
  });
  P.Versions = std::move(Final.Versions);
  P.Covering = std::move(Final.Covering);
  return P;
}

} // namespace xfa::kvcache
