//===- TimeSizes.cpp - sizes that data decide, and branches ---------------===//
//
// NonZero, Unique, Compress, a Range up to a computed number: such a result is
// as long as the data say. Whoever reads its shape reads those data.
//
//===----------------------------------------------------------------------===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

void TimePass::join(SizeReasons &Into, const SizeReasons &From) {
  if (Into.Global == TimeFacts::Nothing)
    Into.Global = From.Global;
  if (Into.Unstable == TimeFacts::Nothing)
    Into.Unstable = From.Unstable;
}

void TimePass::blameSizes(TimeFacts &F, const SizeReasons &Sizes) {
  if (Sizes.Global != TimeFacts::Nothing) {
    F.Tokens = true;
    blame(F, true, Sizes.Global);
  }
  if (Sizes.Unstable != TimeFacts::Nothing)
    blame(F, false, Sizes.Unstable);
}

TimePass::SizeReasons TimePass::symbolSizes(Expr E) {
  SizeReasons Found;
  for (llvm::StringRef Name : symbols(E))
    if (auto It = SymbolSizes.find(Name); It != SymbolSizes.end())
      join(Found, It->second);
  return Found;
}

/// What the sizes of N's results may depend on that their operands' named
/// dimensions do not say.
TimePass::SizeReasons TimePass::sizesFromOperands(NodeId N) {
  SizeReasons Found;
  OpKind Kind = G.kind(N);
  bool Counts = !hasAxisRule(Kind);
  auto FromContents = [&](ValueId V) {
    const TimeFacts &From = facts(V);
    bool OnTokens =
        From.Tokens || llvm::any_of(From.Axes, [](const TimeAxis &T) {
          return T.Dep != TimeDep::None;
        });
    SizeReasons R{From.Global, From.Unstable};
    // What one position says is said to every row.
    if (OnTokens && (!From.isGlobal() ||
                     Result.Reasons[R.Global].Kind <= TimeReason::Selects))
      R.Global = reason(TimeReason::Unknown, N, "takes a size from the tokens",
                        "sizes would have to follow from lengths alone");
    if (!From.Axes.empty() && From.isStable())
      R.Unstable = reason(TimeReason::Unknown, N, "takes a size from them all",
                          "sizes would have to follow from lengths alone");
    join(Found, R);
  };
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId In = G.operand(N, I);
    if (!In)
      continue;
    join(Found, ValueSizes[In.Index]);
    if (Counts || isStructuralOperand(Kind, I))
      FromContents(In);
  }
  // Bodies read values of the outer graph.
  for (unsigned Out = 0; Out < M[N].Outputs.size(); ++Out)
    for (ValueId V : G.branchResults(N, Out))
      join(Found, ValueSizes[V.Index]);
  if (Kind != OpKind::If &&
      llvm::any_of(M[N].Attributes,
                   [](const Attribute &A) { return !A.Graphs.empty(); })) {
    uint32_t R = reason(TimeReason::Unknown, N,
                        "takes a size from a body that is not followed",
                        "sizes would have to follow from lengths alone");
    join(Found, {R, R});
  }
  return Found;
}

/// In the order of execution: a name that no input has arises where it is seen
/// first.
void TimePass::sizes(NodeId N) {
  std::optional<SizeReasons> FromOperands;
  auto Operands = [&]() -> const SizeReasons & {
    if (!FromOperands)
      FromOperands = sizesFromOperands(N);
    return *FromOperands;
  };
  for (ValueId V : M[N].Outputs) {
    if (!V)
      continue;
    SizeReasons &Own = ValueSizes[V.Index];
    bool Named = G.Facts[V].HasRank;
    for (Expr Dim : G.Facts[V].Dims) {
      Named &= Dim.isKnown();
      for (llvm::StringRef Name : symbols(Dim))
        if (!SymbolSizes.contains(Name))
          SymbolSizes[Name] = Operands();
      join(Own, symbolSizes(Dim));
    }
    if (!Named)
      join(Own, Operands());
  }
}

//===----------------------------------------------------------------------===//
// What operands and branches hand on
//===----------------------------------------------------------------------===//

void TimePass::takeOver(NodeId N, const TimeFacts &From, TimeFacts &F) {
  F.Tokens |= From.Tokens;
  if (!From.isGlobal())
    return;
  uint32_t R = From.Global;
  if (Result.Reasons[R].Kind == TimeReason::Selects && !F.Axes.empty())
    R = reason(TimeReason::Unknown, N,
               "gives every row what one position holds",
               "a row would have to read places that are counted from its own");
  blame(F, true, R);
}

bool TimePass::branches(NodeId N, unsigned Out, TimeFacts &F) {
  llvm::SmallVector<ValueId, 2> Results = G.branchResults(N, Out);
  ValueId Condition = G.operand(N, 0);
  if (Results.size() != 2 || !Condition)
    return false;
  const ValueFacts &Shape = G.Facts[M[N].Outputs[Out]];
  for (ValueId V : Results) {
    const TimeFacts &From = facts(V);
    takeOver(N, From, F);
    if (!From.isStable())
      blame(F, false, From.Unstable);
    for (const TimeAxis &T : From.Axes) {
      if (Shape.HasRank && Shape.Dims.size() == G.Facts[V].Dims.size() &&
          Shape.Dims[T.Axis] == G.Facts[V].Dims[T.Axis]) {
        depend(F, T.Axis, T.Outer, T.Inner, T.Length, T.Dep, T.Shift);
        continue;
      }
      uint32_t R =
          reason(TimeReason::Unknown, N, "gives results of different shapes",
                 "both branches would have to give the same shape");
      blame(F, T.Dep != TimeDep::None, R);
    }
  }
  const TimeFacts &Chooses = facts(Condition);
  F.Tokens |= Chooses.Tokens;
  // Whether later tokens ever change what it decides is not known.
  if (Chooses.isGlobal())
    blame(F, true,
          reason(TimeReason::Unknown, N,
                 "chooses a branch by tokens that may be later ones",
                 "the condition would have to depend on no token"));
  if (!Chooses.isStable())
    blame(F, false, Chooses.Unstable);
  for (const TimeAxis &T : Chooses.Axes)
    blame(F, T.Dep != TimeDep::None,
          reason(TimeReason::Unknown, N, "chooses a branch by the sequence",
                 "the condition would have to depend on no token"));
  return true;
}

} // namespace xfa
