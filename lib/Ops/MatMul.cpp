//===- MatMul.cpp - MatMul, Gemm, Det (Einsum.cpp: Einsum) ----------------===//

#include "MatMul.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// MatMul
//===----------------------------------------------------------------------===//

std::optional<Shape> matMulShape(InferContext &Ctx, llvm::ArrayRef<Expr> A,
                                 llvm::ArrayRef<Expr> B) {
  auto Fail = [&](const char *Why) {
    Ctx.fail("got " + shapeText(A) + " and " + shapeText(B) + ": " + Why);
    return std::nullopt;
  };
  if (A.empty() || B.empty())
    return Fail("a matrix product needs rank 1 or more");
  Expr KA = A.back(), KB = B.size() == 1 ? B.front() : B[B.size() - 2];
  if (equal(KA, KB) == Truth::False)
    return Fail("the inner dimensions differ");
  std::optional<Shape> Result = broadcast(A.drop_back(A.size() == 1 ? 1 : 2),
                                          B.drop_back(B.size() == 1 ? 1 : 2));
  if (!Result)
    return Fail("the batch dimensions do not broadcast");
  if (A.size() > 1)
    Result->push_back(A[A.size() - 2]);
  if (B.size() > 1)
    Result->push_back(B.back());
  return Result;
}

void setMatMul(InferContext &Ctx, unsigned O, ElemType Elem, unsigned A,
               unsigned B) {
  for (unsigned I : {A, B})
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(O, Elem, unknownRank(Ctx, I));
      return;
    }
  if (std::optional<Shape> Dims = matMulShape(Ctx, Ctx.dims(A), Ctx.dims(B)))
    Ctx.set(O, Elem, *Dims);
}

void addMatMul(CostContext &Ctx, unsigned A) {
  Expr Size = Ctx.outSize(0);
  Ctx.addMatrix(2 * Size * costDim(Ctx, A, -1)); // C1
}

void inferMatMul(InferContext &Ctx) { setMatMul(Ctx, 0, Ctx.elem(0), 0, 1); }

void costMatMul(CostContext &Ctx) { addMatMul(Ctx, 0); }

//===----------------------------------------------------------------------===//
// Gemm: alpha · A' B' + beta · C
//===----------------------------------------------------------------------===//

void setGemm(InferContext &Ctx, ElemType Elem, unsigned A, unsigned B) {
  if (!expectRank(Ctx, A, 2, "A") || !expectRank(Ctx, B, 2, "B"))
    return;
  bool TransA = Ctx.intAttr("transA", 0) != 0;
  bool TransB = Ctx.intAttr("transB", 0) != 0;
  std::optional<Expr> KA = knownDim(Ctx, A, TransA ? 0 : 1);
  std::optional<Expr> KB = knownDim(Ctx, B, TransB ? 1 : 0);
  if (KA && KB && equal(*KA, *KB) == Truth::False) {
    Ctx.fail("got " + shapeText(Ctx.dims(A)) + (TransA ? " transposed" : "") +
             " and " + shapeText(Ctx.dims(B)) + (TransB ? " transposed" : "") +
             ": the inner dimensions differ");
    return;
  }
  Ctx.set(0, Elem,
          {dimOrUnknown(Ctx, A, TransA ? 1 : 0),
           dimOrUnknown(Ctx, B, TransB ? 0 : 1)});
}

void addGemm(CostContext &Ctx, unsigned A) {
  bool TransA = Ctx.intAttr("transA", 0) != 0;
  Ctx.addMatrix(2 * Ctx.outSize(0) * costDim(Ctx, A, TransA ? 0 : 1)); // C1
}

void inferGemm(InferContext &Ctx) { setGemm(Ctx, Ctx.elem(0), 0, 1); }

void costGemm(CostContext &Ctx) {
  addGemm(Ctx, 0);
  // C1: bias, alpha and beta one an element each, on the vector unit (C8).
  Expr Size = Ctx.outSize(0);
  if (Ctx.floatAttr("alpha", 1) != 1)
    Ctx.addVector(Size);
  if (!Ctx.has(2))
    return;
  Ctx.addVector(Size);
  if (Ctx.floatAttr("beta", 1) != 1)
    Ctx.addVector(Size);
}

//===----------------------------------------------------------------------===//
// Det: [*, M, M] → [*]
//===----------------------------------------------------------------------===//

void inferDet(InferContext &Ctx) {
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  if (Ctx.rank(0) < 2) {
    Ctx.fail("a determinant needs rank 2 or more, got " +
             shapeText(Ctx.dims(0)));
    return;
  }
  if (!sameDim(Ctx, Ctx.dim(0, -2), Ctx.dim(0, -1), "rows and columns"))
    return;
  Ctx.set(0, Ctx.elem(0), Ctx.dims(0).drop_back(2));
}

void costDet(CostContext &Ctx) {
  Ctx.unknown("no rule counts a determinant"); // C16
}

} // namespace xfa
