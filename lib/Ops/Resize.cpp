//===- Resize.cpp - Resize, Upsample --------------------------------------===//

#include "Interpolation.h"
#include "Operands.h"

#include <cmath>

namespace xfa {

/// floor(Dim × Scale). Scales are float32, and some runtimes multiply in
/// float32; an expression is exact only for a scale that is a small fraction of
/// a power of two, which no rounding touches.
static Expr scaledDim(InferContext &Ctx, Expr Dim, const Element &Scale) {
  if (Scale.kind() == Element::Ratio) {
    int64_t Den = Scale.denominator();
    if (llvm::isPowerOf2_64(Den))
      return floorDiv(Dim * Scale.expr(), Den);
    return Ctx.unknownDim("a scale that is not exact in float32");
  }
  if (Scale.kind() != Element::Float)
    return Ctx.unknownDim("the scales are known at run time only");
  float S = static_cast<float>(Scale.number());
  if (std::isnan(S) || S <= 0 || S > 1e9f)
    return Ctx.unknownDim("a scale that is not positive");
  if (S == 1.0f || !Dim.isKnown())
    return S == 1.0f ? Dim : Ctx.unknownDim(Dim.unknownReason());
  if (std::optional<int64_t> D = Dim.constant()) {
    double Size = std::floor(static_cast<double>(*D) * S);
    if (Size >= 9e18)
      return Ctx.unknownDim("a scaled size beyond 64 bits");
    // ONNX says floor of the product; ONNX Runtime rounds the product to
    // float32 first, and makes 7 of floor(10 × 0.7).
    constexpr int64_t MostExact = 1 << 24;
    if (*D <= MostExact && Size != std::floor(static_cast<float>(*D) * S))
      return Ctx.unknownDim("a scale whose product rounds in float32");
    return Ctx.constant(static_cast<int64_t>(Size));
  }
  constexpr int64_t Most = 1 << 12;
  int64_t Den = 1;
  while (Den < Most && S * Den != std::floor(S * Den))
    Den *= 2;
  double Num = static_cast<double>(S) * Den;
  if (Num != std::floor(Num) || (Den > 1 && Num > Most))
    return Ctx.unknownDim("a scale whose product rounds in float32");
  return floorDiv(Dim * static_cast<int64_t>(Num), Den);
}

/// keep_aspect_ratio_policy: one scale for all axes, the smallest (largest) of
/// sizes / dims; the result is rounded, halves up: over the axes j, the least
/// (greatest) of floor(sizes[j]·dim / dims[j] + 1/2).
static Expr keptAspect(Expr Dim, llvm::ArrayRef<Expr> Sizes,
                       llvm::ArrayRef<Expr> Dims, bool Smallest) {
  Expr Result;
  for (size_t J = 0; J < Sizes.size(); ++J) {
    Expr Size = Dims[J] == Dim
                    ? Sizes[J]
                    : floorDiv(2 * Sizes[J] * Dim + Dims[J], 2 * Dims[J]);
    Result = !Result ? Size : Smallest ? min(Result, Size) : max(Result, Size);
  }
  return Result;
}

static void resizeBySizes(InferContext &Ctx, llvm::ArrayRef<int64_t> Axes,
                          const IntegerList &Sizes) {
  Shape Dims(Ctx.dims(0));
  const char *Why = "the sizes are known at run time only";
  if (Sizes.HasLength && Sizes.size() != Axes.size())
    return Ctx.fail("expected " + llvm::Twine(Axes.size()) +
                    " sizes, one an axis, found " + llvm::Twine(Sizes.size()));
  llvm::StringRef Policy =
      Ctx.stringAttr("keep_aspect_ratio_policy", "stretch");
  bool Known = Sizes.HasLength;
  llvm::SmallVector<Expr, 4> From, To;
  for (size_t I = 0; I < Axes.size(); ++I) {
    From.push_back(Ctx.dims(0)[Axes[I]]);
    To.push_back(Sizes.HasLength && isDimension(Sizes.Items[I])
                     ? Sizes.Items[I]
                     : Ctx.unknownDim(Why));
    Known = Known && From.back().isKnown() && To.back().isKnown() &&
            !From.back().is(0);
  }
  for (size_t I = 0; I < Axes.size(); ++I) {
    if (Policy == "stretch")
      Dims[Axes[I]] = To[I];
    else if (Known && (Policy == "not_larger" || Policy == "not_smaller"))
      Dims[Axes[I]] = keptAspect(From[I], To, From, Policy == "not_larger");
    else
      Dims[Axes[I]] = Ctx.unknownDim(Why);
  }
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// Input I is there and not an empty tensor, which stands for left out.
static bool given(const OpContext &Ctx, unsigned I) {
  return Ctx.has(I) &&
         !(Ctx.hasRank(I) && numElements(Ctx.store(), Ctx.dims(I)).is(0));
}

void inferResize(InferContext &Ctx) {
  bool Upsample = Ctx.node().Op == "Upsample";
  if (Upsample && Ctx.opset() >= 10)
    return Ctx.fail("Upsample ended with opset 9, use Resize; found opset " +
                    llvm::Twine(Ctx.opset()));
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  int64_t Rank = Ctx.rank(0);
  llvm::SmallVector<int64_t, 8> Axes;
  if (auto Given = Ctx.intsAttr("axes")) { // opset 18
    auto Normal = checkedAxes(Ctx, *Given, Rank);
    if (!Normal)
      return;
    Axes = *Normal;
  } else {
    for (int64_t D = 0; D < Rank; ++D)
      Axes.push_back(D);
  }

  Shape Dims(Ctx.dims(0));
  if (Upsample && Ctx.opset() < 7) { // [N,C,H,W]
    if (Rank != 4)
      return Ctx.fail("expected an input of 4 dimensions, found " +
                      shapeText(Dims));
    Dims[2] = scaledDim(Ctx, Dims[2],
                        Element::number(Ctx.floatAttr("height_scale", 0)));
    Dims[3] = scaledDim(Ctx, Dims[3],
                        Element::number(Ctx.floatAttr("width_scale", 0)));
    return Ctx.set(0, Ctx.elem(0), Dims);
  }

  unsigned Scales = Upsample || Ctx.opset() < 11 ? 1 : 2;
  if (Scales == 2 && given(Ctx, 3))
    return resizeBySizes(Ctx, Axes, integerList(Ctx, "sizes", 3));
  const Attribute *A = Ctx.node().attribute("scales"); // Upsample, opset 7
  bool Listed = A && A->Kind == AttrKind::Floats;
  if (!Listed && !given(Ctx, Scales))
    return setUnknownDims(Ctx, 0, Ctx.elem(0), Rank,
                          "neither scales nor sizes are given");
  std::optional<int64_t> Count;
  if (Listed)
    Count = A->Floats.size();
  else if (Ctx.hasRank(Scales))
    Count = numElements(Ctx.store(), Ctx.dims(Scales)).constant();
  if (Count && *Count != static_cast<int64_t>(Axes.size()))
    return Ctx.fail("expected " + llvm::Twine(Axes.size()) +
                    " scales, one an axis, found " + llvm::Twine(*Count));
  for (size_t I = 0; I < Axes.size(); ++I)
    Dims[Axes[I]] = scaledDim(Ctx, Dims[Axes[I]],
                              Listed ? Element::number(A->Floats[I])
                                     : Ctx.input(Scales).Known.at(I));
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// Each output element is a weighted sum over the axes that change size.
void costResize(CostContext &Ctx) {
  llvm::StringRef Mode = Ctx.stringAttr("mode", "nearest");
  if (Mode == "nearest")
    return; // C6
  if (Ctx.intAttr("antialias", 0) != 0)
    return Ctx.unknown("an antialiasing filter's width depends on the scale");
  const ValueFacts &Out = Ctx.output(0);
  if (Ctx.hasRank(0) && Out.HasRank)
    addInterpolation(Ctx, Mode, Ctx.dims(0), Out.Dims);
}

} // namespace xfa
