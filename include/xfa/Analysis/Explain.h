//===- Explain.h - how a formula of the textbook comes about --------------===//
//
// The rules of a role applied one after the other: in the letters of a lecture
// (B sequences, N positions, D model width, H heads, n bytes an element), then
// with the model's numbers. Formulas are made here from the rules, not taken
// from the textbook ledger, which they are held against.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_EXPLAIN_H
#define XFA_ANALYSIS_EXPLAIN_H

#include "xfa/Analysis/Analysis.h"

namespace xfa {

struct Explanation {
  Role R = Role::Other;
  std::string What;  ///< "the scores Q·Kᵀ"
  int64_t Count = 0; ///< pieces of this role in the model
  struct Step {
    std::string Rule; ///< "T3"; empty: none of its own
    std::string Text;
    Expr Flops, Bytes;   ///< what the step adds or arrives at; null: nothing
    bool Result = false; ///< a sum or a total, not an addend
  };
  std::vector<Step> Steps;
  /// What the letters are in this model: "D" → 1600.
  std::vector<std::pair<std::string, Expr>> Letters;
  bool LayersDiffer = false; ///< the numbers are those of the first piece
};

/// The roles that the textbook has a rule for.
llvm::ArrayRef<Role> explainableRoles();
/// Fails, with a sentence that names those it has, if the model has no such
/// piece. `Options`: those that A was made with.
llvm::Expected<Explanation> explainRole(const ModelAnalysis &A, Role R,
                                        const AnalysisOptions &Options);

} // namespace xfa

#endif // XFA_ANALYSIS_EXPLAIN_H
