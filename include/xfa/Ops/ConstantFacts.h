//===- ConstantFacts.h - what an initialiser's payload says ---------------===//

#ifndef XFA_OPS_CONSTANTFACTS_H
#define XFA_OPS_CONSTANTFACTS_H

#include "xfa/IR/Model.h"
#include "xfa/Ops/Facts.h"

namespace xfa {

/// Type, shape and, as far as they are kept, contents of an initialiser, a
/// Constant's tensor or a tensor attribute. Folded is set.
ValueFacts factsOf(ExprStore &Store, const Constant &C);

/// Element I of a kept payload, unknown where it is not kept.
Element constantElement(ExprStore &Store, const Constant &C, size_t I);

} // namespace xfa

#endif // XFA_OPS_CONSTANTFACTS_H
