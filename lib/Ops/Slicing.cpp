//===- Slicing.cpp - Slice and Split: parts of a tensor, as views ---------===//

#include "IndexWalk.h"
#include "Operands.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a Slice: Length elements from Start on, Step apart.
struct AxisSlice {
  Expr Start, Length;
  int64_t Step = 1;
};
} // namespace

static Expr atLeast(Expr A, Expr Low) {
  if (lessEqual(Low, A) == Truth::True)
    return A;
  return lessEqual(A, Low) == Truth::True ? Low : max(A, Low);
}

static Expr atMost(Expr A, Expr High) {
  if (lessEqual(A, High) == Truth::True)
    return A;
  return lessEqual(High, A) == Truth::True ? High : min(A, High);
}

/// A position as ONNX reads it: a negative one counts from the end. Where the
/// sign depends on the binding, min(1, max(0, -At)) is 1 exactly for those that
/// make it negative.
static Expr fromTheFront(Expr At, Expr Dim) {
  ExprStore &Store = At.store();
  Expr Zero = Store.constant(0);
  if (lessEqual(Zero, At) == Truth::True)
    return At;
  if (less(At, Zero) == Truth::True)
    return At + Dim;
  return At + Dim * min(Store.constant(1), max(Zero, -At));
}

/// The position clamped to [Low, High]. ONNX recommends INT_MAX for "to the
/// end" of a dimension of unknown size, and INT_MIN for the beginning.
static Expr clampedPosition(Expr At, Expr Dim, Expr Low, Expr High) {
  std::optional<int64_t> C = At.constant(), Size = Dim.constant();
  if (C && Size) {
    int64_t Position = *C >= 0 ? *C : *C < -*Size ? -1 : *C + *Size;
    return Dim.store().constant(
        std::min(std::max(Position, *Low.constant()), *High.constant()));
  }
  if (C && *C >= INT32_MAX)
    return High;
  if (C && *C <= -INT32_MAX)
    return Low;
  return atMost(atLeast(fromTheFront(At, Dim), Low), High);
}

/// Start and length along an axis of size Dim; unknown where a bound is.
static AxisSlice sliceAxis(InferContext &Ctx, Expr Dim, Expr Start, Expr End,
                           int64_t Step) {
  AxisSlice Result;
  Result.Step = Step;
  for (Expr E : {Start, End})
    if (!E.isKnown()) {
      Result.Start = Ctx.store().unknown(E.unknownReason());
      Result.Length = Ctx.unknownDim(E.unknownReason());
      return Result;
    }
  // Backwards to INT_MAX: ONNX stops at the last element, ONNX Runtime reads it
  // as "to the end", which is the first.
  if (Step < 0 && (End.is(INT64_MAX) || End.is(INT32_MAX))) {
    Result.Start = Ctx.store().unknown("a slice backwards to INT_MAX");
    Result.Length = Ctx.unknownDim("a slice backwards to INT_MAX");
    return Result;
  }
  Expr Zero = Ctx.constant(0);
  Expr Low = Step > 0 ? Zero : Ctx.constant(-1);
  Expr High = Step > 0 ? Dim : Dim - 1;
  // A start never lies before the first element, an end may.
  Expr From = clampedPosition(Start, Dim, Zero, High);
  Expr To = clampedPosition(End, Dim, Low, High);
  Expr Span = atLeast(Step > 0 ? To - From : From - To, Zero);
  int64_t Stride = Step > 0 ? Step : Step == INT64_MIN ? INT64_MAX : -Step;
  Result.Start = From;
  Result.Length = Stride == 1 ? Span : ceilDiv(Span, Stride);
  return Result;
}

