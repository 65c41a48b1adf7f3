//===- FuseRotary.cpp - the pass fuse-rotary ------------------------------===//
//
// The rotation of queries or keys by the angles of their positions becomes one
// kernel: halves, products and sum of each pair stay on the chip, cosines and
// sines are read for all heads at once.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "Rotation.h"

#include "xfa/IR/Fused.h"

namespace xfa {

/// In G and the graphs of its control flow; kernels and functions are left
/// alone.
static void findRotations(const Model &M, const ShapeFacts &Facts, GraphId G,
                          std::vector<Rotation> &Found) {
  for (NodeId N : M[G].Nodes) {
    for (const Attribute &A : M[N].Attributes)
      for (GraphId Body : A.Graphs)
        findRotations(M, Facts, Body, Found);
    if (std::optional<Rotation> R = rotationAt(M, Facts, N))
      Found.push_back(std::move(*R));
  }
}

/// Fires once for each rotation.
llvm::Error fuseRotary(PassContext &Context) {
  llvm::Expected<const ShapeFacts *> Facts = Context.facts();
  if (!Facts)
    return Facts.takeError();
  std::vector<Rotation> Found;
  findRotations(Context.model(), **Facts, GraphId(0), Found);
  if (Found.empty())
    return llvm::Error::success();
  Fuser F(Context);
  for (const Rotation &R : Found)
    F.fuse(R.Nodes.getArrayRef(), {R.Result}, RotaryName,
           Context.model()[R.Result].Producer);
  return llvm::Error::success();
}

} // namespace xfa
