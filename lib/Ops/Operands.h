//===- Operands.h - reading integer lists and axes from a node ------------===//
//
// Axes, splits, pads and the like were attributes in old opsets and became
// inputs in newer ones. These helpers give one view of both, and the reason
// where an operand says too little.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_OPS_OPERANDS_H
#define XFA_LIB_OPS_OPERANDS_H

#include "Shapes.h"

namespace xfa {

/// A list of integers of an attribute or an input, as far as it is known.
struct IntegerList {
  bool Present = false;             ///< the attribute or the input is there
  bool HasLength = false;           ///< Items has one entry an element
  llvm::SmallVector<Expr, 8> Items; ///< an unknown where it is not known

  size_t size() const { return Items.size(); }
  /// All of them, if every one is a constant.
  std::optional<llvm::SmallVector<int64_t, 8>> constants() const;
};

/// The attribute if it is there, else input I. Pass NoInput where the opset has
/// no such input.
constexpr unsigned NoInput = ~0u;
IntegerList integerList(const OpContext &Ctx, llvm::StringRef Attr, unsigned I);

/// Element E as an integer expression; an unknown with `Why` if it is none.
Expr integerOr(const OpContext &Ctx, const Element &E, const llvm::Twine &Why);

/// False for what may be any integer at run time: an unknown that is not known
/// to be the size of something (>= 0).
bool isDimension(Expr E);

/// False, and the node fails, if a size computed from constants left 64 bits:
/// Result is unknown though every one of From is a constant.
bool fitsSize(InferContext &Ctx, Expr Result, llvm::ArrayRef<Expr> From);

/// Output O has an unknown rank because input I says too little.
void setUnknownFrom(InferContext &Ctx, unsigned O, ElemType Elem, unsigned I);
/// Output O has this many dimensions, none of them known.
void setUnknownDims(InferContext &Ctx, unsigned O, ElemType Elem, int64_t Rank,
                    const llvm::Twine &Why);

/// Axis in [0, Rank); none, and the node fails, if it lies outside.
std::optional<int64_t> checkedAxis(InferContext &Ctx, int64_t Axis,
                                   int64_t Rank);
/// All of them; the node fails if one lies outside.
std::optional<llvm::SmallVector<int64_t, 8>>
checkedAxes(InferContext &Ctx, llvm::ArrayRef<int64_t> Axes, int64_t Rank);

} // namespace xfa

#endif // XFA_LIB_OPS_OPERANDS_H
