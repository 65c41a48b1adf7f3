//===- WholeFile.h - files that appear whole or not at all ----------------===//

#ifndef XFA_EXPORT_WHOLEFILE_H
#define XFA_EXPORT_WHOLEFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <system_error>

namespace xfa {

/// All of the pieces, one after the other, or an error.
std::error_code writeAll(int Descriptor,
                         llvm::ArrayRef<llvm::StringRef> Pieces);

/// A new file beside the old one takes its place at the end: what stands under
/// Path is whole at every moment. A device or a pipe is written to; a link
/// stays one, and the file that it leads to is replaced.
llvm::Error writeWhole(llvm::StringRef Path,
                       llvm::ArrayRef<llvm::StringRef> Pieces);

} // namespace xfa

#endif // XFA_EXPORT_WHOLEFILE_H
