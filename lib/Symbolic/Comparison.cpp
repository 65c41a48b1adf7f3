//===- Comparison.cpp - less, lessEqual, equal ----------------------------===//
//
// A comparison is a question about how low the difference can get (Bounds.cpp).
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

using namespace xfa;
using namespace xfa::symbolic;

static bool isAtLeast(Expr A, int64_t Value) {
  std::optional<int64_t> Low = lowerBound(A);
  return Low && *Low >= Value;
}

Truth xfa::lessEqual(Expr A, Expr B) {
  if (A == B)
    return Truth::True;
  if (A.isConstant() && B.isConstant())
    return *A.constant() <= *B.constant() ? Truth::True : Truth::False;
  if (isAtLeast(B - A, 0))
    return Truth::True;
  return isAtLeast(A - B, 1) ? Truth::False : Truth::Unknown;
}

Truth xfa::less(Expr A, Expr B) {
  switch (lessEqual(B, A)) {
  case Truth::True:
    return Truth::False;
  case Truth::False:
    return Truth::True;
  case Truth::Unknown:
    break;
  }
  return Truth::Unknown;
}

Truth xfa::equal(Expr A, Expr B) {
  if (A == B)
    return Truth::True;
  if (A.isConstant() && B.isConstant())
    return Truth::False;
  Expr Difference = A - B, Opposite = B - A;
  if (isAtLeast(Difference, 1) || isAtLeast(Opposite, 1))
    return Truth::False;
  if (isAtLeast(Difference, 0) && isAtLeast(Opposite, 0))
    return Truth::True;
  // 2*x + 1 is never zero.
  int64_t Constant = Difference.node()->constantTerm();
  uint64_t Number = content(Difference - Constant);
  if (Number > 1 && Number <= INT64_MAX &&
      Constant % static_cast<int64_t>(Number) != 0)
    return Truth::False;
  return Truth::Unknown;
}
