//===- Quantization.h - what quantised operators share --------------------===//

#ifndef XFA_LIB_OPS_QUANTIZATION_H
#define XFA_LIB_OPS_QUANTIZATION_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// FLOPs an element of QuantizeLinear: Div, Round, Add; the clamp is the cast's
/// (C6).
constexpr int64_t QuantizeFlops = 3;
/// Of DequantizeLinear: Sub, Mul (C14).
constexpr int64_t DequantizeFlops = 2;
/// Of bringing a 32-bit accumulator to the output's scale: Mul, Round, Add.
constexpr int64_t RequantizeFlops = 3;
/// Of DynamicQuantizeLinear over N elements.
Expr dynamicQuantizeFlops(Expr N);

/// Subtracting a zero point: one an element of input I (C2), nothing where
/// there is none, where it is 0, or where the operand is known beforehand (C7).
void addZeroPoint(CostContext &Ctx, unsigned I, unsigned ZeroPoint);

} // namespace xfa

#endif // XFA_LIB_OPS_QUANTIZATION_H
