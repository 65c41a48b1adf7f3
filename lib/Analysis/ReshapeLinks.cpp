//===- ReshapeLinks.cpp ---------------------------------------------------===//

#include "xfa/Analysis/ReshapeLinks.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

std::optional<FactorPlace> throughReshape(FactorPlace From, Expr Length,
                                          llvm::ArrayRef<Expr> FromDims,
                                          llvm::ArrayRef<Expr> ToDims) {
  ExprStore &Store = Length.store();
  // Elements between one position and the next.
  Expr Stride = From.Inner * product(Store, FromDims.drop_front(From.Axis + 1));
  Expr Suffix = Store.constant(1);
  for (size_t B = ToDims.size(); B-- > 0; Suffix = Suffix * ToDims[B]) {
    if (ToDims[B].is(1))
      continue;
    std::optional<Expr> Inner = tryExactDiv(Stride, Suffix);
    if (!Inner)
      continue;
    std::optional<Expr> Outer = tryExactDiv(ToDims[B], Length * *Inner);
    if (Outer)
      return FactorPlace{static_cast<unsigned>(B), *Outer, *Inner};
  }
  // The same from the front, for widths that only the equal element counts tie
  // together: D and H · (D // H).
  Expr Before = From.Outer * product(Store, FromDims.take_front(From.Axis));
  Expr Prefix = Store.constant(1);
  for (auto [B, Dim] : llvm::enumerate(ToDims)) {
    if (!Dim.is(1))
      if (std::optional<Expr> Outer = tryExactDiv(Before, Prefix))
        if (std::optional<Expr> Inner = tryExactDiv(Dim, *Outer * Length))
          return FactorPlace{static_cast<unsigned>(B), *Outer, *Inner};
    Prefix = Prefix * Dim;
  }
  return std::nullopt;
}

namespace {

/// A number in mixed radix Dims, most significant first; none where a digit is
/// not proved to be one.
std::optional<llvm::SmallVector<Expr, 4>>
digits(Expr Number, llvm::ArrayRef<Expr> Dims,
       llvm::function_ref<bool(Expr, Expr)> Inside,
       llvm::function_ref<Expr(Expr, llvm::ArrayRef<Expr>, size_t)> Part) {
  llvm::SmallVector<Expr, 4> Result(Dims.size());
  for (size_t A = Dims.size(); A-- > 0;) {
    bool Last = true;
    for (size_t B = 0; B < A; ++B)
      Last &= Dims[B].is(1);
    if (Last) {
      Result[A] = Number;
      for (size_t B = 0; B < A; ++B)
        Result[B] = Number.store().constant(0);
      return Result;
    }
    Expr Dim = Dims[A];
    if (Dim.is(1)) {
      Result[A] = Number.store().constant(0);
      continue;
    }
    std::optional<int64_t> C = Number.constant(), D = Dim.constant();
    if (C && D && *C >= 0 && *D > 0) {
      Result[A] = Number.store().constant(*C % *D);
      Number = Number.store().constant(*C / *D);
      continue;
    }
    // b*N + t, with 0 <= t < N.
    Expr Quotient = Number.store().constant(0);
    Expr Rest = Quotient;
    for (const ExprTerm &T : terms(Number)) {
      if (std::optional<Expr> Q = tryExactDiv(T.Coefficient * T.Monomial, Dim))
        Quotient += *Q;
      else
        Rest += T.Coefficient * T.Monomial;
    }
    if (!Inside(Rest, Dim)) {
      for (size_t B = 0; B <= A; ++B) {
        Result[B] = Part(Number, Dims.take_front(A + 1), B);
        if (!Result[B])
          return std::nullopt;
      }
      return Result;
    }
    Result[A] = Rest;
    Number = Quotient;
  }
  return Result;
}

} // namespace

std::optional<llvm::SmallVector<Expr, 4>> reshapedIndex(
    llvm::ArrayRef<Expr> InDims, llvm::ArrayRef<Expr> OutDims,
    llvm::ArrayRef<Expr> OutAt, llvm::function_ref<bool(Expr, Expr)> Inside,
    llvm::function_ref<Expr(Expr, llvm::ArrayRef<Expr>, size_t)> Part) {
  llvm::SmallVector<Expr, 4> Result(InDims.size());
  size_t A = InDims.size(), B = OutDims.size();
  while (A > 0 || B > 0) {
    // One group: the shortest suffixes with equal products.
    size_t A0 = A, B0 = B;
    Expr In, Out;
    if (A > 0)
      In = InDims[--A0];
    if (B > 0)
      Out = OutDims[--B0];
    if (!In || !Out) {
      // Only ones are left on one side.
      for (size_t I = 0; I < A; ++I) {
        if (!InDims[I].is(1))
          return std::nullopt;
        Result[I] = InDims[I].store().constant(0);
      }
      return Result;
    }
    while (In != Out) {
      if (In.is(1) && A - A0 == 1 && !Out.is(1)) {
        // A one of the operand beside a longer axis: a group of its own.
        break;
      }
      bool GrowIn = A0 > 0 && (B0 == 0 || tryExactDiv(Out, In).has_value());
      if (GrowIn)
        In = In * InDims[--A0];
      else if (B0 > 0)
        Out = Out * OutDims[--B0];
      else
        return std::nullopt;
    }
    if (In != Out) {
      Result[A0] = In.store().constant(0);
      A = A0;
      continue;
    }
    Expr Number = In.store().constant(0);
    for (size_t I = B0; I < B; ++I)
      Number = Number * OutDims[I] + OutAt[I];
    auto Digits = digits(Number, InDims.slice(A0, A - A0), Inside, Part);
    if (!Digits)
      return std::nullopt;
    for (size_t I = A0; I < A; ++I)
      Result[I] = (*Digits)[I - A0];
    A = A0;
    B = B0;
  }
  return Result;
}

} // namespace xfa
