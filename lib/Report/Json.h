//===- Json.h - the parts of xf-analyze/1 ---------------------------------===//

#ifndef XFA_LIB_REPORT_JSON_H
#define XFA_LIB_REPORT_JSON_H

#include "JsonValues.h"

#include "xfa/Report/Views.h"

namespace xfa {

inline constexpr llvm::StringLiteral JsonSchema = "xf-analyze/1";

void jsonModel(llvm::json::OStream &J, const Report &R);
void jsonStructure(llvm::json::OStream &J, const StructureView &S);
void jsonCoverage(llvm::json::OStream &J, const SummaryView &S);
void jsonLedgers(llvm::json::OStream &J, const Report &R);
void jsonPoints(llvm::json::OStream &J, const Report &R);
/// The balance is that of products of this element type.
void jsonGpu(llvm::json::OStream &J, const Gpu &G, ElemType Products,
             Float32Products Mode);
void jsonCrossovers(llvm::json::OStream &J, const Report &R);
void jsonMemory(llvm::json::OStream &J, const MemoryView &V);
void jsonDecode(llvm::json::OStream &J, const Report &R);
void jsonIntensities(llvm::json::OStream &J, const Report &R);
void jsonAgainst(llvm::json::OStream &J, const DecodeView::Against &A);
void jsonSpeculative(llvm::json::OStream &J, const Report &R);
void jsonPasses(llvm::json::OStream &J, const Report &R);
void jsonFit(llvm::json::OStream &J, const Report &R);
void jsonRequest(llvm::json::OStream &J, const Report &R);
void jsonExplanations(llvm::json::OStream &J, const Report &R);
/// The attributes of a ledger.
void jsonLedger(llvm::json::OStream &J, const LedgerView &L);
/// An attribute a kind of ledger; null where it is not among Ledgers.
void jsonBothLedgers(llvm::json::OStream &J,
                     llvm::ArrayRef<LedgerView> Ledgers);
void jsonAt(llvm::json::OStream &J, llvm::StringRef Key, const Coordinates &At);
/// "memory", "compute"; null if there is none.
void jsonBound(llvm::json::OStream &J, llvm::StringRef Key,
               std::optional<Bound> B);
void jsonNodes(llvm::json::OStream &J, const Report &R);
void jsonOps(llvm::json::OStream &J, const Report &R);
void jsonShapes(llvm::json::OStream &J, const Report &R);
void jsonReconcile(llvm::json::OStream &J, const Reconciliation &W);

} // namespace xfa

#endif // XFA_LIB_REPORT_JSON_H
