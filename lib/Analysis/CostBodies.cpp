//===- CostBodies.cpp - what graphs and the bodies in them cost -----------===//

#include "CostCounter.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// The bodies that a node runs besides what it does itself.
static llvm::SmallVector<GraphId, 2> bodies(const Node &N) {
  llvm::SmallVector<GraphId, 2> Found;
  if (N.Callee)
    Found.push_back(N.Callee);
  for (const Attribute &A : N.Attributes)
    Found.append(A.Graphs.begin(), A.Graphs.end());
  return Found;
}

void CostCounter::Run::add(const NodeCost &C, NodeId Id) {
  if (!C.known() && !Unknown)
    Unknown = Id;
  for (auto [To, E] : {std::pair(&Matrix, C.Matrix),
                       {&Vector, C.Vector},
                       {&Read, C.Read},
                       {&Written, C.Written},
                       {&Weight, C.WeightRead}})
    To->addKnown(E);
  if (C.MatrixType != ElemType::Undefined)
    MatrixType = C.MatrixType;
}

NodeCost CostCounter::Run::total(ExprStore &Store) const {
  NodeCost Cost;
  Cost.Matrix = Matrix.total(Store);
  Cost.Vector = Vector.total(Store);
  Cost.Read = Read.total(Store);
  Cost.Written = Written.total(Store);
  Cost.WeightRead = Weight.total(Store);
  Cost.MatrixType = MatrixType;
  return Cost;
}

void CostCounter::Run::add(Run &&Body, Expr Times, ExprStore &Store) {
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

CostCounter::Run CostCounter::countBody(GraphId Body, Expr Times) {
  RunsOf[Body.Index] = Times;
  return countGraph(M[Body]);
}

/// Counts each node for one run of it, and of each body once: how often it
/// runs in all follows from RunsOf, when every `If` is decided.
CostCounter::Run CostCounter::countGraph(const Graph &G) {
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
    default: {
      const BodyRuns Runs = countNode(Id);
      for (GraphId Body : bodies(N)) {
        if (Cost.Folded) { // C7: and so is what it runs
          countBody(Body, Zero);
          continue;
        }
        auto Known = llvm::find_if(
            Runs, [&](const auto &Each) { return Each.first == Body; });
        if (Known != Runs.end()) {
          Sums.add(countBody(Body, Known->second), Known->second, Store);
          continue;
        }
        // A body that only running knows how often it is run.
        if (Cost.known())
          Cost.Unknown = "how often its body runs is not known";
        leaveUnknown(M[Body], "it runs inside '" + M.label(Id) + "'");
      }
      Sums.add(Cost, Id);
    }
    }
  }
  return Sums;
}

/// From the outside in: how often each node runs in all.
void CostCounter::settle(const Graph &G, Expr Times) {
  for (NodeId Id : G.Nodes) {
    Result.Nodes[Id.Index].Times = Times;
    for (GraphId Body : bodies(M[Id]))
      settle(M[Body], Times * RunsOf[Body.Index]);
  }
}

void CostCounter::leaveUnknown(const Graph &G, const llvm::Twine &Why) {
  for (NodeId Id : G.Nodes) {
    Result.Nodes[Id.Index].Unknown = Why.str();
    for (GraphId Body : bodies(M[Id]))
      leaveUnknown(M[Body], Why);
  }
}

/// C17: the taken branch where the condition is known; else the larger.
CostCounter::Run CostCounter::countIf(NodeId Id) {
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
Expr CostCounter::tripCount(NodeId Id) {
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
    size_t Scans = N.intAttribute("num_scan_inputs");
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
  // A name of its own: loops of one name stop by themselves.
  std::string Name = ("trips_" + M.ownName(Id)).str();
  for (unsigned Number = 2; Trips.try_emplace(Name, Id).first->second != Id;
       ++Number)
    Name = ("trips_" + M.ownName(Id) + "_" + llvm::Twine(Number)).str();
  return Store.symbol(Name, 0);
}

} // namespace xfa
