//===- Export.h - the IR to ONNX files ------------------------------------===//
//
// What the file said and nobody changed is written as it stood: payloads of
// weights are copied from the mapped file without being read, references to
// other files (external data) stay, and so do functions and every field that
// the IR has no notion of. What was made by passes is encoded.
//
// Fields are written in the order of their numbers, as protobuf does, and
// nodes in the graph's order: exporting what was imported from an export gives
// the same bytes. Names that mean several values where they stand (a file may
// define a Constant's twice) are made distinct.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_EXPORT_EXPORT_H
#define XFA_EXPORT_EXPORT_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace xfa {

/// A file as a row of pieces, some of which lie in the model's own file: it
/// lives no longer than the model.
class Exported {
public:
  llvm::ArrayRef<llvm::StringRef> pieces() const { return Pieces; }
  uint64_t size() const;
  std::string str() const;

private:
  friend llvm::Expected<Exported> exportBinary(const Model &M);
  friend llvm::Expected<Exported> exportText(const Model &M);
  std::shared_ptr<const std::string> Own;
  std::vector<llvm::StringRef> Pieces;
};

/// A serialised ModelProto. Fails on a constant whose contents nobody has.
llvm::Expected<Exported> exportBinary(const Model &M);

/// ONNX's text format, by ONNX's own printer. The format has no doc strings,
/// no metadata of nodes and no annotations; of what changes the meaning it
/// leaves out more (sparse initialisers, defaults of functions' attributes,
/// payloads of some types): a model with those is refused.
llvm::Expected<Exported> exportText(const Model &M);

/// To a file: text if Path ends in `.onnxtxt`, else binary. The file appears
/// whole or not at all.
llvm::Error exportFile(const Model &M, llvm::StringRef Path);

} // namespace xfa

#endif // XFA_EXPORT_EXPORT_H
