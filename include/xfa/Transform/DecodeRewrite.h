//===- DecodeRewrite.h - the decoding step of a graph without a cache -----===//

#ifndef XFA_TRANSFORM_DECODEREWRITE_H
#define XFA_TRANSFORM_DECODEREWRITE_H

#include "xfa/Analysis/Decode.h"

namespace xfa {

/// Gives A.Decode->Graph to a graph that has no cache: that of the same graph
/// after the kv-cache pass, its kernels taken apart before it and made again
/// behind it. Where the pass refuses, A.Decode->NoGraph says why.
/// `Fresh`: the model that A is of, imported once more; it is rewritten.
llvm::Error decodeThroughRewrite(Model &Fresh, ModelAnalysis &A);

} // namespace xfa

#endif // XFA_TRANSFORM_DECODEREWRITE_H
