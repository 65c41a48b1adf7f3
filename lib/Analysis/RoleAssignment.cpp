//===- RoleAssignment.cpp - a role and a layer for every node -------------===//

#include "Recogniser.h"

#include "xfa/Analysis/Operands.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

bool Recogniser::roleless(NodeId N) const {
  return N && !S.Roles[N.Index] && !G.folded(G.result(N));
}

void Recogniser::setRole(NodeId N, Role R, int Layer) {
  if (!roleless(N))
    return;
  S.Roles[N.Index] = R;
  S.Layers[N.Index] = Layer;
}

/// Cores in order, one a layer; a cross-attention stands in the layer of the
/// self-attention that its queries come from.
void Recogniser::orderLayers() {
  llvm::stable_sort(Cores, [&](const FoundCore &A, const FoundCore &B) {
    return G.position(A.Core.Softmax) < G.position(B.Core.Softmax);
  });
  llvm::DenseMap<unsigned, int> CoreAt;
  for (auto [I, C] : llvm::enumerate(Cores))
    CoreAt[C.Core.Softmax.Index] = static_cast<int>(I);
  std::vector<int> Last(Cores.size()); ///< core of its layer
  for (auto [I, C] : llvm::enumerate(Cores)) {
    Last[I] = static_cast<int>(I);
    if (!C.Core.Cross)
      continue;
    const NodeId Before =
        G.lastAbove(C.Core.Q ? C.Core.Q.Input : C.Core.Query,
                    [&](NodeId N) { return CoreAt.contains(N.Index); });
    if (!Before)
      continue;
    const int Self = CoreAt[Before.Index];
    if (!Cores[Self].Core.Cross && Last[Self] == Self)
      Last[Self] = Last[I];
  }
  std::vector<int> Layer(Cores.size());
  int Layers = 0;
  for (auto [I, C] : llvm::enumerate(Cores))
    if (Last[I] == static_cast<int>(I))
      Layer[I] = Layers++;
  for (auto [C, Its] : llvm::zip_equal(Cores, Last))
    C.Layer = Layer[Its];
  // An MLP belongs to the block whose stream it reads: in a parallel block the
  // one whose attention reads the same tap, else the last one before it.
  auto Tap = [&](ValueId V) {
    NodeId N = G.producer(V);
    if (N)
      if (auto It = NormAt.find(N); It != NormAt.end())
        return G.strip(Norms[It->second].Input);
    return V;
  };
  int Alone = 0;
  for (FoundMlp &L : Mlps) {
    ValueId In = Products[L.Up].Data;
    for (const FoundCore &C : Cores) {
      ValueId CoreIn = C.Core.Q ? C.Core.Q.Input : ValueId();
      if (CoreIn && (CoreIn == In || Tap(CoreIn) == Tap(In))) {
        L.Layer = C.Layer;
        break;
      }
      if (G.position(C.Core.Softmax) < G.position(Products[L.Up].Node))
        L.Layer = C.Layer;
    }
    if (Cores.empty())
      L.Layer = Alone++;
    else if (L.Layer < 0) // before the first attention
      L.Layer = 0;
  }
}

/// Everything that only serves to compute V gets a role, outside the layers.
void Recogniser::assignUpstream(ValueId V, Role R, int Layer) {
  llvm::SmallVector<ValueId, 8> Work = {V};
  while (!Work.empty()) {
    ValueId Each = Work.pop_back_val();
    NodeId N = G.producer(Each);
    if (!N || !roleless(N))
      continue;
    setRole(N, R, Layer);
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I))
        Work.push_back(In);
  }
}

/// What chooses experts, and what weighs and adds up their results.
void Recogniser::assignRouter(const FoundMlp &L) {
  const WeightProduct &Up = Products[L.Up], &Down = Products[L.Down];
  if (!Up.Chooses)
    return;
  assignUpstream(Up.Chooses, Role::Router, L.Layer);
  if (L.Operator)
    return;
  assignUpstream(Down.Chooses, Role::Router, L.Layer);
  for (ValueId V = Down.Result; V;) {
    llvm::ArrayRef<NodeId> Readers = G.consumers(V);
    if (Readers.size() != 1)
      break;
    NodeId N = Readers[0];
    if (G.kind(N) != OpKind::Mul && G.kind(N) != OpKind::ReduceSum &&
        !G.isPassThrough(N))
      break;
    if (!G.isPassThrough(N))
      setRole(N, Role::Router, L.Layer);
    if (G.kind(N) == OpKind::Mul)
      for (unsigned I = 0; I < 2; ++I)
        if (ValueId In = G.operand(N, I); In != G.canonical(V))
          assignUpstream(In, Role::Router, L.Layer);
    V = G.result(N);
  }
}

