//===- LinearAttention.cpp - LinearAttention, FlexAttention ---------------===//

#include "AttentionCore.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// LinearAttention: a state [B, G, H, V] that every row updates and reads.
// query [B, T, N·H], key [B, T, G·H], value [B, T, G·V], past_state?, decay?,
// beta?
//===----------------------------------------------------------------------===//

namespace {

enum LinearInput : unsigned { Query, Key, Value, PastState, Decay, Beta };

struct UpdateRule {
  bool Gated, Delta;
};

std::optional<UpdateRule> updateRule(const OpContext &Ctx) {
  llvm::StringRef Rule = Ctx.stringAttr("update_rule", "gated_delta");
  if (Rule == "linear")
    return UpdateRule{false, false};
  if (Rule == "gated")
    return UpdateRule{true, false};
  if (Rule == "delta")
    return UpdateRule{false, true};
  if (Rule == "gated_delta")
    return UpdateRule{true, true};
  return std::nullopt;
}

/// Sizes; none, and why, where the model is wrong.
std::optional<AttentionSizes> linearSizes(const OpContext &Ctx,
                                          std::string &Wrong) {
  int64_t Heads = Ctx.intAttr("q_num_heads", 0);
  int64_t StateHeads = Ctx.intAttr("kv_num_heads", 0);
  if (Heads <= 0 || StateHeads <= 0) {
    Wrong = "q_num_heads and kv_num_heads should be positive";
    return std::nullopt;
  }
  for (unsigned I : {Query, Key, Value, Decay, Beta})
    if (Ctx.hasRank(I) && Ctx.rank(I) != 3) {
      Wrong = "operand " + std::to_string(I) + " should have rank 3, got " +
              shapeText(Ctx.dims(I));
      return std::nullopt;
    }
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  // [W, B, G, H, V] with a window in front, [B, G, H, V] without: seen from the
  // end the axes are the same.
  bool State = Ctx.hasRank(PastState) && Ctx.rank(PastState) >= 4;
  auto Known = [&](Expr First, int64_t StateAxis) {
    return First.isKnown() || !State ? First : Dim(PastState, StateAxis);
  };
  AttentionSizes A;
  A.B = Known(Dim(Query, 0), -4);
  A.S = A.T = A.L = Dim(Query, 1);
  A.P = Store.constant(0);
  A.N = Store.constant(Heads);
  A.G = Store.constant(StateHeads);
  for (auto [I, Count] :
       {std::pair(unsigned(Query), Heads), std::pair(unsigned(Key), StateHeads),
        std::pair(unsigned(Value), StateHeads)})
    if (std::optional<int64_t> Width = Dim(I, 2).constant();
        Width && *Width % Count != 0) {
      Wrong = "the width " + std::to_string(*Width) + " of operand " +
              std::to_string(I) + " is no multiple of " +
              std::to_string(Count) + " heads";
      return std::nullopt;
    }
  A.H = Known(exactDiv(Dim(Query, 2), A.N), -2);
  A.V = Known(exactDiv(Dim(Value, 2), A.G), -1);
  return A;
}

/// What ai.onnx rules out; empty if nothing.
std::string wrongLinear(const OpContext &Ctx, const AttentionSizes &A) {
  std::optional<UpdateRule> Rule = updateRule(Ctx);
  if (!Rule)
    return "update_rule should be linear, gated, delta or gated_delta";
  if (Ctx.has(Decay) != Rule->Gated)
    return Rule->Gated ? "the update rule needs decay"
                       : "the update rule has no decay";
  if (Ctx.has(Beta) != Rule->Delta)
    return Rule->Delta ? "the update rule needs beta"
                       : "the update rule has no beta";
  if (Ctx.intAttr("q_num_heads", 0) % Ctx.intAttr("kv_num_heads", 1) != 0)
    return "q_num_heads should be a multiple of kv_num_heads";
  if (Ctx.hasRank(PastState) && Ctx.rank(PastState) != 4)
    return "past_state should have rank 4, got " +
           shapeText(Ctx.dims(PastState));
  auto Neither = [&](unsigned I, Expr First, Expr Second) {
    std::optional<Expr> Width = knownDim(Ctx, I, 2);
    return Width && equal(*Width, First) == Truth::False &&
           equal(*Width, Second) == Truth::False;
  };
  if (Neither(Decay, A.G, A.G * A.H))
    return "decay should be kv_num_heads wide, or as wide as the key, got " +
           shapeText(Ctx.dims(Decay));
  if (Neither(Beta, A.G, Ctx.constant(1)))
    return "beta should be kv_num_heads wide, or 1, got " +
           shapeText(Ctx.dims(Beta));
  return "";
}

} // namespace

