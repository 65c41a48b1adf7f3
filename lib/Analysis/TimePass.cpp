//===- TimePass.cpp - axes, dependence and stability, node by node --------===//

#include "TimePass.h"

#include "xfa/Analysis/ReshapeLinks.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

TimePass::TimePass(const FlatGraph &G, ExprStore &Store, TimeFrame TheFrame,
                   bool SupposeUnread)
    : G(G), M(G.M), Store(Store), Frame(TheFrame), Proof(G, Store, Frame),
      SupposeUnread(SupposeUnread) {
  Result.New = Frame.New;
  Result.Past = Frame.Past;
  Result.Total = Frame.Total;
  Result.Tokens = Frame.Tokens;
  Result.Values.resize(M.Values.size());
  ValueSizes.resize(M.Values.size());
}

TimeDependence TimePass::run(const Structure &Found) {
  for (ValueId In : M.main().Inputs)
    input(In);
  for (NodeId N : G.order())
    node(N);
  Result.Assumptions = Proof.assumptions();
  Result.AssumesPadding = Proof.assumesPadding();
  findWindows(Found);
  // A value that only passes on another one knows what that one knows.
  for (size_t I = 0; I < M.Values.size(); ++I)
    if (ValueId Root = G.canonical(ValueId(I)); Root.Index != I)
      Result.Values[I] = Result.Values[Root.Index];
  return std::move(Result);
}

//===----------------------------------------------------------------------===//
// Reasons
//===----------------------------------------------------------------------===//

uint32_t TimePass::reason(TimeReason::KindTy Kind, NodeId N,
                          const llvm::Twine &Sentence,
                          const llvm::Twine &Needed) {
  TimeReason R;
  R.Kind = Kind;
  R.Node = N;
  R.Sentence = Sentence.str();
  R.Needed = Needed.str();
  Result.Reasons.push_back(std::move(R));
  return static_cast<uint32_t>(Result.Reasons.size() - 1);
}

uint32_t TimePass::readsTheLength(NodeId N) {
  return reason(TimeReason::Unknown, N, "reads the length of the sequence",
                "a row would have to stay as it is when positions are added "
                "behind it");
}

uint32_t TimePass::placesByLength(NodeId N) {
  return reason(TimeReason::Unknown, N,
                "reads places that follow from the length of the sequence",
                "they would have to be counted from its start, so that a row "
                "stays as it is when positions are added behind it");
}

