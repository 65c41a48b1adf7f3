//===- KvCacheAttention.cpp - attention as one operator -------------------===//
//
// Rows of the queries, all of the keys and values. What the operator would mask
// by itself it masks from the upper left corner, which is wrong for fewer rows
// than columns: the mask becomes an operand, open where column <= past + row.
//
//===----------------------------------------------------------------------===//

#include "KvCacheEmit.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

namespace xfa::kvcache {

static const GraphId Main(0);

/// Where an operator has what.
namespace {
struct Layout {
  llvm::StringRef CausalFlag;
  unsigned Mask;      ///< added to the scores, or boolean: [.., rows, columns]
  int Padding;        ///< [B, columns]; -1: there is none
  unsigned MaxInputs; ///< more of them are a cache
};
} // namespace

static std::optional<Layout> layoutOf(OpKind Kind) {
  if (Kind == OpKind::Attention)
    return Layout{"is_causal", 3, -1, 4};
  if (Kind == OpKind::MsMultiHeadAttention)
    return Layout{"unidirectional", 5, 4, 6};
  return std::nullopt;
}

static ValueId operandOf(const Node &Op, int I) {
  return I >= 0 && I < static_cast<int>(Op.Inputs.size()) ? Op.Inputs[I]
                                                          : ValueId();
}

std::optional<Rule> Facts::attentionRule(ValueId V, Version Wanted,
                                         std::string &Why) const {
  const Node &Op = M[M[V].Producer];
  std::optional<Layout> Where = layoutOf(Op.Kind);
  if (!Where) {
    Why = "is attention as one operator that holds more than scores, softmax "
          "and product: it would have to be taken apart into them";
    return std::nullopt;
  }
  for (size_t I = Where->MaxInputs; I < Op.Inputs.size(); ++I)
    if (Op.Inputs[I]) {
      Why = "has operand " + std::to_string(I) +
            ", which no rule follows: it would have to be without";
      return std::nullopt;
    }
  if (M[V].OutputIndex != 0) {
    Why = "gives more than the mixed values: only its first result may be used";
    return std::nullopt;
  }
  Rule R;
  R.Kind = Rule::Attention;
  for (unsigned I = 0; I < 3; ++I) {
    ValueId In = operandOf(Op, static_cast<int>(I));
    // Along the axis that follows the heads, or precedes them.
    bool Plain = In && Shapes[In].HasRank && time(In).Axes.size() == 1 &&
                 time(In).Axes[0].pure() &&
                 time(In).Axes[0].Axis == (Shapes[In].rank() == 4 ? 2u : 1u) &&
                 (Shapes[In].rank() == 3 || Shapes[In].rank() == 4);
    if (!Plain) {
      Why = "has packed operands: queries, keys and values would have to be "
            "three";
      return std::nullopt;
    }
    R.Needs.push_back({I, I == 0 && Wanted == 0 ? Version(0) : full(In)});
  }
  // A bias of the projections.
  if (Op.Kind == OpKind::MsMultiHeadAttention && operandOf(Op, 3))
    R.Needs.push_back({3, 0});
  if (ValueId Padding = operandOf(Op, Where->Padding)) {
    if (Shapes[Padding].rank() != 2 || bitOf(Padding, 1) < 0) {
      Why = "has a padding mask that is not [sequences, positions], as it "
            "would have to be";
      return std::nullopt;
    }
    R.Needs.push_back({static_cast<unsigned>(Where->Padding), full(Padding)});
  }
  if (ValueId Mask = operandOf(Op, static_cast<int>(Where->Mask))) {
    int64_t Rank = Shapes[Mask].rank();
    int Row = Rank < 2 ? -1 : bitOf(Mask, static_cast<unsigned>(Rank - 2));
    int Column = Rank < 2 ? -1 : bitOf(Mask, static_cast<unsigned>(Rank - 1));
    bool OneRow = Rank >= 2 && Shapes[Mask].Dims[Rank - 2].is(1);
    if (Column < 0 || (Row < 0 && !OneRow)) {
      Why = "has a mask that is not [rows, columns] of the sequence, as it "
            "would have to be";
      return std::nullopt;
    }
    Version Each = full(Mask);
    if (Wanted == 0 && Row >= 0)
      Each &= ~(Version(1) << Row);
    R.Needs.push_back({Where->Mask, settle(Mask, Each)});
  }
  return R;
}

/// bool [rows, columns]: new rows see what stands up to them.
ValueId Emitter::openColumns() {
  if (Open)
    return Open;
  auto Count = [&](Expr From, llvm::ArrayRef<int64_t> Shape) {
    ValueId Range = E.make(Main, "Range",
                           {L.scalar(From), L.scalar(L.all()), E.intScalar(1)});
    return E.make(Main, "Reshape", {Range, E.intVector(Shape)});
  };
  ValueId Columns = Count(F.Store.constant(0), {1, -1});
  ValueId Rows = Count(L.past(), {-1, 1});
  return Open = E.make(Main, "LessOrEqual", {Columns, Rows});
}

ValueId Emitter::attention(ValueId V, Version Which, const Rule &R) {
  NodeId N = F.M[V].Producer;
  Layout Where = *layoutOf(F.M[N].Kind);
  const Attribute *Flag = F.M[N].attribute(Where.CausalFlag);
  bool Causal = Flag && Flag->I != 0;
  if (Which != 0 || !Causal)
    return copied(V, Which, R);
  llvm::SmallVector<ValueId, 6> Inputs(F.M[N].Inputs);
  for (const Need &Each : R.Needs)
    Inputs[Each.Operand] = get(F.M[N].Inputs[Each.Operand], Each.V);
  if (Inputs.size() <= Where.Mask)
    Inputs.resize(Where.Mask + 1);
  ValueId &Mask = Inputs[Where.Mask];
  ElemType Elem = F.Shapes[F.M[N].Inputs[0]].Elem;
  bool Boolean = F.M[N].Kind == OpKind::Attention;
  if (Mask)
    Boolean = F.Shapes[F.M[N].Inputs[Where.Mask]].Elem == ElemType::Bool;
  if (Boolean && Mask) {
    Mask = E.make(Main, "And", {Mask, openColumns()});
  } else if (Boolean) {
    Mask = openColumns();
  } else {
    ValueId Low =
        E.constantFloats(Elem, {}, {-std::numeric_limits<double>::infinity()});
    ValueId Added = Mask ? Mask : E.constantFloats(Elem, {}, {0.0});
    Mask = E.make(Main, "Where", {openColumns(), Added, Low});
    // As com.microsoft's operators have it: [1, 1, rows, columns].
    if (F.M[N].Kind == OpKind::MsMultiHeadAttention && Added != Mask &&
        !operandOf(F.M[N], static_cast<int>(Where.Mask)))
      Mask = E.make(Main, "Unsqueeze", {Mask, E.intVector({0, 1})});
  }
  llvm::SmallVector<Attribute, 4> Attributes;
  for (const Attribute &A : F.M[N].Attributes)
    if (A.Name != Where.CausalFlag)
      Attributes.push_back(A);
  NodeSpec Spec;
  Spec.Op = F.M[N].Op;
  Spec.Domain = F.M[N].Domain;
  std::string Name = nameFor(N, Which);
  Spec.Name = Name;
  Spec.Inputs = Inputs;
  Spec.Attributes = Attributes;
  NodeId Copy = E.makeNode(Main, Spec);
  return finished(E.model()[Copy].Outputs[0], V);
}

} // namespace xfa::kvcache
