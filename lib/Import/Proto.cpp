//===- Proto.cpp - the walk over the wire format --------------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2. Fields that no analysis reads
// (doc strings, training information, quantisation annotations, device
// configurations) and those that ONNX does not define are kept as they stand,
// for Export.
//
//===----------------------------------------------------------------------===//

#include "Proto.h"
#include "WireReader.h"

using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

Error fail(const Twine &Sentence) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), Sentence);
}

Error inside(const Twine &Where, Error E) {
  return fail(Where + ": " + llvm::toString(std::move(E)));
}

Error readPacked(StringRef Payload, StringRef Field,
                 llvm::SmallVectorImpl<int64_t> &To) {
  WireReader R(Payload);
  for (uint64_t Value; R.nextVarint(Value);)
    To.push_back(static_cast<int64_t>(Value));
  if (R.damage().empty())
    return Error::success();
  return fail(Field + " are damaged: " + R.damage());
}

std::string describe(const ProtoNode &N) {
  if (!N.Name.empty())
    return ("node '" + N.Name + "'").str();
  for (StringRef Out : N.Outputs)
    if (!Out.empty())
      return ("node '" + N.Op + " -> " + Out + "'").str();
  return ("node '" + N.Op + "'").str();
}

namespace {

StringRef normalDomain(StringRef Domain) {
  return Domain == "ai.onnx" ? StringRef() : Domain;
}

/// Success where R went through the whole of the message.
Error damaged(const WireReader &R, StringRef Message) {
  if (R.damage().empty())
    return Error::success();
  return fail(Message + " is damaged: " + R.damage());
}

/// Fields that the IR has no notion of, as they stand.
class RestOfMessage {
public:
  void add(StringRef Field) {
    if (Copy.empty() && (Slice.empty() || Slice.end() == Field.begin())) {
      Slice = StringRef(Slice.empty() ? Field.begin() : Slice.begin(),
                        Slice.size() + Field.size());
      return;
    }
    if (Copy.empty())
      Copy.append(Slice.begin(), Slice.end());
    Copy.append(Field.begin(), Field.end());
  }
  StringRef save(Model &M) const {
    return Copy.empty()
               ? Slice
               : StringRef(M.save(ArrayRef<char>(Copy)).data(), Copy.size());
  }

private:
  StringRef Slice; ///< while they stand side by side
  SmallVector<char, 0> Copy;
};

/// Walks the messages; one object a model, for the arenas and the scratch.
class Reader {
public:
  Reader(Model &M, ProtoModel &P) : M(M), P(P) {}

  Error model(StringRef Bytes);

private:
  Error graph(StringRef Bytes, unsigned Depth, ProtoGraph &G);
  Error node(StringRef Bytes, unsigned Depth, ProtoNode &N);
  Error attribute(StringRef Bytes, unsigned Depth, Attribute &A,
                  AttributeExtra &Extra);
  Error attributes(ArrayRef<StringRef> Messages, unsigned Depth,
                   ProtoAttributes &Result);
  Error function(StringRef Bytes, ProtoFunction &F);
  Error valueInfo(StringRef Bytes, ProtoValueInfo &V);
  Error type(StringRef Bytes, unsigned Depth, TypeId &Result);
  Error tensorType(StringRef Bytes, DeclaredType &T);
  Error elementType(StringRef Bytes, unsigned Depth, DeclaredType &T);
  Error shape(StringRef Bytes, DeclaredType &T);
  Error dimension(StringRef Bytes, DeclaredDim &D);
  Error entry(StringRef Bytes, Metadata &Entry);
  Error opset(StringRef Bytes, OpsetImport &Import);

  /// Reads each message with Read into an array that lives while importing.
  template <typename T, typename Fn>
  Error each(ArrayRef<StringRef> Messages, Fn Read, ArrayRef<T> &Result) {
    llvm::MutableArrayRef<T> List = P.allocate<T>(Messages.size());
    for (size_t I = 0; I < Messages.size(); ++I)
      if (Error E = Read(Messages[I], List[I]))
        return E;
    Result = List;
    return Error::success();
  }

  Model &M;
  ProtoModel &P;
};

Error Reader::entry(StringRef Bytes, Metadata &Entry) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == bytes(1))
      Entry.Key = F.Payload;
    else if (F.Tag == bytes(2))
      Entry.Text = F.Payload;
  }
  return damaged(R, "StringStringEntryProto");
}

Error Reader::opset(StringRef Bytes, OpsetImport &Import) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == bytes(1))
      Import.Domain = normalDomain(F.Payload);
    else if (F.Tag == varint(2))
      Import.Version = F.integer();
  }
  return damaged(R, "OperatorSetIdProto");
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Error Reader::dimension(StringRef Bytes, DeclaredDim &D) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      D = DeclaredDim();
      if (F.integer() < 0) {
        ++P.Accepted.NegativeDims;
        continue;
      }
      D.Kind = DeclaredDim::Number;
      D.Value = F.integer();
    } else if (F.Tag == bytes(2)) {
      D = DeclaredDim();
      if (F.Payload.empty())
        continue;
      D.Kind = DeclaredDim::Name;
      D.Symbol = F.Payload;
    }
  }
  return damaged(R, "TensorShapeProto.Dimension");
}

