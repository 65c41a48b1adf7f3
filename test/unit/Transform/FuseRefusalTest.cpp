//===- FuseRefusalTest.cpp - what fusions leave alone, and why ------------===//

#include "Transform/FuseTestSupport.h"

using namespace xfa;
using namespace xfa::test;

namespace {

constexpr llvm::StringLiteral TwoOutputs =
    "float16[B,4,N,8] y, float16[B,4,N,N] z";

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

TEST(FuseRefusal, SharedScores) {
  // Whoever reads the unscaled, the masked scores or the probabilities needs
  // them in memory.
  const std::string Scores = core((Plain + "\nz = Relu (s)").str(), TwoOutputs);
  EXPECT_EQ(reason("fuse-scale", Scores),
            "between the product and its scale stands another operation, or "
            "another reader");
  EXPECT_EQ(reason("fuse-attention", Scores),
            "'s' inside it is used by 'Relu -> z' as well");
  EXPECT_EQ(run("fuse-mask-softmax", Scores).Result.Fired, 1)
      << "scores stand before it";
  const std::string Masked = core((Plain + "\nz = Relu (m)").str(), TwoOutputs);
  EXPECT_EQ(reason("fuse-mask-softmax", Masked),
            "'m' inside it is used by 'Relu -> z' as well");
}

TEST(FuseRefusal, GraphOutputs) {
  EXPECT_EQ(reason("fuse-scale",
                   core(Plain, "float16[B,4,N,8] y, float16[B,4,N,N] s")),
            "between the product and its scale stands another operation, or "
            "another reader");
  EXPECT_EQ(reason("fuse-mask-softmax",
                   core(Plain, "float16[B,4,N,8] y, float16[B,4,N,N] m")),
            "'m' inside it is an output of the graph");
}

TEST(FuseRefusal, SoftmaxOverTheFirstOfTwoAxes) {
  // K·Qᵀ, whose rows are the keys: attention, but not as a kernel has it.
  const std::string Text = core(R"(
    a = Transpose <perm = [0, 1, 3, 2]> (t)
    b = Transpose <perm = [0, 1, 3, 2]> (q)
    s = MatMul (a, b)  r = Mul (s, c)  p = Softmax <axis = -2> (r)
    w = Transpose <perm = [0, 1, 3, 2]> (v)  o = MatMul (w, p)
    y = Transpose <perm = [0, 1, 3, 2]> (o))");
  EXPECT_EQ(reason("fuse-attention", Text),
            "its softmax is not over the last axis, along which the scores of "
            "a row stand");
}

TEST(FuseRefusal, SoftmaxOverQueriesIsNoAttention) {
  for (llvm::StringRef Body :
       {"s = MatMul (q, t)  r = Mul (s, c)  m = Add (r, mask) "
        "p = Softmax <axis = -2> (m)  y = MatMul (p, v)",
        // Over the last axis, but the product sums over the other.
        "s = MatMul (q, t)  r = Mul (s, c)  u = Softmax <axis = -1> (r) "
        "p = Transpose <perm = [0, 1, 3, 2]> (u)  y = MatMul (p, v)"})
    for (llvm::StringRef Pass : {"fuse-mask-softmax", "fuse-attention"})
      EXPECT_EQ(run(Pass, core(Body.str())).Result.Fired, 0);
}

TEST(FuseRefusal, ColumnsAreFollowed) {
  // vᵀ · pᵀ is (p · v)ᵀ.
  Outcome R = run("fuse-attention", core(R"(
    s = MatMul (q, t)  r = Mul (s, c)
    p = Softmax <axis = -1> (r)
    a = Transpose <perm = [0, 1, 3, 2]> (p)
    b = Transpose <perm = [0, 1, 3, 2]> (v)
    y = MatMul (b, a))",
                                         "float16[B,4,8,N] y"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Result.Fired, 1);
}

TEST(FuseRefusal, TypeChanges) {
  // Softmax in a wider type is what kernels do.
  EXPECT_EQ(run("fuse-attention", core(R"(
    s = MatMul (q, t)  w = Cast <to = 1> (s)
    u = Softmax <axis = -1> (w)  p = Cast <to = 10> (u)
    y = MatMul (p, v))"))
                .Result.Fired,
            1);
  // Types change before the scale: the product's own epilogue works in its.
  EXPECT_EQ(reason("fuse-scale", core(R"(
    s = MatMul (q, t)  w = Cast <to = 1> (s)  f = CastLike (c, w)
    r = Mul (w, f)  n = Cast <to = 10> (r)
    p = Softmax <axis = -1> (n)  y = MatMul (p, v))")),
            "between the product and its scale stands another operation, or "
            "another reader");
  // Scores that are narrowed are not what a kernel would hold.
  EXPECT_EQ(reason("fuse-attention", core(R"(
    s = MatMul (q, t)  w = Cast <to = 1> (s)  n = Cast <to = 10> (w)
    p = Softmax <axis = -1> (n)  y = MatMul (p, v))")),
            "'Cast -> n' turns fp32 into fp16 before the softmax");
}

TEST(FuseRefusal, TwoScales) {
  // Of one head each, by no one number.
  EXPECT_EQ(reason("fuse-scale",
                   R"(g (float[B,2,N,8] q, float[B,2,8,N] t, float[B,2,N,8] v)
      => (float[B,2,N,8] y) <float[1,2,1,1] c = {0.5, 0.25}> {
      s = MatMul (q, t)  r = Mul (s, c)
      p = Softmax <axis = -1> (r)  y = MatMul (p, v) })"),
            "nothing scales the scores by one number");
  // The second stands behind the mask.
  Outcome R = run("fuse-scale", core(R"(
    s = MatMul (q, t)  r = Mul (s, c)  m = Add (r, mask)  w = Div (m, e)
    p = Softmax <axis = -1> (w)  y = MatMul (p, v))"));
  EXPECT_EQ(R.Ops, (Names{"Transpose", "ScaledScores", "Add", "Div", "Softmax",
                          "MatMul"}));
}

TEST(FuseRefusal, WhatLooksAtAllRows) {
  // The largest of all scores is known only when all are.
  EXPECT_EQ(reason("fuse-attention", core(R"(
    s = MatMul (q, t)  x = ReduceMax <keepdims = 1> (s)  d = Sub (s, x)
    p = Softmax <axis = -1> (d)  y = MatMul (p, v))")),
            "'ReduceMax -> x' between its products does not work row by row");
  // That of a row is.
  EXPECT_EQ(run("fuse-attention", core(R"(
    s = MatMul (q, t)  x = ReduceMax <keepdims = 1, axes = [-1]> (s)
    d = Sub (s, x)  p = Softmax <axis = -1> (d)  y = MatMul (p, v))"))
                .Result.Fired,
            1);
}

//===----------------------------------------------------------------------===//
// fuse-epilogue
//===----------------------------------------------------------------------===//

/// A product x·w, with a bias and a residual.
std::string linear(llvm::StringRef Body,
                   llvm::StringRef Outputs = "float[B,N,4] y") {
  return ("g (float[B,N,8] x, float[B,N,4] r, float[8,4] w, float[4] b) => (" +
          Outputs + ") {\n" + Body + "\n}")
      .str();
}

TEST(FuseEpilogue, BiasActivationResidual) {
  Outcome R = run("fuse-epilogue", linear(R"(
    p = MatMul (x, w)  a = Add (p, b)
    s = Sigmoid (a)  g = Mul (a, s)  y = Add (g, r))"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, Names{"Product"});
}

TEST(FuseEpilogue, GoesAsFarAsOneValueLeavesIt) {
  // Of the sum two things are computed: it is the result.
  Outcome R = run("fuse-epilogue", linear(R"(
    p = MatMul (x, w)  a = Add (p, b)  z = Exp (a)  y = Neg (a))",
                                          "float[B,N,4] y, float[B,N,4] z"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Product", "Exp", "Neg"}));
}

TEST(FuseEpilogue, StopsAtGraphOutputs) {
  EXPECT_EQ(reason("fuse-epilogue", linear("p = MatMul (x, w)  y = Add (p, b)",
                                           "float[B,N,4] y, float[B,N,4] p")),
            "no elementwise operation follows that could be computed on its "
            "result alone");
}

TEST(FuseEpilogue, NotBroadcastUp) {
  // Each element of the product would be computed for each of ten rows.
  EXPECT_EQ(reason("fuse-epilogue",
                   R"(g (float[1,8] x, float[10,4] r, float[8,4] w)
      => (float[10,4] y) { p = MatMul (x, w)  y = Add (p, r) })"),
            "no elementwise operation follows that could be computed on its "
            "result alone");
}

TEST(FuseEpilogue, NotReductions) {
  EXPECT_EQ(reason("fuse-epilogue", linear(R"(p = MatMul (x, w)
    y = Softmax <axis = -1> (p))")),
            "no elementwise operation follows that could be computed on its "
            "result alone");
}

TEST(FuseEpilogue, ShapesOfInnerValuesAreNoReaders) {
  Outcome R = run("fuse-epilogue",
                  R"(g (float[B,N,8] x, float[8,4] w, float[4] b)
      => (float[B,N,2,2] y) <int64[2] two = {2, 2}, int64[1] from = {0},
                             int64[1] to = {2}> {
      p = MatMul (x, w)  a = Add (p, b)
      s = Shape (p)  n = Slice (s, from, to)
      d = Concat <axis = 0> (n, two)
      y = Reshape (a, d) })");
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Product", "Slice", "Concat", "Reshape"}));
}

//===----------------------------------------------------------------------===//
// fuse-norm
//===----------------------------------------------------------------------===//

std::string norm(llvm::StringRef Body,
                 llvm::StringRef Outputs = "float[B,N,8] y") {
  return ("g (float[B,N,8] x, float[B,N,8] r, float[8] w) => (" + Outputs +
          ") {\n" + Body + "\n}")
      .str();
}

TEST(FuseNorm, TakesTheResidual) {
  // The sum is written for the next one.
  Outcome R = run("fuse-norm", norm(R"(a = Add (x, r)
    y = LayerNormalization (a, w)  z = Neg (a))",
                                    "float[B,N,8] y, float[B,N,8] z"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Norm", "Neg"}));
}

TEST(FuseNorm, LeavesBroadcasts) {
  EXPECT_EQ(reason("fuse-norm", norm("a = Add (x, w)\n"
                                     "y = LayerNormalization (a, w)")),
            "the norm is one operator already, and no residual is added before "
            "it");
}

TEST(FuseNorm, NamesTheViewOfTheResidual) {
  EXPECT_EQ(reason("fuse-norm", norm(R"(a = Add (x, r)
    rows = Constant <value_ints = [-1, 8]> ()  v = Reshape (a, rows)
    y = LayerNormalization (v, w))",
                                     "float[M,8] y, float[B,N,8] a")),
            "the norm is one operator already, and the residual's sum before "
            "it is regrouped by 'Reshape -> v'");
}

TEST(FuseNorm, OneSumForOneNorm) {
  Outcome R = run("fuse-norm", norm(R"(a = Add (x, r)
    y = LayerNormalization (a, w)  z = LayerNormalization (a, w))",
                                    "float[B,N,8] y, float[B,N,8] z"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops, (Names{"Norm", "LayerNormalization"}));
}

//===----------------------------------------------------------------------===//
// pack-qkv, split-qkv
//===----------------------------------------------------------------------===//

/// A core of one head; Products computes Q, K and V.
std::string projected(llvm::StringRef Products) {
  return ("g (float[B,N,8] x, float[B,N,8] z, float[8,8] wq, float[8,8] wk,\n"
          "   float[8,8] wv) => (float[B,N,8] y)\n"
          "<int64[2] matrix = {8, 24}, int64[1] vector = {24},\n"
          " int64[3] sizes = {8, 8, 8}> {\n" +
          Products + R"(
    t = Transpose <perm = [0, 2, 1]> (k)
    s = MatMul (q, t)  p = Softmax <axis = -1> (s)  y = MatMul (p, v)
  })")
      .str();
}

constexpr llvm::StringLiteral Separate =
    "q = MatMul (x, wq)  k = MatMul (x, wk)  v = MatMul (x, wv)";
constexpr llvm::StringLiteral Packed =
    "w = ConstantOfShape (matrix)  b = ConstantOfShape (vector)\n"
    "a = MatMul (x, w)  c = Add (a, b)\n"
    "q, k, v = Split <axis = -1> (c, sizes)";

TEST(PackQkv, OneReadOfX) {
  Outcome R = run("pack-qkv", projected(Separate));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Ops,
            (Names{"PackedQkv", "Transpose", "MatMul", "Softmax", "MatMul"}));
}

TEST(PackQkv, CrossAttention) {
  // Keys and values read another stream than the queries.
  Outcome R = run("pack-qkv", projected("q = MatMul (x, wq)  "
                                        "k = MatMul (z, wk)  "
                                        "v = MatMul (z, wv)"));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Result.Fired, 1);
  EXPECT_EQ(R.Ops.size(), 6u);
}

TEST(PackQkv, NothingIsShared) {
  EXPECT_EQ(reason("pack-qkv", projected("q = MatMul (x, wq)  "
                                         "k = MatMul (z, wk)  "
                                         "v = Relu (z)")),
            "no two of Q, K and V are products of the same values with a "
            "weight each");
}

TEST(PackQkv, PackedAlready) {
  EXPECT_EQ(reason("pack-qkv", projected(Packed)),
            "Q, K and V are one product already");
}

TEST(SplitQkv, IsTheInverse) {
  Outcome R = run("pack-qkv,split-qkv", projected(Separate));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(R.Result.Fired, 1);
  EXPECT_EQ(R.Ops, (Names{"MatMul", "MatMul", "MatMul", "Transpose", "MatMul",
                          "Softmax", "MatMul"}));
}

TEST(SplitQkv, PackedByTheExporter) {
  Outcome R = run("split-qkv", projected(Packed));
  ASSERT_EQ(R.Error, "");
  EXPECT_EQ(llvm::count(R.Ops, "MatMul"), 5);
  EXPECT_EQ(llvm::count(R.Ops, "Add"), 3);
  EXPECT_EQ(llvm::count(R.Ops, "Split"), 2) << "of the weight, of the bias";
}

/// Three for each of two heads, [B,N,2,3,4], picked by Pick.
static std::string interleaved(llvm::StringRef Pick) {
  return (R"(g (float[B,N,8] x) => (float[B,N,2,4] y)
      <int64[2] matrix = {8, 24}, int64[5] apart = {0, 0, 2, 3, 4},
       int64[1] axis = {3}, int64[3] ones = {1, 1, 1}> {
      w = ConstantOfShape (matrix)
      a = MatMul (x, w)  h = Reshape (a, apart)  )" +
          Pick + R"(  q2 = Squeeze (q1, axis)  k2 = Squeeze (k1, axis)
      v2 = Squeeze (v1, axis)
      q = Transpose <perm = [0, 2, 1, 3]> (q2)
      t = Transpose <perm = [0, 2, 3, 1]> (k2)
      v = Transpose <perm = [0, 2, 1, 3]> (v2)
      s = MatMul (q, t)  p = Softmax <axis = -1> (s)  o = MatMul (p, v)
      y = Transpose <perm = [0, 2, 1, 3]> (o) })")
      .str();
}

TEST(SplitQkv, HeadsThatInterleaveAreSplit) {
  Outcome R = run("split-qkv", interleaved("q1, k1, v1 = Split <axis = 3> (h, "
                                           "ones)"));
  EXPECT_EQ(R.Result.Fired, 1);
  EXPECT_EQ(llvm::count(R.Ops, "MatMul"), 3 + 2);
}

TEST(SplitQkv, WhatIsComputedOnAllHeadsKeepsTheProduct) {
  EXPECT_EQ(reason("split-qkv",
                   interleaved("n = Neg (h)  q1, k1, v1 = Split <axis = 3> (n, "
                               "ones)")),
            "'Neg -> n' (Neg) picks no part of its width along one axis");
}

TEST(SplitQkv, AnotherReaderKeepsTheProduct) {
  EXPECT_EQ(reason("split-qkv", projected(R"(w = ConstantOfShape (matrix)
              a = MatMul (x, w)  n = Neg (a)
              u, k, v = Split <axis = -1> (a, sizes)
              e, f, h = Split <axis = -1> (n, sizes)
              q = Add (u, e))")),
            "'a' has more than one reader");
}

} // namespace
