//===- Causality.cpp - the sequence, and the verdict ----------------------===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// Reads the sequence itself: as many columns as rows, or those of earlier
/// steps before them.
bool readsSequence(const AttentionCore &C) {
  if (!C.Rows || !C.Columns)
    return false;
  Expr Past = C.Columns - C.Rows;
  return Past.is(0) || Past.asSymbol();
}

/// The length of the sequence where no attention says which symbol it is: the
/// second axis of the first input of at least two, integers before others.
Expr lengthOfInputs(const Model &M, const ShapeFacts &Facts) {
  Expr Found;
  for (bool Integers : {true, false})
    for (ValueId In : M.main().Inputs) {
      const ValueFacts &F = Facts[In];
      if (!Found && F.HasRank && F.rank() >= 2 &&
          isInteger(F.Elem) == Integers && F.Dims[1].asSymbol())
        Found = F.Dims[1];
    }
  return Found;
}

/// Integers that choose from a table before anything else happens to them.
bool choosesRows(const FlatGraph &G, ValueId V) {
  llvm::SmallVector<ValueId, 8> Work{V};
  for (unsigned Steps = 0; !Work.empty() && Steps < 64; ++Steps) {
    ValueId Each = Work.pop_back_val();
    for (NodeId User : G.consumers(Each)) {
      if (G.kind(User) == OpKind::Gather && G.operand(User, 1) == Each)
        return true;
      if (G.isPassThrough(User) && G.operand(User, 0) == Each && G.result(User))
        Work.push_back(G.result(User));
    }
  }
  return false;
}

/// The input that the sequence consists of.
ValueId primaryInput(const FlatGraph &G, Expr New) {
  ValueId First;
  for (bool Chooses : {true, false})
    for (ValueId In : G.M.main().Inputs) {
      const ValueFacts &F = G.Facts[In];
      if (!First && F.HasRank && llvm::is_contained(F.Dims, New) &&
          (!Chooses || (isInteger(F.Elem) && choosesRows(G, In))))
        First = In;
    }
  return First;
}

} // namespace

TimeDependence analyseTime(const Model &M, const ShapeFacts &Facts,
                           const Structure &Found, ExprStore &Store,
                           bool SupposeUnread) {
  TimeDependence None;
  None.Values.resize(M.Values.size());
  FlatGraph G(M, Facts, Found.ElseTaken, FlatGraph::Both);
  TimeFrame Frame;
  if (const AttentionCore *Core = Found.selfAttention(readsSequence)) {
    Frame.New = Core->Rows;
    Frame.Total = Core->Columns;
    Frame.Past = Frame.Total - Frame.New;
  } else {
    Frame.New = Frame.Total = lengthOfInputs(M, Facts);
    Frame.Past = Store.constant(0);
  }
  if (!Frame.New || !Frame.New.asSymbol() ||
      !(Frame.Past.is(0) || Frame.Past.asSymbol())) {
    None.WhyNot =
        !Frame.New || !Frame.New.isConstant()
            ? "no input has a sequence of symbolic length: one would have to "
              "be [sequences, positions, …] with a name for the positions"
            : "the length of the sequence is fixed: instead of " +
                  toString(Frame.New) + " it would have to be a name";
    return None;
  }
  Frame.Tokens = primaryInput(G, Frame.New);
  if (!Frame.Tokens) {
    None.WhyNot = "no input has the length '" + toString(Frame.New) +
                  "' of the sequence: the tokens would have to be one";
    return None;
  }
  return TimePass(G, Store, Frame, SupposeUnread).run(Found);
}

//===----------------------------------------------------------------------===//
// Verdict
//===----------------------------------------------------------------------===//

static std::string sentence(const Model &M, const TimeReason &R) {
  if (!R.Node)
    return R.Sentence;
  return "'" + M.label(R.Node) + "' (" + M[R.Node].Op.str() + ") " + R.Sentence;
}

