//===- FlatGraph.cpp ------------------------------------------------------===//

#include "FlatGraph.h"

#include "StreamOrder.h"

#include "xfa/Analysis/Operands.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

namespace xfa {

FlatGraph::FlatGraph(const Model &M, const ShapeFacts &Facts,
                     llvm::ArrayRef<NodeId> ElseTaken, UndecidedTy Undecided)
    : M(M), Facts(Facts), ElseTaken(ElseTaken), Undecided(Undecided),
      Positions(M.Nodes.size(), -1), Forward(M.Values.size()),
      Consumers(M.Values.size()), Output(M.Values.size(), false),
      Folded(M.Values.size(), false), Stripped(M.Values.size()) {
  StreamOrder Streams(M);
  add(M.main(), Streams);
  for (auto [Position, N] : llvm::enumerate(Order)) {
    Positions[N.Index] = static_cast<int>(Position);
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = operand(N, I))
        Consumers[In.Index].push_back(N);
  }
  for (ValueId Out : M.main().Outputs) {
    if (!Out)
      continue;
    Output[canonical(Out).Index] = true;
    const ValueFacts &F = Facts[Out];
    if (!F.HasRank || F.rank() == 0)
      continue;
    ActivationDims.push_back(F.Dims.front());
    if (F.rank() > 2)
      ActivationDims.push_back(F.Dims[F.rank() - 2]);
  }
  followViews();
}

void FlatGraph::add(const Graph &G, StreamOrder &Streams) {
  for (NodeId Id : Streams.of(G)) {
    const Node &N = M[Id];
    if (N.Callee) {
      const Graph &Body = M[N.Callee];
      for (auto [Inner, Outer] : llvm::zip(Body.Inputs, N.Inputs))
        if (Outer)
          Forward[Inner.Index] = Outer;
      add(Body, Streams);
      for (auto [Outer, Inner] : llvm::zip(N.Outputs, Body.Outputs))
        if (Outer && Inner)
          Forward[Outer.Index] = Inner;
      continue;
    }
    if (N.Kind == OpKind::If) {
      const Attribute *Then = N.attribute("then_branch");
      const Attribute *Else = N.attribute("else_branch");
      Truth Cond = N.Inputs.empty() || !N.Inputs[0]
                       ? Truth::Unknown
                       : Facts[N.Inputs[0]].Known.at(0).truth();
      if (Cond == Truth::Unknown && Undecided == Both) {
        for (const Attribute &A : N.Attributes)
          for (GraphId Body : A.Graphs)
            add(M[Body], Streams);
        Order.push_back(Id);
        continue;
      }
      if (Cond == Truth::Unknown && llvm::is_contained(ElseTaken, Id))
        Cond = Truth::False;
      const Attribute *Taken = Cond == Truth::False ? Else : Then;
      if (Taken && !Taken->Graphs.empty()) {
        const Graph &Body = M[Taken->Graphs[0]];
        add(Body, Streams);
        for (auto [Outer, Inner] : llvm::zip(N.Outputs, Body.Outputs))
          if (Outer && Inner)
            Forward[Outer.Index] = Inner;
        continue;
      }
    }
    Order.push_back(Id);
    for (const Attribute &A : N.Attributes)
      for (GraphId Body : A.Graphs)
        add(M[Body], Streams);
  }
}

bool quantises(OpKind Kind) {
  switch (Kind) {
  case OpKind::QuantizeLinear:
  case OpKind::DequantizeLinear:
  case OpKind::DynamicQuantizeLinear:
  case OpKind::MsQuantizeLinear:
  case OpKind::MsDequantizeLinear:
    return true;
  default:
    return false;
  }
}

OpKind plainKind(OpKind Kind) {
  switch (Kind) {
  case OpKind::MsQLinearAdd:
    return OpKind::Add;
  case OpKind::MsQLinearMul:
    return OpKind::Mul;
  case OpKind::MsQLinearWhere:
    return OpKind::Where;
  case OpKind::MsQLinearSigmoid:
    return OpKind::Sigmoid;
  case OpKind::MsQLinearLeakyRelu:
    return OpKind::LeakyRelu;
  case OpKind::MsQLinearSoftmax:
    return OpKind::Softmax;
  case OpKind::MsQLinearConcat:
    return OpKind::Concat;
  default:
    return Kind;
  }
}

