//===- Serving.h - what fits, and how long a whole request takes ----------===//

#ifndef XFA_ANALYSIS_SERVING_H
#define XFA_ANALYSIS_SERVING_H

#include "xfa/Analysis/Decode.h"
#include "xfa/Analysis/Roofline.h"

namespace xfa {

/// What must be in memory, bytes in B and N (and other symbols of the graph).
/// Of a graph with a cache: at a step, N positions cached. Else: at a pass over
/// N positions whose keys and values are kept.
struct ServingMemory {
  Expr Weights, Cache, Activations;
  bool Exact = true;   ///< false: a lower bound
  std::string Unknown; ///< why it is one, or why there is none
  Expr total() const { return Weights + Cache + Activations; }
};
/// Needs A.Memory and A.Decode.
ServingMemory servingMemory(const ModelAnalysis &A);

/// The largest value ≥ 1 of a symbol at which an expression that grows with it
/// stays within a limit.
struct LargestFit {
  enum KindTy : uint8_t {
    Value,     ///< it fits up to At
    Nothing,   ///< not even 1 fits
    Unlimited, ///< it does not grow
    Unknown
  };
  KindTy Kind = Unknown;
  int64_t At = 0;
};
LargestFit largestThatFits(Expr Bytes, llvm::StringRef Along, Bindings Fixed,
                           int64_t Limit);

/// A prompt read in one pass, which yields the first new token; then a step for
/// each further one, with one more position in the cache each time. Seconds.
struct RequestTimes {
  double First = 0;               ///< to the first token
  double Total = 0;               ///< to the last
  std::optional<double> PerToken; ///< mean of the steps; none if there are none
  double FirstStep = 0, LastStep = 0;
};
/// None: a time is not known. `At`: the symbols beside N.
std::optional<RequestTimes> timeRequest(const DecodeFacts &F,
                                        const DecodeCosts &Costs,
                                        const Clock &Time, Bindings At,
                                        int64_t Prompt, int64_t New);

} // namespace xfa

#endif // XFA_ANALYSIS_SERVING_H
