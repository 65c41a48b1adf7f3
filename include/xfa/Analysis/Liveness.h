//===- Liveness.h - peak memory (M1 to M4) --------------------------------===//

#ifndef XFA_ANALYSIS_LIVENESS_H
#define XFA_ANALYSIS_LIVENESS_H

#include "xfa/Analysis/Cost.h"

namespace xfa {

struct MemoryFacts {
  Expr WeightBytes;     ///< resident initialisers, in their counted types
  Expr ActivationBytes; ///< peak of graph inputs, outputs and live buffers (M4)
  Expr PeakBytes;       ///< WeightBytes + ActivationBytes
  /// Nodes at which the peak can lie, with the bytes live there; different
  /// nodes win at different sizes.
  llvm::SmallVector<std::pair<NodeId, Expr>, 2> PeakAt;
  bool Exact = true;
  std::string Unknown; ///< why it is a lower bound
};

MemoryFacts analyseMemory(const Model &M, const ShapeFacts &Facts,
                          const Uses &U, const GraphCosts &Costs,
                          ExprStore &Store, const CountingOptions &Options);

} // namespace xfa

#endif // XFA_ANALYSIS_LIVENESS_H
