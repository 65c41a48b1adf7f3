//===- Shapes.cpp ---------------------------------------------------------===//

#include "Shapes.h"

namespace xfa {

std::string shapeText(llvm::ArrayRef<Expr> Dims) {
  std::string Text = "[";
  for (Expr Dim : Dims) {
    if (Text.size() > 1)
      Text += ",";
    Text += toString(Dim);
  }
  return Text + "]";
}

std::string unknownRank(const OpContext &Ctx, unsigned I) {
  llvm::StringRef Why = Ctx.input(I).why();
  if (!Why.empty())
    return Why.str();
  return "input " + std::to_string(I) +
         (Ctx.has(I) ? " has unknown rank" : " is missing");
}

void setLike(InferContext &Ctx, unsigned O, ElemType Elem, unsigned I) {
  if (Ctx.hasRank(I))
    Ctx.set(O, Elem, Ctx.dims(I));
  else
    Ctx.setUnknown(O, Elem, unknownRank(Ctx, I));
}

std::optional<Expr> knownDim(const OpContext &Ctx, unsigned I, int64_t Axis) {
  if (!Ctx.hasRank(I))
    return std::nullopt;
  std::optional<int64_t> At = OpContext::normalizeAxis(Axis, Ctx.rank(I));
  if (!At)
    return std::nullopt;
  return Ctx.dim(I, *At);
}

Expr dimOrUnknown(InferContext &Ctx, unsigned I, int64_t Axis) {
  if (std::optional<Expr> Dim = knownDim(Ctx, I, Axis))
    return *Dim;
  return Ctx.unknownDim(unknownRank(Ctx, I));
}

Expr costDim(CostContext &Ctx, unsigned I, int64_t Axis) {
  std::optional<Expr> Dim = knownDim(Ctx, I, Axis);
  if (!Dim) {
    Ctx.unknown(unknownRank(Ctx, I));
    return Ctx.store().unknown("unknown rank");
  }
  if (!Dim->isKnown())
    Ctx.unknown("input " + llvm::Twine(I) +
                " has an unknown dimension: " + Dim->unknownReason());
  return *Dim;
}

std::optional<Expr> sameDim(InferContext &Ctx, Expr A, Expr B,
                            const llvm::Twine &What) {
  if (equal(A, B) == Truth::False) {
    Ctx.fail(What + ": " + toString(A) + " and " + toString(B) + " differ");
    return std::nullopt;
  }
  if (A.isConstant() || !B.isKnown())
    return A;
  return B.isConstant() || !A.isKnown() ? B : A;
}

bool expectRank(InferContext &Ctx, unsigned I, int64_t Rank,
                llvm::StringRef What) {
  if (!Ctx.hasRank(I) || Ctx.rank(I) == Rank)
    return true;
  Ctx.fail(What + " should have rank " + llvm::Twine(Rank) + ", got " +
           shapeText(Ctx.dims(I)));
  return false;
}

Expr costProduct(CostContext &Ctx, unsigned I, int64_t First, int64_t Last) {
  Expr Result = Ctx.constant(1);
  for (int64_t Axis = First; Axis < Last; ++Axis)
    Result *= costDim(Ctx, I, Axis);
  return Result;
}

} // namespace xfa
