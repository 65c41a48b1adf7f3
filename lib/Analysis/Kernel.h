//===- Kernel.h - what a fused kernel moves (C17) -------------------------===//
//
// What is defined inside stays on the chip, but for what is known when the
// graph is compiled (C7). What comes from outside is read once by whichever
// node reads it first, its parts with the whole of it; what the outside uses is
// written.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_KERNEL_H
#define XFA_LIB_ANALYSIS_KERNEL_H

#include "xfa/Analysis/Cost.h"
#include "xfa/IR/Fused.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

class Kernel {
public:
  /// Of a call, with the operands of all values as resolveOperands gives them.
  Kernel(const Model &M, NodeId Call, const ShapeFacts &Facts, const Uses &U,
         llvm::ArrayRef<Operand> Operands) {
    addInner(M, Facts, Operands, M[Call].Callee);
    for (auto [Outer, Result] :
         llvm::zip_equal(M[Call].Outputs, M[M[Call].Callee].Outputs))
      if (Outer && Result && U.used(Outer))
        Written.insert(Operands[Result.Index].Root);
  }

  bool holds(ValueId V) const { return Inner.contains(V); }
  bool writes(ValueId V) const { return Written.contains(V); }
  /// Some node reads all of it.
  bool readsAll(ValueId Root) const { return Wholes.contains(Root); }
  /// What never has a place in memory.
  template <typename FnT> void forEachOnChip(FnT Fn) const {
    for (ValueId V : Inner)
      if (!writes(V))
        Fn(V);
  }

  /// What was read already.
  llvm::SmallVector<ValueId, 8> Seen;

private:
  void addInner(const Model &M, const ShapeFacts &Facts,
                llvm::ArrayRef<Operand> Operands, GraphId G) {
    for (NodeId N : M[G].Nodes) {
      if (opTraits(M[N].Kind) & trait::Elementwise)
        for (ValueId In : M[N].Inputs)
          if (In && Operands[In.Index].Whole)
            Wholes.insert(Operands[In.Index].Root);
      for (ValueId V : M[N].Outputs)
        if (V && !Facts[V].Folded)
          Inner.insert(V);
      for (const Attribute &A : M[N].Attributes)
        for (GraphId Body : A.Graphs)
          addInner(M, Facts, Operands, Body);
      if (M[N].Callee)
        addInner(M, Facts, Operands, M[N].Callee);
    }
  }

  llvm::DenseSet<ValueId> Inner, Written, Wholes;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_KERNEL_H
