//===- LowerGroups.cpp - query heads that share keys and values -----------===//

#include "LowerAttention.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::lowering {

namespace {

/// What N of kind Kind reads, past the scales that go.
class Chain {
public:
  Chain(const Kernel &K, const Core &C) : K(K), C(C) {}

  /// Operand of the node that makes V, if that is of this kind; else none.
  ValueId from(ValueId V, OpKind Kind) const {
    V = unscaled(V);
    const NodeId N = K.maker(V);
    if (!N || K.M[N].Kind != Kind)
      return ValueId();
    const ValueId In = K.outer(unscaled(K.M[N].Inputs[0]));
    return K.facts(In).HasRank ? In : ValueId();
  }
  /// G, if V is [B, H, ·, ·] of [B, G, ·, ·]; null: it is not.
  Expr groups(ValueId V) const;

private:
  ValueId unscaled(ValueId V) const {
    for (;;) {
      const NodeId N = K.maker(V);
      const auto *Step = llvm::find_if(
          C.Above, [&](const ScaleStep &S) { return S.Node == N; });
      if (Step == C.Above.end())
        return V;
      V = K.M[N].Inputs[Step->Operand];
    }
  }
  const Kernel &K;
  const Core &C;
};

Expr Chain::groups(ValueId V) const {
  const ValueId Wide = from(V, OpKind::Reshape),
                Apart = Wide ? from(Wide, OpKind::Expand) : ValueId(),
                Few = Apart ? from(Apart, OpKind::Unsqueeze) : ValueId();
  if (!Few || !K.hasRank(V, 4) || !K.hasRank(Wide, 5) || !K.hasRank(Apart, 5) ||
      !K.hasRank(Few, 4))
    return Expr();
  const Shape &F = K.facts(Few).Dims, &A = K.facts(Apart).Dims,
              &W = K.facts(Wide).Dims, &All = K.facts(V).Dims;
  const bool Fits = A[2].is(1) && A[0] == F[0] && A[1] == F[1] &&
                    A[3] == F[2] && A[4] == F[3] && W[0] == F[0] &&
                    W[1] == F[1] && W[3] == F[2] && W[4] == F[3] &&
                    All[0] == F[0] && All[1] == W[1] * W[2] && All[2] == F[2] &&
                    All[3] == F[3];
  return Fits ? F[1] : Expr();
}

} // namespace

Expr sharedHeads(const Kernel &K, const Core &C) {
  const Chain Of(K, C);
  const NodeId Turn = K.maker(C.KeyTransposed);
  const Attribute *Order = Turn ? K.M[Turn].attribute("perm") : nullptr;
  const ValueId Keys = Of.from(C.KeyTransposed, OpKind::Transpose);
  if (!Keys || !Order || Order->Ints != llvm::ArrayRef<int64_t>({0, 1, 3, 2}))
    return Expr();
  const Expr OfKeys = Of.groups(Keys), OfValues = Of.groups(C.Value);
  return OfKeys && OfKeys == OfValues ? OfKeys : Expr();
}

ValueId beforeRepeats(const Maker &Make, ValueId V) {
  const Model &M = Make.E.model();
  for ([[maybe_unused]] OpKind Kind :
       {OpKind::Reshape, OpKind::Expand, OpKind::Unsqueeze}) {
    assert(M[M[V].Producer].Kind == Kind && "sharedHeads() found it there");
    V = M[M[V].Producer].Inputs[0];
  }
  return V;
}

std::string whyNotGroupQuery(const Kernel &K, const Core &C, const Masking &Is,
                             Expr Groups) {
  if (!Is.Causal)
    return "GroupQueryAttention is causal, and " +
           (Is.Left ? "of the mask " + Is.WhyNotCausal : "nothing masks here");
  if (Is.Left)
    return "GroupQueryAttention takes no second mask everywhere";
  if (!Groups.constant())
    return "the number of groups is not known";
  const Expr Width = K.facts(C.Query).Dims.back();
  if (K.facts(C.Value).Dims.back() != Width)
    return "GroupQueryAttention takes keys and values of one width";
  // Elsewhere it computes with vectors of eight.
  if (!Width.constant() || *Width.constant() % 8 != 0)
    return "GroupQueryAttention is for heads of a multiple of 8, not of " +
           toString(Width);
  return {};
}

ValueId makeGroupQuery(Maker &Make, const Core &C,
                       llvm::ArrayRef<ValueId> QueryKeyValue, int64_t Groups) {
  Editor &E = Make.E;
  const ValueId Query = QueryKeyValue[0];
  const Attribute ToInt32 =
      E.intAttr("to", static_cast<int64_t>(ElemType::Int32));
  // No sequence is padded: the last of S keys is S - 1 in each.
  const ValueId Last = Make.value("Cast",
                                  {Make.value("Sub", {sizeOf(Make, Query, 1),
                                                      E.intVector({1})})},
                                  {ToInt32}),
                Lasts = Make.value("Expand", {Last, sizeOf(Make, Query, 0)}),
                Total = Make.value(
                    "Cast",
                    {Make.value("Gather",
                                {Make.value("Shape", {Query}), E.intScalar(1)},
                                {E.intAttr("axis", 0)})},
                    {ToInt32});
  llvm::SmallVector<ValueId, 7> Inputs(QueryKeyValue);
  Inputs.append({ValueId(), ValueId(), Lasts, Total});
  llvm::SmallVector<Attribute, 4> Attributes = {
      E.intAttr("num_heads", static_cast<int64_t>(*C.H.constant())),
      E.intAttr("kv_num_heads", Groups), E.floatAttr("scale", C.Scale)};
  if (C.SoftCap != 0)
    Attributes.push_back(E.floatAttr("softcap", C.SoftCap));
  return Make.value("GroupQueryAttention", Inputs, Attributes, "com.microsoft");
}

} // namespace xfa::lowering