/// From a projection to the core: scale, per-head norm, cache, rotary.
void Recogniser::assignPath(const NodeSet &Path, int Product,
                            const FoundCore &C) {
  const int Layer = C.Layer;
  // One operand comes along the path, the other may be angles.
  const bool Turns = llvm::any_of(Path, [&](NodeId N) {
    if (G.kind(N) == OpKind::RotaryEmbedding ||
        G.kind(N) == OpKind::MsRotaryEmbedding)
      return true;
    if (plainKind(G.kind(N)) != OpKind::Mul || NormAt.count(N) || isScaling(N))
      return false;
    const auto [First, Second] = dataOperands(G.kind(N));
    return llvm::any_of(llvm::ArrayRef({First, Second}), [&](unsigned I) {
      NodeId From = G.producer(G.operand(N, I));
      return !(From && (Path.contains(From) || ProductAt.count(From))) &&
             isAngles(G.operand(N, I), C);
    });
  });
  Rotary |= Turns;
  // What else changes a projection on the way goes with it: parts cut out of a
  // packed one, heads that are repeated, a bias.
  const Role Own =
      Product < 0 ? Role::Other
                  : S.Roles[Products[Product].Node.Index].value_or(Role::Other);
  for (NodeId N : Path) {
    if (NormAt.count(N))
      continue; // with the norms
    if (G.kind(N) == OpKind::Concat || G.kind(N) == OpKind::ScatterND ||
        G.kind(N) == OpKind::TensorScatter) {
      ValueId First = G.strip(G.operand(N, 0));
      if (First && M[First].IsInput && isFloat(Facts[First].Elem)) {
        setRole(N, Role::Cache, Layer);
        continue;
      }
    }
    if (isScaling(N)) {
      setRole(N, Role::Scale, Layer);
      continue;
    }
    if (G.isPassThrough(N))
      continue;
    if (Turns || Own != Role::Other)
      setRole(N, Turns ? Role::Rope : Own, Layer);
  }
}

void Recogniser::assignCoreRoles(const FoundCore &C) {
  int Layer = C.Layer;
  auto Product = [&](int P, Role R) {
    if (P < 0)
      return;
    setRole(Products[P].Node, R, Layer);
    for (NodeId Tail : Products[P].Tail)
      setRole(Tail, R, Layer);
  };
  if (C.Core.PackedQkv) {
    // Q may stand alone beside a packed K and V.
    Product(C.Q, C.Q == C.K || C.Q == C.V ? Role::QkvProj : Role::QProj);
    Product(C.K, Role::QkvProj);
    Product(C.V, C.V == C.Q || C.V == C.K ? Role::QkvProj : Role::VProj);
  }
  Product(C.Q, Role::QProj);
  Product(C.K, Role::KProj);
  Product(C.V, Role::VProj);
  Product(C.Out, Role::OutProj);
  for (auto [P, R] : C.LowRank)
    Product(P, R);
  if (C.Core.Scores)
    setRole(C.Core.Scores, Role::Qk, Layer);
  if (C.Core.Values)
    setRole(C.Core.Values, Role::Av, Layer);
  for (auto [N, R] : C.Between)
    setRole(N, R, Layer);
  assignPath(C.QueryPath, C.Q, C);
  assignPath(C.KeyPath, C.K, C);
  assignPath(C.ValuePath, C.V, C);
  // Views that are copies (fp16 casts, executed layout) on the way out.
  for (ValueId V = C.Core.Result; V;) {
    llvm::ArrayRef<NodeId> Readers = G.consumers(V);
    if (Readers.size() != 1 || !G.isPassThrough(Readers[0]))
      break;
    setRole(Readers[0], C.Core.Fused ? Role::Attention : Role::Av, Layer);
    V = G.result(Readers[0]);
  }
}

void Recogniser::assignMlpRoles(const FoundMlp &L) {
  auto Product = [&](int P, Role R) {
    if (P < 0)
      return;
    setRole(Products[P].Node, R, L.Layer);
    for (NodeId Tail : Products[P].Tail)
      setRole(Tail, R, L.Layer);
  };
  Product(L.Up, Role::MlpUp);
  Product(L.Gate, Role::MlpGate);
  Product(L.Down, Role::MlpDown);
  for (NodeId N : L.Path)
    setRole(N, Role::Activation, L.Layer);
}

