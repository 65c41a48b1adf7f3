//===- Quantization.cpp ---------------------------------------------------===//

#include "Quantization.h"
#include "Convolution.h"
#include "MatMul.h"
#include "Shapes.h"

namespace xfa {

Expr dynamicQuantizeFlops(Expr N) {
  // C5: ReduceMin, ReduceMax over x; Min, Max, Sub, Div, Div, Sub, Clip (Less,
  // Where, twice), Round of scalars; QuantizeLinear.
  return (2 + QuantizeFlops) * N + 11;
}

void addZeroPoint(CostContext &Ctx, unsigned I, unsigned ZeroPoint) {
  if (!Ctx.has(ZeroPoint) || Ctx.input(I).Folded)
    return;
  Element Value = Ctx.scalar(ZeroPoint);
  if (Value.kind() == Element::Int && Value.expr().is(0))
    return;
  Ctx.addVector(Ctx.inSize(I));
}

//===----------------------------------------------------------------------===//
// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear
//===----------------------------------------------------------------------===//

/// The type that attribute output_dtype names, if it does.
static std::optional<ElemType> outputType(const OpContext &Ctx) {
  int64_t Number = Ctx.intAttr("output_dtype", 0);
  return Number ? elemTypeFromOnnx(Number) : std::nullopt;
}

void inferQuantizeLinear(InferContext &Ctx) {
  ElemType Elem = Ctx.has(2) ? Ctx.elem(2) : ElemType::UInt8;
  if (std::optional<ElemType> Named = outputType(Ctx)) {
    if (elemBits(*Named) > 16 || (isFloat(*Named) && elemBits(*Named) == 16)) {
      Ctx.fail("output_dtype says " + elemTypeName(*Named) +
               ", which is no quantised type");
      return;
    }
    if (Ctx.has(2) && Elem != ElemType::Undefined && Elem != *Named) {
      Ctx.fail("output_dtype says " + elemTypeName(*Named) +
               ", the zero point is " + elemTypeName(Elem));
      return;
    }
    Elem = *Named;
  }
  setLike(Ctx, 0, Elem, 0);
}

void costQuantizeLinear(CostContext &Ctx) {
  Ctx.addVector(QuantizeFlops * Ctx.outSize(0));
}

void inferDequantizeLinear(InferContext &Ctx) {
  setLike(Ctx, 0, outputType(Ctx).value_or(Ctx.elem(1)), 0);
}

void costDequantizeLinear(CostContext &Ctx) {
  Ctx.addVector(DequantizeFlops * Ctx.outSize(0)); // C14
}

void inferDynamicQuantizeLinear(InferContext &Ctx) {
  setLike(Ctx, 0, ElemType::UInt8, 0);
  Ctx.set(1, ElemType::Float32, {});
  Ctx.set(2, ElemType::UInt8, {});
}

void costDynamicQuantizeLinear(CostContext &Ctx) {
  Ctx.addVector(dynamicQuantizeFlops(Ctx.inSize(0)));
}

//===----------------------------------------------------------------------===//
// MatMulInteger: A, B, zero point of A?, zero point of B?
//===----------------------------------------------------------------------===//

void inferMatMulInteger(InferContext &Ctx) {
  setMatMul(Ctx, 0, ElemType::Int32, 0, 1);
}

void costMatMulInteger(CostContext &Ctx) {
  addMatMul(Ctx, 0); // C1; integer products are the matrix unit's (C8)
  addZeroPoint(Ctx, 0, 2);
  addZeroPoint(Ctx, 1, 3);
}

//===----------------------------------------------------------------------===//
// QLinearMatMul: a, scale, zero point, b, scale, zero point, scale and zero
// point of the result. QLinearConv: x, …, w, …, …, bias
//===----------------------------------------------------------------------===//

void inferQLinearMatMul(InferContext &Ctx) {
  setMatMul(Ctx, 0, Ctx.elem(7), 0, 3);
}

void costQLinearMatMul(CostContext &Ctx) {
  addMatMul(Ctx, 0);
  addZeroPoint(Ctx, 0, 2);
  addZeroPoint(Ctx, 3, 5);
  Ctx.addVector(RequantizeFlops * Ctx.outSize(0));
}

void inferQLinearConv(InferContext &Ctx) {
  setConvolution(Ctx, Ctx.elem(7), 0, 3);
}

void costQLinearConv(CostContext &Ctx) {
  addConvolution(Ctx, 3);
  addZeroPoint(Ctx, 0, 2);
  addZeroPoint(Ctx, 3, 5);
  int64_t Bias = Ctx.has(8) ? 1 : 0; // C1
  Ctx.addVector((RequantizeFlops + Bias) * Ctx.outSize(0));
}

} // namespace xfa
