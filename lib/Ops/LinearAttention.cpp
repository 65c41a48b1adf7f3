//===- LinearAttention.cpp - LinearAttention, FlexAttention ---------------===//

#include "AttentionCore.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// LinearAttention: a state [B, G, H, V] that every row updates and reads.
// query [B, T, N·H], key [B, T, G·H], value [B, T, G·V], past_state?, decay?,
// beta?
//===----------------------------------------------------------------------===//

static std::optional<AttentionSizes> linearSizes(const OpContext &Ctx,
                                                 std::string &Wrong) {
  int64_t Heads = Ctx.intAttr("q_num_heads", 0);
  int64_t StateHeads = Ctx.intAttr("kv_num_heads", 0);
  if (Heads <= 0 || StateHeads <= 0) {
    Wrong = "q_num_heads and kv_num_heads should be positive";
    return std::nullopt;
  }
  for (unsigned I : {0u, 1u, 2u})
    if (Ctx.hasRank(I) && Ctx.rank(I) != 3) {
      Wrong = "query, key and value should have rank 3, got " +
              shapeText(Ctx.dims(I));
      return std::nullopt;
    }
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  AttentionSizes A;
  A.B = Dim(0, 0);
  A.S = A.T = A.L = Dim(0, 1);
  A.P = Store.constant(0);
  A.N = Store.constant(Heads);
  A.G = Store.constant(StateHeads);
  A.H = exactDiv(Dim(0, 2), A.N);
  A.V = exactDiv(Dim(2, 2), A.G);
  return A;
}

/// ReadHeads: how many heads read the state.
static void inferLinear(InferContext &Ctx, bool ReadByWiderSide) {
  std::string Wrong;
  std::optional<AttentionSizes> A = linearSizes(Ctx, Wrong);
  if (!A) {
    Ctx.fail(Wrong);
    return;
  }
  ElemType Elem = Ctx.elem(0);
  ElemType State = Ctx.has(3) ? Ctx.elem(3) : Elem;
  Expr Heads = ReadByWiderSide ? max(A->N, A->G) : A->N;
  Ctx.set(0, Elem, {A->B, A->S, Heads * A->V});
  // ONNX Runtime's past state may have a window in front: then its own shape.
  if (Ctx.hasRank(3) && Ctx.rank(3) != 4)
    setLike(Ctx, 1, State, 3);
  else
    Ctx.set(1, State, {A->B, A->G, A->H, A->V});
}

void inferLinearAttention(InferContext &Ctx) { inferLinear(Ctx, false); }
void inferMsLinearAttention(InferContext &Ctx) { inferLinear(Ctx, true); }

void costLinearAttention(CostContext &Ctx) {
  std::string Wrong;
  std::optional<AttentionSizes> A = linearSizes(Ctx, Wrong);
  if (!A) {
    Ctx.unknown(Wrong);
    return;
  }
  if (!knownSizes(Ctx, *A))
    return;
  llvm::StringRef Rule = Ctx.stringAttr("update_rule", "gated_delta");
  bool Gated = Rule == "gated" || Rule == "gated_delta";
  bool Delta = Rule == "delta" || Rule == "gated_delta";
  if (!Gated && !Delta && Rule != "linear") {
    Ctx.unknown("update_rule '" + Rule + "' is none that ONNX knows");
    return;
  }
  // C5, the nodes of the body of the Scan over the rows; here for all rows:
  //   gated: Exp of the decay, Mul of the state;
  //   delta: MatMul of the state and the key, Sub, Mul by beta;
  //   MatMul of key and value (an outer product), Add to the state;
  //   MatMul of query and state, Mul by the scale.
  Expr Rows = A->B * A->T;
  Expr State = Rows * A->G * A->H * A->V;
  if (Gated)
    Ctx.addVector(Ctx.inSize(4) + State);
  if (Delta) {
    Ctx.addMatrix(2 * State);
    Ctx.addVector(2 * Rows * A->G * A->V);
  }
  Ctx.addMatrix(2 * State);
  Ctx.addVector(State);
  Ctx.addMatrix(2 * Rows * A->N * A->H * A->V);
  Ctx.addVector(Rows * A->N * A->V);
}

//===----------------------------------------------------------------------===//
// FlexAttention (ai.onnx.preview): rank 4, with graphs that change scores and
// probabilities
//===----------------------------------------------------------------------===//

static AttentionSizes flexSizes(const OpContext &Ctx) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  AttentionSizes A;
  A.B = Dim(0, 0);
  A.N = Dim(0, 1);
  A.S = Dim(0, 2);
  A.H = Dim(0, 3);
  A.G = Dim(1, 1);
  A.T = A.L = Dim(1, 2);
  A.P = Store.constant(0);
  A.V = Dim(2, 3);
  return A;
}

void inferFlexAttention(InferContext &Ctx) {
  for (unsigned I : {0u, 1u, 2u})
    if (!expectRank(Ctx, I, 4, "an operand"))
      return;
  AttentionSizes A = flexSizes(Ctx);
  Ctx.set(0, Ctx.elem(0), {A.B, A.N, A.S, A.V});
}

void costFlexAttention(CostContext &Ctx) {
  for (const char *Graph : {"score_mod", "prob_mod"})
    if (Ctx.graphAttr(Graph)) {
      Ctx.unknown(llvm::Twine("the graph ") + Graph + " is not counted");
      return;
    }
  AttentionSizes A = flexSizes(Ctx);
  if (!knownSizes(Ctx, A))
    return;
  // C5: Mul Q and Mul K (for all heads) by √scale, MatMul, Softmax, MatMul.
  Ctx.addVector(A.B * A.N * (A.S + A.L) * A.H);
  addAttentionProducts(Ctx, A);
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * A.scores());
}

} // namespace xfa
