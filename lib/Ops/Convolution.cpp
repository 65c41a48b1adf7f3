//===- Convolution.cpp - Conv, ConvTranspose, ConvInteger, … --------------===//

#include "Convolution.h"
#include "Quantization.h"
#include "Shapes.h"
#include "Window.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Conv
//===----------------------------------------------------------------------===//

/// Rank of X: its own, or what the weight or the attributes say.
static std::optional<int64_t> convolutionRank(const OpContext &Ctx, unsigned X,
                                              unsigned W) {
  for (unsigned I : {X, W})
    if (Ctx.hasRank(I))
      return Ctx.rank(I);
  if (std::optional<int64_t> Spatial = windowRank(Ctx))
    return *Spatial + 2;
  return std::nullopt;
}

void setConvolution(InferContext &Ctx, ElemType Elem, unsigned X, unsigned W,
                    ChannelsAt Channels, WeightLayout Layout) {
  std::optional<int64_t> Rank = convolutionRank(Ctx, X, W);
  if (!Rank) {
    Ctx.setUnknown(0, Elem, unknownRank(Ctx, X));
    return;
  }
  if (*Rank < 3) {
    Ctx.fail("a convolution needs a batch, channels and a spatial axis, got " +
             shapeText(Ctx.hasRank(X) ? Ctx.dims(X) : Ctx.dims(W)));
    return;
  }
  if (!expectRank(Ctx, W, *Rank, "the weight"))
    return;
  bool Last = Channels == ChannelsAt::Last;
  bool WeightLast = Layout == WeightLayout::ChannelsLast;
  int64_t Spatial = *Rank - 2;

  Expr In = dimOrUnknown(Ctx, X, Last ? -1 : 1);
  std::optional<Expr> PerGroup = knownDim(Ctx, W, WeightLast ? -1 : 1);
  Expr Groups = Ctx.constant(Ctx.intAttr("group", 1));
  if (PerGroup && equal(In, *PerGroup * Groups) == Truth::False) {
    Ctx.fail("the input has " + toString(In) + " channels, the weight takes " +
             toString(*PerGroup * Groups));
    return;
  }

  llvm::ArrayRef<Expr> KernelDims;
  if (Ctx.hasRank(W))
    KernelDims = Ctx.dims(W).slice(WeightLast ? 1 : 2, Spatial);
  std::optional<Window> Win = readWindow(Ctx, Spatial, KernelDims);
  if (!Win)
    return;
  Shape Extents;
  for (int64_t I = 0; I < Spatial; ++I)
    Extents.push_back(dimOrUnknown(Ctx, X, I + (Last ? 1 : 2)));
  Shape Counts = windowCounts(Ctx, *Win, Extents);

  Shape Dims = {dimOrUnknown(Ctx, X, 0)};
  Expr Out = dimOrUnknown(Ctx, W, 0);
  if (!Last)
    Dims.push_back(Out);
  Dims.append(Counts.begin(), Counts.end());
  if (Last)
    Dims.push_back(Out);
  Ctx.set(0, Elem, Dims);
}

void addConvolution(CostContext &Ctx, unsigned W) {
  Expr Size = Ctx.outSize(0);
  if (!Ctx.hasRank(W)) {
    Ctx.unknown(unknownRank(Ctx, W));
    return;
  }
  Ctx.addMatrix(2 * Size * costProduct(Ctx, W, 1, Ctx.rank(W))); // C1
}

void inferConv(InferContext &Ctx) { setConvolution(Ctx, Ctx.elem(0), 0, 1); }

void costConv(CostContext &Ctx) {
  addConvolution(Ctx, 1);
  if (Ctx.has(2))
    Ctx.addVector(Ctx.outSize(0)); // C1, C8: the bias
}

void inferConvInteger(InferContext &Ctx) {
  setConvolution(Ctx, ElemType::Int32, 0, 1);
}

void costConvInteger(CostContext &Ctx) {
  addConvolution(Ctx, 1);
  addZeroPoint(Ctx, 0, 2);
  addZeroPoint(Ctx, 1, 3);
}

//===----------------------------------------------------------------------===//
// ConvTranspose
//===----------------------------------------------------------------------===//

/// Extent along spatial axis I of a transposed convolution of these windows.
static Expr transposedExtent(InferContext &Ctx, const Window &W, int64_t I,
                             Expr Extent, int64_t OutputPadding) {
  if (W.Padding == Window::Same)
    return Extent * W.Strides[I];
  Expr Reach = W.Dilations[I] * (W.Kernel[I] - 1) + 1;
  return (Extent - 1) * W.Strides[I] + Ctx.constant(OutputPadding) + Reach -
         Ctx.constant(W.PadBegin[I]) - Ctx.constant(W.PadEnd[I]);
}

