//===- FuseAttention.cpp - fuse-scale, fuse-mask-softmax, fuse-attention --===//
//
// All three start from a core that recognition found: a softmax between two
// contractions. What stands between these is found by dataflow, whatever it is
// called: scale, mask, softmax, casts.
//
//===----------------------------------------------------------------------===//

#include "AttentionGuards.h"
#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// A core as it stands outside of what is fused already.
struct OuterCore {
  NodeId Scores, Softmax, Values;
  /// The value of Values that carries the probabilities on.
  ValueId Probabilities;
  llvm::SetVector<NodeId> Between; ///< after Scores and before Values
};

class CoreFuser {
public:
  CoreFuser(PassContext &Context, const ModelAnalysis &A)
      : F(Context), M(Context.model()), Edit(Context.editor()), A(A) {}

  void
  forEachCore(llvm::function_ref<void(const AttentionCore &, OuterCore &)> Fn);

  void fuseScale(const AttentionCore &Core, const OuterCore &C);
  void fuseMaskSoftmax(const OuterCore &C);
  void fuseAttention(const OuterCore &C);

private:
  bool dependsOn(ValueId V, OuterCore &C, llvm::DenseMap<ValueId, bool> &Known);
  ValueId scaledBy(NodeId N) const;
  void addScalesBelow(NodeId Scores, llvm::SetVector<NodeId> &To, ValueId &End);
  void addScalesAbove(ValueId Operand, llvm::SetVector<NodeId> &To);
  bool oneElement(ValueId V) const;
  /// The only reader of V; none if there are several, or V is an output.
  NodeId onlyReader(ValueId V) const;
  std::string whyNotByRows(const OuterCore &C) const;

  Fuser F;
  Model &M;
  Editor &Edit;
  const ModelAnalysis &A;
};

bool CoreFuser::oneElement(ValueId V) const {
  return V && V.Index < A.Facts.Values.size() && A.Facts[V].HasRank &&
         llvm::all_of(A.Facts[V].Dims, [](Expr D) { return D.is(1); });
}

NodeId CoreFuser::onlyReader(ValueId V) const {
  if (!V || Edit.outputUses(V) || Edit.uses(V).size() != 1)
    return NodeId();
  return Edit.uses(V)[0].User;
}

/// Whether V comes from C.Scores, above which nothing is looked at. Nodes on
/// the way become part of C.Between.
bool CoreFuser::dependsOn(ValueId V, OuterCore &C,
                          llvm::DenseMap<ValueId, bool> &Known) {
  if (!V)
    return false;
  auto [It, New] = Known.try_emplace(V, false);
  if (!New)
    return It->second;
  const NodeId N = M[V].Producer;
  if (!N || M[N].Parent != M[C.Scores].Parent ||
      F.position(N) < F.position(C.Scores))
    return false;
  bool Depends = N == C.Scores;
  if (!Depends) {
    for (ValueId In : M[N].Inputs)
      Depends |= dependsOn(In, C, Known);
    if (Depends)
      C.Between.insert(N);
  }
  return Known[V] = Depends;
}

void CoreFuser::forEachCore(
    llvm::function_ref<void(const AttentionCore &, OuterCore &)> Fn) {
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (Core.Fused) {
        F.refuse(Core.Softmax, "the attention is one operator already");
        continue;
      }
      OuterCore C;
      C.Scores = F.outside(Core.Scores);
      C.Softmax = F.outside(Core.Softmax);
      C.Values = F.outside(Core.Values);
      if (!C.Scores || !C.Softmax || !C.Values) {
        F.refuse(Core.Softmax, "it stands in the body of a function, which "
                               "would have to be inlined first (unfuse)");
        continue;
      }
      if (C.Scores == C.Values) {
        F.refuse(C.Scores, "the attention is one kernel already");
        continue;
      }
      if (M[C.Scores].Parent != M[C.Values].Parent) {
        F.refuse(Core.Softmax, "its products stand in different graphs");
        continue;
      }
      llvm::DenseMap<ValueId, bool> Known;
      for (ValueId In : M[C.Values].Inputs)
        if (dependsOn(In, C, Known))
          C.Probabilities = In;
      Fn(Core, C);
    }
}

//===----------------------------------------------------------------------===//
// fuse-scale
//===----------------------------------------------------------------------===//

/// What N multiplies or divides by one number; none if it does not.
ValueId CoreFuser::scaledBy(NodeId N) const {
  if (!N || (M[N].Kind != OpKind::Mul && M[N].Kind != OpKind::Div))
    return ValueId();
  ValueId Left = M[N].Inputs[0], Right = M[N].Inputs[1];
  if (oneElement(Right))
    return Left;
  return M[N].Kind == OpKind::Mul && oneElement(Left) ? Right : ValueId();
}

/// Scales that follow the product, with the views between it and them; End
/// becomes what comes of them.
void CoreFuser::addScalesBelow(NodeId Scores, llvm::SetVector<NodeId> &To,
                               ValueId &End) {
  End = M[Scores].Outputs[0];
  llvm::SmallVector<NodeId, 4> Views;
  for (ValueId V = End; NodeId N = onlyReader(V);) {
    if (M[N].Outputs.size() != 1)
      return;
    if (scaledBy(N) == V) {
      To.insert(Views.begin(), Views.end());
      To.insert(N);
      Views.clear();
      V = End = M[N].Outputs[0];
      continue;
    }
    if (!(opTraits(M[N].Kind) & trait::View) || M[N].Inputs[0] != V)
      return;
    Views.push_back(N);
    V = M[N].Outputs[0];
  }
}

