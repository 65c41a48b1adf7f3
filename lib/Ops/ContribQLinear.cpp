//===- ContribQLinear.cpp - com.microsoft: 8-bit twins of float operators -===//
//
// QLinearOp stands for DequantizeLinear of each operand, Op, QuantizeLinear
// (C5, C14). An operand is followed by its scale and zero point.
//
//===----------------------------------------------------------------------===//

#include "Convolution.h"
#include "Quantization.h"
#include "Shapes.h"

namespace xfa {

/// Dequantising these operands, quantising the result.
static void addConversions(CostContext &Ctx,
                           llvm::ArrayRef<unsigned> Operands) {
  for (unsigned I : Operands)
    Ctx.addVector(DequantizeFlops * Ctx.inSize(I));
  Ctx.addVector(QuantizeFlops * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// QLinearAdd, QLinearMul: A, …, B, …; QLinearWhere: condition, X, …, Y, …
//===----------------------------------------------------------------------===//

/// Output 0 is what these operands broadcast to.
static void setBroadcast(InferContext &Ctx, ElemType Elem,
                         llvm::ArrayRef<unsigned> Operands) {
  Shape Dims;
  for (unsigned I : Operands) {
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(0, Elem, unknownRank(Ctx, I));
      return;
    }
    std::optional<Shape> Both = broadcast(Dims, Ctx.dims(I));
    if (!Both) {
      Ctx.fail("got " + shapeText(Dims) + " and " + shapeText(Ctx.dims(I)) +
               ": they do not broadcast");
      return;
    }
    Dims = std::move(*Both);
  }
  Ctx.set(0, Elem, Dims);
}

void inferQLinearBinary(InferContext &Ctx) {
  setBroadcast(Ctx, Ctx.elem(0), {0, 3});
}

void costQLinearBinary(CostContext &Ctx) {
  addConversions(Ctx, {0, 3});
  Ctx.addVector(Ctx.outSize(0)); // C2
}

void inferQLinearWhere(InferContext &Ctx) {
  setBroadcast(Ctx, Ctx.elem(1), {0, 1, 4});
}

void costQLinearWhere(CostContext &Ctx) {
  addConversions(Ctx, {1, 4});
  Ctx.addVector(Ctx.outSize(0)); // C2
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

void costQLinearSigmoid(CostContext &Ctx) {
  addConversions(Ctx, {0});
  Ctx.addVector(Ctx.outSize(0)); // C2
}

void costQLinearLeakyRelu(CostContext &Ctx) {
  addConversions(Ctx, {0});
  Ctx.addVector(3 * Ctx.outSize(0)); // C5: Less, Mul, Where
}

void costQLinearSoftmax(CostContext &Ctx) {
  addConversions(Ctx, {0});
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * Ctx.outSize(0)); // C3
}

void inferQLinearReduceMean(InferContext &Ctx) {
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  auto Axes = Ctx.intsAttr("axes");
  bool KeepDims = Ctx.intAttr("keepdims", 1) != 0;
  llvm::SmallVector<bool, 8> Reduced(Ctx.rank(0), !Axes || Axes->empty());
  if (Axes)
    for (int64_t Axis : *Axes) {
      auto At = OpContext::normalizeAxis(Axis, Ctx.rank(0));
      if (!At) {
        Ctx.fail("axis " + llvm::Twine(Axis) + " is outside of " +
                 shapeText(Ctx.dims(0)));
        return;
      }
      Reduced[*At] = true;
    }
  Shape Dims;
  for (int64_t I = 0; I < Ctx.rank(0); ++I)
    if (!Reduced[I])
      Dims.push_back(Ctx.dim(0, I));
    else if (KeepDims)
      Dims.push_back(Ctx.constant(1));
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costQLinearReduceMean(CostContext &Ctx) {
  addConversions(Ctx, {0});
  Ctx.addVector(Ctx.inSize(0) + Ctx.outSize(0)); // C4
}

//===----------------------------------------------------------------------===//
// Pools and convolution, channels first or last
//===----------------------------------------------------------------------===//

static ChannelsAt channels(const OpContext &Ctx) {
  return Ctx.intAttr("channels_last", 0) != 0 ? ChannelsAt::Last
                                              : ChannelsAt::First;
}

void inferQLinearAveragePool(InferContext &Ctx) { setPool(Ctx, channels(Ctx)); }

void costQLinearAveragePool(CostContext &Ctx) {
  addConversions(Ctx, {0});
  Expr Volume = Ctx.constant(1);
  if (auto Kernel = Ctx.intsAttr("kernel_shape"))
    for (int64_t Extent : *Kernel)
      Volume *= Ctx.constant(Extent);
  else
    Ctx.unknown("kernel_shape is missing");
  Ctx.addVector(Ctx.outSize(0) * (Volume + 1)); // C4
}

void inferQLinearGlobalAveragePool(InferContext &Ctx) {
  setGlobalPool(Ctx, channels(Ctx));
}

void inferMsQLinearConv(InferContext &Ctx) {
  setConvolution(Ctx, Ctx.elem(7), 0, 3, channels(Ctx));
}

//===----------------------------------------------------------------------===//
// QLinearConcat: scale and zero point of the result, then the operands
//===----------------------------------------------------------------------===//

void inferQLinearConcat(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(1);
  Shape Dims;
  std::optional<int64_t> Axis;
  for (unsigned I = 2; I < Ctx.numInputs(); I += 3) {
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(0, Elem, unknownRank(Ctx, I));
      return;
    }
    if (!Axis) {
      Dims.assign(Ctx.dims(I).begin(), Ctx.dims(I).end());
      Axis = OpContext::normalizeAxis(Ctx.intAttr("axis", 0), Ctx.rank(I));
      if (!Axis) {
        Ctx.fail("the axis is outside of " + shapeText(Dims));
        return;
      }
      continue;
    }
    if (Ctx.rank(I) != static_cast<int64_t>(Dims.size())) {
      Ctx.fail("got " + shapeText(Dims) + " and " + shapeText(Ctx.dims(I)) +
               ": the ranks differ");
      return;
    }
    for (int64_t At = 0; At < Ctx.rank(I); ++At) {
      if (At == *Axis) {
        Dims[At] += Ctx.dim(I, At);
        continue;
      }
      auto Same = sameDim(Ctx, Dims[At], Ctx.dim(I, At), "an axis");
      if (!Same)
        return;
      Dims[At] = *Same;
    }
  }
  if (Axis)
    Ctx.set(0, Elem, Dims);
  else
    Ctx.fail("there is nothing to concatenate");
}

void costQLinearConcat(CostContext &Ctx) {
  for (unsigned I = 2; I < Ctx.numInputs(); I += 3)
    Ctx.addVector(DequantizeFlops * Ctx.inSize(I));
  Ctx.addVector(QuantizeFlops * Ctx.outSize(0));
}

} // namespace xfa
