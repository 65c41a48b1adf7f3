//===- TextFormat.h - ONNX's text format ----------------------------------===//

#ifndef XFA_LIB_IMPORT_TEXTFORMAT_H
#define XFA_LIB_IMPORT_TEXTFORMAT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace xfa::import {

/// A model in the text format as a serialised ModelProto. Errors are one
/// sentence that begins with the line.
llvm::Expected<std::string> serializeText(llvm::StringRef Text);

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_TEXTFORMAT_H
