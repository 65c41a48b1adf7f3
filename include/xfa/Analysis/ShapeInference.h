//===- ShapeInference.h - types, shapes and known contents ----------------===//

#ifndef XFA_ANALYSIS_SHAPEINFERENCE_H
#define XFA_ANALYSIS_SHAPEINFERENCE_H

#include "xfa/IR/Model.h"
#include "xfa/Ops/CustomOps.h"
#include "xfa/Ops/Facts.h"

#include <string>
#include <vector>

namespace xfa {

/// What is known of every value of a model. Dimensions are expressions in the
/// graph's own symbols.
struct ShapeFacts {
  std::vector<ValueFacts> Values; ///< by ValueId
  /// Symbols of the graph's inputs, in order of first appearance; then those
  /// that only a declaration of an intermediate value gives.
  std::vector<llvm::StringRef> Symbols;
  /// Contradictions between the file's declarations and inference.
  std::vector<std::string> Warnings;

  const ValueFacts &operator[](ValueId Id) const { return Values[Id.Index]; }
};

/// Infers the whole model once, in order, bodies of If, Loop, Scan and of
/// function calls included. Fails, naming the node, on a model that no binding
/// makes valid. Custom: what the user says of operators that are not known.
llvm::Expected<ShapeFacts> inferShapes(const Model &M, ExprStore &Store,
                                       const CustomOps *Custom = nullptr);

} // namespace xfa

#endif // XFA_ANALYSIS_SHAPEINFERENCE_H
