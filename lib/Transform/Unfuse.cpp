//===- Unfuse.cpp - the pass unfuse ---------------------------------------===//
//
// A fused kernel is a model-local function (REWRITES.md), so taking fusions
// back is inlining. Functions that the exporter wrote are inlined as well.
//
//===----------------------------------------------------------------------===//

#include "xfa/Transform/Pass.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

namespace xfa {

namespace {

class Inliner {
public:
  explicit Inliner(PassContext &Context)
      : Context(Context), M(Context.model()), Edit(Context.editor()) {}

  void inlineIn(llvm::ArrayRef<NodeId> Nodes) {
    for (NodeId N : Nodes) {
      const llvm::ArrayRef<Attribute> Attributes = M[N].Attributes;
      for (const Attribute &A : Attributes)
        for (GraphId G : A.Graphs)
          inlineIn(std::vector<NodeId>(M[G].Nodes));
      if (M[N].Callee)
        inlineCall(N);
    }
  }

private:
  void inlineCall(NodeId N) {
    std::string Why = Edit.whyNotInlined(N);
    if (!Why.empty()) {
      if (Refused.insert(M[N].Op).second)
        Context.refuse(M.label(N), "function '" + M[N].Op + "': " + Why);
      return;
    }
    Context.fired();
    inlineIn(Edit.inlineCall(N));
  }

  PassContext &Context;
  Model &M;
  Editor &Edit;
  llvm::StringSet<> Refused; ///< functions, one reason each
};

} // namespace

/// Fires once for each call.
llvm::Error inlineFunctions(PassContext &Context) {
  Model &M = Context.model();
  const bool Calls = llvm::any_of(
      M.Nodes, [](const Node &N) { return static_cast<bool>(N.Callee); });
  if (!Calls)
    return llvm::Error::success();
  Inliner(Context).inlineIn(std::vector<NodeId>(M.main().Nodes));
  Context.editor().dropUncalledFunctions();
  return llvm::Error::success();
}

} // namespace xfa
