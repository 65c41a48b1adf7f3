//===- AttentionCores.cpp - a softmax between two contractions ------------===//

#include "Recogniser.h"

namespace xfa {

/// Steps from the softmax to a product that recognition is willing to take.
static constexpr unsigned MaxSteps = 32;

void Recogniser::findCores() {
  for (NodeId N : G.order()) {
    std::optional<FoundCore> Core;
    switch (G.kind(N)) {
    case OpKind::Softmax:
      Core = coreOfSoftmax(N, G.operand(N, 0), G.result(N));
      break;
    case OpKind::Div: {
      ValueId Input;
      llvm::SmallVector<NodeId, 4> Parts;
      if (NodeId Last = decomposedSoftmax(N, Input, Parts)) {
        Core = coreOfSoftmax(Last, Input, G.result(N));
        if (Core)
          for (NodeId Part : Parts)
            Core->Between.push_back({Part, Role::Softmax});
      }
      break;
    }
    case OpKind::Attention:
    case OpKind::MsMultiHeadAttention:
    case OpKind::MsGroupQueryAttention:
      Core = coreOfOperator(N);
      break;
    default:
      break;
    }
    if (Core)
      Cores.push_back(std::move(*Core));
  }
}

/// Exp(x) / ReduceSum(Exp(x)).
NodeId Recogniser::decomposedSoftmax(NodeId Div, ValueId &Input,
                                     llvm::SmallVectorImpl<NodeId> &Parts) {
  NodeId Exp = G.producer(G.operand(Div, 0));
  NodeId Reduce = G.producer(G.operand(Div, 1));
  if (!Exp || !Reduce || G.kind(Exp) != OpKind::Exp ||
      G.kind(Reduce) != OpKind::ReduceSum ||
      G.operand(Reduce, 0) != G.operand(Div, 0))
    return NodeId();
  Input = G.operand(Exp, 0);
  // The maximum may be taken off first.
  NodeId Sub = G.producer(Input);
  if (Sub && G.kind(Sub) == OpKind::Sub) {
    NodeId Max = G.producer(G.operand(Sub, 1));
    if (Max && G.kind(Max) == OpKind::ReduceMax &&
        G.operand(Max, 0) == G.operand(Sub, 0)) {
      Parts.append({Max, Sub});
      Input = G.operand(Sub, 0);
    }
  }
  Parts.append({Exp, Reduce});
  return Div;
}

std::optional<FoundCore>
Recogniser::coreOfSoftmax(NodeId Softmax, ValueId Input, ValueId Result) {
  if (!Input || !Result)
    return std::nullopt;
  FoundCore C;
  C.Core.Softmax = Softmax;
  if (!findValues(C, Result) || !findScores(C, Input, Input, 0))
    return std::nullopt;
  C.Between.push_back({Softmax, Role::Softmax});
  return C;
}

/// Forward from the probabilities, through no-ops, to their product with V.
bool Recogniser::findValues(FoundCore &C, ValueId Probabilities) {
  ValueId V = Probabilities;
  for (unsigned Step = 0; Step < MaxSteps; ++Step) {
    NodeId Next;
    for (NodeId Reader : G.consumers(V)) {
      if (std::optional<Contraction> Product =
              asContraction(G, Reader, Store)) {
        bool IsLeft = Product->Lhs == G.canonical(V);
        ValueId Other = IsLeft ? Product->Rhs : Product->Lhs;
        if (G.folded(Other))
          return false;
        C.Core.Values = Reader;
        C.ValueOperand = Other;
        C.Core.Result = G.result(Reader);
        return true;
      }
      // Where(IsNaN(p), 0, p): rows that are masked whole.
      bool Guard = G.kind(Reader) == OpKind::IsNaN;
      if (Guard)
        C.Between.push_back({Reader, Role::Softmax});
      else if (G.isPassThrough(Reader) || G.kind(Reader) == OpKind::Where ||
               G.kind(Reader) == OpKind::Mul)
        Next = Reader;
    }
    if (!Next)
      return false;
    C.Between.push_back({Next, Role::Softmax});
    V = G.result(Next);
    if (!V)
      return false;
  }
  return false;
}

/// Backward from the softmax, through scale, mask, bias and soft cap, to the
/// product of Q and K. The scores are what is as large as the softmax's input.
bool Recogniser::findScores(FoundCore &C, ValueId V, ValueId Like,
                            unsigned Depth) {
  NodeId N = G.producer(V);
  if (!N || Depth > MaxSteps)
    return false;
  if (std::optional<Contraction> P = asContraction(G, N, Store)) {
    if (G.folded(P->Lhs) || G.folded(P->Rhs))
      return false;
    C.Core.Scores = N;
    C.Core.Columns = P->Cols;
    C.Core.Rows = P->Rows;
    C.Core.HeadDim = P->Inner;
    C.Core.Batch = P->Batch; // times heads, until the projections are known
    C.QueryOperand = P->Lhs;
    C.KeyOperand = P->Rhs;
    return true;
  }
  auto Through = [&](ValueId From, Role R) {
    if (!From || G.folded(From) || !findScores(C, From, Like, Depth + 1))
      return false;
    C.Between.push_back({N, R});
    return true;
  };
  switch (G.kind(N)) {
  case OpKind::Mul:
  case OpKind::Div:
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Max:
  case OpKind::Min:
  case OpKind::Where: {
    unsigned First = G.kind(N) == OpKind::Where ? 1 : 0;
    for (unsigned I = First; I < First + 2; ++I) {
      ValueId From = G.operand(N, I);
      ValueId Other = G.operand(N, I == First ? First + 1 : First);
      if (!From || !Other)
        continue;
      bool Scalar = G.oneElement(Other);
      bool Multiplies = G.kind(N) == OpKind::Mul || G.kind(N) == OpKind::Div;
      bool Scales = Scalar && Multiplies && G.folded(Other);
      if (!Through(From, Scales ? Role::Scale : Role::Mask))
        continue;
      if (Scales) {
        C.Core.Scaled = true;
      } else {
        C.Core.Masked = true;
        llvm::SmallVector<ValueId, 2> Masks;
        if (G.kind(N) == OpKind::Where)
          Masks.push_back(G.operand(N, 0));
        if (!Scalar)
          Masks.push_back(Other);
        for (ValueId Mask : Masks) {
          if (!Mask)
            continue;
          C.MaskOperands.push_back(Mask);
          const ValueFacts &F = Facts[Mask];
          RowMask |= F.HasRank && F.rank() >= 2 && !F.Dims[F.rank() - 2].is(1);
          if (F.HasRank && F.rank() >= 1)
            C.Core.MaskLengths.push_back(F.Dims.back());
        }
      }
      return true;
    }
    return false;
  }
  case OpKind::Tanh: // soft cap
  case OpKind::Clip:
  case OpKind::Concat: // a sink's column
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (Through(G.operand(N, I), Role::Softmax))
        return true;
    return false;
  default:
    return G.isPassThrough(N) && Through(G.operand(N, 0), Role::Softmax);
  }
}

/// Operators that are a whole core: operands 0 to 2 are Q, K, V.
std::optional<FoundCore> Recogniser::coreOfOperator(NodeId N) {
  FoundCore C;
  C.Core.Softmax = N;
  C.Core.Fused = true;
  C.Core.Result = G.result(N);
  C.Core.Scaled = true;
  C.QueryOperand = G.operand(N, 0);
  C.KeyOperand = G.operand(N, 1);
  C.ValueOperand = G.operand(N, 2);
  if (!C.QueryOperand || !Facts[C.QueryOperand].HasRank || !C.Core.Result)
    return std::nullopt;
  auto Int = [&](llvm::StringRef Name) -> int64_t {
    const Attribute *A = M[N].attribute(Name);
    return A && A->Kind == AttrKind::Int ? A->I : 0;
  };
  const ValueFacts &Q = Facts[C.QueryOperand];
  bool Microsoft = M[N].Domain == "com.microsoft";
  int64_t Heads = Int(Microsoft ? "num_heads" : "q_num_heads");
  int64_t KvHeads = Int(Microsoft ? "kv_num_heads" : "kv_num_heads");
  bool Packed = !C.KeyOperand;
  if (Q.rank() == 4 && !Microsoft) { // [B, heads, rows, head_dim]
    C.Core.Batch = Q.Dims[0];
    C.Core.Heads = Q.Dims[1];
    C.Core.Rows = Q.Dims[2];
    C.Core.HeadDim = Q.Dims[3];
  } else if (Q.rank() == 3 && Heads > 0) { // [B, rows, heads·head_dim]
    if (KvHeads <= 0)
      KvHeads = Heads;
    int64_t Parts = Packed ? Heads + 2 * KvHeads : Heads;
    C.Core.Batch = Q.Dims[0];
    C.Core.Heads = Store.constant(Heads);
    C.Core.Rows = Q.Dims[1];
    C.Core.HeadDim = exactDiv(Q.Dims[2], Store.constant(Parts));
    C.Core.KvHeads = Store.constant(KvHeads);
  } else {
    return std::nullopt;
  }
  C.Core.ValueDim = C.Core.HeadDim;
  C.Core.Columns = C.Core.Rows;
  if (!Packed && Facts[C.KeyOperand].HasRank) {
    const ValueFacts &K = Facts[C.KeyOperand];
    if (K.rank() == 4) {
      C.Core.Columns = K.Dims[2];
      C.Core.KvHeads = K.Dims[1];
    } else if (K.rank() == 3) {
      C.Core.Columns = K.Dims[1];
    }
  }
  if (Packed)
    C.KeyOperand = C.ValueOperand = C.QueryOperand;
  // Earlier positions: the past operand's length comes before.
  unsigned PastIndex =
      Microsoft ? (G.kind(N) == OpKind::MsGroupQueryAttention ? 3 : 6) : 4;
  ValueId Past = G.operand(N, PastIndex);
  if (Past && Facts[Past].HasRank && Facts[Past].rank() == 4) {
    C.Core.Cached = true;
    C.Core.PastKey = Past;
    C.Core.PastValue = G.operand(N, PastIndex + 1);
    C.Core.Columns = Facts[Past].Dims[2] + C.Core.Columns;
  }
  C.Core.Masked = Int("is_causal") != 0 || Int("unidirectional") != 0 ||
                  G.kind(N) == OpKind::MsGroupQueryAttention ||
                  (!Microsoft && G.operand(N, 3)) ||
                  (G.kind(N) == OpKind::MsMultiHeadAttention &&
                   (G.operand(N, 4) || G.operand(N, 5)));
  C.Between.push_back({N, Role::Attention});
  return C;
}

} // namespace xfa
