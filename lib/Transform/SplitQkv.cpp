//===- SplitQkv.cpp - the pass split-qkv ----------------------------------===//
//
// The inverse of packing. A kernel that pack-qkv made gives back its products.
// One product whose result the file splits along its width becomes one product
// a part, each with its columns of the weight: slices of a constant, which no
// runtime computes twice (C7) and which are read where they lie (C10).
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

namespace xfa {

namespace {

/// The operator set in which Slice got its bounds as inputs.
constexpr int SliceByInputs = 10;
/// That in which Split got its sizes so.
constexpr int SplitByInputs = 13;

class Splitter {
public:
  Splitter(PassContext &Context, const ModelAnalysis &A, NodeId Product)
      : M(Context.model()), Edit(Context.editor()), A(A), Product(Product) {}

  /// Why it cannot be split; empty: it can.
  std::string whyNot();
  void split();

private:
  std::string addLink(NodeId N);
  std::string findParts(NodeId Split);
  std::string findSlices(ValueId Whole);
  GraphId graph() const { return M[Product].Parent; }
  /// The nodes of the chain once more, of the columns of one part.
  ValueId copyOf(unsigned Part);
  /// The part of each constant that has one element a column.
  ValueId columns(ValueId Constant, unsigned Part);

  int64_t known(ValueId V, unsigned FromLast = 0) const {
    const ValueFacts &F = A.Facts[V];
    if (!F.HasRank || F.rank() <= static_cast<int>(FromLast))
      return -1;
    std::optional<int64_t> Dim = F.Dims[F.rank() - 1 - FromLast].constant();
    return Dim.value_or(-1);
  }

