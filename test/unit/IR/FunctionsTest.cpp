//===- FunctionsTest.cpp - nodes into functions, and back -----------------===//

#include "Import/ImportTestSupport.h"

#include "xfa/Export/Export.h"
#include "xfa/IR/Editor.h"
#include "xfa/IR/Verifier.h"

#include "onnx/onnx_pb.h"

using namespace xfa;
using namespace xfa::test;

namespace {

void finish(Editor &Edit) {
  ASSERT_EQ(llvm::toString(Edit.finish()), "");
  compact(Edit.model());
  ASSERT_EQ(llvm::toString(verify(Edit.model())), "");
}

onnx::ModelProto exported(const Model &M) {
  onnx::ModelProto P;
  llvm::Expected<Exported> E = exportBinary(M);
  EXPECT_TRUE(static_cast<bool>(E)) << llvm::toString(E.takeError());
  EXPECT_TRUE(P.ParseFromString(E->str()));
  return P;
}

/// The nodes of the main graph at these positions.
std::vector<NodeId> at(const Model &M, std::initializer_list<unsigned> Where) {
  std::vector<NodeId> Result;
  for (unsigned I : Where)
    Result.push_back(M.main().Nodes[I]);
  return Result;
}

constexpr char Softmax[] = R"(g (float[N] x, float s, float[N] m)
    => (float[N] y) {
  a = Mul (x, s)
  b = Add (a, m)
  c = Softmax (b)
  d = Relu (x)
  y = Add (c, d)
})";

TEST(Functions, OutlinedNodesAreACallOfAFunction) {
  Imported I = importText(Softmax);
  Editor Edit(*I.M);
  std::vector<NodeId> Nodes = at(*I.M, {0, 1, 2});
  ASSERT_EQ(Edit.whyNotOutlined(Nodes), "");
  Edit.outline(Nodes, "xfa.fused", "MaskSoftmax");
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  ASSERT_EQ(P.graph().node_size(), 3);
  const onnx::NodeProto &Call = P.graph().node(0);
  EXPECT_EQ(Call.op_type(), "MaskSoftmax");
  EXPECT_EQ(Call.domain(), "xfa.fused");
  EXPECT_EQ(Call.input_size(), 3);
  EXPECT_EQ(Call.output(0), "c");
  ASSERT_EQ(P.functions_size(), 1);
  EXPECT_EQ(P.functions(0).node_size(), 3);
  EXPECT_EQ(P.functions(0).output(0), "c");
  EXPECT_EQ(P.functions(0).opset_import_size(), 1);
  EXPECT_EQ(P.ir_version(), 8);
}

TEST(Functions, InliningTakesItBack) {
  Imported I = importText(Softmax);
  const std::string Before = exported(*I.M).graph().SerializeAsString();
  {
    Editor Edit(*I.M);
    Edit.outline(at(*I.M, {0, 1, 2}), "xfa.fused", "MaskSoftmax");
    finish(Edit);
  }
  Editor Edit(*I.M);
  NodeId Call = I->main().Nodes[0];
  ASSERT_TRUE(static_cast<bool>((*I)[Call].Callee));
  ASSERT_EQ(Edit.whyNotInlined(Call), "");
  Edit.inlineCall(Call);
  Edit.dropUncalledFunctions();
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  EXPECT_EQ(P.functions_size(), 0);
  EXPECT_EQ(P.opset_import_size(), 2); // "" and local, as in the header
  EXPECT_EQ(P.graph().SerializeAsString(), Before);
}

TEST(Functions, EqualBodiesAreOneFunction) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y) {
    a = Relu (x)  b = Neg (a)
    c = Relu (b)  d = Neg (c)
    e = Abs (d)   y = Neg (e) })");
  Editor Edit(*I.M);
  for (unsigned First : {0, 2, 4})
    Edit.outline(at(*I.M, {First, First + 1}), "xfa.fused", "Chain");
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  ASSERT_EQ(P.functions_size(), 2);
  EXPECT_EQ(P.graph().node(0).op_type(), "Chain");
  EXPECT_EQ(P.graph().node(1).op_type(), "Chain");
  EXPECT_EQ(P.graph().node(2).op_type(), "Chain_1");
}

