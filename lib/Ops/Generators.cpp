//===- Generators.cpp - tensors from attributes, shapes and small inputs --===//

#include "Broadcasting.h"
#include "ElementMath.h"
#include "Operands.h"
#include "xfa/Ops/ConstantFacts.h"

#include <cmath>

namespace xfa {

/// C6, C7: no arithmetic.
void costGenerator(CostContext &) {}

//===----------------------------------------------------------------------===//
// Constant
//===----------------------------------------------------------------------===//

template <typename T, typename MakeFn>
static void setConstantList(InferContext &Ctx, ElemType Elem, bool IsList,
                            llvm::ArrayRef<T> Items, MakeFn Make) {
  Shape Dims;
  if (IsList)
    Dims.push_back(Ctx.constant(static_cast<int64_t>(Items.size())));
  Ctx.set(0, Elem, Dims);
  if (Items.size() > Contents::MaxElements)
    return;
  Contents Known;
  for (const T &Item : Items)
    Known.Elements.push_back(Make(Item));
  Ctx.setContents(0, std::move(Known));
}

/// The value is in one of the attributes value, value_int, value_ints, …
void inferConstant(InferContext &Ctx) {
  // The importer may have put the tensor beside the output.
  if (Ctx.wants(0)) {
    const Value &Out = Ctx.model()[Ctx.node().Outputs[0]];
    if (Out.Const) {
      Ctx.set(0, factsOf(Ctx.store(), Ctx.model()[Out.Const]));
      return;
    }
  }
  auto Integer = [&](int64_t I) { return Element::integer(Ctx.constant(I)); };
  auto Number = [](double D) { return Element::number(D); };
  auto Text = [](llvm::StringRef) { return Element(); };
  for (const Attribute &A : Ctx.node().Attributes) {
    if (A.Kind == AttrKind::Tensor && A.Tensor)
      return Ctx.set(0, factsOf(Ctx.store(), Ctx.model()[A.Tensor]));
    if (A.Name == "value_int" && A.Kind == AttrKind::Int)
      return setConstantList<int64_t>(Ctx, ElemType::Int64, false, A.I,
                                      Integer);
    if (A.Name == "value_ints" && A.Kind == AttrKind::Ints)
      return setConstantList(Ctx, ElemType::Int64, true, A.Ints, Integer);
    if (A.Name == "value_float" && A.Kind == AttrKind::Float)
      return setConstantList<double>(Ctx, ElemType::Float32, false, A.F,
                                     Number);
    if (A.Name == "value_floats" && A.Kind == AttrKind::Floats)
      return setConstantList(Ctx, ElemType::Float32, true, A.Floats, Number);
    if (A.Name == "value_string" && A.Kind == AttrKind::String)
      return setConstantList<llvm::StringRef>(Ctx, ElemType::String, false, A.S,
                                              Text);
    if (A.Name == "value_strings" && A.Kind == AttrKind::Strings)
      return setConstantList(Ctx, ElemType::String, true, A.Strings, Text);
    // An empty list has no kind that the wire format could tell.
    if ((A.Name == "value_ints" || A.Name == "value_floats" ||
         A.Name == "value_strings"))
      return Ctx.set(0,
                     A.Name == "value_ints"     ? ElemType::Int64
                     : A.Name == "value_floats" ? ElemType::Float32
                                                : ElemType::String,
                     Ctx.constant(0));
  }
  Ctx.setUnknown(0, ElemType::Undefined, "the constant has no value");
}

//===----------------------------------------------------------------------===//
// Shape, Size
//===----------------------------------------------------------------------===//

/// Shape, from opset 15 on of the axes [start, end), clamped.
void inferShapeOf(InferContext &Ctx) {
  std::optional<int64_t> Start = Ctx.intAttr("start"), End = Ctx.intAttr("end");
  if (!Ctx.hasRank(0)) {
    Ctx.set(0, ElemType::Int64,
            Ctx.unknownDim("the length of a shape: " + unknownRank(Ctx, 0)));
    return;
  }
  int64_t Rank = Ctx.rank(0);
  auto Clamp = [&](int64_t At) {
    return std::clamp<int64_t>(At < 0 ? At + Rank : At, 0, Rank);
  };
  int64_t From = Clamp(Start.value_or(0)), To = Clamp(End.value_or(Rank));
  To = std::max(From, To);
  Ctx.set(0, ElemType::Int64, Ctx.constant(To - From));
  Contents Known;
  for (Expr Dim : Ctx.dims(0).slice(From, To - From))
    Known.Elements.push_back(Element::integer(Dim));
  Ctx.setContents(0, std::move(Known));
}

void inferSize(InferContext &Ctx) {
  Ctx.set(0, ElemType::Int64, {});
  if (Ctx.hasRank(0))
    Ctx.setContents(0, Contents::splat(Element::integer(
                           numElements(Ctx.store(), Ctx.dims(0)))));
}

//===----------------------------------------------------------------------===//
// ConstantOfShape, EyeLike, Trilu
//===----------------------------------------------------------------------===//

/// The dims that a one-dimensional input holds; unknown dims where its elements
/// are unknown, none where its length is.
static std::optional<Shape> shapeFromInput(InferContext &Ctx, unsigned I) {
  if (!Ctx.hasRank(I) || Ctx.rank(I) != 1)
    return std::nullopt;
  std::optional<int64_t> Count = Ctx.dim(I, 0).constant();
  if (!Count || *Count < 0 || *Count > Contents::MaxElements)
    return std::nullopt;
  Shape Dims;
  for (int64_t D = 0; D < *Count; ++D) {
    Expr Size = integerOr(Ctx, Ctx.input(I).Known.at(D),
                          "the shape is computed from data");
    Dims.push_back(isDimension(Size) ? Size
                                     : Ctx.unknownDim(Size.unknownReason()));
  }
  return Dims;
}

void inferConstantOfShape(InferContext &Ctx) {
  ElemType Elem = ElemType::Float32;
  Element Value = Element::number(0);
  if (const Constant *C = Ctx.tensorAttr("value")) {
    Elem = C->Elem;
    Value = constantElement(Ctx.store(), *C, 0);
  }
  if (Ctx.elem(0) != ElemType::Undefined && Ctx.elem(0) != ElemType::Int64)
    return Ctx.fail("expected a shape of type int64, found " +
                    elemTypeName(Ctx.elem(0)));
  std::optional<Shape> Dims = shapeFromInput(Ctx, 0);
  if (!Dims) {
    Ctx.setUnknown(0, Elem, "the length of the shape is unknown");
    return;
  }
  for (auto [D, Dim] : llvm::enumerate(*Dims)) {
    if (Dim.constant().value_or(0) < 0)
      return Ctx.fail("expected dimensions of at least 0, found " +
                      shapeText(*Dims));
    if (Element Given = Ctx.input(0).Known.at(D);
        Given.kind() == Element::Int && leaves64Bits(Given.expr()))
      return Ctx.fail(
          "expected dimensions within 64 bits, but what dimension " +
          llvm::Twine(D) + " is computed from leaves them");
  }
  Ctx.set(0, Elem, *Dims);
  if (Value.known())
    Ctx.setContents(0, Contents::splat(Value));
}

void inferEyeLike(InferContext &Ctx) {
  if (Ctx.hasRank(0) && Ctx.rank(0) != 2)
    return Ctx.fail("expected a matrix, found " + shapeText(Ctx.dims(0)));
  inferSameShape(Ctx, typeAttr(Ctx, "dtype", Ctx.elem(0)));
}

/// A triangle of the last two axes, zero elsewhere.
void inferTrilu(InferContext &Ctx) {
  if (Ctx.hasRank(0) && Ctx.rank(0) < 2)
    return Ctx.fail("expected at least two axes, found " +
                    shapeText(Ctx.dims(0)));
  if (!inferSameShape(Ctx, Ctx.elem(0)) || Ctx.input(0).Known.none())
    return;
  const Contents &Known = Ctx.input(0).Known;
  Element Zero = ElementMath(Ctx.store(), Ctx.elem(0)).zero();
  if (Known.Splat && Known.at(0) == Zero)
    return Ctx.setContents(0, Known);
  auto Sizes = constantDims(Ctx.dims(0));
  std::optional<int64_t> Diagonal = 0;
  if (Ctx.has(1)) {
    Element K = Ctx.scalar(1);
    Diagonal = K.kind() == Element::Int ? K.expr().constant() : std::nullopt;
  }
  if (!Sizes || !Diagonal || !Zero.known())
    return;
  bool Upper = Ctx.intAttr("upper", 1) != 0;
  int64_t Rows = (*Sizes)[Sizes->size() - 2], Columns = Sizes->back();
  int64_t Count = 1;
  for (int64_t Size : *Sizes)
    Count *= Size;
  int64_t K = std::clamp<int64_t>(*Diagonal, -Rows, Columns);
  Contents Result;
  for (int64_t E = 0; E < Count; ++E) {
    int64_t Column = E % Columns, Row = E / Columns % Rows;
    bool Kept = Upper ? Column - Row >= K : Column - Row <= K;
    Result.Elements.push_back(Kept ? Known.at(E) : Zero);
  }
  Ctx.setContents(0, std::move(Result));
}

//===----------------------------------------------------------------------===//
// OneHot
//===----------------------------------------------------------------------===//

/// The indices' shape with the depth put in at `axis`; the values' type.
void inferOneHot(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(2);
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, Elem, unknownRank(Ctx, 0));
  std::optional<int64_t> Axis =
      OpContext::normalizeAxis(Ctx.intAttr("axis", -1), Ctx.rank(0) + 1);
  if (!Axis)
    return Ctx.fail("axis " + llvm::Twine(Ctx.intAttr("axis", -1)) +
                    " is outside of a result of rank " +
                    llvm::Twine(Ctx.rank(0) + 1));
  if (Ctx.opset() < 11) // later, they count from the end
    for (const Element &E : Ctx.input(0).Known.Elements)
      if (E.kind() == Element::Int && E.expr().constant().value_or(0) < 0)
        return Ctx.fail(
            "expected indices of at least 0 before opset 11, found " +
            toString(E.expr()));
  Element Depth = ElementMath(Ctx.store(), ElemType::Int64).cast(Ctx.scalar(1));
  if (Depth.known() && Depth.expr().constant().value_or(0) < 0)
    return Ctx.fail("expected a depth of at least 0, found " +
                    toString(Depth.expr()));
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  Dims.insert(Dims.begin() + *Axis,
              Depth.known() && isDimension(Depth.expr())
                  ? Depth.expr()
                  : Ctx.unknownDim("the depth is not known"));
  Ctx.set(0, Elem, Dims);