void inferSlice(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  bool Attributes = Ctx.opset() < 10;
  auto List = [&](llvm::StringRef Name, unsigned I) {
    return integerList(Ctx, Name, Attributes ? NoInput : I);
  };
  IntegerList Starts = List("starts", 1), Ends = List("ends", 2);
  IntegerList Axes = List("axes", 3), Steps = List("steps", 4);
  int64_t Rank = Ctx.rank(0);
  if (!Starts.HasLength || (Axes.Present && !Axes.constants()))
    return setUnknownDims(Ctx, 0, Ctx.elem(0), Rank,
                          "the axes to slice are known at run time only");
  size_t Count = Starts.size();
  for (const auto &[Name, Other] :
       {std::pair<const char *, const IntegerList &>("ends", Ends),
        {"axes", Axes},
        {"steps", Steps}})
    if (Other.HasLength && Other.size() != Count)
      return Ctx.fail("expected as many " + llvm::Twine(Name) +
                      " as starts, found " + llvm::Twine(Other.size()) +
                      " and " + llvm::Twine(Count));
  llvm::SmallVector<int64_t, 8> Which;
  if (Axes.Present) {
    auto Normal = checkedAxes(Ctx, *Axes.constants(), Rank);
    if (!Normal)
      return;
    Which = *Normal;
  } else {
    if (static_cast<int64_t>(Count) > Rank)
      return Ctx.fail("expected at most " + llvm::Twine(Rank) +
                      " starts, found " + llvm::Twine(Count));
    for (size_t I = 0; I < Count; ++I)
      Which.push_back(I);
  }

  llvm::SmallVector<AxisSlice, 4> Slices;
  for (Expr Dim : Ctx.dims(0))
    Slices.push_back({Ctx.constant(0), Dim, 1});
  llvm::SmallVector<int64_t, 8> Seen;
  for (size_t I = 0; I < Count; ++I) {
    int64_t Axis = Which[I];
    AxisSlice &S = Slices[Axis];
    std::optional<int64_t> Step = 1;
    if (Steps.Present)
      Step = Steps.HasLength ? Steps.Items[I].constant() : std::nullopt;
    if (Step == 0)
      return Ctx.fail("expected steps other than 0");
    if (!Step || !Ends.HasLength || llvm::is_contained(Seen, Axis)) {
      const char *Why = llvm::is_contained(Seen, Axis)
                            ? "an axis is sliced twice"
                            : "the slice's bounds are known at run time only";
      S = {Ctx.store().unknown(Why), Ctx.unknownDim(Why), 1};
    } else {
      S = sliceAxis(Ctx, Ctx.dims(0)[Axis], Starts.Items[I], Ends.Items[I],
                    *Step);
    }
    Seen.push_back(Axis);
  }

  Shape Dims;
  for (const AxisSlice &S : Slices)
    Dims.push_back(S.Length);
  Ctx.set(0, Ctx.elem(0), Dims);
  const Contents &Known = Ctx.input(0).Known;
  auto In = constantDims(Ctx.dims(0));
  bool Fixed = In && constantDims(Dims);
  for (const AxisSlice &S : Slices)
    Fixed = Fixed && S.Start.isConstant();
  if (Known.Splat)
    return Ctx.setContents(0, Known);
  if (!Fixed)
    return;
  Index Strides = rowMajorStrides(*In);
  Ctx.setContents(0, mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
                    int64_t I = 0;
                    for (int64_t D = 0; D < Rank; ++D)
                      // At[D] is 0 where a step is larger than the axis.
                      I += (*Slices[D].Start.constant() +
                            (At[D] ? At[D] * Slices[D].Step : 0)) *
                           Strides[D];
                    return I;
                  }));
}

/// As a copy (--layout=executed) it reads the slice (C10).
void costSlice(CostContext &Ctx) { Ctx.reads(0, Ctx.outSize(0)); }

//===----------------------------------------------------------------------===//
// Split
//===----------------------------------------------------------------------===//

/// Sizes of Count equal chunks of Dim; from opset 18 on (`Uneven`) the last one
/// may be smaller.
static llvm::SmallVector<Expr, 8> equalChunks(InferContext &Ctx, Expr Dim,
                                              int64_t Count, bool Uneven) {
  if (!Dim.isKnown() && !tryExactDiv(Dim, Ctx.constant(Count)))
    return llvm::SmallVector<Expr, 8>(Count,
                                      Ctx.unknownDim(Dim.unknownReason()));
  if (!Uneven && Dim.constant() && *Dim.constant() % Count) {
    Ctx.fail("expected a size divisible by " + llvm::Twine(Count) +
             " to split it evenly, found " + toString(Dim));
    return {};
  }
  std::optional<Expr> Even = tryExactDiv(Dim, Ctx.constant(Count));
  if (!Uneven && !Even)
    Even = exactDiv(Dim, Ctx.constant(Count));
  if (Even)
    return llvm::SmallVector<Expr, 8>(Count, *Even);
  Expr Chunk = ceilDiv(Dim, Count);
  llvm::SmallVector<Expr, 8> Sizes(Count, Chunk);
  Sizes.back() = Dim - Chunk * (Count - 1);
  if (Sizes.back().constant() && *Sizes.back().constant() < 0)
    Sizes.back() = Ctx.unknownDim("more chunks than the axis has room for");
  return Sizes;
}

