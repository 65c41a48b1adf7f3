//===- Op.h - what an operator means --------------------------------------===//
//
// Each operator of IR/Ops.def has an infer function (shape, element type, known
// values) and a cost function, side by side in the file of its family. They see
// one node: its attributes and the facts of its operands, never its neighbours.
//
// An infer function sets each output or leaves it unknown; `fail` says that the
// model is wrong (exit 1), which needs certainty: what is only not understood
// is unknown. A cost function adds FLOPs and overrides what is read and written
// where C9's default (each distinct input once, each used output once) does not
// hold. Rules are cited by number, `// C4`, from the counting rules (docs/).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_OPS_OP_H
#define XFA_OPS_OP_H

#include "xfa/IR/Model.h"
#include "xfa/Ops/Facts.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"

namespace xfa {

/// Options that change how FLOPs are counted.
struct CostOptions {
  unsigned SoftmaxFlops = 3; ///< C3; 5 counts max and subtraction too
};

/// What both kinds of function see: one node and what is known around it.
class OpContext {
public:
  OpContext(const Model &M, NodeId Id, ExprStore &Store,
            llvm::ArrayRef<const ValueFacts *> Inputs)
      : M(M), N(M[Id]), NodeIdent(Id), Store(Store), Inputs(Inputs) {}

  const Model &model() const { return M; }
  const Node &node() const { return N; }
  NodeId nodeId() const { return NodeIdent; }
  ExprStore &store() const { return Store; }
  Expr constant(int64_t V) const { return Store.constant(V); }
  int opset() const { return N.OpsetVersion; }

  unsigned numInputs() const { return Inputs.size(); }
  unsigned numOutputs() const { return N.Outputs.size(); }
  /// Input I is there (not left out, not beyond the end).
  bool has(unsigned I) const { return I < Inputs.size() && Inputs[I]; }
  /// Output O is used by somebody (C9) or is a graph output.
  bool wants(unsigned O) const { return O < N.Outputs.size() && N.Outputs[O]; }

  /// Facts of input I; an all-unknown one where it is not there.
  const ValueFacts &input(unsigned I) const;
  ElemType elem(unsigned I) const { return input(I).Elem; }
  bool hasRank(unsigned I) const { return input(I).HasRank; }
  int64_t rank(unsigned I) const { return input(I).rank(); }
  llvm::ArrayRef<Expr> dims(unsigned I) const { return input(I).Dims; }
  Expr dim(unsigned I,
           int64_t Axis) const; ///< negative axes count from the end
  /// All elements of input I, if every one is a known integer expression.
  std::optional<llvm::SmallVector<Expr, 8>> ints(unsigned I) const;
  /// The same, if all are constants.
  std::optional<llvm::SmallVector<int64_t, 8>> constInts(unsigned I) const;
  /// The one element of a scalar or one-element input, if it is known.
  Element scalar(unsigned I) const;

  bool hasAttr(llvm::StringRef Name) const { return N.attribute(Name); }
  int64_t intAttr(llvm::StringRef Name, int64_t Default) const;
  std::optional<int64_t> intAttr(llvm::StringRef Name) const;
  double floatAttr(llvm::StringRef Name, double Default) const;
  llvm::StringRef stringAttr(llvm::StringRef Name,
                             llvm::StringRef Default = "") const;
  std::optional<llvm::ArrayRef<int64_t>> intsAttr(llvm::StringRef Name) const;
  /// A Tensor attribute.
  const Constant *tensorAttr(llvm::StringRef Name) const;
  std::optional<GraphId> graphAttr(llvm::StringRef Name) const;

  /// Axis in [0, Rank), from one that may be negative; none if out of range.
  static std::optional<int64_t> normalizeAxis(int64_t Axis, int64_t Rank);

protected:
  const Model &M;
  const Node &N;
  NodeId NodeIdent;
  ExprStore &Store;
  llvm::ArrayRef<const ValueFacts *> Inputs;
};

class InferContext : public OpContext {
public:
  /// Infers a body with these operands; gives the facts of its outputs. Empty
  /// if the body is wrong (the error is kept by the callee).
  using SubgraphFn = llvm::function_ref<llvm::SmallVector<ValueFacts, 4>(
      GraphId, llvm::ArrayRef<ValueFacts>)>;

