//===- FloorDiv.cpp - floor division and what follows from it -------------===//
//
// Each rule below rewrites A // B to Q + A' // B' with the same value wherever
// A // B is defined, and A', B' smaller in some sense. An atom is made only
// when no rule fires: so the operands of an atom are a fixpoint, and reading
// back the printed text gives the same atom.
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

#include <numeric>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

/// The sign that decides whether A // B or (-A) // (-B) is the canonical form.
static bool leadsNegative(Expr A) {
  ArrayRef<Term> Terms = A.node()->nonConstantTerms();
  return (Terms.empty() ? A.node()->Terms : Terms).front().Coefficient < 0;
}

/// (g*A) // (g*B) = A // B, for a number or a monomial g.
static std::optional<Expr> cancelCommonFactor(Expr A, Expr B) {
  ExprStore::Impl &Store = implOf(A);
  uint64_t Number = std::gcd(content(A), content(B));
  const ExprMonomial *Power = A.node()->Terms[0].Monomial;
  for (const Term &Each : A.node()->Terms)
    Power = Store.common(Power, Each.Monomial);
  for (const Term &Each : B.node()->Terms)
    Power = Store.common(Power, Each.Monomial);
  if ((Number <= 1 || Number > INT64_MAX) && Power->Degree == 0)
    return std::nullopt;
  if (Number > INT64_MAX)
    Number = 1;
  auto Cancel = [&](Expr From) {
    TermList Terms(From.node()->Terms);
    for (Term &Each : Terms)
      Each = {Each.Coefficient / static_cast<int64_t>(Number),
              Store.divide(Each.Monomial, Power)};
    return Store.sum(Terms);
  };
  return floorDiv(Cancel(A), Cancel(B));
}

/// A = Q*B + R with as much in Q as comes out term by term. For a number B the
/// constant term of R lies in [0, B), its other coefficients in (-B, B).
static Division pullOut(Expr A, const Term &B) {
  ExprStore::Impl &Store = implOf(A);
  TermList Quotient, Remainder;
  for (const Term &Each : A.node()->Terms) {
    const ExprMonomial *Power = Store.divide(Each.Monomial, B.Monomial);
    Int128 Ratio = 0; // floor(c / b) * b may leave 64 bits
    if (Power)
      Ratio = Each.Monomial->Degree == 0
                  ? floorQuotient(Each.Coefficient, B.Coefficient)
                  : Each.Coefficient / B.Coefficient;
    if (Ratio != 0)
      Quotient.push_back({static_cast<int64_t>(Ratio), Power});
    if (Int128 Left = Each.Coefficient - Ratio * B.Coefficient; Left != 0)
      Remainder.push_back({static_cast<int64_t>(Left), Each.Monomial});
  }
  // Dividing by a monomial may reorder terms.
  return {Store.sum(Quotient), Store.sum(Remainder)};
}

/// (Q*B + R) // B = Q + R // B.
static std::optional<Expr> pullOutMultiples(Expr A, Expr B) {
  ArrayRef<Term> Divisor = B.node()->Terms;
  if (Divisor.size() == 1) {
    Division Parts = pullOut(A, Divisor[0]);
    if (Parts.Quotient.is(0))
      return std::nullopt;
    return Parts.Quotient + floorDiv(Parts.Remainder, B);
  }
  // With several terms in B a step may make as much as it removes; only what
  // gets shorter is simpler.
  std::optional<Division> Parts = divideWithRemainder(A, B, /*Exact=*/false);
  if (!Parts || Parts->Quotient.is(0) ||
      Parts->Remainder.node()->Terms.size() >= A.node()->Terms.size())
    return std::nullopt;
  return Parts->Quotient + floorDiv(Parts->Remainder, B);
}

/// (g*X + k) // (g*c) = (X + k // g) // c for numbers g, c, k.
static std::optional<Expr> dropBelowContent(Expr A, int64_t B) {
  ExprStore::Impl &Store = implOf(A);
  int64_t Constant = A.node()->constantTerm();
  Expr Varying = A - Constant;
  auto Number = static_cast<int64_t>(std::gcd(content(Varying), uint64_t(B)));
  if (Number <= 1)
    return std::nullopt;
  int64_t Floor = static_cast<int64_t>(floorQuotient(Constant, Number));
  return floorDiv(divideCoefficients(Varying, Number) + Floor,
                  Store.constant(B / Number));
}

