//===- PolynomialDivision.cpp - division in many variables ----------------===//
//
// Atoms are variables here: what a floordiv stands for does not matter.
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

#include <map>
#include <numeric>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

static uint64_t magnitude(int64_t Value) {
  return Value < 0 ? -static_cast<uint64_t>(Value)
                   : static_cast<uint64_t>(Value);
}

uint64_t symbolic::content(Expr A) {
  uint64_t Divisor = 0;
  for (const Term &Each : A.node()->Terms) {
    Divisor = std::gcd(Divisor, magnitude(Each.Coefficient));
    if (Divisor == 1)
      break;
  }
  return Divisor;
}

Expr symbolic::divideCoefficients(Expr A, int64_t By) {
  TermList Divided(A.node()->Terms);
  for (Term &Each : Divided)
    Each.Coefficient /= By;
  return implOf(A).polynomial(Divided);
}

/// Graded lexicographic, earlier atoms weigh more. Unlike the printing order it
/// is kept by multiplication, which is what makes division terminate.
static bool gradedLess(const ExprMonomial *A, const ExprMonomial *B) {
  if (A == B)
    return false;
  if (A->Degree != B->Degree)
    return A->Degree < B->Degree;
  const Factor *L = A->Factors.begin(), *R = B->Factors.begin();
  while (L != A->Factors.end() && R != B->Factors.end()) {
    if (int Order = compareAtoms(L->Atom, R->Atom))
      return Order > 0;
    if (L->Exponent != R->Exponent)
      return L->Exponent < R->Exponent;
    ++L, ++R;
  }
  return false; // the degrees agree, so both end here
}

namespace {
struct GradedGreater {
  bool operator()(const ExprMonomial *A, const ExprMonomial *B) const {
    return gradedLess(B, A);
  }
};
} // namespace

std::optional<Division> symbolic::divideWithRemainder(Expr A, Expr B,
                                                      bool Exact) {
  constexpr size_t MaxWork = 1u << 17;
  ExprStore::Impl &Store = implOf(A);
  ArrayRef<Term> Divisor = B.node()->Terms;
  Term Lead = Divisor[0];
  for (const Term &Each : Divisor)
    if (gradedLess(Lead.Monomial, Each.Monomial))
      Lead = Each;

  std::map<const ExprMonomial *, int64_t, GradedGreater> Rest;
  for (const Term &Each : A.node()->Terms)
    Rest.emplace(Each.Monomial, Each.Coefficient);

  TermList Quotient, Remainder;
  size_t Work = 0;
  while (!Rest.empty()) {
    auto [Monomial, Coefficient] = *Rest.begin();
    if (Lead.Coefficient == -1 && Coefficient == INT64_MIN)
      return std::nullopt;
    int64_t Ratio = Coefficient / Lead.Coefficient;
    const ExprMonomial *Power = Store.divide(Monomial, Lead.Monomial);
    bool Divides = Power && Ratio * Lead.Coefficient == Coefficient;
    if (Exact && !Divides)
      return std::nullopt;
    if (!Power || Ratio == 0) {
      Remainder.push_back({Coefficient, Monomial});
      Rest.erase(Rest.begin());
      continue;
    }
    Quotient.push_back({Ratio, Power});
    for (const Term &Each : Divisor) {
      int64_t Amount;
      if (++Work > MaxWork ||
          __builtin_mul_overflow(Ratio, Each.Coefficient, &Amount))
        return std::nullopt;
      auto [Entry, IsNew] =
          Rest.try_emplace(Store.multiply(Power, Each.Monomial), 0);
      if (__builtin_sub_overflow(Entry->second, Amount, &Entry->second))
        return std::nullopt;
      if (Entry->second == 0)
        Rest.erase(Entry);
    }
    if (!Divides) { // what is left of this coefficient stays
      Remainder.push_back({Coefficient - Ratio * Lead.Coefficient, Monomial});
      Rest.erase(Monomial);
    }
  }
  Division Result{Store.sum(Quotient), Store.sum(Remainder)};
  if (overflowed(Result.Quotient) || overflowed(Result.Remainder))
    return std::nullopt;
  return Result;
}

static std::optional<Expr> computeExactDiv(Expr A, Expr B) {
  if (B.is(0))
    return std::nullopt;
  if (A == B)
    return implOf(A).constant(1);
  if (std::optional<Division> Result =
          divideWithRemainder(A, B, /*Exact=*/true))
    return Result->Quotient;
  return std::nullopt;
}

std::optional<Expr> xfa::tryExactDiv(Expr A, Expr B) {
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (R->IsConstant && R->Constant == 1)
    return A;
  if (L->IsConstant && R->IsConstant && R->Constant > 0) {
    if (L->Constant % R->Constant != 0)
      return std::nullopt;
    return Store.constant(L->Constant / R->Constant);
  }
  // That there is no quotient is worth remembering too: as this node, which is
  // no expression of any store.
  static const ExprNode NoQuotient{};
  Expr Result = Store.memoised(ExprStore::Impl::ExactDiv, A, B, [&] {
    return computeExactDiv(A, B).value_or(ExprStore::Impl::wrap(&NoQuotient));
  });
  if (Result.node() == &NoQuotient)
    return std::nullopt;
  return Result;
}

Expr xfa::exactDiv(Expr A, Expr B) {
  if (std::optional<Expr> Quotient = tryExactDiv(A, B))
    return *Quotient;
  return floorDiv(A, B);
}
