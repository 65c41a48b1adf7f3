//===- Bounds.cpp - bounds that hold for every binding --------------------===//
//
// One question answers all: how low can P get? A < B asks it of B - A. Three
// means, each sound by itself, the best result counts:
//   - intervals of atoms, term by term;
//   - the same after x = low + x' for every atom x with a lower bound, so that
//     N*P - N with N, P >= 1 becomes p + n*p with n, p >= 0;
//   - one floordiv, max or min less: b*(a//b) <= a <= b*(a//b) + b - 1, and
//     max(x, y) is x or y and no less than either.
// The last recurses, so each question has a budget.
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

#include <algorithm>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

using Bound = std::optional<Int128>;

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

static Bound checkedMul(Int128 A, Int128 B) {
  Int128 Result;
  if (__builtin_mul_overflow(A, B, &Result))
    return std::nullopt;
  return Result;
}

static Bound checkedAdd(const Bound &A, const Bound &B) {
  Int128 Result;
  if (!A || !B || __builtin_add_overflow(*A, *B, &Result))
    return std::nullopt;
  return Result;
}

static bool isNonNegative(const Range &R) { return R.Low && *R.Low >= 0; }

static Bound checkedNegate(const Bound &A) {
  Int128 Result;
  if (!A || __builtin_sub_overflow(Int128(0), *A, &Result))
    return std::nullopt;
  return Result;
}

static Range negate(const Range &R) {
  return {checkedNegate(R.High), checkedNegate(R.Low)};
}

/// A number that leaves 128 bits counts as no bound.
static Range multiply(const Range &A, const Range &B) {
  if (isNonNegative(A) && isNonNegative(B)) {
    Range Result;
    Result.Low = checkedMul(*A.Low, *B.Low).value_or(0);
    if ((A.High && *A.High == 0) || (B.High && *B.High == 0))
      Result.High = 0;
    else if (A.High && B.High)
      Result.High = checkedMul(*A.High, *B.High);
    return Result;
  }
  if (A.High && *A.High <= 0)
    return negate(multiply(negate(A), B));
  if (B.High && *B.High <= 0)
    return negate(multiply(A, negate(B)));
  if (isNonNegative(B))
    return multiply(B, A);
  if (isNonNegative(A)) { // B reaches to both sides of zero
    Range Result;
    if (A.High && B.Low)
      Result.Low = checkedMul(*A.High, *B.Low);
    if (A.High && B.High)
      Result.High = checkedMul(*A.High, *B.High);
    return Result;
  }
  if (!A.Low || !A.High || !B.Low || !B.High)
    return {};
  Bound Corners[] = {checkedMul(*A.Low, *B.Low), checkedMul(*A.Low, *B.High),
                     checkedMul(*A.High, *B.Low), checkedMul(*A.High, *B.High)};
  for (const Bound &Each : Corners)
    if (!Each)
      return {};
  auto [Low, High] =
      std::minmax_element(std::begin(Corners), std::end(Corners));
  return {*Low, *High};
}

static Range power(const Range &Base, uint32_t Exponent) {
  // Beyond this only 0, 1 and the sign matter, and 0 <= x is enough of that.
  constexpr uint32_t MaxExponent = 64;
  if (Exponent > MaxExponent)
    return isNonNegative(Base) || Exponent % 2 == 0 ? Range{0, std::nullopt}
                                                    : Range();
  Range Result = {1, 1};
  for (uint32_t I = 0; I != Exponent; ++I)
    Result = multiply(Result, Base);
  if (Exponent % 2 == 0 && !isNonNegative(Result))
    Result.Low = 0;
  return Result;
}

/// With Shifted, an atom x that has a lower bound stands for x - low.
static Range rangeOf(const ExprAtom *Atom, bool Shifted) {
  Range Result = Atom->Bounds;
  if (Shifted && Result.Low) {
    if (Result.High)
      Result.High = *Result.High - *Result.Low;
    Result.Low = 0;
  }
  return Result;
}

