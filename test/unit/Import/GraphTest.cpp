//===- GraphTest.cpp - scopes, order, functions, and what is accepted -----===//

#include "ImportTestSupport.h"

using namespace xfa;
using namespace xfa::test;
using llvm::StringRef;

namespace {

using Names = std::vector<std::string>;

TEST(ImportGraph, ValuesNodesAndTypes) {
  Imported I = importText(R"(
g (float[B, 4, "N + 1"] x) => (y) <float[4] w = {1, 2, 3, 4}, float[B, 4, 7] h> {
  h = Mul(x, w)
  y = Relu(h)
})");
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->IrVersion, 8);
  EXPECT_EQ(ops(*I, I->main()), (Names{"Mul", "Relu"}));
  const Node &Mul = (*I)[I->main().Nodes[0]];
  EXPECT_EQ(Mul.Inputs[0], find(*I, "x"));
  EXPECT_EQ(Mul.OpsetVersion, 17);
  EXPECT_EQ(Mul.Parent, GraphId(0));
  const Value &H = (*I)[find(*I, "h")];
  EXPECT_EQ(H.Producer, I->main().Nodes[0]);
  ASSERT_TRUE(H.Declared);
  EXPECT_EQ((*I)[H.Declared].Dims[2].Value, 7);

  const Value &X = (*I)[find(*I, "x")];
  EXPECT_TRUE(X.IsInput);
  const DeclaredType &Type = (*I)[X.Declared];
  EXPECT_EQ(Type.Elem, ElemType::Float32);
  ASSERT_EQ(Type.Dims.size(), 3u);
  EXPECT_EQ(Type.Dims[0].Symbol, "B");
  EXPECT_EQ(Type.Dims[1].Value, 4);
  EXPECT_EQ(Type.Dims[2].Symbol, "N + 1"); // as written
}

TEST(ImportGraph, DimsUnsetAndNegative) {
  Message Shape = Message()
                      .message(1, Message())
                      .message(1, Message().varint(1, ~0ull))
                      .message(1, Message().bytes(2, ""))
                      .message(1, Message().varint(1, 0));
  Imported I = importModel(model(Message().message(
      11,
      valueInfo("x").message(
          2, Message().message(1, Message().varint(1, 1).message(2, Shape))))));
  ASSERT_TRUE(I.M) << I.Error;
  const DeclaredType &Type = I->Types[0];
  ASSERT_EQ(Type.Dims.size(), 4u);
  EXPECT_EQ(Type.Dims[0].Kind, DeclaredDim::Unset);
  EXPECT_EQ(Type.Dims[1].Kind, DeclaredDim::Unset);
  EXPECT_EQ(Type.Dims[2].Kind, DeclaredDim::Unset);
  EXPECT_EQ(Type.Dims[3].Kind, DeclaredDim::Number);
  EXPECT_EQ(I->Warnings, (Names{"expected dims of 0 or more, found 1 negative "
                                "one; taken for unknown"}));
}

TEST(ImportGraph, NestedTypes) {
  Imported I = importText(R"(
g (seq(optional(float[N])) s, map(int64, float[2]) m) => () {
})");
  ASSERT_TRUE(I.M) << I.Error;
  const DeclaredType &S = (*I)[(*I)[find(*I, "s")].Declared];
  EXPECT_EQ(S.Kind, DeclaredType::Sequence);
  EXPECT_EQ((*I)[S.Element].Kind, DeclaredType::Optional);
  EXPECT_EQ((*I)[(*I)[S.Element].Element].Dims[0].Symbol, "N");
  const DeclaredType &M = (*I)[(*I)[find(*I, "m")].Declared];
  EXPECT_EQ(M.Kind, DeclaredType::Map);
  EXPECT_EQ(M.Elem, ElemType::Int64);
  EXPECT_EQ((*I)[M.Element].Dims[0].Value, 2);
}

TEST(ImportGraph, InitializersThatAreInputsToo) {
  Imported I =
      importModel(model(Message()
                            .message(1, node("Add", {"x", "w"}, {"y"}))
                            .message(11, valueInfo("x"))
                            .message(11, valueInfo("w"))
                            .message(5, tensor("w", {}, 7).packed(7, {1}))));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->main().Inputs.size(), 1u);
  const Value &W = (*I)[find(*I, "w")];
  EXPECT_TRUE(W.IsInitializer);
  EXPECT_FALSE(W.IsInput);
  EXPECT_EQ(I->main().Initializers.size(), 1u);
}

