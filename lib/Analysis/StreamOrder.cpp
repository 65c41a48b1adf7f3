//===- StreamOrder.cpp ----------------------------------------------------===//

#include "StreamOrder.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// What bodies read from the graph around them.
void StreamOrder::producersInBodies(
    const Node &N, GraphId In, llvm::SmallVectorImpl<NodeId> &Found) const {
  auto Add = [&](ValueId V) {
    if (NodeId From = V ? M[V].Producer : NodeId())
      if (M[From].Parent == In)
        Found.push_back(From);
  };
  for (const Attribute &A : N.Attributes)
    for (GraphId Id : A.Graphs) {
      const Graph &Body = M[Id];
      for (NodeId Inner : Body.Nodes) {
        llvm::for_each(M[Inner].Inputs, Add);
        producersInBodies(M[Inner], In, Found);
      }
      llvm::for_each(Body.Outputs, Add);
    }
}

llvm::SmallVector<NodeId, 4> StreamOrder::producers(NodeId N,
                                                    GraphId In) const {
  llvm::SmallVector<NodeId, 4> Found;
  for (ValueId V : M[N].Inputs)
    if (NodeId From = V ? M[V].Producer : NodeId())
      if (M[From].Parent == In)
        Found.push_back(From);
  producersInBodies(M[N], In, Found);
  return Found;
}

void StreamOrder::sortByHeight(llvm::SmallVectorImpl<NodeId> &Nodes) const {
  llvm::stable_sort(Nodes, [&](NodeId A, NodeId B) {
    return Height[A.Index] > Height[B.Index];
  });
}

std::vector<NodeId> StreamOrder::of(const Graph &G) {
  if (G.Nodes.empty())
    return {};
  const GraphId In = M[G.Nodes.front()].Parent;
  for (NodeId N : G.Nodes) {
    unsigned Highest = 0;
    for (NodeId From : producers(N, In))
      Highest = std::max(Highest, Height[From.Index]);
    Height[N.Index] = Highest + 1;
    Done[N.Index] = false;
  }

  std::vector<NodeId> Order;
  Order.reserve(G.Nodes.size());
  struct Frame {
    NodeId N;
    llvm::SmallVector<NodeId, 4> Left; ///< the next one last
  };
  std::vector<Frame> Stack;
  auto Enter = [&](NodeId N) {
    if (Done[N.Index])
      return;
    Done[N.Index] = true;
    llvm::SmallVector<NodeId, 4> From = producers(N, In);
    sortByHeight(From);
    std::reverse(From.begin(), From.end());
    Stack.push_back({N, std::move(From)});
  };
  auto Visit = [&](NodeId Root) {
    Enter(Root);
    while (!Stack.empty()) {
      if (Stack.back().Left.empty()) {
        Order.push_back(Stack.back().N);
        Stack.pop_back();
      } else {
        Enter(Stack.back().Left.pop_back_val());
      }
    }
  };

  llvm::SmallVector<NodeId, 8> Roots;
  for (ValueId Out : G.Outputs)
    if (NodeId From = Out ? M[Out].Producer : NodeId())
      if (M[From].Parent == In)
        Roots.push_back(From);
  sortByHeight(Roots);
  llvm::for_each(Roots, Visit);
  llvm::for_each(G.Nodes, Visit);
  return Order;
}

} // namespace xfa