Error Reader::shape(StringRef Bytes, DeclaredType &T) {
  SmallVector<DeclaredDim, 8> Dims;
  WireReader R(Bytes);
  for (WireField F; R.next(F);)
    if (F.Tag == bytes(1))
      if (Error E = dimension(F.Payload, Dims.emplace_back()))
        return E;
  T.HasShape = true;
  T.Dims = M.save(ArrayRef<DeclaredDim>(Dims));
  return damaged(R, "TensorShapeProto");
}

Error Reader::tensorType(StringRef Bytes, DeclaredType &T) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      std::optional<ElemType> Elem = elemTypeFromOnnx(F.integer());
      P.Accepted.UnknownElemTypes += !Elem;
      T.Elem = Elem.value_or(ElemType::Undefined);
    } else if (F.Tag == bytes(2)) {
      if (Error E = shape(F.Payload, T))
        return E;
    }
  }
  return damaged(R, "TypeProto.Tensor");
}

/// TypeProto.Sequence, Optional and Map: field 1 is the element's type or the
/// key's, field 2 the type of a map's values.
Error Reader::elementType(StringRef Bytes, unsigned Depth, DeclaredType &T) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      std::optional<ElemType> Elem = elemTypeFromOnnx(F.integer());
      P.Accepted.UnknownElemTypes += !Elem;
      T.Elem = Elem.value_or(ElemType::Undefined);
    } else if (F.Tag == bytes(T.Kind == DeclaredType::Map ? 2 : 1)) {
      if (Error E = type(F.Payload, Depth + 1, T.Element))
        return E;
    }
  }
  return damaged(R, "TypeProto");
}

Error Reader::type(StringRef Bytes, unsigned Depth, TypeId &Result) {
  if (Depth > MaxDepth)
    return fail("types stand more than " + Twine(MaxDepth) +
                " deep in each other");
  DeclaredType T;
  bool Known = false;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    Error E = Error::success();
    switch (F.Tag) {
    case bytes(1):
    case bytes(8):
      T = DeclaredType();
      T.Kind =
          F.Tag == bytes(1) ? DeclaredType::Tensor : DeclaredType::SparseTensor;
      E = tensorType(F.Payload, T);
      break;
    case bytes(4):
    case bytes(9):
    case bytes(5):
      T = DeclaredType();
      T.Kind = F.Tag == bytes(4)   ? DeclaredType::Sequence
               : F.Tag == bytes(9) ? DeclaredType::Optional
                                   : DeclaredType::Map;
      E = elementType(F.Payload, Depth, T);
      break;
    default:
      continue;
    }
    if (E)
      return E;
    Known = true;
  }
  if (Error E = damaged(R, "TypeProto"))
    return E;
  if (Known) {
    T.Message = Bytes;
    M.Types.push_back(T);
    Result = TypeId(M.Types.size() - 1);
  }
  return Error::success();
}

Error Reader::valueInfo(StringRef Bytes, ProtoValueInfo &V) {
  StringRef Type;
  RestOfMessage Rest;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == bytes(1))
      V.Name = F.Payload;
    else if (F.Tag == bytes(2))
      Type = F.Payload;
    else
      Rest.add(R.raw());
  }
  V.Message = Bytes;
  V.Rest = Rest.save(M);
  Error E = damaged(R, "ValueInfoProto");
  if (!E && !Type.empty())
    E = type(Type, 0, V.Type);
  return E ? inside("value '" + V.Name + "'", std::move(E)) : Error::success();
}

//===----------------------------------------------------------------------===//
// Attributes and nodes
//===----------------------------------------------------------------------===//

/// AttributeProto.AttributeType by number.
AttrKind kindFromOnnx(int64_t Number) {
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

//===----------------------------------------------------------------------===//
// Graphs, functions, the model
//===----------------------------------------------------------------------===//

Error Reader::graph(StringRef Bytes, unsigned Depth, ProtoGraph &G) {
  if (Depth > MaxDepth)
    return fail("graphs stand more than " + Twine(MaxDepth) +
                " deep in each other");
  SmallVector<StringRef, 0> Nodes, Inputs, Outputs, ValueInfos;
  SmallVector<ProtoInitializer, 0> Initializers;
  RestOfMessage Rest;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    switch (F.Tag) {
    case bytes(1):
      Nodes.push_back(F.Payload);
      break;
    case bytes(2):
      G.Name = F.Payload;
      break;
    case bytes(5):
    case bytes(15): {
      ProtoInitializer Init;
      auto Read = F.Tag == bytes(5) ? readTensor : readSparseTensor;
      if (Error E = Read(F.Payload, M, P.Accepted, Init.Name, Init.Tensor))
        return E;
      Initializers.push_back(Init);
      break;
    }
    case bytes(11):
      Inputs.push_back(F.Payload);
      break;
    case bytes(12):
      Outputs.push_back(F.Payload);
      break;
    case bytes(13):
      ValueInfos.push_back(F.Payload);
      break;
    default:
      Rest.add(R.raw());
      break;
    }
  }
  if (Error E = damaged(R, "GraphProto"))
    return E;
  G.Rest = Rest.save(M);
  G.Initializers = P.save(ArrayRef<ProtoInitializer>(Initializers));

  auto ReadInfo = [&](StringRef B, ProtoValueInfo &V) {
    return valueInfo(B, V);
  };
  if (Error E = each<ProtoValueInfo>(Inputs, ReadInfo, G.Inputs))
    return E;
  if (Error E = each<ProtoValueInfo>(Outputs, ReadInfo, G.Outputs))
    return E;
  if (Error E = each<ProtoValueInfo>(ValueInfos, ReadInfo, G.ValueInfos))
    return E;
  // Room for a constant a node costs addresses, not pages; growing costs both.
  if (Depth == 0)
    M.Constants.reserve(M.Constants.size() + Nodes.size());
  return each<ProtoNode>(
      Nodes, [&](StringRef B, ProtoNode &N) { return node(B, Depth, N); },
      G.Nodes);
}

