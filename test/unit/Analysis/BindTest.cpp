//===- BindTest.cpp - points in aliases and in the graph's own names ------===//

#include "xfa/Analysis/Analysis.h"
#include "xfa/Import/Import.h"

#include "gtest/gtest.h"

using namespace xfa;

namespace {

using Point = std::vector<std::pair<std::string, int64_t>>;

/// One attention with a cache of P positions and S new ones.
constexpr llvm::StringLiteral Cached = R"(
<ir_version: 8, opset_import: ["" : 17]>
g (float[batch,new,64] x, float[batch,2,past,32] pk, float[batch,2,past,32] pv)
  => (float[batch,2,total,32] k2, float[batch,2,total,32] v2, float[batch,new,64] y)
<float[64,64] wq = ["location": "w"], float[64,64] wk = ["location": "w"],
 float[64,64] wv = ["location": "w"], float[64,64] wo = ["location": "w"],
 int64[4] heads = {0, 0, 2, 32}, int64[3] flat = {0, 0, 64}, float scale = {0.1767767}>
{
  q0 = MatMul(x, wq)
  q1 = Reshape(q0, heads)
  q = Transpose<perm = [0, 2, 1, 3]>(q1)
  k0 = MatMul(x, wk)
  k1 = Reshape(k0, heads)
  k = Transpose<perm = [0, 2, 1, 3]>(k1)
  v0 = MatMul(x, wv)
  v1 = Reshape(v0, heads)
  v = Transpose<perm = [0, 2, 1, 3]>(v1)
  k2 = Concat<axis = 2>(pk, k)
  v2 = Concat<axis = 2>(pv, v)
  kt = Transpose<perm = [0, 1, 3, 2]>(k2)
  s = MatMul(q, kt)
  c = Mul(s, scale)
  p = Softmax<axis = -1>(c)
  a = MatMul(p, v2)
  a1 = Transpose<perm = [0, 2, 1, 3]>(a)
  a2 = Reshape(a1, flat)
  y = MatMul(a2, wo)
}
)";

class BindTest : public testing::Test {
protected:
  void SetUp() override {
    M = llvm::cantFail(importBytes(Cached, "cached.onnxtxt"));
    A = llvm::cantFail(analyseModel(*M, {}));
  }
  int64_t at(const Point &P, llvm::StringRef Symbol) {
    llvm::Expected<Bindings> Bound = A->bind(P);
    EXPECT_TRUE(bool(Bound));
    if (!Bound) {
      llvm::consumeError(Bound.takeError());
      return -1;
    }
    return Bound->lookup(Symbol);
  }
  std::string error(const Point &P) {
    llvm::Expected<Bindings> Bound = A->bind(P);
    return Bound ? "" : toString(Bound.takeError());
  }
  std::unique_ptr<Model> M;
  std::unique_ptr<ModelAnalysis> A;
};

TEST_F(BindTest, TheLengthIsPastAndNew) {
  ASSERT_TRUE(A->HasCache);
  EXPECT_EQ(at({{"B", 2}, {"N", 32}}, "P"), 31);
  EXPECT_EQ(at({{"B", 2}, {"N", 32}}, "S"), 1);
  EXPECT_EQ(at({{"B", 2}, {"N", 32}, {"S", 4}}, "P"), 28);
  EXPECT_EQ(at({{"B", 2}, {"N", 32}, {"P", 30}}, "S"), 2);
  EXPECT_EQ(at({{"batch", 3}, {"past", 0}, {"new", 5}}, "S"), 5);
}

TEST_F(BindTest, WrongPointsSayWhy) {
  EXPECT_NE(error({{"B", 1}, {"N", 4}, {"S", 5}}).find("N = P + S"),
            std::string::npos);
  EXPECT_NE(error({{"B", 1}, {"Q", 4}}).find("unknown symbol 'Q'"),
            std::string::npos);
  EXPECT_NE(error({{"B", 0}, {"N", 4}}).find("at least 1"), std::string::npos);
  EXPECT_NE(error({{"B", 1}, {"batch", 1}, {"N", 4}}).find("twice"),
            std::string::npos);
  EXPECT_NE(error({{"N", 4}}).find("no value for 'B'"), std::string::npos);
}

// T7, T9: rows S, columns P + S, two heads of 32, fp32.
TEST_F(BindTest, TheTextbookOfACachedStep) {
  ASSERT_TRUE(A->Textbook);
  auto Of = [&](Role R) {
    for (const Ledger::RoleRow &Row : A->Textbook->Roles)
      if (Row.R == R)
        return toString(Row.W.flops()) + " | " + toString(Row.W.bytes());
    return std::string("none");
  };
  // 2·B·S·64·64; 4·(64·B·S + 64·64 + 64·B·S)
  EXPECT_EQ(Of(Role::KProj), "8192*B*S | 16384 + 512*B*S");
  // 2·B·S·(P+S)·64; 4·(64·B·S + 64·B·(P+S) + 2·B·S·(P+S))
  EXPECT_EQ(Of(Role::Qk), "128*B*P*S + 128*B*S**2 | 256*B*P + 512*B*S + "
                          "8*B*P*S + 8*B*S**2");
  EXPECT_EQ(Of(Role::Scale), "2*B*P*S + 2*B*S**2 | 0");
  EXPECT_EQ(Of(Role::Mask), "none");
  // C13: the projections write into the cache, the Concats nothing.
  for (const Ledger::RoleRow &Row : A->Graph.Roles)
    if (Row.R == Role::Cache) {
      EXPECT_TRUE(Row.W.bytes().is(0)) << toString(Row.W.bytes());
    }
}

} // namespace
