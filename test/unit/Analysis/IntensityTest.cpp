//===- IntensityTest.cpp - ratios, limits, comparisons --------------------===//

#include "xfa/Analysis/Intensity.h"

#include "Analysis/DecodeTestSupport.h"

#include <random>

namespace xfa {
namespace {

using namespace test;

struct Ratios : testing::Test {
  ExprStore Store;
  Expr parse(const std::string &Text) {
    return llvm::cantFail(Store.parse(Text));
  }
  PolynomialRatio ratio(const std::string &Up, const std::string &Down) {
    return reducedRatio(parse(Up), parse(Down));
  }
  std::string text(const PolynomialRatio &R) {
    return toString(R.Numerator) + " / " + toString(R.Denominator);
  }
  std::string limit(const PolynomialRatio &R, const char *Symbol) {
    RatioLimit L = limitOf(R, Symbol);
    return L.Kind == RatioLimit::Zero       ? "0"
           : L.Kind == RatioLimit::Infinite ? "inf"
           : L.Kind == RatioLimit::Finite   ? text(L.Value)
                                            : "?";
  }
};

TEST_F(Ratios, ReduceByContentAndMonomials) {
  struct {
    const char *Up, *Down, *Reduced;
  } Table[] = {
      {"6*B*N", "4*B", "3*N / 2"},
      {"6*B*N + 9*B*N**2", "12*B*N", "2 + 3*N / 4"},
      {"2*B*N", "3 + 5*B", "2*B*N / 3 + 5*B"},
      {"7", "7", "1 / 1"},
      {"0", "5*B", "0 / 5*B"},
      {"4*max(B, N)", "2*B", "2*max(B, N) / B"},
  };
  for (const auto &Row : Table)
    EXPECT_EQ(text(ratio(Row.Up, Row.Down)), Row.Reduced) << Row.Up;
}

TEST_F(Ratios, LimitsComeFromLeadingCoefficients) {
  PolynomialRatio R = ratio("5*B*N + 3*B*N**2", "7 + 2*B*N**2");
  EXPECT_EQ(limit(R, "N"), "3 / 2");
  EXPECT_EQ(limit(R, "B"), "5 + 3*N / 2*N");
  EXPECT_EQ(limit(ratio("B*N", "3 + B"), "N"), "inf");
  EXPECT_EQ(limit(ratio("B", "3 + B*N"), "N"), "0");
  EXPECT_EQ(limit(ratio("0", "3"), "N"), "0");
  EXPECT_EQ(limit(ratio("max(B, N)", "3"), "N"), "?");
}

TEST_F(Ratios, LargerIsProvedFromTheCorner) {
  auto Kind = [&](const char *Up, const char *Down, Domain Over) {
    return compareRatios(ratio(Up, Down), ratio("1", "1"), Over).Kind;
  };
  // N² − 2N + 1 − 1 > 0 from 3 on, 0 at 2.
  EXPECT_EQ(Kind("N**2 + 1", "2*N + 1", {{"N", 3}}), Comparison::Larger);
  EXPECT_EQ(Kind("N**2 + 1", "2*N + 1", {{"N", 2}}), Comparison::Fails);
  EXPECT_EQ(Kind("B*N", "B + N", {{"B", 3}, {"N", 2}}), Comparison::Larger);
  EXPECT_EQ(Kind("B*N", "B + N", {{"B", 2}, {"N", 2}}), Comparison::Fails);
  EXPECT_EQ(Kind("max(B, N)", "1", {{"B", 2}, {"N", 2}}),
            Comparison::NotProved);
}

TEST_F(Ratios, WhereItFailsAndFromWhereItHolds) {
  Comparison C = compareRatios(ratio("N**2", "1"), ratio("100", "1"),
                               {{"B", 1}, {"N", 2}});
  EXPECT_EQ(C.Kind, Comparison::Fails);
  EXPECT_EQ(C.Where, (Domain{{"B", 1}, {"N", 2}}));
  EXPECT_EQ(C.ProvedOver, (Domain{{"B", 1}, {"N", 11}}));
}

TEST_F(Ratios, SignsThatMixAreDecidedValueByValue) {
  // (N − 5)² + 1: positive everywhere, though its coefficients at N = 2 + n are
  // not all.
  EXPECT_EQ(compareRatios(ratio("N**2 + 26", "10*N"), ratio("1", "1"),
                          {{"B", 1}, {"N", 2}})
                .Kind,
            Comparison::Larger);
}

TEST_F(Ratios, CoefficientsBeyond64Bits) {
  // 3e9 · 3e9 · 4 leaves 64 bits.
  PolynomialRatio A = ratio("3000000019*B*N**2 + 1", "3000000037*B*N");
  PolynomialRatio B = ratio("3000000019*B*N**2", "3000000037*B*N + 7");
  EXPECT_EQ(compareRatios(A, B, {{"B", 1}, {"N", 1}}).Kind, Comparison::Larger);
  EXPECT_EQ(compareRatios(B, A, {{"B", 1}, {"N", 1}}).Kind, Comparison::Fails);
}

TEST(Intensity, OfGpt2XlWithAndWithoutACache) { // seed 2.3.6
  Analysed M = analyseFile("gpt2-xl.onnx");
  const DecodeFacts &F = M.decode();
  PolynomialRatio Cached = intensityOf(F.Textbook.One.L.Total);
  PolynomialRatio Pass = intensityOf(F.Textbook.Uncached->Total);
  // A layer: (24D² + 5D)B + (4D + 4H)BN over 2 (12D² + 5D + 20BD + (2D+4H)BN).
  EXPECT_EQ(Cached, reducedRatio(expr(*M.A, "61448000*B + 6500*B*N"),
                                 expr(*M.A, "61456000 + 64000*B + 6600*B*N")));
  EXPECT_EQ(Pass,
            reducedRatio(expr(*M.A, "61448000*B*N + 6525*B*N**2"),
                         expr(*M.A, "61456000 + 70400*B*N + 300*B*N**2")));
  // 312,000 / 316,800 and 313,200 / 14,400.
  EXPECT_EQ(limitOf(Cached, "N").Value,
            (PolynomialRatio{expr(*M.A, "65"), expr(*M.A, "66")}));
  EXPECT_EQ(limitOf(Pass, "N").Value,
            (PolynomialRatio{expr(*M.A, "87"), expr(*M.A, "4")}));
  EXPECT_EQ(limitOf(Pass, "B").Value,
            reducedRatio(expr(*M.A, "61448000 + 6525*N"),
                         expr(*M.A, "70400 + 300*N")));
  Domain Over = {{"B", 1}, {"N", 2}};
  EXPECT_EQ(compareRatios(Pass, Cached, Over).Kind, Comparison::Larger);
  EXPECT_EQ(compareRatios(Cached, Pass, Over).Kind, Comparison::Fails);
  // At N = 1 both are the same but for the mask's traffic: the cache is ahead.
  EXPECT_EQ(compareRatios(Pass, Cached, {{"B", 1}, {"N", 1}}).Kind,
            Comparison::Fails);
}

TEST(Intensity, ProofsAgreeWithPoints) {
  std::mt19937 Random(3);
  ExprStore Store;
  Expr B = Store.symbol("B"), N = Store.symbol("N");
  auto Pick = [&] {
    return Store.constant(std::uniform_int_distribution<int64_t>(0, 9)(Random));
  };
  auto Polynomial = [&] {
    return Pick() + Pick() * B + Pick() * B * N + Pick() * B * N * N + N;
  };
  unsigned Proved = 0;
  for (int Round = 0; Round < 300; ++Round) {
    PolynomialRatio X = reducedRatio(Polynomial(), Polynomial());
    PolynomialRatio Y = reducedRatio(Polynomial(), Polynomial());
    Comparison C = compareRatios(X, Y, {{"B", 1}, {"N", 2}});
    auto Larger = [&](int64_t AtB, int64_t AtN) {
      return at(X.Numerator, AtB, AtN) * at(Y.Denominator, AtB, AtN) >
             at(Y.Numerator, AtB, AtN) * at(X.Denominator, AtB, AtN);
    };
    if (C.Kind == Comparison::Fails) {
      EXPECT_FALSE(Larger(C.Where[0].second, C.Where[1].second));
    }
    int64_t From = C.Kind == Comparison::Larger ? 2
                   : C.ProvedOver.empty()       ? 0
                                                : C.ProvedOver[1].second;
    if (!From)
      continue;
    ++Proved;
    for (int64_t AtB : {1, 2, 7, 100})
      for (int64_t AtN : {From, From + 1, From + 50})
        EXPECT_TRUE(Larger(AtB, AtN));
  }
  EXPECT_GT(Proved, 50u);
}

} // namespace
} // namespace xfa
