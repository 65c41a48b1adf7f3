//===- Elementwise.cpp - one result element from one of each operand ------===//

#include "Broadcasting.h"
#include "ElementMath.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

static Element bitwise(OpKind Kind, Element A, Element B) {
  if (A.kind() != Element::Int || B.kind() != Element::Int)
    return Element();
  std::optional<int64_t> L = A.expr().constant(), R = B.expr().constant();
  if (!L || !R)
    return Element();
  int64_t Bits = Kind == OpKind::BitwiseAnd  ? *L & *R
                 : Kind == OpKind::BitwiseOr ? *L | *R
                                             : *L ^ *R;
  return Element::integer(A.expr().store().constant(Bits));
}

static Element binary(const OpContext &Ctx, const ElementMath &Math, Element A,
                      Element B) {
  OpKind Kind = Ctx.node().Kind;
  switch (Kind) {
  case OpKind::Add:
    return Math.add(A, B);
  case OpKind::Sub:
    return Math.sub(A, B);
  case OpKind::Mul:
    return Math.mul(A, B);
  case OpKind::Div:
    return Math.div(A, B);
  case OpKind::Mod:
    return Math.mod(A, B, Ctx.intAttr("fmod", 0) != 0);
  case OpKind::Pow:
    return Math.pow(A, B);
  case OpKind::BitShift:
    return Ctx.stringAttr("direction") == "LEFT" ? Math.shiftLeft(A, B)
                                                 : Math.shiftRight(A, B);
  case OpKind::BitwiseAnd:
  case OpKind::BitwiseOr:
  case OpKind::BitwiseXor:
    return bitwise(Kind, A, B);
  default:
    return Element();
  }
}

/// Add, Sub, Mul, Div, Mod, Pow, BitShift, BitwiseAnd, BitwiseOr, BitwiseXor.
void inferArithmetic(InferContext &Ctx) {
  // The exponent of Pow has a type of its own.
  ElemType Elem =
      Ctx.node().Kind == OpKind::Pow ? Ctx.elem(0) : firstElemType(Ctx);
  if (!inferBroadcast(Ctx, Elem, 2))
    return;
  ElementMath Math(Ctx.store(), Elem);
  // Integer zero annihilates whatever the other operand is.
  bool NeedsAll = Ctx.node().Kind != OpKind::Mul;
  setElementwiseContents(
      Ctx,
      [&](llvm::ArrayRef<Element> In) {
        return binary(Ctx, Math, In[0], In[1]);
      },
      NeedsAll);
}

/// C2: one per output element.
void costElementwise(CostContext &Ctx) { Ctx.addVector(Ctx.outSize(0)); }

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

static Element unary(OpKind Kind, const ElementMath &Math, Element A) {
  switch (Kind) {
  case OpKind::Abs:
    return Math.abs(A);
  case OpKind::Neg:
    return Math.neg(A);
  case OpKind::Sign:
    return Math.sign(A);
  case OpKind::Sqrt:
    return Math.sqrt(A);
  case OpKind::Floor:
    return Math.floor(A);
  case OpKind::Ceil:
    return Math.ceil(A);
  case OpKind::Round:
    return Math.round(A);
  case OpKind::Reciprocal:
    return Math.div(Math.number(1), A);
  case OpKind::Relu:
    return Math.max(A, Math.zero());
  case OpKind::BitwiseNot:
    // ~a = -a - 1, of a signed type.
    return A.kind() == Element::Int ? Math.integer(-A.expr() - 1) : Element();
  default:
    return Element();
  }
}

/// The first input's type and shape.
void inferUnary(InferContext &Ctx) {
  if (!inferSameShape(Ctx, Ctx.elem(0)) || Ctx.numInputs() != 1)
    return;
  ElementMath Math(Ctx.store(), Ctx.elem(0));
  setElementwiseContents(Ctx, [&](llvm::ArrayRef<Element> In) {
    return unary(Ctx.node().Kind, Math, In[0]);
  });
}

