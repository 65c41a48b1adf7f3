//===- LedgerView.h - one accounting, as reports show it ------------------===//

#ifndef XFA_REPORT_LEDGERVIEW_H
#define XFA_REPORT_LEDGERVIEW_H

#include "xfa/Report/Options.h"

namespace xfa {

/// One accounting, by role and by layer.
struct LedgerView {
  LedgerKind Kind = LedgerKind::Graph;
  Work Total;
  bool Exact = true;
  /// Parts of the total at `SharesAt`, in [0, 1]; absent where it has no value.
  struct Share {
    std::optional<double> Flops, Bytes;
  };
  struct RoleRow {
    Role R;
    int64_t Count = 0;
    Work W;
    Share At;
  };
  struct LayerRow {
    int Layer = -1; ///< -1: outside the blocks
    Work W;
    Share At;
  };
  std::vector<RoleRow> Roles;
  std::vector<LayerRow> Layers;
  Coordinates SharesAt;     ///< empty: no point to evaluate at
  unsigned ElementBits = 0; ///< textbook: of an activation (T9)
};

} // namespace xfa

#endif // XFA_REPORT_LEDGERVIEW_H
