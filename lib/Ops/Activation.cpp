//===- Activation.cpp - softmax, and activations with a function body -----===//

#include "Activation.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Softmax, LogSoftmax, Hardmax
//===----------------------------------------------------------------------===//

/// The axis: from opset 13 on one axis, the last by default; before that the
/// first of the axes that are flattened into a row, 1 by default.
static std::optional<int64_t> softmaxAxis(const OpContext &Ctx) {
  int64_t Axis = Ctx.intAttr("axis", Ctx.opset() >= 13 ? -1 : 1);
  // A row may start behind the last axis: rows of one element.
  if (Ctx.opset() < 13 && Axis == Ctx.rank(0))
    return Axis;
  return OpContext::normalizeAxis(Axis, Ctx.rank(0));
}

void inferSoftmax(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(0), 0);
  if (!Ctx.hasRank(0) || softmaxAxis(Ctx))
    return;
  // The old default, 1, is no claim about the rank.
  if (Ctx.hasAttr("axis") || Ctx.rank(0) == 0)
    Ctx.fail("the axis is outside of " + shapeText(Ctx.dims(0)));
}

void costSoftmax(CostContext &Ctx) {
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * Ctx.outSize(0)); // C3
}

void costLogSoftmax(CostContext &Ctx) {
  Expr N = Ctx.outSize(0);
  std::optional<int64_t> Axis = softmaxAxis(Ctx);
  if (!Axis) {
    Ctx.unknown("the axis is outside of the input's shape");
    return;
  }
  Expr Rows = costProduct(Ctx, 0, 0, *Axis);
  if (Ctx.opset() >= 13)
    Rows *= costProduct(Ctx, 0, *Axis + 1, Ctx.rank(0));
  // C5: ReduceMax n, Sub n, Exp n, ReduceSum n, Log r, Sub n.
  Ctx.addVector(5 * N + Rows);
}

void costHardmax(CostContext &Ctx) {
  Ctx.addVector(Ctx.outSize(0)); // C4: the place of the maximum
}

//===----------------------------------------------------------------------===//
// Activations: FLOPs an element of the ONNX function body (C5)
//===----------------------------------------------------------------------===//

int64_t geluFlops(bool Tanh) {
  // erf:  Div, Erf, Sum, Mul, Mul; Sqrt(2) is constant (C7).
  // tanh: Pow, Mul, Sum, Mul, Tanh, Sum, Mul, Mul; Sqrt(2/π) is constant.
  return Tanh ? 8 : 5;
}

void costGelu(CostContext &Ctx) {
  bool Tanh = Ctx.stringAttr("approximate", "none") == "tanh";
  Ctx.addVector(geluFlops(Tanh) * Ctx.outSize(0));
}

void costSwish(CostContext &Ctx) {
  Ctx.addVector(SwishFlops * Ctx.outSize(0)); // Mul, Sigmoid, Mul
}

void inferSwiGLU(InferContext &Ctx) {
  // Both operands have the same shape; the one whose rank is known tells.
  setLike(Ctx, 0, Ctx.elem(0), Ctx.hasRank(0) ? 0 : 1);
  if (!Ctx.hasRank(0) || !Ctx.hasRank(1))
    return;
  if (Ctx.rank(0) != Ctx.rank(1)) {
    Ctx.fail("gate " + shapeText(Ctx.dims(0)) + " and value " +
             shapeText(Ctx.dims(1)) + " should have one shape");
    return;
  }
  Shape Dims;
  for (int64_t I = 0; I < Ctx.rank(0); ++I) {
    auto Dim = sameDim(Ctx, Ctx.dim(0, I), Ctx.dim(1, I), "gate and value");
    if (!Dim)
      return;
    Dims.push_back(*Dim);
  }
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costSwiGLU(CostContext &Ctx) {
  Ctx.addVector((SwishFlops + 1) * Ctx.outSize(0)); // Swish, Mul
}

void costHardSwish(CostContext &Ctx) {
  // HardSigmoid (Mul, Add, Min, Max), Mul
  Ctx.addVector(5 * Ctx.outSize(0));
}

void costMish(CostContext &Ctx) {
  // Softplus (Exp, Add, Log), Tanh, Mul
  Ctx.addVector(5 * Ctx.outSize(0));
}

} // namespace xfa
