//===- Repetition.h - how often a value holds what it is made from --------===//
//
// Grouped heads are repeated before the product with the queries: by Expand,
// Tile, Concat of copies, Gather with repeated indices, a product with ones.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_REPETITION_H
#define XFA_LIB_ANALYSIS_REPETITION_H

#include "FlatGraph.h"

#include "llvm/ADT/DenseMap.h"

namespace xfa {

class Repetition {
public:
  /// OnPath: a node that carries the value.
  Repetition(const FlatGraph &G, ExprStore &Store,
             llvm::function_ref<bool(NodeId)> OnPath)
      : G(G), Store(Store), OnPath(OnPath) {}

  /// Elements of V over those that differ; an unknown, with the reason, where
  /// it cannot be told. 1 where only a part is repeated.
  Expr of(ValueId V);

private:
  Expr ofNode(NodeId N, ValueId Out);
  Expr ofConcat(NodeId N);
  Expr ofGather(NodeId N);
  Expr ofElementwise(NodeId N, ValueId Out);
  bool carried(ValueId V) const;
  Expr elements(ValueId V) const;
  Expr unknown(NodeId N, const char *Why) const;
  /// The same values by the same views, though by other nodes.
  bool same(ValueId A, ValueId B, unsigned Depth) const;
  bool sameNode(NodeId A, NodeId B, unsigned Depth) const;

  const FlatGraph &G;
  ExprStore &Store;
  llvm::function_ref<bool(NodeId)> OnPath;
  llvm::DenseMap<ValueId, Expr> Known;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_REPETITION_H
