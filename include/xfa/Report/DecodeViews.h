//===- DecodeViews.h - what a report shows of decoding --------------------===//

#ifndef XFA_REPORT_DECODEVIEWS_H
#define XFA_REPORT_DECODEVIEWS_H

#include "xfa/Analysis/Decode.h"
#include "xfa/Analysis/Roofline.h"
#include "xfa/Report/LedgerView.h"

namespace xfa {

/// One new token a sequence, N positions in the cache (T7).
struct DecodeView {
  std::string None; ///< why there is no such step; the rest is empty then
  struct Step {
    LedgerView L;
    Expr Cache, Other; ///< bytes that are neither weights nor each other's
  };
  std::optional<Step> Textbook, Graph; ///< of the ledgers asked for
  Expr CacheBytes;
  std::string NoGraph; ///< why Graph is empty although it is asked for
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
};

} // namespace xfa

#endif // XFA_REPORT_DECODEVIEWS_H
