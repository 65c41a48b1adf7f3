//===- ModelWriter.cpp - ModelProto from the IR ---------------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "GraphWriter.h"

#include "xfa/Export/Export.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace xfa {

using namespace wire;

namespace {

/// Domains of the nodes in G and in the graphs in it.
void addDomains(const Model &M, GraphId G, llvm::DenseSet<StringRef> &To) {
  for (NodeId N : M[G].Nodes) {
    To.insert(M[N].Domain);
    for (GraphId Body : bodies(M[N]))
      addDomains(M, Body, To);
  }
}

bool sameType(const Model &M, TypeId A, TypeId B) {
  if (!A || !B)
    return A == B;
  const DeclaredType &L = M[A], &R = M[B];
  if (!L.Message.empty() || !R.Message.empty())
    return L.Message == R.Message;
  auto SameDim = [](const DeclaredDim &X, const DeclaredDim &Y) {
    return X.Kind == Y.Kind && X.Value == Y.Value && X.Symbol == Y.Symbol;
  };
  return L.Kind == R.Kind && L.Elem == R.Elem && L.HasShape == R.HasShape &&
         llvm::equal(L.Dims, R.Dims, SameDim) &&
         sameType(M, L.Element, R.Element);
}

/// By domain and name, in order.
using CallMap = llvm::DenseMap<std::pair<StringRef, StringRef>,
                               llvm::SmallVector<NodeId, 1>>;

/// Types that the file declares inside the body, where all calls agree.
void encodeTypes(const Model &M, ArrayRef<NodeId> Calls, GraphWriter &Writer,
                 WireWriter &To) {
  const Graph &First = M[M[Calls.front()].Callee];
  for (size_t I = 0; I < First.Nodes.size(); ++I)
    for (size_t Out = 0; Out < M[First.Nodes[I]].Outputs.size(); ++Out) {
      auto Inner = [&](NodeId Call) {
        return M[M[M[Call].Callee].Nodes[I]].Outputs[Out];
      };
      const ValueId V = Inner(Calls.front());
      if (V && M[V].Declared && llvm::all_of(Calls, [&](NodeId Call) {
            return sameType(M, M[V].Declared, M[Inner(Call)].Declared);
          }))
        To.message(12, Writer.valueInfo(V));
    }
}

Expected<WireWriter> encodeFunction(const Model &M, const Function &F,
                                    const CallMap &Calls) {
  WireWriter W;
  if (!F.Message.empty()) {
    W.raw(F.Message);
    return W;
  }
  const GraphId Body = M[F.FirstCall].Callee;
  const Graph &G = M[Body];
  GraphWriter Writer(M, Body);
  W.bytes(1, F.Name);
  for (ValueId V : G.Inputs)
    W.bytes(4, Writer.name(V));
  for (ValueId V : G.Outputs)
    W.bytes(5, Writer.name(V));
  if (Error E = Writer.nodes(G, 7, W))
    return E;
  llvm::DenseSet<StringRef> Domains;
  addDomains(M, Body, Domains);
  for (const OpsetImport &Import : M.Opsets)
    if (Domains.contains(Import.Domain))
      W.message(9, encodeOpset(Import));
  W.bytes(10, F.Domain);
  encodeTypes(M, Calls.find({F.Domain, F.Name})->second, Writer, W);
  W.text(13, F.Overload);
  return W;
}

Expected<WireWriter> encodeModel(const Model &M) {
  WireWriter W;
  RestMerger Rest(M.Rest, W);
  if (M.IrVersion != 0)
    W.varint(1, static_cast<uint64_t>(M.IrVersion));
  W.text(2, M.Producer);
  W.text(3, M.ProducerVersion);
  Rest.upTo(7);
  Expected<WireWriter> Main = GraphWriter(M, GraphId(0)).graph(GraphId(0));
  if (!Main)
    return Main.takeError();
  W.message(7, *Main);
  for (const OpsetImport &Import : M.Opsets)
    W.message(8, encodeOpset(Import));
  Rest.upTo(14);
  for (const Metadata &Prop : M.Props)
    W.message(14, encodeEntry(Prop));
  Rest.upTo(25);
  CallMap Calls;
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    if (M.Nodes[I].Callee)
      Calls[{M.Nodes[I].Domain, M.Nodes[I].Op}].emplace_back(I);
  for (const Function &F : M.Functions) {
    Expected<WireWriter> Encoded = encodeFunction(M, F, Calls);
    if (!Encoded)
      return inside("function '" + F.Name + "'", Encoded.takeError());
    W.message(25, *Encoded);
  }
  Rest.finish();
  return W;
}

} // namespace

Expected<Exported> exportBinary(const Model &M) {
  Expected<WireWriter> W = encodeModel(M);
  if (!W)
    return inside(M.Path, W.takeError());
  auto Short = std::make_shared<std::string>();
  Exported E;
  std::move(*W).finish(*Short, E.Pieces);
  E.Own = std::move(Short);
  return E;
}

} // namespace xfa
