//===- LowerFused.h - fused kernels as operators of a runtime -------------===//

#ifndef XFA_TRANSFORM_LOWERFUSED_H
#define XFA_TRANSFORM_LOWERFUSED_H

#include "xfa/Transform/Pass.h"

namespace xfa {

/// Passes that turn fused kernels (IR/Fused.h) into operators, where these
/// compute exactly what the kernels do; the others stay functions, and the pass
/// says why. A kernel of which only a part has an operator stays a kernel
/// around it. Targets: `ort` (com.microsoft and what else ONNX Runtime has),
/// `onnx23` (ai.onnx 23; the model is raised to it where no operator in it
/// means something else there), `none` (does nothing). Null: no such target.
const PassInfo *loweringTo(llvm::StringRef Target);

} // namespace xfa

#endif // XFA_TRANSFORM_LOWERFUSED_H
