//===- Convolution.h - windows over images, for fused operators -----------===//

#ifndef XFA_LIB_OPS_CONVOLUTION_H
#define XFA_LIB_OPS_CONVOLUTION_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// Where the channels of the input, and of the result, stand.
enum class ChannelsAt : uint8_t { First, Last };
/// Order of the weight's axes: [M, C/g, k…] or [M, k…, C/g].
enum class WeightLayout : uint8_t { ChannelsFirst, ChannelsLast };

/// Sets output 0 to the convolution of inputs X and W.
void setConvolution(InferContext &Ctx, ElemType Elem, unsigned X, unsigned W,
                    ChannelsAt Channels = ChannelsAt::First,
                    WeightLayout Layout = WeightLayout::ChannelsFirst);
/// C1: 2 × output elements × (input channels / groups) × kernel volume, which
/// is the weight's volume without its first axis.
void addConvolution(CostContext &Ctx, unsigned W);

/// Sets output 0, and MaxPool's indices, to the pooled input 0.
void setPool(InferContext &Ctx, ChannelsAt Channels);
/// The same where the window is everything.
void setGlobalPool(InferContext &Ctx, ChannelsAt Channels);

} // namespace xfa

#endif // XFA_LIB_OPS_CONVOLUTION_H
