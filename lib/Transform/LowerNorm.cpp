//===- LowerNorm.cpp - norms as operators ---------------------------------===//
//
// (x − mean(x)) / √(mean((x − mean(x))²) + ε) · weight + bias, or the same
// without the mean and the bias, over the last axis. ONNX Runtime has operators
// that add a residual before, and give the sum too; ai.onnx has none.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::lowering {

namespace {

struct Norm {
  ValueId Input, Weight, Bias, Result;
  bool Centred = false;
  double Epsilon = 0;
  NodeId Sum; ///< Add of a residual, which gives Input
  /// Input under other names.
  llvm::SmallVector<ValueId, 1> Aliases;
};

class NormMatcher {
public:
  explicit NormMatcher(const Kernel &K) : K(K), M(K.M) {}
  /// Empty, or why it is none.
  std::string run();
  Norm N;
  NodeSet Nodes;
  bool IsOperator = false; ///< but for the residual

private:
  NodeId take(ValueId V, llvm::ArrayRef<OpKind> Kinds);
  std::string oneOperator(NodeId Id);
  std::string spelledOut(ValueId V);
  std::string quotient(ValueId V);
  /// √(mean of squares + ε), of the deviation that comes back.
  ValueId rootOf(ValueId V);
  ValueId meanSquares(ValueId V);
  ValueId denominator(ValueId V);
  /// Before its mean was taken off; V itself if none was.
  ValueId centred(ValueId V, bool &Centred);
  std::string types(ValueId Normalised);
  void residual();

