//===- SplitQkv.cpp - the pass split-qkv ----------------------------------===//
//
// The inverse of packing. A kernel that pack-qkv made gives back its products.
// One product whose result the file splits along its width becomes one product
// a part, each with its columns of the weight: slices of a constant, which no
// runtime computes twice (C7) and which are read where they lie (C10). Where
// the width is taken apart first, [heads, 3, d] or [groups, heads + 2, d], the
// parts are along one of these axes, and the columns of a part are not side by
// side in the weight.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"
#include "WidthSplit.h"

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
      : M(Context.model()), Edit(Context.editor()), A(A), Product(Product),
        Apart(M, Edit, A.Facts) {}

  /// Why it cannot be split; empty: it can.
  std::string whyNot();
  void split();

private:
  bool sameRows(ValueId V) const;
  std::string addLink(NodeId N);
  std::string findParts(NodeId Split);
  std::string findSlices(ValueId Whole);
  std::string findPieces(NodeId Regroup);
  /// The shape of the product, without it.
  void keepShape(NodeId Reader);
  GraphId graph() const { return M[Product].Parent; }
  /// The nodes of the chain once more, of the columns of one part.
  ValueId copyOf(unsigned Part);
  /// The part of each constant that has one element a column.
  ValueId columns(ValueId Constant, unsigned Part);
  ValueId reshaped(ValueId V, llvm::ArrayRef<int64_t> Dims) {
    return Edit.make(graph(), "Reshape", {V, Edit.intVector(Dims)});
  }
  /// The part of one piece, as what picked it gave it.
  ValueId piece(const WidthPiece &P, ValueId Part);

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
  NodeId Regroup;   ///< a Reshape that makes axes of the width; often none
  WidthSplit Apart; ///< into which parts it is cut then
  llvm::SmallVector<NodeId, 2> ShapeReaders;
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
    llvm::SmallVector<NodeId, 3> Readers;
    for (const Use &U : Edit.uses(V)) {
      if (M[U.User].Parent != graph())
        return "its result is used in another graph";
      // Its shape is that of what it multiplies but for the width.
      if (M[U.User].Kind == OpKind::Shape && M[U.User].Attributes.empty() &&
          sameRows(V))
        ShapeReaders.push_back(U.User);
      else
        Readers.push_back(U.User);
    }
    if (Readers.empty())
      return "nothing reads '" + M[V].Name.str() + "'";
    const NodeId Next = Readers.front();
    if (M[Next].Kind == OpKind::Slice)
      return findSlices(V);
    if (Readers.size() != 1)
      return "'" + M[V].Name.str() + "' has more than one reader";
    if (M[Next].Kind == OpKind::Split)
      return findParts(Next);
    if (M[Next].Kind == OpKind::Reshape && known(M[Next].Outputs[0]) != Width)
      return findPieces(Next);
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

/// V has a row for each one of what the product multiplies.
bool Splitter::sameRows(ValueId V) const {
  const ValueFacts &X = A.Facts[M[Product].Inputs[0]], &F = A.Facts[V];
  const Attribute *Turned = M[Product].attribute("transA");
  return X.HasRank && F.HasRank && X.rank() == F.rank() &&
         !(Turned && Turned->I != 0) &&
         std::equal(F.Dims.begin(), F.Dims.end() - 1, X.Dims.begin());
}

std::string Splitter::findPieces(NodeId N) {
  Regroup = N;
  if (M[N].OpsetVersion < SliceByInputs)
    return "it is from before Slice took its bounds as operands";
  for (ValueId Weight : M[Product].Inputs.drop_front())
    for (Expr D : A.Facts[Weight].Dims)
      if (!D.constant())
        return "the shape of its weight is not known";
  return Apart.find(N);
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
    const int64_t Along = Rows ? 0 : A.Facts[Constant].rank() - 1;
    const Attribute Axis = Edit.intAttr("axis", Along + Apart.Cut);
    llvm::SmallVector<ValueId, 2> Inputs = {Constant};
    // The shape of a part, or of all with axes in the place of the width.
    auto Dims = [&](llvm::ArrayRef<int64_t> OfWidth) {
      llvm::SmallVector<int64_t, 4> Result;
      for (auto [I, D] : llvm::enumerate(A.Facts[Constant].Dims))
        if (static_cast<int64_t>(I) == Along)
          Result.append(OfWidth.begin(), OfWidth.end());
        else
          Result.push_back(*D.constant());
      return Result;
    };
    if (Regroup)
      Inputs[0] = reshaped(Constant, Dims(Apart.Factors));
    const llvm::ArrayRef<int64_t> Cuts = Regroup ? Apart.Sizes : Sizes;
    llvm::SmallVector<Attribute, 2> Attributes = {Axis};
    if (Edit.opsetVersion("") >= SplitByInputs)
      Inputs.push_back(Edit.intVector(Cuts));
    else
      Attributes.push_back(Edit.intsAttr("split", Cuts));
    NodeSpec Spec;
    Spec.Op = "Split";
    Spec.Inputs = Inputs;
    Spec.Attributes = Attributes;
    Spec.NumOutputs = static_cast<unsigned>(Sizes.size());
    const NodeId Made = Edit.makeNode(graph(), Spec);
    llvm::SmallVector<ValueId, 3> Made3(M[Made].Outputs);
    if (Regroup)
      for (auto [I, V] : llvm::enumerate(Made3))
        V = reshaped(V, Dims({Sizes[I]}));
    Columns[Constant] = std::move(Made3);
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
    Last =
        Edit.make(In, M[N].Op, Inputs,
                  llvm::SmallVector<Attribute, 2>(M[N].Attributes), M[N].Name);
    Before = M[N].Outputs[0];
  }
  return Last;
}

