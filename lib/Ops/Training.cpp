//===- Training.cpp - losses, optimizers, gradients -----------------------===//

#include "Broadcasting.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: scores [N, C, D…],
/// labels [N, D…]; a loss a label, or one.
void inferLoss(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
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
  bool Ignores = Ctx.hasAttr("ignore_index"), Weighted = Ctx.has(2) || Ignores;
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
