//===- Projections.cpp - the products with weights around the cores -------===//

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

void Recogniser::findProducts() {
  NodeSet OfCores;
  for (const FoundCore &C : Cores) {
    if (C.Core.Fused)
      continue;
    OfCores.insert(C.Core.Scores);
    OfCores.insert(C.Core.Values);
  }
  for (NodeId N : G.order()) {
    if (OfCores.contains(N))
      continue;
    std::optional<WeightProduct> P = asWeightProduct(G, N, Store);
    if (!P || G.folded(G.result(N)))
      continue;
    int Index = static_cast<int>(Products.size());
    ProductAt[N] = Index;
    for (NodeId Tail : P->Tail)
      ProductAt[Tail] = Index;
    Products.push_back(std::move(*P));
  }
}

/// Upstream of an operand of a core, through rotary embedding, per-head norms,
/// the cache and the expansion of heads, to the first product with a weight.
/// `Path`: the nodes in between that carry its result.
int Recogniser::productOf(ValueId Operand, NodeSet &Path, const FoundCore &C) {
  llvm::SmallVector<ValueId, 16> Work = {Operand};
  NodeSet Seen;
  int Best = -1;
  while (!Work.empty() && Seen.size() < 256) {
    ValueId V = Work.pop_back_val();
    NodeId N = G.producer(V);
    if (!N || G.isWeight(V))
      continue;
    if (auto It = ProductAt.find(N); It != ProductAt.end()) {
      // Of a sum of products (low-rank adapters) the widest is the projection.
      const WeightProduct &P = Products[It->second];
      if (Best < 0 || less(Products[Best].In, P.In) == Truth::True)
        Best = It->second;
      continue;
    }
    if (asContraction(G, N, Store) || G.kind(N) == OpKind::Cos ||
        G.kind(N) == OpKind::Sin || G.kind(N) == OpKind::Softmax)
      continue;
    // A norm over the whole width is the block's, not the head's.
    if (auto It = NormAt.find(N); It != NormAt.end()) {
      Expr Width = Norms[It->second].Width;
      if (Width && C.Core.HeadDim && Width != C.Core.HeadDim)
        continue;
    }
    if (!Seen.insert(N))
      continue;
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I))
        Work.push_back(In);
  }
  if (Best < 0) {
    // An operand of the graph itself: views, and a cache that it is added to.
    for (ValueId V = Operand; V;) {
      NodeId N = G.producer(V);
      bool Appends = N && G.kind(N) == OpKind::Concat;
      if (!N || (!G.isPassThrough(N) && !Appends))
        break;
      Path.insert(N);
      V = G.operand(N, Appends ? M[N].Inputs.size() - 1 : 0);
    }
    return -1;
  }
  // Of what was passed, keep what is downstream of the product.
  llvm::SmallVector<NodeId, 16> Ordered(Seen.begin(), Seen.end());
  llvm::sort(Ordered,
             [&](NodeId A, NodeId B) { return G.position(A) < G.position(B); });
  NodeSet Fed;
  for (NodeId N : Ordered)
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
      NodeId From = G.producer(G.operand(N, I));
      if (!From)
        continue;
      auto It = ProductAt.find(From);
      if ((It != ProductAt.end() && It->second == Best) || Fed.contains(From))
        Fed.insert(N);
    }
  Path = Fed;
  return Best;
}

/// Forward from a core's result to the product that it goes through.
int Recogniser::productAfter(ValueId Result) {
  ValueId V = Result;
  for (unsigned Step = 0; Step < 32 && V; ++Step) {
    NodeId Next;
    for (NodeId Reader : G.consumers(V)) {
      if (auto It = ProductAt.find(Reader); It != ProductAt.end())
        return It->second;
      if (G.isPassThrough(Reader) || G.kind(Reader) == OpKind::Mul ||
          G.kind(Reader) == OpKind::QuantizeLinear ||
          G.kind(Reader) == OpKind::DynamicQuantizeLinear ||
          NormAt.count(Reader))
        Next = Reader;
    }
    if (!Next)
      return -1;
    V = G.result(Next);
  }
  return -1;
}

