//===- ControlFlow.cpp - If -----------------------------------------------===//
//
// Bodies are inferred by the driver (InferContext::inferSubgraph). C17: their
// costs are counted there, so these ops cost nothing themselves.
//
//===----------------------------------------------------------------------===//

#include "Join.h"
#include "Operands.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// C17: the driver counts the body.
void costControlFlow(CostContext &) {}

static ValueFacts joinBranches(ExprStore &Store, const ValueFacts &A,
                               const ValueFacts &B) {
  ValueFacts Joined = join(Store, A, B, "the branches of If differ");
  for (auto [I, Dim] : llvm::enumerate(Joined.Dims))
    Joined.Differs |=
        !Dim.isKnown() && A.Dims[I].isKnown() && B.Dims[I].isKnown();
  return Joined;
}

void inferIf(InferContext &Ctx) {
  auto Then = Ctx.graphAttr("then_branch"), Else = Ctx.graphAttr("else_branch");
  if (!Then || !Else)
    return Ctx.fail("expected the bodies then_branch and else_branch");
  using Facts = llvm::SmallVector<ValueFacts, 4>;
  Truth Condition = Ctx.scalar(0).truth();
  if (Condition != Truth::Unknown) {
    Facts Taken =
        Ctx.inferSubgraph(Condition == Truth::True ? *Then : *Else, {});
    for (unsigned O = 0; O < Taken.size() && O < Ctx.numOutputs(); ++O)
      Ctx.set(O, Taken[O]);
    return;
  }
  Facts A = Ctx.inferSubgraph(*Then, {}), B = Ctx.inferSubgraph(*Else, {});
  for (unsigned O = 0; O < Ctx.numOutputs(); ++O) {
    bool InA = O < A.size(), InB = O < B.size();
    // A branch that cannot run is not taken by a run that succeeds.
    if (InA != InB)
      Ctx.set(O, InA ? A[O] : B[O]);
    else if (InA)
      Ctx.set(O, joinBranches(Ctx.store(), A[O], B[O]));
  }
}

} // namespace xfa
