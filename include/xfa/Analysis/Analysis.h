//===- Analysis.h - everything about one model ----------------------------===//

#ifndef XFA_ANALYSIS_ANALYSIS_H
#define XFA_ANALYSIS_ANALYSIS_H

#include "xfa/Analysis/Ledger.h"
#include "xfa/Analysis/Liveness.h"
#include "xfa/Analysis/Structure.h"
#include "xfa/Analysis/TimeDependence.h"

namespace xfa {

struct AnalysisOptions {
  CountingOptions Counting;
  Scope TextbookScope = Scope::core();
  bool WantMemory = false; ///< liveness costs time: only for views that show it
  bool WantDecode = false; ///< decoding, a step of it (Decode.h)
};

struct DecodeFacts;

/// All of it is in the aliases of `Symbols` (B, N, S, P, …), except `Facts`,
/// which keeps the graph's own names.
struct ModelAnalysis {
  ModelAnalysis();
  ~ModelAnalysis();
  AnalysisOptions Options; ///< what it was made with
  std::unique_ptr<ExprStore> Store;
  ShapeFacts Facts;
  GraphCosts Costs; ///< in the graph's own names
  Structure Found;
  TimeDependence Time; ///< in the graph's own names
  CausalityVerdict Causality;
  std::vector<SymbolInfo> Symbols;
  /// Graph's own symbol → alias (or expression of aliases: total = P + S).
  Substitution Aliases;
  bool HasCache = false; ///< P and S instead of N
  /// Positions that a step computes and those of earlier steps (S and P, where
  /// these are symbols). Null without a cache.
  Expr NewPositions, PastPositions;
  Ledger Graph;
  std::optional<Ledger> Textbook;
  std::optional<Reconciliation> Walk;
  std::optional<MemoryFacts> Memory;
  std::unique_ptr<DecodeFacts> Decode; ///< with AnalysisOptions::WantDecode
  ElemType MatrixType =
      ElemType::Undefined; ///< of most matrix FLOPs; under --dtype
  /// T9: of the activations that the textbook counts; under --dtype.
  ElemType ActivationType = ElemType::Undefined;
  int64_t Parameters = 0;
  int64_t WeightBytes = 0; ///< as stored
  bool WeightsPresent = false;
  struct UnknownNode {
    NodeId Node;
    std::string Why;
  };
  std::vector<UnknownNode> Unknown; ///< cost or shape unknown
  /// Sizes of results that some bindings would make negative, each once: of a
  /// window larger than what it slides over.
  struct Extent {
    std::string Node; ///< as messages name it
    Expr Size;
  };
  std::vector<Extent> Extents;
  int64_t CostedNodes = 0, ShapedNodes = 0, TotalNodes = 0;
  /// What is assumed; sentences.
  std::vector<std::string> Assumptions;

  Expr alias(Expr E) const { return substitute(E, Aliases); }
  /// The symbol that figures hold for this one: itself, or another one that it
  /// equals; empty if it stands for an expression (total = P + S).
  llvm::StringRef target(const SymbolInfo &S) const;
  /// Values for all aliases at a point given in aliases or in the graph's own
  /// names ("B=1", "N=32", "batch_size=1"): N = P + S, S = 1 unless bound.
  /// Fails naming the symbol that is unknown, bound twice or left without
  /// value.
  llvm::Expected<Bindings>
  bind(llvm::ArrayRef<std::pair<std::string, int64_t>> Point) const;
};

llvm::Expected<std::unique_ptr<ModelAnalysis>>
analyseModel(const Model &M, const AnalysisOptions &Options);

} // namespace xfa

#endif // XFA_ANALYSIS_ANALYSIS_H
