//===- OpKind.h - operators by number -------------------------------------===//

#ifndef XFA_IR_OPKIND_H
#define XFA_IR_OPKIND_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace xfa {

/// One an operator of Ops.def. Unknown: not in the table.
enum class OpKind : uint16_t {
  Unknown,
#define XFA_OP(KIND, DOMAIN, NAME, TRAITS, INFER, COST) KIND,
#include "xfa/IR/Ops.def"
  NumKinds
};

/// Facts about an operator that hold for each of its nodes.
namespace trait {
enum : uint32_t {
  None = 0,
  /// C10: the result is the first input's buffer under another index map.
  View = 1 << 0,
  /// M3: the result may take over an input's buffer of the same size.
  Elementwise = 1 << 1,
  /// Draws random numbers: never folded (C7).
  Random = 1 << 2,
  /// C6: no arithmetic.
  Moves = 1 << 3,
};
} // namespace trait

/// Domain "" is ai.onnx.
OpKind findOpKind(llvm::StringRef Domain, llvm::StringRef Name);
llvm::StringRef opDomain(OpKind Kind);
llvm::StringRef opName(OpKind Kind);
uint32_t opTraits(OpKind Kind);

} // namespace xfa

#endif // XFA_IR_OPKIND_H
