//===- Movement.cpp - copies into another arrangement ---------------------===//
//
// Concat, Pad, Tile, DepthToSpace, SpaceToDepth, ReverseSequence,
// CenterCropPad, Col2Im.
//
//===----------------------------------------------------------------------===//

#include "IndexWalk.h"
#include "Operands.h"

namespace xfa {

/// C6: data movement, 0 FLOPs. Bytes by C9.
void costMovement(CostContext &) {}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

/// Dimensions of input I. Old exporters leave a scalar beside vectors where
/// they mean a vector of one element.
static Shape concatDims(const InferContext &Ctx, unsigned I, int64_t Rank) {
  if (Rank == 1 && Ctx.rank(I) == 0)
    return {Ctx.constant(1)};
  return Shape(Ctx.dims(I));
}

/// Contents of a concatenation along Axis of inputs of constant shape.
static Contents concatContents(const InferContext &Ctx, const Shape &Dims,
                               int64_t Axis) {
  Contents Result;
  auto Out = constantDims(Dims);
  if (!Out || llvm::is_contained(*Out, 0))
    return Result;
  bool Any = false;
  llvm::SmallVector<int64_t, 8> Starts; // of each input along Axis
  int64_t Start = 0;
  for (unsigned I = 0; I < Ctx.numInputs(); ++I) {
    auto In = constantDims(concatDims(Ctx, I, Dims.size()));
    if (!In)
      return Result;
    Starts.push_back(Start);
    Start += (*In)[Axis];
    Any |= !Ctx.input(I).Known.none();
  }
  if (!Any || Start != (*Out)[Axis])
    return Result;
  forEachIndex(*Out, [&](llvm::ArrayRef<int64_t> At) {
    unsigned I = llvm::upper_bound(Starts, At[Axis]) - Starts.begin() - 1;
    Index Inside(At);
    Inside[Axis] -= Starts[I];
    Index InDims(*Out);
    InDims[Axis] = (I + 1 < Starts.size() ? Starts[I + 1] : Start) - Starts[I];
    Result.Elements.push_back(
        Ctx.input(I).Known.at(linearIndex(Inside, rowMajorStrides(InDims))));
  });
  return Result;
}

void inferConcat(InferContext &Ctx) {
  ElemType Elem = ElemType::Undefined;
  std::optional<unsigned> Ranked; // the first input of known rank
  std::optional<unsigned> Unranked;
  for (unsigned I = 0; I < Ctx.numInputs(); ++I) {
    if (Elem == ElemType::Undefined)
      Elem = Ctx.elem(I);
    std::optional<unsigned> &First = Ctx.hasRank(I) ? Ranked : Unranked;
    if (!First || (Ctx.hasRank(I) && Ctx.rank(*First) == 0))
      First = I;
  }
  if (!Ranked)
    return Ctx.setUnknown(0, Elem, unknownRank(Ctx, Unranked.value_or(0)));
  int64_t Rank = Ctx.rank(*Ranked);
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 1), Rank); // opset 1: 1
  if (!Axis)
    return;
  Shape Dims(Ctx.dims(*Ranked));
  Expr Sum = Ctx.constant(0);
  for (unsigned I = 0; I < Ctx.numInputs(); ++I) {
    if (!Ctx.hasRank(I))
      continue;
    Shape Joined = concatDims(Ctx, I, Rank);
    if (static_cast<int64_t>(Joined.size()) != Rank) {
      // Runtimes let an empty vector pass beside tensors of any rank.
      auto Count = numElements(Ctx.store(), Ctx.dims(I)).constant();
      auto First = numElements(Ctx.store(), Ctx.dims(*Ranked)).constant();
      if (Count == 0 || First == 0)
        return Ctx.setUnknown(0, Elem, "an empty input of another rank");
      return Ctx.fail("expected inputs of equal rank to concatenate, found " +
                      shapeText(Ctx.dims(*Ranked)) + " and " +
                      shapeText(Ctx.dims(I)));
    }
    for (int64_t D = 0; D < Rank; ++D) {
      if (D == *Axis)
        continue;
      auto Dim = sameDim(Ctx, Dims[D], Joined[D],
                         "dimension " + llvm::Twine(D) + " beside axis " +
                             llvm::Twine(*Axis));
      if (!Dim)
        return;
      Dims[D] = *Dim;
    }
    Expr Sizes[] = {Sum, Joined[*Axis]};
    Sum += Sizes[1];
    if (!fitsSize(Ctx, Sum, Sizes))
      return;
  }
  Dims[*Axis] = Unranked ? Ctx.unknownDim(unknownRank(Ctx, *Unranked)) : Sum;
  Ctx.set(0, Elem, Dims);
  if (!Unranked)
    Ctx.setContents(0, concatContents(Ctx, Dims, *Axis));
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

