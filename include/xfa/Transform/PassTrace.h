//===- PassTrace.h - a model before, between and after passes -------------===//

#ifndef XFA_TRANSFORM_PASSTRACE_H
#define XFA_TRANSFORM_PASSTRACE_H

#include "xfa/Analysis/WhatIf.h"
#include "xfa/Transform/Pipeline.h"

#include <functional>

namespace xfa {

/// One state of a model, and how it came about.
struct TracedState {
  std::string Name;  ///< of the pass; of a rung of the ladder
  PassResult Result; ///< what the pass did
  /// None: there is no such state; Why says so.
  std::shared_ptr<const ModelAnalysis> A;
  std::string Why;
  /// Rungs that decode: how many tokens a sequence are computed at a time, and
  /// how many come of it. 0: all N positions, for one.
  int64_t NewTokens = 0;
  double Yield = 1;
  /// A what-if of A: its own graph ledger, and the textbook's does not count.
  std::optional<WhatIfCost> Instead;
};

struct PassTrace {
  std::shared_ptr<const ModelAnalysis> Before;
  std::vector<TracedState> States; ///< after each
  bool IsLadder = false;
};

/// Runs the passes on M and analyses it before the first and after each that
/// fired.
llvm::Expected<PassTrace> tracePasses(Model &M, llvm::ArrayRef<PassInfo> Passes,
                                      const AnalysisOptions &Options);

/// What becomes of a model on the way to a token: as written, O1, O2, with a
/// cache (kv-cache, O2), with int4 weights in groups of 128, and as the target
/// of speculative decoding, Gamma tokens proposed in a round and each accepted
/// with probability Alpha (the draft's own cost is not counted). `Fresh` gives
/// the model as written, anew each time. What-ifs of the prompt are of O2,
/// those of a step of what has a cache, where that is there.
llvm::Expected<PassTrace>
traceLadder(std::function<llvm::Expected<std::unique_ptr<Model>>()> Fresh,
            const AnalysisOptions &Options, int64_t Gamma, double Alpha,
            llvm::ArrayRef<WhatIf> WhatIfs = {});

} // namespace xfa

#endif // XFA_TRANSFORM_PASSTRACE_H
