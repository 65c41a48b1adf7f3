//===- FlatGraph.h - the nodes that run, across bodies --------------------===//
//
// Recognition does not care whether a layer is spelled in the main graph, in a
// function's body or in a branch: calls are looked through, and of an If one
// branch is taken. A value of a body that only passes on another one is that
// other one (its canonical value).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_FLATGRAPH_H
#define XFA_LIB_ANALYSIS_FLATGRAPH_H

#include "xfa/Analysis/Cost.h"
#include "xfa/Analysis/ShapeInference.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfa {

class StreamOrder;

class FlatGraph {
public:
  /// What becomes of an If whose condition is not known.
  enum UndecidedTy : uint8_t {
    One, ///< one branch stands for it
    Both ///< it stays, behind the nodes of both branches
  };
  /// One: the then branch, or the else branch if ElseTaken names the If.
  FlatGraph(const Model &M, const ShapeFacts &Facts,
            llvm::ArrayRef<NodeId> ElseTaken, UndecidedTy Undecided = One);

  const Model &M;
  const ShapeFacts &Facts;

  /// In an order in which it may run (StreamOrder.h); bodies in the place of
  /// their owner.
  llvm::ArrayRef<NodeId> order() const { return Order; }
  /// Position in order(); -1 for a node that is not in it.
  int position(NodeId N) const { return Positions[N.Index]; }

  ValueId canonical(ValueId V) const;
  /// Canonical input of a node; none if it is not there.
  ValueId operand(NodeId N, unsigned I) const;
  NodeId producer(ValueId V) const;
  /// Nodes that read V, in order; one entry a use.
  llvm::ArrayRef<NodeId> consumers(ValueId V) const;
  ValueId result(NodeId N) const;
  OpKind kind(NodeId N) const { return M[N].Kind; }
  /// What the branches of an If give as its result Out; empty if N is none.
  llvm::SmallVector<ValueId, 2> branchResults(NodeId N, unsigned Out) const;

  /// A constant, or a function of constants and dims (C7); dequantised too.
  bool folded(ValueId V) const;
  /// folded(), or a graph input that stands for a weight, through views: of
  /// rank 3 at most, and no dim of it is one that the outputs count sequences
  /// or positions with.
  bool isWeight(ValueId V) const;
  bool oneElement(ValueId V) const;
  bool isOutput(ValueId V) const { return Output[canonical(V).Index]; }

  /// An index map or a no-op of its first operand: Reshape, Transpose, Slice,
  /// Cast, Dropout, …
  bool isPassThrough(NodeId N) const;
  /// Up through pass-throughs, quantisation included.
  ValueId strip(ValueId V) const;
  /// The last node, in order, that Is among those that V is computed from, V's
  /// own included; looks at none before From.
  NodeId lastAbove(ValueId V, llvm::function_ref<bool(NodeId)> Is,
                   int From = 0) const;

private:
  void add(const Graph &G, StreamOrder &Streams);
  void followViews();
  bool isWeightInput(ValueId V) const;

  llvm::ArrayRef<NodeId> ElseTaken; ///< while it is made
  UndecidedTy Undecided;
  std::vector<NodeId> Order;
  std::vector<int> Positions;
  std::vector<ValueId> Forward; ///< by ValueId
  std::vector<llvm::SmallVector<NodeId, 2>> Consumers;
  std::vector<bool> Output, Folded;
  std::vector<ValueId> Stripped;
  /// The first and the second last dim of every graph output.
  llvm::SmallVector<Expr, 4> ActivationDims;
};

/// Numbers to integers or back: but for rounding, a value stays what it was.
bool quantises(OpKind Kind);
/// What an operator on quantised tensors is but for scales and zero points: of
/// QLinearAdd an Add. Others are what they are.
OpKind plainKind(OpKind Kind);
/// Where the two data operands of an operator of two stand (of a Where, what it
/// chooses from): scales and zero points may be in between.
std::pair<unsigned, unsigned> dataOperands(OpKind Kind);

/// The If nodes whose else branch alone is counted (C17).
std::vector<NodeId> elseBranches(const Model &M, const GraphCosts &Costs);

/// A product of two tensors: [Batch…, Rows, Inner] × [Batch…, Inner, Cols],
/// whatever its spelling.
struct Contraction {
  NodeId Node;
  ValueId Lhs, Rhs;
  Expr Batch, Rows, Cols, Inner;
};
std::optional<Contraction> asContraction(const FlatGraph &G, NodeId N,
                                         ExprStore &Store);

/// A product of data with a weight, with the bias that follows it.
struct WeightProduct {
  NodeId Node;
  ValueId Operand; ///< what it multiplies, as it stands there
  ValueId Data;    ///< the same before views and quantisation
  ValueId Weight;
  Expr Rows, In, Out;
  /// Matrices that Weight holds, if more than one: each row is multiplied by
  /// one of them, which `Chooses` says (experts); none: in turn.
  Expr Experts;
  ValueId Chooses;
  bool Bias = false;
  /// Nodes that finish it: dequantisation, bias.
  llvm::SmallVector<NodeId, 2> Tail;
  ValueId Result; ///< after the tail
};
std::optional<WeightProduct> asWeightProduct(const FlatGraph &G, NodeId N,
                                             ExprStore &Store);

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_FLATGRAPH_H
