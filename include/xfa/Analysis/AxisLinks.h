//===- AxisLinks.h - where an operator's result reads its operands --------===//
//
// For one operand of one node: along each of its axes, which elements the
// result's element at x[0], x[1], … reads. One table, a function an operator
// family; dependence, demand and mask proofs all work from it. Reshapes have a
// rule of their own (ReshapeLinks.h), because they regroup axes.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_AXISLINKS_H
#define XFA_ANALYSIS_AXISLINKS_H

#include "xfa/Ops/Op.h"

namespace xfa {

struct AxisLink {
  enum KindTy : uint8_t {
    Fixed,  ///< at Low, whatever x is (an axis of length 1: at 0)
    Same,   ///< at x[OutAxis] + Low
    Window, ///< from x[OutAxis] + Low to x[OutAxis] + High
    Prefix, ///< from 0 to x[OutAxis] + High
    Whole   ///< anywhere
  };
  KindTy Kind = Whole;
  int OutAxis = -1;
  Expr Low, High; ///< null: not said; 0 for Same

  static AxisLink same(int64_t Out, Expr Offset) {
    return {Same, static_cast<int>(Out), Offset, Offset};
  }
  static AxisLink fixed(Expr At) { return {Fixed, -1, At, At}; }
  static AxisLink whole() { return {}; }
};

/// Where the parts of a node's Concat or Split begin, for as many as were asked
/// about: a node of thousands of parts is asked about each.
using PartStarts = llvm::SmallVector<Expr, 2>;

/// One node with what is known of its operands and results.
struct LinkContext {
  const OpContext &Op;
  llvm::ArrayRef<const ValueFacts *> Outputs; ///< null: not wanted
  unsigned Out;                               ///< which result
  unsigned In;                                ///< which operand
  PartStarts *Starts = nullptr;               ///< of this node; may be none

  const ValueFacts &input() const { return Op.input(In); }
  const ValueFacts &output() const { return *Outputs[Out]; }
  int64_t inRank() const { return input().rank(); }
  int64_t outRank() const { return output().rank(); }
  Expr zero() const { return Op.constant(0); }
};

using AxisLinks = llvm::SmallVector<AxisLink, 4>;

/// One link an axis of the operand. An operator without a rule reads anywhere.
AxisLinks axisLinks(const LinkContext &Ctx);

/// The operand only says what shape or which axes: Reshape's second, Slice's
/// starts and ends, Range's limit, …
bool isStructuralOperand(OpKind Kind, unsigned In);

/// The operator has a rule: what shape its results have follows from shapes and
/// from structural operands.
bool hasAxisRule(OpKind Kind);

/// Reads its operands' shapes only: Shape, Size.
bool readsShapeOnly(OpKind Kind);

} // namespace xfa

#endif // XFA_ANALYSIS_AXISLINKS_H
