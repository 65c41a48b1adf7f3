//===- MatMul.cpp - MatMul, Gemm, Det (Einsum.cpp: Einsum) ----------------===//

#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// MatMul
//===----------------------------------------------------------------------===//

void inferMatMul(InferContext &Ctx) { setMatMul(Ctx, 0, Ctx.elem(0), 0, 1); }

void costMatMul(CostContext &Ctx) { addMatMul(Ctx, 0); }

//===----------------------------------------------------------------------===//
// Gemm: alpha · A' B' + beta · C
//===----------------------------------------------------------------------===//

void inferGemm(InferContext &Ctx) {
  if (!expectRank(Ctx, 0, 2, "A") || !expectRank(Ctx, 1, 2, "B"))
    return;
  bool TransA = Ctx.intAttr("transA", 0) != 0;
  bool TransB = Ctx.intAttr("transB", 0) != 0;
  std::optional<Expr> KA = knownDim(Ctx, 0, TransA ? 0 : 1);
  std::optional<Expr> KB = knownDim(Ctx, 1, TransB ? 1 : 0);
  if (KA && KB && equal(*KA, *KB) == Truth::False) {
    Ctx.fail("got " + shapeText(Ctx.dims(0)) + (TransA ? " transposed" : "") +
             " and " + shapeText(Ctx.dims(1)) + (TransB ? " transposed" : "") +
             ": the inner dimensions differ");
    return;
  }
  Ctx.set(0, Ctx.elem(0),
          {dimOrUnknown(Ctx, 0, TransA ? 1 : 0),
           dimOrUnknown(Ctx, 1, TransB ? 0 : 1)});
}

void costGemm(CostContext &Ctx) {
  Expr Size = Ctx.outSize(0);
  bool TransA = Ctx.intAttr("transA", 0) != 0;
  Ctx.addMatrix(2 * Size * costDim(Ctx, 0, TransA ? 0 : 1)); // C1
  // C1: bias, alpha and beta one an element each, on the vector unit (C8).
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
