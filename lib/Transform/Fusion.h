//===- Fusion.h - what the fusing passes share ----------------------------===//

#ifndef XFA_LIB_TRANSFORM_FUSION_H
#define XFA_LIB_TRANSFORM_FUSION_H

#include "xfa/Transform/Pass.h"

#include "llvm/ADT/SetVector.h"

namespace xfa {

/// Makes kernels of nodes, or says why not.
class Fuser {
public:
  explicit Fuser(PassContext &Context);

  /// The node that stands for N outside all fused kernels: N, or the call of
  /// the kernel that it is in. None if N stands in a function of another kind.
  NodeId outside(NodeId N) const;
  /// In the graph's order; those of bodies come after what owns them.
  uint32_t position(NodeId N) const { return Position[N.Index]; }

  /// Makes a kernel called Name of the nodes, whose one result is Result. What
  /// is refused is told as of the node At. Nodes that are a kernel already are
  /// left to other calls.
  void fuse(llvm::ArrayRef<NodeId> Nodes, ValueId Result, llvm::StringRef Name,
            NodeId At);
  void refuse(NodeId At, const llvm::Twine &Why);

private:
  /// Why Nodes cannot be one kernel with this result; empty: they can.
  std::string whyNot(const llvm::SetVector<NodeId> &Nodes, ValueId Result);

  PassContext &Context;
  Model &M;
  Editor &Edit;
  std::vector<uint32_t> Position; ///< by NodeId
};

} // namespace xfa

#endif // XFA_LIB_TRANSFORM_FUSION_H
