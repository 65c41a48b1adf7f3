//===- Store.cpp - uniqued atoms, monomials and polynomials ---------------===//

#include "ExprImpl.h"

#include <algorithm>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Symbols first, unknowns last.
static int rankOf(AtomKind Kind) { return static_cast<int>(Kind); }

int symbolic::compareAtoms(const ExprAtom *A, const ExprAtom *B) {
  if (A == B)
    return 0;
  if (A->Kind != B->Kind)
    return rankOf(A->Kind) - rankOf(B->Kind);
  if (A->Kind == AtomKind::Symbol)
    return A->Name.compare(B->Name);
  if (A->Kind == AtomKind::Unknown)
    return A->Id < B->Id ? -1 : 1;
  size_t Shared = std::min(A->Operands.size(), B->Operands.size());
  for (size_t I = 0; I != Shared; ++I)
    if (int Order = compareExprs(A->Operands[I], B->Operands[I]))
      return Order;
  return A->Operands.size() < B->Operands.size() ? -1 : 1;
}

int symbolic::compareMonomials(const ExprMonomial *A, const ExprMonomial *B) {
  if (A == B)
    return 0;
  if (A->Degree != B->Degree)
    return A->Degree < B->Degree ? -1 : 1;
  size_t Shared = std::min(A->Factors.size(), B->Factors.size());
  for (size_t I = 0; I != Shared; ++I)
    if (int Order = compareAtoms(A->Factors[I].Atom, B->Factors[I].Atom))
      return Order;
  if (A->Factors.size() != B->Factors.size())
    return A->Factors.size() < B->Factors.size() ? -1 : 1;
  for (size_t I = 0; I != Shared; ++I)
    if (A->Factors[I].Exponent != B->Factors[I].Exponent)
      return A->Factors[I].Exponent < B->Factors[I].Exponent ? -1 : 1;
  return 0;
}

int symbolic::compareExprs(Expr A, Expr B) {
  if (A == B)
    return 0;
  ArrayRef<Term> Left = A.node()->Terms, Right = B.node()->Terms;
  size_t Shared = std::min(Left.size(), Right.size());
  for (size_t I = 0; I != Shared; ++I) {
    if (int Order = compareMonomials(Left[I].Monomial, Right[I].Monomial))
      return Order;
    if (Left[I].Coefficient != Right[I].Coefficient)
      return Left[I].Coefficient < Right[I].Coefficient ? -1 : 1;
  }
  return Left.size() < Right.size() ? -1 : 1;
}

//===----------------------------------------------------------------------===//
// Monomials
//===----------------------------------------------------------------------===//

const ExprMonomial *ExprStore::Impl::monomial(ArrayRef<Factor> Sorted) {
  uint64_t Hash = 0;
  for (const Factor &Each : Sorted)
    Hash = mixHash(mixHash(Hash, Each.Atom->Id), Each.Exponent);
  auto IsSame = [&](const ExprMonomial &Other) {
    return std::equal(Sorted.begin(), Sorted.end(), Other.Factors.begin(),
                      Other.Factors.end(),
                      [](const Factor &A, const Factor &B) {
                        return A.Atom == B.Atom && A.Exponent == B.Exponent;
                      });
  };
  if (const ExprMonomial *Found = Monomials.find(Hash, IsSame))
    return Found;

  auto *New = new (Memory.Allocate<ExprMonomial>()) ExprMonomial();
  New->Hash = Hash;
  New->Id = NumMonomials++;
  New->Known = true;
  New->Factors = copy(Sorted);
  for (const Factor &Each : Sorted) {
    New->Degree += Each.Exponent;
    New->Size += Each.Atom->Size;
    New->Depth = std::max(New->Depth, Each.Atom->Depth);
    New->Known &= Each.Atom->Known;
  }
  Monomials.insert(New);
  return New;
}

const ExprMonomial *ExprStore::Impl::multiply(const ExprMonomial *A,
                                              const ExprMonomial *B) {
  if (A == Unit)
    return B;
  if (B == Unit)
    return A;
  if (A->Id > B->Id)
    std::swap(A, B);
  if (const ExprMonomial *Found = Products.find(A->Id, B->Id))
    return Found;
  FactorList Merged;
  const Factor *L = A->Factors.begin(), *R = B->Factors.begin();
  while (L != A->Factors.end() && R != B->Factors.end()) {
    int Order = compareAtoms(L->Atom, R->Atom);
    if (Order == 0) {
      Merged.push_back({L->Atom, L->Exponent + R->Exponent});
      ++L, ++R;
    } else {
      Merged.push_back(Order < 0 ? *L++ : *R++);
    }
  }
  Merged.append(L, A->Factors.end());
  Merged.append(R, B->Factors.end());
  const ExprMonomial *Result = monomial(Merged);
  Products.insert(A->Id, B->Id, Result);
  return Result;
}

