//===- Proto.cpp - graphs, functions, the model ---------------------------===//
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

Error damaged(const WireReader &R, StringRef Message) {
  if (R.damage().empty())
    return Error::success();
  return fail(Message + " is damaged: " + R.damage());
}

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

Error readModel(StringRef Bytes, Model &M, ProtoModel &P) {
  return Reader(M, P).model(Bytes);
}

} // namespace xfa::import
