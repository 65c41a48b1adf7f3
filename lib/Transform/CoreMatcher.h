//===- CoreMatcher.h - an attention kernel's body, as a formula -----------===//

#ifndef XFA_LIB_TRANSFORM_COREMATCHER_H
#define XFA_LIB_TRANSFORM_COREMATCHER_H

#include "Lowering.h"

#include "llvm/ADT/DenseSet.h"

namespace xfa::lowering {

/// softmax(Scale · Q · Kᵀ + Bias) · V, or with columns hidden by Condition.
struct Core {
  NodeId Scores, Values; ///< the products
  ValueId Query, KeyTransposed, Value, Result;
  double Scale = 1;
  llvm::SmallVector<ScaleStep, 2> Above; ///< the product
  ValueId Bias;                          ///< added to the scores
  ValueId Condition; ///< in place of which Fill stands in the scores …
  bool HidesWhereTrue = false; ///< … where it is true; else where it is false
  double Fill = 0;
  bool ClearsNaN = false; ///< a row without any column gives zeros
  ElemType Softmax = ElemType::Undefined;
  Expr B, H, S, T; ///< T: columns
};

class CoreMatcher {
public:
  explicit CoreMatcher(const Kernel &K) : K(K), M(K.M) {}

  /// Empty, or why it is none.
  std::string run();
  Core C;
  NodeSet Nodes;

private:
  std::string label(NodeId N) const { return "'" + M.label(N) + "'"; }
  ValueId widened(ValueId V);
  bool clearsNaN(ValueId &V);
  bool softmax(ValueId &V);
  std::string scores(ValueId V);
  std::string added(NodeId N, ValueId &V);
  std::string filled(NodeId N, ValueId &V);
  void scaleAbove(ValueId V);
  std::string layout();
  /// It does not come from the product of Q and K.
  bool isMask(ValueId V) const;

  const Kernel &K;
  const Model &M;
  llvm::DenseSet<ValueId> OfScores; ///< values that the scores go into
};

} // namespace xfa::lowering

#endif // XFA_LIB_TRANSFORM_COREMATCHER_H
