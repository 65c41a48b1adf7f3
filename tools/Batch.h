//===- Batch.h - a line a model, many models, in parallel -----------------===//

#ifndef XFA_TOOLS_BATCH_H
#define XFA_TOOLS_BATCH_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace xfa::tool {

/// The paths of a list: a file, or standard input for `-`; a path a line.
llvm::Expected<std::vector<std::string>> readList(llvm::StringRef List);

/// -j: 0 or not given is one for each processor.
llvm::Expected<unsigned> parseJobs(llvm::StringRef Text);

/// A line for each path, in their order. Line is called from several threads;
/// what it gives ends in a newline. A file appears whole at the end, standard
/// output is written as lines are done; only so many lines wait for an earlier
/// one. The exit code.
int writeLines(llvm::ArrayRef<std::string> Paths, unsigned Jobs,
               llvm::StringRef Output,
               llvm::function_ref<std::string(llvm::StringRef)> Line);

} // namespace xfa::tool

#endif // XFA_TOOLS_BATCH_H
