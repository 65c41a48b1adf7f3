//===- Reduction.cpp - sums, products, extremes and scans along axes ------===//

#include "Broadcasting.h"
#include "ElementMath.h"

#include "llvm/ADT/SmallBitVector.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Which axes
//===----------------------------------------------------------------------===//

namespace {

struct ReducedAxes {
  enum KindTy { All, None, Some, Unknown } Kind = All;
  llvm::SmallVector<int64_t, 4> Axes; ///< Some; as written
  std::optional<int64_t> Count;       ///< Unknown: how many, if that is known
};

} // namespace

/// `axes` became an input at opset 13 (ReduceSum) or 18 (the others). An input
/// that is there is used whatever the opset says.
static ReducedAxes reducedAxes(const OpContext &Ctx) {
  ReducedAxes Result;
  if (Ctx.has(1)) {
    auto Axes = Ctx.constInts(1);
    if (!Axes) {
      Result.Kind = ReducedAxes::Unknown;
      if (Ctx.hasRank(1))
        Result.Count = numElements(Ctx.store(), Ctx.dims(1)).constant();
      if (Result.Count != 0)
        return Result;
    } else {
      Result.Axes.assign(Axes->begin(), Axes->end());
    }
  } else if (auto Axes = Ctx.intsAttr("axes")) {
    Result.Axes.assign(Axes->begin(), Axes->end());
  }
  if (!Result.Axes.empty())
    Result.Kind = ReducedAxes::Some;
  else
    Result.Kind = Ctx.intAttr("noop_with_empty_axes", 0) ? ReducedAxes::None
                                                         : ReducedAxes::All;
  return Result;
}

/// The axes as bits; none, and a failure, if one is out of range.
static std::optional<llvm::SmallBitVector> axisBits(InferContext &Ctx,
                                                    const ReducedAxes &Axes) {
  int64_t Rank = Ctx.rank(0);
  llvm::SmallBitVector Bits(static_cast<unsigned>(Rank),
                            Axes.Kind == ReducedAxes::All);
  for (int64_t Axis : Axes.Axes) {
    std::optional<int64_t> At = OpContext::normalizeAxis(Axis, Rank);
    if (!At) {
      Ctx.fail("expected axes of " + shapeText(Ctx.dims(0)) + ", found axis " +
               llvm::Twine(Axis));
      return std::nullopt;
    }
    Bits.set(static_cast<unsigned>(*At));
  }
  return Bits;
}

static Shape reducedShape(const OpContext &Ctx,
                          const llvm::SmallBitVector &Bits, bool KeepDims) {
  Shape Dims;
  for (auto [Axis, Dim] : llvm::enumerate(Ctx.dims(0)))
    if (!Bits[static_cast<unsigned>(Axis)])
      Dims.push_back(Dim);
    else if (KeepDims)
      Dims.push_back(Ctx.constant(1));
  return Dims;
}

/// Axes that only running tells: the rank is known if dims are kept, or if one
/// axis goes.
static void inferUnknownAxes(InferContext &Ctx, const ReducedAxes &Axes,
                             bool KeepDims) {
  ElemType Elem = Ctx.elem(0);
  int64_t Rank = Ctx.rank(0);
  if (!KeepDims && Axes.Count != 1)
    return Ctx.setUnknown(0, Elem, "the axes to reduce are not known");
  Shape Dims;
  for (int64_t Axis = 0; Axis < (KeepDims ? Rank : Rank - 1); ++Axis) {
    bool StaysOne = KeepDims && Ctx.dim(0, Axis).is(1);
    Dims.push_back(StaysOne
                       ? Ctx.constant(1)
                       : Ctx.unknownDim("the axes to reduce are not known"));
  }
  Ctx.set(0, Elem, Dims);
}

//===----------------------------------------------------------------------===//
// Reduce*
//===----------------------------------------------------------------------===//

