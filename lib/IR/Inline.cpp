//===- Inline.cpp - functions into the graphs that call them --------------===//

#include "xfa/IR/Editor.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using llvm::SmallVector;
using llvm::StringRef;

namespace xfa {

std::string Editor::whyNotInlined(NodeId Call) const {
  std::string Why;
  auto Check = [&](auto &&Self, GraphId G) -> void {
    for (NodeId Id : M[G].Nodes) {
      const Node &N = M[Id];
      for (const OpsetImport &Import : M.Opsets)
        if (Import.Domain == N.Domain && Import.Version != N.OpsetVersion &&
            !N.Callee && Why.empty())
          Why = ("its body is in opset " + llvm::Twine(N.OpsetVersion) +
                 " of " + (N.Domain.empty() ? StringRef("ai.onnx") : N.Domain) +
                 ", the model in " + llvm::Twine(Import.Version))
                    .str();
      for (const Attribute &A : N.Attributes)
        for (GraphId Body : A.Graphs)
          Self(Self, Body);
    }
  };
  Check(Check, M[Call].Callee);
  return Why;
}

void Editor::takeNodeNames(GraphId G) {
  for (NodeId N : M[G].Nodes) {
    NodeNames.try_emplace(M[N].Name, 0);
    for (const Attribute &A : M[N].Attributes)
      for (GraphId Body : A.Graphs)
        takeNodeNames(Body);
  }
}

void Editor::nameApart(NodeId N) {
  const StringRef Name = M[N].Name;
  if (Name.empty())
    return;
  if (NodeNames.empty())
    takeNodeNames(GraphId(0));
  if (NodeNames.try_emplace(Name, 0).second)
    return;
  for (;;) {
    const unsigned Number = ++NodeNames[Name];
    std::string Free = (Name + "_" + llvm::Twine(Number)).str();
    if (!NodeNames.try_emplace(Free, 0).second)
      continue;
    M[N].Name = M.save(Free);
    return;
  }
}

std::vector<NodeId> Editor::inlineCall(NodeId Call) {
  const GraphId To = M[Call].Parent, BodyId = M[Call].Callee;
  const Graph Body = std::move(M[BodyId]);
  M[BodyId] = Graph();

  // Operands.
  for (auto [In, Given] : llvm::zip_equal(Body.Inputs, M[Call].Inputs)) {
    SmallVector<Use, 2> Moved = std::move(UsesOf[In.Index]);
    UsesOf[In.Index].clear();
    for (const Use &U : Moved) {
      M[U.User].Inputs[U.Operand] = Given;
      if (Given)
        UsesOf[Given.Index].push_back(U);
    }
  }
  auto Outside = [&](ValueId V) {
    const auto Found = llvm::find(Body.Inputs, V);
    return Found == Body.Inputs.end()
               ? V
               : M[Call].Inputs[Found - Body.Inputs.begin()];
  };

  // Names, and the operands that graphs in the body hand on.
  auto Settle = [&](auto &&Self, const Graph &G) -> void {
    for (ValueId V : G.Initializers)
      M[V].Name = freshName(M[V].Name);
    for (NodeId N : G.Nodes) {
      nameApart(N);
      for (ValueId V : M[N].Outputs)
        if (V && !llvm::is_contained(Body.Outputs, V))
          M[V].Name = freshName(M[V].Name);
      opsetVersion(M[N].Domain, M[N].OpsetVersion);
      for (const Attribute &A : M[N].Attributes)
        for (GraphId Inner : A.Graphs) {
          for (ValueId V : M[Inner].Inputs)
            M[V].Name = freshName(M[V].Name);
          for (ValueId &V : M[Inner].Outputs)
            if (ValueId New = Outside(V); New != V) {
              --OutputUses[V.Index];
              ++OutputUses[New.Index];
              V = New;
            }
          Self(Self, M[Inner]);
        }
    }
  };
  Settle(Settle, Body);

  for (NodeId N : Body.Nodes)
    M[N].Parent = To;
  InPlaceOf[Call] = Body.Nodes;

  // Results: the inner value takes the name that the outside knows.
  SmallVector<ValueId, 2> Results(M[Call].Outputs);
  llvm::DenseSet<ValueId> Named;
  for (ValueId V : Body.Outputs)
    if (V)
      --OutputUses[V.Index];
  for (auto [Out, Inner] : llvm::zip_equal(Results, Body.Outputs)) {
    const bool Own = Inner && M[Inner].Producer;
    if (!Out) {
      if (Own && Named.insert(Inner).second)
        M[Inner].Name = freshName(M[Inner].Name);
      continue;
    }
    if (Own && Named.insert(Inner).second) {
      M[Inner].Name = M[Out].Name;
      M[Out].Name = {};
      if (M[Out].Declared)
        M[Inner].Declared = M[Out].Declared;
      for (size_t G = 0; G < M.Graphs.size() && outputUses(Out); ++G)
        for (ValueId &V : M.Graphs[G].Outputs)
          if (V == Out) {
            V = Inner;
            --OutputUses[Out.Index];
            ++OutputUses[Inner.Index];
          }
      replaceAllUses(Out, Inner);
      continue;
    }
    if (ValueId Given = Outside(Inner))
      replaceAllUses(Out, Given);
  }
  M[Call].Callee = GraphId();
  erase(Call);
  return Body.Nodes;
}

void Editor::dropUncalledFunctions() {
  llvm::DenseSet<StringRef> Used;
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    if (Erased[I])
      continue;
    if (M.Nodes[I].Callee)
      return;
    Used.insert(M.Nodes[I].Domain);
  }
  llvm::DenseSet<StringRef> Theirs;
  for (const Function &F : M.Functions)
    Theirs.insert(F.Domain);
  M.Functions.clear();
  llvm::erase_if(M.Opsets, [&](const OpsetImport &Import) {
    return Theirs.contains(Import.Domain) && !Used.contains(Import.Domain);
  });
}

} // namespace xfa