/// Keeps the first reason; a leak outweighs what is only not known.
void TimePass::blame(TimeFacts &F, bool TokenDependent, uint32_t Reason) {
  uint32_t &Slot = TokenDependent ? F.Global : F.Unstable;
  if (Slot == TimeFacts::Nothing ||
      Result.Reasons[Reason].Kind > Result.Reasons[Slot].Kind)
    Slot = Reason;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void TimePass::input(ValueId V) {
  TimeFacts &F = facts(V);
  F.Tokens = V == Frame.Tokens;
  const ValueFacts &Shape = G.Facts[V];
  for (auto [Axis, Dim] : llvm::enumerate(Shape.Dims)) {
    for (llvm::StringRef Name : symbols(Dim))
      SymbolSizes.try_emplace(Name);
    LengthClass C = lengthClass(Dim);
    if (!C.Time)
      continue;
    bool Cached = Dim == Frame.Past && !Frame.Past.is(0);
    depend(F, Axis, Store.constant(1), Store.constant(1), Dim,
           Cached ? TimeDep::Prefix : TimeDep::Local, 0);
  }
  // Rows by columns: a mask that the caller makes, no function of tokens.
  if (F.Axes.size() > 1)
    for (TimeAxis &T : F.Axes)
      T.Dep = TimeDep::None;
}

/// Adds to what F's axis depends on.
void TimePass::depend(TimeFacts &F, unsigned Axis, Expr Outer, Expr Inner,
                      Expr Length, TimeDep Dep, int64_t Shift) {
  for (TimeAxis &T : F.Axes) {
    if (T.Axis != Axis || T.Outer != Outer || T.Inner != Inner)
      continue;
    if (Dep == TimeDep::None)
      return;
    if (T.Dep == TimeDep::None) {
      T.Dep = Dep;
      T.Shift = Shift;
    } else {
      if (T.Dep != Dep || T.Shift != Shift)
        T.Dep = TimeDep::Prefix;
      T.Shift = std::max(T.Shift, Shift);
    }
    return;
  }
  TimeAxis T;
  T.Axis = Axis;
  T.Outer = Outer;
  T.Inner = Inner;
  T.Length = Length;
  LengthClass C = lengthClass(Length);
  T.Base = C.Base ? C.Base : Store.constant(0);
  T.Dep = Dep;
  T.Shift = Dep == TimeDep::None ? 0 : Shift;
  F.Axes.push_back(T);
}

/// What shape inference knows of the elements decides stability at once.
bool TimePass::contents(ValueId V, TimeFacts &F) {
  const ValueFacts &Shape = G.Facts[V];
  if (Shape.Known.none())
    return false;
  for (const Element &E : Shape.Known.Elements) {
    if (!E.known())
      return false;
    bool Sized = E.kind() == Element::Int || E.kind() == Element::Ratio;
    if (Sized && !E.expr().isKnown())
      return false;
    if (Sized)
      blameSizes(F, symbolSizes(E.expr()));
    if ((E.kind() == Element::Int || E.kind() == Element::Ratio) &&
        lengthClass(E.expr()).Mentions) {
      blame(F, false, readsTheLength(M[V].Producer));
      return true;
    }
  }
  return true;
}

void TimePass::node(NodeId N) {
  if (G.kind(N) == OpKind::Constant)
    return;
  llvm::SmallVector<const ValueFacts *, 4> Inputs;
  llvm::SmallVector<const ValueFacts *, 2> Results;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId V = G.operand(N, I);
    Inputs.push_back(V ? &G.Facts[V] : nullptr);
  }
  for (ValueId V : M[N].Outputs)
    Results.push_back(V ? &G.Facts[V] : nullptr);
  OpContext Op(M, N, Store, Inputs);
  sizes(N);
  Starts.clear();
  for (auto [Out, V] : llvm::enumerate(M[N].Outputs))
    if (V)
      result(N, Out, Op, Results);
}

void TimePass::result(NodeId N, unsigned Out, const OpContext &Op,
                      llvm::ArrayRef<const ValueFacts *> Results) {
  ValueId V = M[N].Outputs[Out];
  TimeFacts &F = facts(V);
  const ValueFacts &Shape = G.Facts[V];
  Expr One = Store.constant(1);
  for (auto [Axis, Dim] : llvm::enumerate(Shape.Dims)) {
    if (runsAlong(N, Dim))
      depend(F, Axis, One, One, lengthOf(Dim), TimeDep::None, 0);
    // Of equal elements any may be a position's.
    else if (Expr Outer = Shape.Known.Splat ? sequencesIn(Dim) : Expr())
      depend(F, Axis, Outer, One, Frame.New, TimeDep::None, 0);
  }
  OpKind Kind = G.kind(N);
  // How many there are is told by whoever counts them, however equal they are.
  blameSizes(F, ValueSizes[V.Index]);
  if (Shape.Folded && contents(V, F))
    return;
  if (readsShapeOnly(Kind)) {
    // Without known contents: an operand of unknown shape.
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
      ValueId In = G.operand(N, I);
      if (!In)
        continue;
      blameSizes(F, ValueSizes[In.Index]);
      if (!G.Facts[In].HasRank)
        blame(
            F, facts(In).Tokens || facts(In).isGlobal(),
            reason(TimeReason::Unknown, N, "reads a shape that is not known",
                   "the shape would have to follow from those of the inputs"));
    }
    return;
  }
  bool TrainingDropout =
      (Kind == OpKind::Dropout || Kind == OpKind::MsBiasDropout) && Op.has(2) &&
      Op.scalar(2).truth() != Truth::False;
  if (opTraits(Kind) & trait::Random || TrainingDropout) {
    uint32_t R = reason(TimeReason::Unknown, N, "draws random numbers",
                        "the same tokens would have to give the same numbers, "
                        "as they do outside training");
    blame(F, true, R);
    blame(F, false, R);
    return;
  }
  if (branches(N, Out, F))
    return;
  if (M[N].hasBody()) {
    uint32_t R = reason(
        TimeReason::Unknown, N, "runs a body that is not followed through time",
        "what the body holds would have to stand in the graph itself");
    blame(F, true, R);
    blame(F, false, R);
    return;
  }
  Refusal = TimeFacts::Nothing;
  if (fusedAttention(N, Out, F))
    return;
  int Row = causalRow(N, Out, Op, Results);
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
    if (ValueId In = G.operand(N, I))
      operand({Op, Results, Out, I, &Starts}, In, Row, F);
  // Length as a number of steps is structure; what counts is where it starts.
  if (Kind == OpKind::Range)
    for (unsigned I : {0u, 2u})
      if (ValueId In = G.operand(N, I); In && !facts(In).isStable())
        blame(F, false, facts(In).Unstable);
}

