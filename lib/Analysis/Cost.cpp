//===- Cost.cpp - the graph ledger's figures for each node ----------------===//

#include "xfa/Analysis/Cost.h"

#include "Kernel.h"

#include "xfa/Analysis/AxisLinks.h"
#include "xfa/Analysis/Operands.h"
#include "xfa/Analysis/Sum.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

Expr bytesOf(Expr Elements, ElemType Type) {
  unsigned Bits = elemBits(Type);
  return Bits % 8 == 0 ? Elements * int64_t(Bits / 8)
                       : ceilDiv(Elements * int64_t(Bits), 8);
}

ElemType countedType(ElemType Type, const CountingOptions &Options) {
  return Options.Dtype && isFloat(Type) ? *Options.Dtype : Type;
}

namespace {

class Counter {
public:
  Counter(const Model &M, const ShapeFacts &Facts, const Uses &U,
          ExprStore &Store, const CountingOptions &Options)
      : M(M), Facts(Facts), U(U), Store(Store), Options(Options),
        Zero(Store.constant(0)) {
    NodeCost Nothing;
    Nothing.Matrix = Nothing.Vector = Nothing.Read = Nothing.Written =
        Nothing.WeightRead = Nothing.Times = Zero;
    Result.Nodes.assign(M.Nodes.size(), Nothing);
    Result.Operands = resolveOperands(M, Facts, Store, Options);
  }

  GraphCosts run() {
    RunsOf.assign(M.Graphs.size(), Zero);
    countGraph(M.main());
    settle(M.main(), Store.constant(1));
    total();
    return std::move(Result);
  }

private:
  /// What one run of a graph costs, bodies included.
  struct Run {
    Sum Matrix, Vector, Read, Written, Weight;
    ElemType MatrixType = ElemType::Undefined;
    NodeId Unknown; ///< one whose cost is not known
    void add(const NodeCost &C, NodeId Id);
    void add(Run &&Body, Expr Times, ExprStore &Store);
    NodeCost total(ExprStore &Store) const;
  };
  Run countGraph(const Graph &G);
  Run countBody(GraphId Body, Expr Times);
  void settle(const Graph &G, Expr Times);
  void leaveUnknown(const Graph &G, const llvm::Twine &Why);
  void countNode(NodeId Id);
  void countTraffic(NodeId Id, const OpCost &Op);
  Run countIf(NodeId Id);
  Expr tripCount(NodeId Id);
  void addRead(NodeCost &Cost, ValueId In, std::optional<Expr> Elements);
  bool appendsToCache(NodeId Id, NodeCost &Cost);
  bool writtenInPlace(ValueId NewRows);
  void total();

