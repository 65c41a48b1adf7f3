//===- GraphWriter.cpp - GraphProto from the IR ---------------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "GraphWriter.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::wire {

/// Before this version every initialiser is an input as well; of those that
/// passes make we see to it.
static constexpr int64_t FreeInitializersIr = 4;

Error inside(const Twine &Where, Error E) {
  return llvm::createStringError(Where + ": " + llvm::toString(std::move(E)));
}

WireWriter GraphWriter::valueInfo(ValueId V) {
  WireWriter W;
  RestMerger Rest(M.ValueRest.lookup(V), W);
  W.bytes(1, name(V));
  if (M[V].Declared)
    W.message(2, encodeType(M, M[M[V].Declared]));
  Rest.finish();
  return W;
}

WireWriter GraphWriter::initializerInfo(ValueId V) {
  const Constant &C = M[M[V].Const];
  llvm::SmallVector<DeclaredDim, 4> Dims(C.Dims.size());
  for (auto [D, Size] : llvm::zip(Dims, C.Dims)) {
    D.Kind = DeclaredDim::Number;
    D.Value = Size;
  }
  DeclaredType T;
  T.Elem = C.Elem;
  T.HasShape = true;
  T.Dims = Dims;
  WireWriter W;
  W.bytes(1, name(V));
  W.message(2, encodeType(M, T));
  return W;
}

//===----------------------------------------------------------------------===//
// Attributes and nodes
//===----------------------------------------------------------------------===//

static bool isSparse(const Attribute &A, const Model &M) {
  return A.Kind == AttrKind::Tensor && A.Tensor && M[A.Tensor].Sparse;
}

/// AttributeProto.AttributeType; 0 where only the message knows.
static uint64_t typeNumber(const Attribute &A, const Model &M) {
  switch (A.Kind) {
  case AttrKind::Float:
    return 1;
  case AttrKind::Int:
    return 2;
  case AttrKind::String:
    return 3;
  case AttrKind::Tensor:
    return isSparse(A, M) ? 11 : 4;
  case AttrKind::Graph:
    return 5;
  case AttrKind::Floats:
    return 6;
  case AttrKind::Ints:
    return 7;
  case AttrKind::Strings:
    return 8;
  case AttrKind::Graphs:
    return 10;
  case AttrKind::Type:
    return 13;
  case AttrKind::Tensors:
  case AttrKind::Other:
  case AttrKind::Undefined:
    break;
  }
  return 0;
}

static uint32_t floatBits(double D) {
  return llvm::bit_cast<uint32_t>(static_cast<float>(D));
}

/// The value's fields with numbers below 13.
Error GraphWriter::value(const Attribute &A, WireWriter &To) {
  switch (A.Kind) {
  case AttrKind::Float:
    To.fixed32(2, floatBits(A.F));
    break;
  case AttrKind::Int:
    To.varint(3, static_cast<uint64_t>(A.I));
    break;
  case AttrKind::String:
    To.bytes(4, A.S);
    break;
  case AttrKind::Tensor: {
    if (isSparse(A, M))
      break;
    Expected<WireWriter> T = encodeTensor(M[A.Tensor], std::nullopt);
    if (!T)
      return T.takeError();
    To.message(5, *T);
    break;
  }
  case AttrKind::Floats:
    for (double D : A.Floats)
      To.fixed32(7, floatBits(D));
    break;
  case AttrKind::Ints:
    for (int64_t I : A.Ints)
      To.varint(8, static_cast<uint64_t>(I));
    break;
  case AttrKind::Strings:
    for (StringRef S : A.Strings)
      To.bytes(9, S);
    break;
  case AttrKind::Graph:
  case AttrKind::Graphs:
    for (GraphId Body : A.Graphs) {
      Expected<WireWriter> G = graph(Body);
      if (!G)
        return G.takeError();
      To.message(A.Kind == AttrKind::Graph ? 6 : 11, *G);
    }
    break;
  default:
    break;
  }
  return Error::success();
}

Expected<WireWriter> GraphWriter::attribute(const Attribute &A) {
  static constexpr uint32_t Known[] = {1, 2,  3,  4,  5,  6,  7,  8,
                                       9, 10, 11, 14, 15, 20, 21, 22};
  WireWriter W;
  W.bytes(1, A.Name);
  const uint64_t Type = typeNumber(A, M);
  if (Type == 0) {
    RestMerger(A.Message, W, llvm::ArrayRef(Known).take_front(1)).finish();
    return W;
  }
  RestMerger Rest(A.Message, W, Known);
  if (Error E = value(A, W))
    return E;
  Rest.upTo(14);
  if (A.Kind == AttrKind::Type && A.Type)
    W.message(14, encodeType(M, M[A.Type]));
  Rest.upTo(20);
  W.varint(20, Type);
  if (isSparse(A, M)) {
    Expected<WireWriter> T = encodeTensor(M[A.Tensor], std::nullopt);
    if (!T)
      return T.takeError();
    W.message(22, *T);
  }
  Rest.finish();
  return W;
}

