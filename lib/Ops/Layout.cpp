//===- Layout.cpp - views: the same elements under another index map ------===//
//
// Reshape, Transpose, Squeeze, Unsqueeze, Flatten, Identity, Expand, Dropout.
// None computes (C6), none copies (C10).
//
//===----------------------------------------------------------------------===//

#include "IndexWalk.h"
#include "Operands.h"

#include "llvm/ADT/SmallBitVector.h"

namespace xfa {

/// C6, C10: a view costs nothing.
void costView(CostContext &) {}

//===----------------------------------------------------------------------===//
// Identity, Dropout
//===----------------------------------------------------------------------===//

/// The facts of input I as facts of a new value.
static ValueFacts passedOn(const InferContext &Ctx, unsigned I) {
  ValueFacts Facts = Ctx.input(I);
  Facts.FromDeclaration = Facts.Folded = false;
  return Facts;
}

void inferIdentity(InferContext &Ctx) { Ctx.set(0, passedOn(Ctx, 0)); }

static Truth inTraining(const OpContext &Ctx) {
  return Ctx.has(2) ? Ctx.scalar(2).truth() : Truth::False;
}

void inferDropout(InferContext &Ctx) {
  ValueFacts Facts = passedOn(Ctx, 0);
  if (inTraining(Ctx) != Truth::False)
    Facts.Known = Contents();
  ElemType Mask = Ctx.opset() < 10 ? Facts.Elem : ElemType::Bool;
  if (Facts.HasRank)
    Ctx.set(1, Mask, Facts.Dims);
  else
    setUnknownFrom(Ctx, 1, Mask, 0);
  Ctx.set(0, std::move(Facts));
}

void costDropout(CostContext &Ctx) {
  // Opsets below 7 say is_test; runtimes read such files as inference too.
  switch (inTraining(Ctx)) {
  case Truth::False:
    return; // C10
  case Truth::True:
    return Ctx.addVector(2 * Ctx.outSize(0)); // C2: times mask, times scale
  case Truth::Unknown:
    return Ctx.unknown("whether Dropout trains is known at run time only");
  }
}

//===----------------------------------------------------------------------===//
// Reshape, Flatten
//===----------------------------------------------------------------------===//

/// The product of From over that of Over, where it is known to be whole. Equal
/// factors cancel first, unknown ones too.
static Expr quotientOfSizes(InferContext &Ctx, llvm::ArrayRef<Expr> From,
                            llvm::ArrayRef<Expr> Over) {
  llvm::SmallVector<Expr, 8> Num(From), Den;
  for (Expr D : Over) {
    auto It = llvm::find(Num, D);
    if (It != Num.end())
      Num.erase(It);
    else if (!D.is(1))
      Den.push_back(D);
  }
  Expr N = product(Ctx.store(), Num), D = product(Ctx.store(), Den);
  std::optional<int64_t> CN = N.constant(), CD = D.constant();
  if (CD && *CD == 0)
    return Ctx.unknownDim("a tensor without elements leaves -1 open");
  if (CN && CD && *CN % *CD) {
    Ctx.fail("expected a size that the element count divides into: " +
             shapeText(From) + " has no whole share for " + shapeText(Over));
    return Ctx.unknownDim("the sizes do not divide");
  }
  if (std::optional<Expr> Quotient = tryExactDiv(N, D))
    return *Quotient;
  for (Expr E : {N, D})
    if (!E.isKnown())
      return Ctx.unknownDim(E.unknownReason());
  return exactDiv(N, D);
}

/// The dims that Reshape's target asks for: 0 copies, -1 is what is left.
///
/// An entry that is an expression, or an unknown dimension of some tensor, is
/// that dimension. Where it could be 0 (a copy), the tensor that it was taken
/// from is empty there, and the element count forces the copied dimension to be
/// 0 as well.
static void reshapeTo(InferContext &Ctx, llvm::ArrayRef<Expr> Target) {
  const ValueFacts &Data = Ctx.input(0);
  bool CopyZero = Ctx.intAttr("allowzero", 0) == 0;
  Shape Dims(Target.begin(), Target.end());
  llvm::SmallVector<size_t, 2> Open; // -1, or known at run time only
  unsigned Inferred = 0;
  for (size_t I = 0; I < Dims.size(); ++I) {
    if (!isDimension(Dims[I])) {
      Dims[I] = Ctx.unknownDim(Dims[I].unknownReason());
      Open.push_back(I);
      continue;
    }
    std::optional<int64_t> C = Dims[I].constant();
    if (!C || *C > 0)
      continue;
    if (*C == -1) {
      ++Inferred;
      Open.push_back(I);
      continue;
    }
    if (*C < -1)
      return Ctx.fail("expected a dimension, 0 or -1 in the target shape, "
                      "found " +
                      llvm::Twine(*C));
    if (!CopyZero)
      continue;
    if (!Data.HasRank) {
      Dims[I] = Ctx.unknownDim(unknownRank(Ctx, 0));
      continue;
    }
    if (I >= Data.Dims.size())
      return Ctx.fail("the target shape copies dimension " + llvm::Twine(I) +
                      " (0), but the input is " + shapeText(Data.Dims));
    Dims[I] = Data.Dims[I];
  }
  if (Inferred > 1)
    return Ctx.fail("expected one -1 in the target shape, found " +
                    llvm::Twine(Inferred));

  if (Open.size() == 1 && Data.HasRank) {
    Shape Others;
    for (size_t I = 0; I < Dims.size(); ++I)
      if (I != Open.front())
        Others.push_back(Dims[I]);
    Expr Left = quotientOfSizes(Ctx, Data.Dims, Others);
    if (Ctx.failed())
      return;
    Dims[Open.front()] = Left;
  } else {
    for (size_t I : Open)
      if (Dims[I].is(-1))
        Dims[I] = Ctx.unknownDim(
            Data.HasRank ? "-1 beside a size that is known at run time only"
                         : unknownRank(Ctx, 0));
    if (Open.empty() && Data.HasRank) {
      auto From = numElements(Ctx.store(), Data.Dims).constant();
      auto To = numElements(Ctx.store(), Dims).constant();
      if (From && To && *From != *To)
        return Ctx.fail("expected " + llvm::Twine(*From) + " elements as in " +
                        shapeText(Data.Dims) + ", found " + shapeText(Dims));
    }
  }
  Ctx.set(0, Data.Elem, Dims);
  Ctx.setContents(0, Data.Known);
}

void inferReshape(InferContext &Ctx) {
  IntegerList Target = integerList(Ctx, "shape", 1);
  if (!Target.HasLength)
    return Ctx.setUnknown(0, Ctx.elem(0),
                          Target.Present ? "the target shape's length is "
                                           "known at run time only"
                                         : "Reshape has no target shape");
  reshapeTo(Ctx, Target.Items);
}

void inferFlatten(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownDims(Ctx, 0, Ctx.elem(0), 2, unknownRank(Ctx, 0));
  int64_t Rank = Ctx.rank(0), Axis = Ctx.intAttr("axis", 1);
  if (Axis < -Rank || Axis > Rank)
    return Ctx.fail("expected an axis in [" + llvm::Twine(-Rank) + ", " +
                    llvm::Twine(Rank) + "], found " + llvm::Twine(Axis));
  if (Axis < 0)
    Axis += Rank;
  Ctx.set(0, Ctx.elem(0),
          {numElements(Ctx.store(), Ctx.dims(0).take_front(Axis)),
           numElements(Ctx.store(), Ctx.dims(0).drop_front(Axis))});
  Ctx.setContents(0, Ctx.input(0).Known);
}

//===----------------------------------------------------------------------===//
// Squeeze, Unsqueeze
//===----------------------------------------------------------------------===//

/// Squeeze without axes: every 1 goes. A symbol might be 1. With an empty list
/// of axes nothing goes by the letter, every 1 in ONNX Runtime.
static void squeezeOnes(InferContext &Ctx, bool EmptyList) {
  Shape Dims;
  for (Expr D : Ctx.dims(0)) {
    Truth One = equal(D, Ctx.constant(1));
    if (One == Truth::Unknown)
      return Ctx.setUnknown(0, Ctx.elem(0),
                            "Squeeze without axes, and " + toString(D) +
                                " may be 1");
    if (One == Truth::True && EmptyList)
      return Ctx.setUnknown(0, Ctx.elem(0),
                            "runtimes differ about an empty list of axes");
    if (One == Truth::False)
      Dims.push_back(D);
  }
  Ctx.set(0, Ctx.elem(0), Dims);
  Ctx.setContents(0, Ctx.input(0).Known);
}

void inferSqueeze(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  IntegerList Axes = integerList(Ctx, "axes", 1);
  if (!Axes.Present || (Axes.HasLength && Axes.size() == 0))
    return squeezeOnes(Ctx, Axes.Present);
  auto Constants = Axes.constants();
  if (!Constants) {
    const char *Why = "the axes to squeeze are known at run time only";
    if (Axes.HasLength && Axes.size() == 1 && Ctx.rank(0) > 0)
      return setUnknownDims(Ctx, 0, Ctx.elem(0), Ctx.rank(0) - 1, Why);
    return Ctx.setUnknown(0, Ctx.elem(0), Why);
  }
  auto Normal = checkedAxes(Ctx, *Constants, Ctx.rank(0));
  if (!Normal)
    return;
  Shape Dims;
  for (int64_t I = 0; I < Ctx.rank(0); ++I) {
    Expr D = Ctx.dims(0)[I];
    if (!llvm::is_contained(*Normal, I))
      Dims.push_back(D);
    else if (D.isConstant() && !D.is(1))
      return Ctx.fail("expected dimension " + llvm::Twine(I) + " of " +
                      shapeText(Ctx.dims(0)) +
                      " to be 1 to squeeze it, found " + toString(D));
  }
  Ctx.set(0, Ctx.elem(0), Dims);
  Ctx.setContents(0, Ctx.input(0).Known);
}

void inferUnsqueeze(InferContext &Ctx) {
  IntegerList Axes = integerList(Ctx, "axes", 1);
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  if (!Axes.HasLength)
    return Ctx.setUnknown(0, Ctx.elem(0),
                          "the number of axes to insert is not known");
  int64_t Rank = Ctx.rank(0) + static_cast<int64_t>(Axes.size());
  auto Constants = Axes.constants();
  if (!Constants)
    return setUnknownDims(Ctx, 0, Ctx.elem(0), Rank,
                          "the axes to insert are known at run time only");
  auto Normal = checkedAxes(Ctx, *Constants, Rank);
  if (!Normal)
    return;
  llvm::SmallBitVector Inserted(Rank);
  for (int64_t Axis : *Normal) {
    if (Inserted.test(Axis))
      return Ctx.fail("expected different axes to insert, found " +
                      llvm::Twine(Axis) + " twice");
    Inserted.set(Axis);
  }
  Shape Dims;
  auto Next = Ctx.dims(0).begin();
  for (int64_t I = 0; I < Rank; ++I)
    Dims.push_back(Inserted.test(I) ? Ctx.constant(1) : *Next++);
  Ctx.set(0, Ctx.elem(0), Dims);
  Ctx.setContents(0, Ctx.input(0).Known);
}

//===----------------------------------------------------------------------===//
// Transpose, Expand
//===----------------------------------------------------------------------===//

void inferTranspose(InferContext &Ctx) {
  if (!Ctx.hasRank(0)) {
    // The permutation tells the rank.
    if (auto Perm = Ctx.intsAttr("perm"))
      return setUnknownDims(Ctx, 0, Ctx.elem(0), Perm->size(),
                            unknownRank(Ctx, 0));
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  }
  int64_t Rank = Ctx.rank(0);
  llvm::SmallVector<int64_t, 8> Perm;
  if (auto Given = Ctx.intsAttr("perm"))
    Perm.assign(Given->begin(), Given->end());
  else
    for (int64_t I = Rank; I-- > 0;)
      Perm.push_back(I);
  llvm::SmallBitVector Seen(Rank);
  bool Valid = static_cast<int64_t>(Perm.size()) == Rank;
  for (int64_t &P : Perm) {
    std::optional<int64_t> Axis = OpContext::normalizeAxis(P, Rank);
    Valid = Valid && Axis && !Seen.test(*Axis);
    if (!Valid)
      return Ctx.fail("expected perm to order the " + llvm::Twine(Rank) +
                      " dimensions of " + shapeText(Ctx.dims(0)));
    P = *Axis;
    Seen.set(*Axis);
  }
  if (!Valid)
    return Ctx.fail("expected perm of " + llvm::Twine(Rank) +
                    " entries, found " + llvm::Twine(Perm.size()));
  Shape Dims;
  for (int64_t P : Perm)
    Dims.push_back(Ctx.dims(0)[P]);
  Ctx.set(0, Ctx.elem(0), Dims);
  if (auto From = constantDims(Ctx.dims(0))) {
    Index Strides = rowMajorStrides(*From);
    Ctx.setContents(0, mapContents(Ctx.input(0).Known, Dims,
                                   [&](llvm::ArrayRef<int64_t> At) {
                                     int64_t I = 0;
                                     for (int64_t D = 0; D < Rank; ++D)
                                       I += At[D] * Strides[Perm[D]];
                                     return I;
                                   }));
  } else if (Ctx.input(0).Known.Splat) {
    Ctx.setContents(0, Ctx.input(0).Known);
  }
}

void inferExpand(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return setUnknownFrom(Ctx, 0, Ctx.elem(0), 0);
  IntegerList Target = integerList(Ctx, "shape", 1);
  if (!Target.HasLength)
    return Ctx.setUnknown(0, Ctx.elem(0),
                          "the length of the shape to expand to is not known");
  for (Expr &E : Target.Items)
    if (E.constant() && *E.constant() < 0)
      E = Ctx.unknownDim("a negative size to expand to");
  auto Dims = broadcast(Ctx.dims(0), Target.Items);
  if (!Dims)
    return Ctx.fail("expected shapes that broadcast, found " +
                    shapeText(Ctx.dims(0)) + " and " + shapeText(Target.Items));
  for (Expr &D : *Dims)
    if (!isDimension(D))
      D = Ctx.unknownDim(D.unknownReason());
  Ctx.set(0, Ctx.elem(0), *Dims);
  const Contents &Known = Ctx.input(0).Known;
  if (Known.Elements.size() == 1) // one value, whatever the size
    return Ctx.setContents(0, Contents::splat(Known.Elements.front()));
  auto From = constantDims(Ctx.dims(0));
  if (!From)
    return;
  Index Strides = rowMajorStrides(*From);
  size_t Lead = Dims->size() - From->size();
  Ctx.setContents(0, mapContents(Known, *Dims, [&](llvm::ArrayRef<int64_t> At) {
                    int64_t I = 0;
                    for (size_t D = 0; D < From->size(); ++D)
                      I += (*From)[D] == 1 ? 0 : At[Lead + D] * Strides[D];
                    return I;
                  }));
}

} // namespace xfa
