//===- Cost.cpp - the graph ledger's figures for each node ----------------===//

#include "CostCounter.h"

#include "xfa/Analysis/AxisLinks.h"
#include "xfa/Analysis/Operands.h"

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

GraphCosts CostCounter::run() {
  NodeCost Nothing;
  Nothing.Matrix = Nothing.Vector = Nothing.Read = Nothing.Written =
      Nothing.WeightRead = Nothing.Times = Zero;
  Result.Nodes.assign(M.Nodes.size(), Nothing);
  Result.Operands = resolveOperands(M, Facts, Store, Options);
  RunsOf.assign(M.Graphs.size(), Zero);
  countGraph(M.main());
  settle(M.main(), Store.constant(1));
  total();
  return std::move(Result);
}

CostCounter::BodyRuns CostCounter::countNode(NodeId Id) {
  const Node &N = M[Id];
  NodeCost &Cost = Result.Nodes[Id.Index];
  const CustomOp *Described = N.Kind == OpKind::Unknown && Options.Custom
                                  ? Options.Custom->find(N.Domain, N.Op)
                                  : nullptr;
  if (N.Kind == OpKind::Unknown && !Described) {
    std::string Domain = N.Domain.empty() ? "ai.onnx" : N.Domain.str();
    Cost.Unknown =
        "operator " + N.Op.str() + " of domain " + Domain + " is not known";
    return {};
  }
  Cost.Folded = llvm::all_of(
      N.Outputs, [&](ValueId Out) { return !Out || Facts[Out].Folded; });
  if (Cost.Folded) // C7
    return {};
  if (isFreeView(M, Id, Facts, Options)) // C10
    return {};

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
  return std::move(Op.Bodies);
}

/// Bytes of one operand: of its distinct elements (C9, C10), in their stored
/// type (C14).
void CostCounter::addRead(NodeCost &Cost, ValueId In,
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

void CostCounter::countTraffic(NodeId Id, const OpCost &Op) {
  const Node &N = M[Id];
  NodeCost &Cost = Result.Nodes[Id.Index];
  // C14: a weight's dequantisation belongs to its consumer.
  if (dequantises(N.Kind) && !N.Outputs.empty() && N.Outputs[0] &&
      Result.Operands[N.Outputs[0].Index].Weight)
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
bool CostCounter::writtenInPlace(ValueId NewRows) {
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
bool CostCounter::appendsToCache(NodeId Id, NodeCost &Cost) {
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

void CostCounter::total() {
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

GraphCosts countCosts(const Model &M, const ShapeFacts &Facts, const Uses &U,
                      ExprStore &Store, const CountingOptions &Options) {
  return CostCounter(M, Facts, U, Store, Options).run();
}

} // namespace xfa
