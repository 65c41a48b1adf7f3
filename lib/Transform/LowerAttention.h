//===- LowerAttention.h - attention operators, by what they can -----------===//

#ifndef XFA_LIB_TRANSFORM_LOWERATTENTION_H
#define XFA_LIB_TRANSFORM_LOWERATTENTION_H

#include "CoreMatcher.h"

namespace xfa::lowering {

/// fp32 scores vanish beside what is this low: those below 1e22.
constexpr double HidesForCertain = -1e30;

/// What becomes of a core's masks.
struct Masking {
  bool Causal = false;          ///< one is the causal mask: a flag
  std::optional<CoreMask> Left; ///< one that is an operand
  std::string WhyNotCausal;     ///< of Left
};

/// The size of one axis, as int64[1].
ValueId sizeOf(Maker &Make, ValueId V, int64_t Axis);

//===----------------------------------------------------------------------===//
// Groups of query heads that share a head of keys and values
//===----------------------------------------------------------------------===//

/// G, where keys and values are G heads, each repeated H/G times by Unsqueeze,
/// Expand and Reshape; null: they are not.
Expr sharedHeads(const Kernel &K, const Core &C);
/// Such keys or values before that, in the graph as it is now: [B, G, T, ·].
ValueId beforeRepeats(const Maker &Make, ValueId V);
/// Why GroupQueryAttention does not compute it; empty: it does.
std::string whyNotGroupQuery(const Kernel &K, const Core &C, const Masking &Is,
                             Expr Groups);
/// Of Q, K and V [B, ·, heads · width]: [B, S, H·d].
ValueId makeGroupQuery(Maker &Make, const Core &C,
                       llvm::ArrayRef<ValueId> QueryKeyValue, int64_t Groups);

} // namespace xfa::lowering

#endif // XFA_LIB_TRANSFORM_LOWERATTENTION_H
