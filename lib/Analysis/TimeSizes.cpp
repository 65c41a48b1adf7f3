//===- TimeSizes.cpp - lengths, sizes that data decide, and branches ------===//
//
// NonZero, Unique, Compress, a Range up to a computed number: such a result is
// as long as the data say. Whoever reads its shape reads those data.
//
//===----------------------------------------------------------------------===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Lengths
//===----------------------------------------------------------------------===//

bool TimePass::mentionsLength(Expr E) {
  std::optional<llvm::StringRef> New = Frame.New.asSymbol(),
                                 Past = Frame.Past.asSymbol();
  return llvm::any_of(symbols(E), [&](llvm::StringRef Name) {
    return (New && Name == *New) || (Past && Name == *Past);
  });
}

TimePass::LengthClass TimePass::lengthClass(Expr Dim) {
  auto [It, IsNew] = Classes.try_emplace(Dim);
  if (!IsNew)
    return It->second;
  LengthClass C;
  Expr Zero = Store.constant(0);
  C.Mentions = mentionsLength(Dim);
  if (C.Mentions) {
    // A few more or fewer, as shifts and paddings make them.
    if (Frame.New == Frame.Total) {
      C.Time = (Dim - Frame.New).isConstant();
      C.Base = Zero;
    } else if (Dim == Frame.Total || Dim == Frame.Past) {
      C.Time = true;
      C.Base = Zero;
    } else if (Dim == Frame.New) {
      C.Time = true;
      C.Base = Frame.Past;
    }
  }
  // A table that is cut to the sequence: longer ones do not run.
  if (C.Mentions && !C.Time && Frame.New == Frame.Total)
    if (std::optional<int64_t> Most = upperBound(Dim);
        Most && *Most > 1 && Dim == min(Frame.New, Store.constant(*Most))) {
      C.Time = C.Bounded = true;
      C.Base = Zero;
    }
  Classes[Dim] = C;
  return C;
}

/// Time runs along an axis of length min(N, n) only where N <= n: then the
/// length is N. That holds for a table without tokens, which stands beside N
/// rows somewhere or the result is not stable, and where such a table meets N
/// rows, element by element or in a product: longer sequences have no result
/// there. Tokens that are cut to n positions stand for themselves.
bool TimePass::runsAlong(NodeId N, Expr Dim) {
  LengthClass C = lengthClass(Dim);
  if (!C.Bounded)
    return C.Time;
  bool OnTokens = false, Meets = false, Takes = false;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId V = G.operand(N, I);
    if (!V)
      continue;
    bool Has = llvm::is_contained(G.Facts[V].Dims, Dim);
    OnTokens |= facts(V).Tokens;
    Meets |= !facts(V).Tokens && Has;
    Takes |= facts(V).Tokens && Has &&
             llvm::any_of(facts(V).Axes, [&](const TimeAxis &T) {
               return G.Facts[V].Dims[T.Axis] == Dim;
             });
  }
  Meets = Meets && opTraits(G.kind(N)) & trait::Elementwise;
  if (G.kind(N) == OpKind::MatMul) {
    const Shape &L = G.Facts[G.operand(N, 0)].Dims,
                &R = G.Facts[G.operand(N, 1)].Dims;
    Meets = L.size() > 1 && R.size() > 1 && L.back() == Dim &&
            R[R.size() - 2] == Frame.New && !facts(G.operand(N, 0)).Tokens;
  }
  if (OnTokens && !Takes && !Meets)
    return false;
  Proof.assume("sequences are no longer than " +
               std::to_string(*upperBound(Dim)));
  return true;
}

/// The axis's length where the graph runs.
Expr TimePass::lengthOf(Expr Dim) {
  return lengthClass(Dim).Bounded ? Frame.New : Dim;
}

Expr TimePass::sequencesIn(Expr Dim) {
  if (Frame.New != Frame.Total || !lengthClass(Dim).Mentions)
    return Expr();
  std::optional<Expr> Outer = tryExactDiv(Dim, Frame.New);
  return Outer && !mentionsLength(*Outer) ? *Outer : Expr();
}

//===----------------------------------------------------------------------===//
// Sizes that data decide
//===----------------------------------------------------------------------===//

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
    if (OnTokens && Kind == OpKind::Unknown) {
      R.Global =
          reason(TimeReason::Unknown, N, "is an operator that is not known",
                 "what its results depend on would have to be");
      return join(Found, R);
    }
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
  if (Kind != OpKind::If && M[N].hasBody()) {
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
// Places that follow from the length
//===----------------------------------------------------------------------===//

bool TimePass::readsByLength(const LinkContext &Ctx, const TimeFacts &From) {
  const Shape &Dims = Ctx.input().Dims;
  auto OnTime = [&](size_t Axis) {
    return From.axis(static_cast<unsigned>(Axis)) != nullptr;
  };
  auto Mentions = [&](Expr Dim) { return lengthClass(Dim).Mentions; };
  bool Opaque = false;
  for (auto [A, Dim] : llvm::enumerate(Dims))
    Opaque |= !OnTime(A) && Mentions(Dim);
  OpKind Kind = Ctx.Op.node().Kind;
  if (writesPlaces(Ctx))
    return true;
  if (Kind == OpKind::Reshape || Kind == OpKind::Flatten) {
    // A number in a radix that mentions the length.
    return !Ctx.input().Known.Splat &&
           (Opaque ||
            (From.Axes.empty() && llvm::any_of(Ctx.output().Dims, Mentions)));
  }
  bool Moves = Kind == OpKind::Slice || Kind == OpKind::Split ||
               Kind == OpKind::Concat || Kind == OpKind::Gather;
  if (!Opaque && !Moves)
    return false;
  for (auto [A, L] : llvm::enumerate(axisLinks(Ctx))) {
    if (OnTime(A))
      continue;
    if ((L.Low && Mentions(L.Low)) || (L.High && Mentions(L.High)) ||
        (L.Kind == AxisLink::Whole && Mentions(Dims[A])))
      return true;
  }
  return false;
}

/// Along an axis whose length follows from the sequence's: a place may count
/// from its end.
bool TimePass::writesPlaces(const LinkContext &Ctx) {
  const OpContext &Op = Ctx.Op;
  OpKind Kind = Op.node().Kind;
  bool ByNumber = Kind == OpKind::ScatterND;
  if (Ctx.In != 0 ||
      (!ByNumber && Kind != OpKind::Scatter && Kind != OpKind::ScatterElements))
    return false;
  std::optional<int64_t> First = 0, Count = 1;
  if (ByNumber)
    Count = Op.hasRank(1) && Op.rank(1) > 0 ? Op.dim(1, -1).constant()
                                            : std::nullopt;
  else
    First = OpContext::normalizeAxis(Op.intAttr("axis", 0), Ctx.inRank());
  if (!First || !Count)
    return true;
  for (int64_t A = *First; A < *First + *Count && A < Ctx.inRank(); ++A)
    if (lengthClass(Ctx.input().Dims[A]).Mentions)
      return !Proof.writesInPlace(Op.nodeId());
  return false;
}

bool TimePass::choosesPlaces(const LinkContext &Ctx) {
  switch (Ctx.Op.node().Kind) {
  case OpKind::Trilu:
  case OpKind::OneHot: // negative indices count from the depth
    return true;
  case OpKind::Slice:
  case OpKind::Pad:
    // Known places are in the links.
    return Ctx.Op.hasRank(0) &&
           llvm::any_of(
               axisLinks({Ctx.Op, Ctx.Outputs, Ctx.Out, 0}),
               [](const AxisLink &L) { return L.Kind == AxisLink::Whole; });
  default:
    return false;
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
