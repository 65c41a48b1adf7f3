//===- Fused.h - which functions are fused kernels ------------------------===//
//
// A fused kernel is a model-local function of one domain: what is in its body
// happens on the chip, and only its operands and results go through memory
// (C17). Functions of other domains are a way of writing, no kernels.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_IR_FUSED_H
#define XFA_IR_FUSED_H

#include "xfa/IR/Model.h"

namespace xfa {

inline constexpr llvm::StringLiteral FusedDomain = "xfa.fused";

/// Kernels by what they are; a kernel with another body of the kind is called
/// Name_1, ….
inline constexpr llvm::StringLiteral ScaledScoresName = "ScaledScores",
                                     MaskSoftmaxName = "MaskSoftmax",
                                     AttentionName = "Attention",
                                     NormName = "Norm", ProductName = "Product",
                                     PackedQkvName = "PackedQkv",
                                     RotaryName = "Rotary",
                                     ElementwiseName = "Elementwise";

/// A call of a fused kernel.
inline bool isFused(const Node &N) {
  return N.Callee && N.Domain == FusedDomain;
}

/// A call of a kernel of this kind.
inline bool isFused(const Node &N, llvm::StringRef Name) {
  llvm::StringRef Op = N.Op;
  return isFused(N) && Op.consume_front(Name) &&
         (Op.empty() ||
          (Op.consume_front("_") &&
           Op.find_first_not_of("0123456789") == llvm::StringRef::npos));
}

/// By NodeId: the call of the outermost fused kernel that the node is in; none
/// if it is in none.
std::vector<NodeId> kernelsOf(const Model &M);

} // namespace xfa

#endif // XFA_IR_FUSED_H
