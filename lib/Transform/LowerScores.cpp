//===- LowerScores.cpp - a product and its scale: FusedMatMul -------------===//

#include "Lowering.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::lowering {

/// Scales before the product commute with the views that they stand among, so
/// all of them become alpha, which is applied to the product.
Answer lowerScores(const Kernel &K, Target T) {
  if (T == Target::Onnx23)
    return Answer::no("ai.onnx has no product with a factor");
  const Model &M = K.M;
  Part P;
  P.Op = "FusedMatMul";
  NodeId Product;
  double Alpha = 1;
  llvm::SmallVector<ScaleStep, 2> Above, Below;
  for (NodeId N : K.Nodes) {
    if (std::optional<ScaleStep> Step = K.scaled(N)) {
      P.Nodes.insert(N);
      Alpha *= Step->Factor;
      (Product ? Below : Above).push_back(*Step);
      continue;
    }
    if (opTraits(M[N].Kind) & trait::View || K.folded(M[N].Outputs[0]))
      continue;
    if (M[N].Kind != OpKind::MatMul)
      return Answer::no(M[N].Kind == OpKind::Mul || M[N].Kind == OpKind::Div
                            ? "its scale is not known when the graph is "
                              "compiled, and alpha is an attribute"
                            : "its product is a " + M[N].Op.str() +
                                  ", which has no form with a factor");
    Product = N;
    P.Nodes.insert(N);
  }
  if (!Product || P.Nodes.size() < 2)
    return Answer::no("no product with a factor is left in it");
  const ElemType Elem = K.facts(M[Product].Outputs[0]).Elem;
  if (Elem != ElemType::Float32 && Elem != ElemType::Float16 &&
      Elem != ElemType::BFloat16 && Elem != ElemType::Float64)
    return Answer::no("FusedMatMul is not for " + elemTypeName(Elem));
  for (ValueId In : M[Product].Inputs)
    if (!K.facts(In).HasRank || K.facts(In).rank() < 2)
      return Answer::no("the rank of an operand is not known, or 1");
  P.Make = [=](Maker &Make) {
    Make.bypass(Above);
    const Node Was = Make.E.model()[Product];
    Make.replace(Was.Outputs[0], Make.value("FusedMatMul", Was.Inputs,
                                            {Make.E.floatAttr("alpha", Alpha)},
                                            "com.microsoft"));
    for (const ScaleStep &Step : Below) {
      const Node &Scale = Make.E.model()[Step.Node];
      Make.replace(Scale.Outputs[0], Scale.Inputs[Step.Operand]);
    }
  };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