/// ONNX's operator, or ONNX Runtime's, whose output is as wide as the wider of
/// query and state.
static void inferLinear(InferContext &Ctx, bool Standard) {
  std::string Wrong;
  std::optional<AttentionSizes> A = linearSizes(Ctx, Wrong);
  if (!A) {
    Ctx.fail(Wrong);
    return;
  }
  if (Standard)
    if (std::string Text = wrongLinear(Ctx, *A); !Text.empty()) {
      Ctx.fail(Text);
      return;
    }
  ElemType Elem = Ctx.elem(0);
  ElemType State = Ctx.has(3) ? Ctx.elem(3) : Elem;
  Expr Heads = Standard ? A->N : max(A->N, A->G);
  Ctx.set(0, Elem, {A->B, A->S, Heads * A->V});
  // ONNX Runtime's past state may have a window in front: then its own shape.
  if (Ctx.hasRank(3) && Ctx.rank(3) != 4)
    setLike(Ctx, 1, State, 3);
  else
    Ctx.set(1, State, {A->B, A->G, A->H, A->V});
}

void inferLinearAttention(InferContext &Ctx) { inferLinear(Ctx, true); }
void inferMsLinearAttention(InferContext &Ctx) { inferLinear(Ctx, false); }

void costLinearAttention(CostContext &Ctx) {
  std::string Wrong;
  std::optional<AttentionSizes> A = linearSizes(Ctx, Wrong);
  if (!A) {
    Ctx.unknown(Wrong);
    return;
  }
  if (!knownSizes(Ctx, *A))
    return;
  std::optional<UpdateRule> Rule = updateRule(Ctx);
  if (!Rule) {
    Ctx.unknown("the update rule is none that ONNX knows");
    return;
  }
  // C5, the nodes of the body of the Scan over the rows; here for all rows:
  //   gated: Exp of the decay, Mul of the state;
  //   delta: MatMul of the state and the key, Sub, Mul by beta;
  //   MatMul of key and value (an outer product), Add to the state;
  //   MatMul of query and state, Mul by the scale.
  Expr Rows = A->B * A->T;
  Expr State = Rows * A->G * A->H * A->V;
  if (Rule->Gated) {
    Ctx.addVector(State);
    if (!Ctx.input(Decay).Folded) // C7
      Ctx.addVector(Ctx.inSize(Decay));
  }
  if (Rule->Delta) {
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
  for (unsigned I : {1u, 2u})
    if (Ctx.elem(I) != Ctx.elem(0) && Ctx.elem(I) != ElemType::Undefined &&
        Ctx.elem(0) != ElemType::Undefined) {
      Ctx.fail("got " + elemTypeName(Ctx.elem(0)) + " and " +
               elemTypeName(Ctx.elem(I)) + ": the element types differ");
      return;
    }
  for (unsigned I : {1u, 2u})
    if (Ctx.hasRank(0) && Ctx.hasRank(I) &&
        !sameDim(Ctx, A.B, Ctx.dim(I, 0), "batch"))
      return;
  if (Ctx.hasRank(1) && Ctx.hasRank(2) &&
      (!sameDim(Ctx, A.G, Ctx.dim(2, 1), "heads of key and value") ||
       !sameDim(Ctx, A.T, Ctx.dim(2, 2), "rows of key and value")))
    return;
  if (Ctx.hasRank(0) && Ctx.hasRank(1) &&
      !sameDim(Ctx, A.H, Ctx.dim(1, 3), "widths of query and key heads"))
    return;
  auto Heads = A.N.constant(), KeyHeads = A.G.constant();
  if (Heads && KeyHeads && *KeyHeads > 0 && *Heads % *KeyHeads != 0) {
    Ctx.fail(llvm::Twine(*Heads) + " query heads are no multiple of " +
             llvm::Twine(*KeyHeads) + " key heads");
    return;
  }
  // The graphs change scores and probabilities, not their shape.
  ValueFacts Scores;
  Scores.Kind = ValueFacts::Tensor;
  Scores.Elem = elemTypeFromOnnx(Ctx.intAttr("softmax_precision", 0))
                    .value_or(ElemType::Undefined);
  if (Scores.Elem == ElemType::Undefined)
    Scores.Elem = Ctx.elem(0) == ElemType::Float64 ? ElemType::Float64
                                                   : ElemType::Float32;
  Scores.HasRank = true;
  Scores.Dims = {A.B, A.N, A.S, A.T};
  for (const char *Name : {"score_mod", "prob_mod"})
    if (std::optional<GraphId> Graph = Ctx.graphAttr(Name))
      Ctx.inferSubgraph(*Graph, {Scores});
  Ctx.set(0, Ctx.elem(0), {A.B, A.N, A.S, A.V});
}

void costFlexAttention(CostContext &Ctx) {
  for (const char *Name : {"score_mod", "prob_mod"})
    if (std::optional<GraphId> Graph = Ctx.graphAttr(Name))
      Ctx.runs(*Graph, Ctx.constant(1));
  AttentionSizes A = flexSizes(Ctx);
  if (!knownSizes(Ctx, A))
    return;
  // C5: Mul Q and Mul K (for all heads) by √scale, MatMul, Softmax, MatMul.
  Ctx.addVector(A.B * A.N * (A.S + A.L) * A.H);
  addAttentionProducts(Ctx, A);
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * A.scores());
}

} // namespace xfa
