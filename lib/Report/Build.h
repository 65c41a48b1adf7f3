//===- Build.h - the parts of buildReport ---------------------------------===//

#ifndef XFA_LIB_REPORT_BUILD_H
#define XFA_LIB_REPORT_BUILD_H

#include "Points.h"

#include "xfa/Analysis/FlashTraffic.h"
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
Clock clockOf(const Report &R, const Gpu &G, ElemType MatrixType);
/// The alias of the batch; empty if it is no symbol.
std::string batchSymbol(const ModelAnalysis &A);
/// Why an accounting has no decoding step; empty if it has one.
std::string whyNoStep(const ModelAnalysis &A, LedgerKind Kind);
/// Null where there is none.
const DecodeCosts *decodeCosts(const ModelAnalysis &A, LedgerKind Kind);
std::optional<double> chosenTime(const Report &R, const RooflinePoint &P);
/// A point in B and N, whatever the graph's own symbols are; none where N has
/// no value.
std::optional<BoundPoint> decodePoint(const ModelAnalysis &A,
                                      const BoundPoint &P);

/// A core that is one operator, or whose products are in one kernel.
bool isOneKernel(const AttentionCore &Core, llvm::ArrayRef<NodeId> Kernels);
/// None where a size has no value.
std::optional<AttentionShape>
shapeOf(const ModelAnalysis &A, const AttentionCore &Core, const Bindings &At);
/// The graph ledger at one point, without the products of tiles that the causal
/// masks of fused attentions hide wholly. What else is done to such tiles stays
/// counted.
Ledger withoutHiddenTiles(const Report &R, llvm::ArrayRef<NodeId> Kernels,
                          const Gpu &G, const Bindings &At);

void buildRoofline(Report &R, const BoundPoints &Points);
void buildCrossovers(Report &R, const BoundPoints &Points);
void buildMemory(Report &R, const BoundPoints &Points);
void buildDecode(Report &R, const BoundPoints &Points);
IntensityView intensityView(const ModelAnalysis &A, const Work &W,
                            LedgerKind Kind);
void buildIntensities(Report &R);
/// FLOP/byte of a step and of a pass over all N positions.
DecodeView::Against compareIntensities(const ModelAnalysis &A,
                                       const DecodeCosts &Costs,
                                       LedgerKind Kind);
void buildSpeculative(Report &R, const BoundPoints &Points,
                      const ModelAnalysis *Draft);
/// --fit, --request, --explain; fails where a role is not in the model.
llvm::Error buildServing(Report &R, const BoundPoints &Points);
/// --view=passes.
void buildPasses(Report &R, const PassTrace &T);
void buildNodes(Report &R);
void buildOps(Report &R);
void buildValues(Report &R);
void buildLeftOut(Report &R);
void buildHints(Report &R);

} // namespace xfa

#endif // XFA_LIB_REPORT_BUILD_H
