//===- KvCacheLengths.h - sizes as tensors --------------------------------===//

#ifndef XFA_LIB_TRANSFORM_KVCACHELENGTHS_H
#define XFA_LIB_TRANSFORM_KVCACHELENGTHS_H

#include "KvCachePlan.h"

#include "xfa/IR/Editor.h"

namespace xfa::kvcache {

/// Makes int64 tensors from expressions over the sizes of inputs and over
/// NewSymbol, AllSymbol and PastSymbol. Equal ones are made once.
class Lengths {
public:
  Lengths(const Facts &F, Editor &E) : F(F), E(E) {}

  /// Where the number of past positions is read.
  void setPast(ValueId Cache, unsigned Axis);

  /// E with the sequence's length as new, or as all, positions.
  Expr at(Expr Length, bool Full) const;
  Expr past() const { return F.Store.symbol(PastSymbol, 0); }
  Expr fresh() const { return F.Store.symbol(NewSymbol); }
  Expr all() const { return F.Store.symbol(AllSymbol); }

  /// [n]: one element each. None, with the obstacle, for what has no formula.
  ValueId vector(llvm::ArrayRef<Expr> Items);
  ValueId scalar(Expr Item);
  bool failed() const { return Failed; }

private:
  ValueId one(Expr Item); ///< int64[1]
  ValueId symbol(llvm::StringRef Name);
  ValueId size(ValueId Of, unsigned Axis);

  const Facts &F;
  Editor &E;
  ValueId Cache;
  unsigned CacheAxis = 0;
  llvm::DenseMap<Expr, ValueId> Ones, Scalars;
  std::vector<std::pair<llvm::SmallVector<Expr, 5>, ValueId>> Vectors;
  llvm::DenseMap<ValueId, ValueId> Shapes;
  bool Failed = false;
};

} // namespace xfa::kvcache

#endif // XFA_LIB_TRANSFORM_KVCACHELENGTHS_H
