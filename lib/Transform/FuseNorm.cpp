//===- FuseNorm.cpp - the pass fuse-norm ----------------------------------===//
//
// A norm that is spelled out (mean, deviation, square, root, division, weight,
// bias) becomes one kernel. So does the sum that it is of: the residual is
// added, the sum written for the next one, and the norm taken in one sweep.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// A norm with what else works on its inner values alone: some exporters write
/// x·a + (b − mean·a) for (x − mean)·a + b.
class WholeNorm {
public:
  WholeNorm(Model &M, Editor &Edit, const ShapeFacts &Facts,
            const Normalisation &Found, llvm::DenseSet<NodeId> &Sums)
      : Result(Found.Result), M(M), Edit(Edit), Facts(Facts),
        Input(Found.Input), Sums(Sums) {
    Nodes.insert(Found.Nodes.begin(), Found.Nodes.end());
    while (Escaping.clear(), findEscaping(), Escaping.size() > 1)
      if (!grow())
        return;
    if (!Escaping.empty())
      Result = Escaping.front();
    addResidual();
  }

  using NodeSet = llvm::SetVector<NodeId>;
  NodeSet Nodes;
  ValueId Result;
  ValueId Sum; ///< the norm's input, if it is computed here
  NodeId View; ///< else what regroups a residual's sum before the norm

private:
  void findEscaping() {
    for (NodeId N : Nodes)
      for (ValueId V : M[N].Outputs)
        if (V && (Edit.outputUses(V) ||
                  llvm::any_of(Edit.uses(V), [&](const Use &U) {
                    return !Nodes.contains(U.User);
                  })))
          Escaping.push_back(V);
  }

  /// Of the norm, its input, or known when compiled.
  bool belongs(ValueId V) const {
    return !V || V == Input ||
           (V.Index < Facts.Values.size() && Facts[V].Folded) ||
           (M[V].Producer && Nodes.contains(M[V].Producer));
  }

  bool grow() {
    const size_t Before = Nodes.size();
    for (ValueId V : Escaping)
      for (const Use &U : Edit.uses(V))
        if ((opTraits(M[U.User].Kind) & trait::Elementwise) &&
            M[U.User].Parent == M[M[V].Producer].Parent &&
            llvm::all_of(M[U.User].Inputs,
                         [&](ValueId In) { return belongs(In); }))
          Nodes.insert(U.User);
    return Nodes.size() > Before;
  }

  /// The sum of two tensors of the norm's shape. (A bias alone is the product's
  /// before it.)
  void addResidual() {
    const NodeSet Casts = castsOfInput();
    const NodeId Add = M[Input].Producer;
    if (!Add || M[Add].Kind != OpKind::Add ||
        M[Add].Parent != M[Nodes.front()].Parent) {
      findView();
      return;
    }
    auto Whole = [&](ValueId V) {
      return V && V.Index < Facts.Values.size() && Facts[V].HasRank &&
             !Facts[V].Folded && Facts[V].Dims == Facts[Input].Dims;
    };
    if (!Whole(M[Add].Inputs[0]) || !Whole(M[Add].Inputs[1]))
      return;
    // The sum has one name outside, if any.
    llvm::SmallVector<ValueId, 2> Used;
    for (ValueId V = Input; V;) {
      NodeId Next;
      bool Outside = Edit.outputUses(V);
      for (const Use &U : Edit.uses(V))
        if (Casts.contains(U.User))
          Next = U.User;
        else
          Outside |= !Nodes.contains(U.User);
      if (Outside)
        Used.push_back(V);
      V = Next ? M[Next].Outputs[0] : ValueId();
    }
    if (Used.size() > 1 || !Sums.insert(Add).second)
      return;
    Nodes.insert(Casts.begin(), Casts.end());
    Nodes.insert(Add);
    Sum = Used.empty() ? Input : Used.front();
  }

  /// As OPT's exports have it: they take batch and rows together.
  void findView() {
    NodeId N = M[Input].Producer;
    if (!N || !(opTraits(M[N].Kind) & trait::View) || M[N].Inputs.empty() ||
        !M[N].Inputs[0])
      return;
    const NodeId Add = M[M[N].Inputs[0]].Producer;
    if (Add && M[Add].Kind == OpKind::Add &&
        llvm::none_of(M[Add].Inputs, [&](ValueId V) {
          return !V || V.Index >= Facts.Values.size() || Facts[V].Folded;
        }))
      View = N;
  }

  /// Casts of the input to its own type; Input becomes what they are of.
  NodeSet castsOfInput() {
    NodeSet Casts;
    for (;;) {
      const NodeId N = M[Input].Producer;
      const bool Same = N && !M[N].Inputs.empty() && M[N].Inputs[0] &&
                        M[N].Parent == M[Nodes.front()].Parent &&
                        (M[N].Kind == OpKind::Identity ||
                         (M[N].Kind == OpKind::Cast &&
                          Facts[M[N].Inputs[0]].Elem == Facts[Input].Elem));
      if (!Same)
        return Casts;
      Casts.insert(N);
      Input = M[N].Inputs[0];
    }
  }

  Model &M;
  Editor &Edit;
  const ShapeFacts &Facts;
  ValueId Input;
  llvm::DenseSet<NodeId> &Sums; ///< that norms have taken
  llvm::SmallVector<ValueId, 4> Escaping;
};

} // namespace

/// Fires once for each norm.
llvm::Error fuseNorm(PassContext &Context) {
  llvm::Expected<const ModelAnalysis *> A = Context.analysis();
  if (!A)
    return A.takeError();
  const std::vector<Normalisation> &Norms = (*A)->Found.Norms;
  if (Norms.empty())
    return llvm::Error::success();
  Fuser F(Context);
  // All are looked at before the first becomes a kernel.
  std::vector<std::pair<NodeId, WholeNorm>> Found;
  llvm::DenseSet<NodeId> Sums;
  for (const Normalisation &Each : Norms) {
    const NodeId First = Each.Nodes.front();
    const NodeId At = F.outside(First);
    if (!At)
      F.refuse(First, "it stands in the body of a function, which would have "
                      "to be inlined first (unfuse)");
    else if (At != First)
      F.refuse(At, "the norm is in a kernel already");
    else
      Found.emplace_back(First, WholeNorm(Context.model(), Context.editor(),
                                          (*A)->Facts, Each, Sums));
  }
  for (const auto &[First, Whole] : Found) {
    if (Whole.Nodes.size() < 2 && Whole.View)
      F.refuse(First, "the norm is one operator already, and the residual's "
                      "sum before it is regrouped by '" +
                          Context.model().label(Whole.View) + "'");
    else if (Whole.Nodes.size() < 2)
      F.refuse(First, "the norm is one operator already, and no residual is "
                      "added before it");
    else
      F.fuse(Whole.Nodes.getArrayRef(), {Whole.Result, Whole.Sum}, NormName,
             First);
  }
  return llvm::Error::success();
}

} // namespace xfa
