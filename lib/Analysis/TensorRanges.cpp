//===- TensorRanges.cpp ---------------------------------------------------===//

#include "TensorRanges.h"

#include "ConstantPlane.h"

#include "xfa/Analysis/AxisLinks.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

TensorRanges::TensorRanges(const FlatGraph &G)
    : G(G), M(G.M), Ranges(M.Values.size()), Given(M.Values.size()) {
  for (ValueId In : M.main().Inputs)
    Given[In.Index] = true;
  for (NodeId N : G.order()) {
    if (G.kind(N) == OpKind::Constant)
      continue;
    bool ReadsInputs = !readsShapeOnly(G.kind(N)) && reads(N, Given);
    for (auto [Out, V] : llvm::enumerate(M[N].Outputs))
      if (V) {
        Given[V.Index] = ReadsInputs;
        Ranges[V.Index] = result(N, static_cast<unsigned>(Out));
      }
  }
}

bool TensorRanges::reads(NodeId N, const std::vector<bool> &Which) const {
  // What bodies read is not listed.
  if (M[N].hasBody())
    return true;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
    if (ValueId V = G.operand(N, I); V && Which[G.canonical(V).Index])
      return true;
  return false;
}

/// What positions are, and numbers of them.
static Interval ofPositions() {
  return Interval::between(-static_cast<double>(Unlimited),
                           static_cast<double>(Unlimited));
}

Interval TensorRanges::operator[](ValueId V) const {
  V = G.canonical(V);
  if (!V)
    return Interval::anything();
  if (G.Facts[V].Elem == ElemType::Bool)
    return Interval::unknownBool();
  // Weights are data, and not read: only tables that are small, or square as
  // masks are.
  return M[V].Const ? read(V).value_or(Interval::data()) : Ranges[V.Index];
}

std::optional<Interval> TensorRanges::read(ValueId V) const {
  if (!G.Facts[V].HasRank)
    return std::nullopt;
  ConstantReader Reader(M, G.Facts[V], M[V].Const, ConstantReader::Tables);
  std::optional<std::pair<double, double>> Range = Reader.range();
  if (!Range)
    return std::nullopt;
  return Interval::between(Range->first, Range->second);
}

Interval TensorRanges::operand(NodeId N, unsigned I) const {
  ValueId V = G.operand(N, I);
  return V ? (*this)[V] : Interval::point(0);
}

Interval TensorRanges::oneOf(NodeId N,
                             llvm::ArrayRef<unsigned> Operands) const {
  std::optional<Interval> All;
  for (unsigned I : Operands)
    if (I < M[N].Inputs.size()) {
      Interval Each = operand(N, I);
      All = All ? hull(*All, Each) : Each;
    }
  return All.value_or(Interval::anything());
}

static bool isProduct(OpKind Kind) {
  return Kind == OpKind::MatMul || Kind == OpKind::Gemm ||
         Kind == OpKind::Conv || Kind == OpKind::Einsum;
}

Interval TensorRanges::mixed(NodeId N) const {
  // A sum over positions alone grows with their number, as no score does.
  bool Sums = !(opTraits(G.kind(N)) & trait::Elementwise) && !reads(N, Given);
  for (unsigned I = 0; Sums && I < M[N].Inputs.size(); ++I)
    if (ValueId V = G.operand(N, I))
      if (!G.Facts[V].HasRank || !constantDims(G.Facts[V].Dims))
        return Interval::anything();
  for (const Attribute &A : M[N].Attributes)
    if (A.Kind == AttrKind::Float && !(std::abs(A.F) <= LargestData))
      return Interval::anything();
  // Bounds that multiply; data are no more than they are.
  double Product = 1;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId V = G.operand(N, I);
    if (!V || (isProduct(G.kind(N)) && isWeight(V)))
      continue;
    Interval Each = (*this)[V];
    if (!isModest(Each))
      return Interval::anything();
    if (!Each.LowData && !Each.HighData)
      Product *= std::max(std::abs(Each.Low), std::abs(Each.High));
  }
  return isProduct(G.kind(N)) && Product > LargestData ? Interval::anything()
                                                       : Interval::data();
}