void TimePass::operand(const LinkContext &Ctx, ValueId V, int CausalRow,
                       TimeFacts &F) {
  const TimeFacts &From = facts(V);
  NodeId N = Ctx.Op.nodeId();
  bool OnTokens = llvm::any_of(
      From.Axes, [](const TimeAxis &T) { return T.Dep != TimeDep::None; });
  takeOver(N, From, F);
  if (isStructuralOperand(G.kind(N), Ctx.In)) {
    if (OnTokens)
      blame(
          F, true,
          reason(TimeReason::Unknown, N,
                 "takes a shape or a place from the tokens",
                 "shapes and places would have to follow from lengths alone"));
    // What shape inference resolved is structure; the rest may be anything.
    bool Resolved =
        !Ctx.output().HasRank ||
        llvm::all_of(Ctx.output().Dims, [](Expr D) { return D.isKnown(); });
    if (!From.isStable() && choosesPlaces(Ctx))
      blame(F, false, placesByLength(N));
    else if (!From.isStable() && !Resolved)
      blame(F, false, From.Unstable);
    return;
  }
  if (!From.isStable() && !countsPlaces(Ctx))
    blame(F, false, From.Unstable);
  if (readsByLength(Ctx, From))
    blame(F, false, placesByLength(N));
  if (From.Axes.empty())
    return;
  AxisLinks Links = axisLinks(Ctx);
  for (const TimeAxis &T : From.Axes)
    follow(Ctx, T, Links, CausalRow, F);
}

void TimePass::reshaped(const LinkContext &Ctx, const TimeAxis &T,
                        TimeFacts &F) {
  auto Place = throughReshape({T.Axis, T.Outer, T.Inner}, T.Length,
                              Ctx.input().Dims, Ctx.output().Dims);
  if (Place) {
    depend(F, Place->Axis, Place->Outer, Place->Inner, T.Length, T.Dep,
           T.Shift);
    return;
  }
  blame(F, T.Dep != TimeDep::None,
        reason(TimeReason::Unknown, Ctx.Op.nodeId(),
               "mixes positions with another axis",
               "the sequence would have to stay an axis, or a factor of one"));
}

