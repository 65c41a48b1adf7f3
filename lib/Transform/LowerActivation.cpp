//===- LowerActivation.cpp - activations as operators ---------------------===//
//
// Exporters write GELU in many orders. What a body computes is brought into a
// normal form: a polynomial in x and in t, the erf, tanh or sigmoid of a
// polynomial in x. GELU is 0.5·x + 0.5·x·t with t = erf(x/√2), or with t =
// tanh(√(2/π)·(x + 0.044715·x³)) by its approximation; with a sigmoid, x·t.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <map>

namespace xfa::lowering {

namespace {

/// Coefficients by the powers of x and t.
using Polynomial = std::map<std::pair<int, int>, double>;

constexpr int MostPower = 4;
/// More than any activation that exporters spell out; bounds the recursion.
constexpr size_t MostNodes = 256;

struct Activation {
  enum KindTy : uint8_t { Gelu, TanhGelu, Swish };
  KindTy Kind = Gelu;
  ValueId X, Result;
  double Alpha = 1;     ///< Swish: x · sigmoid(Alpha · x)
  ValueId Biased, Bias; ///< X is their sum, and nothing else reads it
  NodeSet Nodes;
};

class ActivationMatcher {
public:
  explicit ActivationMatcher(const Kernel &K) : K(K), M(K.M) {}
  std::optional<Activation> run();

private:
  std::optional<Polynomial> evaluate(ValueId V);
  std::optional<Polynomial> uncached(ValueId V);
  /// What computes V from x, the curve of it included.
  void collect(ValueId V, NodeSet &To) const;
  std::optional<Polynomial> power(NodeId N);
  bool near(const Polynomial &P, int OfX, int OfT, double Value) const;
  bool isArgument(const Polynomial &P);
  bool isResult(const Polynomial &P) const;
  std::optional<Activation> from(ValueId X);
  void addBias(Activation &A) const;

