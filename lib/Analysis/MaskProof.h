//===- MaskProof.h - one element of a tensor, under a hypothesis ----------===//
//
// Masks have no normal form: they are evaluated. The element at (row, column)
// of a scores tensor is followed through the nodes that produce it, indices as
// polynomials in row, column, the other indices and the lengths, values as
// intervals, under the hypothesis that the column lies after the row, is the
// row's own, or that both are given numbers.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_MASKPROOF_H
#define XFA_LIB_ANALYSIS_MASKPROOF_H

#include "FlatGraph.h"
#include "Interval.h"
#include "TensorRanges.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

#include <map>
#include <string>

namespace xfa {

/// The lengths that positions run over. New positions stand behind Past ones;
/// without a cache Past is 0 and Total is New.
struct TimeFrame {
  Expr New, Past, Total;
  ValueId Tokens; ///< the input whose positions they are
};

class MaskProof {
public:
  MaskProof(const FlatGraph &G, ExprStore &Store, const TimeFrame &Frame);

  enum HypothesisTy : uint8_t {
    Above,    ///< the column's position is after the row's
    Diagonal, ///< they are equal
    Pair,     ///< given numbers
    Nothing,  ///< no hypothesis
    Padded,   ///< the column's is before the row's, and padding
    Before    ///< the column's is before the row's
  };
  /// Which axes of a value are rows and columns, and the positions at index 0.
  struct Plane {
    unsigned Row, Column;
    Expr RowBase, ColumnBase;
  };
  Interval at(ValueId V, const Plane &P, HypothesisTy H);
  /// All columns that are Distance positions or more after the row, or, where
  /// Distance is negative, before it.
  Interval beyond(ValueId V, const Plane &P, int64_t Distance);
  /// The column that is Distance after the row (negative: before it), in a
  /// sequence without padding.
  Interval away(ValueId V, const Plane &P, int64_t Distance);
  /// Lengths of the square constants that proofs have read.
  llvm::ArrayRef<int64_t> squaresRead() const { return Squares.getArrayRef(); }

  /// What a square constant holds whose contents were not read, being in
  /// another file.
  enum UnreadTy : uint8_t {
    Anything,
    OpenIsOne,   ///< 0 after the diagonal, 1 on it
    HiddenIsOne, ///< 1 after the diagonal, 0 on it
    Fills        ///< at most MaskFill after the diagonal, 0 on it
  };
  static constexpr UnreadTy UnreadKinds[] = {OpenIsOne, HiddenIsOne, Fills};
  /// Proofs from now on suppose it; those that do have to be accepted before
  /// the supposition is one of assumptions().
  void suppose(UnreadTy What) {
    Supposed = What;
    SupposedOf.clear();
  }
  void acceptSupposed();
  /// At row R and column C of a graph run on `Length` positions (below 16),
  /// none cached.
  Interval atPair(ValueId V, const Plane &P, int64_t R, int64_t C,
                  int64_t Length);

  /// The integer at At as a function of its symbols and the lengths, with no
  /// hypothesis; null where it is none. Symbols: see place().
  Expr exactly(ValueId V, llvm::ArrayRef<Expr> At);
  /// The symbol that stands for the index along an axis of length Dim.
  Expr place(unsigned Axis, Expr Dim);

  /// The ScatterND N writes each of its updates where that stands itself, and
  /// all of them: the result is the updates.
  bool writesInPlace(NodeId N);

  /// Sentences, in the order in which proofs needed them.
  std::vector<std::string> assumptions() const;
  void assume(const std::string &Sentence);
  /// What is Masked by a number has to be far below all scores.
  void assumeFill(const Interval &Masked);
  /// What was assumed up to now.
  struct Mark {
    size_t Sentences;
    bool Padding;
  };
  Mark mark() const { return {Assumed.size(), PaddingAssumed}; }
  /// A proof that failed: what it assumed since is not needed.
  void forgetSince(const Mark &M);
  /// A proof took a row's own token to be no padding.
  bool assumesPadding() const { return PaddingAssumed; }
  /// Why the last evaluation knew less than it should; empty if nothing did.
  const std::string &obstacle() const { return Obstacle; }
  void clearObstacle() { Obstacle.clear(); }

