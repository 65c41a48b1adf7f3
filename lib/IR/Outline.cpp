//===- Outline.cpp - nodes into functions ---------------------------------===//

#include "xfa/IR/Editor.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

namespace xfa {

/// ModelProto.functions came with this version.
static constexpr int64_t FunctionsIr = 8;

/// Where a set of nodes meets the rest of its graph.
struct Editor::Boundary {
  GraphId Graph;
  llvm::SetVector<NodeId> Nodes; ///< in the graph's order
  llvm::DenseSet<ValueId> Inner; ///< defined by them
  llvm::SetVector<ValueId> Inputs, Outputs;
};

namespace {

/// The node of G that N stands in; N itself, if it stands in G.
NodeId nodeIn(const Model &M, GraphId G, NodeId N) {
  while (N && M[N].Parent != G)
    N = M[M[N].Parent].Owner;
  return N;
}

/// Fn on each operand of N and of the nodes in it, as a reference; the outputs
/// of the graphs in it too.
void forEachOperand(Model &M, NodeId N,
                    llvm::function_ref<void(ValueId &, Use)> OnUse,
                    llvm::function_ref<void(ValueId &)> OnOutput) {
  for (auto [I, V] : llvm::enumerate(M[N].Inputs))
    if (V)
      OnUse(V, {N, static_cast<uint32_t>(I)});
  for (const Attribute &A : M[N].Attributes)
    for (GraphId G : A.Graphs) {
      for (NodeId Inner : M[G].Nodes)
        forEachOperand(M, Inner, OnUse, OnOutput);
      for (ValueId &V : M[G].Outputs)
        OnOutput(V);
    }
}

/// Values that N, or a graph in it, defines.
void addDefinitions(const Model &M, NodeId N, llvm::DenseSet<ValueId> &To) {
  for (ValueId V : M[N].Outputs)
    if (V)
      To.insert(V);
  for (const Attribute &A : M[N].Attributes)
    for (GraphId G : A.Graphs) {
      To.insert(M[G].Inputs.begin(), M[G].Inputs.end());
      To.insert(M[G].Initializers.begin(), M[G].Initializers.end());
      for (NodeId Inner : M[G].Nodes)
        addDefinitions(M, Inner, To);
    }
}

} // namespace

Editor::Boundary Editor::boundary(ArrayRef<NodeId> Nodes) {
  Boundary B;
  B.Graph = M[Nodes.front()].Parent;
  B.Nodes.insert(Nodes.begin(), Nodes.end());
  for (NodeId N : B.Nodes)
    addDefinitions(M, N, B.Inner);
  auto AddInput = [&](ValueId &V) {
    if (!B.Inner.contains(V))
      B.Inputs.insert(V);
  };
  for (NodeId N : B.Nodes)
    forEachOperand(M, N, [&](ValueId &V, Use) { AddInput(V); }, AddInput);
  for (NodeId N : B.Nodes)
    for (ValueId V : M[N].Outputs) {
      if (!V)
        continue;
      bool Outside = false;
      for (const Use &U : uses(V))
        Outside |= !B.Nodes.contains(nodeIn(M, B.Graph, U.User));
      // Outputs of the graphs in its own nodes do not leave it.
      unsigned OfInner = 0;
      if (outputUses(V))
        for (NodeId User : B.Nodes)
          forEachOperand(
              M, User, [](ValueId &, Use) {},
              [&](ValueId &Out) { OfInner += Out == V; });
      if (Outside || outputUses(V) > OfInner)
        B.Outputs.insert(V);
    }
  return B;
}

std::string Editor::whyNotOutlined(ArrayRef<NodeId> Nodes) {
  if (Nodes.empty())
    return "there are no nodes";
  for (NodeId N : Nodes)
    if (M[N].Parent != M[Nodes.front()].Parent)
      return "its nodes stand in different graphs";
  const Boundary B = boundary(Nodes);
  if (B.Outputs.empty())
    return "nothing uses its result";

  // No way may lead from an output through other nodes back to an input. With
  // one output that all the nodes work for, it would be a cycle.
  const bool AllUsed = llvm::all_of(B.Nodes, [&](NodeId N) {
    return llvm::any_of(M[N].Outputs, [&](ValueId V) { return V && used(V); });
  });
  if (B.Outputs.size() == 1 && AllUsed)
    return {};
  llvm::DenseSet<NodeId> Seen;
  SmallVector<NodeId, 16> Stack;
  auto Visit = [&](ValueId V) {
    for (const Use &U : uses(V)) {
      NodeId User = nodeIn(M, B.Graph, U.User);
      if (User && !B.Nodes.contains(User) && Seen.insert(User).second)
        Stack.push_back(User);
    }
  };
  llvm::DenseSet<NodeId> Feeding;
  for (ValueId V : B.Inputs)
    if (M[V].Producer)
      Feeding.insert(nodeIn(M, B.Graph, M[V].Producer));
  for (ValueId V : B.Outputs)
    Visit(V);
  while (!Stack.empty()) {
    const NodeId N = Stack.pop_back_val();
    if (Feeding.contains(N))
      return "'" + M.label(N) + "' needs a part of it and feeds another";
    for (ValueId V : M[N].Outputs)
      if (V)
        Visit(V);
  }
  return {};
}

/// The nodes leave their graph (which lists them until finish()) for Body,
/// where operands from outside become Body's inputs.
void Editor::moveInto(GraphId Body, Boundary &B) {
  llvm::DenseMap<ValueId, ValueId> Inside;
  for (ValueId V : B.Inputs) {
    const ValueId In(M.Values.size());
    const StringRef Name = M[V].Name;
    M.Values.emplace_back().Name = Name;
    UsesOf.emplace_back();
    OutputUses.push_back(0);
    Inside[V] = In;
    M[Body].Inputs.push_back(In);
  }
  for (NodeId N : B.Nodes) {
    M[N].Parent = Body;
    M[Body].Nodes.push_back(N);
    forEachOperand(
        M, N,
        [&](ValueId &V, Use U) {
          ValueId In = Inside.lookup(V);
          if (!In)
            return;
          llvm::erase_if(UsesOf[V.Index], [&](const Use &Old) {
            return Old.User == U.User && Old.Operand == U.Operand;
          });
          UsesOf[In.Index].push_back(U);
          V = In;
        },
        [&](ValueId &V) {
          ValueId In = Inside.lookup(V);
          if (!In)
            return;
          --OutputUses[V.Index];
          ++OutputUses[In.Index];
          V = In;
        });
  }
}

namespace {

/// A body as text, with values numbered as they are met: equal texts compute
/// the same. Empty where that is not easily said.
std::string canonicalText(const Model &M, const Graph &G) {
  std::string Text;
  llvm::DenseMap<ValueId, unsigned> Numbers;
  auto Number = [&](ValueId V) {
    return V ? llvm::utostr(
                   Numbers.try_emplace(V, Numbers.size()).first->second)
             : std::string("_");
  };
  auto Raw = [&](const auto &Items) {
    Text.append(reinterpret_cast<const char *>(Items.data()),
                Items.size() * sizeof(Items[0]));
  };
  for (ValueId V : G.Inputs)
    Text += Number(V) + ",";
  for (NodeId N : G.Nodes) {
    const Node &From = M[N];
    Text += ("\n" + From.Domain + "." + From.Op).str();
    for (ValueId V : From.Inputs)
      Text += "," + Number(V);
    Text += "=";
    for (ValueId V : From.Outputs)
      Text += "," + Number(V);
    for (const Attribute &A : From.Attributes) {
      Text += ("\n " + A.Name + ":").str();
      Text += llvm::utostr(static_cast<unsigned>(A.Kind)) + ":";
      switch (A.Kind) {
      case AttrKind::Int:
        Text += llvm::itostr(A.I);
        break;
      case AttrKind::Float:
        Raw(ArrayRef(A.F));
        break;
      case AttrKind::String:
        Text += A.S;
        break;
      case AttrKind::Ints:
        Raw(A.Ints);
        break;
      case AttrKind::Floats:
        Raw(A.Floats);
        break;
      default:
        if (A.Message.empty() || !A.Graphs.empty())
          return {};
        Text += A.Message;
      }
    }
  }
  Text += "\n";
  for (ValueId V : G.Outputs)
    Text += Number(V) + ",";
  return Text;
}

} // namespace

StringRef Editor::functionName(GraphId Body, StringRef Domain, StringRef Name,
                               NodeId Call) {
  std::string Key = canonicalText(M, M[Body]);
  if (!Key.empty()) {
    Key = (Domain + "\n" + Name + "\n").str() + Key;
    if (auto Known = Outlined.find(Key); Known != Outlined.end())
      return Known->second;
  }
  auto IsTaken = [&](StringRef Candidate) {
    return llvm::any_of(M.Functions, [&](const Function &F) {
      return F.Domain == Domain && F.Name == Candidate;
    });
  };
  std::string Free = Name.str();
  for (unsigned I = 1; IsTaken(Free); ++I)
    Free = (Name + "_" + llvm::utostr(I)).str();
  Function F;
  F.Domain = M.save(Domain);
  F.Name = M.save(Free);
  F.FirstCall = Call;
  M.Functions.push_back(F);
  if (!Key.empty())
    Outlined[Key] = F.Name;
  return F.Name;
}

NodeId Editor::outline(ArrayRef<NodeId> Nodes, StringRef Domain,
                       StringRef Name) {
  Boundary B = boundary(Nodes);
  const NodeId Call(M.Nodes.size());
  const GraphId Body(M.Graphs.size());
  M.Graphs.emplace_back().Owner = Call;
  M.Nodes.emplace_back();
  Erased.push_back(false);
  moveInto(Body, B);
  M[Body].Outputs.assign(B.Outputs.begin(), B.Outputs.end());

  SmallVector<ValueId, 2> Results;
  for (ValueId V : B.Outputs) {
    const ValueId Result(M.Values.size());
    Value &New = M.Values.emplace_back();
    UsesOf.emplace_back();
    OutputUses.push_back(0);
    New.Name = M[V].Name; // two name spaces: both are called so
    New.Declared = M[V].Declared;
    New.Producer = Call;
    New.OutputIndex = static_cast<uint32_t>(Results.size());
    Results.push_back(Result);
    SmallVector<Use, 2> Old = std::move(UsesOf[V.Index]);
    UsesOf[V.Index].clear();
    for (const Use &U : Old) {
      const bool Within = nodeIn(M, Body, U.User) != NodeId();
      UsesOf[(Within ? V : Result).Index].push_back(U);
      if (!Within)
        M[U.User].Inputs[U.Operand] = Result;
    }
    for (size_t G = 0; G < M.Graphs.size() && outputUses(V); ++G)
      for (ValueId &Out : M.Graphs[G].Outputs)
        if (Out == V && GraphId(G) != Body &&
            !nodeIn(M, Body, M.Graphs[G].Owner)) {
          Out = Result;
          --OutputUses[V.Index];
          ++OutputUses[Result.Index];
        }
    ++OutputUses[V.Index];
  }

  Node &N = M[Call];
  N.Callee = Body;
  N.Domain = M.save(Domain);
  N.OpsetVersion = opsetVersion(Domain);
  N.Parent = B.Graph;
  N.Inputs = M.save(B.Inputs.getArrayRef());
  N.Outputs = M.save(ArrayRef<ValueId>(Results));
  N.Op = functionName(Body, Domain, Name, Call);
  M[Body].Name = N.Op;
  M.IrVersion = std::max(M.IrVersion, FunctionsIr);
  InPlaceOf[B.Nodes.back()].push_back(Call);
  addUses(Call);
  return Call;
}

} // namespace xfa
