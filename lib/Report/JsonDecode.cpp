//===- JsonDecode.cpp - decoding in xf-analyze/1 --------------------------===//

#include "CsvLine.h"
#include "Json.h"
#include "Points.h"

namespace xfa {

static void jsonStep(llvm::json::OStream &J, llvm::StringRef Key,
                     const std::optional<DecodeView::Step> &S,
                     Expr CacheBytes) {
  if (!S)
    return J.attribute(Key, nullptr);
  J.attributeObject(Key, [&] {
    jsonLedger(J, S->L);
    jsonExpr(J, "kv_cache_bytes", CacheBytes);
    jsonExpr(J, "cache_bytes", S->Cache);
    jsonExpr(J, "other_bytes", S->Other);
  });
}

static void jsonRow(llvm::json::OStream &J, const Report &R,
                    const DecodeView::Row &Row) {
  J.object([&] {
    jsonAt(J, "at", Row.At);
    if (Row.Gpu >= 0)
      J.attribute("gpu", jsonSafe(R.Gpus[Row.Gpu].Key));
    J.attribute("ledger", ledgerName(Row.Kind));
    jsonInteger(J, "flops", Row.Point.Flops);
    jsonInteger(J, "bytes", Row.Point.Bytes);
    jsonNumber(J, "ai", Row.Point.Intensity);
    jsonInteger(J, "weights_bytes", Row.Split.Weights);
    jsonInteger(J, "cache_bytes", Row.Split.Cache);
    jsonInteger(J, "other_bytes", Row.Split.Other);
    if (Row.Gpu < 0)
      return;
    jsonNumber(J, "time_s", Row.Time);
    jsonBound(J, "bound", Row.Point.BoundBy);
    jsonNumber(J, "weights_time_s", Row.WeightsTime);
    jsonNumber(J, "cache_time_s", Row.CacheTime);
    jsonNumber(J, "other_time_s", Row.OtherTime);
    jsonNumber(J, "compute_time_s", Row.Point.ComputeTime);
    if (Row.Dominant)
      J.attribute("dominant", stepPartName(*Row.Dominant));
    else
      J.attribute("dominant", nullptr);
    jsonNumber(J, "no_cache_time_s", Row.UncachedTime);
    jsonNumber(J, "speedup_over_no_cache", Row.Speedup);
  });
}

void jsonDecode(llvm::json::OStream &J, const Report &R) {
  const DecodeView &V = *R.Decode;
  J.attributeObject("decode", [&] {
    jsonStep(J, "textbook", V.Textbook, V.CacheBytes);
    jsonStep(J, "graph", V.Graph, V.CacheBytes);
    if (!V.None.empty())
      J.attribute("none", jsonSafe(V.None));
    if (!V.NoGraph.empty())
      J.attribute("no_graph", jsonSafe(V.NoGraph));
    if (V.Graph)
      J.attribute("graph_rewritten", V.Rewritten);
    if (!V.FusedAgain.empty())
      J.attribute("graph_fused_again", jsonSafe(V.FusedAgain));
    if (!V.Assumed.empty())
      J.attribute("assumed", jsonSafe(V.Assumed));
    J.attributeArray("points", [&] {
      for (const DecodeView::Row &Row : V.Rows)
        jsonRow(J, R, Row);
    });
    J.attributeArray("intensity", [&] {
      for (const DecodeView::Against &A : V.Intensities)
        jsonAgainst(J, A);
    });
  });
}

void csvDecode(const Report &R, llvm::raw_ostream &OS) {
  const std::vector<std::string> Names = symbolsOf(R.Decode->Rows);
  {
    CsvLine Header(OS);
    for (const std::string &Name : Names)
      Header << Name;
    Header << "ledger" << "gpu" << "flops" << "bytes" << "ai" << "time_s"
           << "bound" << "weights_bytes" << "weights_time_s" << "cache_bytes"
           << "cache_time_s" << "other_bytes" << "other_time_s"
           << "compute_time_s" << "dominant" << "speedup_over_no_cache";
  }
  for (const DecodeView::Row &Row : R.Decode->Rows) {
    CsvLine Cells(OS);
    for (const std::string &Name : Names) {
      std::string Value;
      for (const auto &C : Row.At)
        if (C.first == Name)
          Value = llvm::itostr(C.second);
      Cells << Value;
    }
    Cells << ledgerName(Row.Kind) << (Row.Gpu < 0 ? "" : R.Gpus[Row.Gpu].Key)
          << Row.Point.Flops << Row.Point.Bytes
          << std::optional<double>(Row.Point.Intensity) << Row.Time
          << boundText(Row.Point.BoundBy) << Row.Split.Weights
          << Row.WeightsTime << Row.Split.Cache << Row.CacheTime
          << Row.Split.Other << Row.OtherTime << Row.Point.ComputeTime
          << (Row.Dominant ? stepPartName(*Row.Dominant) : llvm::StringRef())
          << Row.Speedup;
  }
}

} // namespace xfa
