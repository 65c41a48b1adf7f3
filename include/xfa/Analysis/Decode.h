//===- Decode.h - one decoding step (T7) ----------------------------------===//
//
// A step takes new tokens of each sequence and reads keys and values of the
// earlier ones from a cache. Counted twice: by the textbook from the structure
// that was found (whether or not the graph has a cache), and, of a graph with a
// cache, from the graph itself.
//
// Everything is in the aliases of ModelAnalysis::Symbols and in N: positions in
// the cache, the new ones included.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_DECODE_H
#define XFA_ANALYSIS_DECODE_H

#include "xfa/Analysis/Analysis.h"

namespace xfa {

/// One accounting of a step. Bytes of L.Total are Total.Weight, Cache and the
/// rest.
struct StepCost {
  Ledger L;
  Expr Cache; ///< bytes of keys and values read from and written to the cache
  Expr otherBytes() const { return L.Total.bytes() - L.Total.Weight - Cache; }
};

/// What decoding costs by one accounting.
struct DecodeCosts {
  StepCost One; ///< one new row, no mask
  /// m new rows, in N and m; masked among themselves where the graph has a mask
  /// (so not `One` at m = 1). At m = N: the pass without a cache.
  std::optional<StepCost> Several;
  std::optional<Ledger> Uncached; ///< the pass over all N positions
};

struct DecodeFacts {
  std::string None;     ///< why there is no such step; the rest is empty then
  Expr Positions;       ///< the symbol N
  Expr Rows;            ///< the symbol m: new rows of a step of several
  Expr CacheBytes;      ///< what N positions take in the cache
  DecodeCosts Textbook; ///< has all its parts
  std::optional<DecodeCosts> Graph; ///< of a graph with a cache
  std::string NoGraph;              ///< why Graph is empty
  /// Graph is of the graph after the kv-cache pass (Transform/DecodeRewrite.h).
  bool Rewritten = false;
  /// Passes behind it, by commas, which made kernels again that the graph had.
  std::string FusedAgain;
};

/// `Options`: those that A was made with.
DecodeFacts analyseDecode(const ModelAnalysis &A,
                          const AnalysisOptions &Options);

/// The value of N where the graph's own symbols have these values; none if
/// there is no attention that says.
std::optional<int64_t> positionsAt(const ModelAnalysis &A, const Bindings &At);

/// Where the time of a step goes. Seconds; bytes.
struct StepSplit {
  __int128 Weights = 0, Cache = 0, Other = 0;
};
llvm::Expected<StepSplit> splitStep(const StepCost &S, const Bindings &At);

enum class StepPart : uint8_t { Weights, Cache, Other, Compute };
/// "weights", "cache", "other", "compute".
llvm::StringRef stepPartName(StepPart P);
/// The part that takes the longest; the first of them where two are equal.
StepPart dominantPart(const StepSplit &S, double ComputeTime, double Bandwidth);

} // namespace xfa

#endif // XFA_ANALYSIS_DECODE_H
