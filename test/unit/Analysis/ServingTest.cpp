//===- ServingTest.cpp - what fits, and whole requests --------------------===//

#include "xfa/Analysis/Serving.h"

#include "Analysis/DecodeTestSupport.h"

namespace xfa {
namespace {

using namespace test;

TEST(Serving, LargestThatFits) {
  ExprStore S;
  auto Largest = [&](const char *Text, int64_t Limit) {
    return largestThatFits(llvm::cantFail(S.parse(Text)), "N", {{"B", 2}},
                           Limit);
  };
  // 10 + 2 · 3 · 15 = 100
  EXPECT_EQ(Largest("10 + 3*B*N", 100).At, 15);
  EXPECT_EQ(Largest("10 + 3*B*N", 105).At, 15);
  EXPECT_EQ(Largest("10 + 3*B*N", 106).At, 16);
  EXPECT_EQ(Largest("10 + 3*B*N", 16).At, 1);
  EXPECT_EQ(Largest("10 + 3*B*N", 15).Kind, LargestFit::Nothing);
  EXPECT_EQ(Largest("10 + B", 100).Kind, LargestFit::Unlimited);
  EXPECT_EQ(Largest("10 + B", 11).Kind, LargestFit::Nothing);
  EXPECT_EQ(Largest("max(5*N, N**2)", 99).At, 9);
  EXPECT_EQ(Largest("C*N", 99).Kind, LargestFit::Unknown);
  // 2^62 · N³ leaves 128 bits: too large, not an error.
  EXPECT_EQ(Largest("4611686018427387904*N**3", INT64_MAX).At, 1);
}

TEST(Serving, MemoryOfAGraphWithoutACacheIsThatOfAPassAndItsCache) {
  Analysed M = analyseFile("gpt2-xl.onnx");
  ServingMemory S = servingMemory(*M.A);
  EXPECT_EQ(S.Weights, M.A->Memory->WeightBytes);
  EXPECT_EQ(S.Cache, expr(*M.A, "307200*B*N"));
  EXPECT_EQ(S.Activations, M.A->Memory->ActivationBytes);
}

TEST(Serving, OfAGraphWithACacheIsThatOfAStep) {
  Analysed M = analyseFile("gpt2_decoder_with_past_optimum.onnx");
  ServingMemory S = servingMemory(*M.A);
  // 12 layers, keys and values of 12 heads of 64, fp32.
  EXPECT_EQ(S.Cache, expr(*M.A, "12 * 2 * 4 * 768 * B*N"));
  __int128 Peak = llvm::cantFail(
      evaluate(M.A->Memory->PeakBytes, {{"B", 3}, {"S", 1}, {"P", 99}}));
  EXPECT_EQ(at(S.total(), 3, 100), Peak);
}

TEST(Serving, AnEncoderKeepsNoCache) {
  Analysed M = analyseFile("whisper-tiny_encoder_optimum.onnx");
  EXPECT_TRUE(servingMemory(*M.A).Cache.is(0));
}

TEST(Serving, ARequestIsOnePassAndEachStep) {
  Analysed M = analyseFile("gpt2-xl.onnx");
  Clock T4{*findGpu("t4"), ElemType::Float16};
  auto Time = [](double Flops, double Bytes) {
    return std::max(Flops / 65e12, Bytes / 300e9);
  };
  const DecodeFacts &F = M.decode();
  for (double B : {1, 64}) {
    auto R = timeRequest(F, F.Textbook, T4, {{"B", B}}, 1024, 256);
    ASSERT_TRUE(R);
    double N = 1024;
    double First = Time(2949504000 * B * N + 313200 * B * N * N,
                        2949888000 + 3379200 * B * N + 14400 * B * N * N);
    double Steps = 0;
    for (int K = 1; K < 256; ++K) { // the first token comes from the prompt
      N = 1024 + K;
      Steps += Time(2949504000 * B + 312000 * B * N,
                    2949888000 + 3072000 * B + 316800 * B * N);
    }
    EXPECT_DOUBLE_EQ(R->First, First);
    EXPECT_NEAR(R->Total, First + Steps, 1e-9 * R->Total);
    EXPECT_NEAR(*R->PerToken, Steps / 255, 1e-9);
  }
  auto One = timeRequest(F, F.Textbook, T4, {{"B", 1}}, 8, 1);
  ASSERT_TRUE(One);
  EXPECT_FALSE(One->PerToken);
  EXPECT_EQ(One->Total, One->First);
}

} // namespace
} // namespace xfa