TEST(ImportGraph, AbsentOperands) {
  Imported I = importText(R"(
g (float[N] x) => (float[N] y) {
  y, "", z = Foo(x, "", x)
})");
  ASSERT_TRUE(I.M) << I.Error;
  const Node &N = I->Nodes[0];
  ASSERT_EQ(N.Inputs.size(), 3u);
  EXPECT_FALSE(N.Inputs[1]);
  EXPECT_FALSE(N.Outputs[1]);
  EXPECT_EQ((*I)[N.Outputs[2]].OutputIndex, 2u);
  EXPECT_EQ(N.Kind, OpKind::Unknown);
}

TEST(ImportGraph, OutputsThatNoNodeMakes) {
  Imported I = importText("g (float[N] x) => (float[N] x) { }");
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->main().Outputs[0], I->main().Inputs[0]);

  EXPECT_EQ(importText("g (float[N] x) => (float[N] y) { }").Error,
            "m.onnx: output 'y' of graph 'g' is an output of no node, and no "
            "input or initializer");
}

TEST(ImportGraph, UndefinedInput) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (float[N] y) {
  y = Add(x, nowhere)
})")
                .Error,
            "m.onnx: node 'Add -> y': input 1, 'nowhere', is an output of no "
            "node, and no graph input or initializer");
}

TEST(ImportGraph, TwoProducers) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (float[N] y) {
  y = Relu(x)
  y = Abs(x)
})")
                .Error,
            "m.onnx: node 'Abs -> y': output 'y' is already an output of node "
            "'Relu -> y'");
  EXPECT_EQ(importText("g (float[N] x) => (float[N] x) { x = Relu(x) }").Error,
            "m.onnx: node 'Relu -> x': output 'x' is already an input");
}

TEST(ImportGraph, SortsNodes) {
  Imported I = importText(R"(
g (float[N] x) => (float[N] y) {
  y = Add(b, a)
  c = Neg(x)
  a = Relu(x)
  b = Abs(a)
})");
  ASSERT_TRUE(I.M) << I.Error;
  // Add's producers move up; Neg stays where it was.
  EXPECT_EQ(ops(*I, I->main()), (Names{"Relu", "Abs", "Add", "Neg"}));
  EXPECT_EQ(I->Warnings.size(), 1u);
}

TEST(ImportGraph, SortsNodesByWhatTheirBodiesUse) {
  Imported I = importText(R"(
g (float[N] x, bool c) => (float[N] y) {
  y = If (c) <
    then_branch = t () => (float[N] p) { p = Neg(late) },
    else_branch = e () => (float[N] q) { q = Identity(x) }>
  late = Relu(x)
})");
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(ops(*I, I->main()), (Names{"Relu", "If"}));
}

TEST(ImportGraph, Cycle) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (float[N] y) {
  a = Add(x, b)
  b = Relu(a)
  y = Neg(b)
})")
                .Error,
            "m.onnx: node 'Add -> a': it needs its own output: the graph has a "
            "cycle");
}

// As ONNX Runtime reads them: Constants are initialisers, the last one counts.
TEST(ImportGraph, OfConstantsDefinedTwiceTheLastCounts) {
  Imported I = importText(R"(
g (float[N] x) => (y, z) {
  k = Constant <value_int = 1> ()
  y = Mul(x, k)
  k = Constant <value_int = 2> ()
  z = Mul(x, k)
})");
  ASSERT_TRUE(I.M) << I.Error;
  auto Factor = [&](StringRef Product) {
    const Node &N = (*I)[(*I)[find(*I, Product)].Producer];
    return (*I)[(*I)[N.Inputs[1]].Const].Ints[0];
  };
  EXPECT_EQ(Factor("y"), 2);
  EXPECT_EQ(Factor("z"), 2);
  EXPECT_EQ(I->Warnings.size(), 2u); // defined twice; used before it
}

