//===- Random.cpp - tensors of random numbers -----------------------------===//

#include "ResultTypes.h"
#include "Shapes.h"

namespace xfa {

/// RandomNormal, RandomUniform: the shape is an attribute.
void inferRandom(InferContext &Ctx) {
  ElemType Elem = typeAttr(Ctx, "dtype", ElemType::Float32);
  std::optional<llvm::ArrayRef<int64_t>> Sizes = Ctx.intsAttr("shape");
  if (!Sizes) // an empty list has no kind of its own
    return Ctx.hasAttr("shape")
               ? Ctx.set(0, Elem, {})
               : Ctx.setUnknown(0, Elem, "the attribute shape is missing");
  Shape Dims;
  for (int64_t Size : *Sizes) {
    if (Size < 0)
      return Ctx.fail("expected dimensions of at least 0, found " +
                      llvm::Twine(Size));
    Dims.push_back(Ctx.constant(Size));
  }
  Ctx.set(0, Elem, Dims);
}

/// RandomNormalLike, RandomUniformLike, Bernoulli.
void inferRandomLike(InferContext &Ctx) {
  setLike(Ctx, 0, typeAttr(Ctx, "dtype", Ctx.elem(0)), 0);
}

/// C2: one per number drawn.
void costRandom(CostContext &Ctx) { Ctx.addVector(Ctx.outSize(0)); }

/// Of the operand only the shape is used.
void costRandomLike(CostContext &Ctx) {
  costRandom(Ctx);
  Ctx.reads(0, Ctx.constant(0));
}

/// C5: RandomUniformLike, Greater; the cast is free.
void costBernoulli(CostContext &Ctx) { Ctx.addVector(2 * Ctx.outSize(0)); }

/// [batch, sample_size] draws from [batch, classes].
void inferMultinomial(InferContext &Ctx) {
  if (!expectRank(Ctx, 0, 2, "the input"))
    return;
  int64_t Samples = Ctx.intAttr("sample_size", 1);
  if (Samples < 0)
    return Ctx.fail("expected a sample_size of at least 0, found " +
                    llvm::Twine(Samples));
  Ctx.set(0, typeAttr(Ctx, "dtype", ElemType::Int32),
          {dimOrUnknown(Ctx, 0, 0), Ctx.constant(Samples)});
}

void costMultinomial(CostContext &Ctx) {
  Ctx.unknown("no rule says what drawing from a distribution costs"); // C16
}

} // namespace xfa
