//===- SmallFloat.h - floats narrower than a double -----------------------===//
//
// The bit patterns of every float type of ONNX.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_IMPORT_SMALLFLOAT_H
#define XFA_LIB_IMPORT_SMALLFLOAT_H

#include "xfa/IR/ElemType.h"

#include <cstdint>

namespace xfa::import {

/// The number that a bit pattern of a float type stands for, exactly.
double decodeFloat(ElemType Elem, uint64_t Code);

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_SMALLFLOAT_H
