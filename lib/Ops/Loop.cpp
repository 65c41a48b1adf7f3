//===- Loop.cpp - Loop and Scan: bodies that run many times ---------------===//
//
// A body is inferred with facts that hold in every iteration: the initial ones,
// joined with what the body gives back until nothing changes. The driver's
// facts of the body's values are those of the last inference, so that comes
// last. A Loop that this leaves unsure is also run iteration by iteration, if
// it is short, to know its results exactly.
//
//===----------------------------------------------------------------------===//

#include "Join.h"
#include "Operands.h"

namespace xfa {

using FactsList = llvm::SmallVector<ValueFacts, 4>;

constexpr unsigned ForgetsAll = 5; // rounds after which no shape is kept
constexpr unsigned MaxLoopDepth = 4;

namespace {

/// The operands of a body: what leads (the iteration number, the condition),
/// what one iteration hands to the next, what follows (slices).
struct Operands {
  FactsList Leading, Carried, Trailing;

  FactsList all() const {
    FactsList All(Leading);
    All.append(Carried);
    All.append(Trailing);
    return All;
  }
};

} // namespace

/// The number of loops whose bodies this node stands in.
static unsigned loopDepth(const OpContext &Ctx) {
  unsigned Depth = 0;
  GraphId At = Ctx.node().Parent;
  while (At && Ctx.model()[At].Owner) {
    const Node &N = Ctx.model()[Ctx.model()[At].Owner];
    Depth += N.Kind == OpKind::Loop || N.Kind == OpKind::Scan;
    At = N.Parent;
  }
  return Depth;
}

/// Forgets more the longer the iteration takes to settle.
static void widen(InferContext &Ctx, ValueFacts &F, unsigned Round) {
  if (Round >= 2) {
    F.Known = Contents();
    F.Items.clear();
  }
  if (Round >= 4 && F.HasRank)
    for (Expr &D : F.Dims)
      D = Ctx.unknownDim("the loop changes it");
  if (Round >= ForgetsAll) {
    F.HasRank = false;
    F.Dims.clear();
    F.Item = nullptr;
    F.Length = Expr();
    F.Why = Ctx.store().unknown("the loop changes it");
  }
}

/// The shape of Out, where it may be that of In, taken to be that.
static void assumeShape(ValueFacts &Out, const ValueFacts &In) {
  if (!In.HasRank || !Out.HasRank || In.rank() != Out.rank())
    return;
  for (int64_t D = 0; D < In.rank(); ++D)
    if (equal(In.Dims[D], Out.Dims[D]) != Truth::False)
      Out.Dims[D] = In.Dims[D];
}

/// Widens Of.Carried until it holds in every iteration. With SameShape (Scan,
/// where ONNX demands it of states) no valid run changes a shape. Gives the
/// body's outputs for it; carried values start at output FirstOut. Empty if the
/// body is wrong.
static FactsList settle(InferContext &Ctx, GraphId Body, Operands &Of,
                        size_t FirstOut, bool SameShape) {
  // Loops in loops multiply the rounds: deep ones settle for little at once.
  bool Deep = loopDepth(Ctx) >= MaxLoopDepth;
  for (ValueFacts &F : Of.Carried)
    if (Deep)
      widen(Ctx, F, ForgetsAll);
  if (Deep && FirstOut == 1) // nor is the condition assumed to be folded
    Of.Leading[1].Folded = false;
  for (unsigned Round = 0;; ++Round) {
    FactsList Out = Ctx.inferSubgraph(Body, Of.all());
    if (Out.size() < FirstOut + Of.Carried.size())
      return {};
    bool Settled = true;
    for (size_t I = 0; I < Of.Carried.size(); ++I) {
      ValueFacts &In = Of.Carried[I];
      if (SameShape)
        assumeShape(Out[FirstOut + I], In);
      ValueFacts Both =
          join(Ctx.store(), In, Out[FirstOut + I], "the loop changes it");
      if (sameFacts(Both, In))
        continue;
      widen(Ctx, Both, Round);
      // Nothing is left to forget then but the kind.
      Settled &= Deep || Round > ForgetsAll + 2 || sameFacts(Both, In);
      In = std::move(Both);
    }
    // The condition is folded only if every iteration's is.
    if (FirstOut == 1 && Of.Leading[1].Folded && !Out[0].Folded) {
      Of.Leading[1].Folded = false;
      Settled = false;
    }
    if (Settled)
      return Out;
  }
}

/// Unknowns of a body are those of one iteration; outside, each is an unknown
/// of its own.
static void leaveBody(InferContext &Ctx, ValueFacts &F) {
  for (Expr &D : F.Dims)
    if (!D.isKnown())
      D = Ctx.unknownDim(D.unknownReason());
  for (Element &E : F.Known.Elements)
    if (E.known() && E.expr() && !E.expr().isKnown())
      E = Element();
  if (F.Known.Splat && !F.Known.Elements.front().known())
    F.Known = Contents();
}

/// The value after the last iteration. A size that grows by the same amount in
/// each is known from the number of iterations.
static ValueFacts finalFacts(InferContext &Ctx, const ValueFacts &Initial,
                             const ValueFacts &In, const ValueFacts &Out,
                             std::optional<Expr> Trips) {
  bool Runs = Trips && lessEqual(Ctx.constant(1), *Trips) == Truth::True;
  ValueFacts Final =
      Runs ? Out : join(Ctx.store(), In, Out, "the loop changes it");
  auto Grown = [&](Expr From, Expr Before, Expr After) -> std::optional<Expr> {
    Expr Growth = After - Before;
    if (!Trips || Before.isKnown() || From == Before || !Growth.isKnown())
      return std::nullopt;
    return From + *Trips * Growth;
  };
  Shape Known = Final.Dims;
  leaveBody(Ctx, Final);
  if (Final.HasRank && Initial.HasRank && In.HasRank && Out.HasRank &&
      Initial.rank() == Final.rank() && In.rank() == Final.rank())
    for (int64_t D = 0; D < Final.rank(); ++D) {
      if (auto Size = Grown(Initial.Dims[D], In.Dims[D], Out.Dims[D]))
        Final.Dims[D] = *Size;
      else if (Known[D] == Initial.Dims[D])
        Final.Dims[D] = Initial.Dims[D];
    }
  if (Initial.Length && In.Length && Out.Length)
    if (auto Length = Grown(Initial.Length, In.Length, Out.Length))
      Final.Length = *Length;
  return Final;
}

/// One iteration's output, stacked Trips times along a new axis.
static ValueFacts stacked(InferContext &Ctx, ValueFacts Item, Expr Trips,
                          int64_t Axis) {
  leaveBody(Ctx, Item);
  if (!Item.HasRank)
    return Item;
  std::optional<int64_t> At = OpContext::normalizeAxis(Axis, Item.rank() + 1);
  if (!At) {
    Ctx.fail("expected an output axis in [" + llvm::Twine(-Item.rank() - 1) +
             ", " + llvm::Twine(Item.rank()) + "], found " + llvm::Twine(Axis));
    return Item;
  }
  Item.Dims.insert(Item.Dims.begin() + *At, Trips);
  if (!Item.Known.Splat)
    Item.Known = Contents();
  return Item;
}

static ValueFacts scalarFacts(ElemType Elem, Element Value) {
  ValueFacts F;
  F.Kind = ValueFacts::Tensor;
  F.Elem = Elem;
  F.HasRank = F.Folded = true;
  if (Value.known())
    F.Known.Elements.push_back(Value);
  return F;
}

//===----------------------------------------------------------------------===//
// Loop: M, cond, initial values; body (i, cond, carried…) → (cond, carried…,
// scan outputs…)
//===----------------------------------------------------------------------===//

/// How many iterations a Loop is followed one by one: fewer where the body is
/// large, or is itself in a loop's body, every inference of which repeats them.
static int64_t mostUnrolled(const OpContext &Ctx, GraphId Body) {
  int64_t Nodes = Ctx.model()[Body].Nodes.size() + 1;
  return std::min<int64_t>(64 >> (3 * std::min(loopDepth(Ctx), 3u)),
                           1 + 20000 / Nodes);
}

namespace {
struct Unrolled {
  int64_t Trips = 0;
  FactsList Carried;
  std::vector<FactsList> ScanItems; ///< by iteration
};
} // namespace

/// Follows the iterations, each with its own facts. None where the end is not
/// known or far.
static std::optional<Unrolled> unroll(InferContext &Ctx, GraphId Body,
                                      const FactsList &Initial,
                                      std::optional<int64_t> M, int64_t Most) {
  Unrolled Result;
  Result.Carried = Initial;
  for (int64_t I = 0; !M || I < *M; ++I) {
    if (I == Most)
      return std::nullopt;
    Operands Of;
    Of.Leading = {
        scalarFacts(ElemType::Int64, Element::integer(Ctx.constant(I))),
        scalarFacts(ElemType::Bool, Element::boolean(true))};
    Of.Carried = Result.Carried;
    FactsList Out = Ctx.inferSubgraph(Body, Of.all());
    if (Out.size() < 1 + Initial.size())
      return std::nullopt;
    auto FirstScan = Out.begin() + 1 + Initial.size();
    Result.Carried.assign(Out.begin() + 1, FirstScan);
    Result.ScanItems.emplace_back(FirstScan, Out.end());
    Result.Trips = I + 1;
    Truth Goes = Out[0].Known.at(0).truth();
    if (Goes == Truth::False)
      break;
    if (Goes == Truth::Unknown && (!M || I + 1 != *M))
      return std::nullopt;
  }
  return Result;
}

/// Scan output S of the iterations of a Loop, contents included.
static ValueFacts stackedItems(InferContext &Ctx, const Unrolled &U, size_t S) {
  ValueFacts Item = U.ScanItems.front()[S];
  Contents All;
  for (const FactsList &Items : U.ScanItems) {
    const ValueFacts &F = Items[S];
    Item = join(Ctx.store(), Item, F, "iterations differ");
    auto Dims = F.HasRank ? constantDims(F.Dims) : std::nullopt;
    auto Count =
        Dims ? numElements(Ctx.store(), F.Dims).constant() : std::nullopt;
    for (int64_t I = 0; Count && I < *Count; ++I)
      if (All.Elements.size() <= Contents::MaxElements)
        All.Elements.push_back(F.Known.at(I));
  }
  Item = stacked(Ctx, Item, Ctx.constant(U.Trips), 0);
  if (llvm::any_of(All.Elements, [](const Element &E) { return E.known(); }) &&
      constantDims(Item.Dims) &&
      numElements(Ctx.store(), Item.Dims).is(All.Elements.size()))
    Item.Known = std::move(All);
  return Item;
}

/// The number of iterations, if the condition always holds.
static std::optional<Expr> tripsWhileTrue(InferContext &Ctx, Truth First) {
  if (First == Truth::False)
    return Ctx.constant(0);
  Element M = Ctx.scalar(0);
  if (First != Truth::True || M.kind() != Element::Int || !M.expr().isKnown())
    return std::nullopt;
  Expr Zero = Ctx.constant(0);
  return lessEqual(Zero, M.expr()) == Truth::True ? M.expr()
                                                  : max(M.expr(), Zero);
}

static bool isSure(const Element &E) {
  return E.known() && (!E.expr() || E.expr().isKnown());
}

/// Following the iterations one by one may tell more.
static bool anyUnsure(const FactsList &Out) {
  return llvm::any_of(Out, [](const ValueFacts &F) {
    if (!F.HasRank || llvm::any_of(F.Dims, [](Expr D) { return !D.isKnown(); }))
      return true;
    bool Counts = isInteger(F.Elem) || F.Elem == ElemType::Bool;
    return Counts && constantDims(F.Dims) &&
           (F.Known.none() || !llvm::all_of(F.Known.Elements, isSure));
  });
}

void inferLoop(InferContext &Ctx) {
  auto Body = Ctx.graphAttr("body");
  if (!Body)
    return Ctx.fail("expected a body");
  const Graph &G = Ctx.model()[*Body];
  size_t NumCarried = Ctx.numInputs() > 2 ? Ctx.numInputs() - 2 : 0;
  if (G.Inputs.size() != 2 + NumCarried || G.Outputs.size() < 1 + NumCarried)
    return Ctx.fail("expected a body of " + llvm::Twine(2 + NumCarried) +
                    " inputs and at least " + llvm::Twine(1 + NumCarried) +
                    " outputs, found " + llvm::Twine(G.Inputs.size()) +
                    " and " + llvm::Twine(G.Outputs.size()));
  FactsList Initial;
  for (size_t I = 0; I < NumCarried; ++I)
    Initial.push_back(Ctx.input(2 + I));
  Truth First = Ctx.has(1) ? Ctx.scalar(1).truth() : Truth::True;

  Operands Of;
  Of.Leading = {
      scalarFacts(ElemType::Int64,
                  Element::integer(Ctx.store().unknown("the iteration", 0))),
      scalarFacts(ElemType::Bool, Element::boolean(true))};
  Of.Leading[1].Folded = !Ctx.has(1) || Ctx.input(1).Folded;
  Of.Carried = Initial;
  FactsList Out = settle(Ctx, *Body, Of, 1, /*SameShape=*/false);
  if (Out.empty() || Ctx.failed())
    return;

  std::optional<Expr> Trips = tripsWhileTrue(Ctx, First);
  if (Trips && !Trips->is(0) && Out[0].Known.at(0).truth() != Truth::True)
    Trips = std::nullopt;
  std::optional<int64_t> M;
  if (Element E = Ctx.scalar(0); E.kind() == Element::Int)
    M = E.expr().constant();
  bool MayEnd = First == Truth::True && (M ? *M > 0 : !Ctx.has(0));
  // Where none is followed, the body needs no inference anew: one more a level
  // would double the time with each.
  const int64_t Most = mostUnrolled(Ctx, *Body);
  if (MayEnd && M.value_or(1) <= Most && (!Trips || anyUnsure(Out))) {
    auto U = unroll(Ctx, *Body, Initial, M, Most);
    Ctx.inferSubgraph(*Body, Of.all()); // facts for every iteration again
    if (U) {
      for (size_t I = 0; I < NumCarried; ++I)
        Ctx.set(I, U->Carried[I]);
      for (size_t S = 0; S < U->ScanItems.front().size(); ++S)
        Ctx.set(NumCarried + S, stackedItems(Ctx, *U, S));
      return;
    }
  }

  for (size_t I = 0; I < NumCarried; ++I)
    Ctx.set(
        I, Trips && Trips->is(0)
               ? Initial[I]
               : finalFacts(Ctx, Initial[I], Of.Carried[I], Out[1 + I], Trips));
  Expr Count = Trips ? *Trips
                     : Ctx.unknownDim("how often the loop runs is known at run "
                                      "time only");
  for (size_t S = 1 + NumCarried; S < Out.size(); ++S)
    Ctx.set(S - 1, stacked(Ctx, Out[S], Count, 0));
}

//===----------------------------------------------------------------------===//
// Scan: states, scan inputs; body (states…, slices…) → (states…, slices…)
//===----------------------------------------------------------------------===//

/// F without the dimension at Axis, which goes to Size.
static ValueFacts sliceOf(InferContext &Ctx, ValueFacts F, int64_t Axis,
                          std::optional<Expr> &Size) {
  F.FromDeclaration = false;
  if (!F.Known.Splat)
    F.Known = Contents();
  if (!F.HasRank)
    return F;
  auto At = checkedAxis(Ctx, Axis, F.rank());
  if (!At)
    return F;
  if (!Size)
    Size = F.Dims[*At];
  else if (auto Agreed = sameDim(Ctx, *Size, F.Dims[*At], "the scanned axis"))
    Size = *Agreed;
  F.Dims.erase(F.Dims.begin() + *At);
  return F;
}

void inferScan(InferContext &Ctx) {
  auto Body = Ctx.graphAttr("body");
  if (!Body)
    return Ctx.fail("expected a body");
  const Graph &G = Ctx.model()[*Body];
  // Opset 8: an input of lengths first, and a batch before all else.
  bool Batched = Ctx.opset() < 9;
  size_t Skip = Batched ? 1 : 0;
  size_t Given = Ctx.numInputs() > Skip ? Ctx.numInputs() - Skip : 0;
  int64_t NumScans = Ctx.intAttr("num_scan_inputs", 0);
  if (NumScans < 0 || NumScans > static_cast<int64_t>(Given))
    return Ctx.fail("expected num_scan_inputs of at most " +
                    llvm::Twine(Given) + ", found " + llvm::Twine(NumScans));
  size_t NumStates = Given - NumScans;
  if (G.Inputs.size() != Given || G.Outputs.size() < NumStates)
    return Ctx.fail("expected a body of " + llvm::Twine(Given) +
                    " inputs and at least " + llvm::Twine(NumStates) +
                    " outputs, found " + llvm::Twine(G.Inputs.size()) +
                    " and " + llvm::Twine(G.Outputs.size()));
  auto AxisOf = [&](llvm::StringRef Name, size_t I) -> int64_t {
    auto Axes = Ctx.intsAttr(Name);
    return Axes && I < Axes->size() ? (*Axes)[I] : 0;
  };

  std::optional<Expr> Batch, Trips;
  Operands Of;
  for (size_t I = 0; I < NumStates; ++I) {
    ValueFacts State = Ctx.input(Skip + I);
    Of.Carried.push_back(Batched ? sliceOf(Ctx, State, 0, Batch) : State);
  }
  for (int64_t I = 0; I < NumScans; ++I) {
    ValueFacts Scanned = Ctx.input(Skip + NumStates + I);
    if (Batched)
      Scanned = sliceOf(Ctx, Scanned, 0, Batch);
    Of.Trailing.push_back(
        sliceOf(Ctx, Scanned, AxisOf("scan_input_axes", I), Trips));
  }
  if (Ctx.failed())
    return;
  FactsList Initial = Of.Carried;
  FactsList Out = settle(Ctx, *Body, Of, 0, /*SameShape=*/true);
  if (Out.empty())
    return;
  auto Sized = [&](std::optional<Expr> Size) {
    return Size ? *Size : Ctx.unknownDim("the scanned inputs are not known");
  };
  for (size_t O = 0; O < Out.size(); ++O) {
    ValueFacts F =
        O < NumStates
            ? finalFacts(Ctx, Initial[O], Of.Carried[O], Out[O], Trips)
            : stacked(Ctx, Out[O], Sized(Trips),
                      AxisOf("scan_output_axes", O - NumStates));
    if (Batched)
      F = stacked(Ctx, F, Sized(Batch), 0);
    Ctx.set(O, F);
  }
}

} // namespace xfa