static Element step(OpKind Kind, const ElementMath &Math, Element A,
                    Element B) {
  switch (Kind) {
  case OpKind::ReduceSum:
    // Sums of floats depend on the order.
    return A.kind() == Element::Int ? Math.add(A, B) : Element();
  case OpKind::ReduceProd:
    return A.kind() == Element::Int ? Math.mul(A, B) : Element();
  case OpKind::ReduceMax:
    return Math.max(A, B);
  case OpKind::ReduceMin:
    return Math.min(A, B);
  default:
    return Element();
  }
}

/// A tensor of equal elements, of whatever size.
static Element reduceSplat(OpKind Kind, const ElementMath &Math, Element Value,
                           Expr Count) {
  switch (Kind) {
  case OpKind::ReduceSum:
    return Value.kind() == Element::Int ? Math.integer(Value.expr() * Count)
                                        : Element();
  case OpKind::ReduceMean:
  case OpKind::ReduceMax:
  case OpKind::ReduceMin:
    return lowerBound(Count).value_or(0) >= 1 ? Value : Element();
  default:
    return Element();
  }
}

static void reduceContents(InferContext &Ctx,
                           const llvm::SmallBitVector &Bits) {
  OpKind Kind = Ctx.node().Kind;
  const Contents &Known = Ctx.input(0).Known;
  ElementMath Math(Ctx.store(), Ctx.elem(0));
  if (Known.none())
    return;
  if (Known.Splat) {
    Expr Count = Ctx.constant(1);
    for (unsigned Axis : Bits.set_bits())
      Count *= Ctx.dim(0, Axis);
    Element Value = reduceSplat(Kind, Math, Known.at(0), Count);
    if (Value.known())
      Ctx.setContents(0, Contents::splat(Value));
    return;
  }
  auto Sizes = constantDims(Ctx.dims(0));
  if (!Sizes)
    return;
  // Where each input element goes: strides of the result, 0 along the reduced.
  size_t Rank = Sizes->size();
  llvm::SmallVector<int64_t, 4> Strides(Rank, 0), Index(Rank, 0);
  int64_t Count = 1;
  for (size_t Axis = Rank; Axis-- > 0;)
    if (!Bits[static_cast<unsigned>(Axis)]) {
      Strides[Axis] = Count;
      Count *= (*Sizes)[Axis];
    }
  Contents Result;
  Result.Elements.assign(static_cast<size_t>(Count), Element());
  llvm::SmallBitVector Begun(static_cast<unsigned>(Count));
  for (const Element &E : Known.Elements) {
    size_t At = 0;
    for (size_t Axis = 0; Axis < Rank; ++Axis)
      At += static_cast<size_t>(Index[Axis] * Strides[Axis]);
    Element &Into = Result.Elements[At];
    Into = Begun[static_cast<unsigned>(At)] ? step(Kind, Math, Into, E) : E;
    Begun.set(static_cast<unsigned>(At));
    for (size_t Axis = Rank; Axis-- > 0;) {
      if (++Index[Axis] < (*Sizes)[Axis])
        break;
      Index[Axis] = 0;
    }
  }
  Ctx.setContents(0, std::move(Result));
}

static bool keepsValues(OpKind Kind) {
  return Kind == OpKind::ReduceSum || Kind == OpKind::ReduceProd ||
         Kind == OpKind::ReduceMax || Kind == OpKind::ReduceMin ||
         Kind == OpKind::ReduceMean;
}

/// All of Reduce*.
void inferReduce(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  bool KeepDims = Ctx.intAttr("keepdims", 1) != 0;
  ReducedAxes Axes = reducedAxes(Ctx);
  if (!Ctx.hasRank(0)) {
    if (Axes.Kind == ReducedAxes::All && !KeepDims)
      return Ctx.set(0, Elem, {});
    return Ctx.setUnknown(0, Elem, unknownRank(Ctx, 0));
  }
  if (Axes.Kind == ReducedAxes::Unknown)
    return inferUnknownAxes(Ctx, Axes, KeepDims);
  std::optional<llvm::SmallBitVector> Bits = axisBits(Ctx, Axes);
  if (!Bits)
    return;
  Ctx.set(0, Elem, reducedShape(Ctx, *Bits, KeepDims));
  if (keepsValues(Ctx.node().Kind))
    reduceContents(Ctx, *Bits);
}

