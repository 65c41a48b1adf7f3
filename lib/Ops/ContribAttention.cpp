//===- ContribAttention.cpp - com.microsoft: GroupQueryAttention, … -------===//
//
// A fused attention costs the nodes that it stands for (C5): the two products
// (C1), scale and mask one a score each, softmax (C3), and what its attributes
// add. Letters as in AttentionCore.h.
//
//===----------------------------------------------------------------------===//

#include "AttentionCore.h"
#include "Normalization.h"
#include "Quantization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// GroupQueryAttention
//===----------------------------------------------------------------------===//

namespace {
namespace gqa {
enum Input : unsigned {
  Query,
  Key,
  Value,
  PastKey,
  PastValue,
  Lengths,
  Total,
  Cos,
  Sin,
  Positions,
  Bias,
  Sink,
  KeyScale,
  ValueScale,
  QueryNorm,
  KeyNorm
};
} // namespace gqa

struct GroupQuerySizes : AttentionSizes {
  Expr Present; ///< rows of the cache that the operator gives back
};

GroupQuerySizes groupQuerySizes(const OpContext &Ctx, std::string &Wrong) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  GroupQuerySizes A;
  int64_t Heads = Ctx.intAttr("num_heads", 0);
  int64_t KeyHeads = Ctx.intAttr("kv_num_heads", 0);
  if (Heads <= 0 || KeyHeads <= 0) {
    Wrong = "num_heads and kv_num_heads should be positive";
    return A;
  }
  A.B = Dim(gqa::Query, 0);
  A.S = A.T = Dim(gqa::Query, 1);
  A.N = Store.constant(Heads);
  A.G = Store.constant(KeyHeads);
  Expr Packed = Ctx.has(gqa::Key) ? A.N : A.N + 2 * A.G;
  A.H = A.V = headWidth(Dim(gqa::Query, 2), Packed, "the query", Wrong);
  if (Heads % KeyHeads != 0)
    Wrong = "num_heads " + std::to_string(Heads) +
            " is no multiple of kv_num_heads " + std::to_string(KeyHeads);
  for (unsigned I : {gqa::Key, gqa::Value})
    if (Expr Width = A.G * A.H; Ctx.has(I) && Ctx.hasRank(I) &&
                                Ctx.rank(I) == 3 && Wrong.empty() &&
                                equal(Dim(I, 2), Width) == Truth::False)
      Wrong = "operand " + std::to_string(I) + " is " + toString(Dim(I, 2)) +
              " wide, expected " + toString(Width) + ": " + toString(A.G) +
              " heads as wide as those of the query";
  A.P = Ctx.has(gqa::PastKey) ? Dim(gqa::PastKey, 2) : Store.constant(0);
  // The operator is told how many keys there are; the cache it returns is as
  // long as the past one where that has room for them (a shared buffer).
  Element Total = Ctx.scalar(gqa::Total);
  bool Known = Total.kind() == Element::Int && Total.expr().isKnown();
  A.L = Known       ? Total.expr()
        : A.P.is(0) ? A.S // nothing came before
                    : Store.unknown("total_sequence_length is not known", 0);
  A.Present = max(A.P, A.L);
  return A;
}

} // namespace

void inferGroupQueryAttention(InferContext &Ctx) {
  if (!expectRank(Ctx, gqa::Query, 3, "query") ||
      !expectRank(Ctx, gqa::PastKey, 4, "past_key"))
    return;
  std::string Wrong;
  GroupQuerySizes A = groupQuerySizes(Ctx, Wrong);
  if (!Wrong.empty()) {
    Ctx.fail(Wrong);
    return;
  }
  ElemType Elem = Ctx.elem(gqa::Query);
  ElemType Cache = Ctx.has(gqa::PastKey) ? Ctx.elem(gqa::PastKey) : Elem;
  Ctx.set(0, Elem, {A.B, A.S, A.N * A.H});
  Ctx.set(1, Cache, {A.B, A.G, A.Present, A.H});
  Ctx.set(2, Cache, {A.B, A.G, A.Present, A.V});
  Ctx.set(3, Elem, {A.B, A.N, A.S, A.L});
}

