//===- ContribAttention.cpp - com.microsoft: GroupQueryAttention, … -------===//
//
// A fused attention costs the nodes that it stands for (C5): the two products
// (C1), scale and mask one a score each, softmax (C3), and what its attributes
// add. Letters as in AttentionCore.h.
//
//===----------------------------------------------------------------------===//

#include "AttentionCore.h"
#include "Normalization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// GroupQueryAttention
//===----------------------------------------------------------------------===//

namespace {
namespace gqa {
enum Input : unsigned {
  Query, Key, Value, PastKey, PastValue, Lengths, Total, Cos, Sin, Positions,
  Bias, Sink, KeyScale, ValueScale, QueryNorm, KeyNorm
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
  A.H = A.V = exactDiv(Dim(gqa::Query, 2), Packed);
  A.P = Ctx.has(gqa::PastKey) ? Dim(gqa::PastKey, 2) : Store.constant(0);
  // The operator is told how many keys there are; the cache it returns is as
  // long as the past one where that has room for them (a shared buffer).
  Element Total = Ctx.scalar(gqa::Total);
  A.L = Total.kind() == Element::Int
            ? Total.expr()
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

} // namespace xfa
