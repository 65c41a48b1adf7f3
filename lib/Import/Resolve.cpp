//===- Resolve.cpp - names become ids -------------------------------------===//
//
// A name is looked up in the graph that uses it, then in the graphs around it,
// innermost first. A function's body sees none of those: only its operands.
//
// ONNX wants each name defined once and nodes after those they need. Files
// break both rules, and runtimes accept them: a name that Constant nodes
// define repeatedly means the nearest definition above its use, and nodes out
// of order are sorted.
//
//===----------------------------------------------------------------------===//

#include "Proto.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
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

namespace {

/// Nodes of a model, and how many of them copies of function bodies may be: a
/// file of a kilobyte can call for 2^64.
constexpr uint64_t MaxNodes = 20'000'000;
constexpr uint64_t MaxCopied = 1'000'000;

constexpr int64_t NewestIrVersion = 14;

/// The definitions of one graph.
struct Scope {
  Scope *Outer = nullptr;
  GraphId Graph;
  /// The last definition of each name: of several Constants by one name, ONNX
  /// Runtime gives the last one to every use. No id: a function's operand that
  /// the call leaves out.
  llvm::DenseMap<StringRef, ValueId> Names;

  /// The graph's nodes are those from FirstNode on, in the file's order; the
  /// one at Position is being resolved.
  uint32_t FirstNode = 0, NumNodes = 0;
  uint32_t Position = 0;
  bool InOrder = true;
  /// What bodies (at the position of their owner) use of this graph's nodes.
  std::vector<std::pair<uint32_t, uint32_t>> Captures;

  /// The position of a node of this graph.
  std::optional<uint32_t> positionOf(NodeId N) const {
    if (!N || N.Index < FirstNode || N.Index - FirstNode >= NumNodes)
      return std::nullopt;
    return N.Index - FirstNode;
  }
};

struct Call;

/// Graphs that stand in a node, not yet built: where their names are looked
/// up, and the call whose attributes they may refer to.
struct PendingBodies {
  unsigned Attribute = 0; ///< index into the node's attributes
  ArrayRef<const ProtoGraph *> Graphs;
  Scope *In = nullptr;
  const Call *Environment = nullptr;
};

/// Attributes with every reference replaced by what it refers to.
struct ResolvedAttributes {
  SmallVector<Attribute, 8> List;
  SmallVector<PendingBodies, 2> Bodies;
};

/// A call of a model-local function while its body is copied.
struct Call {
  const ProtoFunction *Function;
  const llvm::DenseMap<StringRef, int64_t> *Opsets;
  const Call *Caller;
  ResolvedAttributes Arguments;
};

class Resolver {
public:
  Resolver(ProtoModel &P, Model &M) : P(P), M(M) {}
  Error run();

private:
  Expected<GraphId> graph(const ProtoGraph &G, Scope *Outer, const Call *Env,
                          NodeId Owner);
  Expected<GraphId> callee(const Call &C, NodeId Site);
  Error nodes(Scope &S, ArrayRef<ProtoNode> Nodes, const Call *Env);
  Error declareOutputs(Scope &S, ArrayRef<ProtoNode> Nodes, const Call *Env);
  Error declareOutput(Scope &S, const ProtoNode &N, StringRef Name, ValueId V);
  Error resolveNode(Scope &S, NodeId Id, const ProtoNode &N, const Call *Env);
  Error call(Scope &S, NodeId Id, const ProtoNode &N, unsigned Function,
             const Call *Env);
  void attributes(Scope &S, const ProtoAttributes &From, const Call *Env,
                  ResolvedAttributes &To);
  Error order(Scope &S, ArrayRef<ProtoNode> Nodes);
  void noteRest(ValueId V, const ProtoValueInfo &Info);
  void declareTypes(Scope &S, ArrayRef<ProtoValueInfo> Infos);
  std::optional<ValueId> lookUp(Scope &S, StringRef Name);
  std::optional<unsigned> findFunction(const ProtoNode &N) const;
  int opsetVersion(StringRef Domain, const Call *Env, bool IsCall);
  Error enter();
  Error charge(const Call *Env, uint64_t Work);
  ValueId addValue(StringRef Name);
  void warn(const Twine &Sentence) { M.Warnings.push_back(Sentence.str()); }
  void warnOfLeniencies();

