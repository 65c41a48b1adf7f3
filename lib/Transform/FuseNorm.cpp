//===- FuseNorm.cpp - the pass fuse-norm ----------------------------------===//
//
// A norm that is spelled out (mean, deviation, square, root, division, weight,
// bias) becomes one kernel.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// A norm with what else works on its inner values alone: some exporters write
/// x·a + (b − mean·a) for (x − mean)·a + b.
class WholeNorm {
public:
  WholeNorm(Model &M, Editor &Edit, const ShapeFacts &Facts,
            const Normalisation &Found)
      : Result(Found.Result), M(M), Edit(Edit), Facts(Facts),
        Input(Found.Input) {
    Nodes.insert(Found.Nodes.begin(), Found.Nodes.end());
    while (Escaping.clear(), findEscaping(), Escaping.size() > 1)
      if (!grow())
        return;
    if (!Escaping.empty())
      Result = Escaping.front();
  }

  llvm::SetVector<NodeId> Nodes;
  ValueId Result;

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

  Model &M;
  Editor &Edit;
  const ShapeFacts &Facts;
  ValueId Input;
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
  for (const Normalisation &Each : Norms) {
    const NodeId First = Each.Nodes.front();
    const NodeId At = F.outside(First);
    if (!At)
      F.refuse(First, "it stands in the body of a function, which would have "
                      "to be inlined first (unfuse)");
    else if (At != First)
      F.refuse(At, "the norm is in a kernel already");
    else if (Each.Nodes.size() < 2)
      F.refuse(First, "the norm is one operator already");
    else {
      const WholeNorm Whole(Context.model(), Context.editor(), (*A)->Facts,
                            Each);
      F.fuse(Whole.Nodes.getArrayRef(), Whole.Result, "Norm", First);
    }
  }
  return llvm::Error::success();
}

} // namespace xfa
