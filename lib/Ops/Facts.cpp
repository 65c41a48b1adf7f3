//===- Facts.cpp ----------------------------------------------------------===//

#include "xfa/Ops/Facts.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

namespace xfa {

Element Element::ratio(Expr Num, int64_t Den) {
  if (std::optional<int64_t> N = Num.constant())
    return number(static_cast<double>(*N) / static_cast<double>(Den));
  return Element(Ratio, Num, Den, 0);
}

Expr numElements(ExprStore &Store, llvm::ArrayRef<Expr> Dims) {
  return product(Store, Dims);
}

std::optional<llvm::SmallVector<int64_t, 4>>
constantDims(llvm::ArrayRef<Expr> Dims) {
  llvm::SmallVector<int64_t, 4> Result;
  int64_t Count = 1;
  for (Expr Dim : Dims) {
    std::optional<int64_t> C = Dim.constant();
    if (!C || *C < 0 || llvm::MulOverflow(Count, *C, Count) ||
        Count > static_cast<int64_t>(Contents::MaxElements))
      return std::nullopt;
    Result.push_back(*C);
  }
  return Result;
}

/// One dimension of a broadcast; none if the two can never agree.
static std::optional<Expr> broadcastDim(Expr A, Expr B) {
  if (A == B || B.is(1))
    return A;
  if (A.is(1))
    return B;
  std::optional<int64_t> CA = A.constant(), CB = B.constant();
  if (CA && CB)
    return std::nullopt;
  // A constant other than 1 is the result whatever a valid other side is.
  if (CA)
    return A;
  if (CB)
    return B;
  if (provablyEqual(A, B))
    return A;
  return max(A, B);
}

std::optional<Shape> broadcast(llvm::ArrayRef<Expr> A, llvm::ArrayRef<Expr> B) {
  if (A.size() < B.size())
    std::swap(A, B);
  Shape Result(A.begin(), A.end());
  size_t Lead = A.size() - B.size();
  for (size_t I = 0; I < B.size(); ++I) {
    std::optional<Expr> Dim = broadcastDim(A[Lead + I], B[I]);
    if (!Dim)
      return std::nullopt;
    Result[Lead + I] = *Dim;
  }
  return Result;
}

} // namespace xfa
