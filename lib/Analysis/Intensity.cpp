//===- Intensity.cpp - signs and limits of polynomials --------------------===//

#include "xfa/Analysis/Intensity.h"

#include "llvm/ADT/APInt.h"
#include "llvm/ADT/STLExtras.h"

#include <map>
#include <numeric>

namespace xfa {

namespace {

/// Wide enough for products of two 64-bit coefficients, moved to a corner at
/// 64-bit values; degrees are capped so that nothing wraps.
constexpr unsigned Bits = 1024;
constexpr unsigned MaxDegree = 6;

/// A polynomial with coefficients that do not overflow: exponents of the
/// symbols in their order → coefficient.
using Exponents = std::vector<unsigned>;
using WidePolynomial = std::map<Exponents, llvm::APInt>;
using Names = llvm::SmallVector<llvm::StringRef, 4>;

llvm::APInt wide(int64_t Value) {
  return llvm::APInt(Bits, static_cast<uint64_t>(Value), /*isSigned=*/true);
}

void addTo(WidePolynomial &P, const Exponents &E, const llvm::APInt &C) {
  auto [It, New] = P.try_emplace(E, C);
  if (!New)
    It->second += C;
  if (It->second.isZero())
    P.erase(It);
}

/// None if it is no polynomial in these symbols, or one of too high a degree.
std::optional<WidePolynomial> widen(Expr E, const Names &Symbols) {
  WidePolynomial P;
  if (!E || !E.isKnown())
    return std::nullopt;
  ExprStore &Store = E.store();
  for (const ExprTerm &T : terms(E)) {
    Exponents Powers;
    Expr Product = Store.constant(1);
    for (llvm::StringRef Name : Symbols) {
      std::optional<unsigned> D = degree(T.Monomial, Name);
      if (!D || *D > MaxDegree)
        return std::nullopt;
      Powers.push_back(*D);
      Product *= pow(Store.symbol(Name), *D);
    }
    if (Product != T.Monomial)
      return std::nullopt;
    addTo(P, Powers, wide(T.Coefficient));
  }
  return P;
}

WidePolynomial multiply(const WidePolynomial &A, const WidePolynomial &B) {
  WidePolynomial P;
  for (const auto &[EA, CA] : A)
    for (const auto &[EB, CB] : B) {
      Exponents E = EA;
      for (size_t I = 0; I < E.size(); ++I)
        E[I] += EB[I];
      addTo(P, E, CA * CB);
    }
  return P;
}

void subtract(WidePolynomial &A, const WidePolynomial &B) {
  for (const auto &[E, C] : B)
    addTo(A, E, -C);
}

llvm::APInt power(int64_t Base, unsigned Exponent) {
  llvm::APInt P = wide(1);
  for (; Exponent; --Exponent)
    P *= wide(Base);
  return P;
}

/// P(x + By) for the symbol of that index.
WidePolynomial shifted(const WidePolynomial &P, size_t Index, int64_t By) {
  WidePolynomial Result;
  for (const auto &[E, C] : P) {
    int64_t Choose = 1; // of E[Index], taken K at a time
    for (unsigned K = 0; K <= E[Index]; ++K) {
      Exponents Powers = E;
      Powers[Index] = K;
      addTo(Result, Powers, C * wide(Choose) * power(By, E[Index] - K));
      Choose = Choose * (E[Index] - K) / (K + 1);
    }
  }
  return Result;
}

llvm::APInt valueAt(const WidePolynomial &P, llvm::ArrayRef<int64_t> Point) {
  llvm::APInt Sum = wide(0);
  for (const auto &[E, C] : P) {
    llvm::APInt Term = C;
    for (size_t I = 0; I < E.size(); ++I)
      Term *= power(Point[I], E[I]);
    Sum += Term;
  }
  return Sum;
}

/// Positive at every point whose coordinates are at least the corner's: with
/// the corner as origin no coefficient is negative, and the constant is
/// positive.
bool positiveFrom(WidePolynomial P, llvm::ArrayRef<int64_t> Corner) {
  for (size_t I = 0; I < Corner.size(); ++I)
    P = shifted(P, I, Corner[I]);
  for (const auto &[E, C] : P)
    if (C.isNegative())
      return false;
  return P.count(Exponents(Corner.size(), 0));
}

/// A point near the corner, or far along some axes, where P ≤ 0.
std::optional<std::vector<int64_t>>
findFailure(const WidePolynomial &P, llvm::ArrayRef<int64_t> Corner) {
  static constexpr int64_t Steps[] = {0,  1,   2,    3,     4,       8,
                                      16, 256, 4096, 65536, 1 << 24, 1LL << 32};
  static constexpr size_t MostPoints = 50000;
  size_t Count = 1;
  for (size_t I = 0; I < Corner.size(); ++I)
    Count = std::min(Count * std::size(Steps), MostPoints);
  for (size_t Index = 0; Index < Count; ++Index) {
    std::vector<int64_t> Point(Corner.begin(), Corner.end());
    size_t Rest = Index;
    for (int64_t &X : Point) {
      X += Steps[Rest % std::size(Steps)];
      Rest /= std::size(Steps);
    }
    if (!valueAt(P, Point).isStrictlyPositive())
      return Point;
  }
  return std::nullopt;
}

/// The least value of the last symbol from which on P is proved positive; none
/// if it is not proved anywhere.
std::optional<int64_t> provedFrom(const WidePolynomial &P,
                                  llvm::ArrayRef<int64_t> Corner) {
  std::vector<int64_t> At(Corner.begin(), Corner.end());
  auto Proved = [&](int64_t X) {
    At.back() = X;
    return positiveFrom(P, At);
  };
  int64_t High = Corner.back(), Low = High;
  while (!Proved(High)) {
    if (High > (int64_t(1) << 40))
      return std::nullopt;
    Low = High;
    High *= 2;
  }
  while (High - Low > 1) {
    int64_t Middle = Low + (High - Low) / 2;
    (Proved(Middle) ? High : Low) = Middle;
  }
  return High;
}

/// P with the last symbol fixed.
WidePolynomial withLast(const WidePolynomial &P, int64_t Value) {
  WidePolynomial Result;
  for (const auto &[E, C] : P)
    addTo(Result, Exponents(E.begin(), E.end() - 1),
          C * power(Value, E.back()));
  return Result;
}

/// Positive for each value of the last symbol in [First, End).
bool positiveBetween(const WidePolynomial &P, llvm::ArrayRef<int64_t> Corner,
                     int64_t First, int64_t End) {
  static constexpr int64_t Most = 4096;
  if (End - First > Most)
    return false;
  for (int64_t X = First; X < End; ++X)
    if (!positiveFrom(withLast(P, X), Corner.drop_back()))
      return false;
  return true;
}

uint64_t magnitude(int64_t C) {
  return C < 0 ? -static_cast<uint64_t>(C) : static_cast<uint64_t>(C);
}

/// Greatest common divisor of the coefficients.
uint64_t content(Expr E) {
  uint64_t G = 0;
  for (const ExprTerm &T : terms(E))
    G = std::gcd(G, magnitude(T.Coefficient));
  return G;
}

} // namespace

PolynomialRatio reducedRatio(Expr Numerator, Expr Denominator) {
  PolynomialRatio R{Numerator, Denominator};
  if (!Numerator || !Denominator || !Numerator.isKnown() ||
      !Denominator.isKnown() || Numerator.is(0) || Denominator.is(0))
    return R;
  ExprStore &Store = Numerator.store();
  uint64_t Common = std::gcd(content(Numerator), content(Denominator));
  Expr Divisor = Common <= INT64_MAX
                     ? Store.constant(static_cast<int64_t>(Common))
                     : Store.constant(1);
  auto All = terms(Numerator);
  llvm::append_range(All, terms(Denominator));
  // What divides every term occurs in the first.
  for (llvm::StringRef Name : symbols(All.front().Monomial)) {
    unsigned Least = MaxDegree;
    for (const ExprTerm &T : All)
      Least = std::min(Least, degree(T.Monomial, Name).value_or(0));
    Divisor *= pow(Store.symbol(Name), Least);
  }
  std::optional<Expr> Up = tryExactDiv(Numerator, Divisor);
  std::optional<Expr> Down = tryExactDiv(Denominator, Divisor);
  return Up && Down ? PolynomialRatio{*Up, *Down} : R;
}

RatioLimit limitOf(const PolynomialRatio &R, llvm::StringRef Symbol) {
  RatioLimit L;
  if (!R.Numerator || !R.Denominator || !R.Numerator.isKnown() ||
      !R.Denominator.isKnown() || R.Denominator.is(0))
    return L;
  std::optional<unsigned> Up = degree(R.Numerator, Symbol);
  std::optional<unsigned> Down = degree(R.Denominator, Symbol);
  if (!Up || !Down)
    return L;
  if (R.Numerator.is(0) || *Up < *Down) {
    L.Kind = RatioLimit::Zero;
  } else if (*Up > *Down) {
    L.Kind = RatioLimit::Infinite;
  } else {
    L.Kind = RatioLimit::Finite;
    L.Value = reducedRatio(*coefficient(R.Numerator, Symbol, *Up),
                           *coefficient(R.Denominator, Symbol, *Down));
  }
  return L;
}

Comparison compareRatios(const PolynomialRatio &A, const PolynomialRatio &B,
                         const Domain &Over) {
  Comparison C;
  C.Over = Over;
  Names Symbols;
  std::vector<int64_t> Corner;
  for (const auto &[Name, Least] : Over) {
    Symbols.push_back(Name);
    Corner.push_back(Least);
  }
  std::optional<WidePolynomial> Parts[4];
  const Expr All[] = {A.Numerator, B.Denominator, B.Numerator, A.Denominator};
  for (size_t I = 0; I < 4; ++I) {
    Parts[I] = widen(All[I], Symbols);
    if (!Parts[I]) {
      C.Why = All[I] ? toString(All[I]) + " is no polynomial in the symbols "
                                          "asked about"
                     : std::string("something is unknown");
      return C;
    }
  }
  WidePolynomial Difference = multiply(*Parts[0], *Parts[1]);
  subtract(Difference, multiply(*Parts[2], *Parts[3]));
  auto Named = [&](llvm::ArrayRef<int64_t> Point) {
    Domain D;
    for (size_t I = 0; I < Point.size(); ++I)
      D.emplace_back(Symbols[I].str(), Point[I]);
    return D;
  };
  if (positiveFrom(Difference, Corner)) {
    C.Kind = Comparison::Larger;
    return C;
  }
  if (auto Point = findFailure(Difference, Corner)) {
    C.Kind = Comparison::Fails;
    C.Where = Named(*Point);
  }
  if (Corner.empty())
    return C;
  if (std::optional<int64_t> From = provedFrom(Difference, Corner)) {
    if (C.Kind != Comparison::Fails &&
        positiveBetween(Difference, Corner, Corner.back(), *From)) {
      C.Kind = Comparison::Larger;
      return C;
    }
    std::vector<int64_t> Least = Corner;
    Least.back() = *From;
    C.ProvedOver = Named(Least);
  }
  if (C.Kind == Comparison::NotProved)
    C.Why = "the cross-difference has coefficients of both signs";
  return C;
}

} // namespace xfa
