//===- Build.h - the parts of buildReport ---------------------------------===//

#ifndef XFA_LIB_REPORT_BUILD_H
#define XFA_LIB_REPORT_BUILD_H

#include "Points.h"

#include "xfa/Report/Views.h"

namespace xfa {

const Ledger &ledgerOf(const ModelAnalysis &A, LedgerKind K);

/// The roles of attention between its projections.
bool isAttentionCore(Role R);

void buildRoofline(Report &R, const BoundPoints &Points);
void buildCrossovers(Report &R, const BoundPoints &Points);
void buildMemory(Report &R, const BoundPoints &Points);
void buildNodes(Report &R);
void buildOps(Report &R);
void buildValues(Report &R);
void buildLeftOut(Report &R);
void buildHints(Report &R);

} // namespace xfa

#endif // XFA_LIB_REPORT_BUILD_H