TEST(ImportGraph, BodiesSeeWhatIsAroundThem) {
  Imported I = importText(R"(
g (float[N] x, bool c) => (float[N] y) <float[1] w = {2}> {
  a = Relu(x)
  y = If (c) <
    then_branch = t () => (float[N] p) <float[1] w = {3}> { p = Mul(a, w) },
    else_branch = e () => (float[N] q) { q = Mul(a, w) }>
})");
  ASSERT_TRUE(I.M) << I.Error;
  ASSERT_EQ(I->Graphs.size(), 3u);
  const Node &If = (*I)[I->main().Nodes[1]];
  const Attribute *Then = If.attribute("then_branch");
  ASSERT_TRUE(Then);
  ASSERT_EQ(Then->Graphs.size(), 1u);
  const Graph &T = (*I)[Then->Graphs[0]];
  const Graph &E = (*I)[If.attribute("else_branch")->Graphs[0]];
  EXPECT_EQ(T.Owner, I->main().Nodes[1]);
  const Node &ThenMul = (*I)[T.Nodes[0]], &ElseMul = (*I)[E.Nodes[0]];
  EXPECT_EQ(ThenMul.Inputs[0], find(*I, "a"));
  EXPECT_EQ(ThenMul.Inputs[1], T.Initializers[0]); // the inner w
  EXPECT_EQ(ElseMul.Inputs[1], I->main().Initializers[0]);
}

TEST(ImportGraph, OpsetsThatAreMissing) {
  auto Import = [](int IrVersion, StringRef Domain) {
    Message N = node("Foo", {}, {}).bytes(7, Domain);
    return importModel(
        Message().varint(1, IrVersion).message(7, Message().message(1, N)));
  };
  EXPECT_TRUE(Import(2, "")->Warnings.empty());
  EXPECT_TRUE(Import(8, "com.microsoft")->Warnings.empty());
  EXPECT_EQ(Import(8, "ai.onnx")->Warnings,
            (Names{"no opset_import for the domain 'ai.onnx' that nodes use; "
                   "version 1 is assumed"}));
  EXPECT_EQ(Import(8, "other")->Nodes[0].OpsetVersion, 1);
  EXPECT_EQ(Import(8, "ai.onnx")->Nodes[0].Domain, "");
  EXPECT_EQ(Import(99, "com.microsoft")->Warnings,
            (Names{"IR version 99 is newer than the newest known, 14"}));
}

TEST(ImportGraph, Metadata) {
  Message Entry = Message().bytes(1, "key").bytes(2, "text");
  Imported I = importModel(
      model(Message().message(1, node("Foo", {}, {}).message(9, Entry)))
          .message(14, Entry)
          .bytes(2, "pytorch")
          .bytes(3, "2.5"));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->Producer, "pytorch");
  EXPECT_EQ(I->ProducerVersion, "2.5");
  ASSERT_EQ(I->Props.size(), 1u);
  EXPECT_EQ(I->Props[0].Text, "text");
  ASSERT_EQ(I->Nodes[0].Props.size(), 1u);
  EXPECT_EQ(I->Nodes[0].Props[0].Key, "key");
}

TEST(ImportGraph, AttributesWithoutAType) {
  // Files of IR version 1 and 2.
  Imported I = importModel(model(Message().message(
      1, node("Foo", {}, {})
             .message(5, Message().bytes(1, "i").varint(3, 5))
             .message(5, Message().bytes(1, "v").packed(8, {1, -2})))));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->Nodes[0].attribute("i")->I, 5);
  EXPECT_EQ(I->Nodes[0].attribute("v")->Kind, AttrKind::Ints);
  EXPECT_EQ(I->Nodes[0].attribute("v")->Ints, llvm::ArrayRef<int64_t>({1, -2}));
}

//===----------------------------------------------------------------------===//
// Model-local functions
//===----------------------------------------------------------------------===//

TEST(ImportGraph, ADefaultIsWhatItsInputIsDeclaredToBe) {
  EXPECT_TRUE(importText(R"(
g (float[N,2] x) => (y) <float[3,2] x = {1,2,3,4,5,6}> { y = Relu (x) })")
                  .M);
  EXPECT_EQ(importText(R"(
g (float[N,3] x) => (y) <float[3,2] x = {1,2,3,4,5,6}> { y = Relu (x) })")
                .Error,
            "m.onnx: input 'x' is declared [N,3], but its initializer is "
            "[3,2]");
  EXPECT_EQ(importText(R"(
g (float[N] x) => (y) <float[3,2] x = {1,2,3,4,5,6}> { y = Relu (x) })")
                .Error,
            "m.onnx: input 'x' is declared [N], but its initializer is [3,2]");
}

