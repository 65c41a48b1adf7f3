//===- LowerAttention.cpp - attention as one operator ---------------------===//
//
// ai.onnx Attention: Q [B, H, S, d], K [B, G, T, d], V [B, G, T, e] → [B, H, S,
// e]; what masks is added to the scores, or is a boolean that is true where a
// row sees a column. com.microsoft MultiHeadAttention: Q [B, S, H·d], K and V
// with heads, [B, H, T, ·] → [B, S, H·e]; what masks is added. Both multiply
// the product by the scale before they mask.
//
//===----------------------------------------------------------------------===//

#include "CoreMatcher.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

namespace xfa::lowering {

namespace {

//===----------------------------------------------------------------------===//
// Making it
//===----------------------------------------------------------------------===//

/// The size of one axis, as int64[1].
ValueId sizeOf(Maker &Make, ValueId V, int64_t Axis) {
  return Make.value("Gather",
                    {Make.value("Shape", {V}), Make.E.intVector({Axis})},
                    {Make.E.intAttr("axis", 0)});
}

/// What masks, as [·, ·, S, T]. Q: [B, H, S, d]; V: [B, H, T, e].
ValueId maskOfScores(Maker &Make, const Kernel &K, const Core &C, ValueId Mask,
                     ValueId Q, ValueId V) {
  const ValueFacts &F = K.facts(C.Condition ? C.Condition : C.Bias);
  if (F.rank() < 4) {
    const auto Axes = llvm::to_vector<4>(llvm::seq<int64_t>(0, 4 - F.rank()));
    Mask = Make.value("Unsqueeze", {Mask, Make.E.intVector(Axes)});
  }
  const bool Whole = F.rank() >= 2 && F.Dims[F.rank() - 2] == C.S &&
                     F.Dims[F.rank() - 1] == C.T;
  if (Whole)
    return Mask;
  const ValueId Shape = Make.value(
      "Concat",
      {Make.E.intVector({1, 1}), sizeOf(Make, Q, 2), sizeOf(Make, V, 2)},
      {Make.E.intAttr("axis", 0)});
  return Make.value("Expand", {Mask, Shape});
}

/// 0 where a row sees a column, else what hides it.
ValueId additive(Maker &Make, const Core &C, ElemType Elem) {
  ValueId Open = Make.E.floatScalar(Elem, 0),
          Hidden = Make.E.floatScalar(Elem, C.Fill);
  if (C.HidesWhereTrue)
    std::swap(Open, Hidden);
  return Make.value("Where", {Make.outer(C.Condition), Open, Hidden});
}

/// [B, S, heads · width] of [B, heads, S, width].
ValueId flat(Maker &Make, ValueId V) {
  return Make.value("Reshape", {Make.permuted(V, {0, 2, 1, 3}),
                                Make.E.intVector({0, 0, -1})});
}

struct Operands {
  ValueId Q, K, V; ///< [B, H, positions, width]
};

/// As they are now, without their scales.
Operands operands(Maker &Make, const Core &C) {
  const Model &M = Make.E.model();
  const ValueId Q = M[C.Scores].Inputs[0],
                KeyTransposed = M[C.Scores].Inputs[1],
                V = M[C.Values].Inputs[1];
  return {Q, Make.permuted(KeyTransposed, {0, 1, 3, 2}), V};
}

void makeMultiHead(Maker &Make, const Kernel &K, const Core &C, ElemType Elem) {
  const auto [Q, Key, V] = operands(Make, C);
  llvm::SmallVector<ValueId, 6> Inputs = {flat(Make, Q), Key, V};
  // With heads, ONNX Runtime takes keys and values of one width only.
  if (K.facts(C.Value).Dims[3] != K.facts(C.Query).Dims[3]) {
    Inputs[1] = flat(Make, Key);
    Inputs[2] = flat(Make, V);
  }
  if (C.Bias || C.Condition) {
    const ValueId Mask =
        C.Condition ? additive(Make, C, Elem) : Make.outer(C.Bias);
    Inputs.append({ValueId(), ValueId(), maskOfScores(Make, K, C, Mask, Q, V)});
  }
  const int64_t Heads = static_cast<int64_t>(*C.H.constant());
  const ValueId Out = Make.value(
      "MultiHeadAttention", Inputs,
      {Make.E.intAttr("num_heads", Heads), Make.E.floatAttr("scale", C.Scale)},
      "com.microsoft");
  const ValueId Split =
      Make.value("Reshape", {Out, Make.E.intVector({0, 0, Heads, -1})});
  // Most often the heads are put side by side again at once.
  Editor &E = Make.E;
  Model &M = E.model();
  llvm::SmallVector<Use, 2> Users(E.uses(C.Result));
  bool All = !E.outputUses(C.Result);
  for (const Use &U : Users) {
    const Attribute *Order = M[U.User].attribute("perm");
    if (M[U.User].Kind == OpKind::Transpose && Order &&
        Order->Ints == llvm::ArrayRef<int64_t>({0, 2, 1, 3}))
      Make.replace(M[U.User].Outputs[0], Split);
    else
      All = false;
  }
  if (!All)
    Make.replace(C.Result, Make.permuted(Split, {0, 2, 1, 3}));
}

/// [B, G, T, ·] of what repeats each of G heads H/G times to [B, H, T, ·];
/// none if V is not such.
ValueId beforeRepeats(const Maker &Make, const Kernel &K, ValueId V) {
  const Model &M = Make.E.model();
  auto From = [&](ValueId Of, OpKind Kind) {
    const NodeId N = Of ? M[Of].Producer : NodeId();
    const ValueId In = N && M[N].Kind == Kind ? M[N].Inputs[0] : ValueId();
    return In && In.Index < K.A.Facts.Values.size() && K.facts(In).HasRank
               ? In
               : ValueId();
  };
  const ValueId Wide = From(V, OpKind::Reshape),
                Apart = From(Wide, OpKind::Expand),
                Few = From(Apart, OpKind::Unsqueeze);
  if (!Few || !K.hasRank(Wide, 5) || !K.hasRank(Apart, 5) || !K.hasRank(Few, 4))
    return ValueId();
  const Shape &F = K.facts(Few).Dims, &A = K.facts(Apart).Dims,
              &W = K.facts(Wide).Dims, &All = K.facts(V).Dims;
  const bool Fits = A[2].is(1) && A[0] == F[0] && A[1] == F[1] &&
                    A[3] == F[2] && A[4] == F[3] && W[0] == F[0] &&
                    W[1] == F[1] && W[3] == F[2] && W[4] == F[3] &&
                    All[0] == F[0] && All[1] == W[1] * W[2] && All[2] == F[2] &&
                    All[3] == F[3];
  return Fits ? Few : ValueId();
}

void makeAttention(Maker &Make, const Kernel &K, const Core &C) {
  auto [Q, Key, V] = operands(Make, C);
  // Groups of query heads share a head of keys and values.
  const ValueId FewKeys = beforeRepeats(Make, K, Key),
                FewValues = beforeRepeats(Make, K, V);
  if (FewKeys && FewValues &&
      K.facts(FewKeys).Dims[1] == K.facts(FewValues).Dims[1]) {
    Key = FewKeys;
    V = FewValues;
  }
  llvm::SmallVector<ValueId, 4> Inputs = {Q, Key, V};
  Editor &E = Make.E;
  if (C.Condition || C.Bias) {
    ValueId Mask = Make.outer(C.Condition ? C.Condition : C.Bias);
    if (C.Condition && !std::isinf(C.Fill))
      Mask = additive(Make, C, K.facts(C.Query).Elem);
    else if (C.HidesWhereTrue)
      Mask = Make.value("Not", {Mask});
    Inputs.push_back(maskOfScores(Make, K, C, Mask, Q, V));
  }
  llvm::SmallVector<Attribute, 3> Attributes = {E.floatAttr("scale", C.Scale)};
  if (C.Softmax != K.facts(C.Query).Elem)
    Attributes.push_back(
        E.intAttr("softmax_precision", static_cast<int64_t>(C.Softmax)));
  Make.replace(C.Result, Make.value("Attention", Inputs, Attributes));
}

/// What the target's operator has no form for; empty: nothing.
std::string whyNotTarget(const Kernel &K, const Core &C, Target T) {
  const ElemType Elem = K.facts(C.Query).Elem;
  if (T == Target::Ort) {
    if (Elem != ElemType::Float32 && Elem != ElemType::Float16)
      return "MultiHeadAttention is not for " + elemTypeName(Elem).str();
    if (C.Softmax != Elem)
      return "its softmax is in " + elemTypeName(C.Softmax).str() +
             ", which MultiHeadAttention has no attribute for";
  }
  if (C.Bias && (!K.facts(C.Bias).HasRank || K.facts(C.Bias).rank() > 4))
    return "the rank of its mask is not known, or above 4";
  if (C.Condition && !K.facts(C.Condition).HasRank)
    return "the rank of its mask is not known";
  // Of a row that sees nothing operators make zeros, or what they like.
  const bool EachSeesItself =
      K.A.Causality.Causal == Verdict::Proved && !K.A.Time.AssumesPadding;
  if (C.ClearsNaN && (C.Bias || C.Condition) && !EachSeesItself)
    return "it gives zeros for a row that sees nothing, and that each row sees "
           "something is not proved";
  return {};
}

} // namespace

Answer lowerAttention(const Kernel &K, Target T) {
  CoreMatcher Match(K);
  std::string Why = Match.run();
  if (Why.empty())
    Why = whyNotTarget(K, Match.C, T);
  if (!Why.empty())
    return Answer::no(Why);
  for (NodeId N : K.Nodes)
    if (!Match.Nodes.contains(N) && !(opTraits(K.M[N].Kind) & trait::View) &&
        !llvm::all_of(K.M[N].Outputs, [&](ValueId V) { return K.folded(V); }))
      return Answer::no("'" + K.M.label(N) +
                        "' stands in it, which the operator does not do");
  Part P;
  P.Op = T == Target::Ort ? "MultiHeadAttention" : "Attention";
  P.Nodes = Match.Nodes;
  const Core C = Match.C;
  P.Make = [&K, C, T](Maker &Make) {
    Make.bypass(C.Above);
    if (T == Target::Ort)
      makeMultiHead(Make, K, C, K.facts(C.Query).Elem);
    else
      makeAttention(Make, K, C);
  };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