Expected<WireWriter> GraphWriter::node(NodeId Id) {
  const Node &N = M[Id];
  WireWriter W;
  RestMerger Rest(N.Rest, W);
  // Calls have as many operands as the function; inputs left out at the end
  // need not be said.
  llvm::ArrayRef<ValueId> Inputs = N.Inputs;
  if (N.Callee)
    while (!Inputs.empty() && !Inputs.back())
      Inputs = Inputs.drop_back();
  for (ValueId V : Inputs)
    W.bytes(1, name(V));
  for (ValueId V : N.Outputs)
    W.bytes(2, name(V));
  W.text(3, N.Name);
  W.bytes(4, N.Op);
  for (const Attribute &A : N.Attributes) {
    Expected<WireWriter> Encoded = attribute(A);
    if (!Encoded)
      return inside("attribute '" + A.Name + "'", Encoded.takeError());
    W.message(5, *Encoded);
  }
  Rest.upTo(7);
  W.text(7, N.Domain);
  Rest.upTo(9);
  for (const Metadata &Prop : N.Props)
    W.message(9, encodeEntry(Prop));
  Rest.finish();
  return W;
}

Error GraphWriter::nodes(const Graph &G, uint32_t Field, WireWriter &To) {
  for (NodeId Id : G.Nodes) {
    Expected<WireWriter> N = node(Id);
    if (!N)
      return inside("node '" + M.label(Id) + "'", N.takeError());
    To.message(Field, *N);
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

Error GraphWriter::initializers(const Graph &G, bool Sparse, WireWriter &To) {
  for (ValueId V : G.Initializers) {
    if (!M[V].Const)
      return llvm::createStringError("the initializer '" + M[V].Name +
                                     "' has no value");
    const Constant &C = M[M[V].Const];
    if (C.Sparse != Sparse)
      continue;
    Expected<WireWriter> T = encodeTensor(C, name(V));
    if (!T)
      return T.takeError();
    To.message(Sparse ? 15 : 5, *T);
  }
  return Error::success();
}

void GraphWriter::inputs(const Graph &G, bool IsMain, WireWriter &To) {
  llvm::DenseSet<ValueId> Listed;
  auto Initialised = G.InitialisedInputs.begin();
  auto Upto = [&](size_t Position) {
    for (; Initialised != G.InitialisedInputs.end() &&
           Initialised->Before <= Position;
         ++Initialised) {
      To.message(11, valueInfo(Initialised->Value));
      Listed.insert(Initialised->Value);
    }
  };
  for (size_t I = 0; I < G.Inputs.size(); ++I) {
    Upto(I);
    To.message(11, valueInfo(G.Inputs[I]));
  }
  Upto(SIZE_MAX);
  if (IsMain && M.IrVersion < FreeInitializersIr && M.IrVersion > 0)
    for (ValueId V : G.Initializers)
      if (!Listed.contains(V) && M[M[V].Const].Message.empty())
        To.message(11, initializerInfo(V));
}

/// Declared types of what is neither input nor output.
void GraphWriter::valueInfos(const Graph &G, WireWriter &To) {
  llvm::DenseSet<ValueId> Said(G.Inputs.begin(), G.Inputs.end());
  Said.insert(G.Outputs.begin(), G.Outputs.end());
  for (const Graph::InitialisedInput &I : G.InitialisedInputs)
    Said.insert(I.Value);
  forEachDefinition(M, G, [&](ValueId V) {
    if ((M[V].Declared || M.ValueRest.contains(V)) && Said.insert(V).second)
      To.message(13, valueInfo(V));
  });
  // A name that came since would get another value's type.
  if (G.StrayTypes.empty())
    return;
  llvm::DenseSet<StringRef> Defined;
  forEachDefinition(M, G, [&](ValueId V) { Defined.insert(name(V)); });
  for (const Graph::StrayType &T : G.StrayTypes)
    if (!Defined.contains(T.Name))
      To.bytes(13, T.Message);
}

Expected<WireWriter> GraphWriter::graph(GraphId Id) {
  const Graph &G = M[Id];
  WireWriter W;
  RestMerger Rest(G.Rest, W);
  if (Error E = nodes(G, 1, W))
    return E;
  W.text(2, G.Name);
  if (Error E = initializers(G, /*Sparse=*/false, W))
    return E;
  Rest.upTo(11);
  inputs(G, !G.Owner, W);
  for (ValueId V : G.Outputs)
    W.message(12, valueInfo(V));
  valueInfos(G, W);
  Rest.upTo(15);
  if (Error E = initializers(G, /*Sparse=*/true, W))
    return E;
  Rest.finish();
  return W;
}

} // namespace xfa::wire
