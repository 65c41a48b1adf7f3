//===- ResolveNodes.cpp - operands, attributes, calls, order --------------===//
//
// ONNX wants nodes after those they need; where a file breaks that rule, they
// are sorted.
//
//===----------------------------------------------------------------------===//

#include "Resolver.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {
std::optional<unsigned> Resolver::findFunction(const ProtoNode &N) const {
  if (Functions.empty())
    return std::nullopt;
  auto Found = Functions.find({{N.Domain, N.Op}, N.Overload});
  if (Found == Functions.end())
    return std::nullopt;
  return Found->second;
}

int Resolver::opsetVersion(StringRef Domain, const Call *Env, bool IsCall) {
  auto Clamp = [](int64_t Version) {
    return static_cast<int>(
        std::clamp<int64_t>(Version, 0, std::numeric_limits<int>::max()));
  };
  if (Env) {
    auto Found = Env->Opsets->find(Domain);
    if (Found != Env->Opsets->end())
      return Clamp(Found->second);
  }
  auto Found = ModelOpsets.find(Domain);
  if (Found != ModelOpsets.end())
    return Clamp(Found->second);

  // IR versions 1 and 2 knew one operator set; com.microsoft has one version.
  const bool Implied = IsCall || Domain == "com.microsoft" ||
                       (Domain.empty() && M.IrVersion < 3);
  if (!Implied && MissingDomains.insert(Domain).second)
    warn("no opset_import for the domain '" +
         (Domain.empty() ? StringRef("ai.onnx") : Domain) +
         "' that nodes use; version 1 is assumed");
  return 1;
}

/// The attributes as the call Env makes them. A reference to one that neither
/// the call nor the function gives leaves the attribute out.
void Resolver::attributes(Scope &S, const ProtoAttributes &From,
                          const Call *Env, ResolvedAttributes &To) {
  auto Extra = From.Extras.begin();
  for (unsigned I = 0; I < From.List.size(); ++I) {
    const bool IsExtra = Extra != From.Extras.end() && Extra->Index == I;
    const AttributeExtra *X = IsExtra ? &*Extra++ : nullptr;
    if (!X || X->Reference.empty()) {
      if (X)
        To.Bodies.push_back(
            {static_cast<unsigned>(To.List.size()), X->Bodies, &S, Env});
      To.List.push_back(From.List[I]);
      continue;
    }
    if (!Env)
      continue;
    const ResolvedAttributes &Arguments = Env->Arguments;
    for (unsigned J = 0; J < Arguments.List.size(); ++J) {
      if (Arguments.List[J].Name != X->Reference)
        continue;
      for (const PendingBodies &B : Arguments.Bodies)
        if (B.Attribute == J) {
          To.Bodies.push_back(B);
          To.Bodies.back().Attribute = static_cast<unsigned>(To.List.size());
        }
      To.List.push_back(Arguments.List[J]);
      To.List.back().Name = From.List[I].Name;
      break;
    }
  }
}

/// Makes the nodes and the values they produce; their inputs may come from
/// nodes further down.
Error Resolver::declareOutputs(Scope &S, ArrayRef<ProtoNode> Nodes,
                               const Call *Env) {
  if (M.Nodes.size() + Nodes.size() > MaxNodes)
    return fail("the model has more than " + Twine(MaxNodes) + " nodes");
  S.FirstNode = static_cast<uint32_t>(M.Nodes.size());
  S.NumNodes = static_cast<uint32_t>(Nodes.size());
  S.Names.reserve(S.Names.size() + Nodes.size());
  SmallVector<ValueId, 8> Outputs;
  for (uint32_t I = 0; I < Nodes.size(); ++I) {
    const ProtoNode &From = Nodes[I];
    if (Error E = charge(Env, 1 + (From.Inputs.size() + From.Outputs.size() +
                                   From.Attributes.List.size()) /
                                      8))
      return E;
    NodeId Id(M.Nodes.size());
    Node &N = M.Nodes.emplace_back();
    const bool IsCall = findFunction(From).has_value();
    N.Kind = IsCall ? OpKind::Unknown : findOpKind(From.Domain, From.Op);
    N.Op = From.Op;
    N.Domain = From.Domain;
    N.Name = From.Name;
    N.OpsetVersion = opsetVersion(From.Domain, Env, IsCall);
    N.Parent = S.Graph;
    N.Attributes = From.Attributes.List;
    N.Props = From.Props;
    N.Rest = From.Rest;
    Outputs.clear();
    for (StringRef Name : From.Outputs) {
      if (Name.empty()) {
        Outputs.emplace_back();
        continue;
      }
      ValueId V = addValue(Name);
      M[V].Producer = Id;
      M[V].OutputIndex = static_cast<uint32_t>(Outputs.size());
      Outputs.push_back(V);
      if (Error E = declareOutput(S, From, Name, V))
        return E;
    }
    N.Outputs = M.save(ArrayRef<ValueId>(Outputs));
  }
  return Error::success();
}

