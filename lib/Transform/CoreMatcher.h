//===- CoreMatcher.h - an attention kernel's body, as a formula -----------===//

#ifndef XFA_LIB_TRANSFORM_COREMATCHER_H
#define XFA_LIB_TRANSFORM_COREMATCHER_H

#include "Lowering.h"

#include "llvm/ADT/DenseSet.h"

namespace xfa::lowering {

/// Of scores: a number added to each, or one number in the place of some.
struct CoreMask {
  ValueId Bias;                ///< added …
  ValueId Condition;           ///< … or in place of which Fill stands …
  bool HidesWhereTrue = false; ///< … where it is true; else where it is false
  double Fill = 0;

  ValueId value() const { return Condition ? Condition : Bias; }
};

/// softmax(masked(cap(Scale · Q · Kᵀ))) · V, where cap(x) = SoftCap ·
/// tanh(x / SoftCap).
struct Core {
  NodeId Scores, Values; ///< the products
  ValueId Query, KeyTransposed, Value, Result;
  double Scale = 1;
  double SoftCap = 0;                    ///< 0: none
  llvm::SmallVector<ScaleStep, 2> Above; ///< the product
  llvm::SmallVector<CoreMask, 2> Masks;  ///< the last one first
  bool ClearsNaN = false; ///< a row without any column gives zeros
  ElemType Scored = ElemType::Undefined; ///< the scores as they are masked
  ElemType Softmax = ElemType::Undefined;
  Expr B, H, S, T; ///< T: columns

  /// Its first axis is batch and heads in one: [B·H, ·, ·].
  bool isMerged(const Shape &Dims) const {
    return Dims.size() == 3 && Dims[0] == B * H;
  }
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
  bool splitsHeads(NodeId N);
  std::string headsOf(const Shape &Scores);
  bool clearsNaN(ValueId &V);
  bool softmax(ValueId &V);
  std::string scores(ValueId V);
  std::string capped(NodeId N, ValueId &V);
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