  /// An input that only says which positions are padding.
  bool isMaskInput(ValueId V) const;
  bool hasMaskInput() const;

private:
  using Index = llvm::SmallVector<Expr, 4>;
  struct Operands; // of one node, evaluated on demand

  /// Above, Diagonal, Padded or Before; so many positions farther apart.
  void setHypothesis(HypothesisTy H, Expr RowBase, Expr ColumnBase,
                     int64_t Farther = 0);
  Interval start(ValueId V, const Plane &P);
  Interval value(ValueId V, const Index &At);
  Interval uncached(ValueId V, const Index &At);
  Interval constant(ValueId V, const Index &At);
  Interval unread(ValueId V, const Index &At, UnreadTy What);
  Interval input(ValueId V, const Index &At);
  Interval node(NodeId N, unsigned Out, const Index &At);
  Interval moved(NodeId N, const Index &At, Operands &Ops);
  Interval generated(NodeId N, const Index &At, Operands &Ops);
  Interval computed(NodeId N, Operands &Ops);
  Interval gathered(NodeId N, const Index &At, Operands &Ops);
  Interval joined(NodeId N, const Index &At, Operands &Ops);
  Interval arithmetic(OpKind Kind, const Interval &A, const Interval &B);
  Interval comparison(OpKind Kind, const Interval &A, const Interval &B);
  Interval bounds(const Interval &I) const;
  Interval asValue(const Element &E) const;
  Interval unknownOf(ValueId V) const { return Ranges[V]; }
  /// The largest along the columns, where a row's own is open.
  std::optional<Interval> largestColumn(Operands &Ops);

  // What number types make of values (MaskProofTypes.cpp).

  /// I as an element of that type holds it; assumes what keeps it exact.
  Interval held(const Interval &I, ElemType Type);
  bool staysExact(Expr E, ElemType Type);
  /// The softmax N at At runs over columns alone, and a row's own is open: what
  /// is Masked gets nothing.
  bool sharesOutColumns(NodeId N, const Index &At, const Interval &Masked);

  Expr apply(Expr E) const { return substitute(E, Hypothesis); }
  Truth isLess(Expr A, Expr B) const { return less(apply(A), apply(B)); }
  Truth isLessEqual(Expr A, Expr B) const {
    return lessEqual(apply(A), apply(B));
  }
  bool inside(Expr E, Expr Dim) const;
  Expr part(Expr E, llvm::ArrayRef<Expr> Dims, size_t I);

  const FlatGraph &G;
  const Model &M;
  ExprStore &Store;
  const TimeFrame &Frame;
  TensorRanges Ranges;
  Expr Row, Column, Gap, Rest;
  Expr RowPosition, ColumnPosition;
  HypothesisTy Current = Above;
  Substitution Hypothesis;
  llvm::DenseMap<Expr, Expr> Limits;      ///< of the symbols of place()
  std::map<std::pair<uint64_t, unsigned>, // hypothesis, value
           llvm::SmallVector<std::pair<Index, Interval>, 1>>
      Seen;
  llvm::DenseMap<NodeId, bool> InPlace;
  llvm::DenseMap<ValueId, llvm::SmallVector<ValueId, 1>> LeavesBranch;
  int64_t Apart = 0;  ///< farther than Current says
  uint64_t Epoch = 0; ///< tells hypotheses apart in Seen
  static constexpr unsigned CachedEpochs = 6;                ///< hypotheses
  static constexpr unsigned PlaceEpoch = 15;                 ///< no hypothesis
  static constexpr unsigned UnreadEpochs = 1u << 16;         ///< times Supposed
  static constexpr uint64_t ApartEpochs = uint64_t(1) << 32; ///< times Apart
  llvm::SmallSetVector<int64_t, 2> Squares;
  unsigned Depth = 0;
  std::vector<std::string> Assumed;
  UnreadTy Supposed = Anything;
  llvm::SmallVector<ValueId, 1> SupposedOf; ///< by the proof at hand
  llvm::SmallVector<std::pair<UnreadTy, ValueId>, 4> Accepted;
  bool PaddingAssumed = false;
  std::string Obstacle;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_MASKPROOF_H
