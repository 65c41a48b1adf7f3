//===- Ledger.h - costs summed by role and by layer -----------------------===//

#ifndef XFA_ANALYSIS_LEDGER_H
#define XFA_ANALYSIS_LEDGER_H

#include "xfa/Analysis/Cost.h"
#include "xfa/Analysis/Structure.h"

namespace xfa {

/// FLOP and bytes of some work. A sum of polynomials.
struct Work {
  Expr Matrix, Vector; ///< FLOP, by unit (C8)
  Expr Read, Written;  ///< bytes
  Expr Weight;         ///< bytes of Read that are weights
  bool Exact = true;   ///< false: a lower bound, something is unknown (C16)

  static Work zero(ExprStore &Store);
  Work &operator+=(const Work &O);
  Expr flops() const { return Matrix + Vector; }
  Expr bytes() const { return Read + Written; }
};
/// Every expression through the same function (a substitution, a scaling).
Work mapWork(const Work &W, llvm::function_ref<Expr(Expr)> Fn);

/// One accounting of a model (textbook or graph). Σ roles = Σ layers = total,
/// as polynomials.
struct Ledger {
  struct RoleRow {
    Role R;
    int64_t Count = 0; ///< how many such pieces
    Work W;
  };
  struct LayerRow {
    int Layer; ///< -1: outside the blocks
    Work W;
  };
  Work Total;
  bool Exact = true; ///< false: a lower bound, something is unknown (C16)
  std::vector<RoleRow> Roles;   ///< in the order of Roles.def, present ones
  std::vector<LayerRow> Layers; ///< ascending, -1 first
  /// What the rows are sums of: each role in each layer, once.
  struct Cell {
    Role R;
    int Layer;
    int64_t Count;
    Work W;
  };
  std::vector<Cell> Cells;
  /// The pieces that time is summed over (C19): equal ones once, with their
  /// number.
  struct Piece {
    Work W;
    ElemType MatrixType = ElemType::Undefined;
    Expr Times;
  };
  std::vector<Piece> Pieces;
};

/// Every expression of a ledger through the same function.
Ledger mapLedger(const Ledger &L, llvm::function_ref<Expr(Expr)> Fn);

/// Every node as written in the file (graph ledger).
Ledger graphLedger(const Model &M, const GraphCosts &Costs, const Structure &S,
                   ExprStore &Store);

/// Which parts the textbook figures cover (--scope).
struct Scope {
  std::vector<Role> Roles;
  std::string Name;
  /// T1.
  static Scope core();
  /// core, attention, mha, mlp, all, or role names by commas; fails naming the
  /// nearest.
  static llvm::Expected<Scope> parse(llvm::StringRef Text);
  bool covers(Role R) const;
};

/// The seed's accounting (T1 to T9) over the recognised blocks, for activations
/// of type `Type`, and weights of that type too unless --weights says another
/// (T9, C14). Roles for which the textbook has no rule
/// (norms, embeddings, …) have the figures of `Graph` where the scope asks for
/// them.
Ledger textbookLedger(const Structure &S, const Scope &Sc, ElemType Type,
                      const CountingOptions &Counting, const Ledger &Graph,
                      ExprStore &Store);

/// A walk from the textbook's total to the graph's, line by line; the lines add
/// up exactly.
struct Reconciliation {
  struct Line {
    std::string What;
    Expr Flops, Bytes; ///< signed
  };
  Expr TextbookFlops, TextbookBytes, GraphFlops, GraphBytes;
  std::vector<Line> Lines;
};
Reconciliation reconcile(const Structure &S, const Ledger &Textbook,
                         const Ledger &Graph, ElemType Type, ExprStore &Store);

} // namespace xfa

#endif // XFA_ANALYSIS_LEDGER_H
