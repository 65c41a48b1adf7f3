//===- PassViews.h - what passes did to a model's figures -----------------===//

#ifndef XFA_REPORT_PASSVIEWS_H
#define XFA_REPORT_PASSVIEWS_H

#include "xfa/Report/LedgerView.h"
#include "xfa/Transform/PassTrace.h"

namespace xfa {

/// The model before the first pass, and after each; or the rungs of a ladder,
/// each from the model as written.
struct PassesView {
  struct Figure {
    Coordinates At;
    LedgerKind Kind = LedgerKind::Graph;
    int Gpu = -1; ///< index of Report::Gpus
    __int128 Flops = 0, Bytes = 0;
    double Intensity = 0; ///< FLOP/byte
    std::optional<double> Time;
    std::optional<Bound> BoundBy;
    /// Of which the time, without an accelerator the bytes, are the largest.
    std::optional<Role> Dominant;
    double DominantShare = 0; ///< of the sum over roles
    /// Time over the tokens a sequence that come of it.
    std::optional<double> TimePerToken;
  };
  struct State {
    std::string Name;
    std::string None; ///< why there are no figures, or no such state
    std::vector<LedgerView> Ledgers;
    std::vector<Figure> Figures; ///< by ledger, accelerator, point
  };
  struct Step {
    int64_t Fired = 0;
    std::vector<Refusal> Refused;
    std::vector<std::string> Notes;
  };
  bool IsLadder = false;
  std::vector<State> States; ///< the first is the model as written
  std::vector<Step> Steps;   ///< from each state to the next
};

} // namespace xfa

#endif // XFA_REPORT_PASSVIEWS_H
