//===- CausalMask.h - a mask that is the causal one and nothing else ------===//
//
// An operator's flag for causal attention says what a mask says only if that
// hides each row's later columns and leaves its own and earlier ones as they
// are. This is proved from the nodes that produce the mask, without any
// assumption, or it does not hold.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_CAUSALMASK_H
#define XFA_ANALYSIS_CAUSALMASK_H

#include "xfa/Analysis/Analysis.h"

namespace xfa {

class FlatGraph;

/// What masks scores of as many columns as rows: row r is position r.
struct MaskOfScores {
  enum FormTy : uint8_t { Added, ShowsWhereTrue, HidesWhereTrue };
  ValueId Mask; ///< […, rows, columns], broadcast to the scores from the left
  FormTy Form = Added;
  Expr Rows;   ///< in the graph's own names
  double Fill; ///< Added: what is this low hides
};

class CausalMasks {
public:
  CausalMasks(const Model &M, const ModelAnalysis &A);
  ~CausalMasks();

  /// Empty, or why it is not proved to be the causal mask.
  std::string whyNot(const MaskOfScores &S) const;
  /// Empty, or why a flag and this one might not do what a causal mask and this
  /// one do: it is not proved to show each row its own column, or to add so
  /// little to later ones that they stay hidden.
  std::string whyNotBeside(const MaskOfScores &S) const;

private:
  const Model &M;
  const ModelAnalysis &A;
  std::unique_ptr<FlatGraph> G;
};

} // namespace xfa

#endif // XFA_ANALYSIS_CAUSALMASK_H