/// A norm belongs to the block whose products read it (before it), else to the
/// block whose sum it reads (after it); the last one to none.
int Recogniser::normLayer(const FoundNorm &Norm) const {
  llvm::SmallVector<ValueId, 8> Work = {Norm.Result};
  llvm::SmallVector<ValueId, 8> Seen;
  while (!Work.empty() && Seen.size() < 32) {
    ValueId V = Work.pop_back_val();
    if (!V || llvm::is_contained(Seen, V))
      continue;
    Seen.push_back(V);
    for (NodeId Reader : G.consumers(V)) {
      if (auto It = ProductAt.find(Reader); It != ProductAt.end()) {
        if (int Layer = S.Layers[Products[It->second].Node.Index]; Layer >= 0)
          return Layer;
      } else if (std::optional<Role> R = S.Roles[Reader.Index];
                 R && S.Layers[Reader.Index] >= 0 &&
                 (*R == Role::Rope || *R == Role::Scale || *R == Role::Qk ||
                  *R == Role::QProj || *R == Role::KProj || *R == Role::VProj ||
                  *R == Role::QkvProj || *R == Role::Attention ||
                  *R == Role::Cache)) {
        return S.Layers[Reader.Index]; // a norm of heads
      } else if (G.isPassThrough(Reader) || quantises(G.kind(Reader))) {
        for (ValueId Out : M[Reader].Outputs)
          if (Out)
            Work.push_back(Out);
      }
    }
  }
  return -1;
}

void Recogniser::assignNorms() {
  for (const FoundNorm &Norm : Norms) {
    S.Norms.push_back({Norm.Nodes, Norm.Input, Norm.Result});
    int Layer = normLayer(Norm);
    for (NodeId N : Norm.Nodes)
      setRole(N, Role::Norm, Layer);
  }
}

/// A sum of the stream and of what a block writes to it.
void Recogniser::assignResiduals() {
  for (NodeId N : G.order()) {
    if (plainKind(G.kind(N)) != OpKind::Add || !roleless(N))
      continue;
    int Layer = -1;
    bool OfBlock = false;
    const auto [First, Second] = dataOperands(G.kind(N));
    for (unsigned I : {First, Second}) {
      ValueId V = G.operand(N, I);
      if (!V || G.folded(V))
        continue;
      NodeId From = G.producer(G.strip(V));
      if (!From)
        continue;
      std::optional<Role> R = S.Roles[From.Index];
      if (!R)
        continue;
      if (*R == Role::OutProj || *R == Role::MlpDown || *R == Role::MlpUp ||
          *R == Role::Router || *R == Role::Residual) {
        OfBlock = true;
        Layer = std::max(Layer, S.Layers[From.Index]);
      }
    }
    if (OfBlock)
      setRole(N, Role::Residual, Layer);
  }
}

/// The tokens' of several tables: positions are often computed, kinds of tokens
/// are few, and a head has as many columns as there are tokens. The first one
/// of those that are alike.
NodeId Recogniser::tokenTable(llvm::ArrayRef<NodeId> Tables) const {
  auto Rank = [&](NodeId N) {
    Expr Rows = Facts[G.operand(N, 0)].Dims[0];
    ValueId Indices = G.operand(N, 1);
    bool Headed = llvm::any_of(Products, [&](const WeightProduct &P) {
      return roleless(P.Node) && P.Out == Rows;
    });
    return std::tuple(Indices && M[G.strip(Indices)].IsInput, Headed,
                      Rows.constant().value_or(0));
  };
  NodeId Best;
  for (NodeId N : Tables)
    if (!Best || Rank(N) > Rank(Best))
      Best = N;
  return Best;
}

