//===- Attention.cpp - Attention, RotaryEmbedding -------------------------===//

#include "AttentionCore.h"
#include "Shapes.h"

namespace xfa {

namespace {

enum AttentionInput : unsigned { Q, K, V, Mask, PastKey, PastValue, NonPad };

/// Sizes of ai.onnx Attention. An operand that says nothing gives unknown
/// dims; Wrong is set where the model is certainly wrong.
AttentionSizes attentionSizes(const OpContext &Ctx, std::string &Wrong) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  // Heads, rows and head width of [B, S, heads · width] or [B, heads, S,
  // width].
  auto Split = [&](unsigned I, const char *HeadsAttr, Expr &Heads, Expr &Rows,
                   Expr &Width) {
    if (!Wrong.empty())
      return;
    bool Flat = Ctx.hasRank(I) && Ctx.rank(I) == 3;
    std::optional<int64_t> Attr = Ctx.intAttr(HeadsAttr);
    if (Flat && (!Attr || *Attr <= 0))
      Wrong = std::string(HeadsAttr) + " is needed for operands of rank 3";
    else if (Ctx.hasRank(I) && Ctx.rank(I) != 3 && Ctx.rank(I) != 4)
      Wrong = "operand " + std::to_string(I) +
              " should have rank 3 or 4, got " + shapeText(Ctx.dims(I));
    if (!Wrong.empty())
      return;
    Heads = Flat ? Store.constant(*Attr) : Dim(I, 1);
    Rows = Dim(I, -2);
    Width = Flat ? headWidth(Dim(I, 2), Heads, "operand " + std::to_string(I),
                             Wrong)
                 : Dim(I, 3);
  };
  // Where operands say the same, the first one that says it.
  auto Known = [](Expr First, Expr Second) {
    return First.isKnown() ? First : Second;
  };
  AttentionSizes A;
  A.B = Known(Dim(Q, 0), Known(Dim(K, 0), Dim(V, 0)));
  Expr ValueHeads, ValueRows;
  Split(Q, "q_num_heads", A.N, A.S, A.H);
  Expr KeyWidth = A.H;
  Split(K, "kv_num_heads", A.G, A.T, KeyWidth);
  Split(V, "kv_num_heads", ValueHeads, ValueRows, A.V);
  if (!Wrong.empty())
    return A;
  A.H = Known(A.H, KeyWidth);
  A.G = Known(A.G, ValueHeads);
  A.T = Known(A.T, ValueRows);
  A.P = Ctx.has(PastKey) ? Dim(PastKey, 2) : Store.constant(0);
  A.L = A.P + A.T;
  if (equal(KeyWidth, A.H) == Truth::False)
    Wrong = "heads of the query are " + toString(A.H) +
            " wide, heads of the key " + toString(KeyWidth);
  return A;
}

} // namespace

//===----------------------------------------------------------------------===//
// Attention (ai.onnx 23, 24, 25)
//===----------------------------------------------------------------------===//

/// What ONNX rules out beside shapes; empty if nothing.
static std::string wrongCombination(const OpContext &Ctx) {
  for (const char *Name : {"left_window_size", "right_window_size"})
    if (Ctx.intAttr(Name, -1) < -1)
      return std::string(Name) + " should be -1 or more";
  if (Ctx.has(PastKey) != Ctx.has(PastValue))
    return "past_key and past_value should be given together";
  if (Ctx.has(NonPad) && Ctx.has(PastKey))
    return "nonpad_kv_seqlen and a past cannot be given together";
  if (Ctx.opset() < 25)
    return "";
  if (Ctx.wants(1) != Ctx.wants(2))
    return "present_key and present_value should be asked for together";
  if (Ctx.hasRank(Q) && Ctx.rank(Q) == 4 &&
      (Ctx.hasAttr("q_num_heads") || Ctx.hasAttr("kv_num_heads")))
    return "q_num_heads and kv_num_heads are for operands of rank 3, got " +
           shapeText(Ctx.dims(Q));
  return "";
}

void inferAttention(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(Q), ValueElem = Ctx.elem(V);
  if (std::string Text = wrongCombination(Ctx); !Text.empty()) {
    Ctx.fail(Text);
    return;
  }
  std::string Wrong;
  AttentionSizes A = attentionSizes(Ctx, Wrong);
  if (!Wrong.empty()) {
    Ctx.fail(Wrong);
    return;
  }
  if (!Ctx.hasRank(Q))
    Ctx.setUnknown(0, Elem, unknownRank(Ctx, Q));
  else if (Ctx.rank(Q) == 3)
    Ctx.set(0, Elem, {A.B, A.S, A.N * A.V});
  else
    Ctx.set(0, Elem, {A.B, A.N, A.S, A.V});
  Ctx.set(1, Elem, {A.B, A.G, A.L, A.H});
  Ctx.set(2, ValueElem, {A.B, A.G, A.L, A.V});
  Ctx.set(3, Elem, {A.B, A.N, A.S, A.L});
}

