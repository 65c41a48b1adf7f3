//===- Normalization.h - costs of normalisation, for fused operators ------===//

#ifndef XFA_LIB_OPS_NORMALIZATION_H
#define XFA_LIB_OPS_NORMALIZATION_H

#include "xfa/Symbolic/Expr.h"

namespace xfa {

/// FLOPs of ONNX's function body over N elements in Rows rows; all on the
/// vector unit.
Expr layerNormFlops(Expr N, Expr Rows, bool Bias);
Expr rmsNormFlops(Expr N, Expr Rows);
Expr groupNormFlops(Expr N, Expr Rows);

} // namespace xfa

#endif // XFA_LIB_OPS_NORMALIZATION_H
