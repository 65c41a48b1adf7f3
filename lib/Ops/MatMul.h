//===- MatMul.h - matrix products, for quantised and fused operators ------===//

#ifndef XFA_LIB_OPS_MATMUL_H
#define XFA_LIB_OPS_MATMUL_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// The shape Numpy's matmul gives; fails where no binding is valid.
std::optional<Shape> matMulShape(InferContext &Ctx, llvm::ArrayRef<Expr> A,
                                 llvm::ArrayRef<Expr> B);
/// Sets output O to the product of inputs A and B.
void setMatMul(InferContext &Ctx, unsigned O, ElemType Elem, unsigned A,
               unsigned B);
/// C1: 2 × output elements × K, the last axis of input A.
void addMatMul(CostContext &Ctx, unsigned A);

/// The same for Gemm, whose attributes transA and transB say what K is.
void setGemm(InferContext &Ctx, ElemType Elem, unsigned A, unsigned B);
void addGemm(CostContext &Ctx, unsigned A);

} // namespace xfa

#endif // XFA_LIB_OPS_MATMUL_H
