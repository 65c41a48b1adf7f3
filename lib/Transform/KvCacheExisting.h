//===- KvCacheExisting.h - a cache that is there already ------------------===//

#ifndef XFA_LIB_TRANSFORM_KVCACHEEXISTING_H
#define XFA_LIB_TRANSFORM_KVCACHEEXISTING_H

#include "xfa/Analysis/ShapeInference.h"
#include "xfa/Analysis/Uses.h"

namespace xfa::kvcache {

/// An input with earlier positions, and where new ones are put beside them.
struct ExistingCache {
  NodeId Where;
  ValueId Past;
};

/// Those of a graph, in the order of the nodes, each input once. Found by what
/// is done to them: separate or stacked, transposed, with heads merged into the
/// batch, inside an If, written into a static buffer, or operands of an
/// attention operator.
std::vector<ExistingCache>
existingCaches(const Model &M, const ShapeFacts &Shapes, const Uses &U);

} // namespace xfa::kvcache

#endif // XFA_LIB_TRANSFORM_KVCACHEEXISTING_H