/// The length that a cache has before the step: a float operand of a Concat on
/// the path that is a graph input.
static bool findPast(const FlatGraph &G, const NodeSet &Path, ValueId &Past) {
  for (NodeId N : Path) {
    if (G.kind(N) != OpKind::Concat && G.kind(N) != OpKind::ScatterND &&
        G.kind(N) != OpKind::TensorScatter)
      continue;
    ValueId First = G.strip(G.operand(N, 0));
    if (First && G.M[First].IsInput && isFloat(G.Facts[First].Elem)) {
      Past = First;
      return true;
    }
  }
  return false;
}

/// The key before its heads are expanded for the groups: what an Expand on the
/// path reads.
static Expr keyElements(const FlatGraph &G, const NodeSet &Path,
                        ValueId Operand, ExprStore &Store) {
  ValueId V = Operand;
  Expr Elements = numElements(Store, G.Facts[G.canonical(V)].Dims);
  for (NodeId N : Path)
    if (G.kind(N) == OpKind::Expand || G.kind(N) == OpKind::Tile) {
      ValueId In = G.operand(N, 0);
      if (In && G.Facts[In].HasRank)
        Elements = numElements(Store, G.Facts[In].Dims);
    }
  return Elements;
}

/// Elements of V as the file has them before it splits heads off: of what
/// Reshape and Transpose alone stand above V for. [B,N,D] has B·N·D of them,
/// where [B,N,H,D//H] has B·N·H·(D//H), which is the same only for an H that
/// divides D.
static Expr elementsBeforeHeads(const FlatGraph &G, ValueId V,
                                ExprStore &Store) {
  for (V = G.canonical(V);;) {
    NodeId P = G.producer(V);
    bool Moves =
        P && (G.kind(P) == OpKind::Reshape || G.kind(P) == OpKind::Transpose);
    ValueId From = Moves ? G.operand(P, 0) : ValueId();
    if (!From || !G.Facts[From].HasRank)
      return numElements(Store, G.Facts[V].Dims);
    V = From;
  }
}

/// A factor that is known before the graph runs: x · c or x / c.
bool Recogniser::isScaling(NodeId N) const {
  if (G.kind(N) != OpKind::Mul && G.kind(N) != OpKind::Div)
    return false;
  for (unsigned I = 0; I < 2; ++I)
    if (ValueId V = G.operand(N, I); V && G.folded(V) && G.oneElement(V))
      return true;
  return false;
}

void Recogniser::connectCores() {
  for (FoundCore &C : Cores) {
    C.Q = productOf(C.QueryOperand, C.QueryPath, C);
    C.K = productOf(C.KeyOperand, C.KeyPath, C);
    C.V = productOf(C.ValueOperand, C.ValuePath, C);
    C.Out = productAfter(C.Core.Result);
    for (const NodeSet *Path : {&C.QueryPath, &C.KeyPath})
      for (NodeId N : *Path)
        C.Core.Scaled |= isScaling(N) && !NormAt.count(N);
    measureCore(C);
  }
}

static Projection projection(const WeightProduct &P, Expr Out) {
  Projection R;
  R.Product = P.Node;
  R.Input = P.Data;
  R.Weight = P.Weight;
  R.In = P.In;
  R.Out = Out;
  R.Bias = P.Bias;
  return R;
}

/// Batch, heads and widths, from the shapes of the operands and the products.
/// Two products read the same values, at once or through other products and
/// norms, as low-rank projections do.
bool Recogniser::sameStream(int P, int Q) const {
  auto Above = [&](int Product) {
    llvm::SmallVector<ValueId, 4> Values;
    ValueId V = Products[Product].Data;
    while (V && !llvm::is_contained(Values, V)) {
      Values.push_back(V);
      NodeId From = G.producer(V);
      if (!From)
        break;
      auto Norm = NormAt.find(From);
      auto Low = ProductAt.find(From);
      V = Norm != NormAt.end()     ? G.strip(Norms[Norm->second].Input)
          : Low != ProductAt.end() ? Products[Low->second].Data
                                   : ValueId();
    }
    return Values;
  };
  llvm::SmallVector<ValueId, 4> Others = Above(Q);
  return llvm::any_of(Above(P),
                      [&](ValueId V) { return llvm::is_contained(Others, V); });
}

