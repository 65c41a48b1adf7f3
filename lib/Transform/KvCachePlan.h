//===- KvCachePlan.h - what a graph with a cache computes -----------------===//
//
// The graph is run on T = P + S positions, and only the rows of the S new ones
// are asked for. Each value is wanted in *versions*: along each of its time
// axes either New (rows P … T) or Full (0 … T). A version is a bit mask over
// TimeFacts::Axes, in which a set bit is Full. A rule says which versions of
// its operands a version of a result needs.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_TRANSFORM_KVCACHEPLAN_H
#define XFA_LIB_TRANSFORM_KVCACHEPLAN_H

#include "xfa/Analysis/Analysis.h"
#include "xfa/Analysis/AxisLinks.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace xfa::kvcache {

using Version = uint32_t;

/// Why there is no rewriting; names the node and says what would have to be.
struct Obstacle {
  NodeId Where;
  std::string Why;
};

struct Need {
  unsigned Operand;
  Version V;
};

/// How a version of a result is made.
struct Rule {
  enum KindTy : uint8_t {
    Clone,     ///< the node on versions of its operands
    Reshape,   ///< a new shape
    Expand,    ///< a new shape
    Fill,      ///< ConstantOfShape with a new shape
    Range,     ///< from P on, or from 0
    Slice,     ///< new places
    Triangle,  ///< Trilu with a new diagonal
    Attention, ///< a mask of its own in place of is_causal
    Rows       ///< the Full version, cut to the new rows
  };
  KindTy Kind = Clone;
  llvm::SmallVector<Need, 4> Needs;
  /// Rows: the version of the result that is cut, and the axes to cut.
  Version Whole = 0;
};

struct Plan {
  /// Values kept between steps, in the order of their nodes.
  std::vector<ValueId> Cut;
  /// Inputs beside the tokens that cover past and new positions.
  llvm::DenseSet<ValueId> Covering;
  std::optional<Obstacle> Refused;
  /// Versions to make, by value.
  llvm::DenseMap<ValueId, llvm::SmallVector<Version, 2>> Versions;
};

/// An axis of Outer · Times · Inner places whose elements are the same at all
/// Times.
struct Repeats {
  unsigned Axis;
  int64_t Outer, Times, Inner;

  bool operator==(const Repeats &) const = default;
  /// Places that hold everything once, and the places among those that make up
  /// the axis again.
  llvm::SmallVector<int64_t, 16> once() const;
  llvm::SmallVector<int64_t, 16> again() const;
};

/// Facts that planning and emission share.
class Facts {
public:
  Facts(const Model &M, const ShapeFacts &Shapes, const TimeDependence &Time,
        ExprStore &Store);

  const Model &M;
  const ShapeFacts &Shapes;
  const TimeDependence &Time;
  ExprStore &Store;

  const TimeFacts &time(ValueId V) const { return Time[V]; }
  Version full(ValueId V) const {
    return (Version(1) << time(V).Axes.size()) - 1;
  }
  /// Versions along axes of another length than the sequence's are Full.
  Version settle(ValueId V, Version Wanted) const;
  /// The bit of the time axis on Axis; -1.
  int bitOf(ValueId V, unsigned Axis) const;

  /// All elements are known from lengths alone, and there are few.
  bool isKnown(ValueId V) const;
  /// How to make version Wanted of V, the result of a node; none, with Why.
  std::optional<Rule> rule(ValueId V, Version Wanted, std::string &Why) const;
  /// A polynomial in the sizes of inputs: it can be computed when the graph
  /// runs.
  bool isWritable(Expr E) const;
  bool hasWritableShape(ValueId V) const;
  /// A dimension, where the graph runs: min(N, size of a table) is N.
  Expr dim(ValueId V, unsigned Axis) const;
  /// A dimension that mentions the length, but through which no time axis runs.
  bool isOpaque(ValueId V, unsigned Axis) const;
  /// The Full version follows from the operands' at no product's cost: views,
  /// casts, expansion, scaling; and what is computed at full length anyway.
  bool isCheap(ValueId V) const;
  /// Its new rows are cut from the Full version.
  bool needsWhole(ValueId V) const;
  /// Depends on tokens, through one time axis: to be Full it has to be kept.
  bool isHistory(ValueId V) const {
    return time(V).Tokens && time(V).Axes.size() == 1;
  }
  /// Heads that V has several times.
  std::optional<Repeats> repeats(ValueId V, unsigned Depth = 0) const;
  /// Bytes of one position of one sequence, of heads that repeat once; 0 if it
  /// cannot be kept.
  int64_t keptBytes(ValueId V, bool &Layout) const;

private:
  std::optional<Rule> cloneRule(ValueId V, Version Wanted,
                                std::string &Why) const;
  std::optional<Rule> shapeRule(Rule::KindTy Kind, ValueId V,
                                Version Wanted) const;
  std::optional<Rule> attentionRule(ValueId V, Version Wanted,
                                    std::string &Why) const;
  std::optional<Rule> sliceRule(ValueId V, Version Wanted) const;
  std::optional<Repeats> repeatsOf(ValueId V, unsigned Depth) const;
  Rule rowsRule(ValueId V, Version Wanted, Version Whole) const;
  AxisLinks links(ValueId V, unsigned Operand) const;

  mutable llvm::DenseMap<ValueId, std::optional<Repeats>> Repeated;
};

/// New in E becomes the symbol of new, or of all, positions.
constexpr llvm::StringLiteral NewSymbol = "%new", AllSymbol = "%all",
                              PastSymbol = "%past";

/// Finds what is needed and the cheapest cut.
Plan makePlan(const Facts &F);

/// The cut of least weight between what must be computed per position and
/// Wanted, over values reached through cheap nodes. Empty, with Stuck set,
/// where something cannot be kept.
std::vector<ValueId> cheapestCut(const Facts &F, llvm::ArrayRef<ValueId> Wanted,
                                 ValueId &Stuck);

} // namespace xfa::kvcache

#endif // XFA_LIB_TRANSFORM_KVCACHEPLAN_H
