//===- Gathering.cpp - Gather, GatherElements, GatherND, TopK -------------===//

#include "IndexWalk.h"
#include "Operands.h"

namespace xfa {

/// C6: 0 FLOPs. C11: what is gathered is read, and the indices.
void costGather(CostContext &Ctx) { Ctx.reads(0, Ctx.outSize(0)); }

/// Element I of known indices as a position in [0, Size); -1 if it is not
/// known or lies outside.
static int64_t knownIndex(const Contents &Indices, int64_t I, int64_t Size) {
  Element E = Indices.at(I);
  if (E.kind() != Element::Int || !E.expr().isConstant())
    return -1;
  return OpContext::normalizeAxis(*E.expr().constant(), Size).value_or(-1);
}

//===----------------------------------------------------------------------===//
// Gather: data [A…,D,Z…], indices [I…] → [A…,I…,Z…]
//===----------------------------------------------------------------------===//

void inferGather(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  for (unsigned I : {0u, 1u})
    if (!Ctx.hasRank(I))
      return setUnknownFrom(Ctx, 0, Elem, I);
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Ctx.rank(0));
  if (!Axis)
    return;
  auto Data = Ctx.dims(0), Indices = Ctx.dims(1);
  Shape Dims(Data.take_front(*Axis));
  Dims.append(Indices.begin(), Indices.end());
  llvm::append_range(Dims, Data.drop_front(*Axis + 1));
  Ctx.set(0, Elem, Dims);

  const Contents &Known = Ctx.input(0).Known;
  const Contents &Which = Ctx.input(1).Known;
  if (Known.Splat)
    return Ctx.setContents(0, Known);
  auto In = constantDims(Data), At1 = constantDims(Indices);
  if (Which.none() || !In || !At1)
    return;
  Index DataStrides = rowMajorStrides(*In),
        IndexStrides = rowMajorStrides(*At1);
  Ctx.setContents(
      0, mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
        auto Inside = At.slice(*Axis, At1->size());
        int64_t Row =
            knownIndex(Which, linearIndex(Inside, IndexStrides), (*In)[*Axis]);
        if (Row < 0)
          return Row;
        Index From(At.take_front(*Axis));
        From.push_back(Row);
        llvm::append_range(From, At.drop_front(*Axis + At1->size()));
        return linearIndex(From, DataStrides);
      }));
}

//===----------------------------------------------------------------------===//
// GatherElements: one index an output element
//===----------------------------------------------------------------------===//

void inferGatherElements(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  if (!Ctx.hasRank(1)) {
    if (Ctx.hasRank(0)) // both have one rank
      return setUnknownDims(Ctx, 0, Elem, Ctx.rank(0), unknownRank(Ctx, 1));
    return setUnknownFrom(Ctx, 0, Elem, 1);
  }
  auto Dims = Ctx.dims(1);
  if (Ctx.hasRank(0) && Ctx.rank(0) != Ctx.rank(1))
    return Ctx.fail("expected indices of the rank of the data " +
                    shapeText(Ctx.dims(0)) + ", found " + shapeText(Dims));
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Ctx.rank(1));
  if (!Axis)
    return;
  Ctx.set(0, Elem, Dims);
  const Contents &Known = Ctx.input(0).Known;
  const Contents &Which = Ctx.input(1).Known;
  if (Known.Splat)
    return Ctx.setContents(0, Known);
  if (Which.none() || Known.none() || !Ctx.hasRank(0))
    return;
  auto In = constantDims(Ctx.dims(0)), Out = constantDims(Dims);
  if (!In || !Out)
    return;
  Index DataStrides = rowMajorStrides(*In),
        IndexStrides = rowMajorStrides(*Out);
  Ctx.setContents(0, mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
                    Index From(At);
                    From[*Axis] = knownIndex(
                        Which, linearIndex(At, IndexStrides), (*In)[*Axis]);
                    for (size_t D = 0; D < From.size(); ++D)
                      if (From[D] < 0 || From[D] >= (*In)[D])
                        return int64_t(-1);
                    return linearIndex(From, DataStrides);
                  }));
}

