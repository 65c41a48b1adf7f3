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

/// A call of a fused kernel.
inline bool isFused(const Node &N) {
  return N.Callee && N.Domain == FusedDomain;
}

} // namespace xfa

#endif // XFA_IR_FUSED_H
