//===- FuseEpilogue.cpp - the pass fuse-epilogue --------------------------===//
//
// What is computed from a product element by element (bias, activation,
// residual, dequantisation) is computed before its result leaves the chip. The
// epilogue grows from the product down, through views, as long as one value
// alone leaves it.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

class Epilogue {
public:
  Epilogue(Fuser &F, PassContext &Context, const ModelAnalysis &A,
           NodeId Product)
      : F(F), M(Context.model()), Edit(Context.editor()), A(A),
        Parent(M[Product].Parent) {
    add(Product);
    while (Nodes.size() < MostNodes) {
      const NodeId Next = nextBelow();
      if (!Next)
        return;
      add(Next);
      if (!isView(Next))
        if (ValueId Only = onlyEscaping())
          Ends.push_back({Nodes.size(), Only});
    }
  }

  /// The longest that can be a kernel. Empty: there is none.
  llvm::ArrayRef<NodeId> longest(ValueId &Result) const {
    for (const auto &[Size, Only] : llvm::reverse(Ends)) {
      const auto Some = Nodes.getArrayRef().take_front(Size);
      Result = Only;
      if (F.whyNot(Some, Only).empty())
        return Some;
    }
    return {};
  }

private:
  /// More than any activation that exporters spell out.
  static constexpr size_t MostNodes = 48;

  void add(NodeId N) {
    Nodes.insert(N);
    for (ValueId V : M[N].Outputs)
      if (V)
        Values.insert(V);
  }

  const ValueFacts *facts(ValueId V) const {
    return V && V.Index < A.Facts.Values.size() && A.Facts[V].HasRank
               ? &A.Facts[V]
               : nullptr;
  }

  bool isView(NodeId N) const {
    const Node &X = M[N];
    return (opTraits(X.Kind) & trait::View) && X.Kind != OpKind::Shape &&
           Values.contains(X.Inputs[0]);
  }

  /// Each result element from one element of the product, and not the same one
  /// from several places.
  bool joins(NodeId N) const {
    const Node &X = M[N];
    if (X.Parent != Parent || Nodes.contains(N) || X.Callee)
      return false;
    if (isView(N))
      return X.Kind != OpKind::Expand;
    const bool Elementwise =
        (opTraits(X.Kind) & trait::Elementwise) || X.Kind == OpKind::Cast;
    if (!Elementwise || X.Outputs.size() != 1)
      return false;
    const ValueFacts *Out = facts(X.Outputs[0]);
    return Out && llvm::all_of(X.Inputs, [&](ValueId In) {
             if (!Values.contains(In))
               return true;
             const ValueFacts *Of = facts(In);
             return Of && numElements(*A.Store, Of->Dims) ==
                              numElements(*A.Store, Out->Dims);
           });
  }

  NodeId nextBelow() const {
    NodeId Next;
    for (ValueId V : Values)
      for (const Use &U : Edit.uses(V))
        if (joins(U.User) && (!Next || F.position(U.User) < F.position(Next)))
          Next = U.User;
    return Next;
  }

  ValueId onlyEscaping() const {
    ValueId Only;
    for (ValueId V : Values) {
      const bool Escapes =
          Edit.outputUses(V) || llvm::any_of(Edit.uses(V), [&](const Use &U) {
            return !Nodes.contains(U.User) && M[U.User].Kind != OpKind::Shape &&
                   M[U.User].Kind != OpKind::Size;
          });
      if (Escapes && Only)
        return ValueId();
      if (Escapes)
        Only = V;
    }
    return Only;
  }

  Fuser &F;
  Model &M;
  Editor &Edit;
  const ModelAnalysis &A;
  GraphId Parent;
  llvm::SmallSetVector<NodeId, 16> Nodes;
  llvm::SmallSetVector<ValueId, 16> Values;
  /// How many of Nodes, and the one value that these give to others.
  llvm::SmallVector<std::pair<size_t, ValueId>, 8> Ends;
};

/// A product, unless its epilogue is another pass's: scores are fuse-scale's.
bool isProduct(const Model &M, const ModelAnalysis &A, NodeId N) {
  if (A.Costs.Nodes[N.Index].Matrix.is(0) || M[N].Outputs.size() != 1 ||
      M[N].Callee)
    return false;
  for (const Attribute &Each : M[N].Attributes)
    if (!Each.Graphs.empty())
      return false;
  const std::optional<Role> R = A.Found.Roles[N.Index];
  return R != Role::Qk && R != Role::Av && R != Role::Attention;
}

} // namespace

/// Fires once for each product.
llvm::Error fuseEpilogue(PassContext &Context) {
  llvm::Expected<const ModelAnalysis *> Analysis = Context.analysis();
  if (!Analysis)
    return Analysis.takeError();
  const ModelAnalysis &A = **Analysis;
  const Model &M = Context.model();
  std::vector<NodeId> Products;
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    if (isProduct(M, A, NodeId(I)))
      Products.push_back(NodeId(I));
  if (Products.empty())
    return llvm::Error::success();
  Fuser F(Context);
  for (NodeId N : Products) {
    const NodeId At = F.outside(N);
    if (!At)
      F.refuse(N, "it stands in the body of a function, which would have to "
                  "be inlined first (unfuse)");
    else if (At != N)
      F.refuse(At, "the product is in a kernel already");
    else {
      ValueId Result;
      const Epilogue E(F, Context, A, N);
      const llvm::ArrayRef<NodeId> Nodes = E.longest(Result);
      if (Nodes.empty())
        F.refuse(N, "no elementwise operation follows that could be computed "
                    "on its result alone");
      else
        F.fuse(Nodes, Result, ProductName, N);
    }
  }
  return llvm::Error::success();
}

} // namespace xfa
