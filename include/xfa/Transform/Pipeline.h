//===- Pipeline.h - passes in a row ---------------------------------------===//

#ifndef XFA_TRANSFORM_PIPELINE_H
#define XFA_TRANSFORM_PIPELINE_H

#include "xfa/Transform/Pass.h"

#include <functional>

namespace xfa {

struct PassRun : PassResult {
  std::string Pass;   ///< its name
  double Seconds = 0; ///< wall time of the pass, verification not included
};

struct PipelineOptions {
  /// Verify the graph (Verifier.h) and infer its shapes before the first pass
  /// and after each.
  bool VerifyEach = false;
  /// Called after each pass.
  std::function<void(const PassRun &, const Model &)> AfterEach;
};

/// Names by commas, from Known or of pipelines; passes may repeat. An error
/// names the nearest.
llvm::Expected<std::vector<PassInfo>>
parsePasses(llvm::StringRef Text, llvm::ArrayRef<PassInfo> Known = passes());

/// One run a pass, in order. Fails with the file's and the pass's name before
/// the sentence.
llvm::Expected<std::vector<PassRun>>
runPasses(Model &M, llvm::ArrayRef<PassInfo> Passes,
          const PipelineOptions &Options = {});

} // namespace xfa

#endif // XFA_TRANSFORM_PIPELINE_H
