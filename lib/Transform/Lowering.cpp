//===- Lowering.cpp - what matching and making share ----------------------===//

#include "Lowering.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

namespace xfa::lowering {

//===----------------------------------------------------------------------===//
// Kernel
//===----------------------------------------------------------------------===//

NodeId Kernel::producer(ValueId V) const {
  const NodeId N = V ? M[V].Producer : NodeId();
  return N && Nodes.contains(N) ? N : NodeId();
}

ValueId Kernel::outer(ValueId V) const {
  const auto &Inputs = body().Inputs;
  const auto Given = llvm::find(Inputs, V);
  return Given == Inputs.end() ? V : M[Call].Inputs[Given - Inputs.begin()];
}

std::optional<double> Kernel::number(ValueId V) const {
  if (!V || !facts(V).HasRank ||
      !llvm::all_of(facts(V).Dims, [](Expr D) { return D.is(1); }))
    return std::nullopt;
  const Element Only = facts(V).Known.at(0);
  if (Only.kind() == Element::Float)
    return Only.number();
  if (Only.kind() == Element::Int && Only.expr().constant())
    return static_cast<double>(*Only.expr().constant());
  return std::nullopt;
}

std::optional<int64_t> Kernel::onlyInt(ValueId V) const {
  if (!V || !facts(V).HasRank || facts(V).rank() != 1 ||
      !facts(V).Dims[0].is(1))
    return std::nullopt;
  const Element Only = facts(V).Known.at(0);
  if (Only.kind() != Element::Int || !Only.expr().constant())
    return std::nullopt;
  return static_cast<int64_t>(*Only.expr().constant());
}

bool Kernel::isVectorOf(ValueId V, ValueId Like) const {
  return hasRank(V, 1) && facts(Like).HasRank && facts(Like).rank() > 0 &&
         facts(V).Dims[0] == facts(Like).Dims.back();
}

ValueId Kernel::strip(ValueId V, NodeSet &Through) const {
  for (NodeId N; (N = producer(V));) {
    const bool Same =
        M[N].Kind == OpKind::Identity ||
        ((M[N].Kind == OpKind::Cast || M[N].Kind == OpKind::CastLike) &&
         facts(M[N].Inputs[0]).Elem == facts(V).Elem);
    if (!Same)
      break;
    Through.insert(N);
    V = M[N].Inputs[0];
  }
  return V;
}

bool Kernel::reducesLastAxis(NodeId N) const {
  const Node &X = M[N];
  if (const Attribute *Keep = X.attribute("keepdims"); Keep && Keep->I == 0)
    return false;
  if (!facts(X.Inputs[0]).HasRank)
    return false;
  std::optional<int64_t> Axis;
  if (const Attribute *Axes = X.attribute("axes")) {
    if (Axes->Ints.size() == 1)
      Axis = Axes->Ints[0];
  } else if (X.Inputs.size() > 1) {
    Axis = onlyInt(X.Inputs[1]);
  }
  return Axis && (*Axis == -1 || *Axis == facts(X.Inputs[0]).rank() - 1);
}

std::optional<ScaleStep> Kernel::scaled(NodeId N) const {
  if (!N || (M[N].Kind != OpKind::Mul && M[N].Kind != OpKind::Div))
    return std::nullopt;
  for (unsigned Operand : {0u, 1u}) {
    const ValueId Of = M[N].Inputs[Operand], By = M[N].Inputs[1 - Operand];
    const std::optional<double> Number = number(By);
    // Nothing broadcasts, and nothing is divided by what is scaled.
    if (Number && *Number != 0 && std::isfinite(*Number) && facts(Of).HasRank &&
        facts(Of).Dims == facts(M[N].Outputs[0]).Dims &&
        (M[N].Kind == OpKind::Mul || Operand == 0))
      return ScaleStep{N, Operand,
                       M[N].Kind == OpKind::Mul ? *Number : 1 / *Number};
  }
  return std::nullopt;
}

std::optional<llvm::StringRef>
Kernel::leaking(const NodeSet &Inner, llvm::ArrayRef<ValueId> Results) const {
  for (NodeId N : Inner)
    for (ValueId V : M[N].Outputs) {
      if (!V || llvm::is_contained(Results, V) || folded(V))
        continue;
      if (E.outputUses(V) || llvm::any_of(E.uses(V), [&](const Use &U) {
            return !Inner.contains(U.User) && M[U.User].Kind != OpKind::Shape &&
                   M[U.User].Kind != OpKind::Size;
          }))
        return M[V].Name;
    }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Maker
//===----------------------------------------------------------------------===//

NodeId Maker::node(llvm::StringRef Op, llvm::ArrayRef<ValueId> Inputs,
                   llvm::ArrayRef<Attribute> Attributes, llvm::StringRef Domain,
                   unsigned NumOutputs) {
  NodeSpec Spec;
  Spec.Op = Op;
  Spec.Inputs = Inputs;
  Spec.Attributes = Attributes;
  Spec.Domain = Domain;
  Spec.NumOutputs = NumOutputs;
  Made.push_back(E.makeNode(Graph, Spec));
  return Made.back();
}

ValueId Maker::axes(llvm::StringRef Op, ValueId V,
                    llvm::ArrayRef<int64_t> Axes) {
  constexpr int AxesByInput = 13;
  if (E.opsetVersion("") < AxesByInput)
    return value(Op, {V}, {E.intsAttr("axes", Axes)});
  return value(Op, {V, E.intVector(Axes)});
}

ValueId Maker::permuted(ValueId V, llvm::ArrayRef<int64_t> Order) {
  const Model &M = E.model();
  llvm::SmallVector<int64_t, 4> From(Order);
  const NodeId N = M[V].Producer;
  if (N && M[N].Kind == OpKind::Transpose && M[N].attribute("perm") &&
      M[N].attribute("perm")->Ints.size() == Order.size()) {
    for (int64_t &Axis : From)
      Axis = M[N].attribute("perm")->Ints[Axis];
    V = M[N].Inputs[0];
  }
  if (llvm::equal(From, llvm::seq<int64_t>(0, From.size())))
    return V;
  return value("Transpose", {V}, {E.intsAttr("perm", From)});
}

void Maker::bypass(llvm::ArrayRef<ScaleStep> Steps) {
  for (const ScaleStep &Step : Steps) {
    const Node &Scale = E.model()[Step.Node];
    E.replaceAllUses(Scale.Outputs[0], Scale.Inputs[Step.Operand]);
  }
}

void Maker::replace(ValueId Old, ValueId New) {
  Model &M = E.model();
  if (!E.outputUses(Old)) // else the graph's output takes the name
    std::swap(M[Old].Name, M[New].Name);
  E.replaceAllUses(Old, New);
}

} // namespace xfa::lowering
