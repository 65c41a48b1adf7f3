//===- Sequence.cpp - sequences and optionals -----------------------------===//
//
// Facts of a sequence: how long it is, what holds of every element, and, while
// it is short and built of known pieces, each element by itself. An optional is
// a sequence of one or none. Neither copies: they hold what they are given.
//
//===----------------------------------------------------------------------===//

#include "IndexWalk.h"
#include "Join.h"
#include "Operands.h"

namespace xfa {

/// The most elements that are followed one by one.
constexpr int64_t MaxItems = 256;

/// C6, C10: a sequence refers to its elements. C17: SequenceMap runs its body
/// for each, so often that it is a symbol where nothing says how many there
/// are.
void costSequence(CostContext &Ctx) {
  if (std::optional<GraphId> Body = Ctx.graphAttr("body")) {
    Expr Length = Ctx.input(0).Length;
    Ctx.runs(
        *Body,
        Length && Length.isKnown()
            ? Length
            : Ctx.store().symbol(
                  ("trips_" + Ctx.model().ownName(Ctx.nodeId())).str(), 0));
  }
  for (unsigned I = 0; I < Ctx.numInputs(); ++I)
    Ctx.reads(I, Ctx.constant(0));
  for (unsigned O = 0; O < Ctx.numOutputs(); ++O)
    Ctx.writes(O, Ctx.constant(0));
}

static Contents single(Element E) {
  Contents C;
  C.Elements.push_back(E);
  return C;
}

static ValueFacts sequenceFacts(Expr Length, ValueFacts Item) {
  ValueFacts F;
  F.Kind = ValueFacts::Sequence;
  F.Length = Length;
  F.Why = Length.store().unknown("a sequence has no shape");
  F.Item = std::make_shared<ValueFacts>(std::move(Item));
  return F;
}

/// A sequence of these elements.
static ValueFacts sequenceOf(InferContext &Ctx, std::vector<ValueFacts> Items) {
  ValueFacts Any = Items.front();
  for (const ValueFacts &F : Items)
    Any = join(Ctx.store(), Any, F, "the elements of the sequence differ");
  ValueFacts Result = sequenceFacts(Ctx.constant(Items.size()), std::move(Any));
  if (Items.size() <= MaxItems)
    Result.Items = std::move(Items);
  return Result;
}

/// What is known of any element of sequence input I.
static ValueFacts anyItem(const InferContext &Ctx, unsigned I) {
  if (const auto &Item = Ctx.input(I).Item)
    return *Item;
  ValueFacts F;
  F.Why = Ctx.store().unknown("the sequence's elements are not known");
  return F;
}

static Expr lengthOf(InferContext &Ctx, unsigned I) {
  Expr Length = Ctx.input(I).Length;
  return Length ? Length : Ctx.unknownDim("the sequence's length is not known");
}

/// The position that input I gives in [0, Length]; none if it is not known.
static std::optional<int64_t> position(InferContext &Ctx, unsigned I,
                                       int64_t Length) {
  Element At = Ctx.scalar(I);
  if (At.kind() != Element::Int || !At.expr().isConstant())
    return std::nullopt;
  int64_t P = *At.expr().constant();
  if (P < -Length || P > Length) {
    Ctx.fail("expected a position in [" + llvm::Twine(-Length) + ", " +
             llvm::Twine(Length) + "], found " + llvm::Twine(P));
    return std::nullopt;
  }
  return P < 0 ? P + Length : P;
}

//===----------------------------------------------------------------------===//
// SequenceConstruct, Empty, Insert, Erase, At, Length
//===----------------------------------------------------------------------===//

void inferSequenceConstruct(InferContext &Ctx) {
  std::vector<ValueFacts> Items;
  Items.reserve(Ctx.numInputs());
  for (unsigned I = 0; I < Ctx.numInputs(); ++I)
    Items.push_back(Ctx.input(I));
  if (Items.empty())
    return Ctx.fail("expected at least one input");
  Ctx.set(0, sequenceOf(Ctx, std::move(Items)));
}

void inferSequenceEmpty(InferContext &Ctx) {
  ValueFacts Item;
  Item.Kind = ValueFacts::Tensor;
  Item.Elem =
      elemTypeFromOnnx(Ctx.intAttr("dtype", 1)).value_or(ElemType::Undefined);
  Item.Why = Ctx.store().unknown("the element of an empty sequence");
  Ctx.set(0, sequenceFacts(Ctx.constant(0), std::move(Item)));
}

void inferSequenceInsert(InferContext &Ctx) {
  const ValueFacts &Given = Ctx.input(0);
  Expr Length = lengthOf(Ctx, 0);
  bool Followed = Length.constant() == static_cast<int64_t>(Given.Items.size());
  std::optional<int64_t> At;
  if (Length.isConstant())
    At = Ctx.has(2) ? position(Ctx, 2, *Length.constant()) : Length.constant();
  if (Ctx.failed())
    return;
  if (Followed && At) {
    std::vector<ValueFacts> Items = Given.Items;
    Items.insert(Items.begin() + *At, Ctx.input(1));
    return Ctx.set(0, sequenceOf(Ctx, std::move(Items)));
  }
  ValueFacts Item = Ctx.input(1);
  if (!Length.is(0))
    Item = join(Ctx.store(), anyItem(Ctx, 0), Item,
                "the elements of the sequence differ");
  Ctx.set(0, sequenceFacts(Length + 1, std::move(Item)));
}

void inferSequenceErase(InferContext &Ctx) {
  const ValueFacts &Given = Ctx.input(0);
  Expr Length = lengthOf(Ctx, 0);
  std::optional<int64_t> Count = Length.constant();
  if (Count && *Count <= 0)
    return Ctx.fail("expected an element to erase, found an empty sequence");
  std::optional<int64_t> At;
  if (Count)
    At = Ctx.has(1) ? position(Ctx, 1, *Count) : *Count - 1;
  if (Ctx.failed())
    return;
  bool Followed = Count == static_cast<int64_t>(Given.Items.size());
  if (Followed && At && *At < *Count && *Count > 1) {
    std::vector<ValueFacts> Items = Given.Items;
    Items.erase(Items.begin() + *At);
    return Ctx.set(0, sequenceOf(Ctx, std::move(Items)));
  }
  Ctx.set(0, sequenceFacts(Length - 1, anyItem(Ctx, 0)));
}

void inferSequenceAt(InferContext &Ctx) {
  const ValueFacts &Given = Ctx.input(0);
  int64_t Count = Given.Items.size();
  if (Count && Given.Length && Given.Length.is(Count)) {
    auto At = position(Ctx, 1, Count);
    if (Ctx.failed())
      return;
    if (At && *At < Count)
      return Ctx.set(0, Given.Items[*At]);
  }
  Ctx.set(0, anyItem(Ctx, 0));
}

void inferSequenceLength(InferContext &Ctx) {
  Ctx.set(0, ElemType::Int64, {});
  if (Expr Length = Ctx.input(0).Length)
    Ctx.setContents(0, single(Element::integer(Length)));
}

//===----------------------------------------------------------------------===//
// SplitToSequence, ConcatFromSequence
//===----------------------------------------------------------------------===//

/// The sizes along the axis of the pieces, if each is known by itself; else
/// only Length and Size, which may be unknown, are set.
namespace {
struct Pieces {
  std::optional<llvm::SmallVector<Expr, 8>> Sizes;
  Expr Length, Size;
};
} // namespace

static Pieces piecesOf(InferContext &Ctx, Expr Dim) {
  Pieces Result;
  IntegerList Split = integerList(Ctx, "split", 1);
  const char *Why = "the split sizes are known at run time only";
  if (Split.Present && (!Split.HasLength || Ctx.rank(1) > 1)) {
    Result.Length = Result.Size = Ctx.unknownDim(Why);
    return Result;
  }
  if (Split.Present && Ctx.rank(1) == 1) { // one size a piece
    Result.Sizes.emplace();
    for (Expr E : Split.Items)
      Result.Sizes->push_back(isDimension(E) ? E : Ctx.unknownDim(Why));
    return Result;
  }
  // Pieces of one size, the last may be smaller.
  Expr Size = Split.Present ? Split.Items.front() : Ctx.constant(1);
  if (Size.constant() && *Size.constant() <= 0)
    Ctx.fail("expected pieces of at least 1, found " + toString(Size));
  if (!Size.isKnown() || lessEqual(Ctx.constant(1), Size) != Truth::True ||
      !Dim.isKnown()) {
    Result.Length = Size.is(1) ? Dim : Ctx.unknownDim(Why);
    Result.Size = Size.is(1) ? Size : Ctx.unknownDim(Why);
    return Result;
  }
  Expr Whole = floorDiv(Dim, Size), Rest = Dim - Whole * Size;
  Result.Length = ceilDiv(Dim, Size);
  std::optional<int64_t> Count = Result.Length.constant();
  if (Count && *Count > 0 && *Count <= MaxItems && Rest.isKnown()) {
    Result.Sizes.emplace(*Count, Size);
    Result.Sizes->back() = Dim - (*Count - 1) * Size;
  } else {
    Result.Size =
        Rest.is(0) ? Size : Ctx.unknownDim("the last piece may be smaller");
  }
  return Result;
}

void inferSplitToSequence(InferContext &Ctx) {
  if (!Ctx.hasRank(0)) {
    ValueFacts Item;
    Item.Kind = ValueFacts::Tensor;
    Item.Elem = Ctx.elem(0);
    Item.Why = Ctx.store().unknown(unknownRank(Ctx, 0));
    return Ctx.set(0, sequenceFacts(Ctx.unknownDim(unknownRank(Ctx, 0)), Item));
  }
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Ctx.rank(0));
  if (!Axis)
    return;
  // keepdims counts only where the pieces have size 1 for want of a split.
  bool Keep = Ctx.has(1) || Ctx.intAttr("keepdims", 1) != 0;
  auto Piece = [&](Expr Size) {
    ValueFacts F;
    F.Kind = ValueFacts::Tensor;
    F.Elem = Ctx.elem(0);
    F.HasRank = true;
    F.Dims.assign(Ctx.dims(0).begin(), Ctx.dims(0).end());
    if (Keep)
      F.Dims[*Axis] = Size;
    else
      F.Dims.erase(F.Dims.begin() + *Axis);
    return F;
  };
  Pieces Parts = piecesOf(Ctx, Ctx.dims(0)[*Axis]);
  if (!Parts.Sizes || Parts.Sizes->empty()) {
    Expr Length = Parts.Sizes ? Ctx.constant(0) : Parts.Length;
    Expr Size = Parts.Sizes ? Ctx.constant(0) : Parts.Size;
    return Ctx.set(0, sequenceFacts(Length, Piece(Size)));
  }
  std::vector<ValueFacts> Items;
  for (Expr Size : *Parts.Sizes)
    Items.push_back(Piece(Size));
  Ctx.set(0, sequenceOf(Ctx, std::move(Items)));
}

