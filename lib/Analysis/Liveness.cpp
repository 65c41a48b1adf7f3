//===- Liveness.cpp -------------------------------------------------------===//

#include "xfa/Analysis/Liveness.h"

#include "Kernel.h"

#include "xfa/Analysis/Operands.h"
#include "xfa/Analysis/Sum.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

struct Buffer {
  Expr Bytes;
  int End = -1;          ///< position of the last use
  bool Resident = false; ///< graph input or output: the whole run (M4)
};

class Liveness {
public:
  Liveness(const Model &M, const ShapeFacts &Facts, const GraphCosts &Costs,
           const Uses &U, ExprStore &Store, const CountingOptions &Options)
      : M(M), Facts(Facts), Costs(Costs), Store(Store), Options(Options),
        Forward(M.Values.size()), Merged(M.Values.size()),
        Buffers(M.Values.size()), Kernels(kernelsOf(M)) {
    for (size_t I = 0; I < M.Nodes.size(); ++I)
      if (isFused(M.Nodes[I]) && !Kernels[I])
        Kernel(M, NodeId(I), Facts, U, Costs.Operands)
            .forEachOnChip([&](ValueId V) { OnChip.insert(V); });
  }

  MemoryFacts run();

private:
  void flatten(const Graph &G);
  ValueId bufferOf(ValueId V);
  Expr bytesIn(ValueId V);
  bool takesOver(NodeId N, ValueId Out, int Position);
  void candidate(NodeId N, Expr Live);

  const Model &M;
  const ShapeFacts &Facts;
  const GraphCosts &Costs;
  ExprStore &Store;
  const CountingOptions &Options;
  MemoryFacts Result;
  std::vector<NodeId> Order;
  std::vector<ValueId> Forward; ///< a body's value → the outer one it is
  std::vector<ValueId> Merged;  ///< M3: the buffer that it takes over
  std::vector<Buffer> Buffers;  ///< by the ValueId of the root
  llvm::DenseSet<Expr> Seen;
  std::vector<NodeId> Kernels; ///< by NodeId
  llvm::DenseSet<ValueId> OnChip;
};

/// M1: in the file's order, bodies in the place of their owner.
void Liveness::flatten(const Graph &G) {
  for (NodeId Id : G.Nodes) {
    const Node &N = M[Id];
    if (N.Callee) {
      const Graph &Body = M[N.Callee];
      for (auto [Inner, Outer] : llvm::zip(Body.Inputs, N.Inputs))
        Forward[Inner.Index] = Outer;
      flatten(Body);
      for (auto [Outer, Inner] : llvm::zip(N.Outputs, Body.Outputs))
        if (Outer)
          Forward[Outer.Index] = Inner;
      continue;
    }
    for (const Attribute &A : N.Attributes)
      for (GraphId Body : A.Graphs)
        flatten(M[Body]);
    if (N.Kind == OpKind::Loop || N.Kind == OpKind::Scan) {
      Result.Exact = false;
      Result.Unknown = "what a loop carries and collects is counted once";
    }
    Order.push_back(Id);
  }
}

ValueId Liveness::bufferOf(ValueId V) {
  for (;;) {
    if (!V)
      return V;
    if (Forward[V.Index])
      V = Forward[V.Index];
    else if (Costs.Operands[V.Index].Root != V)
      V = Costs.Operands[V.Index].Root;
    else if (Merged[V.Index])
      V = Merged[V.Index];
    else
      return V;
  }
}

Expr Liveness::bytesIn(ValueId V) {
  const ValueFacts &F = Facts[V];
  if (OnChip.contains(V))
    return Store.constant(0);
  if (F.absent() || (F.Folded && (!F.Known.none() || !F.HasRank)))
    return Store.constant(0); // C7: known when compiled
  if (!F.HasRank || elemBits(F.Elem) == 0) {
    if (Result.Exact)
      Result.Unknown = ("the size of '" + M[V].Name + "' is not known").str();
    Result.Exact = false;
    return Store.constant(0);
  }
  Expr Bytes =
      bytesOf(numElements(Store, F.Dims), countedType(F.Elem, Options));
  if (Bytes.isKnown())
    return Bytes;
  if (Result.Exact)
    Result.Unknown = ("the size of '" + M[V].Name +
                      "' is not known: " + Bytes.unknownReason())
                         .str();
  Result.Exact = false;
  return Store.constant(0);
}

/// M3: an elementwise result takes over the buffer of an input of the same size
/// that dies there.
bool Liveness::takesOver(NodeId Id, ValueId Out, int Position) {
  const Node &N = M[Id];
  if (!(opTraits(N.Kind) & trait::Elementwise))
    return false;
  Buffer &Mine = Buffers[Out.Index];
  if (Mine.Resident)
    return false;
  for (ValueId In : N.Inputs) {
    ValueId From = bufferOf(In);
    if (!From || From == Out || Costs.Operands[From.Index].Weight)
      continue;
    Buffer &Theirs = Buffers[From.Index];
    if (Theirs.Resident || Theirs.End != Position || !Theirs.Bytes ||
        Theirs.Bytes != Mine.Bytes)
      continue;
    Merged[Out.Index] = From;
    Theirs.End = Mine.End;
    return true;
  }
  return false;
}