/// (a // b + r) // c = (a + r*b) // (b*c) for positive b, c.
static std::optional<Expr> mergeNested(Expr A, Expr B) {
  ExprStore::Impl &Store = implOf(A);
  const ExprAtom *Inner = nullptr;
  for (const Term &Each : A.node()->Terms)
    for (const Factor &F : Each.Monomial->Factors) {
      if (F.Atom->Kind != AtomKind::FloorDiv)
        continue;
      if (Inner || Each.Coefficient != 1 || Each.Monomial->Degree != 1)
        return std::nullopt;
      Inner = F.Atom;
    }
  if (!Inner)
    return std::nullopt;
  auto IsPositive = [](Expr E) { return lowerBound(E).value_or(0) >= 1; };
  Expr InnerBy = Inner->Operands[1];
  Expr Rest = A - Store.atom(Inner);
  // A sum of many terms times a symbolic divisor reads worse than the nest.
  if (!InnerBy.isConstant() && !Rest.isConstant())
    return std::nullopt;
  if (!IsPositive(InnerBy) || !IsPositive(B))
    return std::nullopt;
  Expr Numerator = Inner->Operands[0] + Rest * InnerBy;
  Expr Denominator = InnerBy * B;
  if (overflowed(Numerator) || overflowed(Denominator) ||
      overflowed(Rest * InnerBy))
    return std::nullopt;
  return floorDiv(Numerator, Denominator);
}

/// 0 where 0 <= A < B, -1 where -B <= A < 0, and any other quotient that the
/// bounds leave no choice about.
static std::optional<Expr> quotientFromBounds(Expr A, Expr B,
                                              const Range &Bounds) {
  ExprStore::Impl &Store = implOf(A);
  if (Bounds.Low && Bounds.High && *Bounds.Low == *Bounds.High &&
      *Bounds.Low >= INT64_MIN && *Bounds.Low <= INT64_MAX)
    return Store.constant(static_cast<int64_t>(*Bounds.Low));
  if (B.isConstant() || lowerBound(B).value_or(0) < 1)
    return std::nullopt;
  if (lowerBound(A).value_or(-1) >= 0 && less(A, B) == Truth::True)
    return Store.zero();
  if (upperBound(A).value_or(0) < 0 &&
      lessEqual(Store.zero() - B, A) == Truth::True)
    return Store.constant(-1);
  return std::nullopt;
}

Expr ExprStore::Impl::simplifyFloorDiv(Expr A, Expr B) {
  if (B.is(0))
    return unknown("division by zero", std::nullopt, /*Overflow=*/false);
  if (A.is(0) || B.is(1))
    return A;
  if (A == B)
    return constant(1);
  if (leadsNegative(B)) {
    Expr MinusA = -A, MinusB = -B;
    if (!overflowed(MinusA) && !overflowed(MinusB))
      return floorDiv(MinusA, MinusB);
    if (A.isConstant() && B.isConstant()) {
      Int128 Quotient = floorQuotient(*A.constant(), *B.constant());
      if (Quotient > INT64_MAX)
        return overflow("a coefficient leaves 64 bits");
      return constant(static_cast<int64_t>(Quotient));
    }
    return composite(AtomKind::FloorDiv, {A, B}, Range());
  }
  if (std::optional<Expr> Result = cancelCommonFactor(A, B))
    return *Result;
  if (std::optional<Expr> Result = pullOutMultiples(A, B))
    return *Result;
  if (std::optional<int64_t> By = B.constant()) {
    if (std::optional<Expr> Result = dropBelowContent(A, *By))
      return *Result;
    if (leadsNegative(A)) { // -(X // c), the ceiling, has one form
      Expr Flipped = (*By - 1) - A;
      if (!overflowed(Flipped))
        return -floorDiv(Flipped, B);
    }
  }
  if (std::optional<Expr> Result = mergeNested(A, B))
    return *Result;
  Range Bounds = floorDivRange(A, B);
  if (std::optional<Expr> Result = quotientFromBounds(A, B, Bounds))
    return *Result;
  return composite(AtomKind::FloorDiv, {A, B}, Bounds);
}

Expr xfa::floorDiv(Expr A, Expr B) {
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (R->IsConstant && R->Constant > 0) {
    if (R->Constant == 1)
      return A;
    if (L->IsConstant)
      return Store.constant(
          static_cast<int64_t>(floorQuotient(L->Constant, R->Constant)));
  }
  return Store.memoised(ExprStore::Impl::FloorDiv, A, B,
                        [&] { return Store.simplifyFloorDiv(A, B); });
}

Expr xfa::floorDiv(Expr A, int64_t B) {
  return floorDiv(A, implOf(A).constant(B));
}

Expr xfa::ceilDiv(Expr A, Expr B) {
  if (lowerBound(B).value_or(0) >= 1) {
    Expr Raised = A + (B - 1);
    if (!overflowed(Raised))
      return floorDiv(Raised, B);
  }
  return -floorDiv(-A, B);
}

Expr xfa::ceilDiv(Expr A, int64_t B) {
  return ceilDiv(A, implOf(A).constant(B));
}

Expr xfa::mod(Expr A, Expr B) { return A - B * floorDiv(A, B); }
