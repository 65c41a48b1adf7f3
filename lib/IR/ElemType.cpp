//===- ElemType.cpp -------------------------------------------------------===//

#include "xfa/IR/ElemType.h"

#include "llvm/ADT/StringSwitch.h"

namespace xfa {

namespace {

struct ElemRow {
  llvm::StringRef Name;
  unsigned Bits;
  ElemClass Class;
};

constexpr ElemRow Rows[] = {
#define XFA_ELEM(ENUM, NUMBER, NAME, BITS, CLASS)                              \
  {NAME, BITS, ElemClass::CLASS},
#include "xfa/IR/ElemTypes.def"
};

const ElemRow &row(ElemType Type) { return Rows[static_cast<unsigned>(Type)]; }

} // namespace

std::optional<ElemType> elemTypeFromOnnx(int64_t Number) {
  if (Number < 0 || Number >= static_cast<int64_t>(std::size(Rows)))
    return std::nullopt;
  return static_cast<ElemType>(Number);
}

std::optional<ElemType> elemTypeFromName(llvm::StringRef Name) {
  for (unsigned I = 1; I < std::size(Rows); ++I)
    if (Rows[I].Name == Name)
      return static_cast<ElemType>(I);
  return llvm::StringSwitch<std::optional<ElemType>>(Name)
      .Cases("float", "float32", "f32", ElemType::Float32)
      .Cases("half", "float16", "f16", ElemType::Float16)
      .Cases("bfloat16", "bf16", ElemType::BFloat16)
      .Cases("double", "float64", "f64", ElemType::Float64)
      .Cases("fp8", "float8", ElemType::Float8E4M3FN)
      .Cases("fp4", "float4", ElemType::Float4E2M1)
      .Default(std::nullopt);
}

llvm::StringRef elemTypeName(ElemType Type) { return row(Type).Name; }
unsigned elemBits(ElemType Type) { return row(Type).Bits; }
ElemClass elemClass(ElemType Type) { return row(Type).Class; }

} // namespace xfa
