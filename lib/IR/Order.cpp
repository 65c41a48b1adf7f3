//===- Order.cpp - sorting and renumbering --------------------------------===//

#include "xfa/IR/Editor.h"

#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;

namespace xfa {

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

namespace {

/// Fn on each value that N or a graph in it uses.
void forEachUsed(const Model &M, NodeId N,
                 llvm::function_ref<void(ValueId)> Fn) {
  for (ValueId V : M[N].Inputs)
    if (V)
      Fn(V);
  for (const Attribute &A : M[N].Attributes)
    for (GraphId G : A.Graphs) {
      for (NodeId Inner : M[G].Nodes)
        forEachUsed(M, Inner, Fn);
      for (ValueId V : M[G].Outputs)
        if (V)
          Fn(V);
    }
}

/// By NodeId, of the nodes of one graph.
using Positions = llvm::DenseMap<NodeId, uint32_t>;

/// Where the producer of V stands; none: in no node of the graph.
std::optional<uint32_t> producerOf(const Model &M, ValueId V,
                                   const Positions &Position) {
  if (!M[V].Producer)
    return std::nullopt;
  auto Found = Position.find(M[V].Producer);
  if (Found == Position.end())
    return std::nullopt;
  return Found->second;
}

bool isSorted(const Model &M, const Graph &G, const Positions &Position) {
  for (auto [I, N] : llvm::enumerate(G.Nodes)) {
    bool Sorted = true;
    forEachUsed(M, N, [&, I = I](ValueId V) {
      std::optional<uint32_t> Producer = producerOf(M, V, Position);
      Sorted &= !Producer || *Producer < I;
    });
    if (!Sorted)
      return false;
  }
  return true;
}

} // namespace

llvm::Error sortNodes(Model &M, GraphId Id) {
  Graph &G = M[Id];
  Positions Position;
  for (auto [I, N] : llvm::enumerate(G.Nodes))
    Position[N] = static_cast<uint32_t>(I);
  if (isSorted(M, G, Position))
    return llvm::Error::success();

  // What the node at I needs: Needs[First[I]] to Needs[First[I + 1] - 1].
  std::vector<uint32_t> First, Needs;
  for (NodeId N : G.Nodes) {
    First.push_back(static_cast<uint32_t>(Needs.size()));
    forEachUsed(M, N, [&](ValueId V) {
      if (std::optional<uint32_t> Need = producerOf(M, V, Position))
        Needs.push_back(*Need);
    });
  }
  First.push_back(static_cast<uint32_t>(Needs.size()));

  // A depth-first walk with its stack on the heap; Next is where each node on
  // the stack goes on.
  enum : uint8_t { New, OnStack, Placed };
  const auto Count = static_cast<uint32_t>(G.Nodes.size());
  std::vector<uint8_t> State(Count, New);
  std::vector<uint32_t> Stack, Next(First.begin(), First.end() - 1);
  std::vector<NodeId> Order;
  Order.reserve(Count);
  for (uint32_t Root = 0; Root < Count; ++Root) {
    if (State[Root] != New)
      continue;
    Stack.push_back(Root);
    State[Root] = OnStack;
    while (!Stack.empty()) {
      const uint32_t I = Stack.back();
      if (Next[I] == First[I + 1]) {
        State[I] = Placed;
        Order.push_back(G.Nodes[I]);
        Stack.pop_back();
        continue;
      }
      const uint32_t Need = Needs[Next[I]++];
      if (State[Need] == OnStack)
        return llvm::createStringError("node '" + M.label(G.Nodes[Need]) +
                                       "' needs its own output");
      if (State[Need] == New) {
        Stack.push_back(Need);
        State[Need] = OnStack;
      }
    }
  }
  G.Nodes = std::move(Order);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Renumbering
//===----------------------------------------------------------------------===//

namespace {

/// Old id → new id, of the things that are kept.
template <typename IdT> class Renumbering {
public:
  explicit Renumbering(size_t Count) : New(Count, IdT::None) {}
  /// False if it is kept already.
  bool keep(IdT Id) {
    if (New[Id.Index] != IdT::None)
      return false;
    New[Id.Index] = 0;
    return true;
  }
  /// Moves what is kept to the front of From, in its old order.
  template <typename T> void apply(std::vector<T> &From) {
    uint32_t Next = 0;
    for (size_t I = 0; I < New.size(); ++I)
      if (New[I] != IdT::None) {
        if (Next != I)
          From[Next] = std::move(From[I]);
        New[I] = Next++;
      }
    Complete = Next == New.size();
    From.erase(From.begin() + Next, From.end());
  }
  IdT operator[](IdT Id) const {
    return Id && New[Id.Index] != IdT::None ? IdT(New[Id.Index]) : IdT();
  }
  void rename(IdT &Id) const { Id = (*this)[Id]; }
  template <typename RangeT> void renameAll(RangeT &&Ids) const {
    for (IdT &Id : Ids)
      rename(Id);
  }
  bool complete() const { return Complete; }

private:
  std::vector<uint32_t> New;
  bool Complete = false;
};

class Compaction {
public:
  explicit Compaction(Model &M)
      : M(M), Values(M.Values.size()), Nodes(M.Nodes.size()),
        Graphs(M.Graphs.size()) {}
  void run();

private:
  void keep(GraphId G);
  void renameIn(Node &N);
  void renameFunctions();

  Model &M;
  Renumbering<ValueId> Values;
  Renumbering<NodeId> Nodes;
  Renumbering<GraphId> Graphs;
};

void Compaction::keep(GraphId Root) {
  SmallVector<GraphId, 8> Stack{Root};
  while (!Stack.empty()) {
    const GraphId Id = Stack.pop_back_val();
    if (!Graphs.keep(Id))
      continue;
    const Graph &G = M[Id];
    for (ValueId V : G.Inputs)
      Values.keep(V);
    for (ValueId V : G.Initializers)
      Values.keep(V);
    for (NodeId N : G.Nodes) {
      Nodes.keep(N);
      for (ValueId V : M[N].Outputs)
        if (V)
          Values.keep(V);
      forEachInnerGraph(M[N], [&](GraphId Inner) { Stack.push_back(Inner); });
    }
  }
}

void Compaction::renameIn(Node &N) {
  Graphs.rename(N.Parent);
  Graphs.rename(N.Callee);
  Values.renameAll(N.Inputs);
  Values.renameAll(N.Outputs);
  if (!N.hasBody())
    return;
  llvm::MutableArrayRef<Attribute> Copy = M.save(N.Attributes);
  for (Attribute &A : Copy) {
    llvm::MutableArrayRef<GraphId> Bodies = M.save(A.Graphs);
    Graphs.renameAll(Bodies);
    A.Graphs = Bodies;
  }
  N.Attributes = Copy;
}

/// A function that a pass made is what its first call calls; one that is not
/// called any more is gone.
void Compaction::renameFunctions() {
  llvm::DenseMap<std::pair<llvm::StringRef, llvm::StringRef>, NodeId> Calls;
  for (size_t I = M.Nodes.size(); I-- > 0;)
    if (M.Nodes[I].Callee)
      Calls[{M.Nodes[I].Domain, M.Nodes[I].Op}] = NodeId(I);
  llvm::erase_if(M.Functions, [&](Function &F) {
    if (!F.Message.empty())
      return false;
    F.FirstCall = Calls.lookup({F.Domain, F.Name});
    return !Calls.contains({F.Domain, F.Name});
  });
}

void Compaction::run() {
  keep(GraphId(0));
  Values.apply(M.Values);
  Nodes.apply(M.Nodes);
  Graphs.apply(M.Graphs);
  if (Values.complete() && Nodes.complete() && Graphs.complete())
    return;
  for (Value &V : M.Values)
    Nodes.rename(V.Producer);
  for (Node &N : M.Nodes)
    renameIn(N);
  for (Graph &G : M.Graphs) {
    Nodes.rename(G.Owner);
    Nodes.renameAll(G.Nodes);
    Values.renameAll(G.Inputs);
    Values.renameAll(G.Outputs);
    Values.renameAll(G.Initializers);
    for (Graph::InitialisedInput &I : G.InitialisedInputs)
      Values.rename(I.Value);
  }
  llvm::DenseMap<ValueId, llvm::StringRef> Rest;
  for (auto [V, Text] : M.ValueRest)
    if (ValueId New = Values[V])
      Rest[New] = Text;
  M.ValueRest = std::move(Rest);
  renameFunctions();
}

} // namespace

void compact(Model &M) { Compaction(M).run(); }

} // namespace xfa