/// The size along axis D that elements share if they can be joined: what one
/// knows holds of all. Default where they are not followed one by one.
static Expr sharedDim(InferContext &Ctx, llvm::ArrayRef<ValueFacts> Items,
                      int64_t D, Expr Default) {
  Expr Shared;
  for (const ValueFacts &F : Items) {
    if (D >= F.rank())
      return Default;
    if (Shared && equal(Shared, F.Dims[D]) == Truth::False)
      return Ctx.unknownDim("the elements of the sequence differ");
    if (!Shared || !Shared.isKnown() || F.Dims[D].isConstant())
      Shared = F.Dims[D];
  }
  return Shared ? Shared : Default;
}

void inferConcatFromSequence(InferContext &Ctx) {
  const ValueFacts &Given = Ctx.input(0);
  ValueFacts Item = anyItem(Ctx, 0);
  if (!Item.HasRank)
    return Ctx.setUnknown(0, Item.Elem,
                          Item.why().empty()
                              ? "the sequence's elements are not known"
                              : Item.why());
  bool NewAxis = Ctx.intAttr("new_axis", 0) != 0;
  auto Axis = checkedAxis(Ctx, Ctx.intAttr("axis", 0), Item.rank() + NewAxis);
  if (!Axis)
    return;
  Expr Length = lengthOf(Ctx, 0);
  Shape Dims = Item.Dims;
  for (int64_t D = 0; D < Item.rank(); ++D)
    if (NewAxis || D != *Axis)
      Dims[D] = sharedDim(Ctx, Given.Items, D, Dims[D]);
  if (NewAxis) {
    Dims.insert(Dims.begin() + *Axis, Length);
  } else if (Length.constant() == static_cast<int64_t>(Given.Items.size())) {
    Expr Sum = Ctx.constant(0);
    for (const ValueFacts &F : Given.Items)
      Sum += F.rank() == Item.rank() ? F.Dims[*Axis] : Dims[*Axis];
    Dims[*Axis] = Sum;
  } else if ((Length * Dims[*Axis]).isKnown()) {
    Dims[*Axis] = Length * Dims[*Axis];
  } else {
    Dims[*Axis] = Ctx.unknownDim("the sum of the elements' sizes");
  }
  Ctx.set(0, Item.Elem, Dims);
}