std::pair<unsigned, unsigned> dataOperands(OpKind Kind) {
  switch (Kind) {
  case OpKind::MsQLinearAdd:
  case OpKind::MsQLinearMul:
  case OpKind::QLinearMatMul:
  case OpKind::MsQGemm:
    return {0, 3};
  case OpKind::Where:
    return {1, 2};
  case OpKind::MsQLinearWhere:
    return {1, 4};
  default:
    return {0, 1};
  }
}

std::vector<NodeId> elseBranches(const Model &M, const GraphCosts &Costs) {
  std::vector<NodeId> Found;
  auto Counted = [&](const Attribute *Branch) {
    return Branch && !Branch->Graphs.empty() &&
           llvm::any_of(M[Branch->Graphs[0]].Nodes, [&](NodeId N) {
             return !Costs.Nodes[N.Index].Times.is(0);
           });
  };
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    const Node &N = M.Nodes[I];
    if (N.Kind == OpKind::If && Counted(N.attribute("else_branch")) &&
        !Counted(N.attribute("then_branch")))
      Found.emplace_back(I);
  }
  return Found;
}

ValueId FlatGraph::canonical(ValueId V) const {
  while (V && Forward[V.Index])
    V = Forward[V.Index];
  return V;
}

ValueId FlatGraph::operand(NodeId N, unsigned I) const {
  llvm::ArrayRef<ValueId> Inputs = M[N].Inputs;
  return I < Inputs.size() && Inputs[I] ? canonical(Inputs[I]) : ValueId();
}

NodeId FlatGraph::producer(ValueId V) const {
  return V ? M[canonical(V)].Producer : NodeId();
}

llvm::ArrayRef<NodeId> FlatGraph::consumers(ValueId V) const {
  return Consumers[canonical(V).Index];
}

llvm::SmallVector<ValueId, 2> FlatGraph::branchResults(NodeId N,
                                                       unsigned Out) const {
  llvm::SmallVector<ValueId, 2> Found;
  if (kind(N) != OpKind::If)
    return Found;
  for (const Attribute &A : M[N].Attributes)
    for (GraphId Body : A.Graphs)
      if (Out < M[Body].Outputs.size() && M[Body].Outputs[Out])
        Found.push_back(canonical(M[Body].Outputs[Out]));
  return Found;
}

ValueId FlatGraph::result(NodeId N) const {
  llvm::ArrayRef<ValueId> Outputs = M[N].Outputs;
  return Outputs.empty() ? ValueId() : Outputs[0];
}

bool FlatGraph::folded(ValueId V) const {
  return !V || Folded[canonical(V).Index];
}

bool FlatGraph::isWeightInput(ValueId V) const {
  const ValueFacts &F = Facts[V];
  if (!M[V].IsInput || M[V].IsInitializer || !F.HasRank || F.rank() == 0 ||
      F.rank() > 3)
    return false;
  auto Counts = [&](Expr Dim) {
    return llvm::any_of(ActivationDims, [&](Expr Activation) {
      if (Activation == Dim)
        return !Dim.is(1);
      auto Names = symbols(Activation);
      return llvm::any_of(symbols(Dim), [&](llvm::StringRef Name) {
        return llvm::is_contained(Names, Name);
      });
    });
  };
  return llvm::none_of(F.Dims,
                       [&](Expr Dim) { return !Dim.isKnown() || Counts(Dim); });
}

bool FlatGraph::isWeight(ValueId V) const {
  if (folded(V))
    return true;
  V = canonical(V);
  NodeId P = producer(V);
  if (!P)
    return isWeightInput(V);
  // One of several matrices, as a loop over layers takes its own.
  if (kind(P) == OpKind::Gather) {
    ValueId Stack = operand(P, 0);
    return Stack && Facts[Stack].HasRank && Facts[Stack].rank() >= 3 &&
           oneElement(operand(P, 1)) && isWeight(Stack);
  }
  bool Views = dequantises(kind(P)) ||
               (isPassThrough(P) && kind(P) != OpKind::Split &&
                kind(P) != OpKind::Slice);
  return Views && operand(P, 0) && isWeight(operand(P, 0));
}

bool FlatGraph::oneElement(ValueId V) const {
  if (!V)
    return false;
  const ValueFacts &F = Facts[canonical(V)];
  return F.HasRank && llvm::all_of(F.Dims, [](Expr D) { return D.is(1); });
}

