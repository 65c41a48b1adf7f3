//===- LowerAttention.cpp - attention as one operator ---------------------===//
//
// ai.onnx Attention: Q [B, H, S, d], K [B, G, T, d], V [B, G, T, e] → [B, H, S,
// e]; what masks is added to the scores, or is a boolean that is true where a
// row sees a column. com.microsoft MultiHeadAttention: Q [B, S, H·d], K and V
// with heads, [B, H, T, ·] → [B, S, H·e]; what masks is added.
// GroupQueryAttention: K and V [B, T, G·d], always causal. All multiply the
// product by the scale before they mask. A flag for causal attention lets row r
// see columns 0 … r, where there are as many as rows.
//
//===----------------------------------------------------------------------===//

#include "LowerAttention.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <limits>

namespace xfa::lowering {

namespace {

//===----------------------------------------------------------------------===//
// Making it
//===----------------------------------------------------------------------===//

/// [B, H, ·, ·] of [B·H, ·, ·].
ValueId apart(Maker &Make, const Core &C, ValueId V) {
  return Make.value(
      "Reshape",
      {Make.axes("Unsqueeze", V, {0}),
       Make.E.intVector({-1, static_cast<int64_t>(*C.H.constant()), 0, 0})});
}

/// What masks, as [·, ·, S, T]. Q: [B, H, S, d]; V: [B, H, T, e].
ValueId maskOfScores(Maker &Make, const Kernel &K, const Core &C,
                     const CoreMask &Given, ValueId Mask, ValueId Q,
                     ValueId V) {
  const ValueFacts &F = K.facts(Given.value());
  if (C.isMerged(F.Dims) && !F.Dims[0].is(1)) {
    Mask = apart(Make, C, Mask);
  } else if (F.rank() < 4) {
    const auto Axes = llvm::to_vector<4>(llvm::seq<int64_t>(0, 4 - F.rank()));
    Mask = Make.axes("Unsqueeze", Mask, Axes);
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

/// 0 where a row sees a column, else what hides it. Of a row that sees nothing
/// ONNX Runtime's Attention makes zeros where that is the lowest number of all;
/// any other hides as well.
ValueId additive(Maker &Make, const CoreMask &Mask, ElemType Elem) {
  const double Fill =
      std::isinf(Mask.Fill) ? Mask.Fill : std::max(Mask.Fill, -1e38);
  ValueId Open = Make.E.floatScalar(Elem, 0),
          Hidden = Make.E.floatScalar(Elem, Fill);
  if (Mask.HidesWhereTrue)
    std::swap(Open, Hidden);
  return Make.value("Where", {Make.outer(Mask.Condition), Open, Hidden});
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
/// Shared: keys and values as they are before they are repeated for the heads
/// of their groups.
Operands operands(Maker &Make, const Kernel &K, const Core &C,
                  bool Shared = false) {
  const Model &M = Make.E.model();
  auto WithHeads = [&](ValueId V, ValueId Was, bool Transposed) {
    const bool Merged = C.isMerged(K.facts(Was).Dims);
    if (Transposed)
      V = Merged ? Make.permuted(V, {0, 2, 1}) : Make.permuted(V, {0, 1, 3, 2});
    return Merged ? apart(Make, C, V) : V;
  };
  const ValueId Query = WithHeads(M[C.Scores].Inputs[0], C.Query, false),
                Key = WithHeads(M[C.Scores].Inputs[1], C.KeyTransposed, true),
                Value = WithHeads(M[C.Values].Inputs[1], C.Value, false);
  return {Query, Shared ? beforeRepeats(Make, Key) : Key,
          Shared ? beforeRepeats(Make, Value) : Value};
}

/// V: the result with heads, [B, H, S, e].
void giveResult(Maker &Make, const Kernel &K, const Core &C, ValueId V) {
  if (C.isMerged(K.facts(C.Result).Dims)) {
    const ValueId One =
        Make.value("Reshape", {V, Make.E.intVector({1, -1, 0, 0})});
    V = Make.axes("Squeeze", One, {0});
  }
  Make.replace(C.Result, V);
}

/// Flat: the result, [B, S, H·e].
void giveFlatResult(Maker &Make, const Kernel &K, const Core &C, ValueId Flat) {
  const ValueId Split = Make.value(
      "Reshape",
      {Flat,
       Make.E.intVector({0, 0, static_cast<int64_t>(*C.H.constant()), -1})});
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
    giveResult(Make, K, C, Make.permuted(Split, {0, 2, 1, 3}));
}

void makeMultiHead(Maker &Make, const Kernel &K, const Core &C,
                   const Masking &Is) {
  const auto [Q, Key, V] = operands(Make, K, C);
  llvm::SmallVector<ValueId, 6> Inputs = {flat(Make, Q), Key, V};
  // With heads, ONNX Runtime takes keys and values of one width only.
  if (K.facts(C.Value).Dims.back() != K.facts(C.Query).Dims.back()) {
    Inputs[1] = flat(Make, Key);
    Inputs[2] = flat(Make, V);
  }
  if (Is.Left) {
    const ValueId Mask = Is.Left->Condition
                             ? additive(Make, *Is.Left, K.facts(C.Query).Elem)
                             : Make.outer(Is.Left->Bias);
    Inputs.append(
        {ValueId(), ValueId(), maskOfScores(Make, K, C, *Is.Left, Mask, Q, V)});
  }
  llvm::SmallVector<Attribute, 3> Attributes = {
      Make.E.intAttr("num_heads", static_cast<int64_t>(*C.H.constant())),
      Make.E.floatAttr("scale", C.Scale)};
  if (Is.Causal)
    Attributes.push_back(Make.E.intAttr("unidirectional", 1));
  giveFlatResult(
      Make, K, C,
      Make.value("MultiHeadAttention", Inputs, Attributes, "com.microsoft"));
}

void makeAttention(Maker &Make, const Kernel &K, const Core &C,
                   const Masking &Is, bool Groups) {
  const auto [Q, Key, V] = operands(Make, K, C, Groups);
  llvm::SmallVector<ValueId, 4> Inputs = {Q, Key, V};
  Editor &E = Make.E;
  if (Is.Left) {
    ValueId Mask = Make.outer(Is.Left->value());
    if (Is.Left->Condition && !std::isinf(Is.Left->Fill))
      Mask = additive(Make, *Is.Left, K.facts(C.Query).Elem);
    else if (Is.Left->HidesWhereTrue)
      Mask = Make.value("Not", {Mask});
    Inputs.push_back(maskOfScores(Make, K, C, *Is.Left, Mask, Q, V));
  }
  llvm::SmallVector<Attribute, 3> Attributes = {E.floatAttr("scale", C.Scale)};
  if (Is.Causal)
    Attributes.push_back(E.intAttr("is_causal", 1));
  if (C.SoftCap != 0)
    Attributes.push_back(E.floatAttr("softcap", C.SoftCap));
  if (C.Softmax != K.facts(C.Query).Elem)
    Attributes.push_back(
        E.intAttr("softmax_precision", static_cast<int64_t>(C.Softmax)));
  giveResult(Make, K, C, Make.value("Attention", Inputs, Attributes));
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// Which masks a flag says, and which one is left; or why that does not fit.
std::string masking(const Kernel &K, const Core &C, Masking &Is) {
  auto OfScores = [&](const CoreMask &Mask) {
    MaskOfScores S;
    S.Mask = Mask.value();
    if (Mask.Condition)
      S.Form = Mask.HidesWhereTrue ? MaskOfScores::HidesWhereTrue
                                   : MaskOfScores::ShowsWhereTrue;
    S.Rows = C.T;
    // What fp32 scores vanish beside, and no other type's for certain.
    S.Fill = C.Scored == ElemType::Float32
                 ? HidesForCertain
                 : -std::numeric_limits<double>::infinity();
    return S;
  };
  for (const CoreMask &Mask : C.Masks) {
    std::string Why = C.S == C.T
                          ? K.Masks.whyNot(OfScores(Mask))
                          : "there are " + toString(C.T) + " columns for " +
                                toString(C.S) + " rows";
    if (Why.empty()) {
      Is.Causal = true;
      continue;
    }
    if (Is.Left)
      return "the scores are masked twice, and the operator takes one mask";
    Is.Left = Mask;
    Is.WhyNotCausal = Why;
  }
  if (!Is.Causal || !Is.Left)
    return {};
  // What hides a row's own column could leave it later ones alone.
  if (std::string Why = K.Masks.whyNotBeside(OfScores(*Is.Left)); !Why.empty())
    return "the scores are masked twice, once causally, and of the other "
           "mask " +
           Why;
  return {};
}

/// What the target's operator has no form for; empty: nothing.
std::string whyNotTarget(const Kernel &K, const Core &C, const Masking &Is,
                         Target T) {
  const ElemType Elem = K.facts(C.Query).Elem;
  if (T == Target::Ort) {
    if (Elem != ElemType::Float32 && Elem != ElemType::Float16)
      return "MultiHeadAttention is not for " + elemTypeName(Elem).str();
    if (C.Softmax != Elem)
      return "its softmax is in " + elemTypeName(C.Softmax).str() +
             ", which MultiHeadAttention has no attribute for";
  }
  if (Is.Left) {
    const ValueFacts &F = K.facts(Is.Left->value());
    if (!F.HasRank || F.rank() > 4)
      return "the rank of its mask is not known, or above 4";
  }
  // Of a row that sees nothing ai.onnx makes zeros as well, com.microsoft what
  // it likes.
  const bool EachSeesItself =
      Is.Causal || C.Masks.empty() ||
      (K.A.Causality.Causal == Verdict::Proved && !K.A.Time.AssumesPadding);
  if (T == Target::Ort && C.ClearsNaN && !EachSeesItself)
    return "it gives zeros for a row that sees nothing, and that each row sees "
           "something is not proved";
  return {};
}

} // namespace

ValueId sizeOf(Maker &Make, ValueId V, int64_t Axis) {
  return Make.value("Gather",
                    {Make.value("Shape", {V}), Make.E.intVector({Axis})},
                    {Make.E.intAttr("axis", 0)});
}

Answer lowerAttention(const Kernel &K, Target T) {
  CoreMatcher Match(K);
  std::string Why = Match.run();
  Masking Is;
  if (Why.empty())
    Why = masking(K, Match.C, Is);
  if (Why.empty())
    Why = whyNotTarget(K, Match.C, Is, T);
  if (!Why.empty())
    return Answer::no(Why);
  for (NodeId N : K.Nodes)
    if (!Match.Nodes.contains(N) && !(opTraits(K.M[N].Kind) & trait::View) &&
        !llvm::all_of(K.M[N].Outputs, [&](ValueId V) { return K.folded(V); }))
      return Answer::no("'" + K.M.label(N) +
                        "' stands in it, which the operator does not do");
  Part P;
  P.Nodes = Match.Nodes;
  const Core C = Match.C;
  const Expr Groups = sharedHeads(K, C);
  // For a head of keys for each one of queries it is another way to write it.
  const bool NeedsGroups = Groups || C.SoftCap != 0;
  const std::string WhyNotGroups =
      T == Target::Ort && NeedsGroups
          ? whyNotGroupQuery(K, C, Is, Groups ? Groups : C.H)
          : "";
  if (T == Target::Ort && C.SoftCap != 0 && !WhyNotGroups.empty())
    return Answer::no("MultiHeadAttention has no soft cap, and " +
                      WhyNotGroups);
  if (T == Target::Onnx23)
    P.Op = "Attention";
  else
    P.Op = NeedsGroups && WhyNotGroups.empty() ? "GroupQueryAttention"
                                               : "MultiHeadAttention";
  if (!WhyNotGroups.empty())
    P.Note = "repeat the heads of keys and values: " + WhyNotGroups;
  else if (!Is.WhyNotCausal.empty())
    P.Note = "with their mask as an operand: " + Is.WhyNotCausal;
  const std::string Op = P.Op;
  P.Make = [&K, C, Is, Op, Groups](Maker &Make) {
    Make.bypass(C.Above);
    if (Op == "Attention")
      return makeAttention(Make, K, C, Is, bool(Groups));
    if (Op == "MultiHeadAttention")
      return makeMultiHead(Make, K, C, Is);
    const auto [Q, Key, V] = operands(Make, K, C, bool(Groups));
    giveFlatResult(
        Make, K, C,
        makeGroupQuery(
            Make, C, {flat(Make, Q), flat(Make, Key), flat(Make, V)},
            static_cast<int64_t>(*(Groups ? Groups : C.H).constant())));
  };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