TEST(ImportFunction, EachCallHasItsCopy) {
  Imported I = importText(R"(
g (float[N] x) => (float[N] y) {
  a = local.twice(x)
  y = local.twice(a)
}
<domain: "local", opset_import: ["" : 15]>
twice (i) => (o) { o = Add(i, i) })");
  ASSERT_TRUE(I.M) << I.Error;
  ASSERT_EQ(I->Graphs.size(), 3u);
  EXPECT_EQ(I->Nodes.size(), 4u);
  for (NodeId Site : I->main().Nodes) {
    const Node &N = (*I)[Site];
    ASSERT_TRUE(N.Callee);
    const Graph &Body = (*I)[N.Callee];
    EXPECT_EQ(Body.Owner, Site);
    EXPECT_EQ(Body.Inputs.size(), N.Inputs.size());
    EXPECT_EQ(Body.Outputs.size(), N.Outputs.size());
    const Node &Add = (*I)[Body.Nodes[0]];
    EXPECT_EQ(Add.OpsetVersion, 15); // the function's own import
    EXPECT_EQ(Add.Inputs[0], Body.Inputs[0]);
  }
  EXPECT_NE(I->Nodes[0].Callee, I->Nodes[1].Callee);
}

TEST(ImportFunction, AttributesComeFromTheCallOrTheDefaults) {
  Imported I = importText(R"(
g (float[N] x) => (y, z) {
  y = local.f <alpha = 2.0> (x)
  z = local.f (x)
}
<domain: "local", opset_import: ["" : 17]>
f <beta, alpha: float = 0.5> (i) => (o) {
  o = Foo <a: float = @alpha, b: int = @beta> (i)
})");
  ASSERT_TRUE(I.M) << I.Error;
  auto Inner = [&](unsigned Call) -> const Node & {
    return (*I)[(*I)[(*I)[I->main().Nodes[Call]].Callee].Nodes[0]];
  };
  EXPECT_EQ(Inner(0).attribute("a")->F, 2.0);
  EXPECT_EQ(Inner(1).attribute("a")->F, 0.5);
  EXPECT_EQ(Inner(0).attribute("b"), nullptr); // given by neither
}

TEST(ImportFunction, NestedCallsHandAttributesOn) {
  Imported I = importText(R"(
g (float[N] x) => (y) { y = local.outer <k = 3> (x) }
<domain: "local", opset_import: ["" : 17, "local" : 1]>
outer <k> (i) => (o) { o = local.inner <m: int = @k> (i) }
<domain: "local", opset_import: ["" : 17]>
inner <m> (i) => (o) {
  c = Constant <value_int: int = @m> ()
  o = Mul(i, c)
})");
  ASSERT_TRUE(I.M) << I.Error;
  const Value &C = (*I)[find(*I, "c")];
  ASSERT_TRUE(C.Const);
  EXPECT_EQ((*I)[C.Const].Ints, llvm::ArrayRef<int64_t>({3}));
}

TEST(ImportFunction, OperandsLeftOut) {
  Imported I = importText(R"(
g (float[N] x) => (y) { y, "" = local.f (x) }
<domain: "local", opset_import: ["" : 17]>
f (i, j) => (o, p) { o = Foo(i, j)  p = Bar(j) })");
  ASSERT_TRUE(I.M) << I.Error;
  const Node &Call = I->Nodes[0];
  ASSERT_EQ(Call.Inputs.size(), 2u);
  ASSERT_EQ(Call.Outputs.size(), 2u);
  EXPECT_FALSE(Call.Inputs[1]);
  EXPECT_FALSE(Call.Outputs[1]);
  EXPECT_FALSE(I->Nodes[1].Inputs[1]); // as if Foo's node had left it out
}

