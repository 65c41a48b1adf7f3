//===- Logic.cpp - comparisons, and, or, not, select ----------------------===//

#include "Broadcasting.h"
#include "ElementMath.h"

#include <cmath>

namespace xfa {

static Truth compareElements(OpKind Kind, Element A, Element B) {
  switch (Kind) {
  case OpKind::Equal:
    return elementEqual(A, B);
  case OpKind::Less:
    return elementLess(A, B);
  case OpKind::LessOrEqual:
    return elementLessEqual(A, B);
  case OpKind::Greater:
    return elementLess(B, A);
  case OpKind::GreaterOrEqual:
    return elementLessEqual(B, A);
  case OpKind::And:
    return truthAnd(A.truth(), B.truth());
  case OpKind::Or:
    return truthOr(A.truth(), B.truth());
  case OpKind::Xor:
    if (A.kind() != Element::Bool || B.kind() != Element::Bool)
      return Truth::Unknown;
    return A.boolean() != B.boolean() ? Truth::True : Truth::False;
  default:
    return Truth::Unknown;
  }
}

/// Equal, Less, LessOrEqual, Greater, GreaterOrEqual, And, Or, Xor.
void inferComparison(InferContext &Ctx) {
  if (!inferBroadcast(Ctx, ElemType::Bool, 2))
    return;
  OpKind Kind = Ctx.node().Kind;
  // One operand may decide: false and x, true or x.
  bool NeedsAll = Kind != OpKind::And && Kind != OpKind::Or;
  setElementwiseContents(
      Ctx,
      [&](llvm::ArrayRef<Element> In) {
        return Element::boolean(compareElements(Kind, In[0], In[1]));
      },
      NeedsAll);
}

static Truth predicate(const OpContext &Ctx, Element A) {
  OpKind Kind = Ctx.node().Kind;
  if (Kind == OpKind::Not)
    return truthNot(A.truth());
  if (A.kind() == Element::Ratio)
    return Truth::False; // finite
  if (A.kind() != Element::Float)
    return Truth::Unknown;
  bool Holds = Kind == OpKind::IsNaN ? std::isnan(A.number())
               : A.number() > 0      ? Ctx.intAttr("detect_positive", 1) != 0
                                     : Ctx.intAttr("detect_negative", 1) != 0;
  if (Kind == OpKind::IsInf)
    Holds &= std::isinf(A.number());
  return Holds ? Truth::True : Truth::False;
}

/// Not, IsNaN, IsInf.
void inferPredicate(InferContext &Ctx) {
  if (!inferSameShape(Ctx, ElemType::Bool))
    return;
  setElementwiseContents(Ctx, [&](llvm::ArrayRef<Element> In) {
    return Element::boolean(predicate(Ctx, In[0]));
  });
}

void inferWhere(InferContext &Ctx) {
  if (!inferBroadcast(Ctx, firstElemType(Ctx, 1), 3))
    return;
  setElementwiseContents(
      Ctx,
      [&](llvm::ArrayRef<Element> In) {
        if (In[0].kind() != Element::Bool)
          return In[1] == In[2] ? In[1] : Element();
        return In[0].boolean() ? In[1] : In[2];
      },
      /*NeedsAll=*/false);
}

} // namespace xfa
