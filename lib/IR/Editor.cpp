//===- Editor.cpp - changing a model --------------------------------------===//

#include "xfa/IR/Editor.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

namespace xfa {

void forEachInnerGraph(const Node &N, llvm::function_ref<void(GraphId)> Fn) {
  for (const Attribute &A : N.Attributes)
    for (GraphId G : A.Graphs)
      Fn(G);
  if (N.Callee)
    Fn(N.Callee);
}

Editor::Editor(Model &M)
    : M(M), UsesOf(M.Values.size()), OutputUses(M.Values.size(), 0),
      Erased(M.Nodes.size(), false) {
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    addUses(NodeId(I));
  for (const Graph &G : M.Graphs)
    for (ValueId V : G.Outputs)
      if (V)
        ++OutputUses[V.Index];
  takeNames(GraphId(0));
}

/// Functions' bodies have name spaces of their own.
void Editor::takeNames(GraphId Id) {
  const Graph &G = M[Id];
  auto Take = [&](ValueId V) {
    if (V)
      Taken.try_emplace(M[V].Name, 0);
  };
  llvm::for_each(G.Inputs, Take);
  llvm::for_each(G.Initializers, Take);
  for (NodeId N : G.Nodes) {
    llvm::for_each(M[N].Outputs, Take);
    for (const Attribute &A : M[N].Attributes)
      llvm::for_each(A.Graphs, [&](GraphId Body) { takeNames(Body); });
  }
}

void Editor::addUses(NodeId N) {
  for (auto [Operand, V] : llvm::enumerate(M[N].Inputs))
    if (V)
      UsesOf[V.Index].push_back({N, static_cast<uint32_t>(Operand)});
}

void Editor::dropUse(ValueId V, NodeId User, unsigned Operand) {
  if (!V)
    return;
  llvm::erase_if(UsesOf[V.Index], [&](const Use &U) {
    return U.User == User && U.Operand == Operand;
  });
  if (!used(V))
    Unused.push_back(V);
}

void Editor::dropUsesIn(NodeId N) {
  for (auto [Operand, V] : llvm::enumerate(M[N].Inputs))
    dropUse(V, N, static_cast<unsigned>(Operand));
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

StringRef Editor::freshName(StringRef Hint) {
  auto [Known, New] = Taken.try_emplace(Hint, 0);
  if (New)
    return M.save(Hint);
  for (;;) {
    // Not a reference: the map may grow.
    unsigned Number = ++Taken[Hint];
    auto [Made, Free] =
        Taken.try_emplace((Hint + "_" + llvm::utostr(Number)).str(), 0);
    if (Free)
      return M.save(Made->first());
  }
}

void Editor::rename(ValueId V, StringRef Name) {
  if (M[V].Name != Name)
    M[V].Name = freshName(Name);
}

//===----------------------------------------------------------------------===//
// Inputs and outputs of graphs
//===----------------------------------------------------------------------===//

ValueId Editor::addInput(GraphId To, StringRef Name, TypeId Declared) {
  ValueId V = makeValue(Name);
  M[V].IsInput = true;
  M[V].Declared = Declared;
  M[To].Inputs.push_back(V);
  return V;
}

void Editor::removeInput(GraphId G, ValueId V) {
  assert(!used(V) && "an input that something uses");
  auto &Inputs = M[G].Inputs;
  const auto Position =
      static_cast<uint32_t>(llvm::find(Inputs, V) - Inputs.begin());
  llvm::erase(Inputs, V);
  for (Graph::InitialisedInput &I : M[G].InitialisedInputs)
    I.Before -= I.Before > Position;
  M[V].IsInput = false;
}

/// V under this name: V itself, renamed, where nobody knows its own; else an
/// Identity of it. Name must be free.
ValueId Editor::outputNamed(GraphId G, ValueId V, StringRef Name,
                            TypeId Declared) {
  const bool Own = M[V].Producer && M[M[V].Producer].Parent == G &&
                   !llvm::is_contained(M[G].Outputs, V);
  if (!Own)
    V = make(G, "Identity", {V}, {}, Name);
  else
    rename(V, Name);
  if (Declared)
    M[V].Declared = Declared;
  return V;
}

ValueId Editor::addOutput(GraphId To, ValueId V, StringRef Name,
                          TypeId Declared) {
  V = outputNamed(To, V, Name, Declared);
  M[To].Outputs.push_back(V);
  ++OutputUses[V.Index];
  return V;
}

void Editor::setOutput(GraphId G, unsigned Index, ValueId To) {
  ValueId &Slot = M[G].Outputs[Index];
  ValueId From = Slot;
  if (From == To)
    return;
  if (!M[G].Owner) {
    // The name belongs to the place, not to the value.
    StringRef Name = M[From].Name;
    TypeId Declared = M[From].Declared;
    if (!M[From].IsInput && !M[From].IsInitializer) {
      M[From].Name = {};
      Taken.erase(Name);
      const ValueId Named = outputNamed(G, To, Name, Declared);
      M[From].Name = freshName(Name);
      To = Named;
    }
  }
  M[G].Outputs[Index] = To;
  ++OutputUses[To.Index];
  if (--OutputUses[From.Index] == 0 && !used(From))
    Unused.push_back(From);
}

void Editor::removeOutput(GraphId G, unsigned Index) {
  auto &Outputs = M[G].Outputs;
  ValueId V = Outputs[Index];
  Outputs.erase(Outputs.begin() + Index);
  --OutputUses[V.Index];
  if (!used(V))
    Unused.push_back(V);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

void Editor::setInput(NodeId N, unsigned Operand, ValueId To) {
  ValueId From = M[N].Inputs[Operand];
  if (From == To)
    return;
  M[N].Inputs[Operand] = To;
  if (To)
    UsesOf[To.Index].push_back({N, Operand});
  dropUse(From, N, Operand);
}

void Editor::setInputs(NodeId N, ArrayRef<ValueId> Inputs) {
  dropUsesIn(N);
  M[N].Inputs = M.save(Inputs);
  addUses(N);
}

void Editor::setAttributes(NodeId N, ArrayRef<Attribute> Attributes) {
  M[N].Attributes = M.save(Attributes);
}

void Editor::replaceOutputs(ValueId From, ValueId To) {
  for (size_t G = 0; G < M.Graphs.size() && OutputUses[From.Index]; ++G)
    for (unsigned I = 0; I < M.Graphs[G].Outputs.size(); ++I)
      if (M.Graphs[G].Outputs[I] == From)
        setOutput(GraphId(G), I, To);
}

void Editor::replaceAllUses(ValueId From, ValueId To, NodeId Except) {
  assert(From != To && "a value in its own place");
  SmallVector<Use, 2> Moved = std::move(UsesOf[From.Index]);
  UsesOf[From.Index].clear();
  for (const Use &U : Moved) {
    if (U.User == Except) {
      UsesOf[From.Index].push_back(U);
      continue;
    }
    M[U.User].Inputs[U.Operand] = To;
    UsesOf[To.Index].push_back(U);
  }
  if (OutputUses[From.Index])
    replaceOutputs(From, To);
  if (!used(From))
    Unused.push_back(From);
}

void Editor::forgetInnerTypes() {
  for (size_t I = 0; I < M.Values.size(); ++I)
    if (M.Values[I].Producer && !OutputUses[I]) {
      M.Values[I].Declared = TypeId();
      M.ValueRest.erase(ValueId(I));
    }
}

//===----------------------------------------------------------------------===//
// Erasing
//===----------------------------------------------------------------------===//

void Editor::eraseGraph(GraphId G) {
  for (NodeId N : M[G].Nodes) {
    dropUsesIn(N);
    forEachInnerGraph(M[N], [&](GraphId Inner) { eraseGraph(Inner); });
    M[N].Inputs = M[N].Outputs = {};
    Erased[N.Index] = true;
  }
  for (ValueId V : M[G].Outputs)
    if (V && --OutputUses[V.Index] == 0 && !used(V))
      Unused.push_back(V);
  M[G] = Graph();
}

void Editor::erase(NodeId N) {
  assert(llvm::none_of(M[N].Outputs, [&](ValueId V) { return V && used(V); }) &&
         "a node whose output something uses");
  if (Erased[N.Index])
    return;
  dropUsesIn(N);
  forEachInnerGraph(M[N], [&](GraphId G) { eraseGraph(G); });
  // Its graph still lists it, until finish().
  M[N].Inputs = M[N].Outputs = {};
  M[N].Attributes = {};
  M[N].Callee = GraphId();
  Erased[N.Index] = true;
}

void Editor::eraseInitializer(ValueId V) {
  assert(M[V].IsInitializer && !used(V) && "an initializer that is used");
  M[V].IsInitializer = false; // its graph still lists it, until finish()
}

/// What is gone leaves the list, and what stands for it comes in.
void Editor::settleNodes(GraphId G) {
  std::vector<NodeId> Settled;
  Settled.reserve(M[G].Nodes.size());
  llvm::DenseSet<NodeId> Expanded;
  auto Settle = [&](auto &&Self, NodeId N) -> void {
    if (!Erased[N.Index] && M[N].Parent == G)
      Settled.push_back(N);
    auto Others = InPlaceOf.find(N);
    if (Others != InPlaceOf.end() && Expanded.insert(N).second)
      for (NodeId Other : Others->second)
        Self(Self, Other);
  };
  for (NodeId N : M[G].Nodes)
    Settle(Settle, N);
  M[G].Nodes = std::move(Settled);
}

llvm::Error Editor::finish() {
  while (!Unused.empty()) {
    ValueId V = Unused.back();
    Unused.pop_back();
    if (used(V))
      continue;
    if (NodeId N = M[V].Producer; N && !Erased[N.Index]) {
      if (llvm::none_of(M[N].Outputs,
                        [&](ValueId Out) { return Out && used(Out); }))
        erase(N);
    } else if (M[V].IsInitializer) {
      eraseInitializer(V);
    }
  }
  for (size_t G = 0; G < M.Graphs.size(); ++G) {
    settleNodes(GraphId(G));
    auto Dropped = [&](ValueId V) { return !M[V].IsInitializer; };
    llvm::erase_if(M.Graphs[G].Initializers, Dropped);
    llvm::erase_if(M.Graphs[G].InitialisedInputs,
                   [&](const auto &I) { return Dropped(I.Value); });
    if (llvm::Error E = sortNodes(M, GraphId(G)))
      return E;
  }
  InPlaceOf.clear();
  return llvm::Error::success();
}

} // namespace xfa