TEST(Functions, AWayOutAndBackInIsRefused) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y) {
    a = Relu (x)  b = Neg (a)  y = Add (a, b) })");
  Editor Edit(*I.M);
  EXPECT_EQ(Edit.whyNotOutlined(at(*I.M, {0, 2})),
            "'Neg -> b' needs a part of it and feeds another");
  EXPECT_EQ(Edit.whyNotOutlined(at(*I.M, {0, 1})), "");
}

TEST(Functions, ABodyTakesItsGraphsAlong) {
  Imported I = importText(R"(g (bool c, float[N] x) => (float[N] y) {
      t = Neg (x)
      b = If (c) <then_branch = th () => (float[N] p) { p = Relu (t) },
                  else_branch = el () => (float[N] q) { q = Add (t, x) }>
      y = Abs (b) })");
  const std::string Before = exported(*I.M).graph().SerializeAsString();
  {
    Editor Edit(*I.M);
    NodeId Call = Edit.outline(at(*I.M, {1, 2}), "xfa.fused", "Chosen");
    EXPECT_EQ((*I)[Call].Inputs.size(), 3u); // c, t, x
    finish(Edit);
    EXPECT_EQ(exported(*I.M).functions(0).input_size(), 3);
  }
  Editor Edit(*I.M);
  Edit.inlineCall(I->main().Nodes[1]);
  Edit.dropUncalledFunctions();
  finish(Edit);
  EXPECT_EQ(exported(*I.M).graph().SerializeAsString(), Before);
}

TEST(Functions, InliningGivesSecondCallsFreshNames) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y)
    { t = local.twice (x)  y = local.twice (t) }
    <domain: "local", opset_import: ["" : 17]>
    twice (a) => (b) { h = Relu (a)  b = Add (h, h) })");
  ASSERT_EQ(I.Error, "");
  Editor Edit(*I.M);
  for (NodeId Call : at(*I.M, {0, 1}))
    Edit.inlineCall(Call);
  Edit.dropUncalledFunctions();
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  ASSERT_EQ(P.graph().node_size(), 4);
  EXPECT_EQ(P.graph().node(0).output(0), "h");
  EXPECT_EQ(P.graph().node(1).output(0), "t");
  EXPECT_EQ(P.graph().node(2).output(0), "h_1");
  EXPECT_EQ(P.graph().node(2).input(0), "t");
  EXPECT_EQ(P.graph().node(3).output(0), "y");
  EXPECT_EQ(P.opset_import_size(), 1);
}

TEST(Functions, OperandsLeftOutAndHandedOn) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y, float[N] z)
    { y, z = local.f (x) }
    <domain: "local", opset_import: ["" : 17]>
    f (a, lo) => (b, a) { b = Clip (a, lo) })");
  ASSERT_EQ(I.Error, "");
  Editor Edit(*I.M);
  Edit.inlineCall(I->main().Nodes[0]);
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  ASSERT_EQ(P.graph().node_size(), 2);
  EXPECT_EQ(P.graph().node(0).op_type(), "Clip");
  EXPECT_EQ(P.graph().node(0).input(1), "");
  EXPECT_EQ(P.graph().node(1).op_type(), "Identity");
  EXPECT_EQ(P.graph().node(1).output(0), "z");
}

TEST(Functions, ABodyOfAnotherOpsetStays) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y)
    { y = local.f (x) }
    <domain: "local", opset_import: ["" : 13]>
    f (a) => (b) { b = Relu (a) })");
  Editor Edit(*I.M);
  EXPECT_EQ(Edit.whyNotInlined(I->main().Nodes[0]),
            "its body is in opset 13 of ai.onnx, the model in 17");
}

TEST(Functions, TheFilesFunctionsAreCopiedThrough) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y)
    { t = Neg (x)  y = local.f <alpha: float = 2.0> (t) }
    <domain: "local", opset_import: ["" : 17]>
    f <alpha> (a) => (b) { b = LeakyRelu <alpha: float = @alpha> (a) })");
  ASSERT_EQ(I.Error, "");
  Editor Edit(*I.M);
  Edit.replaceAllUses(find(*I.M, "t"), find(*I.M, "x"));
  finish(Edit);
  onnx::ModelProto P = exported(*I.M);
  ASSERT_EQ(P.graph().node_size(), 1);
  EXPECT_EQ(P.graph().node(0).attribute(0).f(), 2.0);
  ASSERT_EQ(P.functions_size(), 1);
  EXPECT_EQ(P.functions(0).node(0).attribute(0).ref_attr_name(), "alpha");
}

} // namespace