/// From V back along operands that have the same reason, to where it arose.
static std::vector<std::string> chain(const Model &M,
                                      const TimeDependence &Time, ValueId V) {
  constexpr size_t Longest = 12;
  std::vector<std::string> Result;
  uint32_t Reason = Time[V].Global;
  const TimeReason &Root = Time.Reasons[Reason];
  std::vector<std::string> Steps;
  for (size_t Guard = 0; Guard < M.Nodes.size(); ++Guard) {
    NodeId P = M[V].Producer;
    if (!P || P == Root.Node)
      break;
    Steps.push_back("'" + M.label(P) + "' (" + M[P].Op.str() +
                    ") takes it over");
    ValueId Next;
    for (ValueId In : M[P].Inputs)
      if (In && Time[In].Global == Reason && !Next)
        Next = In;
    if (!Next)
      break;
    V = Next;
  }
  if (Steps.size() > Longest) {
    size_t Dropped = Steps.size() - Longest;
    Steps.erase(Steps.begin() + Longest / 2,
                Steps.end() - static_cast<ptrdiff_t>(Longest / 2));
    Steps.insert(Steps.begin() + Longest / 2,
                 "… " + std::to_string(Dropped) + " more");
  }
  Result = std::move(Steps);
  Result.push_back(sentence(M, Root));
  return Result;
}

CausalityVerdict judgeCausality(const Model &M, const ShapeFacts &,
                                const Structure &Found,
                                const TimeDependence &Time) {
  CausalityVerdict V;
  if (!Found.hasTransformer() || Found.Causal == Verdict::NotApplicable) {
    V.Causal = Verdict::NotApplicable;
    V.Why = Found.CausalWhy.empty() ? "no attention in this graph"
                                    : Found.CausalWhy;
    return V;
  }
  if (!Time.New) {
    V.Why = Time.WhyNot;
    return V;
  }
  // The worst of the outputs decides.
  ValueId Worst, Length;
  bool AnyTokens = false;
  int64_t Ahead = 0;
  for (ValueId Out : M.main().Outputs) {
    if (!Out)
      continue;
    const TimeFacts &F = Time[Out];
    AnyTokens |= F.Tokens;
    if (F.isGlobal() && (!Worst || Time.Reasons[F.Global].Kind >
                                       Time.Reasons[Time[Worst].Global].Kind))
      Worst = Out;
    for (const TimeAxis &T : F.Axes)
      if (T.Dep != TimeDep::None && T.Shift > 0) {
        Ahead = std::max(Ahead, T.Shift);
        // The first of several is sure only if there is no other.
        if (T.Dep == TimeDep::Local || T.Shift == 1)
          V.Leak = {0, T.Shift};
      }
    if (!F.isStable() && !Length)
      Length = Out;
  }
  V.Assumptions = Time.Assumptions;
  if (!AnyTokens) {
    V.Why = "no output depends on '" + M[Time.Tokens].Name.str() +
            "' in a way that was followed";
    return V;
  }
  if (Worst && Time.Reasons[Time[Worst].Global].Kind > TimeReason::Selects) {
    const TimeReason &R = Time.Reasons[Time[Worst].Global];
    V.Causal =
        R.Kind == TimeReason::Leaks ? Verdict::Refuted : Verdict::Unknown;
    V.Leak = R.Leak;
    V.Why = sentence(M, R);
    V.Chain = chain(M, Time, Worst);
    return V;
  }
  if (Ahead) {
    V.Causal = Verdict::Refuted;
    V.Why = Ahead == 1 ? "a row sees the one after it"
                       : "a row sees up to " + std::to_string(Ahead) +
                             " positions after it";
    return V;
  }
  V.Causal = Verdict::Proved;
  V.Why = "each row sees only itself and earlier ones";
  if (Length)
    V.Why += "; it also depends on how long the sequence is (" +
             sentence(M, Time.Reasons[Time[Length].Unstable]) + ")";
  return V;
}

} // namespace xfa
