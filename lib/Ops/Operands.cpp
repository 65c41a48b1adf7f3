//===- Operands.cpp -------------------------------------------------------===//

#include "Operands.h"

namespace xfa {

std::optional<llvm::SmallVector<int64_t, 8>> IntegerList::constants() const {
  if (!HasLength)
    return std::nullopt;
  llvm::SmallVector<int64_t, 8> Result;
  for (Expr E : Items) {
    std::optional<int64_t> C = E.constant();
    if (!C)
      return std::nullopt;
    Result.push_back(*C);
  }
  return Result;
}

Expr integerOr(const OpContext &Ctx, const Element &E, const llvm::Twine &Why) {
  if (E.kind() == Element::Int)
    return E.expr();
  return Ctx.store().unknown(Why.str());
}

IntegerList integerList(const OpContext &Ctx, llvm::StringRef Attr,
                        unsigned I) {
  IntegerList List;
  if (auto Values = Ctx.intsAttr(Attr)) {
    List.Present = List.HasLength = true;
    for (int64_t V : *Values)
      List.Items.push_back(Ctx.constant(V));
    return List;
  }
  if (I == NoInput || !Ctx.has(I))
    return List;
  List.Present = true;
  if (!Ctx.hasRank(I))
    return List;
  std::optional<int64_t> Count =
      numElements(Ctx.store(), Ctx.dims(I)).constant();
  if (!Count || *Count < 0 || *Count > Contents::MaxElements)
    return List;
  List.HasLength = true;
  for (int64_t E = 0; E < *Count; ++E)
    List.Items.push_back(integerOr(Ctx, Ctx.input(I).Known.at(E),
                                   "element " + llvm::Twine(E) + " of input " +
                                       llvm::Twine(I) + " (" + Attr +
                                       ") is computed at run time"));
  return List;
}

bool isDimension(Expr E) {
  return E.isKnown() || lowerBound(E).value_or(-1) >= 0;
}

bool fitsSize(InferContext &Ctx, Expr Result, llvm::ArrayRef<Expr> From) {
  if (Result.isKnown() ||
      !llvm::all_of(From, [](Expr E) { return E.isConstant(); }))
    return true;
  Ctx.fail("expected sizes within 64 bits, found more from " + shapeText(From));
  return false;
}

void setUnknownFrom(InferContext &Ctx, unsigned O, ElemType Elem, unsigned I) {
  Ctx.setUnknown(O, Elem, unknownRank(Ctx, I));
}

void setUnknownDims(InferContext &Ctx, unsigned O, ElemType Elem, int64_t Rank,
                    const llvm::Twine &Why) {
  Shape Dims;
  for (int64_t D = 0; D < Rank; ++D)
    Dims.push_back(Ctx.unknownDim(Why));
  Ctx.set(O, Elem, Dims);
}

std::optional<int64_t> checkedAxis(InferContext &Ctx, int64_t Axis,
                                   int64_t Rank) {
  std::optional<int64_t> Normal = OpContext::normalizeAxis(Axis, Rank);
  if (!Normal)
    Ctx.fail("expected an axis in [" + llvm::Twine(-Rank) + ", " +
             llvm::Twine(Rank) + "), found " + llvm::Twine(Axis));
  return Normal;
}

std::optional<llvm::SmallVector<int64_t, 8>>
checkedAxes(InferContext &Ctx, llvm::ArrayRef<int64_t> Axes, int64_t Rank) {
  llvm::SmallVector<int64_t, 8> Result;
  for (int64_t Axis : Axes) {
    std::optional<int64_t> Normal = checkedAxis(Ctx, Axis, Rank);
    if (!Normal)
      return std::nullopt;
    Result.push_back(*Normal);
  }
  return Result;
}

} // namespace xfa
