//===- ProtoNodes.cpp - AttributeProto and NodeProto ----------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "ProtoReader.h"

using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

/// AttributeProto.AttributeType by number.
static AttrKind kindFromOnnx(int64_t Number) {
  static constexpr AttrKind Kinds[] = {
      AttrKind::Undefined, AttrKind::Float,  AttrKind::Int,
      AttrKind::String,    AttrKind::Tensor, AttrKind::Graph,
      AttrKind::Floats,    AttrKind::Ints,   AttrKind::Strings,
      AttrKind::Tensors,   AttrKind::Graphs, AttrKind::Tensor /* sparse */,
      AttrKind::Other,     AttrKind::Type,   AttrKind::Other};
  if (Number < 0 || Number >= static_cast<int64_t>(std::size(Kinds)))
    return AttrKind::Other;
  return Kinds[Number];
}

Error Reader::attribute(StringRef Bytes, unsigned Depth, Attribute &A,
                        AttributeExtra &Extra) {
  A.Message = Bytes;
  SmallVector<int64_t, 8> Ints;
  SmallVector<double, 8> Floats;
  SmallVector<StringRef, 4> Strings, Graphs;
  StringRef Tensor, SparseTensor, Type;
  // Files of IR version 1 and 2 state no type: the value's field says it.
  AttrKind Found = AttrKind::Undefined;
  bool HasTensor = false, HasSparse = false;

  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    switch (F.Tag) {
    case bytes(1):
      A.Name = F.Payload;
      break;
    case bytes(21):
      Extra.Reference = F.Payload;
      break;
    case varint(20):
      A.Kind = kindFromOnnx(F.integer());
      break;
    case fixed32(2):
      A.F = F.real32();
      Found = AttrKind::Float;
      break;
    case varint(3):
      A.I = F.integer();
      Found = AttrKind::Int;
      break;
    case bytes(4):
      A.S = F.Payload;
      Found = AttrKind::String;
      break;
    case bytes(5):
      Tensor = F.Payload;
      HasTensor = true;
      Found = AttrKind::Tensor;
      break;
    case bytes(22):
      SparseTensor = F.Payload;
      HasSparse = true;
      Found = AttrKind::Tensor;
      break;
    case bytes(6):
      Graphs.push_back(F.Payload);
      Found = AttrKind::Graph;
      break;
    case bytes(11):
      Graphs.push_back(F.Payload);
      Found = AttrKind::Graphs;
      break;
    case bytes(14):
      Type = F.Payload;
      Found = AttrKind::Type;
      break;
    case fixed32(7):
      Floats.push_back(F.real32());
      Found = AttrKind::Floats;
      break;
    case bytes(7):
      if (F.Payload.size() % 4 != 0)
        return fail("floats: " + Twine(F.Payload.size()) +
                    " bytes hold no whole number of floats");
      for (size_t I = 0; I < F.Payload.size(); I += 4)
        Floats.push_back(llvm::bit_cast<float>(
            llvm::support::endian::read32le(F.Payload.data() + I)));
      Found = AttrKind::Floats;
      break;
    case varint(8):
      Ints.push_back(F.integer());
      Found = AttrKind::Ints;
      break;
    case bytes(8):
      if (Error E = readPacked(F.Payload, "ints", Ints))
        return E;
      Found = AttrKind::Ints;
      break;
    case bytes(9):
      Strings.push_back(F.Payload);
      Found = AttrKind::Strings;
      break;
    case bytes(10):
      Found = AttrKind::Tensors;
      break;
    case bytes(15):
    case bytes(23):
      Found = AttrKind::Other;
      break;
    default:
      break;
    }
  }
  if (Error E = damaged(R, "AttributeProto"))
    return E;
  if (!Extra.Reference.empty())
    return Error::success();
  if (A.Kind == AttrKind::Undefined)
    A.Kind = Found;

  // A writer may leave out zeros and empty lists; a tensor, graph or type that
  // is not there is a fault.
  switch (A.Kind) {
  case AttrKind::Ints:
    A.Ints = M.save(ArrayRef<int64_t>(Ints));
    break;
  case AttrKind::Floats:
    A.Floats = M.save(ArrayRef<double>(Floats));
    break;
  case AttrKind::Strings:
    A.Strings = M.save(ArrayRef<StringRef>(Strings));
    break;
  case AttrKind::Tensor: {
    StringRef Unused;
    if (HasTensor)
      return readTensor(Tensor, M, P.Accepted, Unused, A.Tensor);
    if (HasSparse)
      return readSparseTensor(SparseTensor, M, P.Accepted, Unused, A.Tensor);
    return fail("expected a tensor, found none");
  }
  case AttrKind::Type:
    if (Found != AttrKind::Type)
      return fail("expected a type, found none");
    return type(Type, Depth, A.Type);
  case AttrKind::Graph:
    if (Graphs.size() != 1)
      return fail("expected one graph, found " + Twine(Graphs.size()));
    [[fallthrough]];
  case AttrKind::Graphs: {
    SmallVector<const ProtoGraph *, 2> Bodies;
    for (StringRef Body : Graphs) {
      ProtoGraph G;
      if (Error E = graph(Body, Depth + 1, G))
        return E;
      Bodies.push_back(P.save(ArrayRef<ProtoGraph>(G)).data());
    }
    Extra.Bodies = P.save(ArrayRef<const ProtoGraph *>(Bodies));
    break;
  }
  default:
    break;
  }
  return Error::success();
}