/// Scales of one operand of the product, with the views between them and it.
void CoreFuser::addScalesAbove(ValueId Operand, llvm::SetVector<NodeId> &To) {
  llvm::SmallVector<NodeId, 4> Views;
  for (ValueId V = Operand; V && onlyReader(V);) {
    const NodeId N = M[V].Producer;
    if (!N || M[N].Inputs.empty())
      return;
    if (ValueId Scaled = scaledBy(N)) {
      To.insert(Views.begin(), Views.end());
      To.insert(N);
      Views.clear();
      V = Scaled;
      continue;
    }
    if (!(opTraits(M[N].Kind) & trait::View))
      return;
    Views.push_back(N);
    V = M[N].Inputs[0];
  }
}

void CoreFuser::fuseScale(const AttentionCore &Core, const OuterCore &C) {
  if (C.Scores != Core.Scores)
    return F.refuse(C.Scores, "the product is in a kernel already");
  llvm::SetVector<NodeId> Nodes;
  ValueId Result;
  addScalesBelow(C.Scores, Nodes, Result);
  for (ValueId Operand : M[C.Scores].Inputs)
    addScalesAbove(Operand, Nodes);
  if (Nodes.empty())
    return F.refuse(C.Scores,
                    Core.Scaled
                        ? "between the product and its scale stands another "
                          "operation, or another reader"
                        : "nothing scales the scores by one number");
  Nodes.insert(C.Scores);
  F.fuse(Nodes.getArrayRef(), Result, ScaledScoresName, C.Scores);
}

//===----------------------------------------------------------------------===//
// fuse-mask-softmax, fuse-attention
//===----------------------------------------------------------------------===//

std::string CoreFuser::whyNotByRows(const OuterCore &C) const {
  llvm::SmallVector<NodeId, 16> Sorted(C.Between.begin(), C.Between.end());
  llvm::sort(Sorted,
             [&](NodeId X, NodeId Y) { return F.position(X) < F.position(Y); });
  return xfa::whyNotByRows(M, A.Facts, {Sorted, C.Softmax, C.Values});
}

void CoreFuser::fuseMaskSoftmax(const OuterCore &C) {
  if (C.Softmax == C.Scores || C.Softmax == C.Values)
    return F.refuse(C.Softmax, "the softmax is in a kernel already");
  llvm::SmallVector<NodeId, 8> Nodes;
  for (NodeId N : C.Between)
    if (!(opTraits(M[N].Kind) & trait::View))
      Nodes.push_back(N);
  if (Nodes.size() < 2)
    return F.refuse(C.Softmax,
                    "neither scale nor mask stands beside the softmax");
  if (std::string Why = whyNotByRows(C); !Why.empty())
    return F.refuse(C.Softmax, Why);
  F.fuse(C.Between.getArrayRef(), C.Probabilities, MaskSoftmaxName, C.Softmax);
}

void CoreFuser::fuseAttention(const OuterCore &C) {
  if (std::string Why = whyNotByRows(C); !Why.empty())
    return F.refuse(C.Softmax, Why);
  llvm::SetVector<NodeId> Nodes(C.Between.begin(), C.Between.end());
  for (ValueId Operand : M[C.Scores].Inputs)
    addScalesAbove(Operand, Nodes);
  Nodes.insert(C.Scores);
  Nodes.insert(C.Values);
  F.fuse(Nodes.getArrayRef(), M[C.Values].Outputs[0], AttentionName, C.Softmax);
}

template <typename FnT> llvm::Error runOnCores(PassContext &Context, FnT Fn) {
  llvm::Expected<const ModelAnalysis *> A = Context.analysis();
  if (!A)
    return A.takeError();
  if ((*A)->Found.Blocks.empty())
    return llvm::Error::success();
  CoreFuser Fuser(Context, **A);
  Fuser.forEachCore(
      [&](const AttentionCore &Core, OuterCore &C) { Fn(Fuser, Core, C); });
  return llvm::Error::success();
}

} // namespace

/// QKᵀ and its scaling, wherever it stands.
llvm::Error fuseScale(PassContext &Context) {
  return runOnCores(Context, [](CoreFuser &F, const AttentionCore &Core,
                                OuterCore &C) { F.fuseScale(Core, C); });
}

/// What stands between the two products.
llvm::Error fuseMaskSoftmax(PassContext &Context) {
  return runOnCores(Context, [](CoreFuser &F, const AttentionCore &,
                                OuterCore &C) { F.fuseMaskSoftmax(C); });
}

/// The core from Q, K and V to its result: the scores never leave the chip.
llvm::Error fuseAttention(PassContext &Context) {
  return runOnCores(Context, [](CoreFuser &F, const AttentionCore &,
                                OuterCore &C) { F.fuseAttention(C); });
}

} // namespace xfa
