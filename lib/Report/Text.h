//===- Text.h - the sections of a text report -----------------------------===//

#ifndef XFA_LIB_REPORT_TEXT_H
#define XFA_LIB_REPORT_TEXT_H

#include "TextTable.h"
#include "xfa/Report/Figures.h"

#include "xfa/Report/Render.h"

namespace xfa {

/// The ledgers that text shows: those chosen, else the first.
llvm::ArrayRef<LedgerView> textLedgers(const Report &R);
/// "textbook rules, 2 bytes an element".
std::string ledgerTitle(const LedgerView &L);
/// "attention and MLP", "the whole graph".
std::string scopeTitle(const Report &R, const LedgerView &L);
/// "≥ " before a total that something unknown touches.
inline llvm::StringRef atLeast(bool Exact) { return Exact ? "" : "≥ "; }
std::string gpuTitle(const Gpu &G);

/// Polynomials under each other, coefficients and monomials aligned where that
/// fits.
void textFormulas(llvm::ArrayRef<std::pair<std::string, Expr>> Lines,
                  const TextStyle &Style, llvm::raw_ostream &OS);
/// "NVIDIA T4 · 65 TFLOP/s fp16 · 300 GB/s · balance 216.7 FLOP/byte".
std::string machineLine(const Report &R, const Gpu &G);
void textTotals(const Report &R, const LedgerView &L, const TextStyle &Style,
                llvm::raw_ostream &OS);
void textRoles(const LedgerView &L, const TextStyle &Style,
               llvm::raw_ostream &OS);
void textLayers(const LedgerView &L, const TextStyle &Style,
                llvm::raw_ostream &OS);
void textRoofline(const Report &R, const TextStyle &Style,
                  llvm::raw_ostream &OS);
void textCrossovers(const Report &R, const TextStyle &Style,
                    llvm::raw_ostream &OS);
void textReconcile(const Report &R, const TextStyle &Style,
                   llvm::raw_ostream &OS);
void textIntensities(const Report &R, const TextStyle &Style,
                     llvm::raw_ostream &OS);
void textDecode(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
/// Where the time of a step goes, on each accelerator.
void textDecodeSplit(const Report &R, LedgerKind Kind, const TextStyle &Style,
                     llvm::raw_ostream &OS);
void textComparedIntensities(const DecodeView &V, LedgerKind Kind,
                             const TextStyle &Style, llvm::raw_ostream &OS);
void textSpeculative(const Report &R, const TextStyle &Style,
                     llvm::raw_ostream &OS);
void textPasses(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textFit(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textRequest(const Report &R, const TextStyle &Style,
                 llvm::raw_ostream &OS);
void textExplanations(const Report &R, const TextStyle &Style,
                      llvm::raw_ostream &OS);
void textMemory(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textNodes(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textOps(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textShapes(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
void textCausality(const Report &R, const TextStyle &Style,
                   llvm::raw_ostream &OS);

/// "B = 1 is memory-bound at every N"; "at B = 64 compute-bound for 5 ≤ N ≤
/// 785".
std::string verdictSentence(const CrossoverView::Row &Row);

/// "fp16[B,N,1600]" in aliases; "?" for what is not known.
std::string typeText(const ModelAnalysis &A, ValueId V);
llvm::StringRef verdictName(Verdict V);
/// What a kind of structure is called in JSON.
llvm::StringRef kindName(Structure::KindTy K);
llvm::StringRef confidenceName(Structure::ConfidenceTy C);
llvm::StringRef meaningName(SymbolInfo::MeaningTy M);

} // namespace xfa

#endif // XFA_LIB_REPORT_TEXT_H
