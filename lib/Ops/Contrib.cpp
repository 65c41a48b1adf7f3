//===- Contrib.cpp - com.microsoft: norms, activations, rotary ------------===//
//
// Fused operators of ONNX Runtime have no ONNX body; they cost what the nodes
// that they stand for cost (C5). Signatures: onnxruntime's
// docs/ContribOperators.md.
//
//===----------------------------------------------------------------------===//

#include "Activation.h"
#include "AttentionCore.h"
#include "Normalization.h"
#include "Quantization.h"
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

void costBiasGelu(CostContext &Ctx) {
  // (X, bias): Add, Gelu.
  Ctx.addVector((geluFlops(/*Tanh=*/false) + 1) * Ctx.outSize(0));
}

void costBiasAdd(CostContext &Ctx) {
  // (X, bias, skip): Add, Add.
  Ctx.addVector(2 * Ctx.outSize(0));
}

void inferBiasSplitGelu(InferContext &Ctx) {
  // [N, S, D] → [N, S, D/2]
  if (!Ctx.hasRank(0) || Ctx.rank(0) == 0) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  Shape Dims(Ctx.dims(0));
  Dims.back() = exactDiv(Dims.back(), Ctx.constant(2));
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costBiasSplitGelu(CostContext &Ctx) {
  // Add of the bias, Split, Gelu of the second half, Mul of both.
  Ctx.addVector(Ctx.inSize(0) +
                (geluFlops(/*Tanh=*/false) + 1) * Ctx.outSize(0));
}

void costBiasSoftmax(CostContext &Ctx) {
  // Add, Softmax (C3).
  Ctx.addVector((int64_t(Ctx.Options.SoftmaxFlops) + 1) * Ctx.outSize(0));
}

void inferBiasDropout(InferContext &Ctx) {
  // (data, bias, residual?, …) → output, mask
  setLike(Ctx, 0, Ctx.elem(0), 0);
  setLike(Ctx, 1, ElemType::Bool, 0);
}

void costBiasDropout(CostContext &Ctx) {
  Ctx.addVector((Ctx.has(2) ? 2 : 1) * Ctx.outSize(0)); // Adds; no dropout
}

//===----------------------------------------------------------------------===//
// Layer normalisation of a sum: input, skip, gamma, beta?, bias? → output,
// mean?, inverse deviation?, sum of input, skip and bias?
//===----------------------------------------------------------------------===//

void inferSkipLayerNormalization(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(0), 0);
  for (unsigned O : {1u, 2u}) {
    setLike(Ctx, O, ElemType::Float32, 0);
    if (O < Ctx.numOutputs() && Ctx.hasRank(0) && Ctx.rank(0) > 0)
      Ctx.output(O).Dims.back() = Ctx.constant(1);
  }
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

//===----------------------------------------------------------------------===//
// EmbedLayerNormalization: input_ids [B, S], segment_ids?, word [V, D],
// position [M, D], segment?, gamma, beta, mask?, position_ids? → output
// [B, S, D], mask_index [B], sum of the embeddings. The quantised one has
// scales and zero points from input 8 on.
//===----------------------------------------------------------------------===//

static void inferEmbedding(InferContext &Ctx, ElemType Elem) {
  if (!expectRank(Ctx, 0, 2, "input_ids") ||
      !expectRank(Ctx, 2, 2, "the word embedding"))
    return;
  Expr B = dimOrUnknown(Ctx, 0, 0);
  Shape Dims = {B, dimOrUnknown(Ctx, 0, 1), dimOrUnknown(Ctx, 2, 1)};
  Ctx.set(0, Elem, Dims);
  Ctx.set(1, ElemType::Int32, {B});
  Ctx.set(2, Elem, Dims);
}

void inferEmbedLayerNormalization(InferContext &Ctx) {
  inferEmbedding(Ctx, Ctx.elem(2));
}
void inferQEmbedLayerNormalization(InferContext &Ctx) {
  inferEmbedding(Ctx, Ctx.elem(8));
}

/// Gathers, Adds, LayerNormalization; the mask's ReduceSum.
static void costEmbedding(CostContext &Ctx, bool Quantised) {
  Expr N = Ctx.outSize(0);
  Expr Width = costDim(Ctx, 2, 1);
  int64_t Tables = Ctx.has(4) ? 3 : 2;
  Ctx.addVector((Tables - 1) * N);
  if (Quantised)
    Ctx.addVector(DequantizeFlops * Tables * N); // C14
  Ctx.addVector(layerNormFlops(N, Ctx.inSize(0), /*Bias=*/true));
  if (Ctx.has(7) && Ctx.wants(1))
    Ctx.addVector(Ctx.inSize(7)); // C4
  // C11: the rows, not the tables. Without position ids every sentence has the
  // same positions.
  bool Positions = !Quantised && Ctx.has(8);
  Ctx.reads(2, N);
  Ctx.reads(3, Positions ? Ctx.inSize(8) * Width : costDim(Ctx, 0, 1) * Width);
  if (Ctx.has(4))
    Ctx.reads(4, N);
}

void costEmbedLayerNormalization(CostContext &Ctx) {
  costEmbedding(Ctx, /*Quantised=*/false);
}
void costQEmbedLayerNormalization(CostContext &Ctx) {
  costEmbedding(Ctx, /*Quantised=*/true);
}

//===----------------------------------------------------------------------===//
// GroupNorm, SkipGroupNorm: channels last; X, gamma, beta, skip?, bias?
//===----------------------------------------------------------------------===//

void inferSkipGroupNorm(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(0), 0);
  setLike(Ctx, 1, Ctx.elem(0), 0); // the sum
}

