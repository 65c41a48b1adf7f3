//===- Norms.cpp - norm operators and norms spelled out -------------------===//

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

bool isNormOperator(OpKind Kind, bool &Centred) {
  switch (Kind) {
  case OpKind::LayerNormalization:
  case OpKind::MsSkipLayerNormalization:
  case OpKind::GroupNormalization:
  case OpKind::InstanceNormalization:
  case OpKind::BatchNormalization:
    Centred = true;
    return true;
  case OpKind::RMSNormalization:
  case OpKind::SimplifiedLayerNormalization:
  case OpKind::MsSkipSimplifiedLayerNormalization:
    Centred = false;
    return true;
  default:
    return false;
  }
}

} // namespace

/// Spelled out: Sqrt(ReduceMean(x²) + ε) dividing x, then a weight and a bias.
void Recogniser::findNorms() {
  auto Record = [&](FoundNorm Norm) {
    for (NodeId N : Norm.Nodes)
      NormAt[N] = static_cast<int>(Norms.size());
    Norms.push_back(std::move(Norm));
  };
  for (NodeId N : G.order()) {
    FoundNorm Norm;
    if (isNormOperator(G.kind(N), Norm.Centred)) {
      Norm.Input = G.operand(N, 0);
      Norm.Result = G.result(N);
      Norm.Nodes.push_back(N);
      if (Norm.Input && Facts[Norm.Input].HasRank &&
          Facts[Norm.Input].rank() > 0)
        Norm.Width = Facts[Norm.Input].Dims.back();
      if (Norm.Input && Norm.Result)
        Record(std::move(Norm));
      continue;
    }
    if (G.kind(N) != OpKind::Sqrt && G.kind(N) != OpKind::Pow)
      continue;
    // √(mean of squares + ε), the ε by Add.
    NodeId Eps = G.producer(G.operand(N, 0));
    if (!Eps || G.kind(Eps) != OpKind::Add || G.folded(G.result(N)))
      continue;
    ValueId MeanOf;
    for (unsigned I = 0; I < 2; ++I)
      if (ValueId In = G.operand(Eps, I))
        if (!G.folded(In))
          MeanOf = In;
    NodeId Mean = G.producer(MeanOf);
    if (!Mean || G.kind(Mean) != OpKind::ReduceMean)
      continue;
    NodeId Square = G.producer(G.operand(Mean, 0));
    if (!Square ||
        (G.kind(Square) != OpKind::Pow && G.kind(Square) != OpKind::Mul))
      continue;
    ValueId Deviation = G.operand(Square, 0);
    Norm.Nodes.append({Square, Mean, Eps, N});
    Norm.Input = Deviation;
    if (Facts[Deviation].HasRank && Facts[Deviation].rank() > 0)
      Norm.Width = Facts[Deviation].Dims.back();
    NodeId Centre = G.producer(Deviation);
    if (Centre && G.kind(Centre) == OpKind::Cast) { // exports widen here
      NodeId Above = G.producer(G.operand(Centre, 0));
      if (Above && G.kind(Above) == OpKind::Sub)
        Norm.Nodes.push_back(Centre);
      Centre = Above;
    }
    if (Centre && G.kind(Centre) == OpKind::Sub) {
      NodeId Average = G.producer(G.operand(Centre, 1));
      if (Average && G.kind(Average) == OpKind::ReduceMean &&
          G.operand(Average, 0) == G.operand(Centre, 0)) {
        Norm.Centred = true;
        Norm.Input = G.operand(Centre, 0);
        Norm.Nodes.append({Average, Centre});
        // Another Sub of the same operands feeds the division in some exports.
        for (NodeId Twin : G.consumers(Norm.Input))
          if (Twin != Centre && G.kind(Twin) == OpKind::Sub &&
              G.operand(Twin, 1) == G.operand(Centre, 1))
            Norm.Nodes.push_back(Twin);
      }
    }
    // Downwards: the division, then constants times and plus.
    ValueId V = G.result(N);
    Norm.Result = V;
    for (unsigned Step = 0; Step < 8 && V; ++Step) {
      NodeId Next;
      for (NodeId Reader : G.consumers(V)) {
        OpKind K = G.kind(Reader);
        bool Divides = K == OpKind::Div || K == OpKind::Reciprocal;
        bool Widens = K == OpKind::Cast || K == OpKind::Identity;
        bool Scales = K == OpKind::Mul || K == OpKind::Add;
        if (Scales) {
          ValueId A = G.operand(Reader, 0), B = G.operand(Reader, 1);
          ValueId Other = A == G.canonical(V) ? B : A;
          NodeId OtherNode = G.producer(Other);
          bool OfInput =
              Other == G.canonical(Norm.Input) ||
              Other == G.canonical(Deviation) ||
              (OtherNode && llvm::is_contained(Norm.Nodes, OtherNode));
          Scales =
              Other && (G.isWeight(Other) || (K == OpKind::Mul && OfInput));
        }
        if (Divides || Widens || Scales)
          Next = Reader;
      }
      if (!Next || (G.consumers(V).size() > 1 && Step > 1))
        break;
      Norm.Nodes.push_back(Next);
      V = G.result(Next);
      Norm.Result = V;
    }
    if (Norm.Result)
      Record(std::move(Norm));
  }
}

/// The first norm in front of a product of the blocks: not the one behind the
/// last layer, nor one of queries and keys.
llvm::StringRef Recogniser::normOfBlocks() const {
  int Last = -1;
  for (const FoundCore &C : Cores)
    Last = std::max(Last, G.position(C.Core.Softmax));
  for (const FoundMlp &L : Mlps)
    if (!L.Operator)
      Last = std::max(Last, G.position(Products[L.Down].Node));
  for (const FoundNorm &Norm : Norms) {
    const bool OfHeads =
        S.HeadDim && Norm.Width == S.HeadDim && Norm.Width != S.Hidden;
    if (Last < 0 || (!OfHeads && G.position(Norm.Nodes.front()) < Last))
      return Norm.Centred ? "layer_norm" : "rms_norm";
  }
  return "";
}

} // namespace xfa
