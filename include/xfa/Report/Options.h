//===- Options.h - what a report is asked for -----------------------------===//
//
// Parsers of the options that concern reports. A fault of the command line is a
// UsageError (exit 2); every other error is a fault of the input (exit 1).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_REPORT_OPTIONS_H
#define XFA_REPORT_OPTIONS_H

#include "xfa/Analysis/Ledger.h"
#include "xfa/Target/Gpu.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace xfa {

/// One sentence about what is wrong with the command line.
class UsageError : public llvm::ErrorInfo<UsageError> {
public:
  static char ID;
  explicit UsageError(const llvm::Twine &Sentence) : Sentence(Sentence.str()) {}
  void log(llvm::raw_ostream &OS) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::string Sentence;
};
llvm::Error usageError(const llvm::Twine &Sentence);

enum class View : uint8_t {
#define XFA_VIEW(ENUM, NAME, KIND) ENUM,
#include "xfa/Report/Views.def"
};
llvm::StringRef viewName(View V);
bool isTable(View V);
/// "summary,roles"; fails on a name that is none (with the nearest one) and on
/// a view that this version does not have.
llvm::Expected<llvm::SmallVector<View, 4>> parseViews(llvm::StringRef Text);

enum class LedgerKind : uint8_t { Textbook, Graph };
llvm::StringRef ledgerName(LedgerKind K);

/// Symbols and their values, as given: "B" → 1, "N" → 32.
using Coordinates = std::vector<std::pair<std::string, int64_t>>;
std::string toString(const Coordinates &At, llvm::StringRef Separator = " ");

/// "B=1,N=32"; values are integers ≥ 0 (which symbols may be 0 is known later).
llvm::Expected<Coordinates> parsePoint(llvm::StringRef Text);
/// "B=1:64:x2,N=32:16384:+32": every combination, the last symbol fastest. A
/// part without a range (B=8) is a constant. Fails beyond MaxSweepPoints.
inline constexpr size_t MaxSweepPoints = 10000;
llvm::Expected<std::vector<Coordinates>> parseSweep(llvm::StringRef Text);

enum class Estimate : uint8_t { Roofline, PerOp };

/// --draft, --gamma, --alpha.
struct Speculation {
  std::string Draft;  ///< its path
  int64_t Gamma = 4;  ///< tokens that it proposes in a round
  double Alpha = 0.8; ///< how likely each is accepted
};
/// An integer ≥ 1; a number in [0, 1).
llvm::Expected<int64_t> parseGamma(llvm::StringRef Text);
llvm::Expected<double> parseAlpha(llvm::StringRef Text);

/// --request: tokens read at once, then tokens made one by one.
struct RequestSize {
  int64_t Prompt = 0, New = 0;
};
inline constexpr int64_t MostNewTokens = 1000000;
/// "prompt=1024,new=256".
llvm::Expected<RequestSize> parseRequest(llvm::StringRef Text);
/// "qk,mlp_up": roles that the textbook has a rule for; names them if it has
/// none.
llvm::Expected<llvm::SmallVector<Role, 2>> parseExplain(llvm::StringRef Text);

struct ReportOptions {
  llvm::SmallVector<View, 4> Views; ///< empty: summary, roles, roofline
  /// Empty: both where a transformer was found, else graph (`PickLedgers`).
  llvm::SmallVector<LedgerKind, 2> Ledgers;
  std::vector<Gpu> Gpus;
  std::vector<Coordinates> Points; ///< empty: the seed's four
  size_t FirstSwept = 0; ///< of Points: from here on they are of --sweep
  Estimate Times = Estimate::Roofline;
  Float32Products Products = Float32Products::FP32;
  bool SkipsCausalTiles = false; ///< --causal-tiles=skip
  Scope TextbookScope = Scope::core();
  CountingOptions Counting; ///< as given to the analysis
  /// What-ifs that the figures depend on, for the headings: "--dtype=fp16".
  std::vector<std::string> WhatIfs;
  std::optional<Speculation> Speculative; ///< with View::Speculative
  std::vector<Gpu> FitGpus;               ///< --fit
  std::optional<RequestSize> Request;     ///< --request
  llvm::SmallVector<Role, 2> Explain;     ///< --explain
  bool ForJson = false; ///< everything that the JSON schema lists
};

} // namespace xfa

#endif // XFA_REPORT_OPTIONS_H
