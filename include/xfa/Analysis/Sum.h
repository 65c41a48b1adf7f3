//===- Sum.h - adding many equal expressions cheaply ----------------------===//

#ifndef XFA_ANALYSIS_SUM_H
#define XFA_ANALYSIS_SUM_H

#include "xfa/Symbolic/Expr.h"

#include "llvm/ADT/MapVector.h"

namespace xfa {

/// Layers repeat, so most addends of a total are the same expression: count
/// them, and add each once.
class Sum {
public:
  void add(Expr E, int64_t Times = 1) {
    if (!E.is(0))
      Counts[E] += Times;
  }
  /// C16: an unknown has no value, and is nothing of a lower bound.
  void addKnown(Expr E) {
    if (E.isKnown())
      add(E);
  }
  Expr total(ExprStore &Store) const {
    Expr Total = Store.constant(0);
    for (auto [E, Count] : Counts)
      Total += E * Count;
    return Total;
  }

private:
  llvm::MapVector<Expr, int64_t> Counts;
};

} // namespace xfa

#endif // XFA_ANALYSIS_SUM_H
