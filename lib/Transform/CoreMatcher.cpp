//===- CoreMatcher.cpp ----------------------------------------------------===//

#include "CoreMatcher.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <cstdio>

namespace xfa::lowering {

static std::string numberText(double Number) {
  char Text[32];
  std::snprintf(Text, sizeof Text, "%g", Number);
  return Text;
}

bool CoreMatcher::isMask(ValueId V) const { return !OfScores.contains(V); }

/// N turns [B·H, ·, ·] into [B, H, ·, ·], or back.
bool CoreMatcher::splitsHeads(NodeId N) {
  if (M[N].Kind != OpKind::Reshape || !K.facts(M[N].Inputs[0]).HasRank ||
      !K.facts(M[N].Outputs[0]).HasRank)
    return false;
  const Shape *Apart = &K.facts(M[N].Inputs[0]).Dims,
              *Merged = &K.facts(M[N].Outputs[0]).Dims;
  if (Apart->size() == 3)
    std::swap(Apart, Merged);
  if (Apart->size() != 4 || Merged->size() != 3 ||
      (*Merged)[0] != (*Apart)[0] * (*Apart)[1] ||
      (*Merged)[1] != (*Apart)[2] || (*Merged)[2] != (*Apart)[3])
    return false;
  C.B = (*Apart)[0];
  C.H = (*Apart)[1];
  return true;
}

/// V before Identity, Casts between float types, and views that take heads
/// apart or together.
ValueId CoreMatcher::widened(ValueId V) {
  for (;;) {
    V = K.strip(V, Nodes);
    const NodeId N = K.producer(V);
    if (!N || (M[N].Kind != OpKind::Cast && !splitsHeads(N)))
      return V;
    Nodes.insert(N);
    V = M[N].Inputs[0];
  }
}

/// Where(IsNaN(p), 0, p); V becomes p.
bool CoreMatcher::clearsNaN(ValueId &V) {
  const NodeId N = K.producer(V);
  if (!N || M[N].Kind != OpKind::Where || K.number(M[N].Inputs[1]) != 0.0)
    return false;
  const NodeId Test = K.producer(M[N].Inputs[0]);
  if (!Test || M[Test].Kind != OpKind::IsNaN ||
      M[Test].Inputs[0] != M[N].Inputs[2])
    return false;
  Nodes.insert(N);
  Nodes.insert(Test);
  V = M[N].Inputs[2];
  return true;
}

/// Softmax over columns, or exp(z) / Σ exp(z) with z the scores, their maximum
/// taken off or not; V becomes the scores.
bool CoreMatcher::softmax(ValueId &V) {
  const NodeId N = K.producer(V);
  if (!N)
    return false;
  Nodes.insert(N);
  if (M[N].Kind == OpKind::Softmax) {
    V = M[N].Inputs[0];
    return true;
  }
  if (M[N].Kind != OpKind::Div)
    return false;
  const ValueId Terms = K.strip(M[N].Inputs[0], Nodes);
  const NodeId Sum = K.producer(K.strip(M[N].Inputs[1], Nodes)),
               Exp = K.producer(Terms);
  if (!Sum || M[Sum].Kind != OpKind::ReduceSum || !K.reducesLastAxis(Sum) ||
      K.strip(M[Sum].Inputs[0], Nodes) != Terms || !Exp ||
      M[Exp].Kind != OpKind::Exp)
    return false;
  Nodes.insert(Sum);
  Nodes.insert(Exp);
  V = K.strip(M[Exp].Inputs[0], Nodes);
  const NodeId Minus = K.producer(V);
  if (!Minus || M[Minus].Kind != OpKind::Sub)
    return true;
  const NodeId Max = K.producer(K.strip(M[Minus].Inputs[1], Nodes));
  if (!Max || M[Max].Kind != OpKind::ReduceMax || !K.reducesLastAxis(Max) ||
      M[Max].Inputs[0] != M[Minus].Inputs[0])
    return false;
  Nodes.insert(Minus);
  Nodes.insert(Max);
  V = M[Minus].Inputs[0];
  return true;
}

/// Add of a mask or a bias; V becomes the scores.
std::string CoreMatcher::added(NodeId N, ValueId &V) {
  const unsigned Of = isMask(M[N].Inputs[0]) ? 1 : 0;
  const ValueId Bias = M[N].Inputs[1 - Of];
  if (!isMask(Bias))
    return label(N) + " adds the scores to themselves";
  C.Masks.push_back({Bias, ValueId()});
  V = M[N].Inputs[Of];
  return {};
}

/// Where(condition, scores, fill), or the other way round.
std::string CoreMatcher::filled(NodeId N, ValueId &V) {
  const unsigned Of = isMask(M[N].Inputs[1]) ? 2 : 1;
  const std::optional<double> Fill = K.number(M[N].Inputs[3 - Of]);
  if (!isMask(M[N].Inputs[0]) || isMask(M[N].Inputs[Of]) || !Fill)
    return label(N) + " is no choice between the scores and one number";
  C.Masks.push_back({ValueId(), M[N].Inputs[0], Of == 2, *Fill});
  V = M[N].Inputs[Of];
  // The operator adds: that is the same where the scores vanish beside what is
  // added, in fp32 at 1e30 those below 1e22.
  const bool Swallows = K.facts(V).Elem == ElemType::Float32 && *Fill <= -1e30;
  if (!Swallows && !std::isinf(*Fill))
    return label(N) + " writes " + numberText(*Fill) +
           " over scores, which the operator adds to them";
  if (*Fill > 0)
    return label(N) + " writes +inf over scores";
  return {};
}

/// Tanh, behind which all scales up to here stand; V becomes what it is of.
std::string CoreMatcher::capped(NodeId N, ValueId &V) {
  if (C.SoftCap != 0 || !(C.Scale > 0))
    return label(N) + " (Tanh) is no soft cap";
  C.SoftCap = C.Scale;
  C.Scale = 1;
  V = M[N].Inputs[0];
  return {};
}

/// From what the softmax reads up to the product of Q and K.
std::string CoreMatcher::scores(ValueId V) {
  bool Scaled = false;
  for (;;) {
    V = K.strip(V, Nodes);
    const NodeId N = K.producer(V);
    if (!N)
      return "the scores come from outside of it";
    if (splitsHeads(N)) {
      Nodes.insert(N);
      V = M[N].Inputs[0];
      continue;
    }
    const bool Masks = M[N].Kind == OpKind::Add || M[N].Kind == OpKind::Where;
    if (Masks && C.SoftCap != 0)
      return "it caps after " + label(N) +
             ", and the operator caps the product alone";
    if (Scaled && Masks)
      return "it scales after " + label(N) +
             ", and the operator scales the product alone";
    Nodes.insert(N);
    if (const std::optional<ScaleStep> Step = K.scaled(N)) {
      Scaled = true;
      C.Scale *= Step->Factor;
      V = M[N].Inputs[Step->Operand];
      continue;
    }
    std::string Why;
    switch (M[N].Kind) {
    case OpKind::Add:
      Why = added(N, V);
      break;
    case OpKind::Where:
      Why = filled(N, V);
      break;
    case OpKind::Tanh:
      Why = capped(N, V);
      Scaled = false;
      break;
    case OpKind::MatMul:
      C.Scores = N;
      C.Scored = K.facts(V).Elem;
      C.Query = M[N].Inputs[0];
      C.KeyTransposed = M[N].Inputs[1];
      if (!K.facts(V).HasRank)
        return "the rank of its scores is not known";
      if (std::string Why = headsOf(K.facts(V).Dims); !Why.empty())
        return Why;
      for (ValueId In : M[N].Inputs)
        scaleAbove(In);
      // The operator divides by the cap itself.
      if (C.SoftCap != 0)
        C.Scale *= C.SoftCap;
      return {};
    default:
      Why = label(N) + " (" + M[N].Op.str() +
            ") stands between the products, which the operator has no form for";
      break;
    }
    if (!Why.empty())
      return Why;
  }
}

/// Batch, heads, rows and columns.
std::string CoreMatcher::headsOf(const Shape &Scores) {
  if (Scores.size() == 4) {
    C.B = Scores[0];
    C.H = Scores[1];
  } else if (Scores.size() != 3) {
    return "its scores are not [batch, heads, rows, columns]";
  } else if (!C.H) {
    for (const Block &B : K.A.Found.Blocks)
      for (const AttentionCore &A : B.Attention)
        if (A.Scores == C.Scores)
          C.H = A.Heads;
    C.B = C.H ? tryExactDiv(Scores[0], C.H).value_or(Expr()) : Expr();
  }
  if (!C.B || !C.H || (Scores.size() == 3 && Scores[0] != C.B * C.H))
    return "of its scores " + toString(Scores[0]) +
           " times [rows, columns] it is not known how many belong to a "
           "sequence";
  C.S = Scores[Scores.size() - 2];
  C.T = Scores[Scores.size() - 1];
  return {};
}

/// Scales of an operand of the product; the views among them stay.
void CoreMatcher::scaleAbove(ValueId V) {
  for (NodeId N; (N = K.producer(V));) {
    if (std::optional<ScaleStep> Step = K.scaled(N)) {
      C.Above.push_back(*Step);
      C.Scale *= Step->Factor;
      Nodes.insert(N);
      V = M[N].Inputs[Step->Operand];
    } else if (opTraits(M[N].Kind) & trait::View) {
      V = M[N].Inputs[0];
    } else {
      return;
    }
  }
}

/// Q, K and V have the scores' batch and heads.
std::string CoreMatcher::layout() {
  for (ValueId V : {C.Query, C.KeyTransposed, C.Value}) {
    if (K.facts(V).HasRank && C.isMerged(K.facts(V).Dims))
      continue;
    if (!K.hasRank(V, 4))
      return "its operands are not [batch, heads, positions, width]";
    if (K.facts(V).Dims[0] != C.B || K.facts(V).Dims[1] != C.H)
      return "'" + M[V].Name.str() + "' is broadcast to the scores' heads";
  }
  for (ValueId V : {C.KeyTransposed, C.Value, C.Result})
    if (K.facts(V).Elem != K.facts(C.Query).Elem)
      return "'" + M[V].Name.str() + "' is of another type than '" +
             M[C.Query].Name.str() + "'";
  if (!C.H.constant() || *C.H.constant() <= 0)
    return "the number of heads is not known";
  return {};
}

std::string CoreMatcher::run() {
  if (K.body().Outputs.size() != 1)
    return "it gives more than one value";
  C.Result = K.body().Outputs[0];
  const NodeId Values = K.producer(C.Result);
  if (!Values || M[Values].Kind != OpKind::MatMul)
    return "it does not end with a MatMul of probabilities and V";
  Nodes.insert(Values);
  C.Values = Values;
  C.Value = M[Values].Inputs[1];
  // What the product of Q and K goes into, so that masks can be told from it.
  const auto Product = llvm::find_if(K.Nodes, [&](NodeId N) {
    return M[N].Kind == OpKind::MatMul && N != Values;
  });
  if (Product == K.Nodes.end())
    return "its first product is no MatMul";
  OfScores.insert(M[*Product].Outputs[0]);
  for (NodeId N : K.Nodes)
    if (M[N].Kind != OpKind::Shape &&
        llvm::any_of(M[N].Inputs, [&](ValueId V) { return !isMask(V); }))
      OfScores.insert(M[N].Outputs.begin(), M[N].Outputs.end());
  if (!isMask(C.Value))
    return "its probabilities are not the left operand of their product";

  ValueId V = widened(M[Values].Inputs[0]);
  C.ClearsNaN = clearsNaN(V);
  if (C.ClearsNaN)
    V = widened(V);
  C.Softmax = K.facts(V).Elem;
  if (!softmax(V))
    return "between its softmax and the product with V stands something else";
  if (std::string Why = scores(widened(V)); !Why.empty())
    return Why;
  return layout();
}

} // namespace xfa::lowering
