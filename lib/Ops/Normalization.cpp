//===- Normalization.cpp --------------------------------------------------===//
//
// The costs are those of the ONNX function bodies (C5); where there is no body,
// those of the formula in ONNX's documentation. Below, n is the number of
// elements of the input, r the number of normalised rows.
//
//===----------------------------------------------------------------------===//

#include "Normalization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// LayerNormalization and RMSNormalization: rows are the axes before `axis`
//===----------------------------------------------------------------------===//

Expr layerNormFlops(Expr N, Expr Rows, bool Bias) {
  // ReduceMean n + r, Mul n, ReduceMean n + r, Mul r, Sub r, Add r, Sqrt r,
  // Sub n, Div n, Mul (scale) n, Add (bias) n, Reciprocal r. The last stands in
  // the body whether or not InvStdDev is asked for.
  return (Bias ? 7 : 6) * N + 7 * Rows;
}

Expr rmsNormFlops(Expr N, Expr Rows) {
  // Mul n, ReduceMean n + r, Add r, Sqrt r, Div n, Mul (scale) n.
  return 4 * N + 3 * Rows;
}

/// Shape of the statistics: the axes from `Axis` on are 1.
static Shape statisticsShape(InferContext &Ctx, int64_t Axis) {
  Shape Dims(Ctx.dims(0));
  for (int64_t I = Axis; I < Ctx.rank(0); ++I)
    Dims[I] = Ctx.constant(1);
  return Dims;
}

static ElemType stashType(const OpContext &Ctx) {
  return elemTypeFromOnnx(Ctx.intAttr("stash_type", 1))
      .value_or(ElemType::Undefined);
}

/// The result like X, of type Elem, and the statistics of the further outputs.
static void inferRowNorm(InferContext &Ctx, ElemType Elem) {
  setLike(Ctx, 0, Elem, 0);
  ElemType Stash = stashType(Ctx);
  if (!Ctx.hasRank(0)) {
    for (unsigned O = 1; O < Ctx.numOutputs(); ++O)
      Ctx.setUnknown(O, Stash, unknownRank(Ctx, 0));
    return;
  }
  std::optional<int64_t> Axis =
      OpContext::normalizeAxis(Ctx.intAttr("axis", -1), Ctx.rank(0));
  if (!Axis) {
    Ctx.fail("axis " + llvm::Twine(Ctx.intAttr("axis", -1)) +
             " is outside of " + shapeText(Ctx.dims(0)));
    return;
  }
  for (unsigned O = 1; O < Ctx.numOutputs(); ++O)
    Ctx.set(O, Stash, statisticsShape(Ctx, *Axis));
}

/// Number of rows: the axes before `axis`.
static Expr rowsBeforeAxis(CostContext &Ctx) {
  std::optional<int64_t> Axis =
      OpContext::normalizeAxis(Ctx.intAttr("axis", -1), Ctx.rank(0));
  return costProduct(Ctx, 0, 0, Axis.value_or(0));
}

/// Y has the type of the scale; for LayerNormalization only in ONNX Runtime's
/// own version, elsewhere the two are one type.
void inferLayerNormalization(InferContext &Ctx) {
  ElemType Scale = Ctx.elem(1);
  inferRowNorm(Ctx, Scale == ElemType::Undefined ? Ctx.elem(0) : Scale);
}

void costLayerNormalization(CostContext &Ctx) {
  Expr N = Ctx.inSize(0);
  Ctx.addVector(layerNormFlops(N, rowsBeforeAxis(Ctx), Ctx.has(2))); // C5
}

void costRMSNormalization(CostContext &Ctx) {
  Expr N = Ctx.inSize(0), Rows = rowsBeforeAxis(Ctx);
  Ctx.addVector(rmsNormFlops(N, Rows)); // C5
  // SimplifiedLayerNormalization's second output: a reciprocal a row.
  if (Ctx.wants(1))
    Ctx.addVector(Rows);
}

//===----------------------------------------------------------------------===//
// GroupNormalization, InstanceNormalization: rows are groups of channels
//===----------------------------------------------------------------------===//

Expr groupNormFlops(Expr N, Expr Rows) {
  // ReduceMean n + r, Mul n, ReduceMean n + r, Mul r, Sub r, Add r, Sqrt r,
  // Sub n, Div n, Mul (scale) n, Add (bias) n.
  return 7 * N + 6 * Rows;
}

void inferLikeInput0(InferContext &Ctx) { setLike(Ctx, 0, Ctx.elem(0), 0); }