void TimePass::follow(const LinkContext &Ctx, const TimeAxis &T,
                      const AxisLinks &Links, int CausalRow, TimeFacts &F) {
  NodeId N = Ctx.Op.nodeId();
  OpKind Kind = G.kind(N);
  if (!Ctx.output().HasRank) {
    blame(F, T.Dep != TimeDep::None,
          reason(TimeReason::Unknown, N, "gives a result of unknown shape",
                 "its shape would have to follow from those of the inputs"));
    return;
  }
  if (Kind == OpKind::Reshape || Kind == OpKind::Flatten)
    return reshaped(Ctx, T, F);
  bool OnTokens = T.Dep != TimeDep::None;
  const AxisLink &L = Links[T.Axis];
  if (L.Kind == AxisLink::Whole && Ctx.In == 0 &&
      (Kind == OpKind::Gather || Kind == OpKind::GatherND) &&
      gathered(Ctx, T, F))
    return;
  if (L.Kind == AxisLink::Whole && Kind == OpKind::ScatterND &&
      Proof.writesInPlace(N)) {
    if (Ctx.In == 2)
      depend(F, T.Axis, T.Outer, T.Inner, T.Length, T.Dep, T.Shift);
    return;
  }
  Expr One = Store.constant(1);
  auto OutAxis = [&]() -> const TimeAxis * {
    for (const TimeAxis &O : F.Axes)
      if (static_cast<int>(O.Axis) == L.OutAxis && O.pure())
        return &O;
    return nullptr;
  };
  switch (L.Kind) {
  case AxisLink::Same: {
    if (!T.pure()) {
      if (L.Low.is(0) &&
          Ctx.input().Dims[T.Axis] == Ctx.output().Dims[L.OutAxis])
        return depend(F, L.OutAxis, T.Outer, T.Inner, T.Length, T.Dep, T.Shift);
      break;
    }
    const TimeAxis *O = OutAxis();
    if (!O)
      break;
    // Positions, not indices.
    std::optional<int64_t> Move = (L.Low + T.Base - O->Base).constant();
    if (!Move)
      break;
    if (OnTokens && *Move != 0 && !Result.Unmasked)
      Result.Unmasked = N;
    // Beyond the operand's end stands something that N decides.
    if (!OnTokens && *Move > 0 && O->Length == T.Length)
      break;
    Expr Behind = Ctx.output().Dims[L.OutAxis] - Ctx.input().Dims[T.Axis];
    if (!OnTokens && Kind == OpKind::Pad &&
        lessEqual(Behind + L.Low, Store.constant(0)) != Truth::True)
      blame(F, false, placesByLength(N));
    return depend(F, L.OutAxis, One, One, O->Length, T.Dep, T.Shift + *Move);
  }
  case AxisLink::Window:
  case AxisLink::Prefix: {
    const TimeAxis *O = OutAxis();
    std::optional<int64_t> Ahead =
        O ? (L.High + T.Base - O->Base).constant() : std::nullopt;
    if (!Ahead || !T.pure())
      break;
    if (OnTokens && !Result.Unmasked && F.Tokens)
      Result.Unmasked = N;
    if (*Ahead > 0)
      blame(F, false,
            reason(TimeReason::Unknown, N, "reads later positions",
                   "it would have to read up to the row's own position"));
    return depend(F, L.OutAxis, One, One, O->Length,
                  OnTokens ? TimeDep::Prefix : TimeDep::None, T.Shift + *Ahead);
  }
  case AxisLink::Fixed:
    if (OnTokens)
      blame(
          F, true,
          reason(
              L.Low && L.Low.is(0) && T.Shift <= 0 ? TimeReason::First
                                                   : TimeReason::Selects,
              N, "reads one position only, whatever the row",
              "a row would have to read places that are counted from its own"));
    else if (L.Low && mentionsLength(L.Low))
      blame(F, false, readsTheLength(N));
    return;
  case AxisLink::Whole:
    if (CausalRow >= 0 && T.pure()) {
      Expr Length = Ctx.output().Dims[CausalRow];
      if (OnTokens)
        depend(F, CausalRow, One, One, Length, TimeDep::Prefix, T.Shift);
      return;
    }
    break;
  }
  if (Refusal != TimeFacts::Nothing) {
    blame(F, OnTokens, Refusal);
    if (!OnTokens && Result.Reasons[Refusal].Kind == TimeReason::Leaks)
      blame(F, true, Refusal);
    return;
  }
  bool Surely = L.Kind == AxisLink::Whole &&
                (Kind == OpKind::ReduceMean || Kind == OpKind::ReduceSum ||
                 Kind == OpKind::ReduceMax || Kind == OpKind::ReduceMin) &&
                !mayCancel(N);
  uint32_t R =
      reason(OnTokens && Surely ? TimeReason::Leaks : TimeReason::Unknown, N,
             "reads all positions at once",
             "what it reads of later positions would have to count for "
             "nothing");
  if (Result.Reasons[R].Kind == TimeReason::Leaks)
    Result.Reasons[R].Leak = {0, 1};
  blame(F, OnTokens, R);
}

} // namespace xfa
