//===- Evaluate.cpp - values, substitution, and looking inside ------------===//

#include "ExprImpl.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

namespace {
/// Evaluates each floordiv, max and min once. The first problem ends it.
class Evaluator {
public:
  explicit Evaluator(const Bindings &At) : At(At) {}

  std::optional<Int128> valueOf(Expr A);
  std::string Problem;

private:
  std::optional<Int128> valueOf(const ExprAtom *Atom);
  std::optional<Int128> compute(const ExprAtom *Atom);
  std::optional<Int128> powerOf(Int128 Base, uint32_t Exponent);
  std::nullopt_t fail(std::string Sentence) {
    Problem = std::move(Sentence);
    return std::nullopt;
  }
  std::nullopt_t failOnOverflow() { return fail("the value leaves 128 bits"); }

  const Bindings &At;
  DenseMap<const ExprAtom *, Int128> Known;
};
} // namespace

std::optional<Int128> Evaluator::powerOf(Int128 Base, uint32_t Exponent) {
  Int128 Result = 1;
  while (true) {
    if ((Exponent & 1) && __builtin_mul_overflow(Result, Base, &Result))
      return failOnOverflow();
    Exponent >>= 1;
    if (Exponent == 0)
      return Result;
    if (__builtin_mul_overflow(Base, Base, &Base))
      return failOnOverflow();
  }
}

std::optional<Int128> Evaluator::compute(const ExprAtom *Atom) {
  SmallVector<Int128, 4> Values;
  for (Expr Operand : Atom->Operands) {
    std::optional<Int128> Value = valueOf(Operand);
    if (!Value)
      return std::nullopt;
    Values.push_back(*Value);
  }
  switch (Atom->Kind) {
  case AtomKind::Symbol: {
    auto Found = At.find(Atom->Name);
    if (Found == At.end())
      return fail("symbol '" + Atom->Name.str() + "' has no value");
    return Found->second;
  }
  case AtomKind::Unknown:
    return fail("unknown: " + Atom->Name.str());
  case AtomKind::FloorDiv:
    if (Values[1] == 0)
      return fail("division by zero in " +
                  toString(implOf(Atom->Operands[0]).atom(Atom)));
    if (Values[1] == -1) { // the only quotient that can overflow
      Int128 Result;
      if (__builtin_sub_overflow(Int128(0), Values[0], &Result))
        return failOnOverflow();
      return Result;
    }
    return floorQuotient(Values[0], Values[1]);
  case AtomKind::Max:
    return *std::max_element(Values.begin(), Values.end());
  case AtomKind::Min:
    return *std::min_element(Values.begin(), Values.end());
  }
  llvm_unreachable("every kind returns");
}

std::optional<Int128> Evaluator::valueOf(const ExprAtom *Atom) {
  if (Atom->Operands.empty())
    return compute(Atom);
  if (auto Found = Known.find(Atom); Found != Known.end())
    return Found->second;
  std::optional<Int128> Value = compute(Atom);
  if (Value)
    Known[Atom] = *Value;
  return Value;
}

std::optional<Int128> Evaluator::valueOf(Expr A) {
  Int128 Sum = 0;
  for (const Term &Each : A.node()->Terms) {
    Int128 Product = Each.Coefficient;
    for (const Factor &F : Each.Monomial->Factors) {
      std::optional<Int128> Base = valueOf(F.Atom);
      if (!Base)
        return std::nullopt;
      std::optional<Int128> Power =
          F.Exponent == 1 ? Base : powerOf(*Base, F.Exponent);
      if (!Power)
        return std::nullopt;
      if (__builtin_mul_overflow(Product, *Power, &Product))
        return failOnOverflow();
    }
    if (__builtin_add_overflow(Sum, Product, &Sum))
      return failOnOverflow();
  }
  return Sum;
}

