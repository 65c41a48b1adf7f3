//===- Mlps.cpp - widening, a nonlinearity, narrowing ---------------------===//

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// Works element by element, and is neither linear nor made to round or to
/// choose: an activation, or a part of one.
static bool isNonlinear(OpKind Kind) {
  switch (plainKind(Kind)) {
  case OpKind::Pow:
  case OpKind::Abs:
  case OpKind::Sqrt:
  case OpKind::Exp:
  case OpKind::Log:
  case OpKind::Erf:
  case OpKind::Sin:
  case OpKind::Cos:
  case OpKind::Tan:
  case OpKind::Asin:
  case OpKind::Acos:
  case OpKind::Atan:
  case OpKind::Sinh:
  case OpKind::Cosh:
  case OpKind::Tanh:
  case OpKind::Asinh:
  case OpKind::Acosh:
  case OpKind::Atanh:
  case OpKind::Sigmoid:
  case OpKind::Relu:
  case OpKind::LeakyRelu:
  case OpKind::PRelu:
  case OpKind::ThresholdedRelu:
  case OpKind::Elu:
  case OpKind::Celu:
  case OpKind::Selu:
  case OpKind::HardSigmoid:
  case OpKind::HardSwish:
  case OpKind::Softplus:
  case OpKind::Softsign:
  case OpKind::Shrink:
  case OpKind::Max:
  case OpKind::Min:
  case OpKind::Clip:
  case OpKind::Gelu:
  case OpKind::Swish:
  case OpKind::Mish:
  case OpKind::MsFastGelu:
  case OpKind::MsGelu:
  case OpKind::MsBiasGelu:
  case OpKind::MsQuickGelu:
    return true;
  default:
    return false;
  }
}

/// Works on each token for itself: anything else mixes positions, and what it
/// is part of is no MLP.
static bool staysInToken(const FlatGraph &G, NodeId N) {
  const OpKind Kind = G.kind(N);
  if (Kind == OpKind::CumSum || Kind == OpKind::CumProd)
    return false; // of all elements up to one
  return plainKind(Kind) == OpKind::Concat || quantises(Kind) ||
         G.isPassThrough(N) || isNonlinear(Kind) ||
         (opTraits(Kind) & trait::Elementwise) != 0;
}

/// Squeeze and excite: what the products give goes through a sigmoid and scales
/// the channels of something else. A block writes to its stream instead.
static bool scalesChannels(const FlatGraph &G, ValueId V) {
  for (unsigned Step = 0; Step < 8; ++Step) {
    llvm::ArrayRef<NodeId> Readers = G.consumers(V);
    if (Readers.size() != 1 || G.isOutput(V))
      return false;
    const OpKind Kind = plainKind(G.kind(Readers[0]));
    if (Kind == OpKind::Sigmoid || Kind == OpKind::HardSigmoid)
      return true;
    if (!G.isPassThrough(Readers[0]) && !quantises(Kind))
      return false;
    V = G.result(Readers[0]);
  }
  return false;
}

/// What a product has left besides what cores take of it: columns for a product
/// in front of cores, rows for one behind them.
Expr Recogniser::widthLeft(int Product, bool InFront) const {
  Expr Left = InFront ? Products[Product].Out : Products[Product].In;
  for (const FoundCore &C : Cores) {
    const AttentionCore &A = C.Core;
    if (!InFront) {
      if (C.Out == Product)
        Left -= A.ResultWidth;
      continue;
    }
    for (auto [P, Width] :
         {std::pair(C.Q, A.QueryWidth), std::pair(C.K, A.KeyWidth),
          std::pair(C.V, A.ValueWidth)})
      if (P == Product)
        Left -= Width;
  }
  return Left;
}

