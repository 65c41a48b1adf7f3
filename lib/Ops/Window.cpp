//===- Window.cpp ---------------------------------------------------------===//

#include "Window.h"

#include "llvm/Support/MathExtras.h"

namespace xfa {

std::optional<int64_t> windowRank(const OpContext &Ctx) {
  for (const char *Name : {"kernel_shape", "strides", "dilations"})
    if (auto List = Ctx.intsAttr(Name))
      return static_cast<int64_t>(List->size());
  if (auto Pads = Ctx.intsAttr("pads"))
    return static_cast<int64_t>(Pads->size()) / 2;
  return std::nullopt;
}

/// One number an axis; Default where the attribute is not there.
static bool readPerAxis(InferContext &Ctx, const char *Name, int64_t Rank,
                        int64_t Default, int64_t Least,
                        llvm::SmallVectorImpl<int64_t> &Result) {
  Result.assign(Rank, Default);
  auto List = Ctx.intsAttr(Name);
  // An empty list is how some exporters write "not given".
  if (!List || List->empty())
    return true;
  if (static_cast<int64_t>(List->size()) != Rank) {
    Ctx.fail(llvm::Twine(Name) + " has " + llvm::Twine(List->size()) +
             " numbers for " + llvm::Twine(Rank) + " spatial axes");
    return false;
  }
  for (int64_t V : *List)
    if (V < Least) {
      Ctx.fail(llvm::Twine(Name) + " should be " + llvm::Twine(Least) +
               " or more, got " + llvm::Twine(V));
      return false;
    }
  Result.assign(List->begin(), List->end());
  return true;
}

std::optional<Window> readWindow(InferContext &Ctx, int64_t Rank,
                                 llvm::ArrayRef<Expr> KernelDims) {
  Window W;
  llvm::SmallVector<int64_t, 3> Kernel;
  if (!readPerAxis(Ctx, "kernel_shape", Rank, 0, 1, Kernel) ||
      !readPerAxis(Ctx, "strides", Rank, 1, 1, W.Strides) ||
      !readPerAxis(Ctx, "dilations", Rank, 1, 1, W.Dilations))
    return std::nullopt;
  for (int64_t I = 0; I < Rank; ++I) {
    if (Kernel[I] > 0)
      W.Kernel.push_back(Ctx.constant(Kernel[I]));
    else if (I < static_cast<int64_t>(KernelDims.size()))
      W.Kernel.push_back(KernelDims[I]);
    else
      W.Kernel.push_back(Ctx.unknownDim("the kernel's shape is unknown"));
    if (std::optional<int64_t> Extent = W.Kernel.back().constant()) {
      int64_t Reach;
      if (*Extent < 0 || llvm::MulOverflow(*Extent, W.Dilations[I], Reach)) {
        Ctx.fail("a kernel of " + llvm::Twine(*Extent) + " with dilation " +
                 llvm::Twine(W.Dilations[I]) + " is too large");
        return std::nullopt;
      }
    }
    if (I < static_cast<int64_t>(KernelDims.size()) &&
        equal(W.Kernel.back(), KernelDims[I]) == Truth::False) {
      Ctx.fail("kernel_shape says " + toString(W.Kernel.back()) +
               ", the weight " + toString(KernelDims[I]));
      return std::nullopt;
    }
  }

  W.PadBegin.assign(Rank, 0);
  W.PadEnd.assign(Rank, 0);
  llvm::StringRef AutoPad = Ctx.stringAttr("auto_pad", "NOTSET");
  if (AutoPad == "SAME_UPPER" || AutoPad == "SAME_LOWER") {
    W.Padding = Window::Same;
  } else if (AutoPad == "VALID") {
    W.Padding = Window::Valid;
  } else if (AutoPad != "NOTSET" && !AutoPad.empty()) {
    Ctx.fail("auto_pad '" + AutoPad + "' is none that ONNX knows");
    return std::nullopt;
  } else if (auto Pads = Ctx.intsAttr("pads"); Pads && !Pads->empty()) {
    if (static_cast<int64_t>(Pads->size()) != 2 * Rank) {
      Ctx.fail("pads has " + llvm::Twine(Pads->size()) + " numbers for " +
               llvm::Twine(Rank) + " spatial axes");
      return std::nullopt;
    }
    for (int64_t Pad : *Pads)
      if (Pad < 0) {
        Ctx.fail("pads should be 0 or more, got " + llvm::Twine(Pad));
        return std::nullopt;
      }
    W.PadBegin.assign(Pads->begin(), Pads->begin() + Rank);
    W.PadEnd.assign(Pads->begin() + Rank, Pads->end());
  }
  W.Ceil = Ctx.intAttr("ceil_mode", 0) != 0;
  return W;
}

/// Extent along one axis.
static Expr windowCount(InferContext &Ctx, const Window &W, int64_t I,
                        Expr Extent) {
  int64_t Stride = W.Strides[I];
  if (W.Padding == Window::Same)
    return ceilDiv(Extent, Stride);
  // A window spans Reach elements of Padded ones.
  Expr Reach = W.Dilations[I] * (W.Kernel[I] - 1) + 1;
  Expr Begin = Ctx.constant(W.PadBegin[I]), End = Ctx.constant(W.PadEnd[I]);
  Expr Padded = Extent + Begin + End;
  if (!W.Ceil)
    return floorDiv(Padded - Reach, Stride) + 1;
  // Rounded up, but the last window starts inside of the input or of the
  // padding before it: ceil(a / s) = floor((a + s - 1) / s) for the first.
  Expr Last = Padded - Reach + (Stride - 1);
  Expr Inside = Extent + Begin - 1;
  Expr Over = End + Stride - Reach; // Last - Inside
  if (lessEqual(Over, Ctx.constant(0)) == Truth::True)
    return floorDiv(Last, Stride) + 1;
  if (lessEqual(Ctx.constant(0), Over) == Truth::True)
    return floorDiv(Inside, Stride) + 1;
  return floorDiv(min(Last, Inside), Stride) + 1;
}

Shape windowCounts(InferContext &Ctx, const Window &W,
                   llvm::ArrayRef<Expr> Spatial) {
  Shape Result;
  for (int64_t I = 0; I < W.rank(); ++I) {
    Expr Count = windowCount(Ctx, W, I, Spatial[I]);
    if (std::optional<int64_t> C = Count.constant(); C && *C <= 0)
      Count = Ctx.unknownDim("the window is larger than the padded input");
    Result.push_back(Count);
  }
  return Result;
}

Expr kernelVolume(CostContext &Ctx) {
  auto Kernel = Ctx.intsAttr("kernel_shape");
  if (!Kernel) {
    Ctx.unknown("kernel_shape is missing");
    return Ctx.store().unknown("kernel_shape is missing");
  }
  Expr Volume = Ctx.constant(1);
  for (int64_t Extent : *Kernel)
    Volume *= Ctx.constant(Extent);
  return Volume;
}

} // namespace xfa
