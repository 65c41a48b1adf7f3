//===- Arithmetic.cpp - sums, products, powers ----------------------------===//

#include "ExprImpl.h"

#include <cassert>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

static constexpr const char *CoefficientOverflow =
    "a coefficient leaves 64 bits";

static void assertSameStore([[maybe_unused]] Expr A, [[maybe_unused]] Expr B) {
  assert(A && B && "an operand is no expression");
  assert(A.node()->Store == B.node()->Store && "operands of two stores");
}

Expr ExprStore::Impl::addTerms(Expr A, Expr B, bool Subtract) {
  ArrayRef<Term> Left = A.node()->Terms, Right = B.node()->Terms;
  TermList Merged;
  Merged.reserve(Left.size() + Right.size());
  const Term *L = Left.begin(), *R = Right.begin();
  while (L != Left.end() || R != Right.end()) {
    int Order = L == Left.end()    ? 1
                : R == Right.end() ? -1
                                   : compareMonomials(L->Monomial, R->Monomial);
    if (Order < 0) {
      Merged.push_back(*L++);
      continue;
    }
    int64_t Coefficient = Order == 0 ? L->Coefficient : 0;
    bool Overflow =
        Subtract
            ? __builtin_sub_overflow(Coefficient, R->Coefficient, &Coefficient)
            : __builtin_add_overflow(Coefficient, R->Coefficient, &Coefficient);
    if (Overflow)
      return overflow(CoefficientOverflow);
    if (Coefficient != 0)
      Merged.push_back({Coefficient, R->Monomial});
    ++R;
    L += Order == 0;
  }
  return polynomial(Merged);
}

Expr ExprStore::Impl::scale(Expr A, int64_t By) {
  if (By == 0)
    return zero();
  TermList Scaled(A.node()->Terms);
  for (Term &Each : Scaled)
    if (__builtin_mul_overflow(Each.Coefficient, By, &Each.Coefficient))
      return overflow(CoefficientOverflow);
  return polynomial(Scaled);
}

Expr ExprStore::Impl::mulTerms(Expr A, Expr B) {
  if (A.node()->IsConstant)
    return scale(B, A.node()->Constant);
  if (B.node()->IsConstant)
    return scale(A, B.node()->Constant);
  ArrayRef<Term> Left = A.node()->Terms, Right = B.node()->Terms;
  if (uint64_t(Left.size()) * Right.size() > MaxProducts)
    return overflow("the expression is too large");
  // Degrees add up: checked here, before exponents could wrap.
  if (Left.back().Monomial->Degree + Right.back().Monomial->Degree > MaxDegree)
    return overflow("the degree is too large");
  TermList Products;
  Products.reserve(Left.size() * Right.size());
  for (const Term &L : Left)
    for (const Term &R : Right) {
      int64_t Coefficient;
      if (__builtin_mul_overflow(L.Coefficient, R.Coefficient, &Coefficient))
        return overflow(CoefficientOverflow);
      Products.push_back({Coefficient, multiply(L.Monomial, R.Monomial)});
    }
  return sum(Products);
}

Expr xfa::operator+(Expr A, Expr B) {
  assertSameStore(A, B);
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (L->IsConstant && L->Constant == 0)
    return B;
  if (R->IsConstant && R->Constant == 0)
    return A;
  int64_t Folded;
  if (L->IsConstant && R->IsConstant &&
      !__builtin_add_overflow(L->Constant, R->Constant, &Folded))
    return Store.constant(Folded);
  if (L->Id > R->Id)
    std::swap(A, B);
  return Store.memoised(ExprStore::Impl::Add, A, B,
                        [&] { return Store.addTerms(A, B, false); });
}

Expr xfa::operator-(Expr A, Expr B) {
  assertSameStore(A, B);
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (R->IsConstant && R->Constant == 0)
    return A;
  if (A == B)
    return Store.zero();
  int64_t Folded;
  if (L->IsConstant && R->IsConstant &&
      !__builtin_sub_overflow(L->Constant, R->Constant, &Folded))
    return Store.constant(Folded);
  return Store.memoised(ExprStore::Impl::Sub, A, B,
                        [&] { return Store.addTerms(A, B, true); });
}

Expr xfa::operator*(Expr A, Expr B) {
  assertSameStore(A, B);
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (L->IsConstant && (L->Constant == 0 || L->Constant == 1))
    return L->Constant == 0 ? A : B;
  if (R->IsConstant && (R->Constant == 0 || R->Constant == 1))
    return R->Constant == 0 ? B : A;
  int64_t Folded;
  if (L->IsConstant && R->IsConstant &&
      !__builtin_mul_overflow(L->Constant, R->Constant, &Folded))
    return Store.constant(Folded);
  if (L->Id > R->Id)
    std::swap(A, B);
  return Store.memoised(ExprStore::Impl::Mul, A, B,
                        [&] { return Store.mulTerms(A, B); });
}

Expr xfa::operator-(Expr A) { return implOf(A).zero() - A; }
Expr xfa::operator+(Expr A, int64_t B) { return A + implOf(A).constant(B); }
Expr xfa::operator-(Expr A, int64_t B) { return A - implOf(A).constant(B); }
Expr xfa::operator*(Expr A, int64_t B) { return A * implOf(A).constant(B); }
Expr xfa::operator+(int64_t A, Expr B) { return implOf(B).constant(A) + B; }
Expr xfa::operator-(int64_t A, Expr B) { return implOf(B).constant(A) - B; }
Expr xfa::operator*(int64_t A, Expr B) { return implOf(B).constant(A) * B; }

Expr xfa::pow(Expr A, unsigned Exponent) {
  Expr Result = implOf(A).constant(1);
  while (true) {
    if (Exponent & 1)
      Result *= A;
    Exponent >>= 1;
    if (Exponent == 0)
      return Result;
    A *= A;
  }
}

bool xfa::leaves64Bits(Expr A) {
  return overflowed(A) && A.unknownReason() == CoefficientOverflow;
}

Expr xfa::product(ExprStore &Store, ArrayRef<Expr> Factors) {
  Expr Result = Store.constant(1);
  for (Expr Each : Factors)
    Result *= Each;
  return Result;
}