  ProtoModel &P;
  Model &M;
  /// By (domain, name), overload; of several the last.
  using FunctionKey = std::pair<std::pair<StringRef, StringRef>, StringRef>;
  llvm::DenseMap<FunctionKey, unsigned> Functions;
  std::vector<llvm::DenseMap<StringRef, int64_t>> FunctionOpsets;
  llvm::DenseMap<StringRef, int64_t> ModelOpsets;
  llvm::DenseSet<StringRef> MissingDomains;
  unsigned Depth = 0;
  uint64_t Copied = 0;
};

bool isConstantNode(const Node &N) {
  return N.Op == "Constant" && N.Domain.empty();
}

ValueId Resolver::addValue(StringRef Name) {
  Value &V = M.Values.emplace_back();
  V.Name = Name;
  return ValueId(M.Values.size() - 1);
}

Error Resolver::enter() {
  if (Depth >= MaxDepth)
    return fail("bodies and function calls stand more than " + Twine(MaxDepth) +
                " deep in each other");
  return Error::success();
}

/// Copying function bodies has a limit, in nodes, names and lookups.
Error Resolver::charge(const Call *Env, uint64_t Work) {
  if (!Env)
    return Error::success();
  Copied += Work;
  if (Copied <= MaxCopied)
    return Error::success();
  return fail("calls of model-local functions expand to more than " +
              Twine(MaxCopied) + " nodes");
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The value that a name means where S stands; none if nothing defines it.
std::optional<ValueId> Resolver::lookUp(Scope &S, StringRef Name) {
  for (Scope *At = &S; At; At = At->Outer) {
    auto Found = At->Names.find(Name);
    if (Found == At->Names.end())
      continue;
    ValueId V = Found->second;
    if (!V)
      return V;
    if (std::optional<uint32_t> Producer = At->positionOf(M[V].Producer)) {
      if (*Producer >= At->Position)
        At->InOrder = false;
      if (At != &S)
        At->Captures.emplace_back(At->Position, *Producer);
    }
    return V;
  }
  return std::nullopt;
}

Error Resolver::declareOutput(Scope &S, const ProtoNode &N, StringRef Name,
                              ValueId V) {
  auto [Known, New] = S.Names.try_emplace(Name, V);
  if (New)
    return Error::success();

  ValueId Previous = Known->second;
  const bool Constants =
      Previous && isConstantNode(M[M[V].Producer]) &&
      (M[Previous].IsInitializer ||
       (M[Previous].Producer && isConstantNode(M[M[Previous].Producer])));
  if (!Constants) {
    NodeId Other = Previous ? M[Previous].Producer : NodeId();
    return inside(describe(N),
                  fail("output '" + Name + "' is already " +
                       (Other ? "an output of node '" + M.label(Other) + "'"
                        : Previous && M[Previous].IsInitializer
                            ? std::string("an initializer")
                            : std::string("an input"))));
  }

  if (++P.Accepted.Redefinitions == 1)
    P.Accepted.FirstRedefined = Name;
  Known->second = V;
  return Error::success();
}

void Resolver::noteRest(ValueId V, const ProtoValueInfo &Info) {
  if (!Info.Rest.empty())
    M.ValueRest.try_emplace(V, Info.Rest);
}

/// Declared types go to the values that S defines; the first of several counts.
void Resolver::declareTypes(Scope &S, ArrayRef<ProtoValueInfo> Infos) {
  for (const ProtoValueInfo &Info : Infos) {
    auto Found = S.Names.find(Info.Name);
    if (Found == S.Names.end() || !Found->second) {
      M[S.Graph].StrayTypes.push_back({Info.Name, Info.Message});
      continue;
    }
    noteRest(Found->second, Info);
    if (M[Found->second].Declared)
      continue;
    M[Found->second].Declared = Info.Type;
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

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
  if (N.Inputs.size() > F.Inputs.size() || N.Outputs.size() > F.Outputs.size())
    return fail("function '" + F.Name + "' has " + Twine(F.Inputs.size()) +
                " inputs and " + Twine(F.Outputs.size()) +
                " outputs, found a call with " + Twine(N.Inputs.size()) +
                " and " + Twine(N.Outputs.size()));

  // What a call leaves out at the end is left out like what it names "".
  SmallVector<ValueId, 8> Inputs(M[Id].Inputs), Outputs(M[Id].Outputs);
  Inputs.resize(F.Inputs.size());
  Outputs.resize(F.Outputs.size());
  M[Id].Inputs = M.save(ArrayRef<ValueId>(Inputs));
  M[Id].Outputs = M.save(ArrayRef<ValueId>(Outputs));

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

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

Expected<GraphId> Resolver::graph(const ProtoGraph &G, Scope *Outer,
                                  const Call *Env, NodeId Owner) {
  if (Error E = enter())
    return E;
  if (Error E = charge(Env, 1 + (G.Initializers.size() + G.Inputs.size() +
                                 G.Outputs.size() + G.ValueInfos.size()) /
                                    8))
    return E;
  ++Depth;
  Scope S;
  S.Outer = Outer;
  S.Graph = GraphId(M.Graphs.size());
  M.Graphs.emplace_back();
  M[S.Graph].Name = G.Name;
  M[S.Graph].Rest = G.Rest;
  M[S.Graph].Owner = Owner;
  S.Names.reserve(G.Initializers.size() + G.Inputs.size() + G.Nodes.size());

  for (const ProtoInitializer &Init : G.Initializers) {
    if (Init.Name.empty()) {
      ++P.Accepted.NamelessInitializers;
      continue;
    }
    auto [Known, New] = S.Names.try_emplace(Init.Name, ValueId());
    if (!New) {
      if (++P.Accepted.RepeatedInitializers == 1)
        P.Accepted.FirstRepeated = Init.Name;
      M[Known->second].Const = Init.Tensor;
      continue;
    }
    ValueId V = Known->second = addValue(Init.Name);
    M[V].IsInitializer = true;
    M[V].Const = Init.Tensor;
    M[S.Graph].Initializers.push_back(V);
  }

  for (const ProtoValueInfo &Input : G.Inputs) {
    auto [Known, New] = S.Names.try_emplace(Input.Name, ValueId());
    if (!New) {
      Value &Given = M[Known->second];
      if (!Given.IsInitializer)
        return fail("graph '" + G.Name + "' has two inputs '" + Input.Name +
                    "'");
      Given.Declared = Input.Type;
      noteRest(Known->second, Input);
      M[S.Graph].InitialisedInputs.push_back(
          {Known->second, static_cast<uint32_t>(M[S.Graph].Inputs.size())});
      continue;
    }
    ValueId V = Known->second = addValue(Input.Name);
    M[V].IsInput = true;
    M[V].Declared = Input.Type;
    noteRest(V, Input);
    M[S.Graph].Inputs.push_back(V);
  }

  if (Error E = nodes(S, G.Nodes, Env))
    return E;

  for (const ProtoValueInfo &Output : G.Outputs) {
    std::optional<ValueId> V = lookUp(S, Output.Name);
    if (!V || !*V)
      return fail("output '" + Output.Name + "' of graph '" + G.Name +
                  "' is an output of no node, and no input or initializer");
    M[S.Graph].Outputs.push_back(*V);
  }
  declareTypes(S, G.Outputs);
  M[S.Graph].StrayTypes.clear(); // an outer value handed on
  declareTypes(S, G.ValueInfos);
  --Depth;
  return S.Graph;
}

Expected<GraphId> Resolver::callee(const Call &C, NodeId Site) {
  const ProtoFunction &F = *C.Function;
  if (Error E = enter())
    return E;
  const uint64_t AttributeLookups =
      (C.Arguments.List.size() + F.Defaults.Extras.size()) *
      F.Defaults.List.size();
  if (Error E = charge(&C, 1 + (F.Inputs.size() + F.Outputs.size() +
                                F.ValueInfos.size() + AttributeLookups) /
                                   8))
    return E;
  ++Depth;
  Scope S;
  S.Graph = GraphId(M.Graphs.size());
  M.Graphs.emplace_back();
  M[S.Graph].Name = F.Name;
  M[S.Graph].Owner = Site;

  for (size_t I = 0; I < F.Inputs.size(); ++I) {
    ValueId V = addValue(F.Inputs[I]);
    M[S.Graph].Inputs.push_back(V);
    const bool Given = static_cast<bool>(M[Site].Inputs[I]);
    if (!S.Names.try_emplace(F.Inputs[I], Given ? V : ValueId()).second)
      return fail("it has two inputs '" + F.Inputs[I] + "'");
  }

  if (Error E = nodes(S, F.Nodes, &C))
    return E;

  for (StringRef Name : F.Outputs) {
    std::optional<ValueId> V = lookUp(S, Name);
    if (!V)
      return fail("its output '" + Name +
                  "' is an output of no node, and no input");
    if (!*V) // an operand that the call leaves out, handed on
      V = M[S.Graph].Inputs[llvm::find(F.Inputs, Name) - F.Inputs.begin()];
    M[S.Graph].Outputs.push_back(*V);
  }
  declareTypes(S, F.ValueInfos);
  --Depth;
  return S.Graph;
}

/// "1 graph", "3 graphs".
std::string counted(uint64_t Count, StringRef Thing) {
  return std::to_string(Count) + (" " + Thing + (Count == 1 ? "" : "s")).str();
}

void Resolver::warnOfLeniencies() {
  const Leniencies &A = P.Accepted;
  if (A.NegativeDims)
    warn("expected dims of 0 or more, found " +
         counted(A.NegativeDims, "negative one") + "; taken for unknown");
  if (A.UnknownElemTypes)
    warn("expected element types that ONNX 1.23 defines, found " +
         counted(A.UnknownElemTypes, "other"));
  if (A.NamelessInitializers)
    warn("found " + counted(A.NamelessInitializers, "initializer") +
         " without a name; nothing can use that");
  if (A.RepeatedInitializers)
    warn("found " + counted(A.RepeatedInitializers, "initializer") +
         " whose name another has, first '" + A.FirstRepeated +
         "'; the last one counts");
  if (A.RepeatedFunctions)
    warn("found " + counted(A.RepeatedFunctions, "function") +
         " whose name another has, first '" + A.FirstFunction +
         "'; the last one counts");
  if (A.Redefinitions)
    warn("found " + counted(A.Redefinitions, "name") +
         " that Constant nodes define repeatedly, first '" + A.FirstRedefined +
         "'; a use means the nearest definition above it");
  if (A.UnsortedGraphs)
    warn("found " + counted(A.UnsortedGraphs, "graph") +
         " with nodes above others whose outputs they use, first '" +
         A.FirstUnsorted + "'; sorted");
}

Error Resolver::run() {
  if (M.IrVersion > NewestIrVersion)
    warn("IR version " + Twine(M.IrVersion) +
         " is newer than the newest known, " + Twine(NewestIrVersion));
  else if (M.IrVersion <= 0)
    warn("the model states no IR version");

  for (const OpsetImport &Import : M.Opsets)
    ModelOpsets.try_emplace(Import.Domain, Import.Version);
  FunctionOpsets.resize(P.Functions.size());
  for (unsigned I = 0; I < P.Functions.size(); ++I) {
    const ProtoFunction &F = P.Functions[I];
    auto [Known, New] =
        Functions.try_emplace({{F.Domain, F.Name}, F.Overload}, I);
    if (!New) {
      Known->second = I;
      if (++P.Accepted.RepeatedFunctions == 1)
        P.Accepted.FirstFunction = F.Name;
    }
    for (const OpsetImport &Import : F.Opsets)
      FunctionOpsets[I].try_emplace(Import.Domain, Import.Version);
  }

  M.Nodes.reserve(P.Graph.Nodes.size());
  M.Values.reserve(P.Graph.Nodes.size() + P.Graph.Initializers.size() +
                   P.Graph.Inputs.size());
  Expected<GraphId> Main = graph(P.Graph, nullptr, nullptr, NodeId());
  if (!Main)
    return Main.takeError();
  warnOfLeniencies();
  return Error::success();
}

} // namespace

Error resolveModel(ProtoModel &P, Model &M) { return Resolver(P, M).run(); }

} // namespace xfa::import
