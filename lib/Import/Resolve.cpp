//===- Resolve.cpp - scopes, graphs, the model ----------------------------===//

#include "Resolver.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

static constexpr int64_t NewestIrVersion = 14;
static constexpr int64_t NewestOpset = 28;

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

/// An initializer is what its input is declared to be, as far as that is said.
Error Resolver::checkDefault(ValueId V) {
  const Value &Given = M[V];
  if (!Given.Declared || !Given.Const || !M[Given.Declared].HasShape)
    return Error::success();
  ArrayRef<DeclaredDim> Declared = M[Given.Declared].Dims;
  ArrayRef<int64_t> Dims = M[Given.Const].Dims;
  bool Agrees = Declared.size() == Dims.size();
  for (size_t D = 0; Agrees && D < Dims.size(); ++D)
    Agrees =
        Declared[D].Kind != DeclaredDim::Number || Declared[D].Value == Dims[D];
  if (Agrees)
    return Error::success();
  std::string Expected, Found;
  for (const DeclaredDim &D : Declared)
    Expected += (Expected.empty() ? "" : ",") +
                (D.Kind == DeclaredDim::Number ? std::to_string(D.Value)
                 : D.Kind == DeclaredDim::Name ? D.Symbol.str()
                                               : "?");
  for (int64_t D : Dims)
    Found += (Found.empty() ? "" : ",") + std::to_string(D);
  return fail("input '" + Given.Name + "' is declared [" + Expected +
              "], but its initializer is [" + Found + "]");
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
      if (Error E = checkDefault(Known->second))
        return E;
      M[S.Graph].InitialisedInputs.push_back(
          {Known->second, static_cast<uint32_t>(M[S.Graph].Inputs.size())});
      continue;
    }
    ValueId V = Known->second = addValue(Input.Name);
    M[V].IsInput = true;
    M[V].Declared = Input.Type;
    if (!Outer && !Env && Input.Type && P.Accepted.UnknownElemTypes == 0 &&
        M[Input.Type].Kind == DeclaredType::Tensor &&
        M[Input.Type].Elem == ElemType::Undefined)
      return fail("input '" + Input.Name + "' has no element type");
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
static std::string counted(uint64_t Count, StringRef Thing) {
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

Error Resolver::checkOpset(const OpsetImport &Import) {
  if (!Import.Domain.empty() && Import.Domain != "ai.onnx")
    return Error::success();
  if (Import.Version < 1)
    return fail("expected an opset_import of ai.onnx of 1 or more, found " +
                Twine(Import.Version));
  if (Import.Version > NewestOpset)
    warn("opset " + Twine(Import.Version) +
         " of ai.onnx is newer than the newest known, " + Twine(NewestOpset) +
         "; its operators are taken for those");
  return Error::success();
}

Error Resolver::run() {
  if (M.IrVersion > NewestIrVersion)
    warn("IR version " + Twine(M.IrVersion) +
         " is newer than the newest known, " + Twine(NewestIrVersion));
  else if (M.IrVersion <= 0)
    warn("the model states no IR version");

  for (const OpsetImport &Import : M.Opsets) {
    ModelOpsets.try_emplace(Import.Domain, Import.Version);
    if (Error E = checkOpset(Import))
      return E;
  }
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

Error resolveModel(ProtoModel &P, Model &M) { return Resolver(P, M).run(); }

} // namespace xfa::import