void Recogniser::measureCore(FoundCore &C) {
  AttentionCore &A = C.Core;
  A.Query = C.QueryOperand;
  A.Key = C.KeyOperand;
  A.Value = C.ValueOperand;
  if (!A.Fused) {
    const ValueFacts &Q = Facts[C.QueryOperand];
    A.Cached = findPast(G, C.KeyPath, A.PastKey);
    findPast(G, C.ValuePath, A.PastValue);
    // The scores have batch·heads leading elements; a projection has
    // batch·rows of them.
    if (C.Q >= 0 && Q.HasRank) {
      Expr QueryElements = numElements(Store, Q.Dims);
      Expr Tokens = Products[C.Q].Rows;
      A.Heads = exactDiv(QueryElements, Tokens * A.HeadDim);
    } else if (Q.HasRank && Q.rank() == 4) {
      A.Heads = Q.Dims[1];
    } else {
      A.Heads = Store.constant(1);
    }
    A.Batch = exactDiv(A.Batch, A.Heads);
    // Where only a part of a key is expanded, the groups are not to be seen.
    auto Each = [&](const NodeSet &Path, ValueId V, Expr Others) {
      Expr Elements = numElements(Store, Facts[G.canonical(V)].Dims);
      return tryExactDiv(keyElements(G, Path, V, Store), Others)
          .value_or(exactDiv(Elements, Others));
    };
    A.KvHeads = Each(C.KeyPath, C.KeyOperand, A.Batch * A.Columns * A.HeadDim);
    A.ValueDim =
        Each(C.ValuePath, C.ValueOperand, A.Batch * A.Columns * A.KvHeads);
  } else if (!A.KvHeads) {
    A.KvHeads = A.Heads;
  }
  // Widths of all heads together.
  auto Width = [&](ValueId V, Expr Tokens, Expr Heads, Expr Each) {
    if (!A.Fused && G.Facts[G.canonical(V)].HasRank)
      if (std::optional<Expr> All =
              tryExactDiv(elementsBeforeHeads(G, V, Store), Tokens))
        if (provablyEqual(floorDiv(*All, Heads), Each))
          return *All;
    return Heads * Each;
  };
  A.QueryWidth = Width(C.QueryOperand, A.Batch * A.Rows, A.Heads, A.HeadDim);
  A.KeyWidth = Width(C.KeyOperand, A.Batch * A.Columns, A.KvHeads, A.HeadDim);
  A.ValueWidth =
      Width(C.ValueOperand, A.Batch * A.Columns, A.KvHeads, A.ValueDim);
  A.ResultWidth = A.Heads == A.KvHeads ? A.ValueWidth : A.Heads * A.ValueDim;
  if (C.Q >= 0)
    A.Q = projection(Products[C.Q], A.QueryWidth);
  if (C.K >= 0)
    A.K = projection(Products[C.K], A.KeyWidth);
  if (C.V >= 0)
    A.V = projection(Products[C.V], A.ValueWidth);
  if (C.Out >= 0)
    A.Out = projection(Products[C.Out], Products[C.Out].Out);
  // Keys from another stream than the queries'.
  if (C.Q >= 0)
    A.Cross =
        C.K >= 0 ? !sameStream(C.K, C.Q) : !A.Cached && !C.KeyPath.empty();
  if (C.Q >= 0 && C.K < 0 && !A.Cached && M[G.strip(C.KeyOperand)].IsInput)
    A.Cross = true;

  // A packed product reads X once for all that it gives.
  A.SavedReads = Store.constant(0);
  llvm::SmallVector<int, 3> Given;
  for (int P : {C.Q, C.K, C.V}) {
    if (P < 0)
      continue;
    if (llvm::is_contained(Given, P)) {
      A.PackedQkv = true;
      A.SavedReads += Products[P].Rows * Products[P].In;
    }
    Given.push_back(P);
  }
}

