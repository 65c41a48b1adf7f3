//===- CostCounter.h - counts the nodes of a graph and of its bodies ------===//
//
// A graph is counted for one run of it, and so is each body: CostBodies.cpp
// sums over bodies and says how often each runs (C17), Cost.cpp counts a node.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_COSTCOUNTER_H
#define XFA_LIB_ANALYSIS_COSTCOUNTER_H

#include "Kernel.h"

#include "xfa/Analysis/Cost.h"
#include "xfa/Analysis/Sum.h"

#include "llvm/ADT/StringMap.h"

namespace xfa {

class CostCounter {
public:
  CostCounter(const Model &M, const ShapeFacts &Facts, const Uses &U,
              ExprStore &Store, const CountingOptions &Options)
      : M(M), Facts(Facts), U(U), Store(Store), Options(Options),
        Zero(Store.constant(0)) {}

  GraphCosts run();

private:
  /// What one run of a graph costs, bodies included.
  struct Run {
    Sum Matrix, Vector, Read, Written, Weight;
    ElemType MatrixType = ElemType::Undefined;
    NodeId Unknown; ///< one whose cost is not known
    void add(const NodeCost &C, NodeId Id);
    void add(Run &&Body, Expr Times, ExprStore &Store);
    NodeCost total(ExprStore &Store) const;
  };
  Run countGraph(const Graph &G);
  Run countBody(GraphId Body, Expr Times);
  void settle(const Graph &G, Expr Times);
  void leaveUnknown(const Graph &G, const llvm::Twine &Why);
  using BodyRuns = llvm::SmallVector<std::pair<GraphId, Expr>, 2>;
  /// Gives how often the node runs its bodies, where its operator says.
  BodyRuns countNode(NodeId Id);
  void countTraffic(NodeId Id, const OpCost &Op);
  Run countIf(NodeId Id);
  Expr tripCount(NodeId Id);
  void addRead(NodeCost &Cost, ValueId In, std::optional<Expr> Elements);
  bool appendsToCache(NodeId Id, NodeCost &Cost);
  bool writtenInPlace(ValueId NewRows);
  void total();

  const Model &M;
  const ShapeFacts &Facts;
  const Uses &U;
  ExprStore &Store;
  const CountingOptions &Options;
  Expr Zero;
  GraphCosts Result;
  Kernel *Inside = nullptr; ///< the fused kernel that is being counted
  /// How often each body runs in one run of the graph around it, by GraphId.
  std::vector<Expr> RunsOf;
  llvm::StringMap<NodeId> Trips; ///< whose number of runs a symbol is
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_COSTCOUNTER_H
