//===- SoftmaxAxis.h - where the softmax's axis stands in other values ----===//
//
// A softmax goes over keys. Which operand of a product holds the keys is told
// by where that axis comes from, whatever is transposed or swapped.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_SOFTMAXAXIS_H
#define XFA_LIB_ANALYSIS_SOFTMAXAXIS_H

#include "FlatGraph.h"

namespace xfa {

/// The axis that a Softmax, LogSoftmax or reduction N of an operand of `Rank`
/// goes over; none where it is more than one, or not known.
std::optional<int64_t> axisOf(const FlatGraph &G, NodeId N, int64_t Rank);

/// The axis of N's operand `Input` that axis `Axis` of its first result is:
/// through views and what works element by element.
std::optional<int64_t> axisBefore(const FlatGraph &G, NodeId N, unsigned Input,
                                  int64_t Axis, ExprStore &Store);
/// The reverse.
std::optional<int64_t> axisAfter(const FlatGraph &G, NodeId N, unsigned Input,
                                 int64_t Axis, ExprStore &Store);

/// Which operand of a product, 0 or 1, axis `Axis` of its result comes from;
/// none for an axis of both.
std::optional<unsigned> sideOf(const FlatGraph &G, NodeId Product,
                               int64_t Axis);
/// Axis `Axis` of operand `Side` of a product is one that it sums over.
bool sumsOver(const FlatGraph &G, NodeId Product, unsigned Side, int64_t Axis);

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_SOFTMAXAXIS_H