/// A constant of more numbers than are read.
bool TensorRanges::isWeight(ValueId V) const {
  if (!M[V].Const)
    return false;
  int64_t Count = 1;
  for (Expr Dim : G.Facts[V].Dims) {
    std::optional<int64_t> Size = Dim.constant();
    if (!Size || *Size > ConstantReader::MaxTable)
      return true;
    Count *= *Size;
    if (Count > ConstantReader::MaxTable)
      return true;
  }
  return false;
}

/// Numbers that count places are 0 somewhere; data are not.
Interval TensorRanges::quotient(NodeId N, const Interval &A,
                                unsigned By) const {
  ValueId V = G.operand(N, By);
  Interval B = operand(N, By);
  if (V && G.folded(V) && !M[V].Const && B.LowData)
    return Interval::anything();
  return divide(A, B);
}

bool TensorRanges::reducesOther(
    NodeId N, unsigned I, llvm::function_ref<bool(OpKind)> Reduction) const {
  ValueId V = G.operand(N, I);
  NodeId P = V ? G.producer(V) : NodeId();
  for (unsigned Steps = 0; P && Steps < 4; ++Steps) {
    if (Reduction(G.kind(P)))
      return G.operand(P, 0) == G.operand(N, 0);
    bool Addend = G.kind(P) == OpKind::Add || G.kind(P) == OpKind::Max ||
                  G.kind(P) == OpKind::Clip;
    ValueId Least = Addend ? G.operand(P, 1) : ValueId();
    if (!Least || !M[Least].Const || !((*this)[Least].Low >= 0))
      return false;
    V = G.operand(P, 0);
    P = V ? G.producer(V) : NodeId();
  }
  return false;
}

/// A limit that is far on its own side leaves data alone.
Interval TensorRanges::limited(NodeId N) const {
  OpKind Kind = G.kind(N);
  auto IsFar = [&](unsigned I, bool Lower) {
    if (I >= M[N].Inputs.size() || !G.operand(N, I))
      return true;
    Interval Limit = operand(N, I);
    return isModest(Limit) ||
           (Lower ? Limit.High <= LargestData : Limit.Low >= -LargestData);
  };
  bool Harmless = isModest(operand(N, 0));
  if (Kind == OpKind::Clip)
    Harmless = Harmless && IsFar(1, true) && IsFar(2, false);
  else
    for (unsigned I = 1; I < M[N].Inputs.size(); ++I)
      Harmless = Harmless && IsFar(I, Kind == OpKind::Max);
  return Harmless ? Interval::data() : mixed(N);
}

Interval TensorRanges::result(NodeId N, unsigned Out) const {
  ValueId V = M[N].Outputs[Out];
  const ValueFacts &F = G.Facts[V];
  if (F.Known.Splat)
    switch (Element E = F.Known.at(0); E.kind()) {
    case Element::Float:
      return Interval::point(E.number());
    case Element::Bool:
      return Interval::point(E.boolean());
    case Element::Int:
      if (auto C = E.expr().constant())
        return Interval::point(static_cast<double>(*C));
      return ofPositions();
    default:
      break;
    }
  else if (std::optional<Interval> Known = read(V))
    return *Known;
  switch (G.kind(N)) {
  case OpKind::If: {
    auto Results = G.branchResults(N, Out);
    if (Results.size() != 2)
      return Interval::anything();
    return hull((*this)[Results[0]], (*this)[Results[1]]);
  }
  case OpKind::Dropout:
  case OpKind::TopK:
    return Out == 0 ? operand(N, 0) : Interval::data();
  case OpKind::Attention:
  case OpKind::MsAttention:
  case OpKind::MsMultiHeadAttention:
  case OpKind::MsGroupQueryAttention:
    return Interval::data(); // a mask is inside of a softmax
  case OpKind::Unknown:
    return Interval::anything();
  default:
    break;
  }
  return M[N].Callee || M[N].hasBody() ? Interval::anything() : computed(N);
}

