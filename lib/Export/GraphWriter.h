//===- GraphWriter.h - GraphProto from the IR -----------------------------===//

#ifndef XFA_LIB_EXPORT_GRAPHWRITER_H
#define XFA_LIB_EXPORT_GRAPHWRITER_H

#include "Encode.h"
#include "Naming.h"

namespace xfa::wire {

/// "Where: what E says".
llvm::Error inside(const llvm::Twine &Where, llvm::Error E);

/// Writes one name space: the main graph, or a function's body.
class GraphWriter {
public:
  GraphWriter(const Model &M, GraphId Root) : M(M), Names(M, Root) {}

  llvm::Expected<WireWriter> graph(GraphId Id);
  /// The graph's nodes as field Field.
  llvm::Error nodes(const Graph &G, uint32_t Field, WireWriter &To);
  llvm::StringRef name(ValueId V) const {
    return V ? Names[V] : llvm::StringRef();
  }

  WireWriter valueInfo(ValueId V);

private:
  llvm::Expected<WireWriter> node(NodeId Id);
  llvm::Expected<WireWriter> attribute(const Attribute &A);
  llvm::Error value(const Attribute &A, WireWriter &To);
  WireWriter initializerInfo(ValueId V);
  llvm::Error initializers(const Graph &G, bool Sparse, WireWriter &To);
  void inputs(const Graph &G, bool IsMain, WireWriter &To);
  void valueInfos(const Graph &G, WireWriter &To);

  const Model &M;
  Naming Names;
};

} // namespace xfa::wire

#endif // XFA_LIB_EXPORT_GRAPHWRITER_H
