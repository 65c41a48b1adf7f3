//===- MaskProofNodes.cpp - what one node makes of its operands' bounds ---===//

#include "MaskProofOperands.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

Interval MaskProof::node(NodeId N, unsigned Out, const Index &At) {
  Operands Ops(*this, N, Out, At);
  switch (G.kind(N)) {
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Concat:
  case OpKind::Pad:
  case OpKind::Gather:
  case OpKind::GatherND:
  case OpKind::Tile:
    return moved(N, At, Ops);
  case OpKind::Range:
  case OpKind::ConstantOfShape:
  case OpKind::EyeLike:
  case OpKind::Trilu:
  case OpKind::CumSum:
    return generated(N, At, Ops);
  default:
    return computed(N, Ops);
  }
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Interval MaskProof::arithmetic(OpKind Kind, const Interval &A,
                               const Interval &B) {
  if (A.Exact && B.Exact) {
    switch (Kind) {
    case OpKind::Add:
      return Interval::exact(A.Exact + B.Exact);
    case OpKind::Sub:
      return Interval::exact(A.Exact - B.Exact);
    case OpKind::Mul:
      return Interval::exact(A.Exact * B.Exact);
    case OpKind::Max:
      return Interval::exact(max(A.Exact, B.Exact));
    case OpKind::Min:
      return Interval::exact(min(A.Exact, B.Exact));
    default:
      break;
    }
  }
  Interval X = bounds(A), Y = bounds(B);
  switch (Kind) {
  case OpKind::Pow:
    return power(X, Y);
  case OpKind::Add:
    return X + Y;
  case OpKind::Sub:
    return X + -Y;
  case OpKind::Mul:
    return X * Y;
  case OpKind::Div:
    // Places are 0 where nothing says otherwise; data are not.
    if (B.Exact && isLess(Store.constant(0), B.Exact) != Truth::True &&
        isLess(B.Exact, Store.constant(0)) != Truth::True)
      return Interval::anything();
    return divide(X, Y);
  case OpKind::Max:
    return larger(X, Y);
  case OpKind::Min:
    return smaller(X, Y);
  default:
    return isModest(X) && isModest(Y) ? Interval::data() : Interval::anything();
  }
}

static Interval boolean(Truth T) {
  return T == Truth::Unknown ? Interval::unknownBool()
                             : Interval::point(T == Truth::True);
}

static Truth negate(Truth T) {
  return T == Truth::Unknown ? T
         : T == Truth::True  ? Truth::False
                             : Truth::True;
}

Interval MaskProof::comparison(OpKind Kind, const Interval &A,
                               const Interval &B) {
  bool Swap = Kind == OpKind::Greater || Kind == OpKind::GreaterOrEqual;
  const Interval &L = Swap ? B : A, &R = Swap ? A : B;
  bool Strict = Kind == OpKind::Less || Kind == OpKind::Greater;
  if (L.Exact && R.Exact) {
    if (Kind == OpKind::Equal)
      return boolean(equal(apply(L.Exact), apply(R.Exact)));
    return boolean(Strict ? isLess(L.Exact, R.Exact)
                          : isLessEqual(L.Exact, R.Exact));
  }
  Interval X = bounds(L), Y = bounds(R);
  auto Below = [](const Interval &X, const Interval &Y, bool Strict) {
    return !X.HighData && !Y.LowData &&
           (Strict ? X.High < Y.Low : X.High <= Y.Low);
  };
  if (Kind == OpKind::Equal) {
    if (Below(X, Y, true) || Below(Y, X, true))
      return Interval::point(0);
    return X.isPoint() && Y.isPoint() && X.Low == Y.Low
               ? Interval::point(1)
               : Interval::unknownBool();
  }
  if (Below(X, Y, Strict))
    return Interval::point(1);
  if (Below(Y, X, !Strict))
    return Interval::point(0);
  return Interval::unknownBool();
}

Interval MaskProof::computed(NodeId N, Operands &Ops) {
  ValueId Result = M[N].Outputs[Ops.Out];
  OpKind Kind = G.kind(N);
  switch (Kind) {
  case OpKind::Identity:
  case OpKind::Transpose:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Expand:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Dropout:
    if (Ops.Out != 0 && Kind == OpKind::Dropout)
      return unknownOf(Result);
    return Ops.get(0);
  case OpKind::Cast: {
    Interval I = Ops.get(0);
    if (isInteger(G.Facts[Result].Elem) && !I.Exact)
      I = truncated(I);
    if (G.Facts[Result].Elem != ElemType::Bool)
      return I;
    if (I.Exact)
      return boolean(negate(equal(apply(I.Exact), Store.constant(0))));
    if (I.isPoint())
      return Interval::point(I.Low != 0);
    return Interval::unknownBool();
  }
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Mul:
  case OpKind::Div:
  case OpKind::Mod:
  case OpKind::Pow: {
    Interval A = Ops.get(0), B = Ops.get(1);
    // Chunks: positions of one sign divided by a size.
    bool Whole = isInteger(G.Facts[Result].Elem) && A.Exact && B.Exact &&
                 isLessEqual(Store.constant(0), A.Exact) == Truth::True &&
                 isLess(Store.constant(0), B.Exact) == Truth::True;
    if (Whole && Kind == OpKind::Div)
      return Interval::exact(floorDiv(A.Exact, B.Exact));
    if (Whole && Kind == OpKind::Mod)
      return Interval::exact(mod(A.Exact, B.Exact));
    Interval I = arithmetic(Kind, A, B);
    return Kind == OpKind::Div && isInteger(G.Facts[Result].Elem) && !I.Exact
               ? truncated(I)
               : I;
  }
  case OpKind::Sqrt: {
    Interval Of = Ops.get(0), I = bounds(Of);
    if (I.hasData() || I.Low < 0)
      return unknownOf(Result);
    // An input has something along each axis.
    if (Of.Exact && llvm::any_of(M.main().Inputs, [&](ValueId V) {
          return llvm::is_contained(G.Facts[V].Dims, Of.Exact);
        }))
      I.Low = std::max(I.Low, 1.0);
    return Interval::between(std::sqrt(I.Low), std::sqrt(I.High));
  }
  case OpKind::Reciprocal:
    return arithmetic(OpKind::Div, Interval::point(1), Ops.get(0));
  case OpKind::Max:
  case OpKind::Min:
  case OpKind::Sum: {
    OpKind Each = Kind == OpKind::Sum ? OpKind::Add : Kind;
    Interval I = Ops.get(0);
    for (unsigned A = 1; A < Ops.Values.size(); ++A)
      I = arithmetic(Each, I, Ops.get(A));
    return I;
  }
  case OpKind::Clip: {
    Interval I = Ops.get(0);
    if (Ops.has(1))
      I = arithmetic(OpKind::Max, I, Ops.scalar(1));
    if (Ops.has(2))
      I = arithmetic(OpKind::Min, I, Ops.scalar(2));
    return I;
  }
  case OpKind::Neg: {
    Interval I = Ops.get(0);
    return I.Exact ? Interval::exact(-I.Exact) : -I;
  }
  case OpKind::Abs: {
    Interval I = Ops.get(0);
    if (I.Exact && isLessEqual(Store.constant(0), I.Exact) == Truth::True)
      return I;
    if (I.Exact && isLessEqual(I.Exact, Store.constant(0)) == Truth::True)
      return Interval::exact(-I.Exact);
    I = bounds(I);
    return larger(I, -I);
  }
  case OpKind::Relu:
    return larger(bounds(Ops.get(0)), Interval::point(0));
  case OpKind::Exp:
  case OpKind::Sigmoid:
  case OpKind::Softmax: {
    Interval I = bounds(Kind == OpKind::Softmax ? value(Ops.Values[0], Ops.At)
                                                : Ops.get(0));
    if (isMasked(I) &&
        (Kind != OpKind::Softmax || sharesOutColumns(N, Ops.At, I))) {
      assumeFill(I);
      return Interval::point(0);
    }
    return Kind == OpKind::Exp ? exponential(I) : Interval::between(0, 1);
  }
  case OpKind::ReduceMax:
  case OpKind::ReduceLogSumExp:
    return largestColumn(Ops).value_or(unknownOf(Result));
  case OpKind::Log: {
    Interval I = Ops.get(0);
    if (I.Exact && isLess(Store.constant(0), I.Exact) != Truth::True)
      return Interval::anything();
    return logarithm(bounds(I));
  }
  case OpKind::Not:
    return boolean(negate(Ops.get(0).truth()));
  case OpKind::And:
  case OpKind::Or:
  case OpKind::Xor: {
    Truth A = Ops.get(0).truth();
    Truth Decides = Kind == OpKind::And ? Truth::False : Truth::True;
    if (Kind != OpKind::Xor && A == Decides)
      return boolean(A);
    Truth B = Ops.get(1).truth();
    if (Kind != OpKind::Xor && B == Decides)
      return boolean(B);
    if (A == Truth::Unknown || B == Truth::Unknown)
      return Interval::unknownBool();
    return boolean(Kind == OpKind::Xor   ? (A == B ? Truth::False : Truth::True)
                   : Kind == OpKind::And ? Truth::True
                                         : Truth::False);
  }
  case OpKind::Equal:
  case OpKind::Less:
  case OpKind::LessOrEqual:
  case OpKind::Greater:
  case OpKind::GreaterOrEqual:
    return comparison(Kind, Ops.get(0), Ops.get(1));
  case OpKind::Where: {
    Interval Chosen = Ops.get(0);
    Truth T = Chosen.truth();
    if (T == Truth::True)
      return Ops.get(1);
    if (T == Truth::False)
      return Ops.get(2);
    return hull(bounds(Ops.get(1)), bounds(Ops.get(2)));
  }
  case OpKind::If: {
    auto Branches = G.branchResults(N, Ops.Out);
    if (Branches.size() != 2)
      return unknownOf(Result);
    Interval A = value(Branches[0], Ops.At), B = value(Branches[1], Ops.At);
    return A.Exact && A.Exact == B.Exact ? A : hull(bounds(A), bounds(B));
  }
  case OpKind::ScatterND:
    if (writesInPlace(N))
      return value(Ops.Values[2], Ops.At);
    [[fallthrough]];
  case OpKind::Unknown:
  case OpKind::Scatter:
  case OpKind::ScatterElements:
  case OpKind::TensorScatter:
  case OpKind::GatherElements:
  case OpKind::Loop:
  case OpKind::Scan:
    return unknownOf(Result);
  default:
    return unknownOf(Result);
  }
}

} // namespace xfa
