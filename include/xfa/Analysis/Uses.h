//===- Uses.h - who reads a value -----------------------------------------===//

#ifndef XFA_ANALYSIS_USES_H
#define XFA_ANALYSIS_USES_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// Uses of each value by nodes of any graph, in node order, and whether it is
/// an output of a graph.
class Uses {
public:
  explicit Uses(const Model &M);

  llvm::ArrayRef<Use> of(ValueId V) const {
    return llvm::ArrayRef(All).slice(Begin[V.Index],
                                     Begin[V.Index + 1] - Begin[V.Index]);
  }
  bool isOutput(ValueId V) const { return Output[V.Index]; }
  bool used(ValueId V) const { return isOutput(V) || !of(V).empty(); }

private:
  std::vector<Use> All;
  std::vector<uint32_t> Begin;
  std::vector<bool> Output;
};

} // namespace xfa

#endif // XFA_ANALYSIS_USES_H
