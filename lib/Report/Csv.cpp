//===- Csv.cpp - one table as RFC 4180 ------------------------------------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

namespace {
/// A line of fields; quoted only where it must be.
class Line {
public:
  explicit Line(llvm::raw_ostream &OS) : OS(OS) {}
  ~Line() { OS << "\n"; }
  Line(const Line &) = delete;
  Line &operator=(const Line &) = delete;

  Line &operator<<(llvm::StringRef Field) {
    if (!First)
      OS << ',';
    First = false;
    if (Field.find_first_of(",\"\r\n") == llvm::StringRef::npos) {
      OS << Field;
      return *this;
    }
    OS << '"';
    for (char C : Field)
      OS << (C == '"' ? "\"\"" : llvm::StringRef(&C, 1));
    OS << '"';
    return *this;
  }
  Line &operator<<(int64_t Number) { return *this << llvm::itostr(Number); }
  Line &operator<<(__int128 Number) { return *this << toString(Number); }
  Line &operator<<(Expr E) {
    return *this << (E && E.isKnown() ? toString(E) : std::string());
  }
  Line &operator<<(std::optional<double> Number) {
    if (!Number)
      return *this << llvm::StringRef();
    char Buffer[40];
    std::snprintf(Buffer, sizeof Buffer, "%.17g", *Number);
    return *this << llvm::StringRef(Buffer);
  }

private:
  llvm::raw_ostream &OS;
  bool First = true;
};
} // namespace

static std::string layerText(int Layer) {
  return Layer < 0 ? "" : llvm::itostr(Layer);
}

static void csvRoles(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "ledger" << "role" << "count" << "flops" << "bytes"
           << "weight_bytes";
  for (const LedgerView &L : R.Ledgers)
    for (const LedgerView::RoleRow &Row : L.Roles)
      Line(OS) << ledgerName(L.Kind) << roleName(Row.R) << Row.Count
               << Row.W.flops() << Row.W.bytes() << Row.W.Weight;
}

static void csvLayers(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "ledger" << "layer" << "flops" << "bytes";
  for (const LedgerView &L : R.Ledgers)
    for (const LedgerView::LayerRow &Row : L.Layers)
      Line(OS) << ledgerName(L.Kind) << layerText(Row.Layer) << Row.W.flops()
               << Row.W.bytes();
}

static std::string boundText(std::optional<Bound> B) {
  return !B ? "" : *B == Bound::Memory ? "memory" : "compute";
}

static void csvRoofline(const Report &R, llvm::raw_ostream &OS) {
  std::vector<std::string> Names;
  for (const RooflineView::Row &Row : R.Roofline.Rows)
    for (const auto &C : Row.At)
      if (!llvm::is_contained(Names, C.first))
        Names.push_back(C.first);
  {
    Line Header(OS);
    for (const std::string &Name : Names)
      Header << Name;
    Header << "ledger" << "gpu" << "flops" << "bytes" << "ai"
           << "time_compute_s" << "time_memory_s" << "time_s"
           << "time_per_op_s" << "bound";
  }
  for (const RooflineView::Row &Row : R.Roofline.Rows) {
    Line Cells(OS);
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
  Line(OS) << "gpu" << "ledger" << "along" << "fixed" << "from" << "to" << "at"
           << "always";
  for (const CrossoverView::Row &Row : R.Crossovers.Rows) {
    if (Row.Flips.empty())
      Line(OS) << R.Gpus[Row.Gpu].Key << ledgerName(Row.Kind) << Row.Along
               << toString(Row.Fixed) << "" << "" << ""
               << boundText(Row.Always);
    for (const Crossover::Flip &F : Row.Flips)
      Line(OS) << R.Gpus[Row.Gpu].Key << ledgerName(Row.Kind) << Row.Along
               << toString(Row.Fixed) << boundText(F.From) << boundText(F.To)
               << F.At << "";
  }
}

static void csvMemory(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "at" << "peak_bytes" << "activation_bytes" << "weight_bytes"
           << "kv_cache_bytes";
  if (!R.Memory)
    return;
  const MemoryView &V = *R.Memory;
  Line(OS) << "" << V.PeakBytes << V.ActivationBytes << V.WeightBytes
           << V.KvCacheBytes;
  for (const MemoryView::Row &Row : V.Rows)
    Line(OS) << toString(Row.At) << Row.Peak << Row.Activations << Row.Weights
             << (Row.KvCache ? toString(*Row.KvCache) : std::string());
}

static void csvNodes(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "name" << "op" << "domain" << "role" << "layer" << "flops"
           << "bytes_read" << "bytes_written" << "unknown";
  for (const NodeRow &Row : R.Nodes) {
    const Node &N = (*R.M)[Row.Node];
    Line(OS) << R.M->label(Row.Node) << N.Op << N.Domain
             << (Row.R && !Row.Folded ? roleName(*Row.R) : llvm::StringRef())
             << layerText(Row.Layer) << Row.Flops << Row.Read << Row.Written
             << Row.Why;
  }
}

static void csvOps(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "op" << "count" << "unknown" << "flops" << "bytes";
  for (const OpRow &Row : R.Ops)
    Line(OS) << Row.Op << Row.Count << Row.Unknown << Row.Flops << Row.Bytes;
}

static void csvShapes(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "name" << "type" << "declared";
  for (ValueId V : R.Values)
    Line(OS) << (*R.M)[V].Name << typeText(*R.A, V)
             << (R.A->Facts[V].FromDeclaration ? "1" : "0");
}

static void csvReconcile(const Report &R, llvm::raw_ostream &OS) {
  Line(OS) << "line" << "flops" << "bytes";
  if (!R.Walk)
    return;
  Line(OS) << "textbook" << R.Walk->TextbookFlops << R.Walk->TextbookBytes;
  for (const Reconciliation::Line &L : R.Walk->Lines)
    Line(OS) << L.What << L.Flops << L.Bytes;
  Line(OS) << "graph" << R.Walk->GraphFlops << R.Walk->GraphBytes;
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
  case View::Summary:
  case View::Decode:
  case View::Speculative:
  case View::Causality:
  case View::Passes:
  case View::Advice:
    return; // no tables: the command line does not let them through
  }
}

} // namespace xfa
