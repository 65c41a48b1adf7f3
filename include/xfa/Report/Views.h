//===- Views.h - what a report shows, before it is text -------------------===//
//
// A view is a struct. buildReport collects from the analyses; renderers (text,
// JSON, CSV) show the same structs and compute nothing. Expressions are in the
// aliases of ModelAnalysis::Symbols; FLOP, bytes, seconds.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_REPORT_VIEWS_H
#define XFA_REPORT_VIEWS_H

#include "xfa/Report/DecodeViews.h"
#include "xfa/Report/PassViews.h"

namespace xfa {

/// What the model is.
struct SummaryView {
  std::string Path, Producer;
  int64_t IrVersion = 0;
  std::vector<std::pair<std::string, int64_t>> Opsets; ///< "ai.onnx" → 17
  int64_t Nodes = 0, Costed = 0, Shaped = 0;
  int64_t Parameters = 0, WeightBytes = 0;
  bool WeightsPresent = false;
  ElemType WeightType = ElemType::Undefined; ///< of most bytes; none if mixed
  std::vector<SymbolInfo> Symbols;
  struct UnknownNode {
    std::string Node, Op, Why;
  };
  std::vector<UnknownNode> Unknown;
  std::vector<std::string> Assumptions;
};

/// The transformer that was found. Figures: null where not found.
struct StructureView {
  Structure::KindTy Kind = Structure::None;
  Structure::ConfidenceTy Confidence = Structure::NotRecognised;
  std::vector<std::string> Missing;
  int64_t Layers = 0;
  Expr Hidden, Heads, KvHeads, HeadDim, MlpHidden, Vocab;
  std::string Norm, Activation, Position;
  Expr Window; ///< keys that a row of windowed layers sees at most
  int64_t WindowedLayers = 0;
  int64_t VisionLayers = 0; ///< that see an image and no tokens
  std::optional<std::pair<int64_t, int64_t>> Patch; ///< height, width
  int64_t Convolutions = 0;
  Verdict Causal = Verdict::Unknown;
  std::string CausalWhy;
  /// From the output back to where the verdict was made; what it assumes.
  std::vector<std::string> CausalChain, CausalAssumptions;
  /// Refuted: the first (row, column) that leaks.
  std::optional<std::pair<int64_t, int64_t>> CausalLeak;
};

/// Figures at the points.
struct RooflineView {
  struct Row {
    Coordinates At;
    LedgerKind Kind;
    int Gpu = -1; ///< index of Report::Gpus
    __int128 Flops = 0, Bytes = 0;
    /// C15; absent where re-reads are not known (a fused attention).
    std::optional<__int128> BytesTotal;
    double Intensity = 0;
    std::optional<double> ComputeTime, MemoryTime, Time, PerOpTime;
    std::optional<Bound> BoundBy;
    std::string Why; ///< the reason of the verdict
    bool Exact = true;
  };
  std::vector<Row> Rows; ///< by ledger, accelerator, point
  std::string None;      ///< why there are no rows, or the first one missing
};

struct CrossoverView {
  struct Row {
    int Gpu = 0;
    LedgerKind Kind;
    std::string Along;
    Coordinates Fixed;
    std::vector<Crossover::Flip> Flips;
    std::optional<Bound> Always;
    std::string Unknown;
  };
  std::vector<Row> Rows;
};

struct MemoryView {
  Expr PeakBytes, ActivationBytes, WeightBytes;
  Expr KvCacheBytes; ///< null: the graph has no cache
  bool Exact = true;
  std::string Unknown;
  struct Place {
    std::string Node, Op;
    Expr Bytes;
  };
  std::vector<Place> PeakAt;
  struct Row {
    Coordinates At;
    __int128 Peak = 0, Activations = 0, Weights = 0;
    std::optional<__int128> KvCache;
  };
  std::vector<Row> Rows;
  std::string None; ///< the first point that has no row, and why
};

struct NodeRow {
  NodeId Node;
  std::optional<Role> R;
  int Layer = -1;
  bool Folded = false;
  /// Null: nothing is known of it. Lower bounds where there is a reason (C16).
  Expr Flops, Read, Written;
  std::string Why; ///< why its cost is unknown; empty: it is known
};

struct OpRow {
  std::string Op; ///< with its domain, if that is not ai.onnx
  int64_t Count = 0, Unknown = 0;
  Expr Flops, Bytes;
};

/// What the textbook's rules leave out, in words.
struct LeftOutView {
  std::vector<std::string> Parts;
};

/// Everything asked for. Refers to the model and its analysis, which must
/// outlive it.
struct Report {
  const Model *M = nullptr;
  const ModelAnalysis *A = nullptr;
  ReportOptions Options;
  llvm::SmallVector<View, 4> Views; ///< in the order asked for
  SummaryView Summary;
  StructureView Found;
  std::vector<LedgerView>
      Ledgers;                ///< those asked for, the one that answers first
  bool LedgersChosen = false; ///< by the user: text shows each, else the first
  std::vector<Gpu> Gpus;
  ElemType MatrixType = ElemType::Undefined; ///< whose peak C18 takes
  RooflineView Roofline;
  CrossoverView Crossovers;
  std::optional<MemoryView> Memory;
  std::vector<IntensityView> Intensities; ///< of Ledgers
  std::optional<DecodeView> Decode; ///< with View::Decode, View::Speculative
  std::optional<SpeculativeView> Speculative; ///< with View::Speculative
  std::optional<PassesView> Passes;           ///< with View::Passes
  std::optional<FitView> Fit;
  std::optional<RequestView> Request;
  std::vector<Explanation> Explanations;
  std::vector<NodeRow> Nodes; ///< with View::Nodes
  std::vector<OpRow> Ops;     ///< with View::Ops
  std::vector<ValueId>
      Values; ///< with View::Shapes: the main graph's, in order
  std::optional<Reconciliation> Walk; ///< with View::Reconcile
  LeftOutView LeftOut;
  std::vector<std::string> Next; ///< options that a reader may want next

  bool shows(View V) const { return llvm::is_contained(Views, V); }
};

/// Whether the views need ModelAnalysis::Memory.
bool wantsMemory(const ReportOptions &Options);

/// Why there are no rows in the table of a view, or the first one missing;
/// empty where none is. CSV has no place for it.
std::string missingRows(const Report &R, View Of);

/// UsageError: a point names a symbol that the graph has not, leaves one
/// without value, or lies outside what it may be. Other errors: the model has
/// no transformer but its textbook ledger is asked for.
/// `Draft`: of ReportOptions::Speculative, if that is asked for. `Trace`: what
/// View::Passes shows.
llvm::Expected<Report> buildReport(const Model &M, const ModelAnalysis &A,
                                   ReportOptions Options,
                                   const ModelAnalysis *Draft = nullptr,
                                   const PassTrace *Trace = nullptr);

} // namespace xfa

#endif // XFA_REPORT_VIEWS_H
