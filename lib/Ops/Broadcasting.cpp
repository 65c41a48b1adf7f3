//===- Broadcasting.cpp ---------------------------------------------------===//

#include "Broadcasting.h"

namespace xfa {

/// Before opset 7, the second operand of a binary operator lies along the
/// first from `axis` on; in today's terms it has ones behind it.
static Shape operandShape(const OpContext &Ctx, unsigned I) {
  Shape Dims(Ctx.dims(I).begin(), Ctx.dims(I).end());
  if (I != 1 || Ctx.opset() >= 7 || !Ctx.hasRank(0))
    return Dims;
  std::optional<int64_t> Axis = Ctx.intAttr("axis");
  if (!Axis)
    return Dims;
  std::optional<int64_t> From = OpContext::normalizeAxis(*Axis, Ctx.rank(0));
  if (From)
    for (int64_t At = *From + Ctx.rank(1); At < Ctx.rank(0); ++At)
      Dims.push_back(Ctx.constant(1));
  return Dims;
}

bool inferBroadcast(InferContext &Ctx, ElemType Elem, unsigned MinInputs) {
  Shape Result;
  for (unsigned I = 0; I < std::max(Ctx.numInputs(), MinInputs); ++I) {
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(0, Elem, unknownRank(Ctx, I));
      return false;
    }
    Shape Operand = operandShape(Ctx, I);
    std::optional<Shape> Both = broadcast(Result, Operand);
    if (!Both) {
      Ctx.fail("got " + shapeText(Result) + " and " + shapeText(Operand) +
               ": the shapes do not broadcast");
      return false;
    }
    Result = std::move(*Both);
  }
  Ctx.set(0, Elem, Result);
  return true;
}

bool inferSameShape(InferContext &Ctx, ElemType Elem) {
  setLike(Ctx, 0, Elem, 0);
  return Ctx.hasRank(0);
}

namespace {

/// One operand, walked in the order of the result's elements.
struct Operand {
  const Contents *Known;
  llvm::SmallVector<int64_t, 4> Strides; ///< by axis of the result; 0: repeats
  bool Repeats = true;                   ///< one element, or a splat
};

/// None if the operand's elements have no known places in the result.
std::optional<Operand> operandOf(const OpContext &Ctx, unsigned I,
                                 size_t ResultRank) {
  Operand Op{&Ctx.input(I).Known, {}, true};
  Op.Strides.assign(ResultRank, 0);
  if (Op.Known->none() || Op.Known->Splat || Op.Known->Elements.size() == 1)
    return Op;
  Shape Dims = operandShape(Ctx, I);
  auto Sizes = constantDims(Dims);
  if (!Sizes || Sizes->size() > ResultRank)
    return std::nullopt;
  int64_t Stride = 1;
  for (size_t Back = 1; Back <= Sizes->size(); ++Back) {
    int64_t Size = (*Sizes)[Sizes->size() - Back];
    Op.Strides[ResultRank - Back] = Size == 1 ? 0 : Stride;
    Stride *= Size;
  }
  Op.Repeats = false;
  return Op;
}

} // namespace

void setElementwiseContents(InferContext &Ctx, ElementFn F, bool NeedsAll) {
  const ValueFacts &Out = Ctx.output(0);
  llvm::SmallVector<Operand, 4> Operands;
  bool AnyKnown = false, AllRepeat = true;
  for (unsigned I = 0; I < Ctx.numInputs(); ++I) {
    std::optional<Operand> Op = operandOf(Ctx, I, Out.Dims.size());
    if (!Op || (NeedsAll && Op->Known->none()))
      return;
    AnyKnown |= !Op->Known->none();
    AllRepeat &= Op->Repeats;
    Operands.push_back(std::move(*Op));
  }
  if (!AnyKnown)
    return;

  llvm::SmallVector<Element, 4> Arguments(Operands.size());
  if (AllRepeat) {
    for (auto [Argument, Op] : llvm::zip(Arguments, Operands))
      Argument = Op.Known->at(0);
    Element Value = F(Arguments);
    if (Value.known())
      Ctx.setContents(0, Contents::splat(Value));
    return;
  }

  auto Sizes = constantDims(Out.Dims);
  if (!Sizes)
    return;
  int64_t Count = 1;
  for (int64_t Size : *Sizes)
    Count *= Size;
  Contents Result;
  bool Useful = false;
  llvm::SmallVector<int64_t, 4> Index(Sizes->size(), 0);
  for (int64_t E = 0; E < Count; ++E) {
    for (auto [Argument, Op] : llvm::zip(Arguments, Operands)) {
      int64_t At = 0;
      for (size_t Axis = 0; Axis < Index.size(); ++Axis)
        At += Index[Axis] * Op.Strides[Axis];
      Argument = Op.Known->at(static_cast<size_t>(At));
    }
    Result.Elements.push_back(F(Arguments));
    Useful |= Result.Elements.back().known();
    for (size_t Axis = Index.size(); Axis-- > 0;) {
      if (++Index[Axis] < (*Sizes)[Axis])
        break;
      Index[Axis] = 0;
    }
  }
  if (Useful)
    Ctx.setContents(0, std::move(Result));
}

} // namespace xfa