/// FLOPs an element of the body that ONNX gives an activation; constants and
/// casts of them are folded (C7).
static int64_t bodyFlops(OpKind Kind) {
  switch (Kind) {
  case OpKind::Relu: // Max(X, 0)
    return 1;
  case OpKind::ThresholdedRelu: // Less(alpha, X), Where
    return 2;
  case OpKind::LeakyRelu: // Less(X, 0), Mul, Where
  case OpKind::PRelu:     // Less(X, 0), Mul, Where
    return 3;
  case OpKind::Softplus: // Exp, Add, Log
  case OpKind::Softsign: // Abs, Add, Div
    return 3;
  case OpKind::HardSigmoid: // Mul, Add, Min, Max
    return 4;
  case OpKind::Elu: // Less(X, 0), Exp, Sub, Mul, Where
    return 5;
  case OpKind::Shrink: // Less, Add, Sub, Less, Where, Where
    return 6;
  case OpKind::Selu: // Exp, Mul, Sub, Mul, Mul, Less, Where
    return 7;
  case OpKind::Celu: // Div, Elu (5), Mul
    return 7;
  default:
    return 1;
  }
}

/// C5: the body's nodes, each one per element.
void costElementwiseBody(CostContext &Ctx) {
  Ctx.addVector(bodyFlops(Ctx.node().Kind) * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// Any number of operands
//===----------------------------------------------------------------------===//

/// Sum, Max, Min, Mean.
void inferVariadic(InferContext &Ctx) {
  ElemType Elem = firstElemType(Ctx);
  if (!inferBroadcast(Ctx, Elem))
    return;
  ElementMath Math(Ctx.store(), Elem);
  OpKind Kind = Ctx.node().Kind;
  setElementwiseContents(Ctx, [&](llvm::ArrayRef<Element> In) {
    Element Result = In[0];
    for (Element E : In.drop_front())
      Result = Kind == OpKind::Max   ? Math.max(Result, E)
               : Kind == OpKind::Min ? Math.min(Result, E)
                                     : Math.add(Result, E);
    if (Kind == OpKind::Mean)
      Result = Math.div(Result, Math.number(static_cast<double>(In.size())));
    return Result;
  });
}

/// C2: k-1 per output element for k operands; Mean divides as well: k.
void costVariadic(CostContext &Ctx) {
  int64_t Steps = Ctx.numInputs();
  if (Ctx.node().Kind != OpKind::Mean)
    --Steps;
  Ctx.addVector(std::max<int64_t>(Steps, 0) * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// Clip
//===----------------------------------------------------------------------===//

/// Bounds are attributes before opset 11, then optional scalar inputs.
void inferClip(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(0);
  if (!inferSameShape(Ctx, Elem))
    return;
  const ValueFacts &In = Ctx.input(0);
  if (In.Known.none())
    return;
  ElementMath Math(Ctx.store(), Elem);
  auto Bound = [&](unsigned I, llvm::StringRef Name) -> std::optional<Element> {
    if (Ctx.opset() < 11)
      return Ctx.hasAttr(Name)
                 ? std::optional(Math.number(Ctx.floatAttr(Name, 0)))
                 : std::nullopt;
    return Ctx.has(I) ? std::optional(Ctx.scalar(I)) : std::nullopt;
  };
  std::optional<Element> Low = Bound(1, "min"), High = Bound(2, "max");
  Contents Result;
  Result.Splat = In.Known.Splat;
  for (Element E : In.Known.Elements) {
    if (Low)
      E = Math.max(E, *Low);
    if (High)
      E = Math.min(E, *High);
    Result.Elements.push_back(E);
  }
  Ctx.setContents(0, std::move(Result));
}

/// C5: the body is Less and Where for each bound that is there.
void costClip(CostContext &Ctx) {
  bool Legacy = Ctx.opset() < 11;
  int64_t Bounds = (Legacy ? Ctx.hasAttr("min") : Ctx.has(1)) +
                   (Legacy ? Ctx.hasAttr("max") : Ctx.has(2));
  Ctx.addVector(2 * Bounds * Ctx.outSize(0));
}

} // namespace xfa