  Model &M;
  Editor &Edit;
  const ModelAnalysis &A;
  NodeId Product;
  llvm::SmallVector<NodeId, 4> Chain;  ///< from Product to what is cut
  llvm::SmallVector<ValueId, 3> Parts; ///< that others use
  int64_t Width = -1;                  ///< of its result
  llvm::SmallVector<int64_t, 3> Sizes;
  llvm::DenseMap<ValueId, llvm::SmallVector<ValueId, 3>> Columns;
};

std::string Splitter::whyNot() {
  const Node &P = M[Product];
  if (P.Kind != OpKind::MatMul && P.Kind != OpKind::Gemm)
    return "its product is a " + P.Op.str() +
           ", whose weight is not split by columns here";
  const ValueId Weight = P.Inputs[1];
  if (!A.Facts[Weight].HasRank || A.Facts[Weight].rank() != 2 ||
      !A.Facts[Weight].Folded)
    return "its weight is no constant matrix";
  Width = known(P.Outputs[0]);
  if (Width < 0)
    return "the width of its product is not known";
  Chain.push_back(Product);
  for (ValueId V = P.Outputs[0];;) {
    if (Edit.outputUses(V))
      return "'" + M[V].Name.str() + "' is an output of the graph";
    const NodeId Next = Edit.uses(V)[0].User;
    if (M[Next].Parent != graph())
      return "its result is used in another graph";
    if (M[Next].Kind == OpKind::Slice)
      return findSlices(V);
    if (Edit.uses(V).size() != 1)
      return "'" + M[V].Name.str() + "' has more than one reader";
    if (M[Next].Kind == OpKind::Split)
      return findParts(Next);
    if (std::string Why = addLink(Next); !Why.empty())
      return Why;
    V = M[Next].Outputs[0];
  }
}

std::string Splitter::findParts(NodeId Split) {
  const ValueId Whole = M[Split].Inputs[0];
  const int Rank = A.Facts[Whole].HasRank ? A.Facts[Whole].rank() : -1;
  const Attribute *Axis = M[Split].attribute("axis");
  const int64_t At = Axis ? Axis->I : 0;
  if (Rank < 0 || (At < 0 ? At + Rank : At) != Rank - 1 ||
      known(Whole) != Width)
    return "its result is not split along its width";
  for (ValueId Out : M[Split].Outputs) {
    if (!Out || known(Out) < 0)
      return "the width of a part is not known";
    Sizes.push_back(known(Out));
    Parts.push_back(Out);
  }
  return {};
}

/// Slices of the width, each from where the one before it ends.
std::string Splitter::findSlices(ValueId Whole) {
  std::map<int64_t, ValueId> ByStart;
  for (const Use &U : Edit.uses(Whole)) {
    const Node &N = M[U.User];
    auto One = [&](unsigned Operand,
                   int64_t Default) -> std::optional<int64_t> {
      if (Operand >= N.Inputs.size() || !N.Inputs[Operand])
        return Default;
      const ValueFacts &F = A.Facts[N.Inputs[Operand]];
      if (!F.HasRank || !numElements(*A.Store, F.Dims).is(1))
        return std::nullopt;
      const Element E = F.Known.at(0);
      return E.kind() == Element::Int ? E.expr().constant() : std::nullopt;
    };
    const int64_t Rank = A.Facts[Whole].rank();
    const std::optional<int64_t> Start = One(1, -1), Axis = One(3, 0),
                                 Step = One(4, 1);
    if (N.Kind != OpKind::Slice || U.Operand != 0 || N.Parent != graph() ||
        !Start || *Start < 0 || Step != 1 || !Axis ||
        (*Axis != -1 && *Axis != Rank - 1) || known(N.Outputs[0]) <= 0 ||
        !ByStart.try_emplace(*Start, N.Outputs[0]).second)
      return "its result is not cut along its width, by '" + M.label(U.User) +
             "'";
  }
  int64_t End = 0;
  for (const auto &[Start, Part] : ByStart) {
    if (Start != End)
      return "the slices of its result leave something out or overlap";
    End += known(Part);
    Sizes.push_back(known(Part));
    Parts.push_back(Part);
  }
  return End == Width
             ? ""
             : "the slices of its result leave something out or overlap";
}

/// Between product and split: a bias, and reshapes that keep the width.
std::string Splitter::addLink(NodeId N) {
  const Node &X = M[N];
  const std::string No = "between product and split stands '" + M.label(N) +
                         "', which is neither a bias nor a view that keeps the "
                         "width";
  if (X.Outputs.size() != 1 || X.Inputs.size() != 2 ||
      known(X.Outputs[0]) != Width)
    return No;
  const ValueId Before = M[Chain.back()].Outputs[0];
  if (X.Kind == OpKind::Reshape) {
    if (X.Inputs[0] != Before || X.OpsetVersion < SliceByInputs)
      return No;
  } else if (X.Kind == OpKind::Add) {
    const ValueId Bias = X.Inputs[X.Inputs[0] == Before ? 1 : 0];
    if (!A.Facts[Bias].Folded || A.Facts[Bias].rank() != 1 ||
        known(Bias) != Width)
      return No;
  } else {
    return No;
  }
  Chain.push_back(N);
  return {};
}

ValueId Splitter::columns(ValueId Constant, unsigned Part) {
  auto [It, New] = Columns.try_emplace(Constant);
  if (New) {
    const Attribute *Turned = M[Product].attribute("transB");
    const bool Rows =
        Constant == M[Product].Inputs[1] && Turned && Turned->I != 0;
    const Attribute Axis =
        Edit.intAttr("axis", Rows ? 0 : A.Facts[Constant].rank() - 1);
    llvm::SmallVector<ValueId, 2> Inputs = {Constant};
    llvm::SmallVector<Attribute, 2> Attributes = {Axis};
    if (Edit.opsetVersion("") >= SplitByInputs)
      Inputs.push_back(Edit.intVector(Sizes));
    else
      Attributes.push_back(Edit.intsAttr("split", Sizes));
    NodeSpec Spec;
    Spec.Op = "Split";
    Spec.Inputs = Inputs;
    Spec.Attributes = Attributes;
    Spec.NumOutputs = static_cast<unsigned>(Sizes.size());
    const NodeId Made = Edit.makeNode(graph(), Spec);
    Columns[Constant].assign(M[Made].Outputs.begin(), M[Made].Outputs.end());
  }
  return Columns[Constant][Part];
}

ValueId Splitter::copyOf(unsigned Part) {
  const GraphId In = graph();
  ValueId Last, Before; // of the copy, of the chain
  for (NodeId N : Chain) {
    const llvm::SmallVector<ValueId, 3> Old(M[N].Inputs);
    llvm::SmallVector<ValueId, 3> Inputs = Old;
    const OpKind Kind = M[N].Kind;
    if (N == Product) {
      Inputs[1] = columns(Old[1], Part);
      // A bias of one element stands for all columns.
      if (Inputs.size() > 2 && Inputs[2] && known(Old[2]) == Width)
        Inputs[2] = columns(Old[2], Part);
    } else if (Kind == OpKind::Reshape) {
      const int64_t Rank = A.Facts[M[N].Outputs[0]].rank();
      Inputs[0] = Last;
      const ValueId Lengths =
          Edit.make(In, "Slice",
                    {Old[1], Edit.intVector({0}), Edit.intVector({Rank - 1})});
      Inputs[1] =
          Edit.make(In, "Concat", {Lengths, Edit.intVector({Sizes[Part]})},
                    {Edit.intAttr("axis", 0)});
    } else {
      const unsigned Bias = Old[0] == Before ? 1 : 0;
      Inputs[1 - Bias] = Last;
      Inputs[Bias] = columns(Old[Bias], Part);
    }
    Last = Edit.make(In, M[N].Op, Inputs,
                     llvm::SmallVector<Attribute, 2>(M[N].Attributes),
                     M[N].Name);
    Before = M[N].Outputs[0];
  }
  return Last;
}

void Splitter::split() {
  for (auto [I, Part] : llvm::enumerate(Parts))
    Edit.replaceAllUses(Part, copyOf(I));
}

} // namespace

/// Fires once for each kernel and each product.
llvm::Error splitQkv(PassContext &Context) {
  llvm::Expected<const ModelAnalysis *> Analysis = Context.analysis();
  if (!Analysis)
    return Analysis.takeError();
  const ModelAnalysis &A = **Analysis;
  Model &M = Context.model();
  if (A.Found.Blocks.empty())
    return llvm::Error::success();
  Editor &Edit = Context.editor();
  Fuser F(Context);
  llvm::SmallVector<NodeId, 8> Kernels;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention)
      for (const Projection *P : {&Core.Q, &Core.K, &Core.V})
        if (*P)
          if (const NodeId At = F.outside(P->Product);
              At && isFused(M[At], PackedQkvName) &&
              !llvm::is_contained(Kernels, At))
            Kernels.push_back(At);
  for (NodeId Kernel : Kernels) {
    Edit.inlineCall(Kernel);
    Context.fired();
  }
  if (!Kernels.empty())
    Edit.dropUncalledFunctions();
  llvm::SmallSetVector<NodeId, 8> Products;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (!Core.PackedQkv)
        continue;
      const NodeId N =
          Core.K.Product == Core.V.Product ? Core.K.Product : Core.Q.Product;
      if (F.outside(N) != N)
        F.refuse(N, "it stands in a kernel or a function, which would have to "
                    "be inlined first (unfuse)");
      else
        Products.insert(N);
    }
  for (NodeId N : Products) {
    Splitter S(Context, A, N);
    if (std::string Why = S.whyNot(); !Why.empty()) {
      F.refuse(N, Why);
      continue;
    }
    S.split();
    Context.fired();
  }
  return llvm::Error::success();
}

} // namespace xfa
