//===- Lowering.h - kernels as operators of a runtime ---------------------===//
//
// A fused kernel becomes one operator where that computes exactly what the
// kernel's body does. Matching looks at bodies as they are and changes nothing;
// what it finds is a part: nodes, and how to make the operator that stands for
// them once the body stands in the graph again.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_TRANSFORM_LOWERING_H
#define XFA_LIB_TRANSFORM_LOWERING_H

#include "xfa/Analysis/CausalMask.h"
#include "xfa/IR/Editor.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

#include <functional>
#include <map>

namespace xfa::lowering {

enum class Target : uint8_t {
  Ort,   ///< com.microsoft, beside ai.onnx of the model's version
  Onnx23 ///< ai.onnx 23
};
constexpr int OpsetOfOnnx23 = 23;

using NodeSet = llvm::SmallSetVector<NodeId, 16>;

/// A node that multiplies its operand number `Operand` by Factor.
struct ScaleStep {
  NodeId Node;
  unsigned Operand;
  double Factor;
};

/// A kernel's body before anything is changed, and what is known of it.
class Kernel {
public:
  Kernel(const Model &M, const ModelAnalysis &A, const CausalMasks &Masks,
         const Editor &E, NodeId Call)
      : M(M), A(A), Masks(Masks), E(E), Call(Call),
        Nodes(body().Nodes.begin(), body().Nodes.end()) {}

  const Model &M;
  const ModelAnalysis &A;
  const CausalMasks &Masks;
  const Editor &E;
  const NodeId Call;
  NodeSet Nodes;

  const Graph &body() const { return M[M[Call].Callee]; }
  const ValueFacts &facts(ValueId V) const { return A.Facts[V]; }
  /// The node of the body that computes V; none if it comes from outside.
  NodeId producer(ValueId V) const;
  /// V itself, or what the call gives for it.
  ValueId outer(ValueId V) const;
  /// What computes V, in the body or before the call; none: nothing does.
  NodeId maker(ValueId V) const {
    V = outer(V);
    return V ? M[V].Producer : NodeId();
  }
  /// It is a function of constants and dimensions alone (C7).
  bool folded(ValueId V) const { return V && facts(V).Folded; }
  /// The one number that V is, if it is known when the graph is compiled.
  std::optional<double> number(ValueId V) const;
  /// The only integer of a constant vector of one.
  std::optional<int64_t> onlyInt(ValueId V) const;
  /// A vector as wide as Like's last axis.
  bool isVectorOf(ValueId V, ValueId Like) const;
  bool hasRank(ValueId V, int64_t Rank) const {
    return V && facts(V).HasRank && facts(V).rank() == Rank;
  }
  /// V before what does not change it: Identity, a Cast to its own type. Those
  /// nodes join Through.
  ValueId strip(ValueId V, NodeSet &Through) const;
  /// The last axis alone is reduced, and stays as one of length 1.
  bool reducesLastAxis(NodeId N) const;
  /// None if N does not multiply or divide by one known number.
  std::optional<ScaleStep> scaled(NodeId N) const;
  /// Some value of Inner but Results is used outside of Inner, shapes apart;
  /// its name.
  std::optional<llvm::StringRef> leaking(const NodeSet &Inner,
                                         llvm::ArrayRef<ValueId> Results) const;
};

/// Makes nodes in the graph that the body was put into.
class Maker {
public:
  /// What kernels of one graph share: made once of a value, by what it is for.
  using SharedTy = std::map<std::tuple<unsigned, unsigned, int64_t>, ValueId>;

  Maker(Editor &E, GraphId Graph,
        const llvm::DenseMap<ValueId, ValueId> &Operands, SharedTy &Shared)
      : E(E), Graph(Graph), Operands(Operands), Shared(Shared) {}

  Editor &E;
  const GraphId Graph;
  std::vector<NodeId> Made;

  /// A value of the body, as it is called now.
  ValueId outer(ValueId V) const {
    auto Given = Operands.find(V);
    return Given == Operands.end() ? V : Given->second;
  }
  NodeId node(llvm::StringRef Op, llvm::ArrayRef<ValueId> Inputs,
              llvm::ArrayRef<Attribute> Attributes = {},
              llvm::StringRef Domain = {}, unsigned NumOutputs = 1);
  ValueId value(llvm::StringRef Op, llvm::ArrayRef<ValueId> Inputs,
                llvm::ArrayRef<Attribute> Attributes = {},
                llvm::StringRef Domain = {}) {
    return E.model()[node(Op, Inputs, Attributes, Domain)].Outputs[0];
  }
  /// Squeeze or Unsqueeze, as the model's version writes its axes.
  ValueId axes(llvm::StringRef Op, ValueId V, llvm::ArrayRef<int64_t> Axes);
  /// What Make makes of V; a kernel of this graph before may have made it.
  ValueId once(ValueId V, int64_t Purpose, llvm::function_ref<ValueId()> Make) {
    ValueId &Made = Shared[{Graph.Index, V.Index, Purpose}];
    return Made ? Made : Made = Make();
  }
  /// V with its axes in this order; what a Transpose above did is taken into
  /// account.
  ValueId permuted(ValueId V, llvm::ArrayRef<int64_t> Order);
  /// Their users use what they scale.
  void bypass(llvm::ArrayRef<ScaleStep> Steps);
  /// New is what Old was, under its name.
  void replace(ValueId Old, ValueId New);

private:
  const llvm::DenseMap<ValueId, ValueId> &Operands;
  SharedTy &Shared;
};

/// Nodes of a body, and the operator that computes what they do.
struct Part {
  std::string Op;
  NodeSet Nodes;
  std::function<void(Maker &)> Make;
  std::string Note; ///< what it could not do better, and why
};

/// A part, or why there is none.
struct Answer {
  std::optional<Part> Found;
  std::string Why;

  static Answer no(const llvm::Twine &Why) { return {std::nullopt, Why.str()}; }
};

Answer lowerScores(const Kernel &K, Target T);
Answer lowerAttention(const Kernel &K, Target T);
Answer lowerRotary(const Kernel &K, Target T);
Answer lowerNorm(const Kernel &K, Target T);
Answer lowerActivation(const Kernel &K, Target T);

/// Raises ai.onnx to a later version. Some operators changed what they mean on
/// the way; those whose new spelling is certain are rewritten.
class OpsetRaise {
public:
  OpsetRaise(const Model &M, int To) : M(M), To(To) {}
  /// Why it would not be certain that all but Except, calls of functions among
  /// them, mean the same afterwards; empty: it is.
  std::string whyNot(const NodeSet &Except) const;
  static void run(Editor &E, int To);

private:
  std::string whyNot(NodeId N) const;
  const Model &M;
  int To;
};

} // namespace xfa::lowering

#endif // XFA_LIB_TRANSFORM_LOWERING_H