  // Its elements, of which exporters make how often something is repeated.
  std::optional<llvm::SmallVector<int64_t, 8>> Hot = Ctx.constInts(0);
  std::optional<llvm::SmallVector<int64_t, 4>> Sizes = constantDims(Dims);
  const Element Off = Ctx.input(2).Known.at(0), On = Ctx.input(2).Known.at(1);
  if (!Hot || !Sizes || !Off.known() || !On.known())
    return;
  const int64_t Count = (*Sizes)[*Axis];
  int64_t Inner = 1, All = 1;
  for (auto [I, Size] : llvm::enumerate(*Sizes)) {
    All *= Size;
    if (static_cast<int64_t>(I) > *Axis)
      Inner *= Size;
  }
  Contents C;
  for (int64_t I = 0; I < All; ++I) {
    const int64_t At = I / Inner % Count;
    const int64_t Is = (*Hot)[I / (Inner * Count) * Inner + I % Inner];
    C.Elements.push_back(At == (Is < 0 ? Is + Count : Is) ? On : Off);
  }
  Ctx.setContents(0, std::move(C));
}

//===----------------------------------------------------------------------===//
// Range
//===----------------------------------------------------------------------===//

/// max(0, ceil((limit - start) / delta)); none if it cannot be told.
static std::optional<Expr> rangeLength(const OpContext &Ctx, Element Start,
                                       Element Limit, Element Delta) {
  // Floats: counted in double, as the runtimes do.
  ElementMath Math(Ctx.store(),
                   isFloat(Ctx.elem(0)) ? ElemType::Float64 : ElemType::Int64);
  Element Distance = Math.sub(Limit, Start);
  if (Distance.kind() == Element::Int && Delta.kind() == Element::Int) {
    Expr Step = Delta.expr(), Span = Distance.expr();
    if (Step.is(0))
      return std::nullopt;
    Truth Positive = less(Ctx.constant(0), Step);
    if (Positive == Truth::Unknown)
      return std::nullopt;
    Expr Count =
        Positive == Truth::True ? ceilDiv(Span, Step) : ceilDiv(-Span, -Step);
    return max(Ctx.constant(0), Count);
  }
  // Runtimes subtract in the type itself and divide in double.
  ElementMath Double(Ctx.store(), ElemType::Float64);
  Element Steps = Double.ceil(Double.div(Distance, Delta));
  if (Steps.kind() == Element::Ratio)
    return max(Ctx.constant(0), Steps.expr());
  if (Steps.kind() != Element::Float || !(Steps.number() < 0x1p53))
    return std::nullopt;
  return Ctx.constant(static_cast<int64_t>(std::max(0.0, Steps.number())));
}

void inferRange(InferContext &Ctx) {
  ElemType Elem = firstElemType(Ctx);
  Element Start = Ctx.scalar(0), Limit = Ctx.scalar(1), Delta = Ctx.scalar(2);
  std::optional<Expr> Length;
  if (Start.known() && Limit.known() && Delta.known())
    Length = rangeLength(Ctx, Start, Limit, Delta);
  if (!Length) {
    Ctx.set(0, Elem, Ctx.unknownDim("the range's bounds are not known"));
    return;
  }
  Ctx.set(0, Elem, *Length);
  std::optional<int64_t> Count = Length->constant();
  if (!Count || *Count > Contents::MaxElements || !isInteger(Elem) ||
      Start.kind() != Element::Int || Delta.kind() != Element::Int)
    return;
  Contents Known;
  for (int64_t I = 0; I < *Count; ++I)
    Known.Elements.push_back(Element::integer(Start.expr() + Delta.expr() * I));
  Ctx.setContents(0, std::move(Known));
}

} // namespace xfa
