//===- Broadcasting.h - operands of different shapes, element by element --===//

#ifndef XFA_OPS_BROADCASTING_H
#define XFA_OPS_BROADCASTING_H

#include "ResultTypes.h"
#include "Shapes.h"

namespace xfa {

/// Sets output 0 to the broadcast shape of all inputs; unknown where an input's
/// rank is, and a failure where no binding lets them broadcast. Gives whether
/// the output has a shape.
bool inferBroadcast(InferContext &Ctx, ElemType Elem, unsigned MinInputs = 1);

/// Output 0 has the first input's shape. Gives whether it has a shape.
bool inferSameShape(InferContext &Ctx, ElemType Elem);

/// Output 0, whose shape is set, gets the contents that F gives for each
/// element of the operands, which broadcast against it; unknown operands are
/// unknown elements. With NeedsAll, only if something is known of every
/// operand.
using ElementFn = llvm::function_ref<Element(llvm::ArrayRef<Element>)>;
void setElementwiseContents(InferContext &Ctx, ElementFn F,
                            bool NeedsAll = true);

} // namespace xfa

#endif // XFA_OPS_BROADCASTING_H