static Range rangeOfTerm(const Term &Of, bool Shifted) {
  Range Result = {1, 1};
  for (const Factor &Each : Of.Monomial->Factors)
    Result =
        multiply(Result, power(rangeOf(Each.Atom, Shifted), Each.Exponent));
  return multiply(Result, {Of.Coefficient, Of.Coefficient});
}

static Bound lowByIntervals(Expr A, bool Shifted) {
  Bound Low = 0;
  for (const Term &Each : A.node()->Terms) {
    Low = checkedAdd(Low, rangeOfTerm(Each, Shifted).Low);
    if (!Low)
      return std::nullopt;
  }
  return Low;
}

Range symbolic::floorDivRange(Expr A, Expr B) {
  Range Over = {lowerBound(A), upperBound(A)};
  Range By = {lowerBound(B), upperBound(B)};
  if (By.High && *By.High <= 0) {
    Over = negate(Over);
    By = negate(By);
  }
  Range Result;
  if (By.Low && *By.Low >= 0) {
    Int128 Least = std::max<Int128>(*By.Low, 1); // 0 divides nothing
    if (By.High && *By.High < Least)
      return {};
    if (Over.Low && *Over.Low < 0)
      Result.Low = floorQuotient(*Over.Low, Least);
    else if (Over.Low)
      Result.Low = By.High ? floorQuotient(*Over.Low, *By.High) : 0;
    if (Over.High && *Over.High >= 0)
      Result.High = floorQuotient(*Over.High, Least);
    else if (Over.High)
      Result.High = By.High ? floorQuotient(*Over.High, *By.High) : -1;
    return Result;
  }
  if (Over.Low && Over.High) { // |A // B| <= |A|
    Int128 Most = std::max(std::max(*Over.Low, -*Over.Low),
                           std::max(*Over.High, -*Over.High));
    return {-Most, Most};
  }
  return Result;
}

Range symbolic::extremumRange(bool IsMax, ArrayRef<Expr> Operands) {
  // The end on the near side needs one operand, that on the far side all.
  Bound Near, Far;
  bool FarIsKnown = true, IsFirst = true;
  for (Expr Each : Operands) {
    std::optional<int64_t> L = lowerBound(Each), H = upperBound(Each);
    std::optional<int64_t> N = IsMax ? L : H, F = IsMax ? H : L;
    if (N)
      Near = !Near   ? Int128(*N)
             : IsMax ? std::max<Int128>(*Near, *N)
                     : std::min<Int128>(*Near, *N);
    FarIsKnown &= F.has_value();
    if (FarIsKnown)
      Far = IsFirst ? Int128(*F)
            : IsMax ? std::max<Int128>(*Far, *F)
                    : std::min<Int128>(*Far, *F);
    IsFirst = false;
  }
  if (!FarIsKnown)
    Far = std::nullopt;
  return IsMax ? Range{Near, Far} : Range{Far, Near};
}

//===----------------------------------------------------------------------===//
// The prover
//===----------------------------------------------------------------------===//

namespace {
class LowProver {
public:
  explicit LowProver(ExprStore::Impl &Store) : Store(Store) {}

  Bound low(Expr P, unsigned Depth = 0);

private:
  static constexpr unsigned MaxSteps = 40, MaxSplitDepth = 5,
                            MaxSizeToSplit = 256, MaxExpansion = 256;

  Bound lowAfterShift(Expr P);
  Bound lowWithoutFloorDiv(Expr P, const ExprAtom *Atom, unsigned Depth);
  Bound lowWithoutExtremum(Expr P, const ExprAtom *Atom, unsigned Depth);

  ExprStore::Impl &Store;
  unsigned Steps = 0;
  bool Truncated = false;
};

/// P = Slope * Atom + Rest, if P is linear in the atom.
struct LinearSplit {
  Expr Slope, Rest;
};
} // namespace

static Bound better(const Bound &A, const Bound &B) {
  return !A ? B : !B ? A : std::max(*A, *B);
}

