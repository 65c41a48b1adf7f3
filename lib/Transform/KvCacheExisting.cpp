//===- KvCacheExisting.cpp - a cache that is there already ----------------===//
//
// A graph has a cache where an input that holds numbers, and something that is
// made anew, are put together: by Concat, by writing into the input's places,
// or inside an attention operator. What distinguishes it from an input that is
// merely put in front (an image before a text): what was put together, or the
// new part of it, leaves the graph again.
//
//===----------------------------------------------------------------------===//

#include "KvCacheExisting.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

namespace {

/// Results that hold elements of operand 0 and nothing else.
bool isView(OpKind Kind) {
  switch (Kind) {
  case OpKind::Identity:
  case OpKind::Cast:
  case OpKind::CastLike:
  case OpKind::Transpose:
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Gather:
  case OpKind::Expand:
  case OpKind::QuantizeLinear:
  case OpKind::DequantizeLinear:
    return true;
  default:
    return false;
  }
}

/// Operators that write their third operand, or second, into places of the
/// first.
bool isWrite(OpKind Kind) {
  switch (Kind) {
  case OpKind::Scatter:
  case OpKind::ScatterElements:
  case OpKind::ScatterND:
  case OpKind::TensorScatter:
    return true;
  default:
    return false;
  }
}

/// The operands of attention operators that hold earlier positions.
llvm::SmallVector<unsigned, 2> pastOperands(OpKind Kind) {
  switch (Kind) {
  case OpKind::Attention:
    return {4, 5};
  case OpKind::MsAttention:
  case OpKind::MsDecoderMaskedSelfAttention:
    return {4};
  case OpKind::MsQAttention:
    return {8};
  case OpKind::MsGroupQueryAttention:
  case OpKind::MsSparseAttention:
  case OpKind::MsPagedAttention:
    return {3, 4};
  case OpKind::MsMultiHeadAttention:
    return {6, 7};
  case OpKind::MsDecoderMaskedMultiHeadAttention:
    return {5, 6};
  default:
    return {};
  }
}

class Search {
public:
  Search(const Model &M, const ShapeFacts &Shapes, const Uses &U)
      : M(M), Shapes(Shapes), U(U) {
    for (size_t I = 0; I < M.Graphs.size(); ++I)
      for (auto [Place, V] : llvm::enumerate(M.Graphs[I].Inputs))
        if (NodeId Owner = M.Graphs[I].Owner; Owner && M[Owner].Callee)
          if (Place < M[Owner].Inputs.size())
            Given[V] = M[Owner].Inputs[Place];
    for (size_t I = 0; I < M.Graphs.size(); ++I)
      if (NodeId Owner = M.Graphs[I].Owner)
        for (auto [Place, V] : llvm::enumerate(M.Graphs[I].Outputs))
          if (V && Place < M[Owner].Outputs.size())
            Leaves[V] = M[Owner].Outputs[Place];
  }

  std::vector<ExistingCache> run() {
    std::vector<ExistingCache> Result;
    for (size_t I = 0; I < M.Nodes.size(); ++I)
      node(NodeId(I), Result);
    return Result;
  }

private:
  static constexpr unsigned MaxSteps = 256;

  void add(NodeId N, ValueId Past, std::vector<ExistingCache> &Result) {
    if (llvm::none_of(Result,
                      [&](const ExistingCache &C) { return C.Past == Past; }))
      Result.push_back({N, Past});
  }

  void node(NodeId N, std::vector<ExistingCache> &Result) {
    const Node &Op = M[N];
    for (unsigned I : pastOperands(Op.Kind))
      if (I < Op.Inputs.size() && Op.Inputs[I])
        if (ValueId Past = source(Op.Inputs[I]); isPast(Past))
          add(N, Past, Result);
    bool Joins = Op.Kind == OpKind::Concat, Writes = isWrite(Op.Kind);
    if ((!Joins && !Writes) || Op.Inputs.empty() || Op.Outputs.empty())
      return;
    ValueId Past;
    bool Anew = false, NewLeaves = false;
    for (auto [I, In] : llvm::enumerate(Op.Inputs)) {
      if (!In || (Writes && I != 0 && I != newPart(Op)))
        continue;
      ValueId From = source(In);
      if (isPast(From) && (Joins || I == 0)) {
        Past = From;
      } else if (M[From].Producer && !M[From].Const) {
        Anew = true;
        NewLeaves |= leaves(In);
      }
    }
    if (Past && Anew && (NewLeaves || leaves(Op.Outputs[0])))
      add(N, Past, Result);
  }

  static unsigned newPart(const Node &Op) {
    return Op.Kind == OpKind::TensorScatter ? 1 : 2;
  }

  /// Keys and values: [B, T, D] at least, and numbers.
  bool isPast(ValueId V) const {
    if (!V || M[V].Producer || M[V].Const || !M[V].IsInput)
      return false;
    const ValueFacts &F = Shapes[V];
    return F.HasRank && F.rank() >= 3 && F.Elem != ElemType::Int64 &&
           F.Elem != ElemType::Int32 && F.Elem != ElemType::Bool;
  }

  /// What V is a view of; writes into it are seen through.
  ValueId source(ValueId V) const {
    for (unsigned Steps = 0; Steps < MaxSteps; ++Steps) {
      NodeId P = M[V].Producer;
      ValueId Next;
      if (!P)
        Next = Given.lookup(V);
      else if (isView(M[P].Kind) || isWrite(M[P].Kind))
        Next = M[P].Inputs.empty() ? ValueId() : M[P].Inputs[0];
      if (!Next)
        return V;
      V = Next;
    }
    return V;
  }

  /// V is an output of the graph, through views, joins and writes.
  bool leaves(ValueId V) const {
    llvm::DenseSet<ValueId> Seen;
    llvm::SmallVector<ValueId, 8> Work{V};
    while (!Work.empty() && Seen.size() < MaxSteps) {
      ValueId Each = Work.pop_back_val();
      if (!Seen.insert(Each).second)
        continue;
      if (llvm::is_contained(M.main().Outputs, Each))
        return true;
      if (ValueId Out = Leaves.lookup(Each))
        Work.push_back(Out);
      for (const Use &User : U.of(Each)) {
        const Node &Op = M[User.User];
        bool Passes = (isView(Op.Kind) && User.Operand == 0) ||
                      Op.Kind == OpKind::Concat ||
                      (isWrite(Op.Kind) &&
                       (User.Operand == 0 || User.Operand == newPart(Op)));
        if (Passes)
          for (ValueId Out : Op.Outputs)
            if (Out)
              Work.push_back(Out);
      }
    }
    return false;
  }

  const Model &M;
  const ShapeFacts &Shapes;
  const Uses &U;
  llvm::DenseMap<ValueId, ValueId> Given;  ///< operand of a function's input
  llvm::DenseMap<ValueId, ValueId> Leaves; ///< owner's result of an output
};

} // namespace

std::vector<ExistingCache>
existingCaches(const Model &M, const ShapeFacts &Shapes, const Uses &U) {
  return Search(M, Shapes, U).run();
}

} // namespace xfa::kvcache