void costGroupQueryAttention(CostContext &Ctx) {
  std::string Wrong;
  GroupQuerySizes A = groupQuerySizes(Ctx, Wrong);
  if (!Wrong.empty()) {
    Ctx.unknown(Wrong);
    return;
  }
  if (!knownSizes(Ctx, A))
    return;
  Expr Rows = A.B * A.N * A.S;
  addAttentionProducts(Ctx, A);
  Ctx.addVector(2 * A.scores()); // scale, causal mask
  if (Ctx.floatAttr("softcap", 0) != 0)
    Ctx.addVector(3 * A.scores()); // Div, Tanh, Mul
  if (Ctx.has(gqa::Bias))
    Ctx.addVector(A.scores());
  // C3; a sink, or a smooth softmax, is one more column.
  bool Sink = Ctx.has(gqa::Sink) || Ctx.intAttr("smooth_softmax", 0) != 0;
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) *
                (A.scores() + (Sink ? Rows : Ctx.constant(0))));
  if (Ctx.has(gqa::QueryNorm))
    Ctx.addVector(rmsNormFlops(Rows * A.H, Rows));
  Expr KeyRows = A.B * A.G * A.T;
  if (Ctx.has(gqa::KeyNorm))
    Ctx.addVector(rmsNormFlops(KeyRows * A.H, KeyRows));
  for (unsigned Scale : {gqa::KeyScale, gqa::ValueScale})
    if (Ctx.has(Scale)) // a quantised cache, dequantised where it is read (C14)
      Ctx.addVector(2 * A.B * A.G * A.L * A.H);
  if (Ctx.intAttr("do_rotary", 0) && Ctx.has(gqa::Cos)) {
    // The caches hold half of the rotated width a position.
    Expr Half = costDim(Ctx, gqa::Cos, -1);
    Ctx.addVector(rotaryFlops((Rows + KeyRows) * 2 * Half));
    for (unsigned I : {gqa::Cos, gqa::Sin})
      Ctx.reads(I, A.B * A.S * Half); // C11
  }
  // Of a shared buffer, the rows that hold something (C9).
  for (unsigned I : {gqa::PastKey, gqa::PastValue})
    if (Ctx.has(I))
      Ctx.reads(I, A.B * A.G * (A.L - A.T) * A.H);
  if (Ctx.has(gqa::PastKey))
    writesNewRows(Ctx, A, 1, 2);
}

//===----------------------------------------------------------------------===//
// Attention with its own projection: input [B, S, C], weights [C, D + D + Dv],
// bias?, mask_index?, past?, attention_bias?, past_sequence_length?
//===----------------------------------------------------------------------===//

namespace {

/// Where the inputs of Attention and its relatives stand; -1: there is none.
struct ProjectionLayout {
  int Mask, Past, Bias, PastLength;
};
constexpr ProjectionLayout AttentionLayout = {3, 4, 5, 6};
constexpr ProjectionLayout QuantizedLayout = {5, 8, -1, -1};

bool hasInput(const OpContext &Ctx, int I) {
  return I >= 0 && Ctx.has(static_cast<unsigned>(I));
}

/// Fused projections: sizes and the width of what they give.
struct ProjectedSizes : AttentionSizes {
  Expr Projected; ///< 2D + Dv
  Shape Present;
};

ProjectedSizes projectedSizes(const OpContext &Ctx, const ProjectionLayout &At,
                              std::string &Wrong) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  ProjectedSizes A;
  int64_t Heads = Ctx.intAttr("num_heads", 0);
  if (Heads <= 0) {
    Wrong = "num_heads should be positive";
    return A;
  }
  A.N = A.G = Store.constant(Heads);
  A.B = Dim(0, 0);
  A.S = A.T = Dim(0, 1);
  A.Projected = Dim(1, 1);
  Expr Query = exactDiv(A.Projected, Store.constant(3)), Value = Query;
  if (auto Sizes = Ctx.intsAttr("qkv_hidden_sizes")) {
    if (Sizes->size() != 3) {
      Wrong = "qkv_hidden_sizes should have 3 numbers";
      return A;
    }
    Query = Store.constant((*Sizes)[0]);
    Value = Store.constant((*Sizes)[2]);
  }
  A.H = headWidth(Query, A.N, "the projected query", Wrong);
  A.V = headWidth(Value, A.N, "the projected value", Wrong);
  unsigned Past = static_cast<unsigned>(At.Past);
  A.P = Ctx.has(Past) ? Dim(Past, 3) : Store.constant(0);
  A.L = A.P + A.T;
  A.Present = {Store.constant(2), A.B, A.N, A.L, A.H};
  if (Ctx.intAttr("past_present_share_buffer", 0) != 0) {
    // The cache has room for more than it holds, and is given back as it is.
    A.Present[3] =
        Ctx.has(Past) ? A.P : Store.unknown("the shared cache is not given", 0);
    Element Length = hasInput(Ctx, At.PastLength)
                         ? Ctx.scalar(static_cast<unsigned>(At.PastLength))
                         : Element();
    A.P = Length.kind() == Element::Int
              ? Length.expr()
              : Store.unknown("past_sequence_length is not known", 0);
    A.L = A.P + A.T;
  }
  return A;
}

