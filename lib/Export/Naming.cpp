//===- Naming.cpp ---------------------------------------------------------===//

#include "Naming.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::SmallVector;
using llvm::StringRef;

namespace xfa::wire {

SmallVector<GraphId, 2> bodies(const Node &N) {
  SmallVector<GraphId, 2> Result;
  for (const Attribute &A : N.Attributes)
    llvm::append_range(Result, A.Graphs);
  return Result;
}

Naming::Naming(const Model &M, GraphId Root) : M(M) { nameGraph(Root, Root); }

void Naming::rename(ValueId V) {
  if (Taken.empty())
    for (const Value &Any : M.Values)
      Taken.try_emplace(Any.Name, 0);
  StringRef Old = M[V].Name;
  for (unsigned &Number = Taken[Old];;) {
    std::string Name =
        (Old.empty() ? "value" : Old.str()) + "_" + llvm::utostr(++Number);
    if (Taken.contains(Name))
      continue;
    Made.push_back(std::move(Name));
    Changed[V] = Made.back();
    Taken.try_emplace(Made.back(), 0); // after the last use of Number
    return;
  }
}

/// Values from around G that G or a graph in it uses, in the order of uses.
SmallVector<ValueId, 8> Naming::captures(GraphId G) {
  llvm::DenseSet<ValueId> Own, Seen;
  forEachDefinition(M, M[G], [&](ValueId V) { Own.insert(V); });
  SmallVector<ValueId, 8> Result;
  auto Use = [&](ValueId V) {
    if (V && !Own.contains(V) && Seen.insert(V).second)
      Result.push_back(V);
  };
  for (NodeId N : M[G].Nodes) {
    llvm::for_each(M[N].Inputs, Use);
    for (GraphId Body : bodies(M[N]))
      llvm::for_each(captures(Body), Use);
  }
  llvm::for_each(M[G].Outputs, Use);
  return Result;
}

void Naming::nameGraph(GraphId G, GraphId Root) {
  llvm::DenseSet<StringRef> Here;
  if (G != Root)
    for (ValueId V : captures(G))
      Here.insert((*this)[V]);
  // The file's inputs and outputs are known by their names: they come first.
  auto Claim = [&](ValueId V) {
    if (M[V].Name.empty() || !Here.insert(M[V].Name).second)
      rename(V);
  };
  llvm::DenseSet<ValueId> Outputs(M[G].Outputs.begin(), M[G].Outputs.end());
  forEachDefinition(M, M[G], [&](ValueId V) {
    if (Outputs.contains(V))
      Claim(V);
  });
  forEachDefinition(M, M[G], [&](ValueId V) {
    if (!Outputs.contains(V))
      Claim(V);
  });
  for (NodeId N : M[G].Nodes)
    for (GraphId Body : bodies(M[N]))
      nameGraph(Body, Root);
}

} // namespace xfa::wire