//===----------------------------------------------------------------------===//
// GatherND: data [b…,D1…Dk,Z…], indices [b…,I…,k] → [b…,I…,Z…]
//===----------------------------------------------------------------------===//

void inferGatherND(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  for (unsigned I : {0u, 1u})
    if (!Ctx.hasRank(I))
      return setUnknownFrom(Ctx, 0, Elem, I);
  auto Data = Ctx.dims(0), Indices = Ctx.dims(1);
  if (Indices.empty() || Data.empty())
    return Ctx.fail("expected data and indices of one dimension or more, "
                    "found " +
                    shapeText(Data) + " and " + shapeText(Indices));
  std::optional<int64_t> Depth = Indices.back().constant();
  if (!Depth)
    return Ctx.setUnknown(0, Elem,
                          "the length of an index tuple of GatherND is " +
                              toString(Indices.back()));
  // ONNX Runtime had the operator before ONNX did, and called it `axis`.
  int64_t Batch =
      Ctx.intAttr("batch_dims", Ctx.opset() < 11 ? Ctx.intAttr("axis", 0) : 0);
  if (Batch < 0 || *Depth < 0 || Batch >= std::min(Ctx.rank(0), Ctx.rank(1)) ||
      *Depth > Ctx.rank(0) - Batch)
    return Ctx.fail("expected index tuples within data " + shapeText(Data) +
                    " behind " + llvm::Twine(Batch) +
                    " batch dimensions, found indices " + shapeText(Indices));
  Shape Dims(Indices.drop_back());
  for (int64_t D = 0; D < Batch; ++D) {
    auto Dim =
        sameDim(Ctx, Dims[D], Data[D], "batch dimension " + llvm::Twine(D));
    if (!Dim)
      return;
    Dims[D] = *Dim;
  }
  llvm::append_range(Dims, Data.drop_front(Batch + *Depth));
  Ctx.set(0, Elem, Dims);

  const Contents &Known = Ctx.input(0).Known;
  const Contents &Which = Ctx.input(1).Known;
  if (Known.Splat)
    return Ctx.setContents(0, Known);
  auto In = constantDims(Data), At1 = constantDims(Indices);
  if (Which.none() || !In || !At1)
    return;
  Index DataStrides = rowMajorStrides(*In),
        IndexStrides = rowMajorStrides(*At1);
  size_t Lead = At1->size() - 1; // output dims that come from the indices
  Ctx.setContents(
      0, mapContents(Known, Dims, [&](llvm::ArrayRef<int64_t> At) {
        int64_t Tuple = linearIndex(At.take_front(Lead), IndexStrides);
        Index From(At.take_front(Batch));
        for (int64_t K = 0; K < *Depth; ++K) {
          From.push_back(knownIndex(Which, Tuple + K, (*In)[Batch + K]));
          if (From.back() < 0)
            return int64_t(-1);
        }
        llvm::append_range(From, At.drop_front(Lead));
        return linearIndex(From, DataStrides);
      }));
}

//===----------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------===//

void inferTopK(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  if (!Ctx.hasRank(0)) {
    setUnknownFrom(Ctx, 0, Elem, 0);
    return setUnknownFrom(Ctx, 1, ElemType::Int64, 0);
  }
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", -1), Ctx.rank(0));
  if (!Axis)
    return;
  const char *Why = "K of TopK is known at run time only";
  Expr K = Ctx.opset() < 10 ? Ctx.constant(Ctx.intAttr("k", 0))
                            : integerOr(Ctx, Ctx.scalar(1), Why);
  if (!isDimension(K))
    K = Ctx.unknownDim(Why);
  Expr Size = Ctx.dims(0)[*Axis];
  if ((K.constant() && *K.constant() < 0) || less(Size, K) == Truth::True)
    return Ctx.fail("expected K in [0, " + toString(Size) + "], found " +
                    toString(K));
  Shape Dims(Ctx.dims(0));
  Dims[*Axis] = K;
  Ctx.set(0, Elem, Dims);
  Ctx.set(1, ElemType::Int64, Dims);
}

/// C4: a selection, as ArgMax is one, looks at each element once.
void costTopK(CostContext &Ctx) { Ctx.addVector(Ctx.inSize(0)); }

} // namespace xfa
