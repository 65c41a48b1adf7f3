//===- Csv.cpp - one table as RFC 4180 ------------------------------------===//

#include "CsvLine.h"
#include "Points.h"
#include "Text.h"

namespace xfa {

static std::string layerText(int Layer) {
  return Layer < 0 ? "" : llvm::itostr(Layer);
}

static void csvRoles(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "ledger" << "role" << "count" << "flops" << "bytes"
              << "weight_bytes";
  for (const LedgerView &L : R.Ledgers)
    for (const LedgerView::RoleRow &Row : L.Roles)
      CsvLine(OS) << ledgerName(L.Kind) << roleName(Row.R) << Row.Count
                  << Row.W.flops() << Row.W.bytes() << Row.W.Weight;
}

static void csvLayers(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "ledger" << "layer" << "flops" << "bytes";
  for (const LedgerView &L : R.Ledgers)
    for (const LedgerView::LayerRow &Row : L.Layers)
      CsvLine(OS) << ledgerName(L.Kind) << layerText(Row.Layer) << Row.W.flops()
                  << Row.W.bytes();
}

std::string boundText(std::optional<Bound> B) {
  return !B ? "" : *B == Bound::Memory ? "memory" : "compute";
}

static void csvRoofline(const Report &R, llvm::raw_ostream &OS) {
  const std::vector<std::string> Names = symbolsOf(R.Roofline.Rows);
  {
    CsvLine Header(OS);
    for (const std::string &Name : Names)
      Header << Name;
    Header << "ledger" << "gpu" << "flops" << "bytes" << "ai"
           << "time_compute_s" << "time_memory_s" << "time_s"
           << "time_per_op_s" << "bound";
  }
  for (const RooflineView::Row &Row : R.Roofline.Rows) {
    CsvLine Cells(OS);
    for (const std::string &Name : Names) {
      std::string Value;
      for (const auto &C : Row.At)
        if (C.first == Name)
          Value = llvm::itostr(C.second);
      Cells << Value;
    }
    Cells << ledgerName(Row.Kind) << (Row.Gpu < 0 ? "" : R.Gpus[Row.Gpu].Key)
          << Row.Flops << Row.Bytes << std::optional<double>(Row.Intensity)
          << Row.ComputeTime << Row.MemoryTime << Row.Time << Row.PerOpTime
          << boundText(Row.BoundBy);
  }
}

/// One line a flip; one with `always` where there is none.
static void csvCrossovers(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "gpu" << "ledger" << "along" << "fixed" << "from" << "to"
              << "at"
              << "always";
  for (const CrossoverView::Row &Row : R.Crossovers.Rows) {
    if (Row.Flips.empty())
      CsvLine(OS) << R.Gpus[Row.Gpu].Key << ledgerName(Row.Kind) << Row.Along
                  << toString(Row.Fixed) << "" << "" << ""
                  << boundText(Row.Always);
    for (const Crossover::Flip &F : Row.Flips)
      CsvLine(OS) << R.Gpus[Row.Gpu].Key << ledgerName(Row.Kind) << Row.Along
                  << toString(Row.Fixed) << boundText(F.From) << boundText(F.To)
                  << F.At << "";
  }
}

static void csvMemory(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "at" << "peak_bytes" << "activation_bytes" << "weight_bytes"
              << "kv_cache_bytes";
  if (!R.Memory)
    return;
  const MemoryView &V = *R.Memory;
  CsvLine(OS) << "" << V.PeakBytes << V.ActivationBytes << V.WeightBytes
              << V.KvCacheBytes;
  for (const MemoryView::Row &Row : V.Rows)
    CsvLine(OS) << toString(Row.At) << Row.Peak << Row.Activations
                << Row.Weights
                << (Row.KvCache ? toString(*Row.KvCache) : std::string());
}

static void csvNodes(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "name" << "op" << "domain" << "role" << "layer" << "flops"
              << "bytes_read" << "bytes_written" << "unknown";
  for (const NodeRow &Row : R.Nodes) {
    const Node &N = (*R.M)[Row.Node];
    CsvLine(OS) << R.M->label(Row.Node) << N.Op << N.Domain
                << (Row.R && !Row.Folded ? roleName(*Row.R) : llvm::StringRef())
                << layerText(Row.Layer) << Row.Flops << Row.Read << Row.Written
                << Row.Why;
  }
}

static void csvOps(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "op" << "count" << "unknown" << "flops" << "bytes";
  for (const OpRow &Row : R.Ops)
    CsvLine(OS) << Row.Op << Row.Count << Row.Unknown << Row.Flops << Row.Bytes;
}

static void csvShapes(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "name" << "type" << "declared";
  for (ValueId V : R.Values)
    CsvLine(OS) << (*R.M)[V].Name << typeText(*R.A, V)
                << (R.A->Facts[V].FromDeclaration ? "1" : "0");
}

static void csvReconcile(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "line" << "flops" << "bytes";
  if (!R.Walk)
    return;
  CsvLine(OS) << "textbook" << R.Walk->TextbookFlops << R.Walk->TextbookBytes;
  for (const Reconciliation::Line &L : R.Walk->Lines)
    CsvLine(OS) << L.What << L.Flops << L.Bytes;
  CsvLine(OS) << "graph" << R.Walk->GraphFlops << R.Walk->GraphBytes;
}

static void csvPasses(const Report &R, llvm::raw_ostream &OS) {
  CsvLine(OS) << "state" << "fired" << "at" << "ledger" << "gpu" << "flops"
              << "bytes" << "ai" << "time_s" << "time_per_token_s" << "bound"
              << "dominant";
  for (size_t I = 0; R.Passes && I < R.Passes->States.size(); ++I)
    for (const PassesView::Figure &F : R.Passes->States[I].Figures)
      CsvLine(OS) << R.Passes->States[I].Name
                  << (I == 0 ? std::string()
                             : llvm::itostr(R.Passes->Steps[I - 1].Fired))
                  << toString(F.At) << ledgerName(F.Kind)
                  << (F.Gpu < 0 ? "" : R.Gpus[F.Gpu].Key) << F.Flops << F.Bytes
                  << std::optional<double>(F.Intensity) << F.Time
                  << F.TimePerToken << boundText(F.BoundBy)
                  << (F.Dominant ? roleName(*F.Dominant) : "");
}

void renderCsv(const Report &R, View V, llvm::raw_ostream &OS) {
  switch (V) {
  case View::Roles:
    return csvRoles(R, OS);
  case View::Layers:
    return csvLayers(R, OS);
  case View::Roofline:
    return csvRoofline(R, OS);
  case View::Crossover:
    return csvCrossovers(R, OS);
  case View::Memory:
    return csvMemory(R, OS);
  case View::Nodes:
    return csvNodes(R, OS);
  case View::Ops:
    return csvOps(R, OS);
  case View::Shapes:
    return csvShapes(R, OS);
  case View::Reconcile:
    return csvReconcile(R, OS);
  case View::Decode:
    return csvDecode(R, OS);
  case View::Speculative:
    return csvSpeculative(R, OS);
  case View::Passes:
    return csvPasses(R, OS);
  case View::Summary:
  case View::Causality:
  case View::Advice:
    return; // no tables: the command line does not let them through
  }
}

} // namespace xfa
