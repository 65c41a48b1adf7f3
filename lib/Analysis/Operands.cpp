//===- Operands.cpp -------------------------------------------------------===//

#include "xfa/Analysis/Operands.h"

#include "ExpandedView.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

bool isFreeView(const Model &M, NodeId Id, const ShapeFacts &Facts,
                const CountingOptions &Options) {
  const Node &N = M[Id];
  if (N.Inputs.empty() || !N.Inputs[0] || N.Outputs.empty())
    return false;
  if (N.Kind == OpKind::Cast || N.Kind == OpKind::CastLike) {
    ElemType From = Facts[N.Inputs[0]].Elem;
    ElemType To = N.Outputs[0] ? Facts[N.Outputs[0]].Elem : ElemType::Undefined;
    return From != ElemType::Undefined &&
           countedType(From, Options) == countedType(To, Options);
  }
  // A Shape costs nothing either, but what it gives is no view of the tensor.
  if (!(opTraits(N.Kind) & trait::View) || N.Kind == OpKind::Shape)
    return false;
  if (N.Kind == OpKind::Dropout && N.Inputs.size() > 2 && N.Inputs[2] &&
      Facts[N.Inputs[2]].Known.at(0).truth() != Truth::False)
    return false; // it trains, or may
  if (Options.Layout == LayoutPolicy::Fused)
    return true;
  switch (N.Kind) {
  case OpKind::Transpose:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Expand:
    return false;
  default:
    return true;
  }
}

namespace {

class Resolver {
public:
  Resolver(const Model &M, const ShapeFacts &Facts, ExprStore &Store,
           const CountingOptions &Options)
      : M(M), Facts(Facts), Store(Store), Options(Options) {
    Result.resize(M.Values.size());
  }

  std::vector<Operand> run() {
    for (size_t I = 0; I < M.Values.size(); ++I)
      Result[I] = itself(ValueId(I));
    resolveGraph(M.main());
    return std::move(Result);
  }

private:
  Operand itself(ValueId V) {
    Operand Op;
    Op.Root = V;
    Op.Weight = M[V].IsInitializer;
    if (Facts[V].HasRank)
      Op.Elements = numElements(Store, Facts[V].Dims);
    return Op;
  }

  void resolveGraph(const Graph &G) {
    for (NodeId Id : G.Nodes)
      resolveNode(Id);
  }

  void resolveNode(NodeId Id) {
    const Node &N = M[Id];
    if (N.Callee) {
      const Graph &Body = M[N.Callee];
      for (auto [Inner, Outer] : llvm::zip(Body.Inputs, N.Inputs))
        if (Outer)
          Result[Inner.Index] = Result[Outer.Index];
      resolveGraph(Body);
      for (auto [Outer, Inner] : llvm::zip(N.Outputs, Body.Outputs))
        if (Outer && Inner)
          Result[Outer.Index] = Result[Inner.Index];
      return;
    }
    for (const Attribute &A : N.Attributes)
      for (GraphId Body : A.Graphs)
        resolveGraph(M[Body]);

    if (dequantises(N.Kind) && N.Inputs.size() >= 2 && N.Inputs[0] &&
        Result[N.Inputs[0].Index].Weight && N.Outputs[0] &&
        !llvm::is_contained(M.main().Outputs, N.Outputs[0])) {
      Operand Op = Result[N.Inputs[0].Index]; // C14
      for (ValueId With : llvm::drop_begin(N.Inputs))
        if (With)
          Op.Alongside.push_back(With);
      Result[N.Outputs[0].Index] = Op;
      return;
    }
    if (isFreeView(M, Id, Facts, Options))
      resolveView(N);
  }

  Shape distinct(const Node &N, const Operand &From, ValueId Out) {
    const ValueFacts &Old = Facts[N.Inputs[0]], &New = Facts[Out];
    if (!Old.HasRank || !New.HasRank ||
        (From.Distinct.empty() &&
         (N.Kind != OpKind::Expand ||
          From.Elements != numElements(Store, Old.Dims))))
      return {};
    switch (N.Kind) {
    case OpKind::Expand:
      return distinctAfterExpand(From.Distinct, Old.Dims, New.Dims);
    case OpKind::Slice:
    case OpKind::Split:
      return distinctAfterSlice(From.Distinct, Old.Dims, New.Dims);
    case OpKind::Transpose: {
      const Attribute *Permutation = N.attribute("perm");
      return distinctAfterTranspose(From.Distinct,
                                    Permutation ? Permutation->Ints
                                                : llvm::ArrayRef<int64_t>());
    }
    default:
      return distinctAfterReshape(From.Distinct, Old.Dims, New.Dims);
    }
  }

  void resolveView(const Node &N) {
    const Operand From = Result[N.Inputs[0].Index];
    for (auto [O, Out] : llvm::enumerate(N.Outputs)) {
      if (!Out)
        continue;
      if (N.Kind == OpKind::Dropout && O > 0)
        continue; // the mask is a tensor of its own
      Operand Op = From;
      Op.Distinct = distinct(N, From, Out);
      if (N.Kind == OpKind::Slice || N.Kind == OpKind::Split) {
        // Only the slice is read; of an expanded tensor no more than it has.
        Expr Part = itself(Out).Elements;
        Expr All = itself(N.Inputs[0]).Elements;
        if (!Part || !From.Elements)
          Op.Elements = Expr();
        else if (!Op.Distinct.empty())
          Op.Elements = numElements(Store, Op.Distinct);
        else if (Part != All)
          Op.Elements = From.Elements == All ? Part : min(Part, From.Elements);
        Op.Whole = From.Whole && Part == All;
      }
      Result[Out.Index] = Op;
    }
  }

  const Model &M;
  const ShapeFacts &Facts;
  ExprStore &Store;
  const CountingOptions &Options;
  std::vector<Operand> Result;
};

} // namespace

std::vector<Operand> resolveOperands(const Model &M, const ShapeFacts &Facts,
                                     ExprStore &Store,
                                     const CountingOptions &Options) {
  return Resolver(M, Facts, Store, Options).run();
}

Expr weightOrTensorBytes(const Operand &Op, Expr Count, const ValueFacts &Root,
                         const CountingOptions &Options) {
  ElemType Type = countedType(Root.Elem, Options);
  bool Matrix = Op.Weight && Root.rank() >= 2 && isFloat(Root.Elem);
  if (!Options.Weights || !Matrix)
    return bytesOf(Count, Type);
  Expr Bytes = bytesOf(Count, *Options.Weights);
  // A scale, in the activations' type, for each group; without groups one a
  // tensor, which is an immediate (C12).
  if (Options.WeightGroup > 0)
    Bytes += bytesOf(ceilDiv(Count, Options.WeightGroup), Type);
  return Bytes;
}

bool becomesOutput(const Model &M, const Uses &U, const ShapeFacts &Facts,
                   ValueId V, const CountingOptions &Options) {
  llvm::SmallVector<ValueId, 8> Work = {V};
  while (!Work.empty()) {
    ValueId Each = Work.pop_back_val();
    if (U.isOutput(Each))
      return true;
    for (Use By : U.of(Each)) {
      const Node &N = M[By.User];
      if (By.Operand == 0 && N.Outputs.size() == 1 && N.Outputs[0] &&
          isFreeView(M, By.User, Facts, Options))
        Work.push_back(N.Outputs[0]);
    }
  }
  return false;
}

} // namespace xfa
