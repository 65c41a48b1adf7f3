//===- JsonValues.h - exact numbers and expressions in JSON ---------------===//

#ifndef XFA_LIB_REPORT_JSONVALUES_H
#define XFA_LIB_REPORT_JSONVALUES_H

#include "xfa/Ops/Facts.h"

#include "llvm/Support/JSON.h"

#include <optional>

namespace xfa {

/// A constant is an integer, exact whatever its size; another expression the
/// string that Python evaluates; null and unknown are null.
void jsonExpr(llvm::json::OStream &J, Expr E);
void jsonExpr(llvm::json::OStream &J, llvm::StringRef Key, Expr E);
void jsonInteger(llvm::json::OStream &J, llvm::StringRef Key, __int128 Value);
/// Empty text is null.
void jsonText(llvm::json::OStream &J, llvm::StringRef Key,
              llvm::StringRef Text);
/// Infinite and not-a-number are null, which JSON has not.
void jsonNumber(llvm::json::OStream &J, llvm::StringRef Key,
                std::optional<double> Value);
/// Names are bytes in ONNX: what is not UTF-8 is replaced.
std::string jsonSafe(llvm::StringRef Text);

} // namespace xfa

#endif // XFA_LIB_REPORT_JSONVALUES_H