ValueId Splitter::piece(const WidthPiece &P, ValueId Part) {
  for (NodeId N : P.Path) {
    llvm::SmallVector<ValueId, 2> Inputs(M[N].Inputs);
    Inputs[0] = Part;
    Part =
        Edit.make(graph(), M[N].Op, Inputs,
                  llvm::SmallVector<Attribute, 2>(M[N].Attributes), M[N].Name);
  }
  if (!P.Drops)
    return Part;
  if (Edit.opsetVersion("") >= SplitByInputs)
    return Edit.make(graph(), "Squeeze", {Part, Edit.intVector({*P.Drops})});
  return Edit.make(graph(), "Squeeze", {Part},
                   {Edit.intsAttr("axes", {*P.Drops})});
}

void Splitter::keepShape(NodeId Reader) {
  const ValueId Shape = Edit.make(graph(), "Shape", {M[Product].Inputs[0]});
  const ValueId Rows = Edit.make(
      graph(), "Slice", {Shape, Edit.intVector({0}), Edit.intVector({-1})});
  Edit.replaceAllUses(M[Reader].Outputs[0],
                      Edit.make(graph(), "Concat",
                                {Rows, Edit.intVector({Width})},
                                {Edit.intAttr("axis", 0)}));
}

void Splitter::split() {
  for (NodeId Reader : ShapeReaders)
    keepShape(Reader);
  if (!Regroup) {
    for (auto [I, Part] : llvm::enumerate(Parts))
      Edit.replaceAllUses(Part, copyOf(I));
    return;
  }
  for (int64_t Size : Apart.Sizes)
    Sizes.push_back(Width / Apart.Factors[Apart.Cut] * Size);
  // Rows as the file has them, then the axes of a part.
  const int64_t Lead = A.Facts[M[Regroup].Outputs[0]].rank() -
                       static_cast<int64_t>(Apart.Factors.size());
  llvm::SmallVector<ValueId, 3> Whole;
  for (unsigned Part = 0; Part < Apart.Sizes.size(); ++Part) {
    const ValueId Lengths = Edit.make(
        graph(), "Slice",
        {M[Regroup].Inputs[1], Edit.intVector({0}), Edit.intVector({Lead})});
    const ValueId Dims = Edit.make(
        graph(), "Concat", {Lengths, Edit.intVector(Apart.factorsOf(Part))},
        {Edit.intAttr("axis", 0)});
    Whole.push_back(
        Edit.make(graph(), "Reshape", {copyOf(Part), Dims},
                  llvm::SmallVector<Attribute, 2>(M[Regroup].Attributes),
                  M[Regroup].Name));
  }
  for (const WidthPiece &P : Apart.Pieces)
    Edit.replaceAllUses(P.Result, piece(P, Whole[P.Part]));
  // All of it is as long as its first part but along the axis that is cut.
  for (const WidthShape &S : Apart.Shapes) {
    const ValueId First =
        piece({ValueId(), 0, 0, S.Path, std::nullopt}, Whole[0]);
    const ValueId Lengths = Edit.make(graph(), "Shape", {First});
    const int64_t Rank = static_cast<int64_t>(S.Axes.size()),
                  At = llvm::find(S.Axes, static_cast<int>(Apart.Cut)) -
                       S.Axes.begin();
    auto Some = [&](int64_t From, int64_t To) {
      return Edit.make(graph(), "Slice",
                       {Lengths, Edit.intVector({From}), Edit.intVector({To})});
    };
    Edit.replaceAllUses(
        M[S.Reader].Outputs[0],
        Edit.make(graph(), "Concat",
                  {Some(0, At), Edit.intVector({Apart.Factors[Apart.Cut]}),
                   Some(At + 1, Rank)},
                  {Edit.intAttr("axis", 0)}));
  }
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
