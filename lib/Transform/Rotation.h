//===- Rotation.h - rotary embedding, as a formula ------------------------===//
//
// Pairs of a head's elements are turned by an angle of their position:
// (a, b) → (a·cos − b·sin, b·cos + a·sin). A pair is an element of the first
// half of the width and the one as far into the second, or two neighbours.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_TRANSFORM_ROTATION_H
#define XFA_LIB_TRANSFORM_ROTATION_H

#include "xfa/Analysis/ShapeInference.h"

#include "llvm/ADT/SetVector.h"

namespace xfa {

struct Rotation {
  ValueId Input, Cos, Sin, Result; ///< Input and Result: […, width]
  bool Neighbours = false;         ///< pairs are neighbours
  /// Cos and Sin have a number for each pair; else for each element, as in
  /// x·cos + turned(x)·sin.
  bool OfPairs = false;
  int64_t Width = 0;
  llvm::SmallSetVector<NodeId, 8> Nodes;
};

/// The rotation that N, an Add, Concat or Reshape, is the last node of; none:
/// it is no such. All its nodes stand in N's graph.
std::optional<Rotation> rotationAt(const Model &M, const ShapeFacts &Facts,
                                   NodeId N);

/// Both elements of each pair have the same number in V […, width], as is seen
/// where it is put together from halves, or in a constant.
bool sameForPairs(const Model &M, const ShapeFacts &Facts, ValueId V,
                  bool Neighbours);

} // namespace xfa

#endif // XFA_LIB_TRANSFORM_ROTATION_H
