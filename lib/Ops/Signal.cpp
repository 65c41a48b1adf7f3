//===- Signal.cpp - Fourier transforms, windows, mel weights --------------===//

#include "Operands.h"
#include "ResultTypes.h"

#include "llvm/Support/MathExtras.h"

namespace xfa {

/// The integer in a one-element input; none if it is not known.
static std::optional<Expr> knownScalar(const OpContext &Ctx, unsigned I) {
  Element E = Ctx.scalar(I);
  return E.kind() == Element::Int ? std::optional(E.expr()) : std::nullopt;
}

static Expr scalarOrUnknown(InferContext &Ctx, unsigned I,
                            llvm::StringRef What) {
  if (std::optional<Expr> E = knownScalar(Ctx, I))
    if (isDimension(*E))
      return *E;
  return Ctx.unknownDim(What + " is not known");
}

/// FLOPs of one complex transform of length Size: 5 n log2 n, the customary
/// count for radix 2 (Cooley and Tukey 1965; the `mflops` of FFTW's benchFFT).
/// A transform of real data (of 1 Part, not 2), or to real data, takes half.
/// None where the length is no constant power of two: C16.
static std::optional<Expr> transformFlops(Expr Size, Expr Parts, bool ToReal) {
  std::optional<int64_t> N = Size.constant();
  if (!N || *N < 1 || *N > (int64_t(1) << 40) ||
      !llvm::isPowerOf2_64(static_cast<uint64_t>(*N)))
    return std::nullopt;
  int64_t Half = 5 * (*N * llvm::Log2_64(static_cast<uint64_t>(*N)) / 2);
  return Half * (ToReal ? Parts.store().constant(1) : Parts);
}

static constexpr llvm::StringLiteral NoTransformRule =
    "a Fourier transform is counted for constant powers of two";

//===----------------------------------------------------------------------===//
// DFT
//===----------------------------------------------------------------------===//

/// The axis: an attribute before opset 20 (1 by default), then an input (-2).
/// None if it is not known; out of range is left to the caller.
static std::optional<int64_t> transformAxis(const OpContext &Ctx) {
  if (Ctx.opset() < 20)
    return Ctx.intAttr("axis", 1);
  if (!Ctx.has(2))
    return -2;
  std::optional<Expr> Axis = knownScalar(Ctx, 2);
  return Axis ? Axis->constant() : std::nullopt;
}

void inferDFT(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
  int64_t Rank = Ctx.rank(0);
  if (Rank < 2)
    return Ctx.fail("expected a signal axis and an axis of real and imaginary "
                    "parts, found " +
                    shapeText(Ctx.dims(0)));
  bool OneSided = Ctx.intAttr("onesided", 0) != 0;
  bool ToReal = OneSided && Ctx.intAttr("inverse", 0) != 0;
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  if (OneSided && Dims.back().is(ToReal ? 1 : 2))
    return Ctx.fail(llvm::Twine("expected ") + (ToReal ? "complex" : "real") +
                    " data for a one-sided transform, found " +
                    shapeText(Dims));
  Dims.back() = Ctx.constant(ToReal ? 1 : 2);

  std::optional<int64_t> Axis = transformAxis(Ctx);
  if (!Axis) {
    // Without a length of its own, the transform keeps every axis.
    if (OneSided || Ctx.has(1))
      for (Expr &Dim : llvm::MutableArrayRef(Dims).drop_back())
        Dim = Ctx.unknownDim("the axis of the transform is not known");
    return Ctx.set(0, Ctx.elem(0), Dims);
  }
  std::optional<int64_t> At = OpContext::normalizeAxis(*Axis, Rank);
  if (!At || *At == Rank - 1)
    return Ctx.fail("expected a signal axis of " + shapeText(Ctx.dims(0)) +
                    ", found axis " + llvm::Twine(*Axis));
  Expr Length = Ctx.has(1) ? scalarOrUnknown(Ctx, 1, "dft_length")
                : ToReal   ? 2 * (Dims[*At] - 1)
                           : Dims[*At];
  Dims[*At] = OneSided && !ToReal ? floorDiv(Length, 2) + 1 : Length;
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costDFT(CostContext &Ctx) {
  std::optional<int64_t> Axis = transformAxis(Ctx);
  if (Axis)
    Axis = OpContext::normalizeAxis(*Axis, Ctx.rank(0));
  if (!Axis || !Ctx.output(0).HasRank || Ctx.output(0).rank() != Ctx.rank(0))
    return Ctx.unknown("the axis of the transform is not known");
  bool OneSided = Ctx.intAttr("onesided", 0) != 0;
  bool ToReal = OneSided && Ctx.intAttr("inverse", 0) != 0;
  Expr Length = OneSided && !ToReal ? Ctx.dim(0, *Axis) : Ctx.outDim(0, *Axis);
  if (Ctx.has(1))
    Length = knownScalar(Ctx, 1).value_or(Ctx.outDim(0, *Axis));
  std::optional<Expr> Flops = transformFlops(Length, Ctx.dim(0, -1), ToReal);
  if (!Flops)
    return Ctx.unknown(NoTransformRule);
  Expr Transforms = Ctx.constant(1);
  for (int64_t A = 0; A + 1 < Ctx.rank(0); ++A)
    if (A != *Axis)
      Transforms *= Ctx.outDim(0, A);
  Ctx.addVector(*Flops * Transforms);
}

//===----------------------------------------------------------------------===//
// STFT
//===----------------------------------------------------------------------===//

/// Samples in a frame: the frame_length input, the window's length, or all.
static std::optional<Expr> frameLength(const OpContext &Ctx) {
  if (Ctx.has(3))
    if (std::optional<Expr> Length = knownScalar(Ctx, 3))
      return Length;
  if (Ctx.has(2))
    return knownDim(Ctx, 2, 0);
  return Ctx.has(3) ? std::nullopt : knownDim(Ctx, 0, 1);
}

/// Without the attribute, ONNX's documentation and what executes it take one
/// side (1 by default), ONNX's own shape inference both.
static Expr bins(InferContext &Ctx, Expr Frame) {
  std::optional<int64_t> OneSided = Ctx.intAttr("onesided");
  if (!OneSided)
    return Ctx.unknownDim("STFT without 'onesided': ONNX's documentation means "
                          "one side, ONNX's shape inference both");
  return *OneSided != 0 ? floorDiv(Frame, 2) + 1 : Frame;
}

/// [batch, frames, bins, 2] of a signal [batch, length, 1 or 2].
void inferSTFT(InferContext &Ctx) {
  if (!expectRank(Ctx, 0, 3, "the signal"))
    return;
  Expr Samples = dimOrUnknown(Ctx, 0, 1);
  Expr Step = scalarOrUnknown(Ctx, 1, "frame_step");
  Expr Frame = frameLength(Ctx).value_or(Expr());
  if (!Frame)
    Frame = Ctx.unknownDim("frame_length is not known");
  Ctx.set(0, Ctx.elem(0),
          {dimOrUnknown(Ctx, 0, 0), floorDiv(Samples - Frame, Step) + 1,
           bins(Ctx, Frame), Ctx.constant(2)});
}

/// A transform a frame, after one product a sample where there is a window.
void costSTFT(CostContext &Ctx) {
  std::optional<Expr> Frame = frameLength(Ctx);
  std::optional<Expr> Parts = knownDim(Ctx, 0, 2);
  if (!Frame || !Parts)
    return Ctx.unknown("frame_length is not known");
  std::optional<Expr> Flops = transformFlops(*Frame, *Parts, /*ToReal=*/false);
  if (!Flops)
    return Ctx.unknown(NoTransformRule);
  Expr Frames = Ctx.outDim(0, 0) * Ctx.outDim(0, 1);
  Ctx.addVector(*Flops * Frames);
  if (Ctx.has(2))
    Ctx.addVector(Frames * *Frame * *Parts); // C2
}

//===----------------------------------------------------------------------===//
// Windows, mel weights
//===----------------------------------------------------------------------===//

/// BlackmanWindow, HannWindow, HammingWindow.
void inferSignalWindow(InferContext &Ctx) {
  Ctx.set(0, typeAttr(Ctx, "output_datatype", ElemType::Float32),
          scalarOrUnknown(Ctx, 0, "the window's size"));
}

/// C5: Mul, Mul, Cos, Mul, Cos, Mul, Sub, Add over the window, and on one
/// element Sub, Mul, Mul, Add, Div; the Range is generated (C7).
void costSignalWindow(CostContext &Ctx) {
  Ctx.addVector(8 * Ctx.outSize(0) + 5);
}

/// [dft_length // 2 + 1, num_mel_bins]
void inferMelWeightMatrix(InferContext &Ctx) {
  Expr Bins = scalarOrUnknown(Ctx, 0, "num_mel_bins");
  Expr Length = scalarOrUnknown(Ctx, 1, "dft_length");
  Ctx.set(0, typeAttr(Ctx, "output_datatype", ElemType::Float32),
          {floorDiv(Length, 2) + 1, Bins});
}

void costMelWeightMatrix(CostContext &Ctx) {
  Ctx.unknown("no rule says what computing mel weights costs"); // C16
}

} // namespace xfa
