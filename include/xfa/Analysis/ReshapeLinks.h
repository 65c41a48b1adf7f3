//===- ReshapeLinks.h - places across a regrouping of axes ----------------===//

#ifndef XFA_ANALYSIS_RESHAPELINKS_H
#define XFA_ANALYSIS_RESHAPELINKS_H

#include "xfa/Symbolic/Expr.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace xfa {

/// Where a factor of length L sits in a tensor: along `Axis`, the index is
/// (outer * L + t) * Inner + inner, with outer < Outer.
struct FactorPlace {
  unsigned Axis;
  Expr Outer, Inner;
};

/// Where the factor is after the tensor is read, row-major, as To. None if it
/// comes apart.
std::optional<FactorPlace> throughReshape(FactorPlace From, Expr Length,
                                          llvm::ArrayRef<Expr> FromDims,
                                          llvm::ArrayRef<Expr> ToDims);

/// The index into a tensor of dims InDims of the element that stands at OutAt
/// after a reshape to OutDims. `Inside(E, Dim)`: 0 <= E < Dim is proved.
/// `Part(E, Dims, I)`: digit I of E in mixed radix Dims, where E is known to be
/// any number below their product; null where it is not. None where an index
/// cannot be split.
std::optional<llvm::SmallVector<Expr, 4>> reshapedIndex(
    llvm::ArrayRef<Expr> InDims, llvm::ArrayRef<Expr> OutDims,
    llvm::ArrayRef<Expr> OutAt,
    llvm::function_ref<bool(Expr E, Expr Dim)> Inside,
    llvm::function_ref<Expr(Expr E, llvm::ArrayRef<Expr> Dims, size_t I)> Part);

} // namespace xfa

#endif // XFA_ANALYSIS_RESHAPELINKS_H
