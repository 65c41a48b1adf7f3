//===- WidthSplit.h - a width that is taken apart, and cut ----------------===//
//
// A packed projection's width holds the widths of queries, keys and values, in
// turn for each head or group: a Reshape makes axes of it, [heads, 3, d], and
// along one of them the parts are picked, behind views or not.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_TRANSFORM_WIDTHSPLIT_H
#define XFA_LIB_TRANSFORM_WIDTHSPLIT_H

#include "xfa/Analysis/ShapeInference.h"
#include "xfa/IR/Editor.h"

namespace xfa {

/// Somebody's part.
struct WidthPiece {
  ValueId Result;
  int64_t Start, Size; ///< along the axis that is cut
  /// Views between the Reshape and what picks it.
  llvm::SmallVector<NodeId, 2> Path;
  std::optional<int64_t> Drops; ///< this axis, of length 1 by then
  unsigned Part = 0;            ///< in order of Start
};

/// Somebody's reading of the shape that all of it has, behind views or not.
struct WidthShape {
  NodeId Reader;
  llvm::SmallVector<int, 6> Axes; ///< which factor each is; -1: none
  llvm::SmallVector<NodeId, 2> Path;
};

class WidthSplit {
public:
  WidthSplit(const Model &M, const Editor &Edit, const ShapeFacts &Facts)
      : M(M), Edit(Edit), Facts(Facts) {}

  /// How the last axis of what Regroup, a Reshape, reads is cut; empty, or why
  /// it cannot be said.
  std::string find(NodeId Regroup);

  llvm::SmallVector<int64_t, 4> Factors; ///< whose product is the width
  unsigned Cut = 0;                      ///< which of them
  llvm::SmallVector<int64_t, 3> Sizes;   ///< of its parts, in order
  std::vector<WidthPiece> Pieces;
  std::vector<WidthShape> Shapes;

  /// The factors of one part.
  llvm::SmallVector<int64_t, 4> factorsOf(unsigned Part) const {
    llvm::SmallVector<int64_t, 4> Result = Factors;
    Result[Cut] = Sizes[Part];
    return Result;
  }

private:
  using Axes = llvm::SmallVector<int, 6>; ///< which factor each is; -1: none

  std::string walk(ValueId V, const Axes &At,
                   const llvm::SmallVector<NodeId, 2> &Path);
  std::string step(NodeId N, const Axes &At,
                   const llvm::SmallVector<NodeId, 2> &Path);
  std::string pick(NodeId N, const Axes &At,
                   const llvm::SmallVector<NodeId, 2> &Path);
  std::string add(WidthPiece P, int Factor);
  std::string order();
  std::optional<llvm::SmallVector<int64_t, 4>> ints(NodeId N, unsigned Operand,
                                                    llvm::StringRef Attr) const;
  std::optional<int64_t> dim(ValueId V, int64_t Axis) const;

  const Model &M;
  const Editor &Edit;
  const ShapeFacts &Facts;
  GraphId In;
};

} // namespace xfa

#endif // XFA_LIB_TRANSFORM_WIDTHSPLIT_H
