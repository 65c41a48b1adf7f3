//===- WhatIfTest.cpp - devices, chunks, narrower caches ------------------===//

#include "Import/ImportTestSupport.h"

#include "xfa/Analysis/WhatIf.h"

using namespace xfa;
using namespace xfa::test;

namespace {

/// Two heads of 8 on X of 16; a projection each, no cache, and an MLP of 64.
constexpr llvm::StringLiteral Block = R"(
g (float[B,N,16] x) => (float[B,N,16] y)
<float[16,16] wq = {0}, float[16,16] wk = {0}, float[16,16] wv = {0},
 float[16,16] wo = {0}, float[16,64] wu = {0}, float[64,16] wd = {0},
 int64[4] apart = {0, 0, 2, 8}, int64[3] joined = {0, 0, 16}> {
  q = MatMul (x, wq)  k = MatMul (x, wk)  v = MatMul (x, wv)
  q4 = Reshape (q, apart)  k4 = Reshape (k, apart)  v4 = Reshape (v, apart)
  qh = Transpose <perm = [0, 2, 1, 3]> (q4)
  kh = Transpose <perm = [0, 2, 3, 1]> (k4)
  vh = Transpose <perm = [0, 2, 1, 3]> (v4)
  s = MatMul (qh, kh)  p = Softmax <axis = -1> (s)  o = MatMul (p, vh)
  t = Transpose <perm = [0, 2, 1, 3]> (o)  m = Reshape (t, joined)
  a = MatMul (m, wo)  r = Add (x, a)
  u = MatMul (r, wu)  h = Relu (u)  d = MatMul (h, wd)  y = Add (r, d)
})";

class WhatIfs : public testing::Test {
protected:
  void SetUp() override {
    I = importText(std::string(Block));
    ASSERT_TRUE(I.M) << I.Error;
    auto Analysed = analyseModel(*I.M, AnalysisOptions());
    ASSERT_TRUE(bool(Analysed)) << llvm::toString(Analysed.takeError());
    A = std::move(*Analysed);
  }

  WhatIfCost apply(WhatIf::KindTy Kind, int64_t Value) {
    llvm::Expected<WhatIfCost> C = applyWhatIf(*A, {Kind, Value});
    EXPECT_TRUE(bool(C));
    return C ? std::move(*C)
             : (llvm::consumeError(C.takeError()), WhatIfCost());
  }

  std::string refused(WhatIf::KindTy Kind, int64_t Value) {
    llvm::Expected<WhatIfCost> C = applyWhatIf(*A, {Kind, Value});
    return C ? "" : llvm::toString(C.takeError());
  }

  int64_t at(Expr E, int64_t B, int64_t N) {
    llvm::Expected<__int128> V = evaluate(E, {{"B", B}, {"N", N}});
    EXPECT_TRUE(bool(V));
    return V ? static_cast<int64_t>(*V)
             : (llvm::consumeError(V.takeError()), -1);
  }

  Imported I;
  std::unique_ptr<ModelAnalysis> A;
};

TEST_F(WhatIfs, OneDeviceChangesNothing) {
  const WhatIfCost C = apply(WhatIf::TensorParallel, 1);
  EXPECT_EQ(C.L.Total.flops(), A->Graph.Total.flops());
  EXPECT_EQ(C.L.Total.bytes(), A->Graph.Total.bytes());
}

TEST_F(WhatIfs, TwoDevicesShareALayer) {
  const WhatIfCost C = apply(WhatIf::TensorParallel, 2);
  const int64_t B = 3, N = 10, Size = 4;
  // All products and the softmax and the activation; not the two sums.
  const int64_t Sums = 2 * B * N * 16;
  EXPECT_EQ(at(C.L.Total.flops(), B, N),
            (at(A->Graph.Total.flops(), B, N) - Sums) / 2 + Sums);
  EXPECT_EQ(at(C.L.Total.Weight, B, N), (4 * 16 * 16 + 2 * 16 * 64) * Size / 2);
  // X whole into three projections, their half results, the core's halves, its
  // half result into the output projection and all of that out of it; the same
  // for the MLP; two residual sums.
  const int64_t Token = 3 * (16 + 8) + 3 * 8 + 8 + 8 + 16 + 16 + 32 + 2 * 32 +
                        32 + 16 + 2 * 3 * 16;
  const int64_t Scores = 4 * N; // of one head: written, read, written, read
  EXPECT_EQ(at(C.L.Total.bytes() - C.L.Total.Weight, B, N),
            B * N * (Token + Scores) * Size);
  // Summed over the devices: what the output projection and the MLP give.
  EXPECT_EQ(at(C.Reduced, B, N), 2 * B * N * 16 * Size);
}

