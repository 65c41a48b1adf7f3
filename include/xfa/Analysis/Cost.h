//===- Cost.h - FLOPs and bytes of every node (graph ledger) --------------===//

#ifndef XFA_ANALYSIS_COST_H
#define XFA_ANALYSIS_COST_H

#include "xfa/Analysis/ShapeInference.h"
#include "xfa/Analysis/Uses.h"
#include "xfa/Ops/Op.h"

namespace xfa {

enum class LayoutPolicy : uint8_t {
  Fused,   ///< C10: views are free
  Executed ///< Transpose, Slice, Split, Concat, Expand are copies
};
enum class IfPolicy : uint8_t { Then, Else, Max }; ///< C17

/// What-ifs and choices that change how nodes are counted.
struct CountingOptions : CostOptions {
  LayoutPolicy Layout = LayoutPolicy::Fused;
  IfPolicy If = IfPolicy::Max;
  /// --dtype: every float tensor has this type (T9).
  std::optional<ElemType> Dtype;
  /// --weights: the type of matrix weights, and the size of a quantisation
  /// group (0: one scale a column).
  std::optional<ElemType> Weights;
  int64_t WeightGroup = 0;
  /// --custom-ops: what the user says of operators that are not known.
  std::shared_ptr<const CustomOps> Custom;
};

/// The cost of one node; polynomials in the graph's own symbols. FLOPs by the
/// unit that executes them (C8), bytes of memory traffic (C9 to C14).
struct NodeCost {
  Expr Matrix, Vector; ///< FLOP
  Expr Read, Written;  ///< bytes
  Expr WeightRead;     ///< bytes of Read that are weights (C14)
  /// How often it runs: 1, a trip count, or 0 where the owner of its graph
  /// counts it (an undecided If counts the larger branch).
  Expr Times;
  /// Element type that the matrix unit works in; Undefined if Matrix is 0.
  ElemType MatrixType = ElemType::Undefined;
  bool Folded = false; ///< C7
  std::string Unknown; ///< why it is unknown (C16); empty if known
  bool known() const { return Unknown.empty(); }
};

/// Where an operand's bytes really lie: through views (C10) and dequantisation
/// of a weight (C14).
struct Operand {
  ValueId Root;      ///< the buffer
  Expr Elements;     ///< distinct elements addressed, in Root's element type
  bool Whole = true; ///< all of Root
  bool Weight = false;
  /// Of an expanded view, how many positions along each axis hold different
  /// elements; empty: all of them, or it is not known.
  Shape Distinct;
  /// Scales and zero points that are read with it.
  llvm::SmallVector<ValueId, 2> Alongside;
};

struct GraphCosts {
  std::vector<NodeCost> Nodes;   ///< by NodeId
  std::vector<Operand> Operands; ///< by ValueId
  /// Sum over nodes, each Times. A lower bound unless Exact.
  Expr Matrix, Vector, Read, Written, WeightRead;
  bool Exact = true;
  Expr flops() const { return Matrix + Vector; }
  Expr bytes() const { return Read + Written; }
};

/// Bytes of so many elements; 4-bit types are packed, rounded up (C9).
Expr bytesOf(Expr Elements, ElemType Type);
/// The type that a value counts in, under --dtype and --weights (C14, T9).
ElemType countedType(ElemType Type, const CountingOptions &Options);

GraphCosts countCosts(const Model &M, const ShapeFacts &Facts, const Uses &U,
                      ExprStore &Store, const CountingOptions &Options);

} // namespace xfa

#endif // XFA_ANALYSIS_COST_H
