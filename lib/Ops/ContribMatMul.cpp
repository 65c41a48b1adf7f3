//===- ContribMatMul.cpp - com.microsoft: fused products, convolutions ----===//

#include "Activation.h"
#include "Convolution.h"
#include "MatMul.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// FusedMatMul, TransposeMatMul, FusedMatMulActivation
//===----------------------------------------------------------------------===//

/// The operand as the product sees it. transBatch moves its first axis next to
/// the last; trans then swaps these two.
static Shape fusedOperand(const OpContext &Ctx, unsigned I, const char *Trans,
                          const char *TransBatch) {
  Shape Dims(Ctx.dims(I));
  if (Dims.size() > 2 && Ctx.intAttr(TransBatch, 0) != 0)
    std::rotate(Dims.begin(), Dims.begin() + 1, Dims.end() - 1);
  if (Dims.size() > 1 && Ctx.intAttr(Trans, 0) != 0)
    std::swap(Dims[Dims.size() - 1], Dims[Dims.size() - 2]);
  return Dims;
}

void inferFusedMatMul(InferContext &Ctx) {
  for (unsigned I : {0u, 1u})
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, I));
      return;
    }
  if (auto Dims =
          matMulShape(Ctx, fusedOperand(Ctx, 0, "transA", "transBatchA"),
                      fusedOperand(Ctx, 1, "transB", "transBatchB")))
    Ctx.set(0, Ctx.elem(0), *Dims);
}

void costFusedMatMul(CostContext &Ctx) {
  Expr Size = Ctx.outSize(0);
  if (!Ctx.hasRank(0) || Ctx.rank(0) == 0) {
    Ctx.unknown(unknownRank(Ctx, 0));
    return;
  }
  Ctx.addMatrix(2 * Size *
                fusedOperand(Ctx, 0, "transA", "transBatchA").back()); // C1
  if (Ctx.floatAttr("alpha", 1) != 1)
    Ctx.addVector(Size);
  if (!Ctx.stringAttr("activation").empty())
    Ctx.addVector(Size); // C2
}

//===----------------------------------------------------------------------===//
// FusedGemm, GemmFloat8, GemmFastGelu
//===----------------------------------------------------------------------===//

void inferFusedGemm(InferContext &Ctx) { setGemm(Ctx, Ctx.elem(0), 0, 1); }

void inferGemmFloat8(InferContext &Ctx) {
  setGemm(
      Ctx,
      elemTypeFromOnnx(Ctx.intAttr("dtype", 1)).value_or(ElemType::Undefined),
      0, 1);
}

void costFusedGemm(CostContext &Ctx) {
  // C1: product, alpha, bias, beta; C2: activation.
  addGemm(Ctx, 0);
  int64_t Extra = Ctx.floatAttr("alpha", 1) != 1;
  if (Ctx.has(2))
    Extra += 1 + (Ctx.floatAttr("beta", 1) != 1);
  if (!Ctx.stringAttr("activation", "NONE").equals_insensitive("none"))
    ++Extra;
  Ctx.addVector(Extra * Ctx.outSize(0));
}

void costGemmFastGelu(CostContext &Ctx) {
  // (X, W, bias?): MatMul, FastGelu.
  addMatMul(Ctx, 0);
  Ctx.addVector((geluFlops(/*Tanh=*/true) + (Ctx.has(2) ? 1 : 0)) *
                Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// FusedConv, NhwcConv, NhwcFusedConv: X, W, bias?, Z (added)?
//===----------------------------------------------------------------------===//

void inferNhwcConv(InferContext &Ctx) {
  setConvolution(Ctx, Ctx.elem(0), 0, 1, ChannelsAt::Last,
                 WeightLayout::ChannelsLast);
}

void inferNhwcFusedConv(InferContext &Ctx) {
  setConvolution(Ctx, Ctx.elem(0), 0, 1, ChannelsAt::Last);
}

void costFusedConv(CostContext &Ctx) {
  addConvolution(Ctx, 1);
  int64_t Extra = (Ctx.has(2) ? 1 : 0) + (Ctx.has(3) ? 1 : 0);
  if (!Ctx.stringAttr("activation").empty())
    ++Extra; // C2
  Ctx.addVector(Extra * Ctx.outSize(0));
}

void inferNhwcMaxPool(InferContext &Ctx) { setPool(Ctx, ChannelsAt::Last); }

} // namespace xfa