bool FlatGraph::isPassThrough(NodeId N) const {
  switch (kind(N)) {
  case OpKind::Reshape:
  case OpKind::Transpose:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Flatten:
  case OpKind::Identity:
  case OpKind::Expand:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Cast:
  case OpKind::CastLike:
  case OpKind::Dropout:
    return !M[N].Inputs.empty() && M[N].Inputs[0];
  case OpKind::Concat: // of one part
    return M[N].Inputs.size() == 1 && M[N].Inputs[0];
  default:
    return false;
  }
}

NodeId FlatGraph::lastAbove(ValueId V, llvm::function_ref<bool(NodeId)> Is,
                            int From) const {
  std::map<int, NodeId, std::greater<>> Above; ///< by position
  auto Add = [&](ValueId Each) {
    if (NodeId N = Each ? producer(Each) : NodeId(); N && position(N) >= From)
      Above[position(N)] = N;
  };
  for (Add(V); !Above.empty();) {
    const NodeId N = Above.begin()->second;
    if (Is(N))
      return N;
    Above.erase(Above.begin());
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      Add(operand(N, I));
  }
  return NodeId();
}

ValueId FlatGraph::strip(ValueId V) const {
  return V ? Stripped[canonical(V).Index] : V;
}

/// In order, so that a chain of views of any length costs a step each.
void FlatGraph::followViews() {
  for (size_t I = 0; I < M.Values.size(); ++I) {
    Folded[I] = Facts.Values[I].Folded;
    Stripped[I] = ValueId(I);
  }
  for (NodeId N : Order) {
    ValueId In = operand(N, 0);
    if (!In)
      continue;
    // C14 keeps the dequantisation of a weight apart; it is a constant still.
    bool Keeps = dequantises(kind(N)) ||
                 (isPassThrough(N) && kind(N) != OpKind::Split &&
                  kind(N) != OpKind::Slice);
    for (auto [I, Out] : llvm::enumerate(M[N].Outputs)) {
      if (!Out)
        continue;
      if (Keeps && Folded[In.Index])
        Folded[Out.Index] = true;
      // What is quantised comes before its scale and its zero point.
      if (isPassThrough(N) || (quantises(kind(N)) && I == 0))
        Stripped[Out.Index] = Stripped[In.Index];
    }
  }
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

namespace {

/// Two-operand Einsum without ellipsis or repeated labels, by its letters.
std::optional<Contraction> einsum(const FlatGraph &G, NodeId N,
                                  ExprStore &Store) {
  const Attribute *Equation = G.M[N].attribute("equation");
  Contraction C;
  C.Node = N;
  C.Lhs = G.operand(N, 0);
  C.Rhs = G.operand(N, 1);
  if (!Equation || !C.Lhs || !C.Rhs || G.M[N].Inputs.size() != 2)
    return std::nullopt;
  std::string Text;
  for (char Letter : Equation->S)
    if (Letter != ' ')
      Text.push_back(Letter);
  auto [Terms, Out] = llvm::StringRef(Text).split("->");
  auto [A, B] = Terms.split(',');
  const ValueFacts &FA = G.Facts[C.Lhs], &FB = G.Facts[C.Rhs];
  if (!FA.HasRank || !FB.HasRank || A.size() != FA.Dims.size() ||
      B.size() != FB.Dims.size() || Text.find('.') != std::string::npos ||
      Out.empty())
    return std::nullopt;
  C.Batch = C.Rows = C.Cols = C.Inner = Store.constant(1);
  for (auto [I, Letter] : llvm::enumerate(A)) {
    Expr &Group = B.contains(Letter)
                      ? (Out.contains(Letter) ? C.Batch : C.Inner)
                      : C.Rows;
    Group *= FA.Dims[I];
  }
  for (auto [I, Letter] : llvm::enumerate(B))
    if (!A.contains(Letter))
      C.Cols *= FB.Dims[I];
  return C;
}

} // namespace

std::optional<Contraction> asContraction(const FlatGraph &G, NodeId N,
                                         ExprStore &Store) {
  Contraction C;
  C.Node = N;
  switch (G.kind(N)) {
  case OpKind::Einsum:
    return einsum(G, N, Store);
  case OpKind::MatMul:
  case OpKind::MatMulInteger:
  case OpKind::Gemm:
  case OpKind::QLinearMatMul:
  case OpKind::MsQGemm:
  case OpKind::MsFusedMatMul:
  case OpKind::MsMatMulIntegerToFloat:
  case OpKind::MsDynamicQuantizeMatMul:
    break;
  default:
    return std::nullopt;
  }
  const auto [Left, Right] = dataOperands(G.kind(N));
  C.Lhs = G.operand(N, Left);
  C.Rhs = G.operand(N, Right);
  if (!C.Lhs || !C.Rhs)
    return std::nullopt;
  const ValueFacts &A = G.Facts[C.Lhs], &B = G.Facts[C.Rhs];
  ValueId Result = G.result(N);
  if (!A.HasRank || !B.HasRank || A.rank() < 2 || B.rank() < 2 || !Result ||
      !G.Facts[Result].HasRank)
    return std::nullopt;
  auto Flag = [&](llvm::StringRef Name) {
    const Attribute *At = G.M[N].attribute(Name);
    return At && At->I != 0;
  };
  int64_t RankA = A.rank(), RankB = B.rank();
  C.Rows = A.Dims[Flag("transA") ? RankA - 1 : RankA - 2];
  C.Inner = A.Dims[Flag("transA") ? RankA - 2 : RankA - 1];
  C.Cols = B.Dims[Flag("transB") ? RankB - 2 : RankB - 1];
  llvm::ArrayRef<Expr> Out = G.Facts[Result].Dims;
  C.Batch = numElements(Store, Out.size() >= 2 ? Out.drop_back(2)
                                               : llvm::ArrayRef<Expr>());
  return C;
}

namespace {

/// Whole matrices that indices choose from a stack of weights, one a row of
/// what they multiply: V is them, through views.
struct ChosenWeights {
  ValueId Stack, Indices;
  Expr Calls; ///< how many matrices are chosen
};
std::optional<ChosenWeights> chosenWeights(const FlatGraph &G, ValueId V,
                                           ExprStore &Store) {
  NodeId N = G.producer(G.strip(V));
  if (!N || (G.kind(N) != OpKind::Gather && G.kind(N) != OpKind::GatherND))
    return std::nullopt;
  ChosenWeights W{G.operand(N, 0), G.operand(N, 1), Expr()};
  if (!W.Stack || !W.Indices || !G.isWeight(W.Stack) || G.folded(W.Indices) ||
      !G.Facts[W.Stack].HasRank || G.Facts[W.Stack].rank() < 3 ||
      !G.Facts[W.Indices].HasRank)
    return std::nullopt;
  llvm::ArrayRef<Expr> Dims = G.Facts[W.Indices].Dims;
  auto Zero = [&](llvm::StringRef Name) {
    const Attribute *A = G.M[N].attribute(Name);
    return !A || A->I == 0;
  };
  if (G.kind(N) == OpKind::GatherND) {
    if (Dims.empty() || !Dims.back().is(1) || !Zero("batch_dims"))
      return std::nullopt;
    Dims = Dims.drop_back();
  } else if (!Zero("axis")) {
    return std::nullopt;
  }
  W.Calls = numElements(Store, Dims);
  return W;
}

/// The operand that a product adds to its result; -1: none.
int biasOperand(OpKind Kind) {
  switch (Kind) {
  case OpKind::Gemm:
    return 2;
  case OpKind::MsDynamicQuantizeMatMul:
    return 4;
  case OpKind::MsQGemm:
  case OpKind::MsMatMulIntegerToFloat:
    return 6;
  default:
    return -1;
  }
}

/// Which operand is the weight, and what it is.
bool splitOperands(const FlatGraph &G, NodeId N, WeightProduct &P,
                   ExprStore &Store) {
  std::optional<Contraction> C = asContraction(G, N, Store);
  if (!C)
    return false;
  bool LeftFolded = G.folded(C->Lhs), WeightRight = G.folded(C->Rhs);
  if (LeftFolded && WeightRight)
    return false;
  std::optional<ChosenWeights> Chosen;
  if (!LeftFolded && !WeightRight) { // a weight that is given as an input
    WeightRight = G.isWeight(C->Rhs);
    if (WeightRight == G.isWeight(C->Lhs)) {
      Chosen = chosenWeights(G, C->Rhs, Store);
      WeightRight = Chosen.has_value();
      if (!Chosen)
        Chosen = chosenWeights(G, C->Lhs, Store);
      if (!Chosen)
        return false;
    }
  }
  P.Operand = WeightRight ? C->Lhs : C->Rhs;
  P.Weight = WeightRight ? C->Rhs : C->Lhs;
  P.In = C->Inner;
  P.Out = WeightRight ? C->Cols : C->Rows;
  const int Bias = biasOperand(G.kind(N));
  P.Bias = Bias >= 0 && G.operand(N, static_cast<unsigned>(Bias));
  if (Chosen) {
    P.Weight = Chosen->Stack;
    P.Chooses = Chosen->Indices;
    // A row for each matrix.
    const ValueFacts &F = G.Facts[P.Operand];
    if (!F.HasRank ||
        !provablyEqual(numElements(Store, F.Dims), Chosen->Calls * P.In))
      return false;
  }
  const ValueFacts &W = G.Facts[P.Weight];
  if (std::optional<Expr> Matrices =
          W.HasRank ? tryExactDiv(numElements(Store, W.Dims), P.In * P.Out)
                    : std::nullopt;
      Matrices && !Matrices->is(1))
    P.Experts = *Matrices;
  return !Chosen || P.Experts;
}

} // namespace

std::optional<WeightProduct> asWeightProduct(const FlatGraph &G, NodeId N,
                                             ExprStore &Store) {
  WeightProduct P;
  P.Node = N;
  if (G.kind(N) == OpKind::MsMatMulNBits) {
    const Attribute *K = G.M[N].attribute("K"), *Cols = G.M[N].attribute("N");
    P.Operand = G.operand(N, 0);
    P.Weight = G.operand(N, 1);
    if (!K || !Cols || K->I <= 0 || !P.Operand || !P.Weight)
      return std::nullopt;
    P.In = Store.constant(K->I);
    P.Out = Store.constant(Cols->I);
    P.Bias = bool(G.operand(N, 5));
  } else if (!splitOperands(G, N, P, Store)) {
    return std::nullopt;
  }
  // The outer product of frequencies and positions is no projection.
  if (P.In.is(1) || !G.Facts[P.Operand].HasRank)
    return std::nullopt;
  P.Rows = exactDiv(numElements(Store, G.Facts[P.Operand].Dims), P.In);
  P.Data = G.strip(P.Operand);

  // What finishes it: views, casts, the dequantising product, the bias.
  P.Result = G.result(N);
  bool Integers = G.kind(N) == OpKind::MatMulInteger; // not dequantised yet
  while (P.Result) {
    llvm::ArrayRef<NodeId> Readers = G.consumers(P.Result);
    if (Readers.size() != 1 || G.isOutput(P.Result))
      break;
    NodeId Next = Readers[0];
    bool Shapes = G.kind(Next) == OpKind::Reshape ||
                  G.kind(Next) == OpKind::Cast ||
                  G.kind(Next) == OpKind::Identity || quantises(G.kind(Next));
    if (!Shapes) {
      const auto [First, Second] = dataOperands(G.kind(Next));
      ValueId A = G.operand(Next, First), B = G.operand(Next, Second);
      if (!A || !B)
        break;
      ValueId Other = A == G.canonical(P.Result) ? B : A;
      const ValueFacts &F = G.Facts[Other];
      if (!F.HasRank)
        break;
      Expr Elements = numElements(Store, F.Dims);
      bool IsBias = plainKind(G.kind(Next)) == OpKind::Add &&
                    G.isWeight(Other) && Elements == P.Out && !P.Bias;
      // By a scale for all or one for each column; a gate comes after that.
      bool Dequantises = Integers && G.kind(Next) == OpKind::Mul &&
                         (Elements.is(1) || Elements == P.Out);
      if (!IsBias && !Dequantises)
        break;
      P.Bias |= IsBias;
      Integers &= !Dequantises;
    }
    P.Tail.push_back(Next);
    P.Result = G.result(Next);
  }
  // Views at the end are not its own.
  while (!P.Tail.empty() && (G.kind(P.Tail.back()) == OpKind::Reshape ||
                             quantises(G.kind(P.Tail.back()))))
    P.Tail.pop_back();
  P.Result = G.result(P.Tail.empty() ? N : P.Tail.back());
  return P;
}

} // namespace xfa
