//===- Training.cpp - losses, optimizers, gradients -----------------------===//

#include "Broadcasting.h"
#include "Operands.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: scores [N, C, D…],
/// labels [N, D…]; a loss a label, or one. The internal one of com.microsoft
/// has ignore_index as an input, and may say another type.
void inferLoss(InferContext &Ctx) {
  ElemType Elem =
      Ctx.hasAttr("output_type") ? ElemType::Undefined : Ctx.elem(0);
  setLike(Ctx, 1, Elem, 0); // log_prob
  if (Ctx.hasRank(0) && Ctx.rank(0) < 2)
    return Ctx.fail("expected scores of at least two axes, found " +
                    shapeText(Ctx.dims(0)));
  if (Ctx.stringAttr("reduction", "mean") != "none")
    return Ctx.set(0, Elem, {});
  if (Ctx.hasRank(1))
    return Ctx.set(0, Elem, Ctx.dims(1));
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, Elem, unknownRank(Ctx, 0));
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  Dims.erase(Dims.begin() + 1);
  Ctx.set(0, Elem, Dims);
}

/// C5. Over the labels, T of them:
///   with ignore_index: Sub, Equal, Where, Where;
///   Neg;
///   with weights or ignore_index: Mul, and Where for the weights if there is
///   ignore_index.
/// Then ReduceSum (T), or for a mean ReduceMean (T + 1), or where elements have
/// weights ReduceSum twice and Div (2T + 1).
static void addNegativeLogLikelihood(CostContext &Ctx) {
  bool Ignores = Ctx.hasAttr("ignore_index") || Ctx.has(3);
  bool Weighted = Ctx.has(2) || Ignores;
  llvm::StringRef Reduction = Ctx.stringAttr("reduction", "mean");
  int64_t PerLabel = 1 + (Ignores ? 5 : 0) + (Weighted ? 1 : 0);
  int64_t Once = 0;
  if (Reduction == "mean") {
    PerLabel += Weighted ? 2 : 1;
    Once = 1;
  } else if (Reduction == "sum") {
    PerLabel += 1;
  }
  Ctx.addVector(PerLabel * Ctx.inSize(1) + Once);
}

void costNegativeLogLikelihoodLoss(CostContext &Ctx) {
  addNegativeLogLikelihood(Ctx);
}

/// C5: LogSoftmax (ReduceMax, Sub, Exp, ReduceSum, Sub over the scores, Log a
/// label), then NegativeLogLikelihoodLoss.
void costSoftmaxCrossEntropyLoss(CostContext &Ctx) {
  Ctx.addVector(5 * Ctx.inSize(0) + Ctx.inSize(1));
  addNegativeLogLikelihood(Ctx);
}

/// Scores [D…, C], labels [D…], weights of the labels; a loss a label, or one.
void inferSparseLoss(InferContext &Ctx) {
  setLike(Ctx, 1, Ctx.elem(0), 0); // log_prob
  if (Ctx.stringAttr("reduction", "mean") == "none")
    return setLike(Ctx, 0, Ctx.elem(0), 1);
  Ctx.set(0, Ctx.elem(0), {});
}

//===----------------------------------------------------------------------===//
// Gradients: (dY, what the forward pass had) → dX, as trainers of ONNX Runtime
// write them. Those that it gives a body are counted by that (C5).
//===----------------------------------------------------------------------===//

/// C5: Mul, Erf, Add, Mul (the distribution), Mul, Mul, Mul, Exp, Mul (X times
/// the density), Add, and Mul by dY.
void costGeluGrad(CostContext &Ctx) { Ctx.addVector(11 * Ctx.outSize(0)); }

/// C5: Mul, Sub, Mul.
void costTanhGrad(CostContext &Ctx) { Ctx.addVector(3 * Ctx.outSize(0)); }

/// C5: Mul, ReduceSum, Sub, Mul.
void costSoftmaxGrad(CostContext &Ctx) { Ctx.addVector(4 * Ctx.outSize(0)); }

/// (dY, X, scale, …) → dX, d scale, d bias.
void inferNormalizationGrad(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(1), 1);
  for (unsigned O : {1u, 2u})
    setLike(Ctx, O, Ctx.elem(2), 2);
}

/// (dY, A, B) → dA, dB.
void inferBinaryGrad(InferContext &Ctx) {
  for (unsigned O : {0u, 1u})
    setLike(Ctx, O, Ctx.elem(O + 1), O + 1);
}

/// (dY, log_prob, labels, …) → d scores.
void inferLossGrad(InferContext &Ctx) { setLike(Ctx, 0, Ctx.elem(1), 1); }

/// (shape of the data, indices, dY) → d data.
void inferGatherGrad(InferContext &Ctx) {
  IntegerList Sizes = integerList(Ctx, "", 0);
  if (!Sizes.HasLength)
    return Ctx.setUnknown(0, Ctx.elem(2), "the data's shape is not known");
  Ctx.set(0, Ctx.elem(2), Sizes.Items);
}

/// (X, dY) → dX, whose shape is X's. It may be a view of dY.
void costReshapeGrad(CostContext &Ctx) {
  Ctx.unknown("whether the gradient of a Reshape copies is not said"); // C16
  for (unsigned I : {0u, 1u})
    Ctx.reads(I, Ctx.constant(0));
  Ctx.writes(0, Ctx.constant(0));
}

//===----------------------------------------------------------------------===//
// ai.onnx.preview.training
//===----------------------------------------------------------------------===//

/// Rate, step, then X…, G… and one or two kinds of state, as many of each; the
/// results are the new X… and the new state.
static void inferOptimizer(InferContext &Ctx, unsigned Kinds) {
  if (Ctx.numInputs() < 2 || (Ctx.numInputs() - 2) % Kinds != 0)
    return Ctx.fail("expected 2 inputs and a multiple of " +
                    llvm::Twine(Kinds) + ", found " +
                    llvm::Twine(Ctx.numInputs()));
  unsigned Tensors = (Ctx.numInputs() - 2) / Kinds;
  if (Tensors == 0)
    return;
  for (unsigned O = 0; O < Ctx.numOutputs(); ++O) {
    // The gradients, the second kind, have no result.
    unsigned Kind = O / Tensors, In = 2 + O + (Kind > 0 ? Tensors : 0);
    setLike(Ctx, O, Ctx.elem(In), In);
  }
}

/// Adagrad, Momentum: X, G, and one state.
void inferOneStateOptimizer(InferContext &Ctx) { inferOptimizer(Ctx, 3); }
/// Adam: X, G, and two states.
void inferTwoStateOptimizer(InferContext &Ctx) { inferOptimizer(Ctx, 4); }

/// One gradient an x, of its shape; the xs are the first inputs.
void inferGradient(InferContext &Ctx) {
  for (unsigned O = 0; O < Ctx.numOutputs(); ++O)
    setLike(Ctx, O, Ctx.elem(O), O);
}

void costTraining(CostContext &Ctx) {
  Ctx.unknown("training operators have no body to count"); // C16
}

} // namespace xfa
