//===- Interpolation.h - the cost of sampling between grid points ---------===//

#ifndef XFA_LIB_OPS_INTERPOLATION_H
#define XFA_LIB_OPS_INTERPOLATION_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// Adds the FLOPs of output 0 where each element is interpolated along so many
/// axes: a multiplication and an addition (C2) for each of 2 (linear) or 4
/// (cubic) neighbours an axis; weights depend on positions alone (C7). Nearest
/// copies (C6).
void addInterpolation(CostContext &Ctx, llvm::StringRef Mode, unsigned Axes);

/// The same along the axes whose size changes from Before to After, as far as
/// that is known: a factor of 1 where they turn out to be equal.
void addInterpolation(CostContext &Ctx, llvm::StringRef Mode,
                      llvm::ArrayRef<Expr> Before, llvm::ArrayRef<Expr> After);

} // namespace xfa

#endif // XFA_LIB_OPS_INTERPOLATION_H
