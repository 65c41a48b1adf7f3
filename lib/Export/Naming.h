//===- Naming.h - the names that values have in a file --------------------===//
//
// In the IR a value is its id; in a file it is its name. Each graph of a file
// defines a name once, and an inner graph must not hide an outer value that it
// uses. Values keep their names but for those that break these rules.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_EXPORT_NAMING_H
#define XFA_LIB_EXPORT_NAMING_H

#include "xfa/IR/Model.h"

#include <deque>

namespace xfa::wire {

class Naming {
public:
  /// Names for what lies in Root and the graphs of its nodes; not in the bodies
  /// of the functions that they call.
  Naming(const Model &M, GraphId Root);

  llvm::StringRef operator[](ValueId V) const {
    auto Found = Changed.find(V);
    return Found == Changed.end() ? M[V].Name : Found->second;
  }

private:
  using NameSet = llvm::DenseMap<llvm::StringRef, unsigned>;

  void nameGraph(GraphId G, GraphId Root);
  llvm::SmallVector<ValueId, 8> captures(GraphId G);
  void rename(ValueId V);

  const Model &M;
  llvm::DenseMap<ValueId, llvm::StringRef> Changed;
  /// All names there are, for fresh ones; made when the first is needed.
  NameSet Taken;
  std::deque<std::string> Made;
};

/// The graphs that stand in the node's attributes.
llvm::SmallVector<GraphId, 2> bodies(const Node &N);

/// Fn on each value that the graph defines, in the order of the file.
template <typename FnT>
void forEachDefinition(const Model &M, const Graph &G, FnT Fn) {
  for (ValueId V : G.Inputs)
    Fn(V);
  for (ValueId V : G.Initializers)
    Fn(V);
  for (NodeId N : G.Nodes)
    for (ValueId V : M[N].Outputs)
      if (V)
        Fn(V);
}

} // namespace xfa::wire

#endif // XFA_LIB_EXPORT_NAMING_H
