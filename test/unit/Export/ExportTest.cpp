//===- ExportTest.cpp - what is written, field by field -------------------===//

#include "Import/ImportTestSupport.h"

#include "xfa/Export/Export.h"
#include "xfa/IR/Editor.h"

#include "onnx/onnx_pb.h"

using namespace xfa;
using namespace xfa::test;

namespace {

std::string exported(const Model &M) {
  llvm::Expected<Exported> E = exportBinary(M);
  if (!E) {
    ADD_FAILURE() << llvm::toString(E.takeError());
    return {};
  }
  EXPECT_EQ(E->size(), E->str().size());
  return E->str();
}

/// What an import followed by an export makes of a model.
std::string roundTrip(const std::string &Bytes) {
  Imported I = importFrom(Bytes);
  EXPECT_EQ(I.Error, "");
  return I.M ? exported(*I.M) : std::string();
}

onnx::ModelProto parsed(const std::string &Bytes) {
  onnx::ModelProto P;
  EXPECT_TRUE(P.ParseFromString(Bytes));
  return P;
}

Message identityGraph() {
  return Message()
      .message(1, node("Identity", {"x"}, {"y"}))
      .bytes(2, "g")
      .message(11, valueInfo("x"))
      .message(12, valueInfo("y"));
}

TEST(Export, WhatProtobufWroteComesOutTheSame) {
  const Message M = model(identityGraph());
  // model() writes field 8 before field 7.
  const std::string Once = roundTrip(M.str());
  EXPECT_EQ(parsed(Once).SerializeAsString(), Once);
  EXPECT_EQ(roundTrip(Once), Once);
}

TEST(Export, FieldsThatTheIrDoesNotKnowStandInOrder) {
  Message N = node("Identity", {"x"}, {"y"});
  N.bytes(6, "about the node").bytes(8, "overload").bytes(77, "of tomorrow");
  Message G = Message()
                  .message(1, N)
                  .bytes(2, "g")
                  .bytes(10, "about the graph")
                  .message(11, valueInfo("x").bytes(3, "about x"))
                  .message(12, valueInfo("y"))
                  .bytes(14, "");
  Message M = Message()
                  .varint(1, 8)
                  .bytes(4, "the.domain")
                  .varint(5, 3)
                  .bytes(6, "about the model")
                  .message(7, G)
                  .message(8, Message().varint(2, 17))
                  .message(14, Message().bytes(1, "k").bytes(2, "v"));
  EXPECT_EQ(roundTrip(M.str()), M.str());
}

TEST(Export, PayloadsAreSlicesOfTheFile) {
  std::string Payload(4096, 'w');
  Message G = Message()
                  .message(1, node("Add", {"x", "w"}, {"y"}))
                  .bytes(2, "g")
                  .message(5, tensor("w", {1024}, 1).bytes(9, Payload))
                  .message(11, valueInfo("x"))
                  .message(12, valueInfo("y"));
  Imported I = importModel(model(G));
  llvm::Expected<Exported> E = exportBinary(*I.M);
  ASSERT_TRUE(static_cast<bool>(E));
  bool Slice = false;
  for (llvm::StringRef Piece : E->pieces())
    Slice |= Piece.begin() >= I.Bytes->data() &&
             Piece.end() <= I.Bytes->data() + I.Bytes->size() &&
             Piece.size() >= Payload.size();
  EXPECT_TRUE(Slice);
  EXPECT_EQ(parsed(E->str()).graph().initializer(0).raw_data(), Payload);
}

TEST(Export, ExternalReferencesStay) {
  Message Where = Message().bytes(1, "location").bytes(2, "w.bin");
  Message Offset = Message().bytes(1, "offset").bytes(2, "4096");
  Message G = Message()
                  .message(1, node("Add", {"x", "w"}, {"y"}))
                  .message(5, tensor("w", {4}, 1)
                                  .message(13, Where)
                                  .message(13, Offset)
                                  .varint(14, 1))
                  .message(11, valueInfo("x"))
                  .message(12, valueInfo("y"));
  onnx::ModelProto P = parsed(roundTrip(model(G).str()));
  const onnx::TensorProto &W = P.graph().initializer(0);
  EXPECT_EQ(W.data_location(), onnx::TensorProto::EXTERNAL);
  ASSERT_EQ(W.external_data_size(), 2);
  EXPECT_EQ(W.external_data(0).value(), "w.bin");
  EXPECT_EQ(W.external_data(1).value(), "4096");
}

TEST(Export, InitialisedInputsKeepTheirPlaces) {
  auto Weight = [](llvm::StringRef Name) {
    return tensor(Name, {1}, 1).fixed32(4, 0);
  };
  Message G = Message()
                  .message(1, node("Add", {"x", "w"}, {"t"}))
                  .message(1, node("Add", {"t", "v"}, {"y"}))
                  .message(5, Weight("w"))
                  .message(5, Weight("v"))
                  .message(11, valueInfo("w"))
                  .message(11, valueInfo("x"))
                  .message(11, valueInfo("v"))
                  .message(12, valueInfo("y"));
  onnx::ModelProto P = parsed(roundTrip(model(G).str()));
  ASSERT_EQ(P.graph().input_size(), 3);
  EXPECT_EQ(P.graph().input(0).name(), "w");
  EXPECT_EQ(P.graph().input(1).name(), "x");
  EXPECT_EQ(P.graph().input(2).name(), "v");
}

TEST(Export, RepeatedConstantsGetNamesOfTheirOwn) {
  auto Constant = [](int64_t Value) {
    return node("Constant", {}, {"c"})
        .message(
            5, Message().bytes(1, "value_int").varint(3, Value).varint(20, 2));
  };
  Message G = Message()
                  .message(1, Constant(1))
                  .message(1, node("Add", {"x", "c"}, {"t"}))
                  .message(1, Constant(2))
                  .message(1, node("Add", {"t", "c"}, {"y"}))
                  .message(11, valueInfo("x"))
                  .message(12, valueInfo("y"));
  const std::string Once = roundTrip(model(G).str());
  onnx::ModelProto P = parsed(Once);
  // Each use means the last of them, as ONNX Runtime reads it.
  ASSERT_EQ(P.graph().node_size(), 4);
  std::string Last;
  for (const onnx::NodeProto &N : P.graph().node())
    if (N.op_type() == "Constant" && N.attribute(0).i() == 2)
      Last = N.output(0);
  for (const onnx::NodeProto &N : P.graph().node())
    if (N.op_type() == "Add") {
      EXPECT_EQ(N.input(1), Last);
    }
  EXPECT_NE(P.graph().node(0).output(0), P.graph().node(1).output(0));
  EXPECT_EQ(roundTrip(Once), Once);
}

TEST(Export, TypesOfNamesThatNothingDefinesStay) {
  Message G = identityGraph().message(13, valueInfo("gone"));
  onnx::ModelProto P = parsed(roundTrip(model(G).str()));
  ASSERT_EQ(P.graph().value_info_size(), 1);
  EXPECT_EQ(P.graph().value_info(0).name(), "gone");
}

TEST(Export, MadeConstantsAreEncoded) {
  Imported I = importText("g (float[N] x) => (float[N] y) { y = Relu (x) }");
  Editor Edit(*I.M);
  const GraphId Main(0);
  ValueId X = I->main().Inputs[0];
  ValueId Half =
      Edit.constantFloats(ElemType::Float16, {2}, {0.5, -2.0}, "half");
  ValueId Cast = Edit.make(Main, "Cast", {Half}, {Edit.intAttr("to", 1)});
  ValueId Sum = Edit.make(Main, "Add", {X, Cast}, {}, "sum");
  ValueId Size = Edit.intVector({-1, 3}, "size");
  Edit.addOutput(Main, Sum, "z");
  Edit.addOutput(Main, Edit.make(Main, "Reshape", {Sum, Size}), "r");
  ASSERT_EQ(llvm::toString(Edit.finish()), "");
  onnx::ModelProto P = parsed(exported(*I.M));
  ASSERT_EQ(P.graph().initializer_size(), 2);
  // IEEE half: 0.5 is 0x3800, -2 is 0xc000.
  EXPECT_EQ(P.graph().initializer(0).raw_data(),
            std::string("\x00\x38\x00\xc0", 4));
  EXPECT_EQ(
      P.graph().initializer(1).raw_data(),
      std::string("\xff\xff\xff\xff\xff\xff\xff\xff\3\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(P.graph().output(1).name(), "z");
}

TEST(Export, ContentsThatNobodyHasAreAnError) {
  Imported I = importText("g (float[N] x) => (float[N] y) { y = Relu (x) }");
  Constant C;
  C.Elem = ElemType::Float32;
  I.M->Constants.push_back(C);
  Value V;
  V.Name = "w";
  V.IsInitializer = true;
  V.Const = ConstantId(0);
  I.M->Values.push_back(V);
  I.M->Graphs[0].Initializers.emplace_back(I.M->Values.size() - 1);
  llvm::Expected<Exported> E = exportBinary(*I.M);
  ASSERT_FALSE(static_cast<bool>(E));
  EXPECT_EQ(llvm::toString(E.takeError()),
            "m.onnx: the contents of the constant 'w' are known to nobody");
}

TEST(Export, AModelOfIrVersion3ListsMadeConstantsAsInputs) {
  Message M = Message()
                  .varint(1, 3)
                  .message(7, identityGraph())
                  .message(8, Message().bytes(1, "").varint(2, 9));
  Imported I = importModel(M);
  Editor Edit(*I.M);
  Edit.addOutput(GraphId(0),
                 Edit.make(GraphId(0), "Add",
                           {I->main().Inputs[0], Edit.intScalar(1, "one")}),
                 "z");
  ASSERT_EQ(llvm::toString(Edit.finish()), "");
  onnx::ModelProto P = parsed(exported(*I.M));
  ASSERT_EQ(P.graph().input_size(), 2);
  EXPECT_EQ(P.graph().input(1).name(), "one");
  EXPECT_EQ(P.graph().input(1).type().tensor_type().elem_type(),
            onnx::TensorProto::INT64);
}

TEST(Export, TextThatLosesMeaningIsRefused) {
  Message Values = tensor("s", {1}, 1).fixed32(4, 0);
  Message Sparse =
      Message().message(1, Values).message(2, tensor("", {1}, 7).varint(7, 0));
  Sparse.varint(3, 4);
  Message G = identityGraph().message(15, Sparse);
  Imported I = importModel(model(G));
  llvm::Expected<Exported> E = exportText(*I.M);
  ASSERT_FALSE(static_cast<bool>(E));
  EXPECT_EQ(llvm::toString(E.takeError()),
            "m.onnx: cannot be written as text: ONNX's text format cannot say "
            "its sparse initializer 's'");
}

} // namespace
