//===- ElemType.h - ONNX element types ------------------------------------===//

#ifndef XFA_IR_ELEMTYPE_H
#define XFA_IR_ELEMTYPE_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace xfa {

/// Numbered as onnx.TensorProto.DataType.
enum class ElemType : uint8_t {
#define XFA_ELEM(ENUM, NUMBER, NAME, BITS, CLASS) ENUM = NUMBER,
#include "xfa/IR/ElemTypes.def"
};

enum class ElemClass : uint8_t {
  None,
  Float,
  Signed,
  Unsigned,
  Bool,
  String,
  Complex
};

/// ONNX's number → type; none for a number that ONNX does not define.
std::optional<ElemType> elemTypeFromOnnx(int64_t Number);
/// "fp16", "float16", "half", … → type, as the command line and YAML write it.
std::optional<ElemType> elemTypeFromName(llvm::StringRef Name);
/// Short name: fp32, fp16, bf16, int64, bool, …
llvm::StringRef elemTypeName(ElemType Type);
/// Bits an element takes in memory; packed types take less than 8. 0 for
/// strings and Undefined, whose size no rule gives.
unsigned elemBits(ElemType Type);
ElemClass elemClass(ElemType Type);
inline bool isFloat(ElemType T) { return elemClass(T) == ElemClass::Float; }
inline bool isInteger(ElemType T) {
  return elemClass(T) == ElemClass::Signed ||
         elemClass(T) == ElemClass::Unsigned;
}

} // namespace xfa

#endif // XFA_IR_ELEMTYPE_H