namespace {
/// Elements added before and after each axis; negative ones are cut off.
struct Padding {
  llvm::SmallVector<Expr, 4> Before, After;
};
} // namespace

/// None, with the reason or the failure set, where the axes are not known.
static std::optional<Padding> paddingOf(InferContext &Ctx) {
  int64_t Rank = Ctx.rank(0);
  bool AttributesOnly = Ctx.opset() < 11;
  IntegerList Pads = integerList(Ctx, Ctx.opset() < 2 ? "paddings" : "pads",
                                 AttributesOnly ? NoInput : 1);
  IntegerList Axes = integerList(Ctx, "axes", Ctx.opset() < 18 ? NoInput : 3);
  llvm::SmallVector<int64_t, 8> Which;
  if (Axes.Present) {
    auto Constants = Axes.constants();
    if (!Constants) {
      setUnknownDims(Ctx, 0, Ctx.elem(0), Rank,
                     "the axes to pad are known at run time only");
      return std::nullopt;
    }
    auto Normal = checkedAxes(Ctx, *Constants, Rank);
    if (!Normal)
      return std::nullopt;
    Which = *Normal;
  } else {
    for (int64_t D = 0; D < Rank; ++D)
      Which.push_back(D);
  }
  Padding Result;
  Result.Before.assign(Rank, Ctx.constant(0));
  Result.After = Result.Before;
  if (Pads.HasLength && Pads.size() != 2 * Which.size()) {
    Ctx.fail("expected pads with " + llvm::Twine(2 * Which.size()) +
             " entries, two an axis, found " + llvm::Twine(Pads.size()));
    return std::nullopt;
  }
  for (size_t I = 0; I < Which.size(); ++I) {
    auto Entry = [&](size_t At) {
      return Pads.HasLength ? Pads.Items[At]
                            : Ctx.unknownDim("the padding is known at run "
                                             "time only");
    };
    Result.Before[Which[I]] = Entry(I);
    Result.After[Which[I]] = Entry(I + Which.size());
  }
  return Result;
}

/// Contents of a Pad with a constant fill.
static Contents padContents(const InferContext &Ctx, const Padding &Pads,
                            const Shape &Dims) {
  Contents Result;
  const Contents &Known = Ctx.input(0).Known;
  auto In = constantDims(Ctx.dims(0)), Out = constantDims(Dims);
  if (Known.none() || !In || !Out ||
      Ctx.stringAttr("mode", "constant") != "constant")
    return Result;
  Index Before;
  for (Expr E : Pads.Before) {
    if (!E.isConstant())
      return Result;
    Before.push_back(*E.constant());
  }
  Element Fill;
  if (Ctx.opset() >= 11 && Ctx.has(2))
    Fill = Ctx.scalar(2);
  else if (isInteger(Ctx.elem(0)))
    Fill = Element::integer(Ctx.constant(0));
  else if (isFloat(Ctx.elem(0)))
    Fill = Element::number(Ctx.floatAttr("value", 0));
  else if (Ctx.elem(0) == ElemType::Bool)
    Fill = Element::boolean(false);
  Index Strides = rowMajorStrides(*In);
  forEachIndex(*Out, [&](llvm::ArrayRef<int64_t> At) {
    int64_t I = 0;
    for (size_t D = 0; D < At.size(); ++D) {
      int64_t From = At[D] - Before[D];
      if (From < 0 || From >= (*In)[D]) {
        Result.Elements.push_back(Fill);
        return;
      }
      I += From * Strides[D];
    }
    Result.Elements.push_back(Known.at(I));
  });
  return Result;
}

void inferPad(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  auto Pads = paddingOf(Ctx);
  if (!Pads)
    return;
  Shape Dims;
  for (int64_t D = 0; D < Ctx.rank(0); ++D) {
    Expr Sizes[] = {Ctx.dims(0)[D], Pads->Before[D], Pads->After[D]};
    Expr Padded = Sizes[1] + Sizes[2]; // first: huge ones may cancel
    if (!fitsSize(Ctx, Padded, {Sizes[1], Sizes[2]}))
      return;
    Expr Sum = Sizes[0] + Padded;
    if (!fitsSize(Ctx, Sum, Sizes))
      return;
    if (Sum.constant() && *Sum.constant() < 0)
      return Ctx.fail("expected padding that leaves a size, found " +
                      toString(Sum) + " for dimension " + llvm::Twine(D));
    Dims.push_back(isDimension(Sum) ? Sum
                                    : Ctx.unknownDim(Sum.unknownReason()));
  }
  Ctx.set(0, Ctx.elem(0), Dims);
  Ctx.setContents(0, padContents(Ctx, *Pads, Dims));
}

