//===- FuseTest.cpp - when fusions fire, when not, and what they leave ----===//

#include "Transform/FuseTestSupport.h"

using namespace xfa;
using namespace xfa::test;

namespace {

TEST(Fuse, Scale) {
  Outcome R = run("fuse-scale", core(Plain));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Result.Fired, 1);
  EXPECT_EQ(R.Ops,
            (Names{"Transpose", "ScaledScores", "Add", "Softmax", "MatMul"}));
}

TEST(Fuse, ScaleWhereverItStands) {
  for (llvm::StringRef Body : {
           "h = Mul (q, c)\n s = MatMul (h, t)", // on Q
           "h = Div (t, e)\n s = MatMul (q, h)", // on K
           "x = MatMul (q, t)\n s = Div (x, e)", // on the scores
           "h = Mul (q, c)\n x = MatMul (h, t)\n s = Mul (x, c)", // split
       }) {
    Outcome R =
        run("fuse-scale", core((Body + "\n p = Softmax <axis = -1> (s)\n"
                                       "y = MatMul (p, v)")
                                   .str()));
    ASSERT_EQ(R.Error, "");
    EXPECT_EQ(R.Ops, (Names{"Transpose", "ScaledScores", "Softmax", "MatMul"}))
        << Body.str();
  }
}

TEST(Fuse, ScaleIsNotFused) {
  EXPECT_EQ(reason("fuse-scale", core(R"(s = MatMul (q, t)
              p = Softmax <axis = -1> (s)  y = MatMul (p, v))")),
            "nothing scales the scores by one number");
  // The mask stands on the wrong side of the scale.
  EXPECT_EQ(reason("fuse-scale", core(R"(s = MatMul (q, t)  m = Add (s, mask)
              r = Mul (m, c)  p = Softmax <axis = -1> (r)
              y = MatMul (p, v))")),
            "between the product and its scale stands another operation, or "
            "another reader");
}

TEST(Fuse, MaskSoftmax) {
  Outcome R = run("fuse-mask-softmax", core(Plain));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Transpose", "MatMul", "MaskSoftmax", "MatMul"}));
  EXPECT_EQ(reason("fuse-mask-softmax", core(R"(s = MatMul (q, t)
              p = Softmax <axis = -1> (s)  y = MatMul (p, v))")),
            "neither scale nor mask stands beside the softmax");
}

TEST(Fuse, Attention) {
  Outcome R = run("fuse-attention", core(Plain));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Transpose", "Attention"}));
}

TEST(Fuse, AttentionOfKernels) {
  Outcome R = run("fuse-scale,fuse-mask-softmax,fuse-attention", core(Plain));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Transpose", "Attention"}));
  R = run("fuse-attention,fuse-scale", core(Plain));
  ASSERT_EQ(R.Error, "");
  ASSERT_EQ(R.Result.Refused.size(), 1u);
  EXPECT_EQ(R.Result.Refused[0].Why, "the attention is one kernel already");
}

TEST(Fuse, WhatOthersNeedIsNotFused) {
  // An output of the graph.
  EXPECT_EQ(reason("fuse-attention",
                   core(Plain, "float16[B,4,N,8] y, float16[B,4,N,N] p")),
            "'p' inside it is an output of the graph");
  // Another reader.
  EXPECT_EQ(
      reason("fuse-attention", core((Plain + "\nz = Relu (m)").str(),
                                    "float16[B,4,N,8] y, float16[B,4,N,N] z")),
      "'m' inside it is used by 'Relu -> z' as well");
}

TEST(Fuse, ABodyIsLeftToUnfuse) {
  std::string Text = R"(g (float16[B,4,N,8] q, float16[B,4,8,N] t,
      float16[B,4,N,8] v) => (float16[B,4,N,8] y) { y = local.att (q, t, v) }
    <domain: "local", opset_import: ["" : 17]>
    att (q, t, v) => (y) {
      s = MatMul (q, t)  p = Softmax <axis = -1> (s)  y = MatMul (p, v) })";
  EXPECT_EQ(reason("fuse-attention", Text),
            "it stands in the body of a function, which would have to be "
            "inlined first (unfuse)");
  Outcome R = run("unfuse,fuse-attention", Text);
  EXPECT_EQ(R.Ops, Names{"Attention"});
}

TEST(Fuse, Elementwise) {
  Outcome R = run("elementwise", R"(g (float[N,4] x, float[4] b, float[N,4] z)
      => (float[N,4] y) <float e = {2.0}> {
    a = Add (x, b)
    c = Relu (a)
    d = Mul (z, e)
    w = Exp (b)
    f = Mul (c, d)
    y = Sub (f, w) })");
  ASSERT_EQ(R.Error, "");
  // w would be computed again for each row.
  EXPECT_EQ(R.Ops, (Names{"Exp", "Elementwise"}));
  EXPECT_EQ(R.Result.Fired, 1);
}

TEST(Fuse, ElementwiseEndsWhereOthersRead) {
  Outcome R = run("elementwise", R"(g (float[N] x) => (float[N] y, float[N] z) {
    a = Relu (x)  b = Neg (a)  y = Exp (b)  z = Abs (b) })");
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Elementwise", "Exp", "Abs"}));
}

/// FLOP and bytes at B = 2, N = 16, before and after.
struct Figures {
  __int128 Flops, Bytes;
};
Figures figures(const Model &M) {
  AnalysisOptions Options;
  auto A = analyseModel(M, Options);
  EXPECT_TRUE(static_cast<bool>(A)) << llvm::toString(A.takeError());
  auto At = (*A)->bind({{"B", 2}, {"N", 16}});
  EXPECT_TRUE(static_cast<bool>(At)) << llvm::toString(At.takeError());
  auto Value = [&](Expr E) -> __int128 {
    auto V = evaluate(E, *At);
    EXPECT_TRUE(static_cast<bool>(V));
    return V ? *V : -1;
  };
  return {Value((*A)->alias((*A)->Graph.Total.flops())),
          Value((*A)->alias((*A)->Graph.Total.bytes()))};
}

TEST(Fuse, BytesOfTheBoundary) { // C17
  Imported I = importText(core(Plain));
  const Figures Before = figures(*I.M);
  auto Passes = parsePasses("fuse-attention");
  ASSERT_TRUE(static_cast<bool>(Passes));
  ASSERT_TRUE(static_cast<bool>(runPasses(*I.M, *Passes)));
  const Figures After = figures(*I.M);
  EXPECT_EQ(Before.Flops, After.Flops);
  const int B = 2, H = 4, N = 16, D = 32, Size = 2;
  // Between the five nodes the scores are written four times and read four
  // times.
  EXPECT_EQ(Before.Bytes - After.Bytes, 8 * H * B * N * N * Size);
  // Q, K, V and the result, and the mask.
  EXPECT_EQ(After.Bytes, (4 * B * N * D + B * N * N) * Size);
}

} // namespace
