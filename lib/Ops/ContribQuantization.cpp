//===- ContribQuantization.cpp - com.microsoft: quantised operators -------===//

#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// MatMulNBits: A [.., K], packed B, scales, zero points?, group index?, bias?
//===----------------------------------------------------------------------===//

void inferMatMulNBits(InferContext &Ctx) {
  std::optional<int64_t> K = Ctx.intAttr("K"), N = Ctx.intAttr("N");
  if (!K || !N) {
    Ctx.fail("the attributes K and N are needed");
    return;
  }
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  if (Ctx.rank(0) == 0) {
    Ctx.fail("a matrix product needs rank 1 or more");
    return;
  }
  if (!sameDim(Ctx, Ctx.dim(0, -1), Ctx.constant(*K),
               "last axis of the input and K"))
    return;
  Shape Dims(Ctx.dims(0));
  Dims.back() = Ctx.constant(*N);
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costMatMulNBits(CostContext &Ctx) {
  std::optional<int64_t> K = Ctx.intAttr("K"), N = Ctx.intAttr("N");
  if (!K || !N) {
    Ctx.unknown("the attributes K and N are needed");
    return;
  }
  Expr Size = Ctx.outSize(0);
  Ctx.addMatrix(2 * Size * *K);                          // C1
  Ctx.addVector(2 * Ctx.constant(*K) * Ctx.constant(*N)); // C14
  if (Ctx.has(5))
    Ctx.addVector(Size);
}

} // namespace xfa
