//===- CustomOps.h - operators that the user describes --------------------===//
//
// For an operator that no rule here knows, a file gives the shapes of its
// outputs and its FLOPs as formulas in the dimensions of its inputs
// (docs/custom-ops.md).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_OPS_CUSTOMOPS_H
#define XFA_OPS_CUSTOMOPS_H

#include "xfa/Ops/Op.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xfa {

/// An operator as the file has it: texts.
struct CustomOpText {
  std::string Domain, Name;
  /// "..., N, D": names for the dimensions of each input. Of each output:
  /// formulas. A leading `...` is any number of dimensions.
  std::vector<std::string> Inputs, Outputs;
  /// Of each output: an element type, or in0, in1, … for that of an input.
  std::vector<std::string> Types;
  std::optional<std::string> Flops, MatrixFlops;
  /// Elements touched of each input and output, where not all of them are
  /// (C9); "" is all.
  std::vector<std::string> Reads, Writes;
};

/// The same with its formulas parsed. A name in them is a dimension of
/// `Inputs`, `rest` (the product of what `...` stands for), `in0`, `out0`, …
/// (numbers of elements) or `attr.NAME` (an integer attribute).
struct CustomOp {
  struct Pattern {
    bool AnyShape = false;  ///< "*": nothing is said
    bool HasRest = false;   ///< leads with `...`
    std::vector<Expr> Dims; ///< of an input: a name or a number each
  };
  struct Type {
    std::optional<unsigned> Input; ///< that of this input
    ElemType Elem = ElemType::Undefined;
  };
  std::vector<Pattern> Inputs, Outputs;
  std::vector<Type> Types;
  Expr Flops, MatrixFlops;         ///< none: not given
  std::vector<Expr> Reads, Writes; ///< none: all of it
};

class CustomOps {
public:
  CustomOps();
  /// Fails with a sentence about a key: "flops: …".
  llvm::Error add(const CustomOpText &Text);
  const CustomOp *find(llvm::StringRef Domain, llvm::StringRef Name) const;
  bool empty() const { return Ops.empty(); }

private:
  class Parser;
  std::unique_ptr<ExprStore> Store; ///< of the formulas
  std::map<std::pair<std::string, std::string>, CustomOp> Ops;
};

/// Sets the outputs that the description gives; the others stay unknown.
void inferCustom(const CustomOp &Op, InferContext &Ctx);
void costCustom(const CustomOp &Op, CostContext &Ctx);

} // namespace xfa

#endif // XFA_OPS_CUSTOMOPS_H
