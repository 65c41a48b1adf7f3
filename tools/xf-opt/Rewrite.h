//===- Rewrite.h - xf-opt --passes ----------------------------------------===//

#ifndef XFA_TOOLS_XF_OPT_REWRITE_H
#define XFA_TOOLS_XF_OPT_REWRITE_H

#include "xfa/IR/Model.h"
#include "xfa/Transform/Pipeline.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfa::tool {

struct RewriteOptions {
  std::vector<PassInfo> Passes;
  bool VerifyEach = false, TimePasses = false, PrintAfterAll = false;
  bool Explain = false, RequireFired = false;
};

/// A line a pass: its name and what it does.
std::string passListText();

/// Runs the passes and says on stderr what they refused. `Print` gives a model
/// as text, for --print-after-all. An exit code.
int rewrite(
    Model &M, const RewriteOptions &Options,
    llvm::function_ref<llvm::Expected<std::string>(const Model &)> Print);

} // namespace xfa::tool

#endif // XFA_TOOLS_XF_OPT_REWRITE_H