//===----------------------------------------------------------------------===//
// Tile
//===----------------------------------------------------------------------===//

void inferTile(InferContext &Ctx) {
  bool OneAxis = Ctx.opset() < 6; // inputs tiles and axis, scalars
  IntegerList Repeats = integerList(Ctx, "repeats", 1);
  if (!Ctx.hasRank(0)) {
    if (!OneAxis && Repeats.HasLength)
      return setUnknownDims(Ctx, 0, Ctx.elem(0), Repeats.size(),
                            unknownRank(Ctx, 0));
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  }
  int64_t Rank = Ctx.rank(0);
  const char *Why = "the repeats are known at run time only";
  llvm::SmallVector<Expr, 8> Factors;
  if (OneAxis) {
    IntegerList Axis = integerList(Ctx, "axis", 2);
    auto At = Axis.constants();
    if (!At || At->size() != 1 || Repeats.size() != 1)
      return setUnknownDims(Ctx, 0, Ctx.elem(0), Rank, Why);
    auto Normal = checkedAxis(Ctx, At->front(), Rank);
    if (!Normal)
      return;
    Factors.assign(Rank, Ctx.constant(1));
    Factors[*Normal] = Repeats.Items.front();
  } else if (!Repeats.HasLength) {
    return setUnknownDims(Ctx, 0, Ctx.elem(0), Rank, Why);
  } else {
    Factors = Repeats.Items;
  }
  if (static_cast<int64_t>(Factors.size()) != Rank)
    return Ctx.fail("expected " + llvm::Twine(Rank) +
                    " repeats, one a dimension, found " +
                    llvm::Twine(Factors.size()));
  Shape Dims;
  for (int64_t D = 0; D < Rank; ++D) {
    if (Factors[D].constant() && *Factors[D].constant() < 0)
      return Ctx.fail("expected repeats >= 0, found " + toString(Factors[D]));
    Expr Size = Ctx.dims(0)[D] * Factors[D];
    if (!fitsSize(Ctx, Size, {Ctx.dims(0)[D], Factors[D]}))
      return;
    Dims.push_back(isDimension(Size) ? Size
                                     : Ctx.unknownDim(Size.unknownReason()));
  }
  Ctx.set(0, Ctx.elem(0), Dims);
  auto In = constantDims(Ctx.dims(0));
  const Contents &Known = Ctx.input(0).Known;
  if (Known.Elements.size() == 1)
    return Ctx.setContents(0, Contents::splat(Known.Elements.front()));
  if (!In)
    return;
  Index Strides = rowMajorStrides(*In);
  Ctx.setContents(0, mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
                    int64_t I = 0;
                    for (int64_t D = 0; D < Rank; ++D)
                      I += At[D] % (*In)[D] * Strides[D];
                    return I;
                  }));
}

//===----------------------------------------------------------------------===//
// DepthToSpace, SpaceToDepth
//===----------------------------------------------------------------------===//

/// [N,C,H,W] with blocks of b×b moved between C and H, W.
static void inferBlocks(InferContext &Ctx, bool ToSpace) {
  if (!Ctx.hasRank(0))
    return setUnknownDims(Ctx, 0, Ctx.elem(0), 4, unknownRank(Ctx, 0));
  if (Ctx.rank(0) != 4)
    return Ctx.fail("expected an input of 4 dimensions, found " +
                    shapeText(Ctx.dims(0)));
  auto Block = Ctx.intAttr("blocksize");
  if (!Block || *Block <= 0 || *Block > INT32_MAX)
    return Ctx.fail("expected a positive blocksize");
  Expr B = Ctx.constant(*Block), Area = B * B;
  auto Whole = [&](Expr Dim, Expr By) {
    if (Dim.constant() && By.constant() && *Dim.constant() % *By.constant())
      Ctx.fail("expected a size divisible by " + toString(By) + ", found " +
               toString(Dim));
    return Dim.isKnown() ? exactDiv(Dim, By)
                         : Ctx.unknownDim(Dim.unknownReason());
  };
  auto In = Ctx.dims(0);
  if (ToSpace)
    return Ctx.set(0, Ctx.elem(0),
                   {In[0], Whole(In[1], Area), In[2] * B, In[3] * B});
  Ctx.set(0, Ctx.elem(0),
          {In[0], In[1] * Area, Whole(In[2], B), Whole(In[3], B)});
}