//===----------------------------------------------------------------------===//
// MLPs
//===----------------------------------------------------------------------===//

static bool isNonlinear(OpKind Kind) {
  switch (Kind) {
  case OpKind::Relu:
  case OpKind::Tanh:
  case OpKind::Erf:
  case OpKind::Sigmoid:
  case OpKind::Gelu:
  case OpKind::MsFastGelu:
  case OpKind::MsGelu:
  case OpKind::MsBiasGelu:
  case OpKind::MsQuickGelu:
  case OpKind::HardSigmoid:
  case OpKind::HardSwish:
  case OpKind::Swish:
  case OpKind::Mish:
  case OpKind::Softplus:
  case OpKind::LeakyRelu:
  case OpKind::Elu:
    return true;
  default:
    return false;
  }
}

/// Widening product(s), a nonlinearity, a narrowing product: found from the
/// narrowing one backwards.
void Recogniser::findMlps() {
  llvm::DenseSet<int> Taken;
  for (const FoundCore &C : Cores)
    for (int P : {C.Q, C.K, C.V, C.Out})
      if (P >= 0)
        Taken.insert(P);
  for (int Down = 0; Down < static_cast<int>(Products.size()); ++Down) {
    if (Taken.count(Down))
      continue;
    FoundMlp L;
    L.Down = Down;
    bool Nonlinear = false;
    llvm::SmallVector<std::pair<ValueId, bool>, 16>
        Work; // after a nonlinearity
    // Start from the operand itself, so that views on the way are seen.
    NodeId DownNode = Products[Down].Node;
    for (unsigned I = 0; I < M[DownNode].Inputs.size(); ++I)
      if (ValueId In = G.operand(DownNode, I))
        if (!G.isWeight(In))
          Work.push_back({In, false});
    llvm::SmallSetVector<int, 2> Ups, Activated;
    NodeSet Seen;
    while (!Work.empty() && Seen.size() < 128) {
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
          G.kind(N) == OpKind::Softmax || G.kind(N) == OpKind::Attention)
        continue;
      bool Here = isNonlinear(G.kind(N));
      Nonlinear |= Here;
      if (!Seen.insert(N) && !(After || Here))
        continue;
      for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
        if (ValueId In = G.operand(N, I))
          if (!G.isWeight(In))
            Work.push_back({In, After || Here});
      if (Seen.size() > 64)
        break;
    }
    if (!Nonlinear || Ups.empty() || Ups.size() > 2)
      continue;
    bool Fits = true;
    for (int Up : Ups)
      Fits &= !Taken.count(Up) && Products[Up].In == Products[Down].Out &&
              Products[Up].Rows == Products[Down].Rows;
    if (!Fits)
      continue;
    // The gate goes through the nonlinearity, the other product does not; a
    // packed product is both.
    if (Ups.size() == 2) {
      bool FirstGates = Activated.contains(Ups[0]);
      L.Gate = FirstGates ? Ups[0] : Ups[1];
      L.Up = FirstGates ? Ups[1] : Ups[0];
    } else {
      L.Up = Ups[0];
      if (Products[L.Up].Out == Products[Down].In * 2)
        L.Gate = L.Up;
    }
    L.Path = Seen;
    // A bias inside the operator after the product counts with the product.
    for (NodeId N : L.Path)
      if (G.kind(N) == OpKind::MsFastGelu || G.kind(N) == OpKind::MsBiasGelu)
        Products[L.Up].Bias |= bool(G.operand(N, 1));
    for (NodeId N : G.consumers(Products[Down].Result))
      if (G.kind(N) == OpKind::MsSkipLayerNormalization)
        Products[Down].Bias |= bool(G.operand(N, 4));
      else if (G.kind(N) == OpKind::MsSkipSimplifiedLayerNormalization)
        Products[Down].Bias |= bool(G.operand(N, 3));
    for (int P : {L.Up, L.Gate, L.Down})
      if (P >= 0)
        Taken.insert(P);
    Mlps.push_back(std::move(L));
  }
}

} // namespace xfa
