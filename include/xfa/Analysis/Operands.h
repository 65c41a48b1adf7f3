//===- Operands.h - where an operand's bytes really lie -------------------===//

#ifndef XFA_ANALYSIS_OPERANDS_H
#define XFA_ANALYSIS_OPERANDS_H

#include "xfa/Analysis/Cost.h"

namespace xfa {

/// DequantizeLinear, ONNX's or com.microsoft's.
inline bool dequantises(OpKind Kind) {
  return Kind == OpKind::DequantizeLinear ||
         Kind == OpKind::MsDequantizeLinear;
}

/// C10: the node's first output is its first input under another index map, and
/// costs nothing. Under --layout=executed fewer are.
bool isFreeView(const Model &M, NodeId Id, const ShapeFacts &Facts,
                const CountingOptions &Options);

/// By ValueId, for values of all graphs that run.
std::vector<Operand> resolveOperands(const Model &M, const ShapeFacts &Facts,
                                     ExprStore &Store,
                                     const CountingOptions &Options);

/// Bytes of `Count` elements of an operand: under --weights a matrix weight
/// counts in that type, with its scales (C14).
Expr weightOrTensorBytes(const Operand &Op, Expr Count, const ValueFacts &Root,
                         const CountingOptions &Options);

/// V, or a view of it, is an output of the main graph.
bool becomesOutput(const Model &M, const Uses &U, const ShapeFacts &Facts,
                   ValueId V, const CountingOptions &Options);

} // namespace xfa

#endif // XFA_ANALYSIS_OPERANDS_H
