//===- Join.cpp -----------------------------------------------------------===//

#include "Join.h"

namespace xfa {

/// Equal elements stay.
static Contents joinContents(const Contents &A, const Contents &B) {
  if (A.none() || B.none())
    return Contents();
  if (A.Splat && B.Splat)
    return A.Elements == B.Elements ? A : Contents();
  size_t Count = A.Splat ? B.Elements.size() : A.Elements.size();
  Contents Result;
  bool Any = false;
  for (size_t I = 0; I < Count; ++I) {
    bool Same = A.at(I) == B.at(I);
    Result.Elements.push_back(Same ? A.at(I) : Element());
    Any |= Result.Elements.back().known();
  }
  return Any ? Result : Contents();
}

static Expr joinDim(ExprStore &Store, Expr A, Expr B, llvm::StringRef Why) {
  if (!A.isKnown() || provablyEqual(A, B))
    return A;
  if (!B.isKnown())
    return B;
  return Store.unknown((Why + ": " + toString(A) + " or " + toString(B)).str(),
                       0);
}

/// Sequences and optionals: what is known of their elements.
static void joinItems(ExprStore &Store, ValueFacts &Result, const ValueFacts &A,
                      const ValueFacts &B, llvm::StringRef Why) {
  // The elements of an empty sequence are of any shape.
  if (A.Length && A.Length.is(0))
    Result.Item = B.Item;
  else if (B.Length && B.Length.is(0))
    Result.Item = A.Item;
  else if (A.Item && B.Item)
    Result.Item =
        std::make_shared<ValueFacts>(join(Store, *A.Item, *B.Item, Why));
  if (A.Length && B.Length)
    Result.Length = joinDim(Store, A.Length, B.Length, Why);
  if (A.Items.size() == B.Items.size())
    for (size_t I = 0; I < A.Items.size(); ++I)
      Result.Items.push_back(join(Store, A.Items[I], B.Items[I], Why));
}

ValueFacts join(ExprStore &Store, const ValueFacts &A, const ValueFacts &B,
                llvm::StringRef Why) {
  ValueFacts Result;
  Result.Kind = A.Kind == B.Kind ? A.Kind : ValueFacts::Unknown;
  Result.Elem = A.Elem == B.Elem ? A.Elem : ElemType::Undefined;
  Result.Folded = A.Folded && B.Folded;
  joinItems(Store, Result, A, B, Why);
  if (Result.Kind == ValueFacts::Unknown || !A.HasRank || !B.HasRank ||
      A.rank() != B.rank()) {
    Result.Why = !A.HasRank && A.Why   ? A.Why
                 : !B.HasRank && B.Why ? B.Why
                                       : Store.unknown(Why);
    return Result;
  }
  Result.HasRank = true;
  bool Agree = true; // so that contents have the same positions
  for (int64_t I = 0; I < A.rank(); ++I) {
    Agree &= provablyEqual(A.Dims[I], B.Dims[I]);
    Result.Dims.push_back(joinDim(Store, A.Dims[I], B.Dims[I], Why));
  }
  if ((Agree && constantDims(Result.Dims)) || (A.Known.Splat && B.Known.Splat))
    Result.Known = joinContents(A.Known, B.Known);
  return Result;
}

bool sameFacts(const ValueFacts &A, const ValueFacts &B) {
  if (A.Kind != B.Kind || A.Elem != B.Elem || A.HasRank != B.HasRank ||
      A.Folded != B.Folded || A.Dims != B.Dims || A.Length != B.Length ||
      A.Known.Splat != B.Known.Splat || A.Known.Elements != B.Known.Elements ||
      !A.Item != !B.Item || A.Items.size() != B.Items.size())
    return false;
  for (size_t I = 0; I < A.Items.size(); ++I)
    if (!sameFacts(A.Items[I], B.Items[I]))
      return false;
  return A.Item == B.Item || sameFacts(*A.Item, *B.Item);
}

} // namespace xfa
