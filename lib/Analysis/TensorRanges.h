//===- TensorRanges.h - bounds that hold for every element of a tensor ----===//
//
// What a mask proof falls back on where it cannot say which element is read:
// whether a fill may be among them. One pass forward, one interval a tensor.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_TENSORRANGES_H
#define XFA_LIB_ANALYSIS_TENSORRANGES_H

#include "FlatGraph.h"
#include "Interval.h"

namespace xfa {

class TensorRanges {
public:
  explicit TensorRanges(const FlatGraph &G);

  /// Never exact.
  Interval operator[](ValueId V) const;

private:
  /// Of elements that are known, or that the file has.
  std::optional<Interval> read(ValueId V) const;
  Interval result(NodeId N, unsigned Out) const;
  Interval computed(NodeId N) const;
  /// Of tensors made of those at Operands, element by element.
  Interval oneOf(NodeId N, llvm::ArrayRef<unsigned> Operands) const;
  /// Data if no operand may hold a fill.
  Interval mixed(NodeId N) const;
  bool isWeight(ValueId V) const;
  Interval quotient(NodeId N, const Interval &A, unsigned By) const;
  Interval limited(NodeId N) const;
  Interval operand(NodeId N, unsigned I) const;
  /// Operand I of N follows from operand 0 by Reduction, but for an addend that
  /// keeps it from 0.
  bool reducesOther(NodeId N, unsigned I,
                    llvm::function_ref<bool(OpKind)> Reduction) const;

  /// An operand of N is one of them, or may be.
  bool reads(NodeId N, const std::vector<bool> &Which) const;

  const FlatGraph &G;
  const Model &M;
  std::vector<Interval> Ranges; ///< by ValueId; constants when asked for
  std::vector<bool> Given;      ///< by ValueId: follows from inputs' elements
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_TENSORRANGES_H
