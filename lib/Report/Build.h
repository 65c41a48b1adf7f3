//===- Build.h - the parts of buildReport ---------------------------------===//

#ifndef XFA_LIB_REPORT_BUILD_H
#define XFA_LIB_REPORT_BUILD_H

#include "Points.h"

#include "xfa/Report/Views.h"

namespace xfa {

const Ledger &ledgerOf(const ModelAnalysis &A, LedgerKind K);

/// A ledger as reports show it; shares are at a point, if there is one.
LedgerView ledgerView(const Ledger &L, LedgerKind Kind, ElemType Activation,
                      const BoundPoint *SharesAt);
/// The first of the points with the longest sequence: where shares are shown.
const BoundPoint *sharePoint(const std::deque<BoundPoint> &Points);

/// The roles of attention between its projections.
bool isAttentionCore(Role R);

/// The figures of a point that need no accelerator.
llvm::Expected<RooflinePoint> evaluatePlain(const Ledger &L,
                                            const Bindings &At);
/// By the estimate that the user chose.
std::optional<double> chosenTime(const Report &R, const RooflinePoint &P);
/// A point in B and N, whatever the graph's own symbols are; none where N has
/// no value.
std::optional<BoundPoint> decodePoint(const ModelAnalysis &A,
                                      const BoundPoint &P);

void buildRoofline(Report &R, const BoundPoints &Points);
void buildCrossovers(Report &R, const BoundPoints &Points);
void buildMemory(Report &R, const BoundPoints &Points);
void buildDecode(Report &R, const BoundPoints &Points);
void buildNodes(Report &R);
void buildOps(Report &R);
void buildValues(Report &R);
void buildLeftOut(Report &R);
void buildHints(Report &R);

} // namespace xfa

#endif // XFA_LIB_REPORT_BUILD_H