TEST_F(WhatIfs, HeadsThatDevicesCannotShare) {
  EXPECT_EQ(refused(WhatIf::TensorParallel, 4),
            "layer 0 has 2 heads, which 4 devices cannot share");
}

TEST_F(WhatIfs, ChunksReadWeightsAndEarlierKeysAgain) {
  const WhatIfCost C = apply(WhatIf::ChunkedPrefill, 4);
  const int64_t B = 3, N = 10, Size = 4;
  const int64_t Weights = (4 * 16 * 16 + 2 * 16 * 64) * Size;
  // Three chunks; before the second stand 4 positions, before the third 8.
  EXPECT_EQ(at(C.L.Total.bytes(), B, N) - at(A->Graph.Total.bytes(), B, N),
            2 * Weights + B * (4 + 8) * (16 + 16) * Size);
  EXPECT_EQ(C.L.Total.flops(), A->Graph.Total.flops());
  // One chunk is the pass as it was.
  EXPECT_EQ(at(apply(WhatIf::ChunkedPrefill, 16).L.Total.bytes(), B, N),
            at(A->Graph.Total.bytes(), B, N));
}

TEST_F(WhatIfs, ACacheIsNeeded) {
  EXPECT_EQ(refused(WhatIf::CacheBits, 8), "the graph has no cache");
}

TEST(WhatIf, WeightsAsInputsAreNotGuessed) {
  Imported I = importText(R"(g (float[B,N,8] x, float[8,8] w)
      => (float[B,N,8] y) { q = MatMul (x, w)  k = MatMul (x, w)
      t = Transpose <perm = [0, 2, 1]> (k)  s = MatMul (q, t)
      p = Softmax <axis = -1> (s)  y = MatMul (p, q) })");
  auto A = analyseModel(*I.M, AnalysisOptions());
  ASSERT_TRUE(bool(A));
  auto C = applyWhatIf(**A, {WhatIf::ChunkedPrefill, 4});
  ASSERT_FALSE(bool(C));
  EXPECT_EQ(llvm::toString(C.takeError()),
            "the graph has no weights of its own: where they are inputs, their "
            "bytes are not told from those of activations");
}

TEST(WhatIf, AllReduce) {
  // H100: 900 GB/s both ways; a ring of four sends 2 · 3/4 of the bytes.
  EXPECT_DOUBLE_EQ(*allReduceTime(1e9, 4, *findGpu("h100")),
                   2 * 0.75 * 1e9 / 450e9);
  EXPECT_DOUBLE_EQ(*allReduceTime(1e9, 1, *findGpu("h100")), 0);
  Gpu G = *findGpu("h100");
  G.LinkBandwidth.reset();
  EXPECT_FALSE(allReduceTime(1e9, 4, G));
}

TEST(WhatIf, Words) {
  auto Parsed = parseWhatIfs("tensor-parallel=8, kv-bits=4");
  ASSERT_TRUE(bool(Parsed));
  EXPECT_EQ((*Parsed)[0].name(), "tensor-parallel=8");
  EXPECT_EQ((*Parsed)[1].name(), "kv-bits=4");
  for (llvm::StringRef Wrong : {"", "tensor-parallel", "kv-bits=0", "x=1"}) {
    auto None = parseWhatIfs(Wrong);
    ASSERT_FALSE(bool(None)) << Wrong.str();
    EXPECT_EQ(llvm::toString(None.takeError()),
              ("expected tensor-parallel=DEVICES, chunked-prefill=TOKENS or "
               "kv-bits=BITS, got '" +
               Wrong + "'")
                  .str());
  }
}

} // namespace
