//===- Join.cpp -----------------------------------------------------------===//

#include "Join.h"

namespace xfa {

/// Equal elements stay.
static Contents joinContents(const Contents &A, const Contents &B) {
  Contents Result;
  if (A.none() || B.none() || (A.Splat && !B.Splat && B.Elements.empty()))
    return Result;
  if (A.Splat && B.Splat)
    return A.Elements == B.Elements ? A : Result;
  size_t Count = A.Splat ? B.Elements.size() : A.Elements.size();
  bool Any = false;
  for (size_t I = 0; I < Count; ++I) {
    bool Same = A.at(I) == B.at(I);
    Result.Elements.push_back(Same ? A.at(I) : Element());
    Any |= Result.Elements.back().known();
  }
  return Any ? Result : Contents();
}

ValueFacts join(ExprStore &Store, const ValueFacts &A, const ValueFacts &B,
                llvm::StringRef Why) {
  ValueFacts Result;
  Result.Kind = A.Kind == B.Kind ? A.Kind : ValueFacts::Unknown;
  Result.Elem = A.Elem == B.Elem ? A.Elem : ElemType::Undefined;
  if (A.Item && B.Item)
    Result.Item =
        std::make_shared<ValueFacts>(join(Store, *A.Item, *B.Item, Why));
  if (!A.HasRank || !B.HasRank || A.rank() != B.rank()) {
    Result.Why = !A.HasRank && A.Why   ? A.Why
                 : !B.HasRank && B.Why ? B.Why
                                       : Store.unknown(Why);
    return Result;
  }
  Result.HasRank = true;
  bool Agree = true; // so that contents have the same positions
  for (int64_t I = 0; I < A.rank(); ++I) {
    Expr DA = A.Dims[I], DB = B.Dims[I];
    bool Same = provablyEqual(DA, DB);
    Agree &= Same;
    Result.Dims.push_back(
        Same || !DA.isKnown() ? DA
        : !DB.isKnown()
            ? DB
            : Store.unknown(
                  (Why + ": " + toString(DA) + " or " + toString(DB)).str(),
                  0));
  }
  if (Agree && constantDims(Result.Dims))
    Result.Known = joinContents(A.Known, B.Known);
  else if (A.Known.Splat && B.Known.Splat)
    Result.Known = joinContents(A.Known, B.Known);
  return Result;
}

bool sameFacts(const ValueFacts &A, const ValueFacts &B) {
  if (A.Kind != B.Kind || A.Elem != B.Elem || A.HasRank != B.HasRank ||
      A.Dims != B.Dims || A.Known.Splat != B.Known.Splat ||
      A.Known.Elements != B.Known.Elements || !A.Item != !B.Item)
    return false;
  return !A.Item || A.Item == B.Item || sameFacts(*A.Item, *B.Item);
}

} // namespace xfa
