//===- LedgerBuilder.h - collects pieces of work into a Ledger ------------===//

#ifndef XFA_LIB_ANALYSIS_LEDGERBUILDER_H
#define XFA_LIB_ANALYSIS_LEDGERBUILDER_H

#include "xfa/Analysis/Ledger.h"
#include "xfa/Analysis/Sum.h"

#include <map>

namespace xfa {

class LedgerBuilder {
public:
  explicit LedgerBuilder(ExprStore &Store) : Store(Store) {}

  /// One piece that runs `Times` times, and counts as often where that is a
  /// number. Also counts for per-op time (C19),
  /// unless it is a part of a larger piece, which the caller adds.
  void add(Role R, int Layer, const Work &W, ElemType MatrixType, Expr Times,
           bool IsPart = false);
  void addPiece(const Work &W, ElemType MatrixType, Expr Times);
  Ledger finish();

private:
  struct Entry {
    int64_t Count = 0;
    Sum Matrix, Vector, Read, Written, Weight;
    bool Exact = true; ///< false: an unknown was left out (C16)
  };
  using PieceKey = std::pair<std::pair<Expr, Expr>, std::pair<Expr, int>>;

  ExprStore &Store;
  std::map<std::pair<int, int>, Entry> Cells; ///< (role, layer), ordered
  std::vector<Ledger::Piece> Pieces;
  llvm::DenseMap<PieceKey, size_t> PieceIndex;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_LEDGERBUILDER_H
