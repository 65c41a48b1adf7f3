//===- Shapes.h - reading, copying and comparing operand shapes -----------===//
//
// What several families do with shapes before their own rule starts.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_OPS_SHAPES_H
#define XFA_LIB_OPS_SHAPES_H

#include "xfa/Ops/Op.h"

#include <string>

namespace xfa {

/// "[B,N,1600]", for messages.
std::string shapeText(llvm::ArrayRef<Expr> Dims);

/// Why the rank of input I is not known: the reason that it carries, so that
/// the text does not grow along a chain of nodes, or else that it has none.
std::string unknownRank(const OpContext &Ctx, unsigned I);

/// Output O has this type and the shape of input I; unknown rank, with the
/// reason, where that has none.
void setLike(InferContext &Ctx, unsigned O, ElemType Elem, unsigned I);

/// Axis Axis of input I, where the rank is known and has it; none otherwise.
std::optional<Expr> knownDim(const OpContext &Ctx, unsigned I, int64_t Axis);
/// The same, as an unknown dimension where there is none.
Expr dimOrUnknown(InferContext &Ctx, unsigned I, int64_t Axis);
/// For costs: marks the cost unknown where there is none.
Expr costDim(CostContext &Ctx, unsigned I, int64_t Axis);

/// A and B are dimensions that a valid model has equal. Fails where they are
/// for no binding; else gives the one that says more.
std::optional<Expr> sameDim(InferContext &Ctx, Expr A, Expr B,
                            const llvm::Twine &What);

/// Fails unless the rank of input I is Rank or unknown.
bool expectRank(InferContext &Ctx, unsigned I, int64_t Rank,
                llvm::StringRef What);

/// Product of the dims of input I from axis First to before Last.
Expr costProduct(CostContext &Ctx, unsigned I, int64_t First, int64_t Last);

} // namespace xfa

#endif // XFA_LIB_OPS_SHAPES_H