static std::optional<LinearSplit> splitLinear(Expr P, const ExprAtom *Atom) {
  ExprStore::Impl &Store = implOf(P);
  const ExprMonomial *Single = Store.monomial(Factor{Atom, 1});
  TermList Slope, Rest;
  for (const Term &Each : P.node()->Terms) {
    uint32_t Exponent = 0;
    for (const Factor &F : Each.Monomial->Factors)
      if (F.Atom == Atom)
        Exponent = F.Exponent;
    if (Exponent > 1)
      return std::nullopt;
    if (Exponent == 1)
      Slope.push_back({Each.Coefficient, Store.divide(Each.Monomial, Single)});
    else
      Rest.push_back(Each);
  }
  return LinearSplit{Store.sum(Slope), Store.sum(Rest)};
}

Expr symbolic::replaceAtom(Expr A, const ExprAtom *Atom, Expr By) {
  ExprStore::Impl &Store = implOf(A);
  Expr Result = Store.zero();
  for (const Term &Each : A.node()->Terms) {
    FactorList Others;
    uint32_t Exponent = 0;
    for (const Factor &F : Each.Monomial->Factors)
      if (F.Atom == Atom)
        Exponent = F.Exponent;
      else
        Others.push_back(F);
    Result += Store.term(Each.Coefficient, Store.monomial(Others)) *
              pow(By, Exponent);
  }
  return Result;
}

Bound LowProver::lowAfterShift(Expr P) {
  uint64_t Expansion = 0;
  bool HasNegative = false, HasShift = false;
  for (const Term &Each : P.node()->Terms) {
    uint64_t Terms = 1;
    for (const Factor &F : Each.Monomial->Factors)
      if (const Bound &Low = F.Atom->Bounds.Low; Low && *Low != 0) {
        if (*Low != static_cast<int64_t>(*Low))
          return std::nullopt;
        HasShift = true;
        Terms *= F.Exponent + 1;
        if (Terms > MaxExpansion)
          return std::nullopt;
      }
    HasNegative |= Each.Coefficient < 0 && Each.Monomial->Degree != 0;
    Expansion += Terms;
  }
  if (!HasNegative || !HasShift || Expansion > MaxExpansion)
    return std::nullopt;
  Expr Shifted = Store.zero();
  for (const Term &Each : P.node()->Terms) {
    Expr Product = Store.constant(Each.Coefficient);
    for (const Factor &F : Each.Monomial->Factors) {
      Expr Base = Store.atom(F.Atom);
      if (const Bound &Low = F.Atom->Bounds.Low)
        Base = Base + static_cast<int64_t>(*Low);
      Product *= pow(Base, F.Exponent);
    }
    Shifted += Product;
  }
  return lowByIntervals(Shifted, /*Shifted=*/true);
}

/// What b*P >= Low says about P, for b >= 1.
static Int128 divideLow(Int128 Low, Expr By) {
  if (std::optional<int64_t> Number = By.constant())
    return ceilQuotient(Low, *Number);
  if (Low < 0)
    return ceilQuotient(Low, lowerBound(By).value_or(1));
  std::optional<int64_t> Most = upperBound(By);
  return Most ? ceilQuotient(Low, *Most) : Int128(Low > 0);
}

Bound LowProver::lowWithoutFloorDiv(Expr P, const ExprAtom *Atom,
                                    unsigned Depth) {
  Expr Over = Atom->Operands[0], By = Atom->Operands[1];
  if (lowerBound(By).value_or(0) < 1)
    return std::nullopt;
  std::optional<LinearSplit> Split = splitLinear(P, Atom);
  if (!Split)
    return std::nullopt;
  Expr Scaled; // a lower bound of b*P without the atom
  if (lowByIntervals(Split->Slope, false).value_or(-1) >= 0)
    Scaled = Split->Slope * (Over - By + 1) + By * Split->Rest;
  else if (lowByIntervals(-Split->Slope, false).value_or(-1) >= 0)
    Scaled = Split->Slope * Over + By * Split->Rest;
  else
    return std::nullopt;
  Bound Result;
  if (Bound Low = low(Scaled, Depth + 1))
    Result = divideLow(*Low, By);
  // b*P > -b is enough for P >= 0.
  if (!By.isConstant() && (!Result || *Result < 0) &&
      low(Scaled + By - 1, Depth + 1).value_or(-1) >= 0)
    Result = 0;
  return Result;
}

