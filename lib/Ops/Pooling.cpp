//===- Pooling.cpp - pools over windows and over everything ---------------===//

#include "Convolution.h"
#include "Shapes.h"
#include "Window.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// MaxPool, AveragePool, LpPool
//===----------------------------------------------------------------------===//

void setPool(InferContext &Ctx, ChannelsAt Channels) {
  bool Last = Channels == ChannelsAt::Last;
  std::optional<int64_t> Spatial;
  if (Ctx.hasRank(0))
    Spatial = Ctx.rank(0) - 2;
  else if (auto Kernel = Ctx.intsAttr("kernel_shape"))
    Spatial = static_cast<int64_t>(Kernel->size());
  if (!Spatial) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    Ctx.setUnknown(1, ElemType::Int64, unknownRank(Ctx, 0));
    return;
  }
  if (*Spatial < 1) {
    Ctx.fail("pooling needs a batch, channels and a spatial axis, got " +
             shapeText(Ctx.dims(0)));
    return;
  }
  std::optional<Window> W = readWindow(Ctx, *Spatial, {});
  if (!W)
    return;
  Shape Extents;
  for (int64_t I = 0; I < *Spatial; ++I)
    Extents.push_back(dimOrUnknown(Ctx, 0, I + (Last ? 1 : 2)));
  Shape Dims = {dimOrUnknown(Ctx, 0, 0)};
  Expr Count = dimOrUnknown(Ctx, 0, Last ? -1 : 1);
  if (!Last)
    Dims.push_back(Count);
  Shape Counts = windowCounts(Ctx, *W, Extents);
  Dims.append(Counts.begin(), Counts.end());
  if (Last)
    Dims.push_back(Count);
  Ctx.set(0, Ctx.elem(0), Dims);
  Ctx.set(1, ElemType::Int64, Dims); // MaxPool's indices
}

void inferPool(InferContext &Ctx) { setPool(Ctx, ChannelsAt::First); }

/// C4 for each window: one an element that it covers, padding included.
void costPool(CostContext &Ctx) {
  Ctx.addVector(Ctx.outSize(0) * kernelVolume(Ctx));
}

void costAveragePool(CostContext &Ctx) {
  costPool(Ctx);
  Ctx.addVector(Ctx.outSize(0)); // C4: a mean, one more
}

//===----------------------------------------------------------------------===//
// GlobalMaxPool, GlobalAveragePool, GlobalLpPool
//===----------------------------------------------------------------------===//

void setGlobalPool(InferContext &Ctx, ChannelsAt Channels) {
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  if (Ctx.rank(0) < 2) {
    Ctx.fail("pooling needs a batch and channels, got " +
             shapeText(Ctx.dims(0)));
    return;
  }
  Shape Dims(Ctx.rank(0), Ctx.constant(1));
  Dims.front() = Ctx.dim(0, 0);
  if (Channels == ChannelsAt::First)
    Dims[1] = Ctx.dim(0, 1);
  else
    Dims.back() = Ctx.dim(0, -1);
  Ctx.set(0, Ctx.elem(0), Dims);
}

void inferGlobalPool(InferContext &Ctx) {
  setGlobalPool(Ctx, ChannelsAt::First);
}

void costGlobalPool(CostContext &Ctx) { Ctx.addVector(Ctx.inSize(0)); } // C4

void costGlobalAveragePool(CostContext &Ctx) {
  Ctx.addVector(Ctx.inSize(0) + Ctx.outSize(0)); // C4
}

//===----------------------------------------------------------------------===//
// MaxUnpool: the inverse of MaxPool
//===----------------------------------------------------------------------===//

void inferMaxUnpool(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  if (Ctx.hasRank(0) && !expectRank(Ctx, 1, Ctx.rank(0), "the indices"))
    return;
  if (auto Sizes = Ctx.ints(2)) {
    Ctx.set(0, Elem, *Sizes);
    return;
  }
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(0, Elem, unknownRank(Ctx, 0));
    return;
  }
  if (Ctx.has(2)) {
    Shape Dims;
    for (int64_t I = 0; I < Ctx.rank(0); ++I)
      Dims.push_back(Ctx.unknownDim("output_shape is not known"));
    Ctx.set(0, Elem, Dims);
    return;
  }
  int64_t Spatial = Ctx.rank(0) - 2;
  if (Spatial < 1) {
    Ctx.fail("unpooling needs a batch, channels and a spatial axis, got " +
             shapeText(Ctx.dims(0)));
    return;
  }
  std::optional<Window> W = readWindow(Ctx, Spatial, {});
  if (!W)
    return;
  Shape Dims = {Ctx.dim(0, 0), Ctx.dim(0, 1)};
  for (int64_t I = 0; I < Spatial; ++I)
    Dims.push_back((Ctx.dim(0, I + 2) - 1) * W->Strides[I] + W->Kernel[I] -
                   Ctx.constant(W->PadBegin[I]) - Ctx.constant(W->PadEnd[I]));
  Ctx.set(0, Elem, Dims);
}

void costMaxUnpool(CostContext &) {} // C6

} // namespace xfa
