//===- Json.cpp - a report in schema xf-analyze/1 -------------------------===//

#include "Json.h"

#include "Text.h"

#include "xfa/Report/Render.h"

namespace xfa {

void jsonModel(llvm::json::OStream &J, const Report &R) {
  const SummaryView &S = R.Summary;
  J.attributeObject("model", [&] {
    J.attribute("path", jsonSafe(S.Path));
    J.attribute("producer", jsonSafe(S.Producer));
    J.attribute("ir_version", S.IrVersion);
    J.attributeObject("opsets", [&] {
      for (const auto &[Domain, Version] : S.Opsets)
        J.attribute(jsonSafe(Domain), Version);
    });
    J.attribute("nodes", S.Nodes);
    J.attribute("parameters", S.Parameters);
    J.attribute("weight_bytes", S.WeightBytes);
    J.attribute("weights_present", S.WeightsPresent);
  });
  J.attributeArray("symbols", [&] {
    for (const SymbolInfo &Symbol : S.Symbols)
      J.object([&] {
        J.attribute("name", jsonSafe(Symbol.Name));
        J.attribute("graph_name", jsonSafe(Symbol.GraphName));
        J.attribute("meaning", meaningName(Symbol.Meaning));
      });
  });
}

void jsonStructure(llvm::json::OStream &J, const StructureView &S) {
  J.attributeObject("structure", [&] {
    J.attribute("kind", kindName(S.Kind));
    J.attribute("layers", S.Layers);
    jsonExpr(J, "hidden", S.Hidden);
    jsonExpr(J, "heads", S.Heads);
    jsonExpr(J, "kv_heads", S.KvHeads);
    jsonExpr(J, "head_dim", S.HeadDim);
    jsonExpr(J, "mlp_hidden", S.MlpHidden);
    jsonExpr(J, "vocab", S.Vocab);
    jsonText(J, "norm", S.Norm);
    jsonText(J, "activation", S.Activation);
    jsonText(J, "position", S.Position);
    jsonExpr(J, "window", S.Window);
    J.attribute("windowed_layers", S.WindowedLayers);
    J.attribute("vision_layers", S.VisionLayers);
    if (S.Patch)
      J.attributeArray("patch", [&] {
        J.value(S.Patch->first);
        J.value(S.Patch->second);
      });
    else
      J.attribute("patch", nullptr);
    J.attribute("convolutions", S.Convolutions);
    J.attribute("confidence", confidenceName(S.Confidence));
    J.attributeArray("missing", [&] {
      for (const std::string &Each : S.Missing)
        J.value(jsonSafe(Each));
    });
    J.attributeObject("causal", [&] {
      J.attribute("verdict", verdictName(S.Causal));
      J.attribute("why", jsonSafe(S.CausalWhy));
      if (S.CausalLeak)
        J.attributeArray("leak", [&] {
          J.value(S.CausalLeak->first);
          J.value(S.CausalLeak->second);
        });
      auto Sentences = [&](llvm::StringRef Name,
                           const std::vector<std::string> &List) {
        J.attributeArray(Name, [&] {
          for (const std::string &Each : List)
            J.value(jsonSafe(Each));
        });
      };
      Sentences("chain", S.CausalChain);
      Sentences("assumptions", S.CausalAssumptions);
    });
  });
}

void jsonCoverage(llvm::json::OStream &J, const SummaryView &S) {
  J.attributeObject("coverage", [&] {
    J.attribute("nodes", S.Nodes);
    J.attribute("costed", S.Costed);
    J.attribute("shaped", S.Shaped);
    J.attributeArray("unknown", [&] {
      for (const SummaryView::UnknownNode &U : S.Unknown)
        J.object([&] {
          J.attribute("node", jsonSafe(U.Node));
          J.attribute("op", jsonSafe(U.Op));
          J.attribute("why", jsonSafe(U.Why));
        });
    });
  });
}

void jsonAt(llvm::json::OStream &J, llvm::StringRef Key,
            const Coordinates &At) {
  J.attributeObject(Key, [&] {
    for (const auto &[Name, Value] : At)
      J.attribute(jsonSafe(Name), Value);
  });
}

static llvm::StringRef boundName(Bound B) {
  return B == Bound::Memory ? "memory" : "compute";
}

void jsonBound(llvm::json::OStream &J, llvm::StringRef Key,
               std::optional<Bound> B) {
  if (B)
    J.attribute(Key, boundName(*B));
  else
    J.attribute(Key, nullptr);
}

void jsonPoints(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("points", [&] {
    for (const RooflineView::Row &Row : R.Roofline.Rows)
      J.object([&] {
        jsonAt(J, "at", Row.At);
        if (Row.Gpu >= 0)
          J.attribute("gpu", jsonSafe(R.Gpus[Row.Gpu].Key));
        J.attribute("ledger", ledgerName(Row.Kind));
        jsonInteger(J, "flops", Row.Flops);
        jsonInteger(J, "bytes", Row.Bytes);
        if (Row.BytesTotal)
          jsonInteger(J, "bytes_total", *Row.BytesTotal);
        else
          J.attribute("bytes_total", nullptr);
        jsonNumber(J, "ai", Row.Intensity);
        if (Row.Gpu < 0)
          return;
        jsonNumber(J, "time_compute_s", Row.ComputeTime);
        jsonNumber(J, "time_memory_s", Row.MemoryTime);
        jsonNumber(J, "time_s", Row.Time);
        jsonNumber(J, "time_per_op_s", Row.PerOpTime);
        jsonBound(J, "bound", Row.BoundBy);
      });
  });
}

/// Why there are no points, or fewer than were asked for.
static void jsonMissingPoints(llvm::json::OStream &J, const Report &R) {
  if (!R.Roofline.None.empty())
    J.attribute("points_missing", jsonSafe(R.Roofline.None));
}

void jsonGpu(llvm::json::OStream &J, const Gpu &G, ElemType Products,
             Float32Products Mode) {
  J.object([&] {
    J.attribute("key", jsonSafe(G.Key));
    J.attribute("name", jsonSafe(gpuTitle(G)));
    J.attributeObject("peak_flops", [&] {
      for (unsigned I = 0; I < NumRates; ++I)
        if (G.Rates[I])
          jsonNumber(J, rateName(static_cast<Rate>(I)), G.Rates[I]);
    });
    jsonNumber(J, "bandwidth", G.Bandwidth);
    jsonNumber(J, "balance", machineBalance(G, Products, Mode));
    J.attribute("balance_type", elemTypeName(Products));
    if (G.MemoryBytes)
      J.attribute("memory_bytes", *G.MemoryBytes);
    else
      J.attribute("memory_bytes", nullptr);
    J.attribute("evidence", evidenceCode(G.Verified));
    J.attribute("source", jsonSafe(G.Source));
  });
}

static void jsonGpus(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("gpus", [&] {
    for (const Gpu &G : R.Gpus)
      jsonGpu(J, G, R.MatrixType, R.Options.Products);
  });
}

void jsonCrossovers(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("crossover", [&] {
    for (const CrossoverView::Row &Row : R.Crossovers.Rows)
      J.object([&] {
        J.attribute("gpu", jsonSafe(R.Gpus[Row.Gpu].Key));
        J.attribute("ledger", ledgerName(Row.Kind));
        J.attribute("along", jsonSafe(Row.Along));
        jsonAt(J, "fixed", Row.Fixed);
        J.attributeArray("flips", [&] {
          for (const Crossover::Flip &F : Row.Flips)
            J.object([&] {
              J.attribute("from", boundName(F.From));
              J.attribute("to", boundName(F.To));
              J.attribute("at", F.At);
            });
        });
        jsonBound(J, "always", Row.Always);
        if (!Row.Unknown.empty())
          J.attribute("unknown", jsonSafe(Row.Unknown));
      });
  });
}

void renderJson(const Report &R, llvm::raw_ostream &OS, unsigned Indent) {
  llvm::json::OStream J(OS, Indent);
  J.object([&] {
    J.attribute("schema", JsonSchema);
    jsonModel(J, R);
    jsonStructure(J, R.Found);
    jsonCoverage(J, R.Summary);
    jsonLedgers(J, R);
    jsonPoints(J, R);
    jsonMissingPoints(J, R);
    jsonGpus(J, R);
    jsonCrossovers(J, R);
    if (R.Memory)
      jsonMemory(J, *R.Memory);
    jsonIntensities(J, R);
    if (R.shows(View::Decode))
      jsonDecode(J, R);
    if (R.Speculative)
      jsonSpeculative(J, R);
    if (R.Passes)
      jsonPasses(J, R);
    if (R.Fit)
      jsonFit(J, R);
    if (R.Request)
      jsonRequest(J, R);
    if (!R.Explanations.empty())
      jsonExplanations(J, R);
    if (R.shows(View::Nodes))
      jsonNodes(J, R);
    if (R.shows(View::Ops))
      jsonOps(J, R);
    if (R.shows(View::Shapes))
      jsonShapes(J, R);
    if (R.shows(View::Reconcile) && R.Walk)
      jsonReconcile(J, *R.Walk);
  });
  OS << "\n";
}

} // namespace xfa
