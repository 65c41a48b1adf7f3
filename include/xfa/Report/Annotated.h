//===- Annotated.h - what xf-opt prints -----------------------------------===//
//
// Symbols keep the graph's own names here.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_REPORT_ANNOTATED_H
#define XFA_REPORT_ANNOTATED_H

#include "xfa/Analysis/Analysis.h"

#include "llvm/Support/raw_ostream.h"

namespace xfa {

/// The graph as text, one node a line, values with shapes; behind `;` role and
/// layer, FLOP, bytes read and written:
///   %y : fp16[B,N,6400] = MatMul(%x, %w) ; mlp_up layer 3 ; 20480000*B*N FLOP
///   ; 3200*B*N + 20480000 B read ; 12800*B*N B written
/// (on one line). Folded nodes (C7) say `folded`, unknown costs why.
void printAnnotated(const Model &M, const ModelAnalysis &A,
                    llvm::raw_ostream &OS);
/// The same with shapes only.
void printWithShapes(const Model &M, const ShapeFacts &Facts,
                     llvm::raw_ostream &OS);

/// One line: {"path": …, "values": {NAME: {"kind","elem","shape"}}}, the named
/// values of the main graph.
void printShapesLine(llvm::StringRef Path, const Model &M,
                     const ShapeFacts &Facts, llvm::raw_ostream &OS);
/// One line: {"path": …, "error": …}.
void printErrorLine(llvm::StringRef Path, llvm::StringRef Sentence,
                    llvm::raw_ostream &OS);

} // namespace xfa

#endif // XFA_REPORT_ANNOTATED_H
