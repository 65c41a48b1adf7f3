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

std::string Fuser::whyNot(const llvm::SetVector<NodeId> &Nodes,
                          ValueId Result) {
  for (NodeId N : Nodes)
    for (ValueId V : M[N].Outputs) {
      if (!V || V == Result)
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

void Fuser::fuse(llvm::ArrayRef<NodeId> Nodes, ValueId Result,
                 llvm::StringRef Name, NodeId At) {
  llvm::SmallVector<NodeId, 16> Sorted(Nodes);
  llvm::sort(Sorted, [&](NodeId A, NodeId B) {
    return Position[A.Index] < Position[B.Index];
  });
  const llvm::SetVector<NodeId> Set(Sorted.begin(), Sorted.end());
  std::string Why = whyNot(Set, Result);
  if (!Why.empty())
    return refuse(At, Why);
  const uint32_t Place = Position[Set.back().Index];
  const NodeId Call = Edit.outline(Set.getArrayRef(), FusedDomain, Name);
  Position.resize(M.Nodes.size(), 0);
  Position[Call.Index] = Place;
  Context.fired();
}

} // namespace xfa
