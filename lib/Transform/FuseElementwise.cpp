//===- FuseElementwise.cpp - the pass elementwise -------------------------===//
//
// An elementwise operator whose one operand comes from another, which nothing
// else reads, can be computed in the same sweep over memory. Chains grow from
// the top of the graph down; what would make a kernel compute a small tensor
// again for each row of a large one (a broadcast) ends a chain.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

class ChainFinder {
public:
  ChainFinder(PassContext &Context, const ShapeFacts &Facts)
      : M(Context.model()), Edit(Context.editor()), Facts(Facts) {}

  /// Each by its last node, in the graph's order.
  void find(GraphId G) {
    for (NodeId N : M[G].Nodes) {
      for (const Attribute &A : M[N].Attributes)
        for (GraphId Body : A.Graphs)
          find(Body);
      if (isElementwise(N))
        extend(N);
    }
  }

  llvm::MapVector<NodeId, llvm::SmallVector<NodeId, 8>> Chains;

private:
  bool isElementwise(NodeId N) const {
    return (opTraits(M[N].Kind) & trait::Elementwise) &&
           M[N].Outputs.size() == 1 && M[N].Outputs[0] &&
           Facts[M[N].Outputs[0]].HasRank && !Facts[M[N].Outputs[0]].Folded;
  }

  /// N ends the chains of those of its operands that only it reads.
  void extend(NodeId N) {
    llvm::SmallVector<NodeId, 8> Chain;
    const ValueFacts &Out = Facts[M[N].Outputs[0]];
    for (ValueId In : M[N].Inputs) {
      if (!In || Edit.outputUses(In) || Edit.uses(In).size() != 1 ||
          Facts[In].Dims != Out.Dims || !M[In].Producer)
        continue;
      auto Before = Chains.find(M[In].Producer);
      if (Before == Chains.end())
        continue;
      Chain.append(Before->second.begin(), Before->second.end());
      Before->second.clear(); // part of this one now
    }
    Chain.push_back(N);
    Chains[N] = std::move(Chain);
  }

  Model &M;
  Editor &Edit;
  const ShapeFacts &Facts;
};

} // namespace

/// Fires once for each chain of two or more.
llvm::Error fuseElementwise(PassContext &Context) {
  Model &M = Context.model();
  llvm::Expected<const ShapeFacts *> Facts = Context.facts();
  if (!Facts)
    return Facts.takeError();
  ChainFinder Finder(Context, **Facts);
  Finder.find(GraphId(0));
  Fuser F(Context);
  for (auto &[Last, Chain] : Finder.Chains)
    if (Chain.size() > 1)
      F.fuse(Chain, M[Last].Outputs[0], ElementwiseName, Last);
  return llvm::Error::success();
}

} // namespace xfa