/// C6; what is written is read once.
void costConcatFromSequence(CostContext &Ctx) { Ctx.reads(0, Ctx.outSize(0)); }

//===----------------------------------------------------------------------===//
// SequenceMap: the body for each element
//===----------------------------------------------------------------------===//

void inferSequenceMap(InferContext &Ctx) {
  auto Body = Ctx.graphAttr("body");
  if (!Body)
    return Ctx.fail("expected a body");
  // Element E of every sequence, or what holds of any; tensors as they are.
  auto Operands = [&](std::optional<size_t> E) {
    llvm::SmallVector<ValueFacts, 4> In;
    for (unsigned I = 0; I < Ctx.numInputs(); ++I) {
      const ValueFacts &F = Ctx.input(I);
      if (F.Kind != ValueFacts::Sequence)
        In.push_back(F);
      else
        In.push_back(E && *E < F.Items.size() ? F.Items[*E] : anyItem(Ctx, I));
    }
    return In;
  };
  Expr Length = lengthOf(Ctx, 0);
  size_t Count = Ctx.input(0).Items.size();
  std::vector<std::vector<ValueFacts>> Items(Ctx.numOutputs());
  bool Followed = Count > 0 && Count <= 16 && Length.is(Count);
  for (size_t E = 0; Followed && E < Count; ++E) {
    auto Out = Ctx.inferSubgraph(*Body, Operands(E));
    for (size_t O = 0; O < Items.size() && O < Out.size(); ++O)
      Items[O].push_back(Out[O]);
  }
  // Last, so that the body's facts are those of any element.
  auto Out = Ctx.inferSubgraph(*Body, Operands(std::nullopt));
  for (size_t O = 0; O < Items.size() && O < Out.size(); ++O)
    Ctx.set(O, Followed && Items[O].size() == Count
                   ? sequenceOf(Ctx, Items[O])
                   : sequenceFacts(Length, Out[O]));
}

