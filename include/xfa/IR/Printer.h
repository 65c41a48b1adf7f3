//===- Printer.h - a model as text, one node a line -----------------------===//
//
//   graph main(%x : fp16[B,N,1600]) -> (%y) {
//     %w : fp16[1600,6400] = initialiser
//     %y : fp16[B,N,6400] = MatMul(%x, %w) ; mlp_up layer 3
//   }
//
// Bodies of If, Loop, Scan and of functions stand indented under their node. A
// name with other characters than letters, digits and _ . / : - is quoted; an
// operand that is left out is `_`.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_IR_PRINTER_H
#define XFA_IR_PRINTER_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace xfa {

/// `TypeOf` gives what stands behind a value's colon, `NoteOf` what stands
/// behind a node's semicolon; empty: nothing.
void printModel(const Model &M, llvm::raw_ostream &OS,
                llvm::function_ref<std::string(ValueId)> TypeOf,
                llvm::function_ref<std::string(NodeId)> NoteOf);

/// "%x", or "%\"a b\"" where the name needs quotes.
std::string valueText(const Model &M, ValueId V);

} // namespace xfa

#endif // XFA_IR_PRINTER_H
