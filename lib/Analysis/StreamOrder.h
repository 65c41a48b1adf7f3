//===- StreamOrder.h - an order of nodes that the file has no say in ------===//
//
// A file may write two independent streams (an encoder and a decoder, an image
// and a text) one after the other or node by node in turn. Layers are told
// apart in an order that depends on the dataflow only.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_STREAMORDER_H
#define XFA_LIB_ANALYSIS_STREAMORDER_H

#include "xfa/IR/Model.h"

namespace xfa {

class StreamOrder {
public:
  explicit StreamOrder(const Model &M)
      : M(M), Height(M.Nodes.size()), Done(M.Nodes.size()) {}

  /// The nodes of G itself, producers before their users: what an output needs,
  /// the operand with the longest way from the inputs first, so that an encoder
  /// comes whole before the decoder that reads it. Nodes that no output needs
  /// come last.
  std::vector<NodeId> of(const Graph &G);

private:
  llvm::SmallVector<NodeId, 4> producers(NodeId N, GraphId In) const;
  void producersInBodies(const Node &N, GraphId In,
                         llvm::SmallVectorImpl<NodeId> &Found) const;
  void sortByHeight(llvm::SmallVectorImpl<NodeId> &Nodes) const;

  const Model &M;
  std::vector<unsigned> Height; ///< nodes on the longest way from the inputs
  std::vector<bool> Done;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_STREAMORDER_H
