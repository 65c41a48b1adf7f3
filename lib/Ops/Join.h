//===- Join.h - what holds of either of two values ------------------------===//

#ifndef XFA_LIB_OPS_JOIN_H
#define XFA_LIB_OPS_JOIN_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// Facts that hold whichever of A and B a value turns out to be: what differs
/// becomes unknown, with `Why` as its reason. What is unknown in A stays the
/// same unknown, so that joining again changes nothing.
ValueFacts join(ExprStore &Store, const ValueFacts &A, const ValueFacts &B,
                llvm::StringRef Why);

/// Both say the same.
bool sameFacts(const ValueFacts &A, const ValueFacts &B);

} // namespace xfa

#endif // XFA_LIB_OPS_JOIN_H
