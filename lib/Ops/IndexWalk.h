//===- IndexWalk.h - contents of ops that only move elements --------------===//
//
// Value propagation through an op that copies elements is an index map: output
// position → position in the input.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_OPS_INDEXWALK_H
#define XFA_LIB_OPS_INDEXWALK_H

#include "xfa/Ops/Op.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

using Index = llvm::SmallVector<int64_t, 4>;

/// Row-major distance between neighbours along each axis.
inline Index rowMajorStrides(llvm::ArrayRef<int64_t> Dims) {
  Index Strides(Dims.size(), 1);
  if (llvm::is_contained(Dims, 0)) // no elements: any will do
    return Strides;
  for (size_t I = Dims.size(); I-- > 1;)
    Strides[I - 1] = Strides[I] * Dims[I];
  return Strides;
}

inline int64_t linearIndex(llvm::ArrayRef<int64_t> At,
                           llvm::ArrayRef<int64_t> Strides) {
  int64_t Linear = 0;
  for (size_t I = 0; I < At.size(); ++I)
    Linear += At[I] * Strides[I];
  return Linear;
}

/// Calls Visit(ArrayRef<int64_t> Index) for every index of Dims, row-major. The
/// caller bounds the number of elements (constantDims does).
template <typename Fn>
void forEachIndex(llvm::ArrayRef<int64_t> Dims, Fn Visit) {
  for (int64_t D : Dims)
    if (D <= 0)
      return;
  Index At(Dims.size(), 0);
  while (true) {
    Visit(llvm::ArrayRef<int64_t>(At));
    size_t Axis = Dims.size();
    while (Axis > 0 && ++At[Axis - 1] == Dims[Axis - 1])
      At[--Axis] = 0;
    if (Axis == 0)
      return;
  }
}

/// Contents of an output of shape Dims whose element at an index is
/// From.at(Source(index)); a negative source is an unknown element.
template <typename Fn>
Contents mapContents(const Contents &From, llvm::ArrayRef<Expr> Dims,
                     Fn Source) {
  if (From.none() || From.Splat)
    return From;
  auto Known = constantDims(Dims);
  Contents Result;
  if (!Known)
    return Result;
  forEachIndex(*Known, [&](llvm::ArrayRef<int64_t> At) {
    int64_t I = Source(At);
    Result.Elements.push_back(I < 0 ? Element() : From.at(I));
  });
  return Result;
}

} // namespace xfa

#endif // XFA_LIB_OPS_INDEXWALK_H
