//===- Verifier.cpp - what holds of every model ---------------------------===//

#include "xfa/IR/Verifier.h"

#include "xfa/IR/Editor.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

namespace xfa {

namespace {

Error fail(const Twine &Sentence) {
  return llvm::createStringError("invalid graph: " + Sentence);
}

class Verifier {
public:
  explicit Verifier(const Model &M)
      : M(M), Visible(M.Values.size(), false), Placed(M.Nodes.size(), false) {}

  Error graph(GraphId Id, NodeId Owner);

private:
  struct Scope {
    std::vector<ValueId> Values;
    llvm::DenseMap<StringRef, ValueId> Names;
  };

  Error define(ValueId V, const Twine &Where, Scope &S);
  Error node(GraphId In, NodeId Id, Scope &S);
  Error call(NodeId Id);
  Error initializer(ValueId V, Scope &S);
  bool isConstant(ValueId V) const {
    return M[V].IsInitializer ||
           (M[V].Producer && M[M[V].Producer].Op == "Constant");
  }

  const Model &M;
  std::vector<bool> Visible; ///< by ValueId: defined, and in scope
  std::vector<bool> Placed;  ///< by NodeId
};

Error Verifier::define(ValueId V, const Twine &Where, Scope &S) {
  if (!V || V.Index >= M.Values.size())
    return fail(Where + " is no value");
  if (M[V].Name.empty() && M[V].Producer)
    return fail(Where + " has no name");
  if (Visible[V.Index])
    return fail(Where + ", '" + M[V].Name + "', is defined twice");
  Visible[V.Index] = true;
  S.Values.push_back(V);
  auto [Known, New] = S.Names.try_emplace(M[V].Name, V);
  if (!New && !(isConstant(V) && isConstant(Known->second)))
    return fail(Where + " has the name of another value, '" + M[V].Name + "'");
  return Error::success();
}

Error Verifier::initializer(ValueId V, Scope &S) {
  if (Error E = define(V, "an initializer", S))
    return E;
  if (!M[V].IsInitializer || M[V].Producer)
    return fail("the initializer '" + M[V].Name + "' is not marked as one");
  if (!M[V].Const || (M[M[V].Const].Message.empty() && !M[M[V].Const].Kept))
    return fail("the initializer '" + M[V].Name + "' has no contents");
  return Error::success();
}

Error Verifier::call(NodeId Id) {
  const Node &N = M[Id];
  if (!N.Callee)
    return Error::success();
  const Graph &Body = M[N.Callee];
  if (Body.Inputs.size() != N.Inputs.size() ||
      Body.Outputs.size() != N.Outputs.size())
    return fail("node '" + M.label(Id) +
                "' calls a function with another number of operands");
  return graph(N.Callee, Id);
}

Error Verifier::node(GraphId In, NodeId Id, Scope &S) {
  if (!Id || Id.Index >= M.Nodes.size())
    return fail("a graph lists a node that is none");
  const std::string Label = "node '" + M.label(Id) + "'";
  if (Placed[Id.Index])
    return fail(Label + " stands in two places");
  Placed[Id.Index] = true;
  const Node &N = M[Id];
  if (N.Parent != In)
    return fail(Label + " does not know the graph that it stands in");
  for (auto [I, V] : llvm::enumerate(N.Inputs))
    if (V && (V.Index >= M.Values.size() || !Visible[V.Index]))
      return fail(Label + ": input " + Twine(I) +
                  (V.Index < M.Values.size() ? ", '" + M[V].Name.str() + "',"
                                             : std::string()) +
                  " is not defined above it");
  for (const Attribute &A : N.Attributes) {
    if (A.Tensor && A.Tensor.Index >= M.Constants.size())
      return fail(Label + ": attribute '" + A.Name + "' is no tensor");
    for (GraphId Body : A.Graphs)
      if (Error E = graph(Body, Id))
        return E;
  }
  for (auto [I, V] : llvm::enumerate(N.Outputs)) {
    if (!V)
      continue;
    if (Error E = define(V, Label + ": output " + Twine(I), S))
      return E;
    if (M[V].Producer != Id || M[V].OutputIndex != I)
      return fail(Label + ": output '" + M[V].Name +
                  "' does not know its producer");
  }
  return Error::success();
}

Error Verifier::graph(GraphId Id, NodeId Owner) {
  if (!Id || Id.Index >= M.Graphs.size())
    return fail("node '" + M.label(Owner) + "' has a graph that is none");
  const Graph &G = M[Id];
  if (G.Owner != Owner)
    return fail("graph '" + G.Name + "' does not know its owner");
  const bool IsCallee = Owner && M[Owner].Callee == Id;

  // A function's body sees nothing from outside.
  std::vector<bool> Outside;
  if (IsCallee) {
    Outside = std::move(Visible);
    Visible.assign(M.Values.size(), false);
  }
  Scope S;
  for (ValueId V : G.Initializers)
    if (Error E = initializer(V, S))
      return E;
  for (ValueId V : G.Inputs) {
    if (Error E = define(V, "an input of graph '" + G.Name + "'", S))
      return E;
    if (M[V].Producer || (!M[V].IsInput && !IsCallee))
      return fail("the input '" + M[V].Name + "' is not marked as one");
  }
  for (NodeId N : G.Nodes)
    if (Error E = node(Id, N, S))
      return E;
  for (ValueId V : G.Outputs)
    if (!V || V.Index >= M.Values.size() || !Visible[V.Index])
      return fail("an output of graph '" + G.Name + "' is defined nowhere");
  for (ValueId V : S.Values)
    Visible[V.Index] = false;
  if (IsCallee)
    Visible = std::move(Outside);
  // The bodies of functions come last: they are apart from this scope.
  for (NodeId N : G.Nodes)
    if (Error E = call(N))
      return E;
  return Error::success();
}

} // namespace

Error verify(const Model &M) { return Verifier(M).graph(GraphId(0), NodeId()); }

} // namespace xfa
