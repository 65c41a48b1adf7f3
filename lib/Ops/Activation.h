//===- Activation.h - costs of activations, for fused operators -----------===//

#ifndef XFA_LIB_OPS_ACTIVATION_H
#define XFA_LIB_OPS_ACTIVATION_H

#include <cstdint>

namespace xfa {

/// FLOPs an element of Gelu's ONNX function body, exact or by tanh.
int64_t geluFlops(bool Tanh);
/// x · sigmoid(alpha · x)
constexpr int64_t SwishFlops = 3;

} // namespace xfa

#endif // XFA_LIB_OPS_ACTIVATION_H
