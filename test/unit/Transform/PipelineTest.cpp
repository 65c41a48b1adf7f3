//===- PipelineTest.cpp - passes in a row ---------------------------------===//

#include "Import/ImportTestSupport.h"

#include "xfa/Transform/Pipeline.h"

using namespace xfa;
using namespace xfa::test;

namespace {

constexpr char Chain[] = R"(g (float[N] x) => (float[N] y)
  { a = Neg (x)  dead = Abs (a)  deader = Relu (dead)  y = Relu (a) })";

std::string parseError(llvm::StringRef Text) {
  llvm::Expected<std::vector<PassInfo>> P = parsePasses(Text);
  return P ? "" : llvm::toString(P.takeError());
}

TEST(Pipeline, NamesAreParsed) {
  llvm::Expected<std::vector<PassInfo>> P = parsePasses("dce, unfuse,dce");
  ASSERT_TRUE(static_cast<bool>(P));
  ASSERT_EQ(P->size(), 3u);
  EXPECT_EQ((*P)[1].Name, "unfuse");
  EXPECT_EQ(parseError("dec"), "unknown pass 'dec'; did you mean 'dce'?");
  EXPECT_EQ(parseError("dce,frobnicate"),
            "unknown pass 'frobnicate' (xf-opt --list-passes shows them)");
  EXPECT_EQ(parseError("dce,"), "expected the name of a pass, found nothing "
                                "(xf-opt --list-passes shows them)");
}

TEST(Pipeline, DeadNodesGo) {
  Imported I = importText(Chain);
  llvm::Expected<std::vector<PassInfo>> P = parsePasses("dce");
  ASSERT_TRUE(static_cast<bool>(P));
  PipelineOptions Options;
  Options.VerifyEach = true;
  unsigned Calls = 0;
  Options.AfterEach = [&](const PassRun &Run, const Model &M) {
    ++Calls;
    EXPECT_EQ(Run.Fired, 2);
    EXPECT_EQ(M.Nodes.size(), 2u); // no holes
  };
  auto Runs = runPasses(*I.M, *P, Options);
  ASSERT_TRUE(static_cast<bool>(Runs)) << llvm::toString(Runs.takeError());
  EXPECT_EQ(Calls, 1u);
  EXPECT_EQ(ops(*I.M, I->main()), (std::vector<std::string>{"Neg", "Relu"}));
}

TEST(Pipeline, APassOfOnesOwn) {
  // Neg(x) → x, wrong as it is; what matters is who is asked and told.
  PassInfo Own{"drop-neg",
               [](PassContext &Context) -> llvm::Error {
                 llvm::Expected<const ShapeFacts *> Facts = Context.facts();
                 if (!Facts)
                   return Facts.takeError();
                 Model &M = Context.model();
                 for (NodeId N : std::vector<NodeId>(M.main().Nodes)) {
                   if (M[N].Op != "Neg")
                     continue;
                   if ((**Facts)[M[N].Inputs[0]].rank() != 1) {
                     Context.refuse(M.label(N), "its operand is no vector");
                     continue;
                   }
                   Context.editor().replaceAllUses(M[N].Outputs[0],
                                                   M[N].Inputs[0]);
                   Context.fired();
                 }
                 return llvm::Error::success();
               },
               "drops Neg"};
  Imported I = importText(R"(g (float[N] x, float[N,N] z)
    => (float[N] y, float[N,N] w) { t = Neg (x)  y = Relu (t)  w = Neg (z) })");
  auto Runs = runPasses(*I.M, Own);
  ASSERT_TRUE(static_cast<bool>(Runs)) << llvm::toString(Runs.takeError());
  ASSERT_EQ(Runs->size(), 1u);
  EXPECT_EQ((*Runs)[0].Fired, 1);
  ASSERT_EQ((*Runs)[0].Refused.size(), 1u);
  EXPECT_EQ((*Runs)[0].Refused[0].Where, "Neg -> w");
  EXPECT_EQ(ops(*I.M, I->main()), (std::vector<std::string>{"Relu", "Neg"}));
}

TEST(Pipeline, VerificationNamesThePass) {
  PassInfo Bad{"bad",
               [](PassContext &Context) -> llvm::Error {
                 Model &M = Context.model();
                 std::swap(M.Graphs[0].Nodes.front(), M.Graphs[0].Nodes.back());
                 return llvm::Error::success();
               },
               "breaks the order"};
  Imported I = importText(Chain);
  PipelineOptions Options;
  Options.VerifyEach = true;
  auto Runs = runPasses(*I.M, Bad, Options);
  ASSERT_FALSE(static_cast<bool>(Runs));
  EXPECT_EQ(llvm::toString(Runs.takeError()),
            "m.onnx: pass 'bad': invalid graph: node 'Relu -> y': input 0, "
            "'a', is not "
            "defined above it");
}

} // namespace