  InferContext(const Model &M, NodeId Id, ExprStore &Store,
               llvm::ArrayRef<const ValueFacts *> Inputs, SubgraphFn Subgraph)
      : OpContext(M, Id, Store, Inputs), Subgraph(Subgraph),
        Outputs(N.Outputs.size()) {}

  /// Output O is a tensor of this type and shape. Out of range: ignored.
  void set(unsigned O, ElemType Elem, llvm::ArrayRef<Expr> Dims);
  void set(unsigned O, ValueFacts Facts);
  /// Its contents; call after set. More than MaxElements are dropped, and so
  /// are contents whose number contradicts a constant shape.
  void setContents(unsigned O, Contents C);
  /// Output O is a tensor of unknown rank.
  void setUnknown(unsigned O, ElemType Elem, const llvm::Twine &Why);
  /// A dimension that only running tells (>= 0).
  Expr unknownDim(const llvm::Twine &Why);
  /// The model is wrong: a sentence without file and node, which the caller
  /// adds, e.g. "got [B,N,1600] and [1024,1600]: the inner dimensions differ".
  void fail(const llvm::Twine &Sentence);
  bool failed() const { return !Error.empty(); }
  const std::string &error() const { return Error; }

  llvm::SmallVector<ValueFacts, 4>
  inferSubgraph(GraphId G, llvm::ArrayRef<ValueFacts> In) {
    return Subgraph(G, In);
  }
  /// Facts of output O as set so far; beyond the last one, facts that nobody
  /// sees.
  ValueFacts &output(unsigned O) {
    return O < Outputs.size() ? Outputs[O] : Beyond;
  }

private:
  SubgraphFn Subgraph;
  llvm::SmallVector<ValueFacts, 2> Outputs;
  ValueFacts Beyond;
  std::string Error;
};

/// What one node costs, before element types turn elements into bytes.
struct OpCost {
  Expr Matrix; ///< FLOPs on the matrix unit (C1, C8)
  Expr Vector; ///< FLOPs on the vector unit
  /// Elements touched, where the default (C9) does not hold.
  llvm::SmallVector<std::pair<unsigned, Expr>, 2> Reads, Writes;
  /// How often it runs its bodies, those of If, Loop and Scan aside (C17). With
  /// an Unknown, at least so often.
  llvm::SmallVector<std::pair<GraphId, Expr>, 2> Bodies;
  std::string Unknown; ///< why it is unknown (C16); empty if it is known
};

class CostContext : public OpContext {
public:
  CostContext(const Model &M, NodeId Id, ExprStore &Store,
              llvm::ArrayRef<const ValueFacts *> Inputs,
              llvm::ArrayRef<const ValueFacts *> Outputs,
              const CostOptions &Options)
      : OpContext(M, Id, Store, Inputs), Options(Options), Outputs(Outputs) {
    Cost.Matrix = Cost.Vector = Store.constant(0);
  }

  const CostOptions &Options;

  const ValueFacts &output(unsigned O) const;
  /// Elements of an input or output; if its shape is unknown, the node's cost
  /// becomes unknown, with the reason, and the result is an unknown Expr.
  Expr inSize(unsigned I);
  Expr outSize(unsigned O);
  /// As OpContext::dim, but marks the cost unknown where the rank is.
  Expr outDim(unsigned O, int64_t Axis);

  void addMatrix(Expr Flops) { Cost.Matrix += Flops; }
  void addVector(Expr Flops) { Cost.Vector += Flops; }
  /// Input I is read for this many elements, not for all (C9).
  void reads(unsigned I, Expr Elements) { Cost.Reads.push_back({I, Elements}); }
  void writes(unsigned O, Expr Elements) {
    Cost.Writes.push_back({O, Elements});
  }
  /// A body runs so often; its nodes are counted by themselves.
  void runs(GraphId Body, Expr Times) { Cost.Bodies.push_back({Body, Times}); }
  void unknown(const llvm::Twine &Why) {
    if (Cost.Unknown.empty())
      Cost.Unknown = Why.str();
  }
  OpCost &result() { return Cost; }

private:
  llvm::ArrayRef<const ValueFacts *> Outputs;
  OpCost Cost;
};

using InferFn = void (*)(InferContext &);
using CostFn = void (*)(CostContext &);
/// Null for OpKind::Unknown.
InferFn inferFunction(OpKind Kind);
CostFn costFunction(OpKind Kind);

} // namespace xfa

#endif // XFA_OPS_OP_H