//===----------------------------------------------------------------------===//
// Optional, OptionalGetElement, OptionalHasElement
//===----------------------------------------------------------------------===//

/// Facts of a value of a type that an attribute declares; a dimension's name is
/// a run-time size here.
static ValueFacts factsOfType(InferContext &Ctx, TypeId Id, unsigned Depth) {
  ValueFacts F;
  F.Why = Ctx.store().unknown("the type attribute gives no shape");
  if (!Id || Depth > 8)
    return F;
  const DeclaredType &T = Ctx.model()[Id];
  F.Kind = T.Kind == DeclaredType::Tensor         ? ValueFacts::Tensor
           : T.Kind == DeclaredType::SparseTensor ? ValueFacts::SparseTensor
           : T.Kind == DeclaredType::Sequence     ? ValueFacts::Sequence
           : T.Kind == DeclaredType::Optional     ? ValueFacts::Optional
                                                  : ValueFacts::Map;
  F.Elem = T.Elem;
  if (T.HasShape) {
    F.HasRank = true;
    for (const DeclaredDim &D : T.Dims)
      F.Dims.push_back(D.Kind == DeclaredDim::Number
                           ? Ctx.constant(D.Value)
                           : Ctx.unknownDim("a size that the type attribute "
                                            "does not give"));
  }
  if (T.Element)
    F.Item =
        std::make_shared<ValueFacts>(factsOfType(Ctx, T.Element, Depth + 1));
  return F;
}

void inferOptional(InferContext &Ctx) {
  ValueFacts F;
  F.Kind = ValueFacts::Optional;
  F.Why = Ctx.store().unknown("an optional has no shape");
  F.Length = Ctx.constant(Ctx.has(0));
  if (Ctx.has(0)) {
    F.Item = std::make_shared<ValueFacts>(Ctx.input(0));
  } else {
    const Attribute *Type = Ctx.node().attribute("type");
    F.Item = std::make_shared<ValueFacts>(
        factsOfType(Ctx, Type ? Type->Type : TypeId(), 0));
  }
  Ctx.set(0, std::move(F));
}

void inferOptionalGetElement(InferContext &Ctx) {
  if (Ctx.input(0).Kind == ValueFacts::Optional)
    return Ctx.set(0, anyItem(Ctx, 0));
  Ctx.set(0, Ctx.input(0)); // opset 18: any value, as it is
}

void inferOptionalHasElement(InferContext &Ctx) {
  Ctx.set(0, ElemType::Bool, {});
  const ValueFacts &F = Ctx.input(0);
  Truth Has = Truth::Unknown;
  if (!Ctx.has(0))
    Has = Truth::False;
  else if (F.Kind == ValueFacts::Optional)
    Has = F.Length ? equal(F.Length, Ctx.constant(1)) : Truth::Unknown;
  else if (F.Kind != ValueFacts::Unknown)
    Has = Truth::True;
  if (Has != Truth::Unknown)
    Ctx.setContents(0, single(Element::boolean(Has)));
}

} // namespace xfa
