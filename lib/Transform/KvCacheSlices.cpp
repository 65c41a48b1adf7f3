//===- KvCacheSlices.cpp - Slice at new places ----------------------------===//

#include "KvCacheEmit.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

static const GraphId Main(0);

namespace {

/// A Slice as the node says it: an entry an axis.
struct Entry {
  int64_t Axis;
  Expr Start, End;
  int64_t Step;
};

} // namespace

/// Operand I as expressions; empty where it is not known.
static llvm::SmallVector<Expr, 4> list(const Facts &F, NodeId N, unsigned I) {
  llvm::SmallVector<Expr, 4> Result;
  if (I >= F.M[N].Inputs.size() || !F.M[N].Inputs[I])
    return Result;
  const ValueFacts &S = F.Shapes[F.M[N].Inputs[I]];
  std::optional<int64_t> Count =
      S.HasRank ? numElements(F.Store, S.Dims).constant() : std::nullopt;
  for (int64_t E = 0; Count && E < *Count; ++E) {
    Element Each = S.Known.at(E);
    if (Each.kind() != Element::Int)
      return {};
    Result.push_back(Each.expr());
  }
  return Result;
}

static std::optional<Entry> entryFor(const Facts &F, NodeId N, int64_t Axis,
                                     int64_t Rank) {
  auto Starts = list(F, N, 1), Ends = list(F, N, 2), Axes = list(F, N, 3),
       Steps = list(F, N, 4);
  for (size_t I = 0; I < Starts.size() && I < Ends.size(); ++I) {
    int64_t At = static_cast<int64_t>(I);
    if (I < Axes.size()) {
      if (!Axes[I].isConstant())
        return std::nullopt;
      At = *Axes[I].constant();
    }
    if (At < 0)
      At += Rank;
    if (At != Axis)
      continue;
    int64_t Step = 1;
    if (I < Steps.size()) {
      if (!Steps[I].isConstant())
        return std::nullopt;
      Step = *Steps[I].constant();
    }
    return Entry{Axis, Starts[I], Ends[I], Step};
  }
  return std::nullopt;
}

ValueId Emitter::sliced(ValueId V, Version Which, const Rule &R) {
  NodeId N = F.M[V].Producer;
  ValueId In = F.M[N].Inputs[0];
  ValueId Data = get(In, R.Needs[0].V);
  llvm::SmallVector<const ValueFacts *, 5> Inputs;
  for (ValueId Each : F.M[N].Inputs)
    Inputs.push_back(Each ? &F.Shapes[Each] : nullptr);
  const ValueFacts *Result = &F.Shapes[V];
  OpContext Op(F.M, N, F.Store, Inputs);
  AxisLinks Links = axisLinks({Op, Result, 0, 0});
  llvm::SmallVector<Expr, 4> Starts, Ends;
  llvm::SmallVector<int64_t, 4> Axes, Steps;
  for (auto [A, Link] : llvm::enumerate(Links)) {
    Expr InDim = F.dim(In, A), OutDim = F.dim(V, A);
    int Bit = F.bitOf(V, A);
    bool Full = Bit < 0 || (Which >> Bit & 1);
    bool Placed = Link.Kind == AxisLink::Same ||
                  (Link.Kind == AxisLink::Fixed && OutDim.is(1));
    if (Placed && Link.Low.is(0) && InDim == OutDim)
      continue;
    Entry Each{static_cast<int64_t>(A), Expr(), Expr(), 1};
    if (Placed) {
      Each.Start = L.at(Link.Low, true);
      Each.End = L.at(Link.Low + OutDim, true);
      // New rows of a table: P further down.
      if (!Full && F.bitOf(In, A) < 0)
        Each.Start = Each.Start + L.past();
    } else {
      std::optional<Entry> Said = entryFor(F, N, A, Op.rank(0));
      if (!Said)
        continue; // not sliced
      Each = *Said;
      Each.Start = L.at(Each.Start, true);
      Each.End = L.at(Each.End, true);
    }
    Starts.push_back(Each.Start);
    Ends.push_back(Each.End);
    Axes.push_back(Each.Axis);
    Steps.push_back(Each.Step);
  }
  if (Axes.empty())
    return Data;
  ValueId From = L.vector(Starts), To = L.vector(Ends);
  return finished(
      E.make(Main, "Slice",
             {Data, From, To, E.intVector(Axes), E.intVector(Steps)}, {},
             nameFor(N, Which)),
      V);
}

} // namespace xfa::kvcache
