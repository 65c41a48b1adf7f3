//===- AttentionCores.cpp - a softmax between two contractions ------------===//

#include "Recogniser.h"
#include "SoftmaxAxis.h"

namespace xfa {

/// Steps from the softmax to a product that recognition is willing to take.
static constexpr unsigned MaxSteps = 32;

void Recogniser::findCores() {
  for (NodeId N : G.order()) {
    std::optional<FoundCore> Core;
    switch (G.kind(N)) {
    case OpKind::Softmax:
    case OpKind::MsQLinearSoftmax:
      Core = coreOfSoftmax({N, N, G.operand(N, 0), G.result(N), {}, {}});
      break;
    case OpKind::MsBiasSoftmax:
      Core = coreOfSoftmax({N, N, G.operand(N, 0), G.result(N), {}, {}});
      if (Core) {
        Core->Core.Masked = true;
        Core->MaskOperands.push_back(G.operand(N, 1));
      }
      break;
    case OpKind::Exp:
    case OpKind::Div:
      if (std::optional<SpelledSoftmax> S = spelledSoftmax(N))
        Core = coreOfSoftmax(*S);
      break;
    default:
      Core = coreOfOperator(N);
      break;
    }
    if (Core)
      Cores.push_back(std::move(*Core));
  }
}

/// Exp(LogSoftmax(x)); Exp(x) / ReduceSum(Exp(x)), the maximum taken off first
/// or not; the same with the division after the product with V.
std::optional<SpelledSoftmax> Recogniser::spelledSoftmax(NodeId N) const {
  SpelledSoftmax S;
  S.Node = N;
  S.Result = G.result(N);
  if (G.kind(N) == OpKind::Exp) {
    NodeId Log = G.producer(G.operand(N, 0));
    if (!Log || G.kind(Log) != OpKind::LogSoftmax)
      return std::nullopt;
    S.Axis = Log;
    S.Input = G.operand(Log, 0);
    S.Parts.push_back(Log);
    return S;
  }
  NodeId Reduce = G.producer(G.strip(G.operand(N, 1)));
  if (!Reduce || G.kind(Reduce) != OpKind::ReduceSum)
    return std::nullopt;
  ValueId Terms = G.operand(Reduce, 0);
  NodeId Exp = G.producer(Terms);
  if (!Exp || G.kind(Exp) != OpKind::Exp)
    return std::nullopt;
  S.Axis = Reduce;
  S.Input = G.operand(Exp, 0);
  S.Parts.append({Exp, Reduce});
  if (G.operand(N, 0) != Terms) {
    // Sums of exponentials divide what A·V gives.
    S.Node = Exp;
    S.Result = Terms;
    S.Divides = N;
  }
  NodeId Sub = G.producer(S.Input);
  if (Sub && G.kind(Sub) == OpKind::Sub) {
    NodeId Max = G.producer(G.operand(Sub, 1));
    if (Max && G.kind(Max) == OpKind::ReduceMax &&
        G.operand(Max, 0) == G.operand(Sub, 0)) {
      S.Parts.append({Max, Sub});
      S.Input = G.operand(Sub, 0);
    }
  }
  return S;
}

std::optional<FoundCore> Recogniser::coreOfSoftmax(const SpelledSoftmax &S) {
  if (!S.Input || !S.Result || !Facts[S.Input].HasRank)
    return std::nullopt;
  std::optional<int64_t> Axis = axisOf(G, S.Axis, Facts[S.Input].rank());
  FoundCore C;
  C.Core.Softmax = S.Node;
  C.Core.Scored = S.Input;
  if (!Axis || !findValues(C, S.Result, *Axis) ||
      !findScores(C, S.Input, *Axis, 0))
    return std::nullopt;
  C.Core.KeyAxis = static_cast<unsigned>(*Axis);
  if (S.Divides) {
    if (G.strip(G.operand(S.Divides, 0)) != G.strip(C.Core.Result))
      return std::nullopt;
    C.Core.Result = G.result(S.Divides);
    C.Between.push_back({S.Divides, Role::Softmax});
  }
  for (NodeId Part : S.Parts)
    C.Between.push_back({Part, Role::Softmax});
  C.Between.push_back({S.Node, Role::Softmax});
  return C;
}

/// Forward from the probabilities, through no-ops, to their product with V,
/// that sums over the softmax's axis.
bool Recogniser::findValues(FoundCore &C, ValueId Probabilities, int64_t Axis) {
  ValueId V = Probabilities;
  for (unsigned Step = 0; Step < MaxSteps; ++Step) {
    NodeId Next;
    for (NodeId Reader : G.consumers(V)) {
      if (std::optional<Contraction> Product =
              asContraction(G, Reader, Store)) {
        bool IsLeft = Product->Lhs == G.canonical(V);
        ValueId Other = IsLeft ? Product->Rhs : Product->Lhs;
        if (G.folded(Other) || !sumsOver(G, Reader, IsLeft ? 0 : 1, Axis))
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
      else if (G.isPassThrough(Reader) || quantises(G.kind(Reader)) ||
               plainKind(G.kind(Reader)) == OpKind::Where ||
               plainKind(G.kind(Reader)) == OpKind::Mul)
        Next = Reader;
    }
    if (!Next)
      return false;
    C.Between.push_back({Next, Role::Softmax});
    unsigned Input = 0;
    while (G.operand(Next, Input) != G.canonical(V))
      ++Input;
    std::optional<int64_t> After = axisAfter(G, Next, Input, Axis, Store);
    V = G.result(Next);
    if (!V || !After)
      return false;
    Axis = *After;
  }
  return false;
}

/// Backward from the softmax, through scale, mask, bias and soft cap, to the
/// product of Q and K. K is the operand that the softmax's axis comes from.
bool Recogniser::findScores(FoundCore &C, ValueId V, int64_t Axis,
                            unsigned Depth) {
  // An operand that is met on many ways is searched once.
  auto [It, New] = NoScores.try_emplace({V, Axis}, MaxSteps + 1);
  if (Depth >= It->second || scoresBehind(C, V, Axis, Depth))
    return Depth < It->second;
  NoScores[{V, Axis}] = Depth;
  return false;
}

bool Recogniser::scoresBehind(FoundCore &C, ValueId V, int64_t Axis,
                              unsigned Depth) {
  NodeId N = G.producer(V);
  if (!N || Depth > MaxSteps)
    return false;
  if (std::optional<Contraction> P = asContraction(G, N, Store)) {
    if (G.folded(P->Lhs) || G.folded(P->Rhs))
      return false;
    std::optional<unsigned> Side = sideOf(G, N, Axis);
    if (!Side)
      return false;
    bool Swapped = *Side == 0; // K·Qᵀ
    C.Core.Scores = N;
    // FusedMatMul and Gemm scale what they give.
    const Attribute *Alpha = M[N].attribute("alpha");
    C.Core.Scaled |= Alpha && Alpha->Kind == AttrKind::Float && Alpha->F != 1;
    C.Core.Columns = Facts[G.result(N)].Dims[Axis];
    C.Core.Rows = Swapped ? P->Cols : P->Rows;
    C.Core.HeadDim = P->Inner;
    C.Core.Batch = P->Batch; // times heads, until the projections are known
    C.QueryOperand = Swapped ? P->Rhs : P->Lhs;
    C.KeyOperand = Swapped ? P->Lhs : P->Rhs;
    return true;
  }
  auto Through = [&](unsigned Input, Role R) {
    ValueId From = G.operand(N, Input);
    if (!From || G.folded(From))
      return false;
    std::optional<int64_t> Before = axisBefore(G, N, Input, Axis, Store);
    if (!Before || !findScores(C, From, *Before, Depth + 1))
      return false;
    C.Between.push_back({N, R});
    return true;
  };
  const OpKind Kind = plainKind(G.kind(N));
  switch (Kind) {
  case OpKind::Mul:
  case OpKind::Div:
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Max:
  case OpKind::Min:
  case OpKind::Where: {
    const auto [First, Second] = dataOperands(G.kind(N));
    for (unsigned I : {First, Second}) {
      ValueId From = G.operand(N, I);
      ValueId Other = G.operand(N, I == First ? Second : First);
      if (!From || !Other)
        continue;
      bool Scalar = G.oneElement(Other);
      bool Multiplies = Kind == OpKind::Mul || Kind == OpKind::Div;
      bool Scales = Scalar && Multiplies && G.folded(Other);
      // One number that the data tell: the scale of a product of integers.
      bool Dequantises = Scalar && Multiplies && !Scales;
      if (!Through(I, Scales        ? Role::Scale
                      : Dequantises ? Role::Qk
                                    : Role::Mask))
        continue;
      if (Scales) {
        C.Core.Scaled = true;
      } else if (!Dequantises) {
        C.Core.Masked = true;
        llvm::SmallVector<ValueId, 2> Masks;
        if (Kind == OpKind::Where)
          Masks.push_back(G.operand(N, 0));
        if (!Scalar)
          Masks.push_back(Other);
        for (ValueId Mask : Masks) {
          if (!Mask)
            continue;
          C.MaskOperands.push_back(Mask);
          const ValueFacts &F = Facts[Mask];
          C.RowMask |= hidesByRow(Mask);
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
      if (Through(I, Role::Softmax))
        return true;
    return false;
  default:
    return (G.isPassThrough(N) || quantises(G.kind(N))) &&
           Through(0, Role::Softmax);
  }
}

} // namespace xfa
