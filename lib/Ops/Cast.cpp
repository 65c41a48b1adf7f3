//===- Cast.cpp - the same elements in another type -----------------------===//

#include "Broadcasting.h"
#include "ElementMath.h"

namespace xfa {

/// The type that `to` names: a number, or before opset 6 its name.
static ElemType targetType(const OpContext &Ctx) {
  if (Ctx.intAttr("to"))
    return typeAttr(Ctx, "to", ElemType::Undefined);
  std::string Name = Ctx.stringAttr("to").lower();
  return elemTypeFromName(Name).value_or(ElemType::Undefined);
}

static void inferCastTo(InferContext &Ctx, ElemType To) {
  if (!inferSameShape(Ctx, To) || Ctx.input(0).Known.none())
    return;
  ElementMath Math(Ctx.store(), To);
  const Contents &Known = Ctx.input(0).Known;
  Contents Result;
  Result.Splat = Known.Splat;
  for (Element E : Known.Elements)
    Result.Elements.push_back(Ctx.elem(0) == To ? E : Math.cast(E));
  Ctx.setContents(0, std::move(Result));
}

void inferCast(InferContext &Ctx) { inferCastTo(Ctx, targetType(Ctx)); }

/// The type is the second input's.
void inferCastLike(InferContext &Ctx) { inferCastTo(Ctx, Ctx.elem(1)); }

/// The same bits read as another type of the same width.
void inferBitCast(InferContext &Ctx) { inferSameShape(Ctx, targetType(Ctx)); }

/// C6: no arithmetic.
void costCast(CostContext &) {}

/// Of the second operand only the type is used.
void costCastLike(CostContext &Ctx) { Ctx.reads(1, Ctx.constant(0)); }

} // namespace xfa
