//===- AttentionCore.cpp --------------------------------------------------===//

#include "AttentionCore.h"
#include "Shapes.h"

namespace xfa {

Expr headWidth(Expr Width, Expr Heads, llvm::StringRef What,
               std::string &Wrong) {
  std::optional<int64_t> W = Width.constant(), H = Heads.constant();
  if (Wrong.empty() && W && H && *H > 0 && *W % *H != 0)
    Wrong = (What + " is " + llvm::Twine(*W) + " wide, which " +
             llvm::Twine(*H) + " heads do not divide")
                .str();
  return exactDiv(Width, Heads);
}

bool knownSizes(CostContext &Ctx, const AttentionSizes &A) {
  for (Expr E : {A.B, A.N, A.G, A.S, A.T, A.P, A.L, A.H, A.V})
    if (!E.isKnown()) {
      Ctx.unknown("a size of the attention is unknown: " + E.unknownReason());
      return false;
    }
  return true;
}

void addAttentionProducts(CostContext &Ctx, const AttentionSizes &A) {
  Ctx.addMatrix(2 * A.scores() * A.H + 2 * A.scores() * A.V);
}

void writesNewRows(CostContext &Ctx, const AttentionSizes &A, unsigned Key,
                   unsigned Value) {
  if (Ctx.wants(Key))
    Ctx.writes(Key, A.B * A.G * A.T * A.H);
  if (Ctx.wants(Value))
    Ctx.writes(Value, A.B * A.G * A.T * A.V);
}

Expr rotatedElements(CostContext &Ctx) {
  Expr Size = Ctx.inSize(0);
  int64_t Rotated = Ctx.intAttr("rotary_embedding_dim", 0);
  if (Rotated <= 0 || !Ctx.hasRank(0))
    return Size;
  if (Ctx.rank(0) != 3)
    return costProduct(Ctx, 0, 0, 3) * Rotated;
  int64_t Heads = Ctx.intAttr("num_heads", 0);
  if (Heads <= 0)
    Ctx.unknown("num_heads is needed for an operand of rank 3");
  return costProduct(Ctx, 0, 0, 2) * Ctx.constant(Heads) * Rotated;
}

BodyTensor addElementwise(CostContext &Ctx, const BodyTensor &A,
                          const BodyTensor &B) {
  std::optional<Shape> Dims = broadcast(A.Dims, B.Dims);
  if (!Dims) {
    Ctx.unknown(shapeText(A.Dims) + " and " + shapeText(B.Dims) +
                " do not broadcast");
    return A;
  }
  bool Folded = A.Folded && B.Folded;
  if (!Folded)
    Ctx.addVector(product(Ctx.store(), *Dims)); // C2
  return {std::move(*Dims), Folded};
}

} // namespace xfa
