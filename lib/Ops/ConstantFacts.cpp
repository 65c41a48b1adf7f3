//===- ConstantFacts.cpp --------------------------------------------------===//

#include "xfa/Ops/ConstantFacts.h"

namespace xfa {

Element constantElement(ExprStore &Store, const Constant &C, size_t I) {
  if (!C.Kept)
    return Element();
  if (isFloat(C.Elem))
    return I < C.Floats.size() ? Element::number(C.Floats[I]) : Element();
  if (I >= C.Ints.size())
    return Element();
  if (C.Elem == ElemType::Bool)
    return Element::boolean(C.Ints[I] != 0);
  // Beyond 2**63, a uint64 is stored as its bits.
  if (!isInteger(C.Elem) ||
      (elemClass(C.Elem) == ElemClass::Unsigned && C.Ints[I] < 0))
    return Element();
  return Element::integer(Store.constant(C.Ints[I]));
}

ValueFacts factsOf(ExprStore &Store, const Constant &C) {
  ValueFacts Facts;
  Facts.Kind = ValueFacts::Tensor;
  Facts.Elem = C.Elem;
  Facts.HasRank = true;
  Facts.Folded = true;
  for (int64_t Dim : C.Dims)
    Facts.Dims.push_back(Store.constant(Dim));
  std::optional<int64_t> Count = C.numElements();
  size_t Stored = isFloat(C.Elem) ? C.Floats.size() : C.Ints.size();
  if (!C.Kept || !Count || *Count > Contents::MaxElements ||
      static_cast<int64_t>(Stored) != *Count)
    return Facts;
  for (size_t I = 0; I < Stored; ++I)
    Facts.Known.Elements.push_back(constantElement(Store, C, I));
  return Facts;
}

} // namespace xfa
