//===- SpeculativeTest.cpp - rounds of draft and target -------------------===//

#include "xfa/Analysis/Speculative.h"

#include "Analysis/DecodeTestSupport.h"

#include <cmath>

namespace xfa {
namespace {

using namespace test;

TEST(Speculative, ExpectedTokens) {
  EXPECT_DOUBLE_EQ(expectedTokens(0, 4), 1);
  EXPECT_DOUBLE_EQ(expectedTokens(0.5, 1), 1.5);
  EXPECT_DOUBLE_EQ(expectedTokens(0.8, 4), (1 - std::pow(0.8, 5)) / (1 - 0.8));
  // γ = 3, nearly all accepted: 4 (seed 2.4.2).
  EXPECT_NEAR(expectedTokens(1 - 1e-12, 3), 4, 1e-9);
  EXPECT_NEAR(expectedTokens(0.9, 100000), 10, 1e-9);
}

/// GPT-2 XL with its small brother on a T4, by hand.
struct Gpt2 {
  Analysed Target = analyseFile("gpt2-xl.onnx");
  Analysed Draft = analyseFile("gpt2_nopast_sdpa_ts17.onnx", ElemType::Float16);
  static Decoder decoder(const Analysed &M) {
    Clock Time{*findGpu("t4"), ElemType::Float16};
    return {&M.decode(), &M.decode().Textbook, Time, "B", Bindings()};
  }
  Decoder T = decoder(Target), D = decoder(Draft);

  static double time(double Flops, double Bytes) {
    return std::max(Flops / 65e12, Bytes / 300e9);
  }
  static double step(double B, double N) {
    return time(2949504000 * B + 312000 * B * N,
                2949888000 + 3072000 * B + 316800 * B * N);
  }
  static double verify(double B, double N, double m) {
    double P = N - 1 + m; // positions after the m new ones
    return time(2949504000 * B * m + 313200 * B * m * P,
                2949888000 + 3072000 * B * m + 307200 * B * P +
                    14400 * B * m * P);
  }
  static double draftStep(double B, double N) { // D = 768, H = 12, L = 12
    return time(12 * (24 * B * 768 * 768 + 5 * B * 768 + 4 * B * N * 768 +
                      4 * B * N * 12),
                24 * (20 * B * 768 + 12 * 768 * 768 + 5 * 768 +
                      2 * B * N * 768 + 4 * B * N * 12));
  }
};

TEST(Speculative, ARoundByHand) {
  Gpt2 G;
  for (auto [B, N] :
       {std::pair<int64_t, int64_t>(1, 32), {1, 1024}, {64, 1024}})
    for (int64_t Gamma : {1, 3, 4, 16}) {
      SpeculativeRound R = speculate(G.T, G.D, B, N, 0.8, Gamma);
      EXPECT_DOUBLE_EQ(*R.Step, G.step(B, N));
      EXPECT_DOUBLE_EQ(*R.Verify, G.verify(B, N, Gamma + 1));
      EXPECT_DOUBLE_EQ(*R.DraftStep, G.draftStep(B, N));
      double PerToken =
          (Gamma * G.draftStep(B, N) + G.verify(B, N, Gamma + 1)) / R.Tokens;
      EXPECT_DOUBLE_EQ(*R.PerToken, PerToken);
      EXPECT_DOUBLE_EQ(*R.Speedup, G.step(B, N) / PerToken);
      EXPECT_DOUBLE_EQ(*R.WeightsPerToken, 2949888000 / 300e9 / R.Tokens);
    }
}

TEST(Speculative, FourTokensForOneReadingOfTheWeights) { // seed 2.4.2
  Gpt2 G;
  SpeculativeRound R = speculate(G.T, G.D, 1, 4096, 1 - 1e-9, 3);
  EXPECT_NEAR(*R.Weights, 0.00983296, 1e-9);
  EXPECT_NEAR(*R.WeightsPerToken, 0.00983296 / 4, 1e-9);
}

TEST(Speculative, BestGammaIsTheBestOfAll) {
  Gpt2 G;
  for (double Alpha : {0.0, 0.3, 0.8, 0.99}) {
    int64_t Best = 0;
    double Most = 0;
    for (int64_t Gamma = 1; Gamma <= 200; ++Gamma) {
      double Tokens = 0;
      for (int64_t I = 0; I <= Gamma; ++I)
        Tokens += std::pow(Alpha, I);
      double Speedup =
          G.step(1, 1024) * Tokens /
          (Gamma * G.draftStep(1, 1024) + G.verify(1, 1024, Gamma + 1));
      if (Speedup > Most * (1 + 1e-12)) {
        Most = Speedup;
        Best = Gamma;
      }
    }
    auto Found = bestGamma(G.T, G.D, 1, 1024, Alpha);
    ASSERT_TRUE(Found);
    EXPECT_EQ(Found->Gamma, Best) << Alpha;
    EXPECT_NEAR(Found->Speedup, Most, 1e-9);
  }
}

TEST(Speculative, StopsPayingWhereTheArithmeticCatchesUp) {
  Gpt2 G;
  auto Gain = [&](double B) {
    return G.step(B, 32) * expectedTokens(0.8, 4) /
           (4 * G.draftStep(B, 32) + G.verify(B, 32, 5));
  };
  int64_t First = 1;
  while (Gain(static_cast<double>(First)) > 1)
    ++First;
  EXPECT_EQ(stopsPaying(G.T, G.D, 32, 0.8, 4), First);
  // Nothing is accepted: it never pays.
  EXPECT_EQ(stopsPaying(G.T, G.D, 32, 0.0, 4), 1);
}

TEST(Speculative, NoTimesWithoutAPeak) {
  Gpt2 G;
  G.T.Time.G.Rates = {};
  SpeculativeRound R = speculate(G.T, G.D, 1, 32, 0.5, 2);
  EXPECT_FALSE(R.Step || R.Verify || R.PerToken || R.Speedup);
  EXPECT_TRUE(R.DraftStep && R.Weights);
  EXPECT_FALSE(bestGamma(G.T, G.D, 1, 32, 0.5));
  EXPECT_FALSE(stopsPaying(G.T, G.D, 32, 0.5, 2));
}

} // namespace
} // namespace xfa
