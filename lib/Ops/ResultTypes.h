//===- ResultTypes.h - element types that operands and attributes name ----===//

#ifndef XFA_LIB_OPS_RESULTTYPES_H
#define XFA_LIB_OPS_RESULTTYPES_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// The first known element type of the inputs, from First on.
ElemType firstElemType(const OpContext &Ctx, unsigned First = 0);

/// The type that an attribute names by ONNX's number, else Default.
ElemType typeAttr(const OpContext &Ctx, llvm::StringRef Name, ElemType Default);

} // namespace xfa

#endif // XFA_LIB_OPS_RESULTTYPES_H
