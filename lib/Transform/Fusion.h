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

  /// Makes a kernel called Name of the nodes, which gives Results and nothing
  /// else but shapes of what is in it. What is refused is told as of the node
  /// At. Nodes that are a kernel already are left to other calls.
  void fuse(llvm::ArrayRef<NodeId> Nodes, llvm::ArrayRef<ValueId> Results,
            llvm::StringRef Name, NodeId At);
  /// Why fuse() would refuse; empty: it would not.
  std::string whyNot(llvm::ArrayRef<NodeId> Nodes,
                     llvm::ArrayRef<ValueId> Results);
  void refuse(NodeId At, const llvm::Twine &Why);

private:
  using NodeSet = llvm::SmallSetVector<NodeId, 16>;

  /// In order, with the nodes that read the shape of an inner value: else it
  /// would have to leave the chip for its shape's sake.
  NodeSet withShapes(llvm::ArrayRef<NodeId> Nodes,
                     llvm::ArrayRef<ValueId> Results) const;
  std::string whyNot(const NodeSet &Nodes, llvm::ArrayRef<ValueId> Results);

  PassContext &Context;
  Model &M;
  Editor &Edit;
  std::vector<uint32_t> Position; ///< by NodeId
};

} // namespace xfa

#endif // XFA_LIB_TRANSFORM_FUSION_H