/// The MLP that ends in this product, if one does.
std::optional<FoundMlp>
Recogniser::mlpBefore(int Down, const llvm::DenseSet<int> &Taken) const {
  FoundMlp L;
  L.Down = Down;
  bool Nonlinear = false;
  // Each value, and whether it goes through a nonlinearity later.
  llvm::SmallVector<std::pair<ValueId, bool>, 16> Work;
  // From the operand itself, so that views on the way are seen.
  Work.push_back({Products[Down].Operand, false});
  llvm::SmallSetVector<int, 2> Ups, Activated;
  NodeSet Seen[2];
  while (!Work.empty() && Seen[0].size() + Seen[1].size() < 128) {
    auto [V, After] = Work.pop_back_val();
    NodeId N = G.producer(V);
    if (!N || G.isWeight(V))
      continue;
    if (auto It = ProductAt.find(N); It != ProductAt.end()) {
      Ups.insert(It->second);
      if (After)
        Activated.insert(It->second);
      continue;
    }
    if (asContraction(G, N, Store) || NormAt.count(N) ||
        plainKind(G.kind(N)) == OpKind::Softmax ||
        G.kind(N) == OpKind::Attention)
      continue;
    if (!staysInToken(G, N))
      return std::nullopt;
    bool Here = isNonlinear(G.kind(N));
    Nonlinear |= Here;
    if (!Seen[After].insert(N))
      continue;
    L.Path.insert(N);
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I))
        if (!G.isWeight(In))
          Work.push_back({In, After || Here});
  }
  if (!Nonlinear || Ups.empty() || Ups.size() > 2 ||
      scalesChannels(G, Products[Down].Result))
    return std::nullopt;
  // In a parallel block one product may serve both, attention and MLP.
  L.Hidden = Products[Down].In;
  if (Taken.count(Down))
    L.Hidden = widthLeft(Down, /*InFront=*/false);
  Expr Gated = L.Hidden * 2;
  for (int Up : Ups) {
    if (Products[Up].In != Products[Down].Out ||
        Products[Up].Rows != Products[Down].Rows)
      return std::nullopt;
    Expr Left = widthLeft(Up, /*InFront=*/true);
    bool Fits = Left == L.Hidden || (Ups.size() == 1 && Left == Gated);
    if ((Taken.count(Up) || Taken.count(Down)) && !Fits)
      return std::nullopt;
  }
  // The gate goes through the nonlinearity, the other product does not; a
  // packed product is both.
  if (Ups.size() == 2) {
    bool FirstGates = Activated.contains(Ups[0]);
    L.Gate = FirstGates ? Ups[0] : Ups[1];
    L.Up = FirstGates ? Ups[1] : Ups[0];
  } else {
    L.Up = Ups[0];
    if (widthLeft(L.Up, /*InFront=*/true) == Gated)
      L.Gate = L.Up;
  }
  return L;
}

/// Widening product(s), a nonlinearity, a narrowing product: found from the
/// narrowing one backwards.
void Recogniser::findMlps() {
  llvm::DenseSet<int> Taken, Before;
  for (const FoundCore &C : Cores) {
    for (int P : {C.Q, C.K, C.V})
      if (P >= 0)
        Before.insert(P);
    if (C.Out >= 0)
      Taken.insert(C.Out);
  }
  Taken.insert(Before.begin(), Before.end());
  findExpertOperators(Before);
  for (int Down = 0; Down < static_cast<int>(Products.size()); ++Down) {
    if (Before.count(Down))
      continue;
    std::optional<FoundMlp> L = mlpBefore(Down, Taken);
    if (!L)
      continue;
    // A bias inside the operator after the product counts with the product.
    for (NodeId N : L->Path)
      if (G.kind(N) == OpKind::MsFastGelu || G.kind(N) == OpKind::MsBiasGelu)
        Products[L->Up].Bias |= bool(G.operand(N, 1));
    for (NodeId N : G.consumers(Products[Down].Result))
      if (G.kind(N) == OpKind::MsSkipLayerNormalization)
        Products[Down].Bias |= bool(G.operand(N, 4));
      else if (G.kind(N) == OpKind::MsSkipSimplifiedLayerNormalization)
        Products[Down].Bias |= bool(G.operand(N, 3));
    for (int P : {L->Up, L->Gate, L->Down})
      if (P >= 0) {
        Taken.insert(P);
        Before.insert(P);
      }
    Mlps.push_back(std::move(*L));
  }
}

} // namespace xfa
