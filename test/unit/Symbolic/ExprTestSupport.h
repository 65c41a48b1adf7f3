//===- ExprTestSupport.h - short words for tests of Expr ------------------===//

#ifndef XFA_TEST_UNIT_SYMBOLIC_EXPRTESTSUPPORT_H
#define XFA_TEST_UNIT_SYMBOLIC_EXPRTESTSUPPORT_H

#include "xfa/Symbolic/Expr.h"

#include "gtest/gtest.h"

namespace xfa::test {

/// What an expression that must be readable reads as.
inline Expr read(ExprStore &Store, llvm::StringRef Text) {
  llvm::Expected<Expr> Result = Store.parse(Text);
  if (Result)
    return *Result;
  ADD_FAILURE() << Text.str() << ": " << llvm::toString(Result.takeError());
  return Store.constant(0);
}

/// The value at a point, or none where it has none.
inline std::optional<__int128> valueAt(Expr A, const Bindings &At) {
  llvm::Expected<__int128> Value = evaluate(A, At);
  if (Value)
    return *Value;
  llvm::consumeError(Value.takeError());
  return std::nullopt;
}

/// The sentence of a failure; empty if there was none.
template <typename T> std::string problemOf(llvm::Expected<T> Result) {
  return Result ? std::string() : llvm::toString(Result.takeError());
}

inline const char *word(Truth T) {
  return T == Truth::True ? "true" : T == Truth::False ? "false" : "unknown";
}

} // namespace xfa::test

#endif // XFA_TEST_UNIT_SYMBOLIC_EXPRTESTSUPPORT_H
