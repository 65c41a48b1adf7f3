//===- EditorTest.cpp - changing a model ----------------------------------===//

#include "Import/ImportTestSupport.h"

#include "xfa/IR/Editor.h"
#include "xfa/IR/Verifier.h"

#include "llvm/ADT/StringExtras.h"

using namespace xfa;
using namespace xfa::test;

namespace {

const GraphId Main(0);

/// Ends an edit: the model must be sound, and its ids dense.
void finish(Editor &Edit) {
  ASSERT_EQ(llvm::toString(Edit.finish()), "");
  compact(Edit.model());
  ASSERT_EQ(llvm::toString(verify(Edit.model())), "");
}

/// The graph in a line: "t=Relu(x) y=Add(t,x)".
std::string text(const Model &M, const Graph &G) {
  std::string Text;
  for (NodeId Id : G.Nodes) {
    const Node &N = M[Id];
    Text += Text.empty() ? "" : " ";
    llvm::ListSeparator Out(",");
    for (ValueId V : N.Outputs)
      Text += llvm::StringRef(Out).str() + (V ? M[V].Name.str() : "");
    Text += "=" + N.Op.str() + "(";
    llvm::ListSeparator In(",");
    for (ValueId V : N.Inputs)
      Text += llvm::StringRef(In).str() + (V ? M[V].Name.str() : "");
    Text += ")";
  }
  return Text;
}
std::string text(const Model &M) { return text(M, M.main()); }

TEST(Editor, ANewNodeStandsAboveTheFirstThatNeedsIt) {
  Imported I = importText(R"(g (float[N] x) => (float[N] y)
    { a = Relu (x)  b = Relu (a)  c = Relu (b)  y = Add (c, x) })");
  Editor Edit(*I.M);
  ValueId Neg = Edit.make(Main, "Neg", {find(*I.M, "a")}, {}, "n");
  Edit.setInput(I->main().Nodes[2], 0, Neg);
  finish(Edit);
  // b lost its use.
  EXPECT_EQ(text(*I.M), "a=Relu(x) n=Neg(a) c=Relu(n) y=Add(c,x)");
}

TEST(Editor, NamesAreFresh) {
  Imported I = importText("g (float[N] x) => (float[N] y) { y = Relu (x) }");
  Editor Edit(*I.M);
  EXPECT_EQ(Edit.freshName("z"), "z");
  EXPECT_EQ(Edit.freshName("x"), "x_1");
  EXPECT_EQ(Edit.freshName("x"), "x_2");
  EXPECT_EQ(Edit.freshName("x_1"), "x_1_1");
}

TEST(Editor, OutputsOfTheModelKeepTheirNames) {
  Imported I = importText(
      "g (float[N] x) => (float[N] y) { t = Neg (x)  y = Relu (t) }");
  Editor Edit(*I.M);
  ValueId Y = find(*I.M, "y");
  ValueId Abs = Edit.make(Main, "Abs", {Y}, {}, "a");
  TypeId Declared = (*I)[Y].Declared;
  Edit.replaceAllUses(Y, Abs, (*I)[Abs].Producer);
  finish(Edit);
  EXPECT_EQ(text(*I.M), "t=Neg(x) y_1=Relu(t) y=Abs(y_1)");
  EXPECT_EQ((*I)[I->main().Outputs[0]].Declared, Declared);
}

TEST(Editor, AnInputInTheOutputsPlaceIsHandedOn) {
  Imported I = importText("g (float[N] x) => (float[N] y, float[N] z) { y = "
                          "Relu (x)  z = Abs (x) }");
  Editor Edit(*I.M);
  Edit.replaceAllUses(find(*I.M, "y"), find(*I.M, "x"));
  // z has a name that somebody knows.
  Edit.addOutput(Main, find(*I.M, "z"), "again");
  finish(Edit);
  EXPECT_EQ(text(*I.M), "z=Abs(x) y=Identity(x) again=Identity(z)");
}

TEST(Editor, EqualConstantsAreMadeOnceAndGoUnused) {
  Imported I = importText("g (float[N] x) => (float[N] y) { y = Relu (x) }");
  Editor Edit(*I.M);
  ValueId One = Edit.intVector({1});
  EXPECT_EQ(Edit.intVector({1}), One);
  EXPECT_NE(Edit.intVector({2}), One);
  EXPECT_NE(Edit.intScalar(1), One);
  ValueId Y = find(*I.M, "y");
  ValueId U = Edit.make(Main, "Unsqueeze", {Y, One}, {}, "u");
  Edit.addOutput(Main, U, "z");
  finish(Edit);
  ASSERT_EQ(I->main().Initializers.size(), 1u);
  EXPECT_EQ((*I)[(*I)[I->main().Initializers[0]].Const].Ints[0], 1);
}

TEST(Editor, InputsComeAndGo) {
  Imported I = importText(R"(g (float[N] x, float[N] old) => (float[N] y)
    { y = Add (x, old) })");
  Editor Edit(*I.M);
  DeclaredDim Dims[] = {Edit.dim("P"), Edit.dim(64)};
  ValueId Past =
      Edit.addInput(Main, "past", Edit.type(ElemType::Float16, Dims));
  Edit.setInput(I->main().Nodes[0], 1, Past);
  Edit.removeInput(Main, find(*I.M, "old"));
  finish(Edit);
  EXPECT_EQ(text(*I.M), "y=Add(x,past)");
  ASSERT_EQ(I->main().Inputs.size(), 2u);
  const DeclaredType &T = (*I)[(*I)[I->main().Inputs[1]].Declared];
  EXPECT_EQ(T.Dims[0].Symbol, "P");
  EXPECT_EQ(T.Dims[1].Value, 64);
}

TEST(Editor, WhatOnlyADeadBranchUsedIsDead) {
  Imported I = importText(R"(g (bool c, float[N] x) => (float[N] y) {
      t = Neg (x)
      b = If (c) <then_branch = th () => (float[N] p) { p = Relu (t) },
                  else_branch = el () => (float[N] q) { q = Abs (t) }>
      y = Add (b, x) })");
  Editor Edit(*I.M);
  Edit.setInput(I->main().Nodes[2], 0, find(*I.M, "x"));
  finish(Edit);
  EXPECT_EQ(text(*I.M), "y=Add(x,x)");
  EXPECT_EQ(I->Graphs.size(), 1u);
  EXPECT_EQ(I->Nodes.size(), 1u);
}