  const Kernel &K;
  const Model &M;
};

/// What computes V, if it is of one of these kinds.
NodeId NormMatcher::take(ValueId V, llvm::ArrayRef<OpKind> Kinds) {
  const NodeId Id = K.producer(K.strip(V, Nodes));
  if (!Id || !llvm::is_contained(Kinds, M[Id].Kind))
    return NodeId();
  Nodes.insert(Id);
  return Id;
}

/// V before Add of the constant ε, then the mean of squares.
ValueId NormMatcher::meanSquares(ValueId V) {
  const NodeId Plus = take(V, {OpKind::Add});
  if (!Plus)
    return ValueId();
  const std::optional<double> First = K.number(M[Plus].Inputs[0]),
                              Second = K.number(M[Plus].Inputs[1]);
  if (First.has_value() == Second.has_value())
    return ValueId();
  N.Epsilon = First ? *First : *Second;
  const NodeId Mean = take(M[Plus].Inputs[First ? 1 : 0], {OpKind::ReduceMean});
  if (!Mean || !K.reducesLastAxis(Mean))
    return ValueId();
  const NodeId Square = take(M[Mean].Inputs[0], {OpKind::Pow, OpKind::Mul});
  if (!Square)
    return ValueId();
  const ValueId Of = M[Square].Inputs[0];
  const bool IsSquare = M[Square].Kind == OpKind::Mul
                            ? M[Square].Inputs[1] == Of
                            : K.number(M[Square].Inputs[1]) == 2.0;
  return IsSquare ? Of : ValueId();
}

ValueId NormMatcher::rootOf(ValueId V) {
  const NodeId Root = take(V, {OpKind::Sqrt, OpKind::Pow});
  if (!Root ||
      (M[Root].Kind == OpKind::Pow && K.number(M[Root].Inputs[1]) != 0.5))
    return ValueId();
  return meanSquares(M[Root].Inputs[0]);
}

/// The deviation by whose root V is one.
ValueId NormMatcher::denominator(ValueId V) {
  const NodeId Id = take(V, {OpKind::Reciprocal, OpKind::Div, OpKind::Pow});
  if (!Id)
    return ValueId();
  if (M[Id].Kind == OpKind::Reciprocal)
    return rootOf(M[Id].Inputs[0]);
  if (M[Id].Kind == OpKind::Div)
    return K.number(M[Id].Inputs[0]) == 1.0 ? rootOf(M[Id].Inputs[1])
                                            : ValueId();
  return K.number(M[Id].Inputs[1]) == -0.5 ? meanSquares(M[Id].Inputs[0])
                                           : ValueId();
}

ValueId NormMatcher::centred(ValueId V, bool &Centred) {
  V = K.strip(V, Nodes);
  const NodeId Minus = K.producer(V);
  Centred = Minus && M[Minus].Kind == OpKind::Sub;
  if (!Centred)
    return V;
  const NodeId Mean = take(M[Minus].Inputs[1], {OpKind::ReduceMean});
  if (!Mean || !K.reducesLastAxis(Mean) ||
      K.strip(M[Mean].Inputs[0], Nodes) != K.strip(M[Minus].Inputs[0], Nodes))
    return ValueId();
  Nodes.insert(Minus);
  return K.strip(M[Minus].Inputs[0], Nodes);
}

std::string NormMatcher::quotient(ValueId V) {
  const NodeId Last = take(V, {OpKind::Div, OpKind::Mul});
  if (!Last)
    return "it does not divide by a root of a mean of squares";
  ValueId Over, Deviation;
  if (M[Last].Kind == OpKind::Div) {
    Over = M[Last].Inputs[0];
    Deviation = rootOf(M[Last].Inputs[1]);
  } else {
    for (unsigned I : {1u, 0u}) {
      const NodeSet Before = Nodes;
      Over = M[Last].Inputs[1 - I];
      Deviation = denominator(M[Last].Inputs[I]);
      if (Deviation)
        break;
      Nodes = Before;
    }
  }
  if (!Deviation)
    return "it does not divide by √(mean of squares over the last axis + ε)";
  bool OverCentred = false;
  const ValueId Of = centred(Over, OverCentred),
                Squared = centred(Deviation, N.Centred);
  if (!Of || Of != Squared || OverCentred != N.Centred)
    return "what it divides is not what it takes the root of";
  N.Input = Of;
  return {};
}

/// Weight and bias in the result's type; normalised in float: as the operators
/// do it.
std::string NormMatcher::types(ValueId Normalised) {
  const ElemType Result = K.facts(N.Result).Elem;
  const NodeId Narrow = K.producer(Normalised);
  if (Narrow && M[Narrow].Kind == OpKind::Cast) {
    const NodeId Widen = K.producer(N.Input);
    if (!Widen || M[Widen].Kind != OpKind::Cast ||
        K.facts(M[Widen].Inputs[0]).Elem != Result)
      return "its input and its result are of different types";
    Nodes.insert(Widen);
    if (K.facts(N.Input).Elem != ElemType::Float32)
      return "it computes in " + elemTypeName(K.facts(N.Input).Elem).str() +
             ", the operator in fp32";
    N.Input = K.strip(M[Widen].Inputs[0], Nodes);
  } else if (Result != ElemType::Float32) {
    return "it computes in " + elemTypeName(Result).str() +
           ", the operator in fp32";
  }
  return {};
}

std::string NormMatcher::spelledOut(ValueId V) {
  V = K.strip(V, Nodes);
  // An operand that is a vector as wide as the last axis; none.
  auto Vector = [&](NodeId Id, ValueId &Other) {
    for (unsigned I : {0u, 1u})
      if (K.isVectorOf(M[Id].Inputs[I], M[Id].Outputs[0]) &&
          (!K.producer(M[Id].Inputs[I]) || K.folded(M[Id].Inputs[I]))) {
        Other = M[Id].Inputs[1 - I];
        return M[Id].Inputs[I];
      }
    return ValueId();
  };
  if (const NodeId Plus = K.producer(V); Plus && M[Plus].Kind == OpKind::Add) {
    N.Bias = Vector(Plus, V);
    if (!N.Bias)
      return "'" + M.label(Plus) + "' adds no vector as wide as the last axis";
    Nodes.insert(Plus);
    V = K.strip(V, Nodes);
  }
  const NodeId Times = K.producer(V);
  if (Times && M[Times].Kind == OpKind::Mul)
    N.Weight = Vector(Times, V);
  if (!N.Weight)
    return "it has no weight as wide as the last axis";
  Nodes.insert(Times);
  ValueId Normalised = K.strip(V, Nodes), Inner = Normalised;
  if (const NodeId Narrow = K.producer(Normalised);
      Narrow && M[Narrow].Kind == OpKind::Cast) {
    Nodes.insert(Narrow);
    Inner = M[Narrow].Inputs[0];
  }
  if (std::string Why = quotient(Inner); !Why.empty())
    return Why;
  if (N.Bias && !N.Centred)
    return "it adds a bias, and no mean is taken off";
  return types(Normalised);
}

std::string NormMatcher::oneOperator(NodeId Id) {
  Nodes.insert(Id);
  IsOperator = true;
  const Node &X = M[Id];
  N.Centred = X.Kind == OpKind::LayerNormalization;
  N.Input = X.Inputs[0];
  N.Weight = X.Inputs.size() > 1 ? X.Inputs[1] : ValueId();
  N.Bias = N.Centred && X.Inputs.size() > 2 ? X.Inputs[2] : ValueId();
  const Attribute *Axis = X.attribute("axis"), *Eps = X.attribute("epsilon"),
                  *Stash = X.attribute("stash_type");
  N.Epsilon = Eps ? Eps->F : 1e-5;
  if (Axis && Axis->I != -1 && Axis->I != K.facts(N.Input).rank() - 1)
    return "it is not over the last axis";
  if (Stash && Stash->I != 1)
    return "it does not compute in fp32";
  if (K.facts(N.Input).Elem == ElemType::Float64)
    return "it is in fp64";
  if (!N.Weight || K.facts(N.Weight).Elem != K.facts(N.Input).Elem)
    return "its weight is of another type than its input";
  if (!K.isVectorOf(N.Weight, N.Input) ||
      (N.Bias && !K.isVectorOf(N.Bias, N.Input)))
    return "its weight is no vector as wide as the last axis";
  return {};
}

void NormMatcher::residual() {
  const NodeId Add = K.producer(N.Input);
  if (Add && M[Add].Kind == OpKind::Add &&
      llvm::all_of(M[Add].Inputs, [&](ValueId V) {
        return K.facts(V).HasRank && K.facts(V).Dims == K.facts(N.Input).Dims;
      }))
    N.Sum = Add;
}

std::string NormMatcher::run() {
  // Its results: the norm, and the sum that it is of.
  for (ValueId V : K.body().Outputs) {
    const NodeId Id = K.producer(V);
    if (!Id)
      return "it gives an operand back";
    Nodes.clear();
    N = Norm();
    N.Result = V;
    const bool Operator = M[Id].Kind == OpKind::LayerNormalization ||
                          M[Id].Kind == OpKind::RMSNormalization ||
                          M[Id].Kind == OpKind::SimplifiedLayerNormalization;
    IsOperator = false;
    const std::string Why = Operator ? oneOperator(Id) : spelledOut(V);
    if (Why.empty()) {
      residual();
      return {};
    }
    if (V == K.body().Outputs.back())
      return Why;
  }
  return "it gives nothing";
}

/// Of input and skip, with their sum as the fourth result.
void makeSkip(Maker &Make, const Norm &N, llvm::StringRef Op, bool GivesSum) {
  Editor &E = Make.E;
  const Node Add = E.model()[N.Sum];
  llvm::SmallVector<ValueId, 4> Inputs = {Add.Inputs[0], Add.Inputs[1],
                                          Make.outer(N.Weight)};
  if (N.Bias)
    Inputs.push_back(Make.outer(N.Bias));
  const NodeId New = Make.node(Op, Inputs, {E.floatAttr("epsilon", N.Epsilon)},
                               "com.microsoft", GivesSum ? 4 : 1);
  Make.replace(N.Result, E.model()[New].Outputs[0]);
  if (!GivesSum)
    return;
  // Mean and deviation are not wanted.
  E.model()[New].Outputs[1] = E.model()[New].Outputs[2] = ValueId();
  const ValueId Sum = E.model()[New].Outputs[3];
  for (ValueId Alias : N.Aliases)
    Make.replace(Alias, Sum);
  Make.replace(N.Input, Sum);
}

void makePlain(Maker &Make, const Norm &N, llvm::StringRef Op) {
  Editor &E = Make.E;
  llvm::SmallVector<ValueId, 3> Inputs = {Make.outer(N.Input),
                                          Make.outer(N.Weight)};
  if (N.Bias)
    Inputs.push_back(Make.outer(N.Bias));
  Make.replace(N.Result, Make.value(Op, Inputs,
                                    {E.intAttr("axis", -1),
                                     E.floatAttr("epsilon", N.Epsilon)}));
}

} // namespace