void costGroupNorm(CostContext &Ctx) {
  // Add (skip), Add (bias), GroupNormalization, Swish if asked for.
  Expr N = Ctx.inSize(0);
  for (unsigned I : {3u, 4u})
    if (Ctx.has(I))
      Ctx.addVector(N);
  Expr Rows = Ctx.constant(Ctx.intAttr("groups", 1)) * costDim(Ctx, 0, 0);
  Ctx.addVector(groupNormFlops(N, Rows));
  if (Ctx.intAttr("activation", 0) == 1)
    Ctx.addVector((SwishFlops - 1) * N); // alpha is 1: Sigmoid, Mul
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

void costMsRotaryEmbedding(CostContext &Ctx) {
  // (input, position_ids, cos, sin)
  Ctx.addVector(rotaryFlops(rotatedElements(Ctx)));
  if (!Ctx.hasRank(0) || Ctx.rank(0) < 3)
    return;
  // C11: a row a position. One offset stands for the same ones in all
  // sequences.
  Expr Rows = costDim(Ctx, 0, Ctx.rank(0) == 3 ? 1 : 2);
  if (!Ctx.hasRank(1) || Ctx.rank(1) > 1)
    Rows *= costDim(Ctx, 0, 0);
  for (unsigned Cache : {2u, 3u})
    Ctx.reads(Cache, Rows * costDim(Ctx, Cache, -1));
}

void costMRotaryEmbedding(CostContext &Ctx) {
  // As above, with a position in each of three streams.
  Ctx.addVector(rotaryFlops(rotatedElements(Ctx)));
}

void inferGemmaRotaryEmbedding(InferContext &Ctx) {
  // (emb [B, S, d], q, q_rot, k, k_rot [B, N, S, d]) → q, k
  setLike(Ctx, 0, Ctx.elem(1), 1);
  setLike(Ctx, 1, Ctx.elem(1), 3);
}

void costGemmaRotaryEmbedding(CostContext &Ctx) {
  // Sin, Cos of emb; q·cos + q_rot·sin, the same for k.
  Ctx.addVector(2 * Ctx.inSize(0) + 3 * (Ctx.inSize(1) + Ctx.inSize(3)));
}

//===----------------------------------------------------------------------===//
// Inverse, padding
//===----------------------------------------------------------------------===//

void costInverse(CostContext &Ctx) {
  Ctx.unknown("no rule counts a matrix inverse"); // C16
}

void inferRemovePadding(InferContext &Ctx) {
  // (input [B, S, D], counts [B]) → [tokens, D], offsets [B, S], cumulated
  // counts [B+1], longest [1]
  Expr B = dimOrUnknown(Ctx, 0, 0);
  Ctx.set(0, Ctx.elem(0),
          {Ctx.unknownDim("the number of tokens that are no padding"),
           dimOrUnknown(Ctx, 0, 2)});
  Ctx.set(1, ElemType::Int32, {B, dimOrUnknown(Ctx, 0, 1)});
  Ctx.set(2, ElemType::Int32, {B + 1});
  Ctx.set(3, ElemType::Int32, {Ctx.constant(1)});
}

void inferRestorePadding(InferContext &Ctx) {
  // (input [tokens, D], offsets [B, S]) → [B, S, D]
  Ctx.set(0, Ctx.elem(0),
          {dimOrUnknown(Ctx, 1, 0), dimOrUnknown(Ctx, 1, 1),
           dimOrUnknown(Ctx, 0, 1)});
}

} // namespace xfa