void costGroupNormalization(CostContext &Ctx) {
  Expr N = Ctx.inSize(0);
  std::optional<int64_t> Groups = Ctx.intAttr("num_groups");
  if (!Groups) {
    Ctx.unknown("num_groups is missing");
    return;
  }
  Ctx.addVector(groupNormFlops(N, *Groups * costDim(Ctx, 0, 0))); // C5
}

void costInstanceNormalization(CostContext &Ctx) {
  // GroupNormalization with a group a channel.
  Expr N = Ctx.inSize(0);
  Ctx.addVector(groupNormFlops(N, costDim(Ctx, 0, 0) * costDim(Ctx, 0, 1)));
}

//===----------------------------------------------------------------------===//
// BatchNormalization
//===----------------------------------------------------------------------===//

void inferBatchNormalization(InferContext &Ctx) {
  for (unsigned I : {1u, 2u, 3u, 4u})
    if (!expectRank(Ctx, I, 1, "a statistic of the channels"))
      return;
  setLike(Ctx, 0, Ctx.elem(0), 0);
  // Statistics by channel: running mean and variance (from 14), before that
  // also the saved ones. They are like inputs 3 and 4.
  for (unsigned O = 1; O < Ctx.numOutputs(); ++O) {
    unsigned Like = O % 2 == 1 ? 3 : 4;
    std::optional<Expr> Channels = knownDim(Ctx, Like, 0);
    if (!Channels)
      Channels = dimOrUnknown(Ctx, 0, 1);
    Ctx.set(O, Ctx.elem(Like), {*Channels});
  }
}

void costBatchNormalization(CostContext &Ctx) {
  bool Training = Ctx.opset() >= 14 ? Ctx.intAttr("training_mode", 0) != 0
                                    : Ctx.wants(1) || Ctx.wants(2);
  if (Training) {
    // ReduceMean n + c, Sub n, Mul n, ReduceMean n + c; each running statistic
    // two products and a sum a channel.
    Ctx.addVector(4 * Ctx.inSize(0) + 8 * Ctx.inSize(3));
  }
  // (X - mean) / sqrt(var + epsilon) * scale + B: four an element; the root is
  // known beforehand where the variance is (C7), else two a channel.
  Ctx.addVector(4 * Ctx.inSize(0));
  if (Training || !Ctx.input(4).Folded)
    Ctx.addVector(2 * Ctx.inSize(4));
}

//===----------------------------------------------------------------------===//
// MeanVarianceNormalization, LpNormalization, LRN
//===----------------------------------------------------------------------===//

void costMeanVarianceNormalization(CostContext &Ctx) {
  Expr N = Ctx.inSize(0);
  if (!Ctx.hasRank(0))
    return;
  static constexpr int64_t DefaultAxes[] = {0, 2, 3};
  llvm::ArrayRef<int64_t> Axes = Ctx.intsAttr("axes").value_or(DefaultAxes);
  llvm::SmallVector<bool, 8> Reduced(Ctx.rank(0), false);
  for (int64_t Axis : Axes) {
    std::optional<int64_t> At = OpContext::normalizeAxis(Axis, Ctx.rank(0));
    if (!At) {
      Ctx.unknown("axis " + llvm::Twine(Axis) + " is outside of " +
                  shapeText(Ctx.dims(0)));
      return;
    }
    Reduced[*At] = true;
  }
  Expr Rows = Ctx.constant(1);
  for (int64_t I = 0; I < Ctx.rank(0); ++I)
    if (!Reduced[I])
      Rows *= costDim(Ctx, 0, I);
  // C5: ReduceMean n + r, Pow r, Pow n, ReduceMean n + r, Sub r, Sqrt r, Sub n,
  // Add r, Div n.
  Ctx.addVector(5 * N + 6 * Rows);
}

void costLpNormalization(CostContext &Ctx) {
  // ReduceL1 or ReduceL2 (C4), Div.
  Ctx.addVector(2 * Ctx.inSize(0));
}

void costLRN(CostContext &Ctx) {
  // x / (bias + alpha / size * sum over `size` channels of x²) ** beta: a
  // square, the window's sum (C4), product, sum, power, quotient.
  std::optional<int64_t> Size = Ctx.intAttr("size");
  if (!Size || *Size < 0) {
    Ctx.unknown("size is missing");
    return;
  }
  Expr N = Ctx.inSize(0);
  Ctx.addVector(N * *Size + 5 * N);
}

} // namespace xfa
