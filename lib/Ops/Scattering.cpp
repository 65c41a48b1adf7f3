//===- Scattering.cpp - Scatter*, TensorScatter ---------------------------===//

#include "IndexWalk.h"
#include "Operands.h"

namespace xfa {

/// C6: 0 FLOPs. C11: indices and updates are read, the updates are written. A
/// reduction also reads what it updates, and costs one FLOP an update (C4).
void costScatter(CostContext &Ctx) {
  Expr Updates = Ctx.inSize(2);
  bool Reduces = Ctx.stringAttr("reduction", "none") != "none";
  Ctx.reads(0, Reduces ? Updates : Ctx.constant(0));
  Ctx.writes(0, Updates);
  if (Reduces)
    Ctx.addVector(Updates);
}

/// The output has the shape of the data; false if that is not known.
static bool scatterShape(InferContext &Ctx) {
  if (Ctx.hasRank(0)) {
    Ctx.set(0, Ctx.elem(0), Ctx.dims(0));
    return true;
  }
  setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  return false;
}

/// The elements of a tensor, one each, if there are few enough; a Splat too.
static std::optional<Contents> elementsOf(const ValueFacts &F) {
  auto Dims = F.HasRank ? constantDims(F.Dims) : std::nullopt;
  if (!Dims || F.Known.none())
    return std::nullopt;
  int64_t Count = 1;
  for (int64_t D : *Dims)
    Count *= D;
  Contents Result;
  for (int64_t I = 0; I < Count; ++I)
    Result.Elements.push_back(F.Known.at(I));
  return Result;
}

static std::optional<int64_t> constantIndex(const Element &E, int64_t Size) {
  if (E.kind() != Element::Int || !E.expr().isConstant())
    return std::nullopt;
  return OpContext::normalizeAxis(*E.expr().constant(), Size);
}

void inferScatterElements(InferContext &Ctx) {
  if (Ctx.node().Op == "Scatter" && Ctx.opset() >= 11)
    return Ctx.fail("Scatter ended with opset 10, use ScatterElements; found "
                    "opset " +
                    llvm::Twine(Ctx.opset()));
  if (!scatterShape(Ctx))
    return;
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Ctx.rank(0));
  if (!Axis)
    return;
  for (unsigned I : {1u, 2u})
    if (Ctx.hasRank(I) && Ctx.rank(I) != Ctx.rank(0))
      return Ctx.fail("expected indices and updates of the rank of the data " +
                      shapeText(Ctx.dims(0)) + ", found " +
                      shapeText(Ctx.dims(I)));
  if (!Ctx.hasRank(1) || Ctx.stringAttr("reduction", "none") != "none")
    return;
  auto Result = elementsOf(Ctx.input(0));
  auto In = constantDims(Ctx.dims(0)), Where = constantDims(Ctx.dims(1));
  if (!Result || !Where)
    return;
  Index Strides = rowMajorStrides(*In);
  int64_t I = 0;
  bool Certain = true;
  forEachIndex(*Where, [&](llvm::ArrayRef<int64_t> At) {
    Index To(At);
    auto Row = constantIndex(Ctx.input(1).Known.at(I), (*In)[*Axis]);
    To[*Axis] = Row.value_or(-1);
    for (size_t D = 0; D < To.size(); ++D)
      Certain &= To[D] >= 0 && To[D] < (*In)[D];
    if (Certain)
      Result->Elements[linearIndex(To, Strides)] = Ctx.input(2).Known.at(I);
    ++I;
  });
  if (Certain)
    Ctx.setContents(0, *Result);
}

/// data [D1…Dk,Z…], indices [I…,k], updates [I…,Z…]
void inferScatterND(InferContext &Ctx) {
  if (!scatterShape(Ctx) || !Ctx.hasRank(1))
    return;
  auto Data = Ctx.dims(0), Indices = Ctx.dims(1);
  if (Data.empty() || Indices.empty())
    return Ctx.fail("expected data and indices of one dimension or more, "
                    "found " +
                    shapeText(Data) + " and " + shapeText(Indices));
  std::optional<int64_t> Depth = Indices.back().constant();
  if (!Depth)
    return;
  if (*Depth > Ctx.rank(0))
    return Ctx.fail("expected index tuples within data " + shapeText(Data) +
                    ", found indices " + shapeText(Indices));
  auto Result = elementsOf(Ctx.input(0));
  auto In = constantDims(Data), Where = constantDims(Indices);
  if (!Result || !Where || llvm::is_contained(*Where, 0) ||
      Ctx.stringAttr("reduction", "none") != "none")
    return;
  Index Strides = rowMajorStrides(*In);
  int64_t Row = 1; // elements that one tuple updates
  for (int64_t D : llvm::ArrayRef<int64_t>(*In).drop_front(*Depth))
    Row *= D;
  int64_t Tuples = 1;
  for (int64_t D : llvm::ArrayRef<int64_t>(*Where).drop_back())
    Tuples *= D;
  if (Tuples * Row > Contents::MaxElements)
    return;
  for (int64_t T = 0; T < Tuples; ++T) {
    int64_t To = 0;
    for (int64_t K = 0; K < *Depth; ++K) {
      auto At = constantIndex(Ctx.input(1).Known.at(T * *Depth + K), (*In)[K]);
      if (!At)
        return; // any element may be the one
      To += *At * Strides[K];
    }
    for (int64_t I = 0; I < Row; ++I)
      Result->Elements[To + I] = Ctx.input(2).Known.at(T * Row + I);
  }
  Ctx.setContents(0, *Result);
}

//===----------------------------------------------------------------------===//
// TensorScatter: past [B,…,max,…], update [B,…,new,…] → present as past
//===----------------------------------------------------------------------===//

void inferTensorScatter(InferContext &Ctx) {
  if (!scatterShape(Ctx) || !Ctx.hasRank(1))
    return;
  if (Ctx.rank(0) != Ctx.rank(1))
    return Ctx.fail("expected an update of the rank of the cache " +
                    shapeText(Ctx.dims(0)) + ", found " +
                    shapeText(Ctx.dims(1)));
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", -2), Ctx.rank(0));
  if (!Axis)
    return;
  Shape Dims(Ctx.dims(0));
  for (int64_t D = 0; D < Ctx.rank(0); ++D) {
    if (D == *Axis)
      continue;
    auto Dim =
        sameDim(Ctx, Dims[D], Ctx.dims(1)[D], "dimension " + llvm::Twine(D));
    if (!Dim)
      return;
    Dims[D] = *Dim;
  }
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// C11, C13: only the new rows are read and written.
void costTensorScatter(CostContext &Ctx) {
  Expr Updates = Ctx.inSize(1);
  Ctx.reads(0, Ctx.constant(0));
  Ctx.writes(0, Updates);
}

} // namespace xfa