/// Sizes as the node lists them; one that is not known is what is left.
static llvm::SmallVector<Expr, 8> listedChunks(InferContext &Ctx, Expr Dim,
                                               llvm::ArrayRef<Expr> Listed) {
  llvm::SmallVector<Expr, 8> Sizes(Listed);
  std::optional<size_t> Open;
  unsigned NumOpen = 0;
  Expr Sum = Ctx.constant(0);
  for (size_t I = 0; I < Sizes.size(); ++I) {
    if (Sizes[I].constant() && *Sizes[I].constant() < 0) {
      Ctx.fail("expected split sizes >= 0, found " + toString(Sizes[I]));
      return Sizes;
    }
    if (isDimension(Sizes[I])) {
      Sum += Sizes[I];
      continue;
    }
    Sizes[I] = Ctx.unknownDim(Sizes[I].unknownReason());
    Open = I;
    ++NumOpen;
  }
  if (NumOpen == 1 && (Dim - Sum).isKnown())
    Sizes[*Open] = Dim - Sum;
  if (Sum.constant() && Dim.constant() &&
      (NumOpen ? *Sum.constant() > *Dim.constant() : Sum != Dim))
    Ctx.fail("expected split sizes that sum to " + toString(Dim) + ", found " +
             toString(Sum));
  return Sizes;
}

void inferSplit(InferContext &Ctx) {
  unsigned Parts = Ctx.numOutputs();
  ElemType Elem = Ctx.elem(0);
  if (!Ctx.hasRank(0)) {
    for (unsigned O = 0; O < Parts; ++O)
      setUnknownFrom(Ctx, O, Elem, 0);
    return;
  }
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Ctx.rank(0));
  if (!Axis)
    return;
  Expr Dim = Ctx.dims(0)[*Axis];
  bool HasInput = Ctx.opset() < 2 || Ctx.opset() >= 13;
  IntegerList Listed = integerList(Ctx, "split", HasInput ? 1 : NoInput);
  llvm::SmallVector<Expr, 8> Sizes;
  if (Listed.Present && !Listed.HasLength) {
    for (unsigned O = 0; O < Parts; ++O)
      Sizes.push_back(
          Ctx.unknownDim("the split sizes are known at run time only"));
  } else if (Listed.Present) {
    if (Listed.size() != Parts)
      return Ctx.fail("expected " + llvm::Twine(Parts) +
                      " split sizes, one an output, found " +
                      llvm::Twine(Listed.size()));
    Sizes = listedChunks(Ctx, Dim, Listed.Items);
  } else {
    int64_t Count = Ctx.intAttr("num_outputs", Parts);
    if (Count != static_cast<int64_t>(Parts) || Count == 0)
      return Ctx.fail("expected num_outputs to be the number of outputs, " +
                      llvm::Twine(Parts) + ", found " + llvm::Twine(Count));
    Sizes = equalChunks(Ctx, Dim, Count, Ctx.opset() >= 18);
  }
  if (Ctx.failed())
    return;

  const Contents &Known = Ctx.input(0).Known;
  auto In = constantDims(Ctx.dims(0));
  Expr Start = Ctx.constant(0);
  for (unsigned O = 0; O < Parts; ++O) {
    Shape Dims(Ctx.dims(0));
    Dims[*Axis] = Sizes[O];
    Ctx.set(O, Elem, Dims);
    if (Known.Splat) {
      Ctx.setContents(O, Known);
    } else if (In && Start.isConstant()) {
      Index Strides = rowMajorStrides(*In);
      int64_t Skip = *Start.constant() * Strides[*Axis];
      Ctx.setContents(O,
                      mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
                        return Skip + linearIndex(At, Strides);
                      }));
    }
    Start += Sizes[O];
  }
}

} // namespace xfa