/// Keeps what no other candidate covers at every binding.
void Liveness::candidate(NodeId N, Expr Live) {
  if (!Seen.insert(Live).second)
    return;
  for (auto &[At, Bytes] : Result.PeakAt)
    if (lessEqual(Live, Bytes) == Truth::True)
      return;
  llvm::erase_if(Result.PeakAt, [&](auto &Each) {
    return lessEqual(Each.second, Live) == Truth::True;
  });
  Result.PeakAt.push_back({N, Live});
}

MemoryFacts Liveness::run() {
  flatten(M.main());

  Sum Weights;
  for (size_t I = 0; I < M.Values.size(); ++I)
    if (M.Values[I].IsInitializer && Facts.Values[I].HasRank)
      Weights.add(weightOrTensorBytes(Costs.Operands[I],
                                      numElements(Store, Facts.Values[I].Dims),
                                      Facts.Values[I], Options));
  Result.WeightBytes = Weights.total(Store);

  // M4: inputs and outputs stay.
  Expr Resident = Store.constant(0);
  auto Keep = [&](ValueId V) {
    ValueId Root = bufferOf(V);
    if (!Root || M[Root].IsInitializer || Buffers[Root.Index].Resident)
      return;
    Buffers[Root.Index].Resident = true;
    Buffers[Root.Index].Bytes = bytesIn(Root);
    Resident += Buffers[Root.Index].Bytes;
  };
  for (ValueId In : M.main().Inputs)
    Keep(In);
  for (ValueId Out : M.main().Outputs)
    Keep(Out);

  // A kernel needs its operands to its end.
  llvm::DenseMap<NodeId, int> KernelEnd;
  for (auto [Position, Id] : llvm::enumerate(Order))
    if (NodeId In = Kernels[Id.Index])
      KernelEnd[In] = static_cast<int>(Position);

  // M2: to the last use of the buffer, or of a view of it.
  for (auto [Position, Id] : llvm::enumerate(Order)) {
    if (Costs.Nodes[Id.Index].Folded)
      continue; // C7: it has run before, and left only what others read
    const NodeId In = Kernels[Id.Index];
    const int End = In ? KernelEnd[In] : static_cast<int>(Position);
    for (ValueId V : M[Id].Inputs)
      if (ValueId Root = bufferOf(V))
        Buffers[Root.Index].End = End;
    for (const Attribute &A : M[Id].Attributes)
      for (GraphId Body : A.Graphs)
        for (ValueId Out : M[Body].Outputs)
          if (ValueId Root = bufferOf(Out))
            Buffers[Root.Index].End = static_cast<int>(Position);
  }

  Expr Live = Resident;
  std::vector<llvm::SmallVector<ValueId, 2>> Dying(Order.size());
  for (auto [Position, Id] : llvm::enumerate(Order)) {
    for (ValueId Out : M[Id].Outputs) {
      if (!Out || bufferOf(Out) != Out || Buffers[Out.Index].Resident)
        continue;
      Buffer &Mine = Buffers[Out.Index];
      if (Mine.End < 0) {
        if (Costs.Nodes[Id.Index].Folded)
          continue;
        Mine.End = static_cast<int>(Position); // written, never read
      }
      Mine.Bytes = bytesIn(Out);
      if (Mine.Bytes.is(0))
        continue;
      if (takesOver(Id, Out, static_cast<int>(Position))) {
        ValueId Root = bufferOf(Out);
        Dying[Buffers[Root.Index].End].push_back(Root);
        continue;
      }
      Live += Mine.Bytes;
      Dying[Mine.End].push_back(Out);
    }
    candidate(Id, Live);
    for (ValueId Root : Dying[Position])
      // A buffer that was taken over dies later.
      if (Buffers[Root.Index].End == static_cast<int>(Position))
        Live -= Buffers[Root.Index].Bytes;
  }

  Result.ActivationBytes = Resident;
  for (auto [I, Each] : llvm::enumerate(Result.PeakAt))
    Result.ActivationBytes =
        I == 0 ? Each.second : max(Result.ActivationBytes, Each.second);
  Result.PeakBytes = Result.WeightBytes + Result.ActivationBytes;
  return std::move(Result);
}

} // namespace

MemoryFacts analyseMemory(const Model &M, const ShapeFacts &Facts,
                          const Uses &U, const GraphCosts &Costs,
                          ExprStore &Store, const CountingOptions &Options) {
  return Liveness(M, Facts, Costs, U, Store, Options).run();
}

} // namespace xfa
