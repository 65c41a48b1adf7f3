//===- AttentionCore.h - what all attention operators share ---------------===//
//
// Letters: B batch, N query heads, G key/value heads, S query rows, T new
// key/value rows, P rows in the cache, L = P + T, H width of a query or key
// head, V width of a value head.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_OPS_ATTENTIONCORE_H
#define XFA_LIB_OPS_ATTENTIONCORE_H

#include "xfa/Ops/Op.h"

namespace xfa {

struct AttentionSizes {
  Expr B, N, G, S, T, P, L, H, V;

  Expr scores() const { return B * N * S * L; }
};

/// Width of one of so many heads that What is as wide as altogether; Wrong says
/// so where it certainly does not divide.
Expr headWidth(Expr Width, Expr Heads, llvm::StringRef What,
               std::string &Wrong);

/// Marks the cost unknown where a size is.
bool knownSizes(CostContext &Ctx, const AttentionSizes &A);

/// C1: Q·Kᵀ and P·V, each for every query head.
void addAttentionProducts(CostContext &Ctx, const AttentionSizes &A);

/// C13: an append to a cache writes the new rows only. Outputs Key and Value
/// are the cache with the new rows.
void writesNewRows(CostContext &Ctx, const AttentionSizes &A, unsigned Key,
                   unsigned Value);

/// RoPE: four products and two sums a rotated pair (C5, ONNX's
/// RotaryEmbedding), Rotated the elements that are rotated.
inline Expr rotaryFlops(Expr Rotated) { return 3 * Rotated; }

/// Elements of input 0, [B, S, heads · width] or [B, heads, S, width], that a
/// rotary embedding rotates: rotary_embedding_dim of each head, or all.
Expr rotatedElements(CostContext &Ctx);

/// A tensor inside of a function body: its shape, and whether it is a function
/// of constants and dimensions alone (C7).
struct BodyTensor {
  Shape Dims;
  bool Folded = false;
};

/// Elementwise node of a body (C2): its result; one FLOP an element unless it
/// is folded.
BodyTensor addElementwise(CostContext &Ctx, const BodyTensor &A,
                          const BodyTensor &B);

} // namespace xfa

#endif // XFA_LIB_OPS_ATTENTIONCORE_H
