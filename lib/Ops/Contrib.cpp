//===- Contrib.cpp - com.microsoft: norms and activations -----------------===//
//
// Fused operators of ONNX Runtime have no ONNX body; they cost what the nodes
// that they stand for cost (C5). Signatures: onnxruntime's
// docs/ContribOperators.md.
//
//===----------------------------------------------------------------------===//

#include "Activation.h"
#include "Normalization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

void costFastGelu(CostContext &Ctx) {
  // (X, bias?): Add, Gelu by tanh.
  int64_t Bias = Ctx.has(1) ? 1 : 0;
  Ctx.addVector((geluFlops(/*Tanh=*/true) + Bias) * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// SkipLayerNormalization: input, skip, gamma, beta?, bias? → output, mean?,
// inverse deviation?, sum of input, skip and bias?
//===----------------------------------------------------------------------===//

void inferSkipLayerNormalization(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(0), 0);
  for (unsigned O : {1u, 2u})
    Ctx.setUnknown(O, ElemType::Float32,
                   "a training output whose shape runtimes leave open");
  setLike(Ctx, 3, Ctx.elem(0), 0);
}

/// Rows of input 0: all axes but the last.
static Expr rowsOfInput(CostContext &Ctx) {
  return costProduct(Ctx, 0, 0, Ctx.hasRank(0) ? Ctx.rank(0) - 1 : 0);
}

void costSkipLayerNormalization(CostContext &Ctx) {
  // Add (skip), Add (bias), LayerNormalization.
  Expr N = Ctx.inSize(0);
  Ctx.addVector(N * (Ctx.has(4) ? 2 : 1));
  Ctx.addVector(layerNormFlops(N, rowsOfInput(Ctx), Ctx.has(3)));
}

void costSkipSimplifiedLayerNormalization(CostContext &Ctx) {
  // (input, skip, gamma, bias?): Add (skip), Add (bias), RMSNormalization.
  Expr N = Ctx.inSize(0);
  Ctx.addVector(N * (Ctx.has(3) ? 2 : 1));
  Ctx.addVector(rmsNormFlops(N, rowsOfInput(Ctx)));
}

} // namespace xfa
