//===- ImportTestSupport.h - models to import, by hand and as text --------===//

#ifndef XFA_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H
#define XFA_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H

#include "xfa/Import/Import.h"

#include "llvm/ADT/StringRef.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace xfa::test {

/// A protobuf message written field by field; field numbers are those of
/// onnx-ml.proto.
class Message {
public:
  Message &varint(unsigned Field, uint64_t Value) {
    number(uint64_t(Field) << 3);
    number(Value);
    return *this;
  }
  Message &bytes(unsigned Field, llvm::StringRef Payload) {
    number(uint64_t(Field) << 3 | 2);
    number(Payload.size());
    Bytes += Payload;
    return *this;
  }
  Message &message(unsigned Field, const Message &M) {
    return bytes(Field, M.Bytes);
  }
  Message &fixed32(unsigned Field, uint32_t Value) {
    number(uint64_t(Field) << 3 | 5);
    for (int I = 0; I < 4; ++I)
      Bytes += static_cast<char>(Value >> (8 * I));
    return *this;
  }
  /// Integers as a packed array.
  Message &packed(unsigned Field, std::initializer_list<int64_t> Values) {
    Message Inner;
    for (int64_t V : Values)
      Inner.number(static_cast<uint64_t>(V));
    return bytes(Field, Inner.Bytes);
  }
  const std::string &str() const { return Bytes; }

private:
  void number(uint64_t Value) {
    for (; Value >= 0x80; Value >>= 7)
      Bytes += static_cast<char>(Value | 0x80);
    Bytes += static_cast<char>(Value);
  }
  std::string Bytes;
};

/// A tensor's start: dims and element type (ONNX's number).
inline Message tensor(llvm::StringRef Name, std::initializer_list<int64_t> Dims,
                      int64_t ElemType) {
  Message T;
  for (int64_t Dim : Dims)
    T.varint(1, static_cast<uint64_t>(Dim));
  return T.varint(2, static_cast<uint64_t>(ElemType)).bytes(8, Name);
}

inline Message node(llvm::StringRef Op, std::vector<std::string> Inputs,
                    std::vector<std::string> Outputs) {
  Message N;
  for (const std::string &Name : Inputs)
    N.bytes(1, Name);
  for (const std::string &Name : Outputs)
    N.bytes(2, Name);
  return N.bytes(4, Op);
}

inline Message valueInfo(llvm::StringRef Name) {
  return Message().bytes(1, Name);
}

/// A ModelProto of IR version 8, opset 17.
inline Message model(const Message &Graph) {
  return Message()
      .varint(1, 8)
      .message(8, Message().bytes(1, "").varint(2, 17))
      .message(7, Graph);
}

/// A model and the bytes that its names point into.
struct Imported {
  std::unique_ptr<std::string> Bytes;
  std::unique_ptr<Model> M;
  std::string Error;

  const Model *operator->() const { return M.get(); }
  const Model &operator*() const { return *M; }
};

inline Imported importFrom(llvm::StringRef Bytes,
                           llvm::StringRef Name = "m.onnx") {
  Imported Result;
  Result.Bytes = std::make_unique<std::string>(Bytes.str());
  auto M = importBytes(*Result.Bytes, Name);
  if (M)
    Result.M = std::move(*M);
  else
    Result.Error = llvm::toString(M.takeError());
  return Result;
}

inline Imported importModel(const Message &Model) {
  return importFrom(Model.str());
}

/// ONNX text, with the header that nearly every test has.
inline Imported importText(llvm::StringRef Text) {
  return importFrom(
      ("<ir_version: 8, opset_import: [\"\" : 17, \"local\" : 1]>\n" + Text)
          .str());
}

/// The value of this name in the main graph's scope; the first of several.
inline ValueId find(const Model &M, llvm::StringRef Name) {
  for (uint32_t I = 0; I < M.Values.size(); ++I)
    if (M.Values[I].Name == Name)
      return ValueId(I);
  ADD_FAILURE() << "no value '" << Name.str() << "'";
  return {};
}

/// Operators of a graph, in its order.
inline std::vector<std::string> ops(const Model &M, const Graph &G) {
  std::vector<std::string> Result;
  Result.reserve(G.Nodes.size());
  for (NodeId N : G.Nodes)
    Result.push_back(M[N].Op.str());
  return Result;
}

} // namespace xfa::test

#endif // XFA_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H
