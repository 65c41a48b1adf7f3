//===- ExpandedView.h - distinct elements of an expanded tensor -----------===//
//
// A view of an expanded tensor holds elements repeatedly; what is read of it
// are the distinct ones (C10). They are counted axis by axis: `Distinct` says
// how many positions along each axis of the view hold different elements. It is
// empty where every element of the view is another one of the buffer, or where
// nothing is known.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_EXPANDEDVIEW_H
#define XFA_LIB_ANALYSIS_EXPANDEDVIEW_H

#include "xfa/Ops/Facts.h"

namespace xfa {

/// Of a tensor of shape In, of which Distinct are distinct, the same after it
/// is expanded to, sliced to, or reshaped to Out. Reshaping gives an empty
/// shape where an axis mixes what is repeated and what is not.
Shape distinctAfterExpand(llvm::ArrayRef<Expr> Distinct,
                          llvm::ArrayRef<Expr> In, llvm::ArrayRef<Expr> Out);
Shape distinctAfterSlice(llvm::ArrayRef<Expr> Distinct, llvm::ArrayRef<Expr> In,
                         llvm::ArrayRef<Expr> Out);
Shape distinctAfterReshape(llvm::ArrayRef<Expr> Distinct,
                           llvm::ArrayRef<Expr> In, llvm::ArrayRef<Expr> Out);
/// Axes permuted; an empty permutation reverses them.
Shape distinctAfterTranspose(llvm::ArrayRef<Expr> Distinct,
                             llvm::ArrayRef<int64_t> Permutation);

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_EXPANDEDVIEW_H
