//===- Fused.cpp ----------------------------------------------------------===//

#include "xfa/IR/Fused.h"

namespace xfa {

std::vector<NodeId> kernelsOf(const Model &M) {
  std::vector<NodeId> Result(M.Nodes.size());
  auto Visit = [&](auto &&Self, GraphId G, NodeId Kernel) -> void {
    for (NodeId N : M[G].Nodes) {
      Result[N.Index] = Kernel;
      for (const Attribute &A : M[N].Attributes)
        for (GraphId Body : A.Graphs)
          Self(Self, Body, Kernel);
      if (M[N].Callee)
        Self(Self, M[N].Callee, !Kernel && isFused(M[N]) ? N : Kernel);
    }
  };
  Visit(Visit, GraphId(0), NodeId());
  return Result;
}

} // namespace xfa
