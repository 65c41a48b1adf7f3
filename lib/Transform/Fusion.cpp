//===- Fusion.cpp ---------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

Fuser::Fuser(PassContext &Context)
    : Context(Context), M(Context.model()), Edit(Context.editor()),
      Position(M.Nodes.size(), 0) {
  uint32_t Next = 0;
  auto Number = [&](auto &&Self, GraphId G) -> void {
    for (NodeId N : M[G].Nodes) {
      Position[N.Index] = Next++;
      forEachInnerGraph(M[N], [&](GraphId Inner) { Self(Self, Inner); });
    }
  };
  Number(Number, GraphId(0));
}

NodeId Fuser::outside(NodeId N) const {
  NodeId Result = N;
  for (NodeId Each = N; Each;) {
    const GraphId In = M[Each].Parent;
    const NodeId Owner = M[In].Owner;
    if (Owner && M[Owner].Callee == In) {
      if (!isFused(M[Owner]))
        return NodeId();
      Result = Owner;
    }
    Each = Owner;
  }
  return Result;
}

void Fuser::refuse(NodeId At, const llvm::Twine &Why) {
  Context.refuse(M.label(At), Why);
}

static bool readsShape(const Node &N) {
  return N.Kind == OpKind::Shape || N.Kind == OpKind::Size;
}

Fuser::NodeSet Fuser::withShapes(llvm::ArrayRef<NodeId> Nodes,
                                 llvm::ArrayRef<ValueId> Results) const {
  llvm::SmallVector<NodeId, 16> All(Nodes);
  for (NodeId N : Nodes)
    for (ValueId V : M[N].Outputs)
      if (V && !llvm::is_contained(Results, V))
        for (const Use &U : Edit.uses(V))
          if (readsShape(M[U.User]) && M[U.User].Parent == M[N].Parent)
            All.push_back(U.User);
  llvm::sort(All, [&](NodeId A, NodeId B) {
    return Position[A.Index] < Position[B.Index];
  });
  return NodeSet(All.begin(), All.end());
}

std::string Fuser::whyNot(const NodeSet &Nodes,
                          llvm::ArrayRef<ValueId> Results) {
  for (NodeId N : Nodes)
    for (ValueId V : M[N].Outputs) {
      if (!V || llvm::is_contained(Results, V) || readsShape(M[N]))
        continue;
      if (Edit.outputUses(V))
        return ("'" + M[V].Name + "' inside it is an output of the graph")
            .str();
      for (const Use &U : Edit.uses(V)) {
        NodeId User = U.User; // or the node that it stands in
        while (M[User].Parent != M[N].Parent)
          User = M[M[User].Parent].Owner;
        if (!Nodes.contains(User))
          return ("'" + M[V].Name + "' inside it is used by '" + M.label(User) +
                  "' as well")
              .str();
      }
    }
  return Edit.whyNotOutlined(Nodes.getArrayRef());
}

std::string Fuser::whyNot(llvm::ArrayRef<NodeId> Nodes,
                          llvm::ArrayRef<ValueId> Results) {
  return whyNot(withShapes(Nodes, Results), Results);
}

void Fuser::fuse(llvm::ArrayRef<NodeId> Nodes, llvm::ArrayRef<ValueId> Results,
                 llvm::StringRef Name, NodeId At) {
  const NodeSet Set = withShapes(Nodes, Results);
  std::string Why = whyNot(Set, Results);
  if (!Why.empty())
    return refuse(At, Why);
  const uint32_t Place = Position[Set.back().Index];
  const NodeId Call = Edit.outline(Set.getArrayRef(), FusedDomain, Name);
  Position.resize(M.Nodes.size(), 0);
  Position[Call.Index] = Place;
  Context.fired();
}

} // namespace xfa