// ONNX Runtime: "output index 1 is out of range; node has 1 outputs".
TEST(ImportFunction, EachOutputHasItsPlace) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (y) { y = local.f (x) }
<domain: "local", opset_import: ["" : 17]>
f (i) => (o, p) { o = Foo(i)  p = Bar(i) })")
                .Error,
            "m.onnx: node 'f -> y': function 'f' has 1 inputs and 2 outputs, "
            "found a call with 1 and 1");
}

TEST(ImportFunction, BodiesDoNotSeeTheirCaller) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (y) { y = local.f (x) }
<domain: "local", opset_import: ["" : 17]>
f (i) => (o) { o = Add(i, x) })")
                .Error,
            "m.onnx: node 'f -> y': function 'f': node 'Add -> o': input 1, "
            "'x', is an output of no node, and no graph input or initializer");
}

TEST(ImportFunction, TooManyOperands) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (y) { y = local.f (x, x) }
<domain: "local", opset_import: ["" : 17]>
f (i) => (o) { o = Relu(i) })")
                .Error,
            "m.onnx: node 'f -> y': function 'f' has 1 inputs and 1 outputs, "
            "found a call with 2 and 1");
}

TEST(ImportFunction, Recursion) {
  EXPECT_EQ(importText(R"(
g (float[N] x) => (y) { y = local.f (x) }
<domain: "local", opset_import: ["local" : 1]>
f (i) => (o) { o = local.h(i) }
<domain: "local", opset_import: ["local" : 1]>
h (i) => (o) { o = local.f(i) })")
                .Error,
            "m.onnx: node 'f -> y': function 'f': node 'h -> o': function 'h': "
            "node 'f -> o': function 'f' calls itself");
}

TEST(ImportFunction, CopiesHaveALimit) {
  // 2^30 copies of one node, asked for in a kilobyte.
  std::string Text = "g (float[N] x) => (y) { y = local.f0 (x) }\n";
  for (int I = 0; I < 30; ++I) {
    std::string Next = "local.f" + std::to_string(I + 1);
    Text += "<domain: \"local\", opset_import: [\"local\" : 1]>\nf" +
            std::to_string(I) + " (i) => (o) { a = " + Next +
            "(i)  o = " + Next + "(a) }\n";
  }
  Text += "<domain: \"local\", opset_import: [\"\" : 17]>\n"
          "f30 (i) => (o) { o = Relu(i) }";
  EXPECT_NE(importText(Text).Error.find("calls of model-local functions expand "
                                        "to more than 1000000 nodes"),
            std::string::npos);
}

TEST(ImportFunction, GraphsAsArgumentsSeeTheirCaller) {
  // y = f<body = { q = Neg(x) }>(c): f's If has the body, whose x is the
  // main graph's.
  Message Body = Message()
                     .bytes(2, "body")
                     .message(1, node("Neg", {"x"}, {"q"}))
                     .message(12, valueInfo("q"));
  Message CallNode =
      node("f", {"c"}, {"y"})
          .bytes(7, "local")
          .message(5,
                   Message().bytes(1, "body").message(6, Body).varint(20, 5));
  Message If = node("If", {"i"}, {"o"})
                   .message(5, Message()
                                   .bytes(1, "then_branch")
                                   .bytes(21, "body")
                                   .varint(20, 5));
  Message F = Message()
                  .bytes(1, "f")
                  .bytes(10, "local")
                  .bytes(4, "i")
                  .bytes(5, "o")
                  .bytes(6, "body")
                  .message(7, If);
  Imported I = importModel(model(Message()
                                     .message(1, CallNode)
                                     .message(11, valueInfo("x"))
                                     .message(11, valueInfo("c"))
                                     .message(12, valueInfo("y")))
                               .message(25, F));
  ASSERT_TRUE(I.M) << I.Error;
  const Node &Inner = (*I)[(*I)[I->Nodes[0].Callee].Nodes[0]];
  const Attribute *Then = Inner.attribute("then_branch");
  ASSERT_TRUE(Then);
  ASSERT_EQ(Then->Graphs.size(), 1u);
  const Node &Neg = (*I)[(*I)[Then->Graphs[0]].Nodes[0]];
  EXPECT_EQ(Neg.Inputs[0], find(*I, "x"));
  EXPECT_TRUE(I->Nodes[0].attribute("body")->Graphs.empty());
}

} // namespace