TEST(Editor, ABranchKeepsAliveWhatItUses) {
  Imported I = importText(R"(g (bool c, float[N] x) => (float[N] y) {
      t = Neg (x)
      y = If (c) <then_branch = th () => (float[N] p) { p = Relu (t) },
                  else_branch = el () => (float[N] q) { q = Abs (t) }> })");
  Editor Edit(*I.M);
  ValueId T = find(*I.M, "t");
  EXPECT_EQ(Edit.uses(T).size(), 2u);
  ValueId S = Edit.make(Main, "Sin", {find(*I.M, "x")}, {}, "s");
  Edit.replaceAllUses(T, S);
  finish(Edit);
  EXPECT_EQ(text(*I.M), "s=Sin(x) y=If(c)");
}

TEST(Editor, ACycleIsAnError) {
  Imported I = importText(
      "g (float[N] x) => (float[N] y) { a = Neg (x)  y = Relu (a) }");
  Editor Edit(*I.M);
  Edit.setInput(I->main().Nodes[0], 0, find(*I.M, "y"));
  EXPECT_EQ(llvm::toString(Edit.finish()),
            "node 'Neg -> a' needs its own output");
}

TEST(Editor, OperatorSetsAreImported) {
  Imported I = importText("g (float[N] x) => (float[N] y) { y = Relu (x) }");
  Editor Edit(*I.M);
  EXPECT_EQ(Edit.opsetVersion(""), 17);
  NodeSpec Spec;
  Spec.Op = "Gelu";
  Spec.Domain = "com.microsoft";
  ValueId X = find(*I.M, "x");
  Spec.Inputs = X;
  Edit.addOutput(Main, (*I)[Edit.makeNode(Main, Spec)].Outputs[0], "z");
  finish(Edit);
  EXPECT_EQ(I->Opsets.back().Domain, "com.microsoft");
  EXPECT_EQ(I->Opsets.back().Version, 1);
}

TEST(Verifier, SaysWhatDoesNotHold) {
  struct Case {
    llvm::StringRef Expected;
    void (*Break)(Model &);
  };
  const Case Cases[] = {
      {"invalid graph: node 'Relu -> y': input 0, 'a', is not defined above it",
       [](Model &M) { std::swap(M.Graphs[0].Nodes[0], M.Graphs[0].Nodes[1]); }},
      {"invalid graph: node 'Neg -> a' stands in two places",
       [](Model &M) { M.Graphs[0].Nodes[1] = M.Graphs[0].Nodes[0]; }},
      {"invalid graph: an input of graph 'g' has the name of another value, "
       "'w'",
       [](Model &M) { M[M.main().Inputs[0]].Name = "w"; }},
      {"invalid graph: an output of graph 'g' is defined nowhere",
       [](Model &M) { M.Graphs[0].Nodes.pop_back(); }},
      {"invalid graph: the initializer 'w' has no contents",
       [](Model &M) { M[M.main().Initializers[0]].Const = ConstantId(); }},
      {"invalid graph: node 'Neg -> a' does not know the graph that it stands "
       "in",
       [](Model &M) { M.Nodes[0].Parent = GraphId(1); }},
  };
  for (const Case &C : Cases) {
    Imported I = importText(R"(g (float[N] x) => (float[N] y)
      <float w = {1.0}> { a = Neg (x)  y = Relu (a) })");
    ASSERT_EQ(llvm::toString(verify(*I.M)), "");
    C.Break(*I.M);
    EXPECT_EQ(llvm::toString(verify(*I.M)), C.Expected);
  }
}

} // namespace
