//===- ValueText.cpp - the type of a value as text ------------------------===//

#include "ValueText.h"

namespace xfa {

std::string factsText(const ValueFacts &F, const ModelAnalysis *Aliases) {
  auto Item = [&] { return F.Item ? factsText(*F.Item, Aliases) : "?"; };
  switch (F.Kind) {
  case ValueFacts::Unknown:
    return "?";
  case ValueFacts::Sequence:
    return "sequence(" + Item() + ")";
  case ValueFacts::Optional:
    return "optional(" + Item() + ")";
  case ValueFacts::Map:
    return "map(" + Item() + ")";
  case ValueFacts::Tensor:
  case ValueFacts::SparseTensor:
    break;
  }
  std::string Text =
      F.Elem == ElemType::Undefined ? "?" : elemTypeName(F.Elem).str();
  if (!F.HasRank)
    return Text + "?";
  Text += "[";
  for (size_t I = 0; I < F.Dims.size(); ++I)
    Text += (I ? "," : "") +
            toString(Aliases ? Aliases->alias(F.Dims[I]) : F.Dims[I]);
  return Text + "]";
}

} // namespace xfa