Answer lowerNorm(const Kernel &K, Target T) {
  NormMatcher Match(K);
  if (std::string Why = Match.run(); !Why.empty())
    return Answer::no(Why);
  Norm N = Match.N;
  for (NodeId Id : Match.Nodes)
    if (NodeSet Through; K.strip(K.M[Id].Outputs[0], Through) == N.Input)
      N.Aliases.push_back(K.M[Id].Outputs[0]);
  const ValueFacts &Input = K.facts(N.Input);
  const bool HasSkip = T == Target::Ort && N.Sum && Input.HasRank &&
                       (Input.rank() == 2 || Input.rank() == 3);
  if (Match.IsOperator && !HasSkip)
    return Answer::no(
        T == Target::Ort
            ? "SkipLayerNormalization is for operands of rank 2 or 3"
            : "the norm is an operator already, and ai.onnx has none that adds "
              "the residual");
  // ONNX Runtime has both plain norms in ai.onnx of every version.
  int Version = 1;
  for (const OpsetImport &Import : K.M.Opsets)
    if (Import.Domain.empty())
      Version = static_cast<int>(Import.Version);
  Part P;
  P.Nodes = Match.Nodes;
  if (HasSkip) {
    P.Nodes.insert(N.Sum);
    P.Op = N.Centred ? "SkipLayerNormalization"
                     : "SkipSimplifiedLayerNormalization";
  } else {
    P.Op = N.Centred ? "LayerNormalization"
           : T == Target::Ort && Version < OpsetOfOnnx23 //
               ? "SimplifiedLayerNormalization"
               : "RMSNormalization";
  }
  llvm::SmallVector<ValueId, 3> Results = {N.Result, N.Input};
  Results.append(N.Aliases);
  if (std::optional<llvm::StringRef> Leak = K.leaking(P.Nodes, Results))
    return Answer::no("'" + *Leak + "' inside the norm is used beside it");
  // ONNX Runtime 1.32 crashes on a function with this operator in it, which the
  // kernel stays where it does more.
  if (P.Op == "SimplifiedLayerNormalization" &&
      llvm::any_of(K.body().Nodes, [&](NodeId Id) {
        return K.M[Id].Kind != OpKind::Constant && !P.Nodes.contains(Id);
      }))
    return Answer::no("it adds a residual of rank " +
                      std::to_string(Input.HasRank ? Input.rank() : 0) +
                      ", and SkipSimplifiedLayerNormalization is for rank 2 "
                      "or 3");
  const std::string Op = P.Op;
  const bool GivesSum = K.leaking(P.Nodes, {N.Result}).has_value();
  P.Make = [N, Op, HasSkip, GivesSum](Maker &Make) {
    HasSkip ? makeSkip(Make, N, Op, GivesSum) : makePlain(Make, N, Op);
  };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
