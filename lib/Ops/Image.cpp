//===- Image.cpp - GridSample, AffineGrid, RoiAlign, MaxRoiPool, …
//----------===//

#include "Interpolation.h"
#include "Operands.h"

namespace xfa {

/// Neighbours along one axis; 1 for nearest, 0 if the mode is not known.
static int64_t neighbours(CostContext &Ctx, llvm::StringRef Mode) {
  if (Mode == "nearest")
    return 1;
  if (Mode == "cubic" || Mode == "bicubic")
    return 4;
  if (Mode == "linear" || Mode == "bilinear")
    return 2;
  Ctx.unknown("interpolation mode '" + Mode + "' is not known");
  return 0;
}

void addInterpolation(CostContext &Ctx, llvm::StringRef Mode, unsigned Axes) {
  int64_t AnAxis = neighbours(Ctx, Mode);
  if (AnAxis <= 1 || Axes == 0)
    return; // C6
  if (Axes > 16)
    return Ctx.unknown("an interpolation over more than 16 axes");
  int64_t All = 1;
  for (unsigned I = 0; I < Axes; ++I)
    All *= AnAxis;
  Ctx.addVector(2 * All * Ctx.outSize(0));
}

void addInterpolation(CostContext &Ctx, llvm::StringRef Mode,
                      llvm::ArrayRef<Expr> Before, llvm::ArrayRef<Expr> After) {
  int64_t AnAxis = neighbours(Ctx, Mode);
  if (AnAxis <= 1)
    return;                       // C6
  Expr All = Ctx.constant(1);     // neighbours of an element
  Expr Changes = Ctx.constant(0); // 0 if no axis does, else 1 or more
  for (auto [Old, New] : llvm::zip(Before, After)) {
    if (provablyEqual(Old, New))
      continue;
    Expr Differs = equal(Old, New) == Truth::False
                       ? Ctx.constant(1)
                       : min(Ctx.constant(1), max(Old - New, New - Old));
    All *= 1 + (AnAxis - 1) * Differs;
    Changes += Differs;
  }
  Ctx.addVector(2 * min(Ctx.constant(1), Changes) * All * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// GridSample: X [N,C,D1…Dk], grid [N,O1…Ok,k] → [N,C,O1…Ok]
//===----------------------------------------------------------------------===//

void inferGridSample(InferContext &Ctx) {
  if (!Ctx.hasRank(0) && !Ctx.hasRank(1))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  int64_t Rank = Ctx.hasRank(0) ? Ctx.rank(0) : Ctx.rank(1);
  if (Rank < 3 || (Ctx.hasRank(1) && Ctx.rank(1) != Rank))
    return Ctx.fail("expected an image and a grid of one rank, 3 or more");
  Shape Dims{dimOrUnknown(Ctx, 0, 0), dimOrUnknown(Ctx, 0, 1)};
  if (Ctx.hasRank(0) && Ctx.hasRank(1)) {
    auto Batch = sameDim(Ctx, Dims[0], Ctx.dims(1)[0], "the batch");
    if (!Batch)
      return;
    Dims[0] = *Batch;
  } else if (Ctx.hasRank(1)) {
    Dims[0] = Ctx.dims(1)[0];
  }
  for (int64_t D = 1; D < Rank - 1; ++D)
    Dims.push_back(dimOrUnknown(Ctx, 1, D));
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costGridSample(CostContext &Ctx) {
  const ValueFacts &Out = Ctx.output(0);
  unsigned Axes = Out.HasRank && Out.rank() > 2 ? Out.rank() - 2 : 0;
  addInterpolation(Ctx, Ctx.stringAttr("mode", "linear"), Axes);
}

//===----------------------------------------------------------------------===//
// AffineGrid: theta [N,2,3], size (N,C,H,W) → [N,H,W,2]; theta [N,3,4], size
// (N,C,D,H,W) → [N,D,H,W,3]
//===----------------------------------------------------------------------===//

void inferAffineGrid(InferContext &Ctx) {
  IntegerList Size = integerList(Ctx, "size", 1);
  int64_t Spatial = 0;
  if (Size.HasLength)
    Spatial = static_cast<int64_t>(Size.size()) - 2;
  else if (Ctx.hasRank(0) && Ctx.rank(0) == 3 && Ctx.dims(0)[1].constant())
    Spatial = *Ctx.dims(0)[1].constant();
  else
    return Ctx.setUnknown(0, Ctx.elem(0), "the length of size is not known");
  if (Spatial != 2 && Spatial != 3)
    return Ctx.fail("expected a size of 4 or 5 entries, found " +
                    llvm::Twine(Spatial + 2));
  auto Entry = [&](int64_t I) {
    return Size.HasLength && isDimension(Size.Items[I])
               ? Size.Items[I]
               : Ctx.unknownDim("the size of the grid is known at run time "
                                "only");
  };
  Shape Dims{Entry(0)};
  for (int64_t D = 0; D < Spatial; ++D)
    Dims.push_back(Entry(2 + D));
  Dims.push_back(Ctx.constant(Spatial));
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// C5. The body builds the grid of sizes alone (C7: Range, Mul, Add, Concat, …
/// are folded), extends theta to [N,3,4] by copying (C6), and multiplies:
/// MatMul [N,3,4] × [4,D·H·W] is 2·3·4 FLOPs (C1) a grid point, D = 1 in two
/// dimensions. Nothing after it computes.
void costAffineGrid(CostContext &Ctx) {
  Expr Points = Ctx.constant(1);
  const ValueFacts &Out = Ctx.output(0);
  if (!Out.HasRank || Out.rank() < 2)
    return Ctx.unknown("the size of the grid is not known");
  for (int64_t D = 0; D < Out.rank() - 1; ++D)
    Points *= Ctx.outDim(0, D);
  constexpr int64_t FlopsAPoint = 2L * 3 * 4;
  Ctx.addMatrix(FlopsAPoint * Points);
}

//===----------------------------------------------------------------------===//
// RoiAlign, MaxRoiPool: X [N,C,H,W], rois [R,…] → [R,C,h,w]
//===----------------------------------------------------------------------===//

/// Sets the output of R regions pooled to Height × Width.
static void setPooled(InferContext &Ctx, int64_t Height, int64_t Width) {
  if (!expectRank(Ctx, 0, 4, "the image") ||
      !expectRank(Ctx, 1, 2, "the list of regions"))
    return;
  if (Height <= 0 || Width <= 0)
    return Ctx.fail("expected a positive output size, found " +
                    llvm::Twine(Height) + "×" + llvm::Twine(Width));
  Expr Regions = dimOrUnknown(Ctx, 1, 0);
  if (auto Indices = knownDim(Ctx, 2, 0)) { // RoiAlign's batch_indices [R]
    auto Agreed = sameDim(Ctx, *Indices, Regions, "the number of regions");
    if (!Agreed)
      return;
    Regions = *Agreed;
  }
  Ctx.set(0, Ctx.elem(0),
          {Regions, dimOrUnknown(Ctx, 0, 1), Ctx.constant(Height),
           Ctx.constant(Width)});
}

void inferRoiAlign(InferContext &Ctx) {
  setPooled(Ctx, Ctx.intAttr("output_height", 1),
            Ctx.intAttr("output_width", 1));
}

/// Each of sampling_ratio² samples of an output element is interpolated from 4
/// neighbours: a multiplication and an addition each (C2). The mean divides.
void costRoiAlign(CostContext &Ctx) {
  int64_t Ratio = Ctx.intAttr("sampling_ratio", 0);
  if (Ratio <= 0 || Ratio > 4096)
    return Ctx.unknown("the number of samples depends on the regions");
  bool Mean = Ctx.stringAttr("mode", "avg") == "avg";
  Ctx.addVector((Ratio * Ratio * 4 * 2 + Mean) * Ctx.outSize(0));
}

void inferMaxRoiPool(InferContext &Ctx) {
  auto Pooled = Ctx.intsAttr("pooled_shape");
  if (!Pooled || Pooled->size() != 2)
    return Ctx.fail("expected pooled_shape with 2 entries");
  setPooled(Ctx, (*Pooled)[0], (*Pooled)[1]);
}

void costMaxRoiPool(CostContext &Ctx) {
  Ctx.unknown("the size of a bin depends on the regions"); // C16
}

//===----------------------------------------------------------------------===//
// ImageDecoder: bytes → [H,W,channels]
//===----------------------------------------------------------------------===//

void inferImageDecoder(InferContext &Ctx) {
  const char *Why = "the size of an encoded image is in its data";
  bool Grey = Ctx.stringAttr("pixel_format", "RGB") == "Grayscale";
  Ctx.set(
      0, ElemType::UInt8,
      {Ctx.unknownDim(Why), Ctx.unknownDim(Why), Ctx.constant(Grey ? 1 : 3)});
}

void costImageDecoder(CostContext &Ctx) {
  Ctx.unknown("decoding depends on the data"); // C16
}

} // namespace xfa
