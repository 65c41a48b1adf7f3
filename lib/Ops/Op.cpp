//===- Op.cpp - contexts and the table of functions -----------------------===//

#include "xfa/Ops/Op.h"

namespace xfa {

// Declared once each; operators that share a function repeat the declaration.
#define XFA_OP(KIND, DOMAIN, NAME, TRAITS, INFER, COST)                        \
  void INFER(InferContext &);                                                  \
  void COST(CostContext &);
#include "xfa/IR/Ops.def"

namespace {

struct OpFunctions {
  InferFn Infer;
  CostFn Cost;
};

constexpr OpFunctions Functions[] = {
    {nullptr, nullptr},
#define XFA_OP(KIND, DOMAIN, NAME, TRAITS, INFER, COST) {INFER, COST},
#include "xfa/IR/Ops.def"
};

const ValueFacts &absent() {
  static const ValueFacts Facts;
  return Facts;
}

} // namespace

InferFn inferFunction(OpKind Kind) {
  return Functions[static_cast<unsigned>(Kind)].Infer;
}
CostFn costFunction(OpKind Kind) {
  return Functions[static_cast<unsigned>(Kind)].Cost;
}

//===----------------------------------------------------------------------===//
// OpContext
//===----------------------------------------------------------------------===//

const ValueFacts &OpContext::input(unsigned I) const {
  return has(I) ? *Inputs[I] : absent();
}

Expr OpContext::dim(unsigned I, int64_t Axis) const {
  const ValueFacts &F = input(I);
  return F.Dims[Axis < 0 ? Axis + F.rank() : Axis];
}

std::optional<llvm::SmallVector<Expr, 8>> OpContext::ints(unsigned I) const {
  const ValueFacts &F = input(I);
  if (!F.HasRank)
    return std::nullopt;
  std::optional<int64_t> Count = numElements(Store, F.Dims).constant();
  if (!Count || *Count < 0 || *Count > Contents::MaxElements)
    return std::nullopt;
  llvm::SmallVector<Expr, 8> Result;
  for (int64_t E = 0; E < *Count; ++E) {
    Element Item = F.Known.at(E);
    if (Item.kind() != Element::Int)
      return std::nullopt;
    Result.push_back(Item.expr());
  }
  return Result;
}

std::optional<llvm::SmallVector<int64_t, 8>>
OpContext::constInts(unsigned I) const {
  auto Exprs = ints(I);
  if (!Exprs)
    return std::nullopt;
  llvm::SmallVector<int64_t, 8> Result;
  for (Expr E : *Exprs) {
    if (!E.isConstant())
      return std::nullopt;
    Result.push_back(*E.constant());
  }
  return Result;
}

Element OpContext::scalar(unsigned I) const {
  const ValueFacts &F = input(I);
  if (!F.HasRank || !numElements(Store, F.Dims).is(1))
    return Element();
  return F.Known.at(0);
}

int64_t OpContext::intAttr(llvm::StringRef Name, int64_t Default) const {
  return N.intAttribute(Name, Default);
}

std::optional<int64_t> OpContext::intAttr(llvm::StringRef Name) const {
  const Attribute *A = N.attribute(Name);
  if (!A || A->Kind != AttrKind::Int)
    return std::nullopt;
  return A->I;
}

double OpContext::floatAttr(llvm::StringRef Name, double Default) const {
  const Attribute *A = N.attribute(Name);
  return A && A->Kind == AttrKind::Float ? A->F : Default;
}

llvm::StringRef OpContext::stringAttr(llvm::StringRef Name,
                                      llvm::StringRef Default) const {
  const Attribute *A = N.attribute(Name);
  return A && A->Kind == AttrKind::String ? A->S : Default;
}

std::optional<llvm::ArrayRef<int64_t>>
OpContext::intsAttr(llvm::StringRef Name) const {
  const Attribute *A = N.attribute(Name);
  if (!A || A->Kind != AttrKind::Ints)
    return std::nullopt;
  return A->Ints;
}

const Constant *OpContext::tensorAttr(llvm::StringRef Name) const {
  const Attribute *A = N.attribute(Name);
  if (!A || A->Kind != AttrKind::Tensor || !A->Tensor)
    return nullptr;
  return &M[A->Tensor];
}

std::optional<GraphId> OpContext::graphAttr(llvm::StringRef Name) const {
  const Attribute *A = N.attribute(Name);
  if (!A || A->Kind != AttrKind::Graph || A->Graphs.empty())
    return std::nullopt;
  return A->Graphs.front();
}

std::optional<int64_t> OpContext::normalizeAxis(int64_t Axis, int64_t Rank) {
  if (Axis < -Rank || Axis >= Rank)
    return std::nullopt;
  return Axis < 0 ? Axis + Rank : Axis;
}

//===----------------------------------------------------------------------===//
// InferContext
//===----------------------------------------------------------------------===//

void InferContext::set(unsigned O, ElemType Elem, llvm::ArrayRef<Expr> Dims) {
  if (O >= Outputs.size())
    return;
  ValueFacts &F = Outputs[O];
  F.Kind = ValueFacts::Tensor;
  F.Elem = Elem;
  F.HasRank = true;
  F.Dims.assign(Dims.begin(), Dims.end());
  for (Expr &Dim : F.Dims)
    if (std::optional<int64_t> C = Dim.constant(); C && *C < 0)
      Dim = unknownDim("these operands make it negative");
}

void InferContext::set(unsigned O, ValueFacts Facts) {
  if (O < Outputs.size())
    Outputs[O] = std::move(Facts);
}

void InferContext::setContents(unsigned O, Contents C) {
  if (O >= Outputs.size() || C.none() || !Outputs[O].HasRank)
    return;
  if (!C.Splat) {
    std::optional<int64_t> Count =
        numElements(Store, Outputs[O].Dims).constant();
    if (Count != static_cast<int64_t>(C.Elements.size()) ||
        C.Elements.size() > Contents::MaxElements)
      return;
  }
  Outputs[O].Known = std::move(C);
}

void InferContext::setUnknown(unsigned O, ElemType Elem,
                              const llvm::Twine &Why) {
  if (O >= Outputs.size())
    return;
  ValueFacts F;
  F.Kind = ValueFacts::Tensor;
  F.Elem = Elem;
  F.Why = Store.unknown(Why.str());
  Outputs[O] = std::move(F);
}

Expr InferContext::unknownDim(const llvm::Twine &Why) {
  return Store.unknown(Why.str(), 0);
}

void InferContext::fail(const llvm::Twine &Sentence) {
  if (Error.empty())
    Error = Sentence.str();
}

//===----------------------------------------------------------------------===//
// CostContext
//===----------------------------------------------------------------------===//

const ValueFacts &CostContext::output(unsigned O) const {
  return O < Outputs.size() && Outputs[O] ? *Outputs[O] : absent();
}

static Expr sizeOf(CostContext &Ctx, const ValueFacts &F,
                   const llvm::Twine &What) {
  if (!F.HasRank) {
    Ctx.unknown(What + " has unknown rank" +
                (F.why().empty() ? "" : ": " + F.why()));
    return Ctx.store().unknown("unknown rank");
  }
  Expr Size = numElements(Ctx.store(), F.Dims);
  if (!Size.isKnown())
    Ctx.unknown(What + " has an unknown size: " + Size.unknownReason());
  return Size;
}

Expr CostContext::inSize(unsigned I) {
  return sizeOf(*this, input(I), "input " + llvm::Twine(I));
}

Expr CostContext::outSize(unsigned O) {
  return sizeOf(*this, output(O), "output " + llvm::Twine(O));
}

Expr CostContext::outDim(unsigned O, int64_t Axis) {
  const ValueFacts &F = output(O);
  int64_t At = Axis < 0 ? Axis + F.rank() : Axis;
  if (!F.HasRank || At < 0 || At >= F.rank()) {
    unknown("output " + llvm::Twine(O) + " has unknown rank");
    return Store.unknown("unknown rank");
  }
  if (!F.Dims[At].isKnown())
    unknown("output " + llvm::Twine(O) +
            " has an unknown dimension: " + F.Dims[At].unknownReason());
  return F.Dims[At];
}

} // namespace xfa
