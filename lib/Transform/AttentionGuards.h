//===- AttentionGuards.h - which cores one kernel can hold ----------------===//
//
// A kernel that keeps the scores on the chip sees a tile of rows at a time, and
// the columns of a row one tile after the other. What stands between the two
// products has to allow for that.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_TRANSFORM_ATTENTIONGUARDS_H
#define XFA_LIB_TRANSFORM_ATTENTIONGUARDS_H

#include "xfa/Analysis/ShapeInference.h"

#include <string>

namespace xfa {

/// What stands between the products of a core, in order, kernels apart.
struct BetweenProducts {
  llvm::ArrayRef<NodeId> Nodes;
  NodeId Softmax; ///< or the division that ends one that is spelled out
  NodeId Values;
};

/// Why rows of scores cannot be worked on by themselves; empty: they can. The
/// softmax is over the columns, which Values contracts; all else is elementwise
/// or a view; and the element type widens before the softmax only, narrows
/// after it only (but for casts there and back).
std::string whyNotByRows(const Model &M, const ShapeFacts &Facts,
                         const BetweenProducts &B);

} // namespace xfa

#endif // XFA_LIB_TRANSFORM_ATTENTIONGUARDS_H