/// C4: one per input element; a mean, one more per output element. Without axes
/// and with noop_with_empty_axes, the five that keep values do nothing.
void costReduce(CostContext &Ctx) {
  OpKind Kind = Ctx.node().Kind;
  if (reducedAxes(Ctx).Kind == ReducedAxes::None && keepsValues(Kind))
    return;
  Ctx.addVector(Ctx.inSize(0));
  if (Kind == OpKind::ReduceMean)
    Ctx.addVector(Ctx.outSize(0));
}

/// ArgMax, ArgMin.
void inferArgExtreme(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, ElemType::Int64, unknownRank(Ctx, 0));
  ReducedAxes Axes;
  Axes.Kind = ReducedAxes::Some;
  Axes.Axes.push_back(Ctx.intAttr("axis", 0));
  std::optional<llvm::SmallBitVector> Bits = axisBits(Ctx, Axes);
  if (!Bits)
    return;
  Ctx.set(0, ElemType::Int64,
          reducedShape(Ctx, *Bits, Ctx.intAttr("keepdims", 1) != 0));
}

/// C4: one per input element.
void costArgExtreme(CostContext &Ctx) { Ctx.addVector(Ctx.inSize(0)); }

//===----------------------------------------------------------------------===//
// CumSum, CumProd
//===----------------------------------------------------------------------===//

/// The running result along an axis, at each place of it.
static void scanContents(InferContext &Ctx) {
  const Contents &Known = Ctx.input(0).Known;
  auto Sizes = constantDims(Ctx.dims(0));
  Element AxisElement = Ctx.scalar(1);
  if (Known.none() || !Sizes || AxisElement.kind() != Element::Int ||
      !isInteger(Ctx.elem(0)))
    return;
  std::optional<int64_t> Axis = AxisElement.expr().constant();
  if (Axis)
    Axis = OpContext::normalizeAxis(*Axis, Ctx.rank(0));
  if (!Axis)
    return;
  bool Product = Ctx.node().Kind == OpKind::CumProd;
  bool Exclusive = Ctx.intAttr("exclusive", 0) != 0;
  bool Reverse = Ctx.intAttr("reverse", 0) != 0;
  ElementMath Math(Ctx.store(), Ctx.elem(0));

  int64_t Length = (*Sizes)[static_cast<size_t>(*Axis)], Inner = 1, Count = 1;
  for (auto [At, Size] : llvm::enumerate(*Sizes)) {
    Count *= Size;
    if (static_cast<int64_t>(At) > *Axis)
      Inner *= Size;
  }
  Contents Result;
  Result.Elements.assign(static_cast<size_t>(Count), Element());
  for (int64_t Start = 0; Start < Count; ++Start) {
    if (Start / Inner % Length != 0)
      continue;
    Element Running = Math.integer(Ctx.constant(Product));
    for (int64_t Step = 0; Step < Length; ++Step) {
      size_t At = static_cast<size_t>(
          Start + (Reverse ? Length - 1 - Step : Step) * Inner);
      Element Next = Product ? Math.mul(Running, Known.at(At))
                             : Math.add(Running, Known.at(At));
      Result.Elements[At] = Exclusive ? Running : Next;
      Running = Next;
    }
  }
  Ctx.setContents(0, std::move(Result));
}

/// CumSum, CumProd.
void inferCumulative(InferContext &Ctx) {
  if (inferSameShape(Ctx, Ctx.elem(0)))
    scanContents(Ctx);
}

} // namespace xfa
