//===- Window.h - sliding windows: convolution and pooling ----------------===//

#ifndef XFA_LIB_OPS_WINDOW_H
#define XFA_LIB_OPS_WINDOW_H

#include "xfa/Ops/Op.h"

namespace xfa {

/// What the attributes say about windows over `Rank` spatial axes.
struct Window {
  enum PaddingTy : uint8_t { Explicit, Same, Valid };
  llvm::SmallVector<Expr, 3> Kernel;
  llvm::SmallVector<int64_t, 3> Strides, Dilations;
  llvm::SmallVector<int64_t, 3> PadBegin, PadEnd;
  PaddingTy Padding = Explicit;
  bool Ceil = false;

  int64_t rank() const { return static_cast<int64_t>(Kernel.size()); }
};

/// Number of spatial axes that the attributes speak of; none if they do not.
std::optional<int64_t> windowRank(const OpContext &Ctx);

/// Reads strides, dilations, pads, auto_pad and ceil_mode. KernelDims are the
/// weight's spatial dims, empty for pooling; `kernel_shape` goes before them.
/// None after a failure.
std::optional<Window> readWindow(InferContext &Ctx, int64_t Rank,
                                 llvm::ArrayRef<Expr> KernelDims);

/// Number of windows along each axis.
Shape windowCounts(InferContext &Ctx, const Window &W,
                   llvm::ArrayRef<Expr> Spatial);

/// Volume of kernel_shape; marks the cost unknown where it is missing.
Expr kernelVolume(CostContext &Ctx);

} // namespace xfa

#endif // XFA_LIB_OPS_WINDOW_H