void Recogniser::assignEnds() {
  int FirstCore = Cores.empty() ? -1 : G.position(Cores.front().Core.Softmax);
  llvm::SmallVector<NodeId, 4> Tables;
  for (NodeId N : G.order()) {
    LearnedPositions |= G.position(N) < FirstCore && addsTable(N);
    if (!roleless(N))
      continue;
    bool Table = (G.kind(N) == OpKind::Gather ||
                  G.kind(N) == OpKind::MsGatherBlockQuantized) &&
                 G.operand(N, 0) && G.isWeight(G.operand(N, 0)) &&
                 Facts[G.operand(N, 0)].rank() == 2 &&
                 (isFloat(Facts[G.result(N)].Elem) ||
                  elemBits(Facts[G.result(N)].Elem) == 8); // quantised
    if (Table) {
      setRole(N, Role::Embedding, -1);
      Tables.push_back(N);
      continue;
    }
    // Sums and views of embeddings, before the first block.
    if (FirstCore < 0 || G.position(N) > FirstCore)
      continue;
    bool FromEmbedding = false, FromOther = false;
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
      ValueId In = G.operand(N, I);
      if (!In || G.folded(In))
        continue;
      NodeId From = G.producer(G.strip(In));
      if (From && S.Roles[From.Index] == Role::Embedding)
        FromEmbedding = true;
      else
        FromOther = true;
    }
    if (FromEmbedding && !FromOther) {
      setRole(N, Role::Embedding, -1);
      // A table of positions: rows that the length alone selects.
      if (G.kind(N) == OpKind::Add)
        for (unsigned I = 0; I < 2; ++I)
          if (ValueId In = G.operand(N, I);
              In && G.folded(In) && Facts[In].rank() >= 2)
            LearnedPositions = true;
    }
  }
  TokenEmbedding = tokenTable(Tables);
  // More than one table: one of them by position, if its indices are no token
  // input's own.
  for (NodeId N : G.order()) {
    if (!N || S.Roles[N.Index] != Role::Embedding || N == TokenEmbedding ||
        G.kind(N) != OpKind::Gather)
      continue;
    LearnedPositions = true;
  }

  // The head: the last product outside the blocks that reaches an output and
  // has as many columns as the vocabulary has rows, or, behind blocks, many
  // more than D.
  const bool AnyBlocks = !Cores.empty() || !Mlps.empty();
  for (int P = static_cast<int>(Products.size()) - 1; P >= 0; --P) {
    NodeId N = Products[P].Node;
    if (!roleless(N) || LmHead >= 0)
      continue;
    bool Reaches = false;
    ValueId V = Products[P].Result;
    for (unsigned Step = 0; Step < 16 && V && !Reaches; ++Step) {
      Reaches = G.isOutput(V);
      llvm::ArrayRef<NodeId> Readers = G.consumers(V);
      bool Last = Readers.size() == 1 && !asContraction(G, Readers[0], Store);
      V = Last ? G.result(Readers[0]) : ValueId();
    }
    Expr Rows =
        TokenEmbedding ? Facts[G.operand(TokenEmbedding, 0)].Dims[0] : Expr();
    bool Wide =
        (Rows && Products[P].Out == Rows) ||
        (AnyBlocks && less(Products[P].In * 4, Products[P].Out) == Truth::True);
    if (!Reaches || !Wide)
      continue;
    LmHead = P;
    setRole(N, Role::LmHead, -1);
    for (NodeId Tail : Products[P].Tail)
      setRole(Tail, Role::LmHead, -1);
  }
}

void Recogniser::assignRoles() {
  S.Roles.assign(M.Nodes.size(), std::nullopt);
  S.Layers.assign(M.Nodes.size(), -1);
  for (const FoundCore &C : Cores)
    assignCoreRoles(C);
  for (const FoundMlp &L : Mlps)
    assignMlpRoles(L);
  assignNorms();
  for (const FoundMlp &L : Mlps)
    assignRouter(L);
  assignResiduals();
  assignEnds();
  // What only serves masks and angles.
  for (const FoundCore &C : Cores) {
    for (ValueId Mask : C.MaskOperands)
      assignUpstream(Mask, Role::Mask);
    if (C.Core.Fused)
      for (unsigned I = 3; I < M[C.Core.Softmax].Inputs.size(); ++I)
        if (ValueId In = G.operand(C.Core.Softmax, I))
          assignUpstream(In, Role::Mask);
  }
  for (const FoundCore &C : Cores)
    for (const NodeSet *Path : {&C.QueryPath, &C.KeyPath})
      for (NodeId N : *Path)
        if (S.Roles[N.Index] == Role::Rope)
          for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
            if (ValueId In = G.operand(N, I))
              assignUpstream(In, Role::Rope);
  // A view costs nothing; it goes with what it is a view of.
  for (NodeId N : G.order()) {
    if (!G.isPassThrough(N) || !roleless(N))
      continue;
    NodeId From = G.producer(G.operand(N, 0));
    if (From && S.Roles[From.Index])
      setRole(N, *S.Roles[From.Index], S.Layers[From.Index]);
  }
  // C14: a weight's dequantisation belongs to its consumer.
  for (NodeId N : G.order()) {
    if (!dequantises(G.kind(N)) || !G.result(N) || Facts[G.result(N)].Folded)
      continue;
    llvm::ArrayRef<NodeId> Readers = G.consumers(G.result(N));
    while (!Readers.empty() && G.isPassThrough(Readers[0]))
      Readers = G.consumers(G.result(Readers[0]));
    if (S.Roles[N.Index] || Readers.empty() || !S.Roles[Readers[0].Index])
      continue;
    S.Roles[N.Index] = S.Roles[Readers[0].Index];
    S.Layers[N.Index] = S.Layers[Readers[0].Index];
  }
  for (NodeId N : G.order())
    setRole(N, Role::Other, -1);
}

} // namespace xfa