void inferDepthToSpace(InferContext &Ctx) { inferBlocks(Ctx, true); }
void inferSpaceToDepth(InferContext &Ctx) { inferBlocks(Ctx, false); }

//===----------------------------------------------------------------------===//
// ReverseSequence, CenterCropPad, Col2Im
//===----------------------------------------------------------------------===//

void inferReverseSequence(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  Ctx.set(0, Ctx.elem(0), Ctx.dims(0));
}

void inferCenterCropPad(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  int64_t Rank = Ctx.rank(0);
  IntegerList Axes = integerList(Ctx, "axes", NoInput);
  llvm::SmallVector<int64_t, 8> Which;
  if (Axes.Present) {
    auto Normal = checkedAxes(Ctx, *Axes.constants(), Rank);
    if (!Normal)
      return;
    Which = *Normal;
  } else {
    for (int64_t D = 0; D < Rank; ++D)
      Which.push_back(D);
  }
  IntegerList Sizes = integerList(Ctx, "shape", 1);
  if (Sizes.HasLength && Sizes.size() != Which.size())
    return Ctx.fail("expected " + llvm::Twine(Which.size()) +
                    " sizes, one an axis, found " + llvm::Twine(Sizes.size()));
  Shape Dims(Ctx.dims(0));
  for (size_t I = 0; I < Which.size(); ++I) {
    Dims[Which[I]] = Sizes.HasLength && isDimension(Sizes.Items[I])
                         ? Sizes.Items[I]
                         : Ctx.unknownDim("the size to crop or pad to is known "
                                          "at run time only");
    if (Dims[Which[I]].constant() && *Dims[Which[I]].constant() < 0)
      return Ctx.fail("expected sizes >= 0, found " + toString(Dims[Which[I]]));
  }
  Ctx.set(0, Ctx.elem(0), Dims);
}

void inferCol2Im(InferContext &Ctx) {
  IntegerList Image = integerList(Ctx, "image_shape", 1);
  IntegerList Block = integerList(Ctx, "block_shape", 2);
  if (!Image.HasLength && !Block.HasLength)
    return Ctx.setUnknown(0, Ctx.elem(0),
                          "the length of image_shape is not known");
  size_t Spatial = Image.HasLength ? Image.size() : Block.size();
  if (Image.HasLength && Block.HasLength && Image.size() != Block.size())
    return Ctx.fail("expected image_shape and block_shape of one length, "
                    "found " +
                    llvm::Twine(Image.size()) + " and " +
                    llvm::Twine(Block.size()));
  bool Ranked = Ctx.hasRank(0);
  if (Ranked && Ctx.rank(0) != 3)
    return Ctx.fail("expected an input of 3 dimensions, found " +
                    shapeText(Ctx.dims(0)));
  Shape Dims;
  Dims.push_back(Ranked ? Ctx.dims(0)[0] : Ctx.unknownDim(unknownRank(Ctx, 0)));
  // Input channels are output channels × the block's volume.
  Expr Volume = product(Ctx.store(), Block.Items);
  if (!fitsSize(Ctx, Volume, Block.Items))
    return;
  Expr Channels = Ranked ? Ctx.dims(0)[1] : Ctx.unknownDim(unknownRank(Ctx, 0));
  if (!Block.HasLength || !Volume.isKnown() || !Channels.isKnown() ||
      Volume.is(0))
    Dims.push_back(Ctx.unknownDim("the block's volume is not known"));
  else if (Volume.constant() && Channels.constant() &&
           *Channels.constant() % *Volume.constant())
    return Ctx.fail("expected dimension 1 to be divisible by the block's " +
                    toString(Volume) + " elements, found " +
                    toString(Channels));
  else
    Dims.push_back(exactDiv(Channels, Volume));
  for (size_t I = 0; I < Spatial; ++I)
    Dims.push_back(Image.HasLength && isDimension(Image.Items[I])
                       ? Image.Items[I]
                       : Ctx.unknownDim("image_shape is known at run time "
                                        "only"));
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// C4: overlapping blocks are summed, one FLOP an input element.
void costCol2Im(CostContext &Ctx) { Ctx.addVector(Ctx.inSize(0)); }

} // namespace xfa
