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

/// A norm of heads, or of all heads of a product at once, stands between it and
/// a core; another one that is met on the way up is the block's, and what is
/// above it is not the core's own.
bool Recogniser::isNormOfBlock(const FoundNorm &Norm,
                               const FoundCore &C) const {
  if (!Norm.Width || !C.Core.HeadDim || Norm.Width == C.Core.HeadDim)
    return false;
  OpKind Kind = G.kind(Norm.Nodes.front());
  if (Kind == OpKind::MsSkipLayerNormalization ||
      Kind == OpKind::MsSkipSimplifiedLayerNormalization)
    return true; // it takes the stream's sum
  int Product = productGiving(G.strip(Norm.Input));
  return Product < 0 || Products[Product].Out != Norm.Width;
}

/// Upstream of an operand of a core, through rotary embedding, per-head norms,
/// the cache and the expansion of heads, to the first product with a weight.
/// `Path`: the nodes in between that carry its result.
int Recogniser::productOf(ValueId Operand, NodeSet &Path, const FoundCore &C) {
  llvm::SmallVector<ValueId, 16> Work = {Operand};
  NodeSet Seen;
  llvm::SmallSetVector<int, 4> Found;
  while (!Work.empty() && Seen.size() < 256) {
    ValueId V = Work.pop_back_val();
    NodeId N = G.producer(V);
    if (!N || G.isWeight(V))
      continue;
    if (auto It = ProductAt.find(N); It != ProductAt.end()) {
      Found.insert(It->second);
      continue;
    }
    if (asContraction(G, N, Store) || G.kind(N) == OpKind::Cos ||
        G.kind(N) == OpKind::Sin || G.kind(N) == OpKind::Softmax)
      continue;
    if (auto It = NormAt.find(N);
        It != NormAt.end() && isNormOfBlock(Norms[It->second], C))
      continue;
    if (!Seen.insert(N))
      continue;
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I))
        Work.push_back(In);
  }
  // Of a sum of products (low-rank adapters) the one that reads most is the
  // projection; of parts that are made one from the other (a rotary part beside
  // a latent one) the last.
  int Best = -1;
  for (int P : Found) {
    if (llvm::any_of(Found, [&](int Other) { return feeds(P, Other); }))
      continue;
    if (Best < 0 || less(Products[Best].In, Products[P].In) == Truth::True)
      Best = P;
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

/// Side by side along the last axis: columns of one operand of a product.
static bool joinsColumns(const FlatGraph &G, NodeId N) {
  const Attribute *Axis = G.M[N].attribute("axis");
  ValueId Out = G.result(N);
  return G.kind(N) == OpKind::Concat && Axis && Out && G.Facts[Out].HasRank &&
         (Axis->I == -1 || Axis->I == G.Facts[Out].rank() - 1);
}

/// Forward from a core's result to the product that it goes through.
int Recogniser::productAfter(ValueId Result) {
  ValueId V = Result;
  for (unsigned Step = 0; Step < 32 && V; ++Step) {
    NodeId Next;
    for (NodeId Reader : G.consumers(V)) {
      if (auto It = ProductAt.find(Reader); It != ProductAt.end())
        return It->second;
      if (G.isPassThrough(Reader) || quantises(G.kind(Reader)) ||
          plainKind(G.kind(Reader)) == OpKind::Mul || joinsColumns(G, Reader) ||
          NormAt.count(Reader))
        Next = Reader;
    }
    if (!Next)
      return -1;
    V = G.result(Next);
  }
  return -1;
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
    if (!C.Core.Q) { // else inside of the operator
      C.Q = productOf(C.QueryOperand, C.QueryPath, C);
      C.K = productOf(C.KeyOperand, C.KeyPath, C);
      C.V = productOf(C.ValueOperand, C.ValuePath, C);
    }
    C.Out = productAfter(C.Core.Result);
    for (const NodeSet *Path : {&C.QueryPath, &C.KeyPath})
      for (NodeId N : *Path)
        C.Core.Scaled |= isScaling(N) && !NormAt.count(N);
    measureCore(C);
  }
}

/// What a product reads, and what that was made from by norms and other
/// products, as low-rank projections do.
llvm::SmallVector<ValueId, 4> Recogniser::streamsAbove(int Product) const {
  llvm::SmallVector<ValueId, 4> Values;
  ValueId V = Products[Product].Data;
  while (V && !llvm::is_contained(Values, V)) {
    Values.push_back(V);
    int Low = productGiving(V);
    NodeId From = G.producer(V);
    auto Norm = From ? NormAt.find(From) : NormAt.end();
    V = Norm != NormAt.end() ? G.strip(Norms[Norm->second].Input)
        : Low >= 0           ? Products[Low].Data
                             : ValueId();
  }
  return Values;
}

int Recogniser::productGiving(ValueId V) const {
  NodeId From = G.producer(V);
  auto It = From ? ProductAt.find(From) : ProductAt.end();
  return It == ProductAt.end() ? -1 : It->second;
}

/// One product is made from the other's result.
bool Recogniser::feeds(int Low, int Product) const {
  return Low != Product && llvm::any_of(streamsAbove(Product), [&](ValueId V) {
           return productGiving(V) == Low;
         });
}

/// Two products read the same values, at once or through others, or P's come
/// from Q's stream (a copy with fewer positions, as SegFormer's keys).
bool Recogniser::sameStream(int P, int Q) const {
  llvm::SmallVector<ValueId, 4> Others = streamsAbove(Q);
  if (llvm::any_of(streamsAbove(P),
                   [&](ValueId V) { return llvm::is_contained(Others, V); }))
    return true;
  const ValueId Stream = Others.back();
  const NodeId Gives = G.producer(Stream);
  auto ReadsStream = [&](NodeId N) {
    return llvm::is_contained(G.consumers(Stream), N);
  };
  return bool(G.lastAbove(Products[P].Data, ReadsStream,
                          Gives ? G.position(Gives) : 0));
}

/// Whether a sum of the residual stream reads it: then it is the stream, as
/// behind a projection of narrow embeddings, and no narrow copy of it.
bool Recogniser::onStream(ValueId V) const {
  llvm::SmallVector<ValueId, 8> Work = {V};
  for (unsigned Steps = 0; !Work.empty() && Steps < 64; ++Steps)
    for (NodeId Reader : G.consumers(Work.pop_back_val())) {
      if (G.kind(Reader) == OpKind::Add && !G.folded(G.operand(Reader, 0)) &&
          !G.folded(G.operand(Reader, 1)))
        return true;
      if (G.isPassThrough(Reader) && G.result(Reader))
        Work.push_back(G.result(Reader));
    }
  return false;
}

/// The products that narrow the stream to what a projection of a core reads
/// (latent attention): what Q's reads, and what those of K and V read.
void Recogniser::findLowRank() {
  llvm::DenseSet<int> Taken;
  for (const FoundCore &C : Cores)
    for (int P : {C.Q, C.K, C.V, C.Out})
      Taken.insert(P);
  for (const FoundMlp &L : Mlps)
    for (int P : {L.Up, L.Gate, L.Down})
      Taken.insert(P);
  for (FoundCore &C : Cores)
    for (auto [P, R] :
         {std::pair(C.Q, Role::QProj), std::pair(C.K, Role::KProj),
          std::pair(C.V, Role::KProj)}) {
      if (P < 0)
        continue;
      for (ValueId V : streamsAbove(P)) {
        int Low = productGiving(V);
        if (Low < 0 || onStream(Products[Low].Result) ||
            !Taken.insert(Low).second)
          continue;
        C.LowRank.push_back({Low, R});
      }
    }
}

} // namespace xfa