void inferConvTranspose(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  std::optional<int64_t> Rank = convolutionRank(Ctx, 0, 1);
  if (!Rank) {
    Ctx.setUnknown(0, Elem, unknownRank(Ctx, 0));
    return;
  }
  if (*Rank < 3) {
    Ctx.fail("a convolution needs a batch, channels and a spatial axis, got " +
             shapeText(Ctx.hasRank(0) ? Ctx.dims(0) : Ctx.dims(1)));
    return;
  }
  if (!expectRank(Ctx, 1, *Rank, "the weight"))
    return;
  int64_t Spatial = *Rank - 2;
  std::optional<Expr> In = knownDim(Ctx, 0, 1), WeightIn = knownDim(Ctx, 1, 0);
  if (In && WeightIn &&
      !sameDim(Ctx, *In, *WeightIn,
               "channels of input and "
               "weight"))
    return;
  llvm::ArrayRef<Expr> KernelDims;
  if (Ctx.hasRank(1))
    KernelDims = Ctx.dims(1).drop_front(2);
  std::optional<Window> W = readWindow(Ctx, Spatial, KernelDims);
  if (!W)
    return;

  if (W->Padding != Window::Explicit && Ctx.hasAttr("pads")) {
    Ctx.fail("pads and auto_pad are both given");
    return;
  }
  Expr PerGroup = dimOrUnknown(Ctx, 1, 1);
  Expr Out = PerGroup * Ctx.constant(Ctx.intAttr("group", 1));
  if (PerGroup.isConstant() && !Out.isConstant()) {
    Ctx.fail(toString(PerGroup) + " channels in each of " +
             llvm::Twine(Ctx.intAttr("group", 1)) + " groups are too many");
    return;
  }

  Shape Dims = {dimOrUnknown(Ctx, 0, 0), Out};
  auto Sizes = Ctx.intsAttr("output_shape");
  auto OutputPadding = Ctx.intsAttr("output_padding");
  for (auto List : {Sizes, OutputPadding})
    for (int64_t V : List.value_or(llvm::ArrayRef<int64_t>()))
      if (V < 0) {
        Ctx.fail("output_shape and output_padding should be 0 or more, got " +
                 llvm::Twine(V));
        return;
      }
  if (Sizes && !Sizes->empty()) {
    // Spatial sizes; some exporters write batch and channels too.
    if (static_cast<int64_t>(Sizes->size()) != Spatial &&
        static_cast<int64_t>(Sizes->size()) != *Rank) {
      Ctx.fail("output_shape has " + llvm::Twine(Sizes->size()) +
               " numbers for " + llvm::Twine(Spatial) + " spatial axes");
      return;
    }
    for (int64_t Size : Sizes->take_back(Spatial))
      Dims.push_back(Ctx.constant(Size));
  } else {
    for (int64_t I = 0; I < Spatial; ++I)
      Dims.push_back(transposedExtent(
          Ctx, *W, I, dimOrUnknown(Ctx, 0, I + 2),
          OutputPadding && I < static_cast<int64_t>(OutputPadding->size())
              ? (*OutputPadding)[I]
              : 0));
  }
  Ctx.set(0, Elem, Dims);
}

void costConvTranspose(CostContext &Ctx) {
  // C1, seen from the input: each of its elements meets M/g × kernel weights.
  // This is also what torch counts (C8).
  Expr Size = Ctx.inSize(0);
  if (!Ctx.hasRank(1)) {
    Ctx.unknown(unknownRank(Ctx, 1));
    return;
  }
  Ctx.addMatrix(2 * Size * costProduct(Ctx, 1, 1, Ctx.rank(1)));
  if (Ctx.has(2))
    Ctx.addVector(Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// DeformConv: the weight is input 1, the offsets input 2
//===----------------------------------------------------------------------===//

void inferDeformConv(InferContext &Ctx) {
  setConvolution(Ctx, Ctx.elem(0), 0, 1);
}

void costDeformConv(CostContext &Ctx) {
  Ctx.unknown("no rule counts the interpolation of a deformable convolution");
}

//===----------------------------------------------------------------------===//
// CausalConvWithState: [B, C, L] with the last k - 1 columns of what came
// before
//===----------------------------------------------------------------------===//

static bool isConvActivation(llvm::StringRef Name) {
  return Name == "silu" || Name == "swish" || Name == "none";
}

void inferCausalConvWithState(InferContext &Ctx) {
  if (!expectRank(Ctx, 0, 3, "the input") ||
      !expectRank(Ctx, 1, 3, "the weight"))
    return;
  llvm::StringRef Activation = Ctx.stringAttr("activation", "none");
  if (!isConvActivation(Activation)) {
    Ctx.fail("activation should be silu, swish or none, got '" + Activation +
             "'");
    return;
  }
  if (knownDim(Ctx, 1, 2) && knownDim(Ctx, 1, 2)->is(0)) {
    Ctx.fail("the kernel is empty");
    return;
  }
  ElemType Elem = Ctx.elem(0);
  setLike(Ctx, 0, Elem, 0);
  if (!Ctx.hasRank(0))
    Ctx.set(0, Elem,
            {dimOrUnknown(Ctx, 0, 0), dimOrUnknown(Ctx, 1, 0),
             dimOrUnknown(Ctx, 0, 2)});
  Expr State = dimOrUnknown(Ctx, 1, 2) - 1;
  std::optional<Expr> Past = knownDim(Ctx, 3, 2);
  if (Past && !sameDim(Ctx, *Past, State, "columns of past_state and k - 1"))
    return;
  Ctx.set(1, Elem, {dimOrUnknown(Ctx, 0, 0), dimOrUnknown(Ctx, 0, 1), State});
}

void costCausalConvWithState(CostContext &Ctx) {
  // C5: Concat, Conv with a group a channel, Sigmoid and Mul for silu, Slice.
  addConvolution(Ctx, 1);
  Expr Size = Ctx.outSize(0);
  if (Ctx.has(2))
    Ctx.addVector(Size);
  if (Ctx.stringAttr("activation", "none") != "none")
    Ctx.addVector(2 * Size);
}

} // namespace xfa
