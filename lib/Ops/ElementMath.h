//===- ElementMath.h - arithmetic on single known elements ----------------===//
//
// What one element of a result is, given one element of each operand, in the
// arithmetic of the result's element type. The answer is either what every
// runtime computes, or unknown.
//
// Integers are expressions. A constant that leaves its type's range would wrap
// and is unknown; symbolic values are taken to fit 32 bits and more, and are
// unknown in narrower types.
//
// Floats are numbers, rounded to their type after each operation, or exact
// ratios of an expression (`shape * 0.5`). A ratio is exact as long as its
// numerator fits the type's significand (2**24 for fp32), which sizes do. It is
// rounded once when its denominator is not a power of two; then floor, ceil and
// truncation of it are still right (it is at least 1/d away from the next
// integer, more than the rounding error), and nothing else is asked of it.
// Transcendental functions are not evaluated: runtimes differ in the last bit,
// and a later floor would show it.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_OPS_ELEMENTMATH_H
#define XFA_OPS_ELEMENTMATH_H

#include "xfa/Ops/Facts.h"

namespace xfa {

class ElementMath {
public:
  ElementMath(ExprStore &Store, ElemType Type) : Store(Store), Type(Type) {}

  Element add(Element A, Element B) const;
  Element sub(Element A, Element B) const;
  Element mul(Element A, Element B) const;
  /// Integers: truncates toward zero.
  Element div(Element A, Element B) const;
  /// Integers: the sign of the divisor; with Fmod, of the dividend.
  Element mod(Element A, Element B, bool Fmod) const;
  Element pow(Element A, Element B) const;
  Element max(Element A, Element B) const;
  Element min(Element A, Element B) const;

  Element neg(Element A) const;
  Element abs(Element A) const;
  Element sign(Element A) const;
  Element sqrt(Element A) const;
  Element floor(Element A) const;
  Element ceil(Element A) const;
  /// Half to even.
  Element round(Element A) const;
  Element shiftLeft(Element A, Element B) const;
  Element shiftRight(Element A, Element B) const;

  /// A as an element of this type (Cast without saturation).
  Element cast(Element A) const;
  /// Zero of this type, unknown where the type has none.
  Element zero() const;
  /// An integer of this type; unknown if it might not fit.
  Element integer(Expr E) const;
  /// A float of this type, rounded to it.
  Element number(double D) const;

private:
  Element ratio(Expr Num, int64_t Den) const;
  ExprStore &Store;
  ElemType Type;
};

/// Comparison of two elements of one type.
Truth elementLess(Element A, Element B);
Truth elementLessEqual(Element A, Element B);
Truth elementEqual(Element A, Element B);

inline Truth truthNot(Truth A) {
  return A == Truth::Unknown ? A
         : A == Truth::True  ? Truth::False
                             : Truth::True;
}
inline Truth truthAnd(Truth A, Truth B) {
  if (A == Truth::False || B == Truth::False)
    return Truth::False;
  return A == Truth::True && B == Truth::True ? Truth::True : Truth::Unknown;
}
inline Truth truthOr(Truth A, Truth B) {
  return truthNot(truthAnd(truthNot(A), truthNot(B)));
}

} // namespace xfa

#endif // XFA_OPS_ELEMENTMATH_H