const ExprMonomial *ExprStore::Impl::divide(const ExprMonomial *A,
                                            const ExprMonomial *B) {
  if (B == Unit)
    return A;
  FactorList Quotient;
  const Factor *R = B->Factors.begin(), *REnd = B->Factors.end();
  for (const Factor &L : A->Factors) {
    if (R == REnd || R->Atom != L.Atom) {
      Quotient.push_back(L);
      continue;
    }
    if (R->Exponent > L.Exponent)
      return nullptr;
    if (L.Exponent > R->Exponent)
      Quotient.push_back({L.Atom, L.Exponent - R->Exponent});
    ++R;
  }
  return R == REnd ? monomial(Quotient) : nullptr;
}

const ExprMonomial *ExprStore::Impl::common(const ExprMonomial *A,
                                            const ExprMonomial *B) {
  if (A == B)
    return A;
  FactorList Shared;
  for (const Factor &L : A->Factors)
    for (const Factor &R : B->Factors)
      if (L.Atom == R.Atom)
        Shared.push_back({L.Atom, std::min(L.Exponent, R.Exponent)});
  return monomial(Shared);
}

//===----------------------------------------------------------------------===//
// Polynomials
//===----------------------------------------------------------------------===//

Expr ExprStore::Impl::polynomial(ArrayRef<Term> Sorted) {
  uint64_t Hash = 0;
  for (const Term &Each : Sorted)
    Hash = mixHash(mixHash(Hash, Each.Monomial->Id),
                   static_cast<uint64_t>(Each.Coefficient));
  auto IsSame = [&](const ExprNode &Other) {
    return std::equal(Sorted.begin(), Sorted.end(), Other.Terms.begin(),
                      Other.Terms.end(), [](const Term &A, const Term &B) {
                        return A.Coefficient == B.Coefficient &&
                               A.Monomial == B.Monomial;
                      });
  };
  if (const ExprNode *Found = Nodes.find(Hash, IsSame))
    return Expr(Found);

  uint64_t Size = 0;
  uint32_t Depth = 0;
  bool Known = true;
  for (const Term &Each : Sorted) {
    Size += Each.Monomial->Size + 1;
    Depth = std::max(Depth, Each.Monomial->Depth);
    Known &= Each.Monomial->Known;
    if (Each.Monomial->Degree > MaxDegree)
      return overflow("the degree is too large");
  }
  if (Sorted.size() > MaxTerms || Size > MaxSize)
    return overflow("the expression is too large");

  auto *New = new (Memory.Allocate<ExprNode>()) ExprNode();
  New->Hash = Hash;
  New->Store = this;
  New->Terms = copy(Sorted);
  New->IsConstant =
      Sorted.empty() || (Sorted.size() == 1 && Sorted[0].Monomial == Unit);
  New->Constant = New->constantTerm();
  New->Id = NumNodes++;
  New->Size = static_cast<uint32_t>(Size);
  New->Depth = Depth;
  New->Known = Known;
  Nodes.insert(New);
  return Expr(New);
}

Expr ExprStore::Impl::sum(SmallVectorImpl<Term> &Terms) {
  llvm::sort(Terms, [](const Term &A, const Term &B) {
    return compareMonomials(A.Monomial, B.Monomial) < 0;
  });
  size_t Kept = 0;
  for (size_t I = 0; I != Terms.size();) {
    const ExprMonomial *Monomial = Terms[I].Monomial;
    Int128 Total = 0;
    for (; I != Terms.size() && Terms[I].Monomial == Monomial; ++I)
      Total += Terms[I].Coefficient;
    auto Coefficient = static_cast<int64_t>(Total);
    if (Coefficient != Total)
      return overflow("a coefficient leaves 64 bits");
    if (Coefficient != 0)
      Terms[Kept++] = {Coefficient, Monomial};
  }
  Terms.truncate(Kept);
  return polynomial(Terms);
}

Expr ExprStore::Impl::term(int64_t Coefficient, const ExprMonomial *Monomial) {
  if (Coefficient == 0)
    return zero();
  return polynomial(Term{Coefficient, Monomial});
}

Expr ExprStore::Impl::atom(const ExprAtom *Atom) {
  return term(1, monomial(Factor{Atom, 1}));
}

Expr ExprStore::Impl::constant(int64_t Value) {
  bool IsSmall = Value >= SmallLow && Value <= SmallHigh;
  if (IsSmall && Small[Value - SmallLow])
    return Expr(Small[Value - SmallLow]);
  Expr Result = Value == 0 ? polynomial({}) : polynomial(Term{Value, Unit});
  if (IsSmall)
    Small[Value - SmallLow] = Result.node();
  return Result;
}

//===----------------------------------------------------------------------===//
// Atoms
//===----------------------------------------------------------------------===//

Expr ExprStore::Impl::unknown(StringRef Reason,
                              std::optional<int64_t> LowerBound,
                              bool Overflow) {
  auto *New = new (Memory.Allocate<ExprAtom>()) ExprAtom();
  New->Kind = AtomKind::Unknown;
  New->Overflow = Overflow;
  New->Id = NumAtoms++;
  New->Size = 1;
  New->Name = Reasons.insert(Reason).first->getKey();
  if (LowerBound)
    New->Bounds.Low = *LowerBound;
  return atom(New);
}

