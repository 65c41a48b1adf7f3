//===- Verifier.h - what holds of every model -----------------------------===//

#ifndef XFA_IR_VERIFIER_H
#define XFA_IR_VERIFIER_H

#include "xfa/IR/Model.h"

#include "llvm/Support/Error.h"

namespace xfa {

/// Every operand is defined before its use and where the use can see it; each
/// value is defined once and knows where; names are unique where ONNX wants
/// them so (a Constant's may be repeated, as Import accepts); initialisers have
/// contents; calls fit the functions they call. Fails with the first thing that
/// does not hold, in a sentence that names the node.
llvm::Error verify(const Model &M);

} // namespace xfa

#endif // XFA_IR_VERIFIER_H
