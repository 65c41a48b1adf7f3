//===- CustomOpsFile.h - operators that the user describes, from YAML -----===//

#ifndef XFA_ANALYSIS_CUSTOMOPSFILE_H
#define XFA_ANALYSIS_CUSTOMOPSFILE_H

#include "xfa/Ops/CustomOps.h"

namespace xfa {

/// Reads descriptions of operators: one, or a list (docs/custom-ops.md). An
/// error is one sentence: file, line, what was expected, what was found.
llvm::Expected<std::shared_ptr<const CustomOps>>
readCustomOps(llvm::StringRef Path);
/// The same from text; Path is for the errors only.
llvm::Expected<std::shared_ptr<const CustomOps>>
parseCustomOps(llvm::StringRef Yaml, llvm::StringRef Path);

} // namespace xfa

#endif // XFA_ANALYSIS_CUSTOMOPSFILE_H