/// The additive mask, node by node as the function body builds it: from
/// attn_mask, the causal rule, the window, and the lengths of padded rows.
static BodyTensor attentionBias(CostContext &Ctx, const AttentionSizes &A) {
  Expr One = Ctx.constant(1);
  bool Told = Ctx.input(NonPad).Folded; // lengths that are known beforehand
  BodyTensor Scalar{{}, true}, Scores{{A.S, A.L}, true}, Lengths{{A.B}, Told};
  BodyTensor Bias = Scores; // zeros
  if (Ctx.has(Mask)) {
    Bias = {Shape(Ctx.dims(Mask)), Ctx.input(Mask).Folded};
    if (Ctx.elem(Mask) == ElemType::Bool)
      Bias = addElementwise(Ctx, Bias, Scalar); // Where
    if (Ctx.opset() >= 24 && !Bias.Dims.empty())
      Bias.Dims.back() = A.L; // Pad with -inf
  }
  // Columns that a row may see depend on the batch where lengths are given:
  // row + (length - S), [B, 1, S, 1], against the column.
  bool Padded = Ctx.has(NonPad);
  BodyTensor Position{{A.S, One}, true}, Column{{One, A.L}, true};
  auto AddPosition = [&] {
    if (!Padded)
      return Position;
    addElementwise(Ctx, Lengths, Scalar); // Sub
    return addElementwise(Ctx, {{A.B, One, One, One}, Told},
                          {{One, One, A.S, One}, true}); // Add
  };
  if (Ctx.intAttr("is_causal", 0)) {
    BodyTensor Hidden = addElementwise(Ctx, AddPosition(), Column); // Less
    Hidden = addElementwise(Ctx, Hidden, Scalar);                   // Where
    Bias = addElementwise(Ctx, Bias, Hidden);                       // Add
  }
  bool Left = Ctx.intAttr("left_window_size", -1) >= 0;
  bool Right = Ctx.intAttr("right_window_size", -1) >= 0;
  if (Left || Right) {
    BodyTensor Distance = addElementwise(Ctx, AddPosition(), Column); // Sub
    if (Left)
      addElementwise(Ctx, Distance, Scalar); // LessOrEqual
    if (Right) {
      addElementwise(Ctx, Distance, Scalar); // Neg
      addElementwise(Ctx, Distance, Scalar); // LessOrEqual
    }
    if (Left && Right)
      addElementwise(Ctx, Distance, Scalar);    // And
    addElementwise(Ctx, Distance, Scalar);      // Where
    Bias = addElementwise(Ctx, Bias, Distance); // Add
  }
  if (Padded) {
    BodyTensor Rows{{A.B, A.T}, Told};
    addElementwise(Ctx, Rows, Scalar);                              // Less
    addElementwise(Ctx, Rows, Scalar);                              // Where
    Bias = addElementwise(Ctx, Bias, {{A.B, One, One, A.T}, Told}); // Add
  }
  return Bias;
}

void costAttention(CostContext &Ctx) {
  std::string Wrong;
  AttentionSizes A = attentionSizes(Ctx, Wrong);
  if (!Wrong.empty()) {
    Ctx.unknown(Wrong);
    return;
  }
  if (!knownSizes(Ctx, A))
    return;
  if (Ctx.has(Mask) && !Ctx.hasRank(Mask)) {
    Ctx.unknown(unknownRank(Ctx, Mask));
    return;
  }
  // C5, the nodes of the function body:
  //   Mul Q by √scale; Mul K by √scale, after K is expanded to N heads;
  //   MatMul; softcap: Div, Tanh, Mul; Add the bias; Softmax;
  //   ReduceMax and Equal over the bias; Where, which clears fully masked rows;
  //   MatMul.
  BodyTensor Bias = attentionBias(Ctx, A);
  if (!Ctx.input(Q).Folded) // C7
    Ctx.addVector(A.B * A.N * A.S * A.H);
  if (!Ctx.input(K).Folded || Ctx.has(PastKey))
    Ctx.addVector(A.B * A.N * A.L * A.H);
  addAttentionProducts(Ctx, A);
  if (Ctx.floatAttr("softcap", 0) != 0)
    Ctx.addVector(3 * A.scores());
  Ctx.addVector(A.scores());                                     // Add
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * A.scores()); // C3
  if (!Bias.Folded && !Bias.Dims.empty()) {
    Expr Rows =
        product(Ctx.store(), llvm::ArrayRef<Expr>(Bias.Dims).drop_back());
    Ctx.addVector(Rows * Bias.Dims.back() + Rows); // C4, Equal
  }
  Ctx.addVector(A.scores()); // Where
  if (Ctx.has(PastKey))
    writesNewRows(Ctx, A, 1, 2);
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding (ai.onnx 23): X, cos, sin, position_ids?
//===----------------------------------------------------------------------===//

void inferRotaryEmbedding(InferContext &Ctx) {
  setLike(Ctx, 0, Ctx.elem(0), 0);
  if (Ctx.hasRank(0) && Ctx.rank(0) != 3 && Ctx.rank(0) != 4)
    Ctx.fail("rotary embedding needs rank 3 or 4, got " +
             shapeText(Ctx.dims(0)));
}

void costRotaryEmbedding(CostContext &Ctx) {
  Ctx.addVector(rotaryFlops(rotatedElements(Ctx))); // C5
  if (!Ctx.hasRank(0) || Ctx.rank(0) < 3)
    return;
  if (!Ctx.has(3))
    return;
  // C11: the rows of the caches that the positions choose.
  Expr Rows = costDim(Ctx, 0, 0) * costDim(Ctx, 0, Ctx.rank(0) == 3 ? 1 : 2);
  for (unsigned Cache : {1u, 2u})
    Ctx.reads(Cache, Rows * costDim(Ctx, Cache, -1));
}

} // namespace xfa