Interval TensorRanges::computed(NodeId N) const {
  Interval A = operand(N, 0), B = operand(N, 1);
  switch (G.kind(N)) {
  case OpKind::Identity:
  case OpKind::Transpose:
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Expand:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Tile:
  case OpKind::Gather:
  case OpKind::GatherND:
  case OpKind::GatherElements:
  case OpKind::ReverseSequence:
  case OpKind::Compress:
  case OpKind::ReduceMax:
  case OpKind::ReduceMin:
    return A;
  case OpKind::Floor:
  case OpKind::Ceil:
  case OpKind::Round: {
    Interval R = A;
    R.Low = std::floor(A.Low);
    R.High = std::ceil(A.High);
    return R;
  }
  case OpKind::Concat: {
    llvm::SmallVector<unsigned, 4> All(M[N].Inputs.size());
    for (unsigned I = 0; I < All.size(); ++I)
      All[I] = I;
    return oneOf(N, All);
  }
  case OpKind::Where:
    return oneOf(N, {1, 2});
  case OpKind::OneHot:
    return operand(N, 2);
  case OpKind::Trilu:
    return hull(A, Interval::point(0));
  case OpKind::Pad:
    return hull(A, operand(N, 2));
  case OpKind::Scatter:
  case OpKind::ScatterElements:
  case OpKind::ScatterND: {
    const Attribute *Reduction = M[N].attribute("reduction");
    return Reduction && Reduction->S != "none" ? mixed(N) : oneOf(N, {0, 2});
  }
  case OpKind::Cast:
    // What a type cannot hold becomes an infinity, or wraps; any of 32 bits
    // holds positions.
    return isModest(A) || (elemBits(G.Facts[G.result(N)].Elem) >= 32 &&
                           A.Low >= -Unlimited && A.High <= Unlimited)
               ? A
               : Interval::anything();
  case OpKind::Add:
    return A + B;
  case OpKind::Sub:
    if (reducesOther(N, 1, [](OpKind K) { return K == OpKind::ReduceMax; })) {
      Interval R = A + -A;
      R.High = 0;
      R.HighData = false;
      return R;
    }
    return A + -B;
  case OpKind::Mul:
    return A * B;
  case OpKind::Div:
    if (A.Low >= 0 && !A.LowData && reducesOther(N, 1, [](OpKind K) {
          return K == OpKind::ReduceSum || K == OpKind::ReduceL1 ||
                 K == OpKind::ReduceMax;
        }))
      return Interval::between(0, 1);
    return quotient(N, A, 1);
  case OpKind::Reciprocal:
    return quotient(N, Interval::point(1), 0);
  case OpKind::Pow:
    return power(A, B);
  case OpKind::Log:
    return A.LowData && G.folded(G.operand(N, 0)) ? Interval::anything()
                                                  : logarithm(A);
  case OpKind::Neg:
    return -A;
  case OpKind::Relu:
    return larger(A, Interval::point(0));
  case OpKind::Min:
  case OpKind::Max:
  case OpKind::Clip:
    return limited(N);
  case OpKind::Exp:
    return exponential(A);
  case OpKind::Softmax:
  case OpKind::Hardmax:
  case OpKind::Sigmoid:
  case OpKind::HardSigmoid:
    return Interval::between(0, 1);
  case OpKind::Tanh:
  case OpKind::Erf:
  case OpKind::Sin:
  case OpKind::Cos:
  case OpKind::Sign:
  case OpKind::Softsign:
    return Interval::between(-1, 1);
  case OpKind::LayerNormalization:
  case OpKind::RMSNormalization:
  case OpKind::SimplifiedLayerNormalization:
  case OpKind::InstanceNormalization:
  case OpKind::GroupNormalization:
    for (unsigned I = 1; I < M[N].Inputs.size(); ++I)
      if (G.operand(N, I) && !isModest(operand(N, I)))
        return Interval::anything();
    return Interval::data();
  case OpKind::Range: {
    Interval R = ofPositions();
    if (A.isPoint() && operand(N, 2).isPoint() && operand(N, 2).Low > 0)
      R.Low = A.Low;
    return R;
  }
  case OpKind::Shape:
  case OpKind::Size:
  case OpKind::ArgMax:
  case OpKind::ArgMin:
  case OpKind::NonZero:
    return ofPositions();
  default:
    return mixed(N);
  }
}

} // namespace xfa
