//===- DecodeTest.cpp - T7 from the arithmetic ----------------------------===//

#include "Analysis/DecodeTestSupport.h"

#include "xfa/Analysis/Roofline.h"

#include <random>

namespace xfa {
namespace {

using namespace test;

TEST(Decode, Gpt2XlHasTheSeedsFormulas) { // seed 2.3.1 to 2.3.4, slips mended
  Analysed M = analyseFile("gpt2-xl.onnx");
  const DecodeFacts &F = M.decode();
  ASSERT_EQ(F.None, "");
  // 48 (24 · 1600² + 5 · 1600), 48 (4 · 1600 + 4 · 25)
  EXPECT_EQ(F.Textbook.One.L.Total.flops(),
            expr(*M.A, "2949504000*B + 312000*B*N"));
  // 2 · 48 (12 · 1600² + 5 · 1600), 2 · 48 · 20 · 1600,
  // 2 · 48 (2 · 1600 + 4 · 25)
  EXPECT_EQ(F.Textbook.One.L.Total.bytes(),
            expr(*M.A, "2949888000 + 3072000*B + 316800*B*N"));
  EXPECT_EQ(F.CacheBytes, expr(*M.A, "48 * 2 * 2 * B * N * 25 * 64"));
  EXPECT_EQ(F.NoGraph, "the graph has no cache");
}

TEST(Decode, Gpt2XlSplits) { // seed 2.4.1: weights and cache off the total
  Analysed M = analyseFile("gpt2-xl.onnx");
  const StepCost &S = M.decode().Textbook.One;
  EXPECT_EQ(S.L.Total.Weight, expr(*M.A, "2 * 48 * (12 * 1600**2 + 5 * 1600)"));
  // Each layer reads N rows of K and of V and writes one of each.
  EXPECT_EQ(S.Cache, expr(*M.A, "2 * 48 * (2 * B*N * 1600 + 2 * B * 1600)"));
  // n (18BD + 4BHN)
  EXPECT_EQ(S.otherBytes(),
            expr(*M.A, "2 * 48 * (18 * B * 1600 + 4 * B * 25 * N)"));
}

TEST(Decode, OtherTrafficOvertakesWeightsAt306992) {
  Analysed M = analyseFile("gpt2-xl.onnx");
  const StepCost &S = M.decode().Textbook.One;
  __int128 Weights = at(S.L.Total.Weight, 1, 1);
  EXPECT_LT(at(S.otherBytes(), 1, 306991), Weights);
  EXPECT_GE(at(S.otherBytes(), 1, 306992), Weights);
}

TEST(Decode, Gpt2XlScenarios) { // seed 2.3.5
  Analysed M = analyseFile("gpt2-xl.onnx");
  const Gpu &T4 = *findGpu("t4");
  for (auto [B, N] :
       {std::pair<int64_t, int64_t>(1, 32), {1, 1024}, {64, 32}, {64, 1024}}) {
    RooflinePoint P = llvm::cantFail(evaluateRoofline(M.decode().Textbook.One.L,
                                                      T4, ElemType::Float16,
                                                      {{"B", B}, {"N", N}}));
    int64_t Flops = 2949504000 * B + 312000 * B * N;
    int64_t Bytes = 2949888000 + 3072000 * B + 316800 * B * N;
    EXPECT_EQ(P.Flops, Flops);
    EXPECT_EQ(P.Bytes, Bytes);
    EXPECT_DOUBLE_EQ(*P.ComputeTime, Flops / 65e12);
    EXPECT_DOUBLE_EQ(P.MemoryTime, Bytes / 300e9);
    EXPECT_EQ(P.BoundBy, Bound::Memory);
  }
}

TEST(Decode, PartsOfTheScopeOnly) { // seed 2.3.2, 2.3.3
  Analysed Attention = analyseFile("gpt2-xl.onnx", std::nullopt, "attention");
  EXPECT_EQ(Attention.decode().Textbook.One.L.Total.flops(),
            expr(*Attention.A, "48 * (8*B*1600**2 + 4*B*N*1600 + 4*B*25*N)"));
  EXPECT_EQ(Attention.decode().Textbook.One.L.Total.bytes(),
            expr(*Attention.A, "48 * 2 * (10*B*1600 + 4*1600**2 + "
                               "2*B*N*1600 + 4*B*25*N)"));
  Analysed Mlp = analyseFile("gpt2-xl.onnx", std::nullopt, "mlp");
  EXPECT_EQ(Mlp.decode().Textbook.One.L.Total.flops(),
            expr(*Mlp.A, "48 * (16*B*1600**2 + 5*B*1600)"));
  EXPECT_EQ(Mlp.decode().Textbook.One.L.Total.bytes(),
            expr(*Mlp.A, "48 * 2 * (10*B*1600 + 8*1600**2 + 5*1600)"));
  EXPECT_TRUE(Mlp.decode().Textbook.One.Cache.is(0));
}

TEST(Decode, AsManyNewRowsAsPositionsIsThePassWithoutACache) {
  Analysed M = analyseFile("gpt2-xl.onnx");
  EXPECT_EQ(M.decode().Textbook.Uncached->Total.flops(),
            M.A->Textbook->Total.flops());
  EXPECT_EQ(M.decode().Textbook.Uncached->Total.bytes(),
            M.A->Textbook->Total.bytes());
}

TEST(Decode, SeveralRowsAreMaskedAmongThemselves) {
  Analysed M = analyseFile("gpt2-xl.onnx");
  // m rows: 24BmD² + 5BmD, 4BmND + 5BHmN.
  EXPECT_EQ(M.decode().Textbook.Several->L.Total.flops(),
            expr(*M.A, "48*(24*B*m*1600**2 + 5*B*m*1600 + 4*B*m*N*1600 + "
                       "5*B*25*m*N)"));
  // Weights once, keys and values once however many rows.
  EXPECT_EQ(M.decode().Textbook.Several->L.Total.bytes(),
            expr(*M.A, "96*(20*B*m*1600 + 12*1600**2 + 2*B*N*1600 + "
                       "6*B*25*m*N + 5*1600)"));
}

TEST(Decode, ACachedGraphGivesTheSameFormulas) {
  Analysed With =
      analyseFile("gpt2_decoder_with_past_optimum.onnx", ElemType::Float16);
  Analysed Without =
      analyseFile("gpt2_nopast_sdpa_ts17.onnx", ElemType::Float16);
  for (const Analysed *M : {&With, &Without}) {
    const DecodeFacts &F = M->decode();
    EXPECT_EQ(F.Textbook.One.L.Total.flops(),
              expr(*M->A, "12 * (24*B*768**2 + 4*B*N*768 + 4*B*12*N + "
                          "5*B*768)"));
    EXPECT_EQ(F.Textbook.One.L.Total.bytes(),
              expr(*M->A, "24 * (20*B*768 + 12*768**2 + 2*B*N*768 + 4*B*12*N + "
                          "5*768)"));
    EXPECT_EQ(F.CacheBytes, expr(*M->A, "12 * 2 * 2 * B * N * 768"));
  }
  EXPECT_FALSE(Without.decode().Graph);
  // The graph's own: S = 1, P = N − 1. Its products are those of the textbook
  // and the LM head's.
  ASSERT_TRUE(With.decode().Graph);
  EXPECT_EQ(With.decode().Graph->One.L.Total.Matrix,
            expr(*With.A, "12 * (24*B*768**2 + 4*B*N*768) + 2*B*768*50257"));
  EXPECT_EQ(With.decode().Graph->One.Cache,
            expr(*With.A, "12 * 2 * (2*B*N*768 + 2*B*768)"));
}

TEST(Decode, GroupedKeysHaveTheirOwnWidth) { // T8: 8 of 32 heads
  Analysed M = analyseFile("llama3-8b-2l_withpast_optimum.onnx");
  EXPECT_EQ(M.decode().CacheBytes, expr(*M.A, "2 * 4 * 2 * B*N * 8*128"));
  EXPECT_EQ(M.decode().Textbook.One.Cache,
            expr(*M.A, "2 * 4 * (2*B*N * 8*128 + 2*B * 8*128)"));
  EXPECT_EQ(M.decode().Textbook.One.L.Total.Matrix,
            expr(*M.A, "2 * (2*B*4096*(4096 + 2*1024 + 4096) + "
                       "4*B*N*4096 + 3*2*B*4096*14336)"));
}

TEST(Decode, AnySizes) { // T7 with every width its own
  std::mt19937 Random(7);
  auto Pick = [&](int64_t Least, int64_t Most) {
    return std::uniform_int_distribution<int64_t>(Least, Most)(Random);
  };
  for (int Round = 0; Round < 50; ++Round) {
    Sizes Of;
    Of.HeadDim = Pick(1, 128);
    Of.KvHeads = Pick(1, 8);
    Of.Heads = Of.KvHeads * Pick(1, 8);
    Of.D = Pick(1, 4096);
    Of.Hidden = Pick(1, 9000);
    Of.Layers = Pick(1, 5);
    Of.Gated = Pick(0, 1);
    Of.MlpBias = Pick(0, 1);
    std::unique_ptr<ModelAnalysis> A = decoderOf(Of);
    DecodeFacts F = analyseDecode(*A, AnalysisOptions());
    ASSERT_EQ(F.None, "");
    int64_t B = Pick(1, 64), N = Pick(2, 4000), L = Of.Layers, D = Of.D;
    int64_t Q = Of.Heads * Of.HeadDim, K = Of.KvHeads * Of.HeadDim;
    int64_t H = Of.Heads, M = Of.Hidden, Products = Of.Gated ? 3 : 2;
    int64_t Bias = Of.MlpBias ? M * (Products - 1) + D : 0;
    EXPECT_EQ(at(F.Textbook.One.L.Total.flops(), B, N),
              L * (2 * B * D * (Q + 2 * K) + 2 * B * Q * D + 4 * B * N * Q +
                   4 * B * H * N + 2 * B * Products * D * M + B * Bias));
    int64_t Weights = D * (Q + 2 * K) + Q * D + Products * D * M + Bias;
    EXPECT_EQ(at(F.Textbook.One.L.Total.Weight, B, N), L * 2 * Weights);
    EXPECT_EQ(at(F.Textbook.One.Cache, B, N),
              L * 2 * (2 * B * N * K + 2 * B * K));
    // X for Q, K, V; Q written and read; scores; the result; out; the MLP.
    int64_t Other = 3 * D + 2 * Q + 4 * H * N + 2 * Q + D + Products * (D + M);
    EXPECT_EQ(at(F.Textbook.One.otherBytes(), B, N), L * 2 * B * Other);
    EXPECT_EQ(at(F.CacheBytes, B, N), L * 2 * 2 * B * N * K);
  }
}

TEST(Decode, WhereThereIsNone) {
  EXPECT_EQ(analyseFile("whisper-tiny_encoder_optimum.onnx").decode().None,
            "an encoder has no decoding step: each position reads those after "
            "it");
  EXPECT_EQ(analyseFile("mamba-130m-2l_nopast_ts17.onnx").decode().None,
            "no transformer was found"); // a state-space mixer is no MLP
}

TEST(Decode, CrossAttentionKeepsItsOwnLength) { // T8
  Analysed M = analyseFile("t5-small_decoder_optimum.onnx");
  // Self: Q, K, V, out. Cross: Q, out; its K and V stand in the cache.
  EXPECT_EQ(M.decode().Textbook.One.L.Total.Matrix,
            expr(*M.A, "6 * (2*B*512*512*6 + 4*B*N*512 + "
                       "4*B*encoder_sequence_length*512 + 2*2*B*512*2048)"));
}

TEST(Decode, DominantPartIsTheLongest) {
  StepSplit S{300, 200, 100};
  EXPECT_EQ(dominantPart(S, 2.0, 100.0), StepPart::Weights);
  EXPECT_EQ(dominantPart(S, 3.5, 100.0), StepPart::Compute);
  EXPECT_EQ(dominantPart({1, 2, 1}, 0.0, 1.0), StepPart::Cache);
  EXPECT_EQ(dominantPart({1, 2, 3}, 0.0, 1.0), StepPart::Other);
}

} // namespace
} // namespace xfa