Error Resolver::resolveNode(Scope &S, NodeId Id, const ProtoNode &N,
                            const Call *Env) {
  SmallVector<ValueId, 8> Inputs;
  for (StringRef Name : N.Inputs) {
    if (Name.empty()) {
      Inputs.emplace_back();
      continue;
    }
    std::optional<ValueId> V = lookUp(S, Name);
    if (!V)
      return fail("input " + Twine(Inputs.size()) + ", '" + Name +
                  "', is an output of no node, and no graph input or "
                  "initializer");
    Inputs.push_back(*V);
  }
  M[Id].Inputs = M.save(ArrayRef<ValueId>(Inputs));

  if (Env)
    if (Error E = charge(Env, N.Attributes.Extras.size() *
                                  Env->Arguments.List.size() / 8))
      return E;
  if (std::optional<unsigned> Function = findFunction(N))
    return call(S, Id, N, *Function, Env);

  if (!N.Attributes.Extras.empty()) {
    ResolvedAttributes Resolved;
    attributes(S, N.Attributes, Env, Resolved);
    for (const PendingBodies &Pending : Resolved.Bodies) {
      SmallVector<GraphId, 2> Graphs;
      for (const ProtoGraph *Body : Pending.Graphs) {
        Expected<GraphId> G = graph(*Body, Pending.In, Pending.Environment, Id);
        if (!G)
          return inside("attribute '" + Resolved.List[Pending.Attribute].Name +
                            "'",
                        G.takeError());
        Graphs.push_back(*G);
      }
      Resolved.List[Pending.Attribute].Graphs =
          M.save(ArrayRef<GraphId>(Graphs));
    }
    M[Id].Attributes = M.save(ArrayRef<Attribute>(Resolved.List));
  }

  const Node &Made = M[Id];
  if (isConstantNode(Made) && !Made.Outputs.empty() && Made.Outputs[0])
    for (const Attribute &A : Made.Attributes)
      if (ConstantId C = constantOfAttribute(A, M))
        M[Made.Outputs[0]].Const = C;
  return Error::success();
}

Error Resolver::call(Scope &S, NodeId Id, const ProtoNode &N, unsigned Function,
                     const Call *Env) {
  const ProtoFunction &F = P.Functions[Function];
  for (const Call *C = Env; C; C = C->Caller)
    if (C->Function == &F)
      return fail("function '" + F.Name + "' calls itself");
  // ONNX Runtime and ONNX's shape inference want every output named or "".
  if (N.Inputs.size() > F.Inputs.size() || N.Outputs.size() != F.Outputs.size())
    return fail("function '" + F.Name + "' has " + Twine(F.Inputs.size()) +
                " inputs and " + Twine(F.Outputs.size()) +
                " outputs, found a call with " + Twine(N.Inputs.size()) +
                " and " + Twine(N.Outputs.size()));

  // What a call leaves out at the end is left out like what it names "".
  SmallVector<ValueId, 8> Inputs(M[Id].Inputs);
  Inputs.resize(F.Inputs.size());
  M[Id].Inputs = M.save(ArrayRef<ValueId>(Inputs));

  Call C{&F, &FunctionOpsets[Function], Env, {}};
  attributes(S, N.Attributes, Env, C.Arguments);
  M[Id].Attributes = M.save(ArrayRef<Attribute>(C.Arguments.List));
  // Defaults see no names and no call.
  ResolvedAttributes Defaults;
  Scope Nowhere;
  attributes(Nowhere, F.Defaults, nullptr, Defaults);
  for (unsigned I = 0; I < Defaults.List.size(); ++I) {
    const Attribute &Default = Defaults.List[I];
    if (llvm::any_of(C.Arguments.List, [&](const Attribute &Given) {
          return Given.Name == Default.Name;
        }))
      continue;
    for (const PendingBodies &B : Defaults.Bodies)
      if (B.Attribute == I) {
        C.Arguments.Bodies.push_back(B);
        C.Arguments.Bodies.back().Attribute =
            static_cast<unsigned>(C.Arguments.List.size());
      }
    C.Arguments.List.push_back(Default);
  }

  Expected<GraphId> Body = callee(C, Id);
  if (!Body)
    return inside("function '" + F.Name + "'", Body.takeError());
  M[Id].Callee = *Body;
  return Error::success();
}

