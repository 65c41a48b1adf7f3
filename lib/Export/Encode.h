//===- Encode.h - small messages from the IR ------------------------------===//

#ifndef XFA_LIB_EXPORT_ENCODE_H
#define XFA_LIB_EXPORT_ENCODE_H

#include "WireWriter.h"

#include "xfa/IR/Model.h"

#include "llvm/Support/Error.h"

namespace xfa::wire {

/// The fields of a message that are not among Known, written between others in
/// the order of their numbers. They stay where they are.
class RestMerger {
public:
  RestMerger(llvm::StringRef Message, WireWriter &To,
             llvm::ArrayRef<uint32_t> Known = {})
      : Left(Message), To(To), Known(Known) {}
  /// Those below Field; asked in ascending order.
  void upTo(uint32_t Field);
  void finish() { upTo(UINT32_MAX); }

private:
  llvm::StringRef Left;
  WireWriter &To;
  llvm::ArrayRef<uint32_t> Known;
};

/// A TensorProto (SparseTensorProto) of this name (none: as it is). Fails where
/// the contents are neither in the file nor kept.
llvm::Expected<WireWriter> encodeTensor(const Constant &C,
                                        std::optional<llvm::StringRef> Name);
WireWriter encodeType(const Model &M, const DeclaredType &T);
WireWriter encodeEntry(const Metadata &Entry);
WireWriter encodeOpset(const OpsetImport &Import);

} // namespace xfa::wire

#endif // XFA_LIB_EXPORT_ENCODE_H
