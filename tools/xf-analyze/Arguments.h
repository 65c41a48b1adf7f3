//===- Arguments.h - the command line of xf-analyze -----------------------===//

#ifndef XFA_TOOLS_XF_ANALYZE_ARGUMENTS_H
#define XFA_TOOLS_XF_ANALYZE_ARGUMENTS_H

#include "xfa/Analysis/WhatIf.h"
#include "xfa/Report/Options.h"
#include "xfa/Transform/Pipeline.h"

namespace xfa::tool {

enum class Format : uint8_t { Text, Json, Csv };

struct Arguments {
  bool Help = false, Version = false, ListGpus = false, Strict = false;
  std::string Model;
  std::string Batch; ///< --batch: a list of models; then Model is empty
  unsigned Jobs = 1; ///< of --batch
  /// Files other than MODEL that are read: never written over.
  std::vector<std::string> Inputs;
  std::string Output; ///< empty: standard output
  Format Form = Format::Text;
  AnalysisOptions Analysis;
  bool WantGraphStep = false;   ///< decoding by the graph's own ledger, too
  std::vector<PassInfo> Passes; ///< run first
  bool WantLadder = false;      ///< --view=passes without --passes
  int64_t Gamma = 4;            ///< of the ladder's last rung
  double Alpha = 0.8;
  std::vector<WhatIf> WhatIfs; ///< rungs of their own
  ReportOptions Report;
  std::vector<Gpu> OwnGpus; ///< of --gpu-file
};

/// Fails with a UsageError, or, on a --gpu-file that cannot be read, with its
/// error.
llvm::Expected<Arguments> parseArguments(int Count, const char *const *Texts);

extern const char HelpText[];

} // namespace xfa::tool

#endif // XFA_TOOLS_XF_ANALYZE_ARGUMENTS_H