  const Kernel &K;
  const Model &M;
  NodeId Curve; ///< the Erf, Tanh or Sigmoid
  ValueId X, CurveOut;
  double Alpha = 1, Tolerance = 0;
  llvm::DenseMap<ValueId, std::optional<Polynomial>> Known;
};

std::optional<Polynomial> product(const Polynomial &A, const Polynomial &B) {
  Polynomial Result;
  for (const auto &[I, U] : A)
    for (const auto &[J, V] : B) {
      const std::pair<int, int> Power = {I.first + J.first,
                                         I.second + J.second};
      if (Power.first > MostPower || Power.second > 1)
        return std::nullopt;
      Result[Power] += U * V;
    }
  return Result;
}

std::optional<Polynomial> ActivationMatcher::power(NodeId N) {
  const std::optional<double> By = K.number(M[N].Inputs[1]);
  const std::optional<Polynomial> Base = evaluate(M[N].Inputs[0]);
  if (!By || !Base || (*By != 2 && *By != 3))
    return std::nullopt;
  std::optional<Polynomial> Result = product(*Base, *Base);
  return Result && *By == 3 ? product(*Result, *Base) : Result;
}

/// None where V is no polynomial in x and t.
std::optional<Polynomial> ActivationMatcher::evaluate(ValueId V) {
  if (auto Seen = Known.find(V); Seen != Known.end())
    return Seen->second;
  std::optional<Polynomial> P = uncached(V);
  Known[V] = P;
  return P;
}

void ActivationMatcher::collect(ValueId V, NodeSet &To) const {
  const NodeId N = V == X || K.number(V) ? NodeId() : K.producer(V);
  if (N && To.insert(N))
    for (ValueId In : M[N].Inputs)
      collect(In, To);
}

std::optional<Polynomial> ActivationMatcher::uncached(ValueId V) {
  if (V == X)
    return Polynomial{{{1, 0}, 1}};
  if (V == CurveOut)
    return Polynomial{{{0, 1}, 1}};
  if (std::optional<double> Number = K.number(V))
    return Polynomial{{{0, 0}, *Number}};
  const NodeId N = K.producer(V);
  if (!N)
    return std::nullopt;
  const bool Same = M[N].Kind == OpKind::Identity ||
                    (M[N].Kind == OpKind::Cast &&
                     K.facts(M[N].Inputs[0]).Elem == K.facts(V).Elem);
  if (Same)
    return evaluate(M[N].Inputs[0]);
  if (M[N].Kind == OpKind::Pow)
    return power(N);
  if (M[N].Kind != OpKind::Add && M[N].Kind != OpKind::Sub &&
      M[N].Kind != OpKind::Mul && M[N].Kind != OpKind::Div)
    return std::nullopt;
  std::optional<Polynomial> A = evaluate(M[N].Inputs[0]),
                            B = evaluate(M[N].Inputs[1]);
  if (!A || !B)
    return std::nullopt;
  switch (M[N].Kind) {
  case OpKind::Mul:
    return product(*A, *B);
  case OpKind::Div: {
    const std::optional<double> By = K.number(M[N].Inputs[1]);
    if (!By || *By == 0)
      return std::nullopt;
    for (auto &[Power, Value] : *A)
      Value /= *By;
    return A;
  }
  default:
    for (const auto &[Power, Value] : *B)
      (*A)[Power] += M[N].Kind == OpKind::Add ? Value : -Value;
    return A;
  }
}

bool ActivationMatcher::near(const Polynomial &P, int OfX, int OfT,
                             double Value) const {
  const auto Found = P.find({OfX, OfT});
  return Found != P.end() &&
         std::abs(Found->second - Value) <= Tolerance * std::abs(Value);
}

/// Powers that do not cancel out.
size_t terms(const Polynomial &P) {
  return llvm::count_if(P, [](const auto &Term) { return Term.second != 0; });
}

bool ActivationMatcher::isArgument(const Polynomial &P) {
  switch (M[Curve].Kind) {
  case OpKind::Erf:
    return terms(P) == 1 && near(P, 1, 0, std::sqrt(0.5));
  case OpKind::Tanh: {
    const double Slope = std::sqrt(2 / std::acos(-1.0));
    return terms(P) == 2 && near(P, 1, 0, Slope) &&
           near(P, 3, 0, Slope * 0.044715);
  }
  default: {
    const auto Found = P.find({1, 0});
    Alpha = Found == P.end() ? 0 : Found->second;
    return terms(P) == 1 && Alpha > 0;
  }
  }
}

bool ActivationMatcher::isResult(const Polynomial &P) const {
  if (M[Curve].Kind == OpKind::Sigmoid)
    return terms(P) == 1 && near(P, 1, 1, 1);
  return terms(P) == 2 && near(P, 1, 0, 0.5) && near(P, 1, 1, 0.5);
}

/// A bias of X that nothing but the activation reads.
void ActivationMatcher::addBias(Activation &A) const {
  const NodeId Plus = K.producer(A.X);
  if (!Plus || M[Plus].Kind != OpKind::Add || K.E.outputUses(A.X) ||
      !llvm::all_of(K.E.uses(A.X), [&](const Use &U) {
        return A.Nodes.contains(U.User) || M[U.User].Kind == OpKind::Shape;
      }))
    return;
  for (unsigned I : {0u, 1u}) {
    const ValueId Bias = M[Plus].Inputs[I], Of = M[Plus].Inputs[1 - I];
    if (!K.isVectorOf(Bias, A.X) || !K.facts(Of).HasRank ||
        K.facts(Of).Dims != K.facts(A.X).Dims)
      continue;
    A.Bias = Bias;
    A.Biased = Of;
    A.Nodes.insert(Plus);
    return;
  }
}

std::optional<Activation> ActivationMatcher::from(ValueId Base) {
  X = Base;
  CurveOut = ValueId();
  Known.clear();
  const std::optional<Polynomial> Argument = evaluate(M[Curve].Inputs[0]);
  if (!Argument || !isArgument(*Argument))
    return std::nullopt;
  CurveOut = M[Curve].Outputs[0];
  Known.clear();
  for (NodeId N : K.Nodes) {
    if (M[N].Outputs.size() != 1)
      continue;
    const ValueId Result = M[N].Outputs[0];
    const std::optional<Polynomial> P = evaluate(Result);
    if (!P || !isResult(*P))
      continue;
    Activation A;
    collect(Result, A.Nodes);
    if (K.leaking(A.Nodes, {Result}))
      continue;
    A.Kind = M[Curve].Kind == OpKind::Erf    ? Activation::Gelu
             : M[Curve].Kind == OpKind::Tanh ? Activation::TanhGelu
                                             : Activation::Swish;
    A.X = X;
    A.Result = Result;
    A.Alpha = Alpha;
    addBias(A);
    return A;
  }
  return std::nullopt;
}

std::optional<Activation> ActivationMatcher::run() {
  if (K.Nodes.size() > MostNodes)
    return std::nullopt;
  for (NodeId N : K.Nodes) {
    if (M[N].Kind != OpKind::Erf && M[N].Kind != OpKind::Tanh &&
        M[N].Kind != OpKind::Sigmoid)
      continue;
    Curve = N;
    // Constants are rounded to the type of the values.
    const ElemType Elem = K.facts(M[N].Outputs[0]).Elem;
    Tolerance = Elem == ElemType::Float16    ? 1e-3
                : Elem == ElemType::BFloat16 ? 1e-2
                                             : 1e-6;
    llvm::SmallSetVector<ValueId, 16> Candidates;
    for (NodeId Each : K.Nodes)
      for (ValueId In : M[Each].Inputs)
        if (In && !K.number(In) && K.facts(In).Elem == Elem &&
            K.facts(In).HasRank && K.facts(M[N].Outputs[0]).HasRank &&
            K.facts(In).Dims == K.facts(M[N].Outputs[0]).Dims)
          Candidates.insert(In);
    for (ValueId Each : Candidates)
      if (std::optional<Activation> A = from(Each))
        return A;
  }
  return std::nullopt;
}

} // namespace

Answer lowerActivation(const Kernel &K, Target T) {
  const std::optional<Activation> Found = ActivationMatcher(K).run();
  if (!Found)
    return Answer::no(T == Target::Ort
                          ? "com.microsoft has no operator for what it computes"
                          : "ai.onnx has no operator for what it computes");
  Activation A = *Found;
  const ElemType Elem = K.facts(A.X).Elem;
  if (Elem != ElemType::Float32 && Elem != ElemType::Float16 &&
      Elem != ElemType::BFloat16)
    return Answer::no("its activation is in " + elemTypeName(Elem) +
                      ", for which there is no operator");
  Part P;
  if (T == Target::Onnx23 || A.Kind == Activation::Swish) {
    if (A.Bias) // the operators have none
      A.Nodes.remove(K.producer(A.X));
    A.Bias = A.Biased = ValueId();
  }
  if (T == Target::Onnx23 && A.Kind == Activation::Swish)
    return Answer::no("ai.onnx has an operator for x·sigmoid(x) from 24 on");
  P.Op = T == Target::Onnx23              ? "Gelu"
         : A.Kind == Activation::Swish    ? "QuickGelu"
         : A.Kind == Activation::TanhGelu ? "FastGelu"
         : A.Bias                         ? "BiasGelu"
                                          : "Gelu";
  P.Nodes = A.Nodes;
  const std::string Op = P.Op;
  P.Make = [A, Op, T](Maker &Make) {
    llvm::SmallVector<ValueId, 2> Inputs = {
        Make.outer(A.Bias ? A.Biased : A.X)};
    if (A.Bias)
      Inputs.push_back(Make.outer(A.Bias));
    llvm::SmallVector<Attribute, 1> Attributes;
    if (A.Kind == Activation::Swish)
      Attributes.push_back(Make.E.floatAttr("alpha", A.Alpha));
    if (T == Target::Onnx23)
      Attributes.push_back(Make.E.textAttr(
          "approximate", A.Kind == Activation::TanhGelu ? "tanh" : "none"));
    Make.replace(A.Result, Make.value(Op, Inputs, Attributes,
                                      T == Target::Ort ? "com.microsoft" : ""));
  };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
