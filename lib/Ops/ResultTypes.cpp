//===- ResultTypes.cpp ----------------------------------------------------===//

#include "ResultTypes.h"

namespace xfa {

ElemType firstElemType(const OpContext &Ctx, unsigned First) {
  for (unsigned I = First; I < Ctx.numInputs(); ++I)
    if (Ctx.elem(I) != ElemType::Undefined)
      return Ctx.elem(I);
  return ElemType::Undefined;
}

ElemType typeAttr(const OpContext &Ctx, llvm::StringRef Name,
                  ElemType Default) {
  std::optional<int64_t> Number = Ctx.intAttr(Name);
  if (!Number)
    return Default;
  return elemTypeFromOnnx(*Number).value_or(ElemType::Undefined);
}

} // namespace xfa