  const Model &M;
  const ShapeFacts &Facts;
  const Uses &U;
  ExprStore &Store;
  const CountingOptions &Options;
  Expr Zero;
  GraphCosts Result;
  Kernel *Inside = nullptr; ///< the fused kernel that is being counted
  /// How often each body runs in one run of the graph around it, by GraphId.
  std::vector<Expr> RunsOf;
};

/// The bodies that a node runs besides what it does itself.
llvm::SmallVector<GraphId, 2> bodies(const Node &N) {
  llvm::SmallVector<GraphId, 2> Found;
  if (N.Callee)
    Found.push_back(N.Callee);
  for (const Attribute &A : N.Attributes)
    Found.append(A.Graphs.begin(), A.Graphs.end());
  return Found;
}

void Counter::Run::add(const NodeCost &C, NodeId Id) {
  if (!C.known() && !Unknown)
    Unknown = Id;
  for (auto [To, E] : {std::pair(&Matrix, C.Matrix),
                       {&Vector, C.Vector},
                       {&Read, C.Read},
                       {&Written, C.Written},
                       {&Weight, C.WeightRead}})
    if (E.isKnown()) // an unknown has no value: nothing of a lower bound
      To->add(E);
  if (C.MatrixType != ElemType::Undefined)
    MatrixType = C.MatrixType;
}

NodeCost Counter::Run::total(ExprStore &Store) const {
  NodeCost Cost;
  Cost.Matrix = Matrix.total(Store);
  Cost.Vector = Vector.total(Store);
  Cost.Read = Read.total(Store);
  Cost.Written = Written.total(Store);
  Cost.WeightRead = Weight.total(Store);
  Cost.MatrixType = MatrixType;
  return Cost;
}

void Counter::Run::add(Run &&Body, Expr Times, ExprStore &Store) {
  NodeCost Once = Body.total(Store);
  Matrix.add(Once.Matrix * Times);
  Vector.add(Once.Vector * Times);
  Read.add(Once.Read * Times);
  Written.add(Once.Written * Times);
  Weight.add(Once.WeightRead * Times);
  if (Body.MatrixType != ElemType::Undefined)
    MatrixType = Body.MatrixType;
  if (!Unknown)
    Unknown = Body.Unknown;
}

Counter::Run Counter::countBody(GraphId Body, Expr Times) {
  RunsOf[Body.Index] = Times;
  return countGraph(M[Body]);
}

/// Counts each node for one run of it, and of each body once: how often it
/// runs in all follows from RunsOf, when every `If` is decided.
Counter::Run Counter::countGraph(const Graph &G) {
  const Expr One = Store.constant(1);
  Run Sums;
  for (NodeId Id : G.Nodes) {
    NodeCost &Cost = Result.Nodes[Id.Index];
    const Node &N = M[Id];
    if (N.Callee) { // C17: a call is its body
      std::optional<Kernel> Fused;
      if (isFused(N) && !Inside)
        Inside = &Fused.emplace(M, Id, Facts, U, Result.Operands);
      Sums.add(countBody(N.Callee, One), One, Store);
      if (Fused)
        Inside = nullptr;
      continue;
    }
    switch (N.Kind) {
    case OpKind::If:
      Sums.add(countIf(Id), One, Store);
      break;
    case OpKind::Loop:
    case OpKind::Scan:
      for (GraphId Body : bodies(N)) {
        Expr Trips = tripCount(Id);
        Sums.add(countBody(Body, Trips), Trips, Store);
      }
      break;
    case OpKind::FlexAttention: // runs its graphs once (C5)
      countNode(Id);
      Sums.add(Cost, Id);
      for (GraphId Body : bodies(N))
        Sums.add(countBody(Body, One), One, Store);
      break;
    default:
      countNode(Id);
      // A body that only running knows how often it is run.
      if (llvm::SmallVector<GraphId, 2> Inner = bodies(N); !Inner.empty()) {
        if (Cost.known())
          Cost.Unknown = "how often its body runs is not known";
        for (GraphId Body : Inner)
          leaveUnknown(M[Body], "it runs inside '" + M.label(Id) + "'");
      }
      Sums.add(Cost, Id);
    }
  }
  return Sums;
}

/// From the outside in: how often each node runs in all.
void Counter::settle(const Graph &G, Expr Times) {
  for (NodeId Id : G.Nodes) {
    Result.Nodes[Id.Index].Times = Times;
    for (GraphId Body : bodies(M[Id]))
      settle(M[Body], Times * RunsOf[Body.Index]);
  }
}

void Counter::leaveUnknown(const Graph &G, const llvm::Twine &Why) {
  for (NodeId Id : G.Nodes) {
    Result.Nodes[Id.Index].Unknown = Why.str();
    for (GraphId Body : bodies(M[Id]))
      leaveUnknown(M[Body], Why);
  }
}

/// C17: the taken branch where the condition is known; else the larger.
Counter::Run Counter::countIf(NodeId Id) {
  const Node &N = M[Id];
  const Attribute *Then = N.attribute("then_branch");
  const Attribute *Else = N.attribute("else_branch");
  NodeCost &Cost = Result.Nodes[Id.Index];
  Run Own;
  if (!Then || !Else || Then->Graphs.empty() || Else->Graphs.empty() ||
      N.Inputs.empty() || !N.Inputs[0]) {
    Cost.Unknown = "a branch or the condition is missing";
    Own.add(Cost, Id);
    return Own;
  }
  Truth Taken = Facts[N.Inputs[0]].Known.at(0).truth();
  const bool Decided = Taken != Truth::Unknown;
  if (!Decided && Options.If != IfPolicy::Max)
    Taken = Options.If == IfPolicy::Then ? Truth::True : Truth::False;
  const Expr One = Store.constant(1);
  const GraphId Branches[] = {Then->Graphs[0], Else->Graphs[0]};
  if (Taken != Truth::Unknown) {
    const unsigned Chosen = Taken == Truth::True ? 0 : 1;
    Run Runs = countBody(Branches[Chosen], One);
    if (!Decided) // it may run, so its nodes have figures, but no part in sums
      countBody(Branches[1 - Chosen], Zero);
    return Runs; // the other never runs: nothing of it can be unknown
  }
  Run Runs[2];
  NodeCost Sums[2];
  for (unsigned B = 0; B < 2; ++B) {
    Runs[B] = countBody(Branches[B], Zero);
    Sums[B] = Runs[B].total(Store);
    if (NodeId Inner = Runs[B].Unknown)
      Cost.Unknown =
          "a branch holds '" + M.label(Inner) +
          "', whose cost is not known: " + Result.Nodes[Inner.Index].Unknown;
    if (Sums[B].MatrixType != ElemType::Undefined)
      Cost.MatrixType = Sums[B].MatrixType;
  }
  auto NoLess = [](const NodeCost &A, const NodeCost &B) {
    return lessEqual(B.Matrix + B.Vector, A.Matrix + A.Vector) == Truth::True &&
           lessEqual(B.Read + B.Written, A.Read + A.Written) == Truth::True;
  };
  // Of a branch that is the larger at every binding the nodes count themselves.
  for (unsigned B = 0; B < 2; ++B)
    if (Cost.known() && NoLess(Sums[B], Sums[1 - B])) {
      Cost.MatrixType = ElemType::Undefined;
      RunsOf[Branches[B].Index] = One;
      return std::move(Runs[B]);
    }
  // The larger total, split as the branch that has it; where neither is larger
  // at every binding, the first part is the larger of its kind.
  auto Larger = [&](Expr NodeCost::*First, Expr NodeCost::*Second) {
    Expr Totals[2];
    for (unsigned B = 0; B < 2; ++B)
      Totals[B] = Sums[B].*First + Sums[B].*Second;
    for (unsigned B = 0; B < 2; ++B)
      if (lessEqual(Totals[1 - B], Totals[B]) == Truth::True) {
        Cost.*First = Sums[B].*First;
        Cost.*Second = Sums[B].*Second;
        return;
      }
    Cost.*First = max(Sums[0].*First, Sums[1].*First);
    Cost.*Second = max(Totals[0], Totals[1]) - Cost.*First;
  };
  Larger(&NodeCost::Matrix, &NodeCost::Vector);
  Larger(&NodeCost::Written, &NodeCost::Read);
  Cost.WeightRead = max(Sums[0].WeightRead, Sums[1].WeightRead);
  Own.add(Cost, Id);
  return Own;
}

/// C17: how often a Loop's or Scan's body runs; a symbol when unknown.
Expr Counter::tripCount(NodeId Id) {
  const Node &N = M[Id];
  if (N.Kind == OpKind::Loop && !N.Inputs.empty()) {
    const Attribute *Body = N.attribute("body");
    bool MayStop = true;
    if (Body && !Body->Graphs.empty() && !M[Body->Graphs[0]].Outputs.empty())
      if (ValueId Cond = M[Body->Graphs[0]].Outputs[0])
        MayStop = Facts[Cond].Known.at(0).truth() != Truth::True;
    if (N.Inputs.size() > 1 && N.Inputs[1])
      MayStop |= Facts[N.Inputs[1]].Known.at(0).truth() != Truth::True;
    if (!MayStop && N.Inputs[0]) {
      Element Trips = Facts[N.Inputs[0]].Known.at(0);
      if (Trips.kind() == Element::Int && Trips.expr().isKnown())
        return max(Trips.expr(), Zero);
    }
  }
  if (N.Kind == OpKind::Scan && !N.Inputs.empty() && N.OpsetVersion >= 9) {
    const Attribute *Count = N.attribute("num_scan_inputs");
    size_t Scans = Count ? Count->I : 0;
    if (Scans >= 1 && Scans <= N.Inputs.size()) {
      ValueId First = N.Inputs[N.Inputs.size() - Scans];
      const Attribute *Axes = N.attribute("scan_input_axes");
      int64_t Axis = Axes && !Axes->Ints.empty() ? Axes->Ints[0] : 0;
      if (First && Facts[First].HasRank) {
        if (Axis < 0)
          Axis += Facts[First].rank();
        if (Axis >= 0 && Axis < Facts[First].rank() &&
            Facts[First].Dims[Axis].isKnown())
          return Facts[First].Dims[Axis];
      }
    }
  }
  llvm::StringRef Name = N.Name;
  if (Name.empty())
    for (ValueId Out : N.Outputs)
      if (Out && Name.empty())
        Name = M[Out].Name;
  return Store.symbol(("trips_" + Name).str(), 0);
}

void Counter::countNode(NodeId Id) {
  const Node &N = M[Id];
  NodeCost &Cost = Result.Nodes[Id.Index];
  const CustomOp *Described = N.Kind == OpKind::Unknown && Options.Custom
                                  ? Options.Custom->find(N.Domain, N.Op)
                                  : nullptr;
  if (N.Kind == OpKind::Unknown && !Described) {
    std::string Domain = N.Domain.empty() ? "ai.onnx" : N.Domain.str();
    Cost.Unknown =
        "operator " + N.Op.str() + " of domain " + Domain + " is not known";
    return;
  }
  Cost.Folded = llvm::all_of(
      N.Outputs, [&](ValueId Out) { return !Out || Facts[Out].Folded; });
  if (Cost.Folded) // C7
    return;
  if (isFreeView(M, Id, Facts, Options)) // C10
    return;

  llvm::SmallVector<const ValueFacts *, 8> Inputs, Outputs;
  for (ValueId In : N.Inputs)
    Inputs.push_back(In && !Facts[In].absent() ? &Facts[In] : nullptr);
  for (ValueId Out : N.Outputs)
    Outputs.push_back(Out ? &Facts[Out] : nullptr);
  CostContext Ctx(M, Id, Store, Inputs, Outputs, Options);
  if (Described)
    costCustom(*Described, Ctx);
  else
    costFunction(N.Kind)(Ctx);
  OpCost &Op = Ctx.result();
  Cost.Matrix = Op.Matrix;
  Cost.Vector = Op.Vector;
  Cost.Unknown = std::move(Op.Unknown);
  if (!Cost.Matrix.is(0) && !N.Inputs.empty() && N.Inputs[0])
    Cost.MatrixType = countedType(Facts[N.Inputs[0]].Elem, Options);
  countTraffic(Id, Op);
  for (Expr E : {Cost.Matrix, Cost.Vector, Cost.Read, Cost.Written})
    if (Cost.known() && !E.isKnown())
      Cost.Unknown = E.unknownReason().str();
}

/// Bytes of one operand: of its distinct elements (C9, C10), in their stored
/// type (C14).
void Counter::addRead(NodeCost &Cost, ValueId In,
                      std::optional<Expr> Elements) {
  const Operand &Op = Result.Operands[In.Index];
  const ValueFacts &Root = Facts[Op.Root];
  // A sequence is read element by element; only the op knows how much of it.
  if (Root.Kind == ValueFacts::Sequence && Elements && Root.Item &&
      elemBits(Root.Item->Elem) != 0) {
    Cost.Read += bytesOf(*Elements, countedType(Root.Item->Elem, Options));
    return;
  }
  if (!Op.Elements) {
    if (Cost.known())
      Cost.Unknown = "the size of '" + M[In].Name.str() +
                     "' is not known: " + Root.why().str();
    return;
  }
  bool Constant = Root.Folded;
  if (Constant && Op.Elements.is(1)) // C12
    return;
  if (elemBits(Root.Elem) == 0) {
    if (Cost.known())
      Cost.Unknown = "the size of an element of '" + M[In].Name.str() + "' (" +
                     elemTypeName(Root.Elem).str() + ") is not known";
    return;
  }
  Expr Count = Elements.value_or(Op.Elements);
  Expr Bytes = weightOrTensorBytes(Op, Count, Root, Options);
  for (ValueId With : Op.Alongside)
    if (Facts[With].HasRank) {
      Expr Scales = numElements(Store, Facts[With].Dims);
      if (Scales.is(1))
        continue; // C12
      if (Elements)
        Scales = exactDiv(Scales * Count, Op.Elements);
      Bytes += bytesOf(Scales, countedType(Facts[With].Elem, Options));
    }
  Cost.Read += Bytes;
  if (Op.Weight)
    Cost.WeightRead += Bytes;
}

void Counter::countTraffic(NodeId Id, const OpCost &Op) {
  const Node &N = M[Id];
  NodeCost &Cost = Result.Nodes[Id.Index];
  // C14: a weight's dequantisation belongs to its consumer.
  if (N.Kind == OpKind::DequantizeLinear && !N.Outputs.empty() &&
      N.Outputs[0] && Result.Operands[N.Outputs[0].Index].Weight)
    return;
  if (Options.Layout == LayoutPolicy::Fused && appendsToCache(Id, Cost))
    return;

  auto Override = [](const auto &List, unsigned I) -> std::optional<Expr> {
    for (auto &[Index, Elements] : List)
      if (Index == I)
        return Elements;
    return std::nullopt;
  };
  llvm::SmallVector<ValueId, 8> OfNode;
  llvm::SmallVectorImpl<ValueId> &Seen = Inside ? Inside->Seen : OfNode;
  for (auto [I, In] : llvm::enumerate(N.Inputs)) {
    if (!In || Facts[In].absent())
      continue;
    const Operand &Source = Result.Operands[In.Index];
    if (Inside && (Inside->holds(Source.Root) ||
                   (!Source.Whole && Inside->readsAll(Source.Root))))
      continue;
    ValueId Identity = Source.Whole ? Source.Root : In;
    if (llvm::is_contained(Seen, Identity)) // C9: each distinct input once
      continue;
    Seen.push_back(Identity);
    std::optional<Expr> Elements = Override(Op.Reads, I);
    if (!Elements || !Elements->is(0))
      addRead(Cost, In, Elements);
  }
  for (auto [O, Out] : llvm::enumerate(N.Outputs)) {
    if (!Out || !U.used(Out)) // C9: each used output
      continue;
    if (Inside && !Inside->writes(Out))
      continue;
    const ValueFacts &F = Facts[Out];
    std::optional<Expr> Elements = Override(Op.Writes, O);
    if (Elements && Elements->is(0))
      continue; // whatever its size is
    if (!Elements && F.HasRank)
      Elements = numElements(Store, F.Dims);
    if (!Elements || elemBits(F.Elem) == 0) {
      if (Cost.known())
        Cost.Unknown = "the size of output '" + M[Out].Name.str() +
                       "' is not known" +
                       (F.why().empty() ? "" : ": " + F.why().str());
      continue;
    }
    Cost.Written += bytesOf(*Elements, countedType(F.Elem, Options));
  }
}

/// The new rows reach the cache straight from where they are computed: nothing
/// but views in between, and no other reader of those rows.
bool Counter::writtenInPlace(ValueId NewRows) {
  for (ValueId V = NewRows;;) {
    if (U.of(V).size() != 1 || (U.isOutput(V) && V != NewRows))
      return false;
    NodeId Producer = M[V].Producer;
    if (!Producer)
      return false;
    const Node &N = M[Producer];
    if (!isFreeView(M, Producer, Facts, Options))
      return !Result.Nodes[Producer.Index].Folded;
    if (N.Kind == OpKind::Split || N.Kind == OpKind::Slice)
      return true; // its own part of the producer's result
    if (N.Inputs.empty() || !N.Inputs[0])
      return false;
    V = N.Inputs[0];
  }
}

/// C13: Concat of a past input and new rows that becomes an output, or a
/// scatter into such an input, writes the new rows only.
bool Counter::appendsToCache(NodeId Id, NodeCost &Cost) {
  const Node &N = M[Id];
  ValueId Past, New;
  switch (N.Kind) {
  case OpKind::Concat:
    if (N.Inputs.size() != 2)
      return false;
    Past = N.Inputs[0], New = N.Inputs[1];
    break;
  case OpKind::TensorScatter:
    if (N.Inputs.size() < 2)
      return false;
    Past = N.Inputs[0], New = N.Inputs[1];
    break;
  case OpKind::ScatterND:
  case OpKind::ScatterElements:
    if (N.Inputs.size() < 3)
      return false;
    Past = N.Inputs[0], New = N.Inputs[2];
    break;
  default:
    return false;
  }
  if (!Past || !New || !isFloat(Facts[Past].Elem) ||
      !M[Result.Operands[Past.Index].Root].IsInput ||
      M[Result.Operands[New.Index].Root].IsInput) // rows computed, not given
    return false;
  ValueId Present = N.Outputs.empty() ? ValueId() : N.Outputs[0];
  if (!Present || !becomesOutput(M, U, Facts, Present, Options))
    return false;
  // Of a cache nothing else is read but how long it is.
  if (N.Kind == OpKind::Concat && !llvm::all_of(U.of(Past), [&](const Use &By) {
        return By.User == Id || readsShapeOnly(M[By.User].Kind);
      }))
    return false;
  if (!Facts[New].HasRank || elemBits(Facts[New].Elem) == 0)
    return false;
  // C11: a scatter reads where it writes to.
  unsigned Indices = N.Kind == OpKind::TensorScatter ? 2 : 1;
  if (N.Kind != OpKind::Concat && Indices < N.Inputs.size() &&
      N.Inputs[Indices])
    addRead(Cost, N.Inputs[Indices], std::nullopt);
  if (writtenInPlace(New))
    return true;
  addRead(Cost, New, std::nullopt);
  Cost.Written += bytesOf(numElements(Store, Facts[New].Dims),
                          countedType(Facts[New].Elem, Options));
  return true;
}

void Counter::total() {
  Sum Matrix, Vector, Read, Written, Weight;
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    NodeCost &C = Result.Nodes[I];
    if (C.Times.is(0))
      continue;
    if (!C.known()) {
      Result.Exact = false;
      // What is known of it is a lower bound, but an unknown has no value.
      for (Expr *E : {&C.Matrix, &C.Vector, &C.Read, &C.Written, &C.WeightRead})
        if (!E->isKnown())
          *E = Zero;
    }
    Matrix.add(C.Matrix * C.Times);
    Vector.add(C.Vector * C.Times);
    Read.add(C.Read * C.Times);
    Written.add(C.Written * C.Times);
    Weight.add(C.WeightRead * C.Times);
  }
  Result.Matrix = Matrix.total(Store);
  Result.Vector = Vector.total(Store);
  Result.Read = Read.total(Store);
  Result.Written = Written.total(Store);
  Result.WeightRead = Weight.total(Store);
}

} // namespace

GraphCosts countCosts(const Model &M, const ShapeFacts &Facts, const Uses &U,
                      ExprStore &Store, const CountingOptions &Options) {
  return Counter(M, Facts, U, Store, Options).run();
}

} // namespace xfa