void inferProjected(InferContext &Ctx, const ProjectionLayout &At,
                    ElemType Elem) {
  if (!expectRank(Ctx, 0, 3, "the input") ||
      !expectRank(Ctx, 1, 2, "the weight"))
    return;
  std::string Wrong;
  ProjectedSizes A = projectedSizes(Ctx, At, Wrong);
  if (!Wrong.empty()) {
    Ctx.fail(Wrong);
    return;
  }
  Ctx.set(0, Elem, {A.B, A.S, A.N * A.V});
  Ctx.set(1, Elem, A.Present);
}

/// Scale, masks and softmax: what happens to the scores.
void addScores(CostContext &Ctx, const AttentionSizes &A, unsigned Masks) {
  Ctx.addVector((int64_t(Ctx.Options.SoftmaxFlops) + 1 + Masks) * A.scores());
}

/// Gives whether the sizes were known.
bool costProjected(CostContext &Ctx, const ProjectionLayout &At) {
  std::string Wrong;
  ProjectedSizes A = projectedSizes(Ctx, At, Wrong);
  if (!Wrong.empty())
    Ctx.unknown(Wrong);
  if (!Wrong.empty() || !knownSizes(Ctx, A))
    return false;
  Expr Rows = A.B * A.S;
  Ctx.addMatrix(2 * Rows * costDim(Ctx, 0, 2) * A.Projected); // C1
  if (Ctx.has(2))
    Ctx.addVector(Rows * A.Projected);
  if (Ctx.intAttr("do_rotary", 0) != 0) {
    int64_t Rotated = Ctx.intAttr("rotary_embedding_dim", 0);
    Expr Width = Rotated > 0 ? Ctx.constant(Rotated) : A.H;
    Ctx.addVector(rotaryFlops(2 * Rows * A.N * Width)); // queries and keys
  }
  addAttentionProducts(Ctx, A);
  addScores(Ctx, A,
            hasInput(Ctx, At.Mask) + hasInput(Ctx, At.Bias) +
                (Ctx.intAttr("unidirectional", 0) != 0));
  if (hasInput(Ctx, At.Past) && Ctx.wants(1))
    Ctx.writes(1, A.B * A.G * A.T * (A.H + A.V)); // C13
  return true;
}

} // namespace

void inferMsAttention(InferContext &Ctx) {
  inferProjected(Ctx, AttentionLayout, Ctx.elem(0));
}
void costMsAttention(CostContext &Ctx) { costProjected(Ctx, AttentionLayout); }

// QAttention: input, weight, bias, scales of both (3, 4), mask_index?, zero
// points (6, 7), past?
void inferQAttention(InferContext &Ctx) {
  inferProjected(Ctx, QuantizedLayout, Ctx.elem(3));
}
void costQAttention(CostContext &Ctx) {
  if (!costProjected(Ctx, QuantizedLayout))
    return;
  addZeroPoint(Ctx, 0, 6);
  addZeroPoint(Ctx, 1, 7);
  // The accumulator times both scales.
  Ctx.addVector(costProduct(Ctx, 0, 0, 2) * costDim(Ctx, 1, 1));
}

} // namespace xfa
