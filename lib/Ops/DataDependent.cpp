//===- DataDependent.cpp - sizes that only the data tell ------------------===//
//
// NonZero, Compress, Unique, NonMaxSuppression. A size is known where the
// contents are, else it is an unknown that all outputs share.
//
//===----------------------------------------------------------------------===//

#include "IndexWalk.h"
#include "Operands.h"

#include <map>

namespace xfa {

/// The element is not zero.
static Truth isNonZero(const Element &E) {
  switch (E.kind()) {
  case Element::Bool:
    return E.truth();
  case Element::Float:
    return E.number() != 0 ? Truth::True : Truth::False;
  case Element::Int:
  case Element::Ratio: {
    Truth Zero = equal(E.expr(), E.expr().store().constant(0));
    return Zero == Truth::Unknown ? Zero
           : Zero == Truth::True  ? Truth::False
                                  : Truth::True;
  }
  case Element::Unknown:
    break;
  }
  return Truth::Unknown;
}

//===----------------------------------------------------------------------===//
// NonZero: [rank, count]
//===----------------------------------------------------------------------===//

void inferNonZero(InferContext &Ctx) {
  const char *Why = "NonZero counts its data at run time";
  if (!Ctx.hasRank(0))
    return Ctx.set(0, ElemType::Int64,
                   {Ctx.unknownDim(unknownRank(Ctx, 0)), Ctx.unknownDim(Why)});
  const Contents &Known = Ctx.input(0).Known;
  Expr Rank = Ctx.constant(Ctx.rank(0));
  if (Ctx.rank(0) == 0) // the spec: (0, N), unlike Numpy's (1, N)
    return Ctx.set(0, ElemType::Int64, {Rank, Ctx.unknownDim(Why)});
  if (Known.Splat && isNonZero(Known.at(0)) != Truth::Unknown) {
    Expr All = numElements(Ctx.store(), Ctx.dims(0));
    bool Some = isNonZero(Known.at(0)) == Truth::True;
    return Ctx.set(0, ElemType::Int64, {Rank, Some ? All : Ctx.constant(0)});
  }
  auto Dims = constantDims(Ctx.dims(0));
  llvm::SmallVector<Index, 8> Found;
  bool Certain = Dims && (!Known.none() || llvm::is_contained(*Dims, 0));
  int64_t I = 0;
  if (Certain)
    forEachIndex(*Dims, [&](llvm::ArrayRef<int64_t> At) {
      Truth T = isNonZero(Known.at(I++));
      Certain &= T != Truth::Unknown;
      if (T == Truth::True)
        Found.push_back(Index(At));
    });
  if (!Certain)
    return Ctx.set(0, ElemType::Int64, {Rank, Ctx.unknownDim(Why)});
  Ctx.set(0, ElemType::Int64, {Rank, Ctx.constant(Found.size())});
  Contents Positions;
  for (int64_t D = 0; D < Ctx.rank(0); ++D)
    for (const Index &At : Found)
      Positions.Elements.push_back(Element::integer(Ctx.constant(At[D])));
  Ctx.setContents(0, std::move(Positions));
}

//===----------------------------------------------------------------------===//
// Compress: the slices along an axis whose condition is true
//===----------------------------------------------------------------------===//

static Expr countTrue(InferContext &Ctx, unsigned I) {
  const char *Why = "Compress keeps what its condition says at run time";
  const Contents &Known = Ctx.input(I).Known;
  if (!Ctx.hasRank(I) || Ctx.rank(I) != 1)
    return Ctx.unknownDim(Why);
  if (Known.Splat && Known.at(0).known())
    return Known.at(0).truth() == Truth::True ? Ctx.dims(I)[0]
                                              : Ctx.constant(0);
  auto Length = constantDims(Ctx.dims(I));
  if (!Length || Known.none())
    return Ctx.unknownDim(Why);
  int64_t Count = 0;
  for (int64_t E = 0; E < Length->front(); ++E) {
    Truth T = Known.at(E).truth();
    if (T == Truth::Unknown)
      return Ctx.unknownDim(Why);
    Count += T == Truth::True;
  }
  return Ctx.constant(Count);
}

void inferCompress(InferContext &Ctx) {
  auto Axis = Ctx.intAttr("axis");
  if (!Axis) // the input is flattened
    return Ctx.set(0, Ctx.elem(0), {countTrue(Ctx, 1)});
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  auto Normal = checkedAxis(Ctx, *Axis, Ctx.rank(0));
  if (!Normal)
    return;
  Shape Dims(Ctx.dims(0));
  Dims[*Normal] = countTrue(Ctx, 1);
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// C6; as a Gather (C11) it reads what it keeps.
void costCompress(CostContext &Ctx) { Ctx.reads(0, Ctx.outSize(0)); }

//===----------------------------------------------------------------------===//
// Unique: values, first positions, inverse, counts
//===----------------------------------------------------------------------===//

/// The number of different elements, if all are constants.
static std::optional<int64_t> countDifferent(const InferContext &Ctx) {
  auto Dims = constantDims(Ctx.dims(0));
  const Contents &Known = Ctx.input(0).Known;
  if (!Dims || (Known.none() && !llvm::is_contained(*Dims, 0)))
    return std::nullopt;
  std::map<int64_t, bool> Ints;
  bool Certain = true;
  int64_t I = 0;
  forEachIndex(*Dims, [&](llvm::ArrayRef<int64_t>) {
    Element E = Known.at(I++);
    if (E.kind() == Element::Int && E.expr().isConstant())
      Ints[*E.expr().constant()] = true;
    else if (E.kind() == Element::Bool)
      Ints[E.boolean()] = true;
    else
      Certain = false;
  });
  if (!Certain)
    return std::nullopt;
  return Ints.size();
}

void inferUnique(InferContext &Ctx) {
  Expr Count = Ctx.unknownDim("Unique counts its data at run time");
  auto Axis = Ctx.intAttr("axis");
  if (!Ctx.hasRank(0)) {
    if (Axis)
      setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
    else
      Ctx.set(0, Ctx.elem(0), {Count});
    Ctx.set(2, ElemType::Int64, {Ctx.unknownDim(unknownRank(Ctx, 0))});
  } else if (!Axis) { // the input is flattened
    if (auto Different = countDifferent(Ctx))
      Count = Ctx.constant(*Different);
    Ctx.set(0, Ctx.elem(0), {Count});
    Ctx.set(2, ElemType::Int64, {numElements(Ctx.store(), Ctx.dims(0))});
  } else {
    auto Normal = checkedAxis(Ctx, *Axis, Ctx.rank(0));
    if (!Normal)
      return;
    Shape Dims(Ctx.dims(0));
    Dims[*Normal] = Count;
    Ctx.set(0, Ctx.elem(0), Dims);
    Ctx.set(2, ElemType::Int64, {Ctx.dims(0)[*Normal]});
  }
  Ctx.set(1, ElemType::Int64, {Count});
  Ctx.set(3, ElemType::Int64, {Count});
}

//===----------------------------------------------------------------------===//
// NonMaxSuppression: [count, 3]
//===----------------------------------------------------------------------===//

void inferNonMaxSuppression(InferContext &Ctx) {
  // Without max_output_boxes_per_class, or with 0, nothing is selected.
  Element Most = Ctx.scalar(2);
  bool None = !Ctx.has(2) || (Most.kind() == Element::Int && Most.expr().is(0));
  Ctx.set(0, ElemType::Int64,
          {None ? Ctx.constant(0)
                : Ctx.unknownDim("NonMaxSuppression counts what it keeps at "
                                 "run time"),
           Ctx.constant(3)});
}

/// C16: how many boxes are compared depends on the data.
void costUncountable(CostContext &Ctx) {
  Ctx.unknown("the work of " + Ctx.node().Op + " depends on its data");
}

} // namespace xfa