Bound LowProver::lowWithoutExtremum(Expr P, const ExprAtom *Atom,
                                    unsigned Depth) {
  bool IsMax = Atom->Kind == AtomKind::Max;
  // max is no less than any operand: with a non-negative slope P is no less
  // than P with any operand in its place, so the best one counts. Else max is
  // one of its operands, and the worst one counts.
  bool AnyServes = false;
  if (std::optional<LinearSplit> Split = splitLinear(P, Atom))
    AnyServes = lowByIntervals(IsMax ? Split->Slope : -Split->Slope, false)
                    .value_or(-1) >= 0;
  Bound Result;
  bool IsFirst = true;
  for (Expr Operand : Atom->Operands) {
    Bound Low = low(replaceAtom(P, Atom, Operand), Depth + 1);
    if (AnyServes) {
      Result = better(Result, Low);
      continue;
    }
    if (!Low)
      return std::nullopt;
    Result = IsFirst ? *Low : std::min(*Result, *Low);
    IsFirst = false;
  }
  return Result;
}

static std::optional<int64_t> narrow(const Bound &B) {
  if (!B || *B < INT64_MIN)
    return std::nullopt;
  return static_cast<int64_t>(std::min<Int128>(*B, INT64_MAX));
}

Bound LowProver::low(Expr P, unsigned Depth) {
  const ExprNode *Node = P.node();
  if (Node->IsConstant)
    return Node->Constant;
  if (Node->LowIsComplete)
    return Node->Low ? Bound(*Node->Low) : std::nullopt;
  if (++Steps > MaxSteps) {
    Truncated = true;
    return std::nullopt;
  }
  bool TruncatedOutside = Truncated;
  Truncated = false;

  Bound Best = lowByIntervals(P, /*Shifted=*/false);
  Best = better(Best, lowAfterShift(P));

  SmallVector<const ExprAtom *, 8> Composites;
  for (const Term &Each : Node->Terms)
    for (const Factor &F : Each.Monomial->Factors)
      if (!F.Atom->Operands.empty() && !is_contained(Composites, F.Atom))
        Composites.push_back(F.Atom);
  if (!Composites.empty() && Node->Terms.size() > 1 &&
      Node->Size <= MaxSizeToSplit) {
    if (Depth >= MaxSplitDepth)
      Truncated = true;
    else
      for (const ExprAtom *Atom : Composites)
        Best = better(Best, Atom->Kind == AtomKind::FloorDiv
                                ? lowWithoutFloorDiv(P, Atom, Depth)
                                : lowWithoutExtremum(P, Atom, Depth));
  }
  // What a larger budget would improve answers this question alone: were it
  // used within others, their answers would depend on what was asked before.
  if (Depth == 0 || !Truncated) {
    Node->LowIsCached = true;
    Node->LowIsComplete = !Truncated;
    Node->Low = narrow(Best);
  }
  Truncated |= TruncatedOutside;
  return Best;
}

std::optional<int64_t> xfa::lowerBound(Expr A) {
  const ExprNode *Node = A.node();
  if (Node->IsConstant)
    return Node->Constant;
  if (!Node->LowIsCached)
    LowProver(implOf(A)).low(A);
  return Node->Low;
}

std::optional<int64_t> xfa::upperBound(Expr A) {
  if (A.isConstant())
    return A.constant();
  std::optional<int64_t> Low = lowerBound(-A);
  if (!Low || *Low == INT64_MIN)
    return std::nullopt;
  return -*Low;
}