Expr ExprStore::Impl::symbol(StringRef Name, int64_t LowerBound) {
  auto [Entry, IsNew] = Symbols.try_emplace(Name, nullptr);
  if (IsNew) {
    auto *New = new (Memory.Allocate<ExprAtom>()) ExprAtom();
    New->Kind = AtomKind::Symbol;
    New->Known = true;
    New->Id = NumAtoms++;
    New->Size = 1;
    New->Name = Entry->getKey();
    New->Bounds.Low = LowerBound;
    Entry->second = New;
  }
  return atom(Entry->second);
}

Expr ExprStore::Impl::composite(AtomKind Kind, ArrayRef<Expr> Operands,
                                Range Bounds) {
  uint64_t Hash = mixHash(1, static_cast<uint64_t>(Kind));
  for (Expr Operand : Operands)
    Hash = mixHash(Hash, Operand.node()->Id);
  auto IsSame = [&](const ExprAtom &Other) {
    return Other.Kind == Kind && Other.Operands == Operands;
  };
  if (const ExprAtom *Found = Atoms.find(Hash, IsSame))
    return atom(Found);

  uint64_t Size = 1;
  uint32_t Depth = 0;
  bool Known = true;
  for (Expr Operand : Operands) {
    Size += Operand.node()->Size;
    Depth = std::max(Depth, Operand.node()->Depth);
    Known &= Operand.node()->Known;
  }
  if (Size > MaxSize || Depth >= MaxDepth)
    return overflow("the expression is too large");

  auto *New = new (Memory.Allocate<ExprAtom>()) ExprAtom();
  New->Hash = Hash;
  New->Kind = Kind;
  New->Known = Known;
  New->Id = NumAtoms++;
  New->Size = static_cast<uint32_t>(Size);
  New->Depth = Depth + 1;
  New->Operands = copy(Operands);
  New->Bounds = Bounds;
  Atoms.insert(New);
  return atom(New);
}

ExprStore::Impl::Impl(ExprStore &Owner) : Owner(Owner) { Unit = monomial({}); }

//===----------------------------------------------------------------------===//
// ExprStore and Expr
//===----------------------------------------------------------------------===//

ExprStore::ExprStore() : TheImpl(std::make_unique<Impl>(*this)) {}
ExprStore::~ExprStore() = default;

Expr ExprStore::constant(int64_t Value) { return TheImpl->constant(Value); }

Expr ExprStore::symbol(StringRef Name, int64_t LowerBound) {
  return TheImpl->symbol(Name, LowerBound);
}

bool ExprStore::hasSymbol(StringRef Name) const {
  return TheImpl->Symbols.contains(Name);
}

Expr ExprStore::unknown(StringRef Reason, std::optional<int64_t> LowerBound) {
  return TheImpl->unknown(Reason, LowerBound, /*Overflow=*/false);
}

std::optional<int64_t> Expr::constant() const {
  if (Node->IsConstant)
    return Node->Constant;
  return std::nullopt;
}

bool Expr::isKnown() const { return Node->Known; }

/// The oldest unknown: it is the cause of those after it.
static const ExprAtom *oldestUnknown(Expr A) {
  const ExprAtom *Oldest = nullptr;
  if (A.isKnown())
    return nullptr;
  auto Consider = [&](const ExprAtom *Atom) {
    if (Atom && (!Oldest || Atom->Id < Oldest->Id))
      Oldest = Atom;
  };
  for (const Term &Each : A.node()->Terms)
    for (const Factor &F : Each.Monomial->Factors) {
      if (F.Atom->Kind == AtomKind::Unknown)
        Consider(F.Atom);
      for (Expr Operand : F.Atom->Operands)
        Consider(oldestUnknown(Operand));
    }
  return Oldest;
}

StringRef Expr::unknownReason() const {
  const ExprAtom *Oldest = oldestUnknown(*this);
  return Oldest ? Oldest->Name : StringRef();
}

const ExprAtom *symbolic::asAtom(Expr A) {
  ArrayRef<Term> Terms = A.node()->Terms;
  if (Terms.size() != 1 || Terms[0].Coefficient != 1 ||
      Terms[0].Monomial->Degree != 1)
    return nullptr;
  return Terms[0].Monomial->Factors[0].Atom;
}

bool symbolic::overflowed(Expr A) {
  const ExprAtom *Atom = asAtom(A);
  return Atom && Atom->Overflow;
}

std::optional<StringRef> Expr::asSymbol() const {
  const ExprAtom *Atom = asAtom(*this);
  if (!Atom || Atom->Kind != AtomKind::Symbol)
    return std::nullopt;
  return Atom->Name;
}

ExprStore &Expr::store() const { return Node->Store->Owner; }

Expr DenseMapInfo<Expr>::getEmptyKey() {
  return Expr(DenseMapInfo<const ExprNode *>::getEmptyKey());
}

Expr DenseMapInfo<Expr>::getTombstoneKey() {
  return Expr(DenseMapInfo<const ExprNode *>::getTombstoneKey());
}

/// By id, not by address: a map of expressions iterates alike in every run.
unsigned DenseMapInfo<Expr>::getHashValue(Expr E) {
  return E ? static_cast<unsigned>(mixHash(0, E.node()->Id)) : 0;
}