Expected<Int128> xfa::evaluate(Expr A, const Bindings &At) {
  if (A.node()->IsConstant)
    return A.node()->Constant;
  Evaluator Run(At);
  if (std::optional<Int128> Value = Run.valueOf(A))
    return *Value;
  return createStringError(inconvertibleErrorCode(), Run.Problem);
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

namespace {
/// Builds an expression anew, in its store or another, from replaced atoms.
class Rewriter {
public:
  using LeafFn = function_ref<Expr(const ExprAtom *)>;
  Rewriter(ExprStore::Impl &To, LeafFn Leaf) : To(To), Leaf(Leaf) {}

  Expr rewrite(Expr A);

private:
  Expr rewrite(const ExprAtom *Atom);
  Expr compute(const ExprAtom *Atom);

  ExprStore::Impl &To;
  LeafFn Leaf;
  DenseMap<const ExprAtom *, Expr> Done;
};
} // namespace

Expr Rewriter::compute(const ExprAtom *Atom) {
  SmallVector<Expr, 4> Operands;
  for (Expr Each : Atom->Operands)
    Operands.push_back(rewrite(Each));
  switch (Atom->Kind) {
  case AtomKind::Symbol:
  case AtomKind::Unknown:
    return Leaf(Atom);
  case AtomKind::FloorDiv:
    return floorDiv(Operands[0], Operands[1]);
  case AtomKind::Max:
  case AtomKind::Min:
    return To.extremum(Atom->Kind == AtomKind::Max, Operands);
  }
  llvm_unreachable("every kind returns");
}

Expr Rewriter::rewrite(const ExprAtom *Atom) {
  if (auto Found = Done.find(Atom); Found != Done.end())
    return Found->second;
  Expr Result = compute(Atom);
  Done[Atom] = Result;
  return Result;
}

Expr Rewriter::rewrite(Expr A) {
  // Summed at once: a store keeps every partial sum.
  TermList Terms;
  for (const Term &Each : A.node()->Terms) {
    Expr Product = To.constant(Each.Coefficient);
    for (const Factor &F : Each.Monomial->Factors)
      Product *= pow(rewrite(F.Atom), F.Exponent);
    Terms.append(Product.node()->Terms.begin(), Product.node()->Terms.end());
  }
  return To.sum(Terms);
}

Expr xfa::substitute(Expr A, const Substitution &With) {
  ExprStore::Impl &Store = implOf(A);
  auto Leaf = [&](const ExprAtom *Atom) {
    if (Atom->Kind == AtomKind::Symbol)
      if (auto Found = With.find(Atom->Name); Found != With.end())
        return Found->second;
    return Store.atom(Atom);
  };
  return Rewriter(Store, Leaf).rewrite(A);
}

Expr xfa::transfer(Expr A, ExprStore &To) {
  if (&A.store() == &To)
    return A;
  auto Leaf = [&](const ExprAtom *Atom) {
    std::optional<int64_t> Low;
    if (Atom->Bounds.Low)
      Low = static_cast<int64_t>(*Atom->Bounds.Low);
    if (Atom->Kind == AtomKind::Symbol)
      return To.symbol(Atom->Name, Low.value_or(1));
    return To.unknown(Atom->Name, Low);
  };
  return Rewriter(To.impl(), Leaf).rewrite(A);
}

//===----------------------------------------------------------------------===//
// Looking inside
//===----------------------------------------------------------------------===//

static void collectSymbols(Expr A, DenseSet<const ExprAtom *> &Seen,
                           SmallVectorImpl<StringRef> &Names) {
  for (const Term &Each : A.node()->Terms)
    for (const Factor &F : Each.Monomial->Factors) {
      if (!Seen.insert(F.Atom).second)
        continue;
      if (F.Atom->Kind == AtomKind::Symbol)
        Names.push_back(F.Atom->Name);
      for (Expr Operand : F.Atom->Operands)
        collectSymbols(Operand, Seen, Names);
    }
}

SmallVector<StringRef, 4> xfa::symbols(Expr A) {
  DenseSet<const ExprAtom *> Seen;
  SmallVector<StringRef, 4> Names;
  collectSymbols(A, Seen, Names);
  llvm::sort(Names);
  return Names;
}

/// The exponent of a symbol in a monomial; none if it stands inside an atom.
static std::optional<unsigned> exponentIn(const ExprMonomial *Monomial,
                                          StringRef Symbol) {
  unsigned Exponent = 0;
  for (const Factor &F : Monomial->Factors) {
    if (F.Atom->Kind == AtomKind::Symbol && F.Atom->Name == Symbol)
      Exponent = F.Exponent;
    for (Expr Operand : F.Atom->Operands)
      if (is_contained(symbols(Operand), Symbol))
        return std::nullopt;
  }
  return Exponent;
}

std::optional<unsigned> xfa::degree(Expr A, StringRef Symbol) {
  unsigned Degree = 0;
  for (const Term &Each : A.node()->Terms) {
    std::optional<unsigned> Exponent = exponentIn(Each.Monomial, Symbol);
    if (!Exponent)
      return std::nullopt;
    Degree = std::max(Degree, *Exponent);
  }
  return Degree;
}

std::optional<Expr> xfa::coefficient(Expr A, StringRef Symbol, unsigned Power) {
  ExprStore::Impl &Store = implOf(A);
  TermList Chosen;
  for (const Term &Each : A.node()->Terms) {
    std::optional<unsigned> Exponent = exponentIn(Each.Monomial, Symbol);
    if (!Exponent)
      return std::nullopt;
    if (*Exponent != Power)
      continue;
    FactorList Others;
    for (const Factor &F : Each.Monomial->Factors)
      if (F.Atom->Kind != AtomKind::Symbol || F.Atom->Name != Symbol)
        Others.push_back(F);
    Chosen.push_back({Each.Coefficient, Store.monomial(Others)});
  }
  return Store.sum(Chosen);
}

SmallVector<ExprTerm, 4> xfa::terms(Expr A) {
  SmallVector<ExprTerm, 4> Result;
  for (const Term &Each : A.node()->Terms)
    Result.push_back({Each.Coefficient, implOf(A).term(1, Each.Monomial)});
  return Result;
}
