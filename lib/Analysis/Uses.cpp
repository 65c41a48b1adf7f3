//===- Uses.cpp -----------------------------------------------------------===//

#include "xfa/Analysis/Uses.h"

namespace xfa {

Uses::Uses(const Model &M)
    : Begin(M.Values.size() + 1, 0), Output(M.Values.size(), false) {
  for (const Node &N : M.Nodes)
    for (ValueId In : N.Inputs)
      if (In)
        ++Begin[In.Index + 1];
  for (size_t I = 1; I < Begin.size(); ++I)
    Begin[I] += Begin[I - 1];
  All.resize(Begin.back());
  std::vector<uint32_t> Next(Begin.begin(), Begin.end() - 1);
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    for (auto [Operand, In] : llvm::enumerate(M.Nodes[I].Inputs))
      if (In)
        All[Next[In.Index]++] = {NodeId(I), static_cast<uint32_t>(Operand)};
  for (const Graph &G : M.Graphs)
    for (ValueId Out : G.Outputs)
      if (Out)
        Output[Out.Index] = true;
}

} // namespace xfa