Error Reader::function(StringRef Bytes, ProtoFunction &Fn) {
  SmallVector<StringRef, 8> Inputs, Outputs, Nodes, ValueInfos, Defaults;
  SmallVector<OpsetImport, 4> Opsets;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    switch (F.Tag) {
    case bytes(1):
      Fn.Name = F.Payload;
      break;
    case bytes(4):
      Inputs.push_back(F.Payload);
      break;
    case bytes(5):
      Outputs.push_back(F.Payload);
      break;
    case bytes(7):
      Nodes.push_back(F.Payload);
      break;
    case bytes(9):
      if (Error E = opset(F.Payload, Opsets.emplace_back()))
        return E;
      break;
    case bytes(10):
      Fn.Domain = normalDomain(F.Payload);
      break;
    case bytes(11):
      Defaults.push_back(F.Payload);
      break;
    case bytes(12):
      ValueInfos.push_back(F.Payload);
      break;
    case bytes(13):
      Fn.Overload = F.Payload;
      break;
    default:
      break;
    }
  }
  Error Read = damaged(R, "FunctionProto");
  Fn.Inputs = P.save(ArrayRef<StringRef>(Inputs));
  Fn.Outputs = P.save(ArrayRef<StringRef>(Outputs));
  Fn.Opsets = P.save(ArrayRef<OpsetImport>(Opsets));
  if (!Read)
    Read = attributes(Defaults, 0, Fn.Defaults);
  if (!Read)
    Read = each<ProtoValueInfo>(
        ValueInfos,
        [&](StringRef B, ProtoValueInfo &V) { return valueInfo(B, V); },
        Fn.ValueInfos);
  if (!Read)
    Read = each<ProtoNode>(
        Nodes, [&](StringRef B, ProtoNode &N) { return node(B, 0, N); },
        Fn.Nodes);
  if (Read)
    return inside("function '" + Fn.Name + "'", std::move(Read));
  return Error::success();
}

Error Reader::model(StringRef Bytes) {
  StringRef Graph;
  SmallVector<StringRef, 0> Functions;
  unsigned Graphs = 0;
  RestOfMessage Rest;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    switch (F.Tag) {
    case varint(1):
      M.IrVersion = F.integer();
      break;
    case bytes(2):
      M.Producer = F.Payload;
      break;
    case bytes(3):
      M.ProducerVersion = F.Payload;
      break;
    case bytes(7):
      Graph = F.Payload;
      ++Graphs;
      break;
    case bytes(8):
      if (Error E = opset(F.Payload, M.Opsets.emplace_back()))
        return E;
      break;
    case bytes(14):
      if (Error E = entry(F.Payload, M.Props.emplace_back()))
        return E;
      break;
    case bytes(25):
      Functions.push_back(F.Payload);
      break;
    default:
      Rest.add(R.raw());
      break;
    }
  }
  M.Rest = Rest.save(M);
  // Where nothing of a model came before it, damage means another format.
  if (!R.damage().empty())
    return Graphs || M.IrVersion
               ? fail("the file is truncated or damaged: in ModelProto, " +
                      R.damage())
               : fail(
                     "not an ONNX model: expected a protobuf ModelProto, but " +
                     R.damage());
  if (Graphs == 0)
    return fail("not an ONNX model: expected a graph in ModelProto (field 7), "
                "found none");
  if (Graphs > 1)
    return fail("expected one graph in ModelProto, found " + Twine(Graphs));

  P.Functions.resize(Functions.size());
  for (size_t I = 0; I < Functions.size(); ++I) {
    ProtoFunction &Fn = P.Functions[I];
    if (Error E = function(Functions[I], Fn))
      return E;
    Function &Kept = M.Functions.emplace_back();
    Kept.Domain = Fn.Domain;
    Kept.Name = Fn.Name;
    Kept.Overload = Fn.Overload;
    Kept.Message = Functions[I];
  }
  return graph(Graph, 0, P.Graph);
}

} // namespace

Error readModel(StringRef Bytes, Model &M, ProtoModel &P) {
  return Reader(M, P).model(Bytes);
}

} // namespace xfa::import
