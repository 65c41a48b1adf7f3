//===- Import.h - ONNX files to the IR ------------------------------------===//
//
// The graph is walked in the mapped file; payloads of weights are skipped by
// their length, so a file costs what its topology costs. Other files (external
// data) are never opened, but by mapExternalMasks().
//
// An error is one sentence that begins with the file's path or name and says
// what was expected where, and what was found. What runtimes accept although
// it breaks ONNX's rules is accepted here, with a line in Model::Warnings.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_IMPORT_IMPORT_H
#define XFA_IMPORT_IMPORT_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace xfa {

/// A `.onnx` file, ONNX text (`.onnxtxt`), or `-`: standard input.
llvm::Expected<std::unique_ptr<Model>> importFile(llvm::StringRef Path);

/// A serialised ModelProto or ONNX text that the caller holds: the model's
/// names point into Bytes, which therefore have to live as long as the model.
/// Name stands in messages where a path would.
llvm::Expected<std::unique_ptr<Model>> importBytes(llvm::StringRef Bytes,
                                                   llvm::StringRef Name);

/// The same, and the model keeps the buffer.
llvm::Expected<std::unique_ptr<Model>>
importBuffer(std::unique_ptr<llvm::MemoryBuffer> Buffer, llvm::StringRef Name);

/// Maps what could be attention masks among the tensors in other files, where
/// those files are there: a rewriting that needs a mask to be causal can then
/// see that it is, and need not suppose it. Pages are read as they are needed.
void mapExternalMasks(Model &M);

} // namespace xfa

#endif // XFA_IMPORT_IMPORT_H
