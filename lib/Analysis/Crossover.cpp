//===- Crossover.cpp - where a verdict flips (C21) ------------------------===//
//
// The verdict along one symbol is the sign of a polynomial with integer
// coefficients. Its sign changes over the integers are found exactly: between
// two neighbouring roots of the derivative a polynomial is monotone, so
// bisection over integers finds its one root there; the roots of the derivative
// are found the same way.
//
//===----------------------------------------------------------------------===//

#include "xfa/Analysis/Roofline.h"

#include "llvm/ADT/APInt.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <numeric>

namespace xfa {

namespace {

/// Wide enough for a product of 64-bit coefficients, 64-bit figures of an
/// accelerator and a 64-bit position to the sixth power.
constexpr unsigned Bits = 640;
constexpr unsigned MaxDegree = 6;
using Polynomial = llvm::SmallVector<llvm::APInt, 4>; ///< by power

int signAt(const Polynomial &P, int64_t X) {
  llvm::APInt Value(Bits, 0), At(Bits, static_cast<uint64_t>(X));
  for (const llvm::APInt &C : llvm::reverse(P))
    Value = Value * At + C;
  return Value.isZero() ? 0 : Value.isNegative() ? -1 : 1;
}

Polynomial derivative(const Polynomial &P) {
  Polynomial D;
  for (size_t I = 1; I < P.size(); ++I)
    D.push_back(P[I] * llvm::APInt(Bits, I));
  return D;
}

/// Cells [c, c+1] in [1, Last] that hold every real root of P there (some may
/// hold none).
llvm::SmallVector<int64_t, 8> rootCells(const Polynomial &P, int64_t Last) {
  llvm::SmallVector<int64_t, 8> Cells;
  if (P.size() <= 1)
    return Cells;
  llvm::SmallVector<int64_t, 8> Turns = rootCells(derivative(P), Last);
  int64_t Low = 1;
  Turns.push_back(Last);
  for (int64_t Turn : Turns) {
    // Monotone on [Low, Turn].
    int64_t A = Low, B = Turn;
    if (A <= B && signAt(P, A) * signAt(P, B) <= 0) {
      int At = signAt(P, A);
      while (B - A > 1) {
        int64_t Middle = A + (B - A) / 2;
        (signAt(P, Middle) == At ? A : B) = Middle;
      }
      Cells.push_back(A);
    }
    if (Turn < Last)
      Cells.push_back(Turn); // turns within the cell
    Low = Turn + 1;
  }
  llvm::sort(Cells);
  Cells.erase(std::unique(Cells.begin(), Cells.end()), Cells.end());
  return Cells;
}

/// A figure of an accelerator as an exact integer; its datasheet has no more.
llvm::APInt exactInteger(double Figure) {
  return llvm::APInt(Bits, static_cast<uint64_t>(std::llround(Figure)));
}

std::optional<llvm::APInt> constantCoefficient(Expr E, const Bindings &Fixed) {
  llvm::Expected<__int128> Value = evaluate(E, Fixed);
  if (!Value) {
    llvm::consumeError(Value.takeError());
    return std::nullopt;
  }
  unsigned __int128 Wide = static_cast<unsigned __int128>(*Value);
  uint64_t Words[2] = {static_cast<uint64_t>(Wide),
                       static_cast<uint64_t>(Wide >> 64)};
  return llvm::APInt(128, Words).sext(Bits);
}

} // namespace

Crossover findCrossover(const Work &W, const Gpu &G, ElemType Type,
                        llvm::StringRef Along, const Bindings &Fixed,
                        ExprStore &Store, Float32Products Products) {
  Crossover C;
  C.Along = Along.str();
  for (auto &[Name, Value] : Fixed)
    if (Name != Along)
      C.Fixed.emplace_back(Name.str(), Value);
  llvm::sort(C.Fixed);

  std::optional<double> Peak = matrixPeak(G, Type, Products);
  if (!Peak) {
    C.Unknown = G.Name + " has no known peak for " + elemTypeName(Type).str();
    return C;
  }
  Substitution Point;
  for (auto &[Name, Value] : Fixed)
    if (Name != Along)
      Point[Name] = Store.constant(Value);
  Expr Flops = substitute(W.flops(), Point),
       Bytes = substitute(W.bytes(), Point);
  std::optional<unsigned> DegreeF = degree(Flops, Along);
  std::optional<unsigned> DegreeB = degree(Bytes, Along);
  if (!DegreeF || !DegreeB) {
    C.Unknown = "the cost is no polynomial in " + C.Along;
    return C;
  }
  unsigned Degree = std::max(*DegreeF, *DegreeB);
  if (Degree > MaxDegree) {
    C.Unknown = "the cost has a higher degree in " + C.Along + " than " +
                std::to_string(MaxDegree);
    return C;
  }
  // FLOPs · bandwidth − bytes · peak: positive where compute takes longer.
  Polynomial P;
  llvm::APInt Bandwidth = exactInteger(G.Bandwidth),
              PeakFlops = exactInteger(*Peak);
  for (unsigned I = 0; I <= Degree; ++I) {
    std::optional<Expr> CF = coefficient(Flops, Along, I);
    std::optional<Expr> CB = coefficient(Bytes, Along, I);
    std::optional<llvm::APInt> F, B;
    if (CF && CB) {
      F = constantCoefficient(*CF, Fixed);
      B = constantCoefficient(*CB, Fixed);
    }
    if (!F || !B) {
      C.Unknown = "the cost depends on more than " + C.Along + ": " +
                  toString(Flops) + " FLOPs";
      return C;
    }
    P.push_back(*F * Bandwidth - *B * PeakFlops);
  }

  // No root lies beyond Cauchy's bound, 1 + the largest ratio to the leading
  // coefficient.
  while (P.size() > 1 && P.back().isZero())
    P.pop_back();
  int64_t Last = 2;
  if (P.size() > 1) {
    llvm::APInt Largest(Bits, 0);
    for (size_t I = 0; I + 1 < P.size(); ++I)
      if (P[I].abs().ugt(Largest))
        Largest = P[I].abs();
    llvm::APInt Bound = Largest.udiv(P.back().abs()) + 3;
    Last = static_cast<int64_t>(Bound.getLimitedValue(int64_t(1) << 62));
  }
  auto BoundAt = [&](int64_t X) {
    return signAt(P, X) > 0 ? Bound::Compute : Bound::Memory;
  };
  llvm::SmallVector<int64_t, 8> Cells = rootCells(P, Last);
  // A zero at c counts as memory: the flip may be on either side of it.
  llvm::SmallVector<int64_t, 16> Candidates;
  for (int64_t Cell : Cells)
    for (int64_t X : {Cell - 1, Cell, Cell + 1})
      if (X >= 1)
        Candidates.push_back(X);
  llvm::sort(Candidates);
  Candidates.erase(std::unique(Candidates.begin(), Candidates.end()),
                   Candidates.end());
  for (int64_t X : Candidates)
    if (BoundAt(X) != BoundAt(X + 1))
      C.Flips.push_back({BoundAt(X), BoundAt(X + 1), X + 1});
  if (C.Flips.empty())
    C.Always = BoundAt(1);
  return C;
}

} // namespace xfa
