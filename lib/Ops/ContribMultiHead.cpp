//===- ContribMultiHead.cpp - com.microsoft: MultiHeadAttention, … --------===//
//
// Letters as in AttentionCore.h; D = N·H, Dv = N·V.
//
//===----------------------------------------------------------------------===//

#include "AttentionCore.h"
#include "Shapes.h"

namespace xfa {

namespace {

/// Where the inputs of MultiHeadAttention and its decoder form stand.
struct MultiHeadLayout {
  unsigned Bias, Mask, ScoreBias, PastKey, PastValue, PastLength;
};
constexpr MultiHeadLayout MultiHead = {3, 4, 5, 6, 7, 8};
constexpr MultiHeadLayout MaskedMultiHead = {10, 3, 4, 5, 6, 7};

struct MultiHeadSizes : AttentionSizes {
  Expr Present;       ///< rows of the cache that is given back
  bool Cross = false; ///< key and value come with heads, from elsewhere
};

/// query [B, S, D] or packed [B, S, N, 3, H]; key [B, T, D], packed
/// [B, T, N, 2, H], or with heads [B, N, T, H]; value [B, T, Dv] or
/// [B, N, T, V].
std::optional<MultiHeadSizes> multiHeadSizes(const OpContext &Ctx,
                                             const MultiHeadLayout &At,
                                             std::string &Wrong) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  auto HasRank = [&](unsigned I, int64_t Rank) {
    return Ctx.hasRank(I) && Ctx.rank(I) == Rank;
  };
  int64_t Heads = Ctx.intAttr("num_heads", 0);
  if (Heads <= 0) {
    Wrong = "num_heads should be positive";
    return std::nullopt;
  }
  MultiHeadSizes A;
  A.N = A.G = Store.constant(Heads);
  A.B = Dim(0, 0);
  A.S = Dim(0, 1);
  bool Packed = HasRank(0, 5);
  A.H = Packed ? Dim(0, 4) : headWidth(Dim(0, 2), A.N, "the query", Wrong);
  A.P = Ctx.has(At.PastKey) ? Dim(At.PastKey, 2) : Store.constant(0);
  if (Packed || !Ctx.has(1)) {
    A.T = A.S;
    A.V = A.H;
  } else if (HasRank(1, 5)) {
    A.T = Dim(1, 1);
    A.V = A.H;
  } else {
    A.Cross = HasRank(1, 4);
    A.T = Dim(1, A.Cross ? 2 : 1);
    A.V = HasRank(2, 4) ? Dim(2, 3)
                        : headWidth(Dim(2, 2), A.N, "the value", Wrong);
    // A key is as wide as the query, or as a head of it.
    Expr Width = A.Cross ? A.H : Dim(0, 2);
    if (Expr Key = Dim(1, A.Cross ? 3 : 2);
        Wrong.empty() && !Packed && equal(Key, Width) == Truth::False)
      Wrong = "the key is " + toString(Key) + " wide, expected " +
              toString(Width) + " as of the query";
  }
  if (Packed && Wrong.empty() && equal(Dim(0, 2), A.N) == Truth::False)
    Wrong = "the query has " + toString(Dim(0, 2)) +
            " heads, but num_heads is " + toString(A.N);
  if (!Wrong.empty())
    return std::nullopt;
  A.L = A.P + A.T;
  A.Present = A.L;
  if (Ctx.has(At.PastLength) && Ctx.has(At.PastKey)) {
    // One buffer for past and present.
    A.Present = A.P;
    Element Length = Ctx.scalar(At.PastLength);
    A.P = Length.kind() == Element::Int
              ? Length.expr()
              : Store.unknown("past_sequence_length is not known", 0);
    A.L = A.P + A.T;
  }
  return A;
}

void inferMultiHead(InferContext &Ctx, const MultiHeadLayout &At) {
  std::string Wrong;
  auto A = multiHeadSizes(Ctx, At, Wrong);
  if (!A) {
    Ctx.fail(Wrong);
    return;
  }
  ElemType Elem = Ctx.elem(0);
  Ctx.set(0, Elem, {A->B, A->S, A->N * A->V});
  Ctx.set(1, Elem, {A->B, A->N, A->Present, A->H});
  Ctx.set(2, Elem, {A->B, A->N, A->Present, A->V});
  Ctx.set(3, Elem, {A->B, A->N, A->S, A->L});
}

void costMultiHead(CostContext &Ctx, const MultiHeadLayout &At) {
  std::string Wrong;
  auto A = multiHeadSizes(Ctx, At, Wrong);
  if (!A) {
    Ctx.unknown(Wrong);
    return;
  }
  if (!knownSizes(Ctx, *A))
    return;
  // Add of the bias to Q, K and V; the products; scale, masks, softmax.
  if (Ctx.has(At.Bias)) {
    Expr Query = A->B * A->S * A->N * A->H;
    Expr KeyValue = A->B * A->T * A->N * (A->H + A->V);
    Ctx.addVector(A->Cross ? Query : Query + KeyValue);
  }
  addAttentionProducts(Ctx, *A);
  unsigned Masks = Ctx.has(At.Mask) + Ctx.has(At.ScoreBias) +
                   (Ctx.intAttr("unidirectional", 0) != 0);
  Ctx.addVector((int64_t(Ctx.Options.SoftmaxFlops) + 1 + Masks) * A->scores());
  if (!Ctx.has(At.PastKey))
    return;
  if (Ctx.has(At.PastLength)) { // the rows that hold something
    Ctx.reads(At.PastKey, A->B * A->N * A->P * A->H);
    Ctx.reads(At.PastValue, A->B * A->N * A->P * A->V);
  }
  writesNewRows(Ctx, *A, 1, 2); // C13
}

} // namespace

