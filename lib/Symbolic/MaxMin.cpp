//===- MaxMin.cpp - greatest and least of several expressions -------------===//
//
// The canonical form is r + g * max(x, y, ...): flat, operands in order,
// without those that another always reaches, without a common term or factor.
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

#include <numeric>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

using OperandList = SmallVector<Expr, 8>;

/// The only term of A with an atom of this kind, if it is k * atom with k > 0.
static const Term *soleExtremum(Expr A, AtomKind Kind) {
  const Term *Sole = nullptr;
  for (const Term &Each : A.node()->Terms)
    for (const Factor &F : Each.Monomial->Factors) {
      if (F.Atom->Kind != Kind)
        continue;
      if (Sole || Each.Coefficient < 0 || Each.Monomial->Degree != 1)
        return nullptr;
      Sole = &Each;
    }
  return Sole;
}

/// r + k*max(x, y) among the operands of max counts as r + k*x, r + k*y.
static OperandList flatten(ArrayRef<Expr> Operands, AtomKind Kind) {
  OperandList Flat;
  for (Expr Operand : Operands) {
    const Term *Nested = soleExtremum(Operand, Kind);
    const ExprAtom *Atom = Nested ? Nested->Monomial->Factors[0].Atom : nullptr;
    if (!Atom ||
        Flat.size() + Atom->Operands.size() > ExprStore::Impl::MaxOperands) {
      Flat.push_back(Operand);
      continue;
    }
    ExprStore::Impl &Store = implOf(Operand);
    Expr Rest = Operand - Store.term(Nested->Coefficient, Nested->Monomial);
    OperandList Parts;
    for (Expr Each : Atom->Operands)
      Parts.push_back(Rest + Each * Nested->Coefficient);
    if (llvm::any_of(Parts, overflowed))
      Flat.push_back(Operand);
    else
      Flat.append(Parts);
  }
  return Flat;
}

/// Sorts, and drops every operand that another one always reaches.
static void dropDominated(OperandList &Operands, bool IsMax) {
  llvm::sort(Operands, [](Expr A, Expr B) { return compareExprs(A, B) < 0; });
  Operands.erase(std::unique(Operands.begin(), Operands.end()), Operands.end());
  if (Operands.size() > ExprStore::Impl::MaxOperands)
    return; // pairs would cost too much
  for (size_t I = 0; I < Operands.size();) {
    bool Dominated = false;
    for (size_t J = 0; J != Operands.size() && !Dominated; ++J)
      Dominated = J != I &&
                  (IsMax ? lessEqual(Operands[I], Operands[J])
                         : lessEqual(Operands[J], Operands[I])) == Truth::True;
    if (Dominated)
      Operands.erase(Operands.begin() + I);
    else
      ++I;
  }
}

/// The sum of the terms that all operands share.
static Expr commonTerms(ArrayRef<Expr> Operands) {
  TermList Shared(Operands[0].node()->Terms);
  for (Expr Operand : Operands.drop_front())
    llvm::erase_if(Shared, [&](const Term &Each) {
      return llvm::none_of(Operand.node()->Terms, [&](const Term &Other) {
        return Other.Monomial == Each.Monomial &&
               Other.Coefficient == Each.Coefficient;
      });
    });
  return implOf(Operands[0]).polynomial(Shared);
}

Expr ExprStore::Impl::extremum(bool IsMax, ArrayRef<Expr> Given) {
  AtomKind Kind = IsMax ? AtomKind::Max : AtomKind::Min;
  OperandList Operands = flatten(Given, Kind);
  dropDominated(Operands, IsMax);
  if (Operands.size() == 1)
    return Operands[0];

  Expr Shared = commonTerms(Operands);
  if (!Shared.is(0)) {
    for (Expr &Operand : Operands)
      Operand -= Shared;
    return Shared + extremum(IsMax, Operands);
  }
  uint64_t Number = 0;
  for (Expr Operand : Operands)
    Number = std::gcd(Number, content(Operand));
  if (Number > 1 && Number <= INT64_MAX) {
    auto By = static_cast<int64_t>(Number);
    for (Expr &Operand : Operands)
      Operand = divideCoefficients(Operand, By);
    return extremum(IsMax, Operands) * By;
  }
  return composite(Kind, Operands, extremumRange(IsMax, Operands));
}

static Expr extremumOf(bool IsMax, Expr A, Expr B) {
  ExprStore::Impl &Store = implOf(A);
  const ExprNode *L = A.node(), *R = B.node();
  if (A == B)
    return A;
  if (L->IsConstant && R->IsConstant)
    return (L->Constant < R->Constant) == IsMax ? B : A;
  if (L->Id > R->Id)
    std::swap(A, B);
  return Store.memoised(IsMax ? ExprStore::Impl::Max : ExprStore::Impl::Min, A,
                        B, [&] { return Store.extremum(IsMax, {A, B}); });
}

Expr xfa::max(Expr A, Expr B) { return extremumOf(true, A, B); }
Expr xfa::min(Expr A, Expr B) { return extremumOf(false, A, B); }
