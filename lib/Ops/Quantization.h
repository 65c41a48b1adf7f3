//===- Quantization.h - what quantised operators share --------------------===//

#ifndef XFA_LIB_OPS_QUANTIZATION_H
#define XFA_LIB_OPS_QUANTIZATION_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// Subtracting a zero point: one an element of input I (C2), nothing where
/// there is none, where it is 0, or where the operand is known beforehand (C7).
void addZeroPoint(CostContext &Ctx, unsigned I, unsigned ZeroPoint);

} // namespace xfa

#endif // XFA_LIB_OPS_QUANTIZATION_H
