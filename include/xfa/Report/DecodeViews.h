//===- DecodeViews.h - what a report shows of decoding --------------------===//

#ifndef XFA_REPORT_DECODEVIEWS_H
#define XFA_REPORT_DECODEVIEWS_H

#include "xfa/Analysis/Explain.h"
#include "xfa/Analysis/Intensity.h"
#include "xfa/Analysis/Serving.h"
#include "xfa/Analysis/Speculative.h"
#include "xfa/Report/LedgerView.h"

namespace xfa {

/// FLOP/byte of a ledger, and how FLOPs and bytes grow with each symbol.
struct IntensityView {
  LedgerKind Kind = LedgerKind::Graph;
  PolynomialRatio Ratio;
  struct Growth {
    std::string Symbol;
    std::optional<unsigned> Flops, Bytes; ///< degrees; none: no polynomial
    RatioLimit Limit;                     ///< of FLOP/byte
  };
  std::vector<Growth> Along;
};

/// One new token a sequence, N positions in the cache (T7).
struct DecodeView {
  std::string None; ///< why there is no such step; the rest is empty then
  struct Step {
    LedgerView L;
    Expr Cache, Other; ///< bytes that are neither weights nor each other's
  };
  std::optional<Step> Textbook, Graph; ///< of the ledgers asked for
  Expr CacheBytes;
  std::string NoGraph;    ///< why Graph is empty although it is asked for
  bool Rewritten = false; ///< Graph is of the graph after the kv-cache pass
  std::string FusedAgain; ///< DecodeFacts::FusedAgain
  /// Causality is not known: what is assumed; empty if it is, or the graph has
  /// a cache.
  std::string Assumed;
  struct Row {
    Coordinates At; ///< in B and N
    LedgerKind Kind = LedgerKind::Textbook;
    int Gpu = -1;        ///< index of Report::Gpus
    RooflinePoint Point; ///< FLOP, bytes; times where there is a Gpu
    StepSplit Split;     ///< bytes
    std::optional<double> WeightsTime, CacheTime, OtherTime;
    std::optional<double> Time;         ///< on the chosen estimate
    std::optional<double> UncachedTime; ///< of a pass over all N positions
    std::optional<double> Speedup;      ///< UncachedTime / Time
    std::optional<StepPart> Dominant;
    bool Exact = true;
  };
  std::vector<Row> Rows; ///< by ledger, accelerator, point
  std::string NoRows;    ///< why there are none
  /// Of each ledger: FLOP/byte of a step against that of a pass over all N
  /// positions.
  struct Against {
    IntensityView Cached, Uncached;
    Comparison UncachedIsLarger;
  };
  std::vector<Against> Intensities;
};

struct SpeculativeView {
  std::string None; ///< why nothing can be said; the rest is empty then
  Speculation Asked;
  LedgerKind Kind = LedgerKind::Textbook;
  double Tokens = 0;          ///< expected of a round
  Work Verify;                ///< in B, N and m rows
  Work DraftStep;             ///< in B and N
  std::string VocabularyNote; ///< the two differ
  struct Row {
    Coordinates At;
    int Gpu = -1;
    SpeculativeRound Round; ///< no times without a Gpu
    std::optional<BestGamma> Best;
  };
  std::vector<Row> Rows;
  struct Limit {
    int Gpu;
    int64_t N;
    bool Known;
    std::optional<int64_t> Batch; ///< from which it gains nothing; none: never
  };
  std::vector<Limit> Limits;
};

struct FitView {
  ServingMemory Memory;
  bool Passes = false; ///< of a pass over N positions, not of a step
  struct Row {
    int Gpu; ///< index of ReportOptions::FitGpus
    std::string Along;
    Coordinates Fixed;
    LargestFit Largest;
    /// Bytes there; without a value where they are not known.
    std::optional<__int128> Weights, Cache, Activations;
  };
  std::vector<Row> Rows;
  std::string None; ///< why there are no rows
};

struct RequestView {
  std::string None;
  RequestSize Asked;
  LedgerKind Kind = LedgerKind::Textbook;
  bool Exact = true; ///< false: the times are lower bounds
  struct Row {
    Coordinates At; ///< without N
    int Gpu;
    std::optional<RequestTimes> Times; ///< none: not known
    int64_t Sequences = 1;
  };
  std::vector<Row> Rows;
};

} // namespace xfa

#endif // XFA_REPORT_DECODEVIEWS_H