/// Sorts the nodes of S so that each comes after those it needs. Nodes keep
/// the file's order but for those that have to move up.
Error Resolver::order(Scope &S, ArrayRef<ProtoNode> Nodes) {
  std::vector<NodeId> &Order = M[S.Graph].Nodes;
  Order.reserve(S.NumNodes);
  if (S.InOrder) {
    for (uint32_t I = 0; I < S.NumNodes; ++I)
      Order.emplace_back(S.FirstNode + I);
    return Error::success();
  }
  if (++P.Accepted.UnsortedGraphs == 1)
    P.Accepted.FirstUnsorted = M[S.Graph].Name;

  // What the node at I needs: Needs[First[I]] to Needs[First[I + 1] - 1].
  std::vector<uint32_t> First, Needs;
  auto Captured = S.Captures.begin();
  for (uint32_t I = 0; I < S.NumNodes; ++I) {
    First.push_back(static_cast<uint32_t>(Needs.size()));
    for (ValueId V : M.Nodes[S.FirstNode + I].Inputs)
      if (V)
        if (std::optional<uint32_t> Producer = S.positionOf(M[V].Producer))
          Needs.push_back(*Producer);
    for (; Captured != S.Captures.end() && Captured->first == I; ++Captured)
      Needs.push_back(Captured->second);
  }
  First.push_back(static_cast<uint32_t>(Needs.size()));

  // A depth-first walk with its stack on the heap; Next is where each node on
  // the stack goes on.
  enum : uint8_t { New, OnStack, Placed };
  std::vector<uint8_t> State(S.NumNodes, New);
  std::vector<uint32_t> Stack, Next(First.begin(), First.end() - 1);
  for (uint32_t Root = 0; Root < S.NumNodes; ++Root) {
    if (State[Root] != New)
      continue;
    Stack.push_back(Root);
    State[Root] = OnStack;
    while (!Stack.empty()) {
      uint32_t I = Stack.back();
      if (Next[I] == First[I + 1]) {
        State[I] = Placed;
        Order.emplace_back(S.FirstNode + I);
        Stack.pop_back();
        continue;
      }
      uint32_t Need = Needs[Next[I]++];
      if (State[Need] == OnStack)
        return inside(describe(Nodes[Need]),
                      fail("it needs its own output: the graph has a cycle"));
      if (State[Need] == New) {
        Stack.push_back(Need);
        State[Need] = OnStack;
      }
    }
  }
  return Error::success();
}

Error Resolver::nodes(Scope &S, ArrayRef<ProtoNode> Nodes, const Call *Env) {
  if (Error E = declareOutputs(S, Nodes, Env))
    return E;
  for (uint32_t I = 0; I < Nodes.size(); ++I) {
    S.Position = I;
    if (Error E = resolveNode(S, NodeId(S.FirstNode + I), Nodes[I], Env))
      return inside(describe(Nodes[I]), std::move(E));
  }
  S.Position = S.NumNodes;
  return order(S, Nodes);
}

} // namespace xfa::import
