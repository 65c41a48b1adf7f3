//===- CausalityTest.cpp - masks proved, held against small sizes ---------===//

#include "xfa/Analysis/Analysis.h"
#include "xfa/Import/Import.h"

#include <gtest/gtest.h>

namespace xfa {

namespace {

/// softmax(Q Kᵀ + mask) V with `Mask`, lines of ONNX text that make
/// `scores` into `masked`; row and column positions are there as `rows` [N,1]
/// and `columns` [1,N].
CausalityVerdict judge(const std::string &Mask) {
  std::string Text = R"(<ir_version: 8, opset_import: ["" : 17]>
g (float[B,N,16] x, float[16,16] wq, float[16,16] wk, float[16,16] wv) => (float[B,N,16] y)
<int64 zero = {0}, int64 one = {1}, int64[1] axis0 = {0}, int64[1] axis1 = {1}, float low = {-1e9}, float soft = {-1e4}, float nought = {0}, float unit = {1}>
{
  q = MatMul(x, wq)
  k = MatMul(x, wk)
  v = MatMul(x, wv)
  kt = Transpose <perm = [0, 2, 1]> (k)
  scores = MatMul(q, kt)
  shape = Shape(x)
  n = Gather(shape, one)
  n1 = Unsqueeze(n, axis0)
  range = Range(zero, n, one)
  rows = Unsqueeze(range, axis1)
  columns = Unsqueeze(range, axis0)
)" + Mask + R"(
  p = Softmax <axis = -1> (masked)
  y = MatMul(p, v)
}
)";
  llvm::Expected<std::unique_ptr<Model>> M = importBytes(Text, "test.onnxtxt");
  if (!M) {
    ADD_FAILURE() << llvm::toString(M.takeError());
    return {};
  }
  auto A = analyseModel(**M, {});
  if (!A) {
    ADD_FAILURE() << llvm::toString(A.takeError());
    return {};
  }
  return (*A)->Causality;
}

void expectProved(const std::string &Mask) {
  CausalityVerdict V = judge(Mask);
  EXPECT_EQ(V.Causal, Verdict::Proved) << V.Why;
}

void expectLeak(const std::string &Mask, int64_t Row, int64_t Column) {
  CausalityVerdict V = judge(Mask);
  EXPECT_EQ(V.Causal, Verdict::Refuted) << V.Why;
  ASSERT_TRUE(V.Leak);
  EXPECT_EQ(V.Leak->first, Row);
  EXPECT_EQ(V.Leak->second, Column);
}

} // namespace

TEST(Causality, ComparedPositions) {
  expectProved("open = LessOrEqual(columns, rows)\n"
               "masked = Where(open, scores, low)\n");
  expectProved("hidden = Greater(columns, rows)\n"
               "masked = Where(hidden, low, scores)\n");
  expectProved("open = Not(hidden)\nhidden = Less(rows, columns)\n"
               "bias = Where(open, nought, low)\n"
               "masked = Add(scores, bias)\n");
}

TEST(Causality, NoMaskLeaksAtOnce) {
  expectLeak("masked = Identity(scores)\n", 0, 1);
}

TEST(Causality, OneTooMany) {
  expectLeak("later = Add(rows, one)\nopen = LessOrEqual(columns, later)\n"
             "masked = Where(open, scores, low)\n",
             0, 1);
}

TEST(Causality, RowsWithNothingOpenAreSpreadOverAll) {
  // Strictly before: row 0 has no column, so its softmax is uniform.
  expectLeak("open = Less(columns, rows)\n"
             "masked = Where(open, scores, low)\n",
             0, 1);
}

TEST(Causality, Windows) {
  expectProved("open = LessOrEqual(columns, rows)\n"
               "width = Constant <value = int64 {4}> ()\n"
               "oldest = Sub(rows, width)\n"
               "near = Greater(columns, oldest)\n"
               "both = And(open, near)\n"
               "masked = Where(both, scores, low)\n");
  // A window on both sides.
  expectLeak("width = Constant <value = int64 {4}> ()\n"
             "distance = Sub(columns, rows)\n"
             "far = Abs(distance)\nopen = Less(far, width)\n"
             "masked = Where(open, scores, low)\n",
             0, 1);
}

TEST(Causality, LastPositionThatLeaksIsFound) {
  // Chunks of 2: row 0 sees column 1.
  expectLeak("two = Constant <value = int64 {2}> ()\n"
             "a = Div(rows, two)\nb = Div(columns, two)\n"
             "open = LessOrEqual(b, a)\n"
             "masked = Where(open, scores, low)\n",
             0, 1);
}

TEST(Causality, Triangles) {
  expectProved("square = Concat <axis = 0> (n1, n1)\n"
               "ones = ConstantOfShape <value = float[1] {1}> (square)\n"
               "lower = Trilu <upper = 0> (ones)\n"
               "open = Cast <to = 9> (lower)\n"
               "masked = Where(open, scores, low)\n");
  expectProved("square = Concat <axis = 0> (n1, n1)\n"
               "fill = ConstantOfShape <value = float[1] {-1e9}> (square)\n"
               "bias = Trilu <upper = 1> (fill, one)\n"
               "masked = Add(scores, bias)\n");
}

TEST(Causality, FillByArithmeticIsAnAssumption) {
  std::string Mask = "open = LessOrEqual(columns, rows)\n"
                     "m = Cast <to = 1> (open)\n"
                     "kept = Mul(scores, m)\nhidden = Sub(unit, m)\n"
                     "fill = Mul(hidden, soft)\n"
                     "masked = Add(kept, fill)\n";
  expectProved(Mask);
  std::string Additive = "hidden = Greater(columns, rows)\n"
                         "m = Cast <to = 1> (hidden)\nfill = Mul(m, soft)\n"
                         "masked = Add(scores, fill)\n";
  CausalityVerdict V = judge(Additive);
  EXPECT_EQ(V.Causal, Verdict::Proved) << V.Why;
  ASSERT_EQ(V.Assumptions.size(), 1u);
  EXPECT_NE(V.Assumptions[0].find("scores stay above -9,000"),
            std::string::npos);
}

TEST(Causality, ConstantBuffersAreReadToTheLastElement) {
  auto Buffer = [](bool Damaged) {
    std::string Bits;
    for (int R = 0; R < 8; ++R)
      for (int C = 0; C < 8; ++C)
        Bits += std::string(Bits.empty() ? "" : ", ") +
                (C <= R || (Damaged && R == 3 && C == 5) ? "1" : "0");
    return "buffer = Constant <value = bool[8, 8] {" + Bits +
           "}> ()\n"
           "ends = Concat <axis = 0> (n1, n1)\n"
           "starts = Constant <value = int64[2] {0, 0}> ()\n"
           "open = Slice(buffer, starts, ends)\n"
           "masked = Where(open, scores, low)\n";
  };
  expectProved(Buffer(false));
  expectLeak(Buffer(true), 3, 5);
}

TEST(Causality, CountedPositions) {
  expectProved("ones = ConstantOfShape <value = int64[1] {1}> (n1)\n"
               "counted = CumSum(ones, zero)\n"
               "later = Unsqueeze(counted, axis0)\n"
               "own = Add(rows, one)\n"
               "open = LessOrEqual(later, own)\n"
               "masked = Where(open, scores, low)\n");
}

} // namespace xfa
