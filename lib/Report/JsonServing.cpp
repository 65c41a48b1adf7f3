//===- JsonServing.cpp - intensity, speculation, planning in xf-analyze/1 -===//

#include "CsvLine.h"
#include "Json.h"
#include "Points.h"

namespace xfa {

static void jsonRatio(llvm::json::OStream &J, const PolynomialRatio &R) {
  jsonExpr(J, "numerator", R.Numerator);
  jsonExpr(J, "denominator", R.Denominator);
}

static void jsonDegree(llvm::json::OStream &J, llvm::StringRef Key,
                       std::optional<unsigned> Degree) {
  if (Degree)
    J.attribute(Key, *Degree);
  else
    J.attribute(Key, nullptr);
}

static void jsonLimit(llvm::json::OStream &J, const RatioLimit &L) {
  static constexpr llvm::StringLiteral Kinds[] = {"zero", "finite", "infinite",
                                                  "unknown"};
  J.attributeObject("limit", [&] {
    J.attribute("kind", Kinds[L.Kind]);
    if (L.Kind == RatioLimit::Finite)
      jsonRatio(J, L.Value);
  });
}

void jsonIntensity(llvm::json::OStream &J, const IntensityView &V) {
  J.attribute("ledger", ledgerName(V.Kind));
  jsonRatio(J, V.Ratio);
  J.attributeArray("along", [&] {
    for (const IntensityView::Growth &G : V.Along)
      J.object([&] {
        J.attribute("symbol", jsonSafe(G.Symbol));
        jsonDegree(J, "flops_degree", G.Flops);
        jsonDegree(J, "bytes_degree", G.Bytes);
        jsonLimit(J, G.Limit);
      });
  });
}

static void jsonDomain(llvm::json::OStream &J, llvm::StringRef Key,
                       const Domain &D) {
  if (D.empty())
    return J.attribute(Key, nullptr);
  jsonAt(J, Key, D);
}

void jsonAgainst(llvm::json::OStream &J, const DecodeView::Against &A) {
  static constexpr llvm::StringLiteral Kinds[] = {"proved", "fails",
                                                  "not proved"};
  const Comparison &C = A.UncachedIsLarger;
  J.object([&] {
    J.attributeObject("cached", [&] { jsonIntensity(J, A.Cached); });
    J.attributeObject("no_cache", [&] { jsonIntensity(J, A.Uncached); });
    J.attributeObject("no_cache_is_larger", [&] {
      J.attribute("verdict", Kinds[C.Kind]);
      jsonDomain(J, "over", C.Over);
      jsonDomain(J, "fails_at", C.Where);
      jsonDomain(J, "proved_over",
                 C.Kind == Comparison::Larger ? C.Over : C.ProvedOver);
      J.attribute("why", jsonSafe(C.Why));
    });
  });
}

void jsonIntensities(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("intensity", [&] {
    for (const IntensityView &V : R.Intensities)
      J.object([&] { jsonIntensity(J, V); });
  });
}

static const SpeculativeView::Limit *limitOf(const SpeculativeView &V,
                                             const Report &R,
                                             const SpeculativeView::Row &Row) {
  std::string Positions = R.A->Decode->Positions.asSymbol()->str();
  for (const SpeculativeView::Limit &L : V.Limits)
    if (L.Gpu == Row.Gpu && L.Known &&
        llvm::is_contained(Row.At, std::pair(Positions, L.N)))
      return &L;
  return nullptr;
}

static void jsonRound(llvm::json::OStream &J, const Report &R,
                      const SpeculativeView::Row &Row) {
  const SpeculativeView &V = *R.Speculative;
  const SpeculativeRound &Round = Row.Round;
  jsonAt(J, "at", Row.At);
  if (Row.Gpu >= 0)
    J.attribute("gpu", jsonSafe(R.Gpus[Row.Gpu].Key));
  J.attribute("ledger", ledgerName(V.Kind));
  J.attribute("draft", jsonSafe(V.Asked.Draft));
  J.attribute("gamma", V.Asked.Gamma);
  J.attribute("alpha", V.Asked.Alpha);
  jsonNumber(J, "expected_tokens", Round.Tokens);
  J.attribute("most_tokens", V.Asked.Gamma + 1);
  if (Row.Gpu < 0)
    return;
  jsonNumber(J, "step_time_s", Round.Step);
  jsonNumber(J, "verify_time_s", Round.Verify);
  jsonNumber(J, "draft_step_time_s", Round.DraftStep);
  jsonNumber(J, "time_per_token_s", Round.PerToken);
  jsonNumber(J, "weights_time_s", Round.Weights);
  jsonNumber(J, "weights_time_per_token_s", Round.WeightsPerToken);
  jsonNumber(J, "weights_time_per_token_if_all_accepted_s",
             Round.Weights ? std::optional<double>(
                                 *Round.Weights /
                                 (static_cast<double>(V.Asked.Gamma) + 1))
                           : std::nullopt);
  jsonNumber(J, "speedup", Round.Speedup);
  if (Row.Best)
    J.attribute("best_gamma", Row.Best->Gamma);
  else
    J.attribute("best_gamma", nullptr);
  jsonNumber(J, "best_speedup",
             Row.Best ? std::optional<double>(Row.Best->Speedup)
                      : std::nullopt);
  const SpeculativeView::Limit *L = limitOf(V, R, Row);
  if (L && L->Batch)
    J.attribute("stops_paying_at_batch", *L->Batch);
  else
    J.attribute("stops_paying_at_batch", nullptr);
}

void jsonSpeculative(llvm::json::OStream &J, const Report &R) {
  const SpeculativeView &V = *R.Speculative;
  J.attributeArray("speculative", [&] {
    for (const SpeculativeView::Row &Row : V.Rows)
      J.object([&] { jsonRound(J, R, Row); });
  });
  J.attributeObject("speculative_costs", [&] {
    if (!V.None.empty())
      return J.attribute("none", jsonSafe(V.None));
    jsonExpr(J, "verify_flops", V.Verify.flops());
    jsonExpr(J, "verify_bytes", V.Verify.bytes());
    jsonExpr(J, "draft_step_flops", V.DraftStep.flops());
    jsonExpr(J, "draft_step_bytes", V.DraftStep.bytes());
  });
}

static void jsonBytes(llvm::json::OStream &J, llvm::StringRef Key,
                      std::optional<__int128> Bytes) {
  if (Bytes)
    jsonInteger(J, Key, *Bytes);
  else
    J.attribute(Key, nullptr);
}

void jsonFit(llvm::json::OStream &J, const Report &R) {
  static constexpr llvm::StringLiteral Kinds[] = {"fits", "nothing",
                                                  "unlimited", "unknown"};
  const FitView &V = *R.Fit;
  J.attributeObject("fit", [&] {
    jsonExpr(J, "weights_bytes", V.Memory.Weights);
    jsonExpr(J, "cache_bytes", V.Memory.Cache);
    jsonExpr(J, "activation_bytes", V.Memory.Activations);
    J.attribute("exact", V.Memory.Exact);
    J.attributeArray("rows", [&] {
      for (const FitView::Row &Row : V.Rows)
        J.object([&] {
          const Gpu &G = R.Options.FitGpus[Row.Gpu];
          J.attribute("gpu", jsonSafe(G.Key));
          if (G.MemoryBytes)
            J.attribute("memory_bytes", *G.MemoryBytes);
          else
            J.attribute("memory_bytes", nullptr);
          J.attribute("along", jsonSafe(Row.Along));
          jsonAt(J, "fixed", Row.Fixed);
          J.attribute("verdict", Kinds[Row.Largest.Kind]);
          if (Row.Largest.Kind == LargestFit::Value)
            J.attribute("largest", Row.Largest.At);
          else
            J.attribute("largest", nullptr);
          jsonBytes(J, "weights_bytes", Row.Weights);
          jsonBytes(J, "cache_bytes", Row.Cache);
          jsonBytes(J, "activation_bytes", Row.Activations);
        });
    });
  });
}

void jsonRequest(llvm::json::OStream &J, const Report &R) {
  const RequestView &V = *R.Request;
  J.attributeObject("request", [&] {
    J.attribute("prompt", V.Asked.Prompt);
    J.attribute("new", V.Asked.New);
    J.attribute("ledger", ledgerName(V.Kind));
    if (!V.None.empty())
      J.attribute("none", jsonSafe(V.None));
    J.attribute("exact", V.Exact);
    J.attributeArray("rows", [&] {
      for (const RequestView::Row &Row : V.Rows)
        J.object([&] {
          RequestTimes Unknown;
          const RequestTimes &T = Row.Times ? *Row.Times : Unknown;
          auto Known = [&](double Seconds) {
            return Row.Times ? std::optional<double>(Seconds) : std::nullopt;
          };
          jsonAt(J, "at", Row.At);
          J.attribute("gpu", jsonSafe(R.Gpus[Row.Gpu].Key));
          jsonNumber(J, "time_to_first_token_s", Known(T.First));
          jsonNumber(J, "time_per_token_s", T.PerToken);
          jsonNumber(J, "time_total_s", Known(T.Total));
          jsonNumber(J, "tokens_per_s",
                     Known(static_cast<double>(V.Asked.New * Row.Sequences) /
                           T.Total));
        });
    });
  });
}

void jsonExplanations(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("explain", [&] {
    for (const Explanation &E : R.Explanations)
      J.object([&] {
        J.attribute("role", roleName(E.R));
        J.attribute("what", jsonSafe(E.What));
        J.attribute("count", E.Count);
        J.attribute("layers_differ", E.LayersDiffer);
        J.attributeObject("letters", [&] {
          for (const auto &[Letter, Value] : E.Letters)
            jsonExpr(J, Letter, Value);
        });
        J.attributeArray("steps", [&] {
          for (const Explanation::Step &S : E.Steps)
            J.object([&] {
              J.attribute("rule", S.Rule);
              J.attribute("text", jsonSafe(S.Text));
              J.attribute("result", S.Result);
              jsonExpr(J, "flops", S.Flops);
              jsonExpr(J, "bytes", S.Bytes);
            });
        });
      });
  });
}

void csvSpeculative(const Report &R, llvm::raw_ostream &OS) {
  const SpeculativeView &V = *R.Speculative;
  const std::vector<std::string> Names = symbolsOf(V.Rows);
  {
    CsvLine Header(OS);
    for (const std::string &Name : Names)
      Header << Name;
    Header << "ledger" << "gpu" << "gamma" << "alpha" << "expected_tokens"
           << "step_time_s" << "verify_time_s" << "draft_step_time_s"
           << "time_per_token_s" << "weights_time_per_token_s" << "speedup"
           << "best_gamma";
  }
  for (const SpeculativeView::Row &Row : V.Rows) {
    CsvLine Cells(OS);
    for (const std::string &Name : Names) {
      std::string Value;
      for (const auto &C : Row.At)
        if (C.first == Name)
          Value = llvm::itostr(C.second);
      Cells << Value;
    }
    const SpeculativeRound &Round = Row.Round;
    Cells << ledgerName(V.Kind) << (Row.Gpu < 0 ? "" : R.Gpus[Row.Gpu].Key)
          << V.Asked.Gamma << std::optional<double>(V.Asked.Alpha)
          << std::optional<double>(Round.Tokens) << Round.Step << Round.Verify
          << Round.DraftStep << Round.PerToken << Round.WeightsPerToken
          << Round.Speedup
          << (Row.Best ? llvm::itostr(Row.Best->Gamma) : std::string());
  }
}

} // namespace xfa
