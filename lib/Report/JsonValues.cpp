//===- JsonValues.cpp - exact numbers and expressions in JSON -------------===//

#include "JsonValues.h"

#include <cmath>

namespace xfa {

void jsonExpr(llvm::json::OStream &J, Expr E) {
  if (!E || !E.isKnown())
    return J.value(nullptr);
  if (std::optional<int64_t> C = E.constant())
    return J.value(*C);
  J.value(jsonSafe(toString(E, ExprStyle::Python)));
}

void jsonExpr(llvm::json::OStream &J, llvm::StringRef Key, Expr E) {
  J.attributeBegin(Key);
  jsonExpr(J, E);
  J.attributeEnd();
}

void jsonInteger(llvm::json::OStream &J, llvm::StringRef Key, __int128 Value) {
  J.attributeBegin(Key);
  J.rawValue(toString(Value, ExprStyle::Python));
  J.attributeEnd();
}

void jsonText(llvm::json::OStream &J, llvm::StringRef Key,
              llvm::StringRef Text) {
  if (Text.empty())
    J.attribute(Key, nullptr);
  else
    J.attribute(Key, jsonSafe(Text));
}

void jsonNumber(llvm::json::OStream &J, llvm::StringRef Key,
                std::optional<double> Value) {
  if (!Value || !std::isfinite(*Value))
    J.attribute(Key, nullptr);
  else
    J.attribute(Key, *Value);
}

std::string jsonSafe(llvm::StringRef Text) {
  return llvm::json::isUTF8(Text) ? Text.str() : llvm::json::fixUTF8(Text);
}

} // namespace xfa