Error Reader::attributes(ArrayRef<StringRef> Messages, unsigned Depth,
                         ProtoAttributes &Result) {
  SmallVector<Attribute, 8> List(Messages.size());
  SmallVector<AttributeExtra, 2> Extras;
  for (size_t I = 0; I < Messages.size(); ++I) {
    AttributeExtra Extra;
    if (Error E = attribute(Messages[I], Depth, List[I], Extra))
      return inside("attribute '" + List[I].Name + "'", std::move(E));
    if (Extra.Reference.empty() && Extra.Bodies.empty())
      continue;
    Extra.Index = static_cast<unsigned>(I);
    Extras.push_back(Extra);
  }
  Result.List = M.save(ArrayRef<Attribute>(List));
  Result.Extras = P.save(ArrayRef<AttributeExtra>(Extras));
  return Error::success();
}

Error Reader::node(StringRef Bytes, unsigned Depth, ProtoNode &N) {
  SmallVector<StringRef, 8> Inputs, Outputs, Attributes;
  SmallVector<Metadata, 4> Props;
  RestOfMessage Rest;
  WireReader R(Bytes);
  Error Read = Error::success();
  for (WireField F; !Read && R.next(F);) {
    switch (F.Tag) {
    case bytes(1):
      Inputs.push_back(F.Payload);
      break;
    case bytes(2):
      Outputs.push_back(F.Payload);
      break;
    case bytes(3):
      N.Name = F.Payload;
      break;
    case bytes(4):
      N.Op = F.Payload;
      break;
    case bytes(5):
      Attributes.push_back(F.Payload);
      break;
    case bytes(7):
      N.Domain = normalDomain(F.Payload);
      break;
    case bytes(8):
      N.Overload = F.Payload;
      Rest.add(R.raw());
      break;
    case bytes(9):
      Read = entry(F.Payload, Props.emplace_back());
      break;
    default:
      Rest.add(R.raw());
      break;
    }
  }
  N.Rest = Rest.save(M);
  N.Inputs = P.save(ArrayRef<StringRef>(Inputs));
  N.Outputs = P.save(ArrayRef<StringRef>(Outputs));
  if (!Read)
    Read = damaged(R, "NodeProto");
  if (!Read && N.Op.empty())
    Read = fail("expected an op_type, found none");
  if (!Read)
    Read = attributes(Attributes, Depth, N.Attributes);
  if (Read)
    return inside(describe(N), std::move(Read));
  N.Props = M.save(ArrayRef<Metadata>(Props));
  return Error::success();
}

} // namespace xfa::import
