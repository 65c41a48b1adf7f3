//===- EraseDead.cpp - the pass dce ---------------------------------------===//

#include "xfa/Transform/Pass.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// Operators have no effect beside their outputs, so what no output needs can
/// go. Fires once for each node and initialiser that goes.
llvm::Error eraseDeadNodes(PassContext &Context) {
  Model &M = Context.model();
  Editor &Edit = Context.editor();
  // Backwards, so that what only a dead node used is dead when its turn comes.
  auto EraseIn = [&](auto &&Self, GraphId G) -> void {
    const std::vector<NodeId> Nodes = M[G].Nodes;
    for (NodeId N : llvm::reverse(Nodes)) {
      if (llvm::none_of(M[N].Outputs,
                        [&](ValueId V) { return V && Edit.used(V); })) {
        Edit.erase(N);
        Context.fired();
        continue;
      }
      for (const Attribute &A : M[N].Attributes)
        for (GraphId Body : A.Graphs)
          Self(Self, Body);
    }
    const std::vector<ValueId> Initializers = M[G].Initializers;
    for (ValueId V : Initializers)
      if (!Edit.used(V)) {
        Edit.eraseInitializer(V);
        Context.fired();
      }
  };
  EraseIn(EraseIn, GraphId(0));
  return llvm::Error::success();
}

} // namespace xfa