void inferMultiHeadAttention(InferContext &Ctx) {
  if (Ctx.hasRank(0) && Ctx.rank(0) != 3 && Ctx.rank(0) != 5) {
    Ctx.fail("query should have rank 3 or 5, got " + shapeText(Ctx.dims(0)));
    return;
  }
  inferMultiHead(Ctx, MultiHead);
}
void costMultiHeadAttention(CostContext &Ctx) { costMultiHead(Ctx, MultiHead); }

void inferDecoderMaskedMultiHeadAttention(InferContext &Ctx) {
  inferMultiHead(Ctx, MaskedMultiHead);
}
void costDecoderMaskedMultiHeadAttention(CostContext &Ctx) {
  costMultiHead(Ctx, MaskedMultiHead);
}

//===----------------------------------------------------------------------===//
// Attention over tokens without padding: the costs depend on data
//===----------------------------------------------------------------------===//

void costOfTokenLengths(CostContext &Ctx) {
  Ctx.unknown("it depends on the lengths of the sequences in the batch");
}

void inferPackedAttention(InferContext &Ctx) {
  // (input [tokens, C], weights [C, 2D + Dv], …) → [tokens, Dv]
  Expr Width;
  if (auto Sizes = Ctx.intsAttr("qkv_hidden_sizes");
      Sizes && Sizes->size() == 3)
    Width = Ctx.constant((*Sizes)[2]);
  else
    Width = exactDiv(dimOrUnknown(Ctx, 1, 1), Ctx.constant(3));
  Ctx.set(0, Ctx.elem(0), {dimOrUnknown(Ctx, 0, 0), Width});
}

void inferPackedMultiHeadAttention(InferContext &Ctx) {
  // query [tokens, D] with value [tokens, Dv], or packed [tokens, N, 3, H]
  Expr Width;
  if (Ctx.hasRank(0) && Ctx.rank(0) == 4)
    Width = Ctx.dim(0, 1) * Ctx.dim(0, 3);
  else
    Width = dimOrUnknown(Ctx, Ctx.has(2) ? 2 : 0, 1);
  Ctx.set(0, Ctx.elem(0), {dimOrUnknown(Ctx, 0, 0), Width});
}

/// Width of all query heads: of a query, or of a packed one without keys.
static Expr queryWidth(InferContext &Ctx, int64_t Axis) {
  Expr Width = dimOrUnknown(Ctx, 0, Axis);
  if (Ctx.has(1))
    return Width;
  int64_t Heads = Ctx.intAttr("num_heads", 0);
  int64_t KeyHeads = Ctx.intAttr("kv_num_heads", 0);
  if (Heads <= 0 || KeyHeads <= 0)
    return Ctx.unknownDim("num_heads and kv_num_heads should be positive");
  Expr All = Ctx.constant(Heads) + 2 * Ctx.constant(KeyHeads);
  return exactDiv(Width, All) * Heads;
}

void inferPagedAttention(InferContext &Ctx) {
  // query [tokens, …], key?, value?, caches (3, 4), which come back
  Ctx.set(0, Ctx.elem(0), {dimOrUnknown(Ctx, 0, 0), queryWidth(Ctx, 1)});
  for (unsigned O : {1u, 2u})
    setLike(Ctx, O, Ctx.elem(O + 2), O + 2);
}

void inferSparseAttention(InferContext &Ctx) {
  // query [B, S, …], key?, value?, caches (3, 4), which come back
  Ctx.set(
      0, Ctx.elem(0),
      {dimOrUnknown(Ctx, 0, 0), dimOrUnknown(Ctx, 0, 1), queryWidth(Ctx, 2)});
  for (unsigned O : {1u, 2u})
    setLike(Ctx, O, Ctx.elem(O + 2), O + 2);
}

void costSparseAttention(CostContext &Ctx) {
  Ctx.unknown("it depends on which blocks are present");
}

void costLongformerAttention(CostContext &Ctx) {
  Ctx.unknown("it depends on which rows attend globally");
}

void inferDecoderAttention(InferContext &Ctx) {
  // query [S, B, D], …; the new caches [B, N, ?, H]
  setLike(Ctx, 0, Ctx.elem(0), 0);
  for (unsigned O : {1u, 2u})
    Ctx.setUnknown(O, Ctx.elem(0), "the cache in use depends on data");
}

void costDecoderAttention(CostContext &Ctx) {
  Ctx.unknown("whether keys and caches are used depends on data");
}

//===----------------------------------------------------------------------===//
// Relative position biases
//===----------------------------------------------------------------------===//

void inferRelativePositionBias(InferContext &Ctx) {
  // (table [buckets, N], query length, key length) → [1, N, q, k]
  auto Length = [&](unsigned I) {
    Element E = Ctx.scalar(I);
    return E.kind() == Element::Int ? E.expr()
                                    : Ctx.unknownDim("the length is not known");
  };
  Ctx.set(0, Ctx.elem(0),
          {Ctx.constant(1), dimOrUnknown(Ctx, 0, 1), Length(1), Length(2)});
}

void costRelativePositionBias(CostContext &Ctx) {
  Ctx.unknown("no rule counts the buckets of relative positions");
}

void inferGatedRelativePositionBias(InferContext &Ctx) {
  // query [B, S, N·H] → [B, N, S, S]
  Expr S = dimOrUnknown(Ctx, 0, 1);
  Ctx.set(0, Ctx.elem(0),
          {dimOrUnknown(Ctx, 0, 0), Ctx.constant(Ctx.intAttr("num_heads", 0)),
           S, S});
}

void costGatedRelativePositionBias(CostContext &Ctx) {
  Ctx.unknown("no rule counts gated relative positions");
}

} // namespace xfa
