//===- CrossoverTest.cpp - C18, C19, C21 ----------------------------------===//

#include "xfa/Analysis/Roofline.h"

#include "gtest/gtest.h"

using namespace xfa;

namespace {

class RooflineTest : public testing::Test {
protected:
  ExprStore Store;
  const Gpu &T4 = *findGpu("t4"); // 65e12 FLOP/s fp16, 300e9 bytes/s

  Expr parse(llvm::StringRef Text) { return llvm::cantFail(Store.parse(Text)); }

  Work work(llvm::StringRef Flops, llvm::StringRef Bytes) {
    Work W = Work::zero(Store);
    W.Matrix = parse(Flops);
    W.Read = parse(Bytes);
    return W;
  }

  Ledger ledger(const Work &W) {
    Ledger L;
    L.Total = W;
    L.Pieces.push_back({W, ElemType::Float16, Store.constant(1)});
    return L;
  }

  Crossover along(const Work &W, llvm::StringRef Symbol, Bindings Fixed) {
    return findCrossover(W, T4, ElemType::Float16, Symbol, Fixed, Store);
  }

  /// The seed's figures for a full pass of GPT-2 XL.
  Work gpt2xl() {
    return work("2949504000*B*N + 313200*B*N**2",
                "2949888000 + 3379200*B*N + 14400*B*N**2");
  }
};

TEST_F(RooflineTest, C18_TheSeedsFourScenarios) {
  struct {
    int64_t B, N;
    Bound By;
  } Scenarios[] = {{1, 32, Bound::Memory},
                   {1, 1024, Bound::Memory},
                   {64, 32, Bound::Compute},
                   {64, 1024, Bound::Memory}};
  for (auto &S : Scenarios) {
    Bindings At;
    At["B"] = S.B;
    At["N"] = S.N;
    auto P = evaluateRoofline(ledger(gpt2xl()), T4, ElemType::Float16, At);
    ASSERT_TRUE(bool(P));
    double Bytes =
        2949888000.0 + 3379200.0 * S.B * S.N + 14400.0 * S.B * S.N * S.N;
    double Flops = 2949504000.0 * S.B * S.N + 313200.0 * S.B * S.N * S.N;
    EXPECT_DOUBLE_EQ(*P->ComputeTime, Flops / 65e12);
    EXPECT_DOUBLE_EQ(P->MemoryTime, Bytes / 300e9);
    EXPECT_DOUBLE_EQ(P->Intensity, Flops / Bytes);
    EXPECT_EQ(*P->BoundBy, S.By);
  }
}

TEST_F(RooflineTest, C19_IsNeverBelowC18) {
  // 65e12 FLOP take 1 s and 300e9 bytes take 1 s: at once 1 s, one by one 2.
  Work Compute = work("65000000000000", "0"),
       Memory = work("0", "300000000000");
  Ledger L;
  L.Total = Compute;
  L.Total += Memory;
  L.Pieces = {{Compute, ElemType::Float16, Store.constant(1)},
              {Memory, ElemType::Undefined, Store.constant(1)}};
  auto P = evaluateRoofline(L, T4, ElemType::Float16, Bindings());
  ASSERT_TRUE(bool(P));
  EXPECT_DOUBLE_EQ(*P->Time, 1.0);
  EXPECT_DOUBLE_EQ(*P->PerOpTime, 2.0);
}

TEST_F(RooflineTest, C8_VectorWorkHasItsOwnPeak) {
  // A piece of vector work alone: T4's fp32 rate.
  Work W = Work::zero(Store);
  W.Vector = parse("1000000000000");
  Ledger L;
  L.Total = W;
  L.Pieces = {{W, ElemType::Undefined, Store.constant(3)}};
  auto P = evaluateRoofline(L, T4, ElemType::Float16, Bindings());
  ASSERT_TRUE(bool(P));
  EXPECT_DOUBLE_EQ(*P->PerOpTime, 3e12 / *T4.rate(Rate::FP32));
}

TEST_F(RooflineTest, C21_FlipsOfTheSeedsModel) {
  // At B = 64: compute-bound for 5 ≤ N ≤ 785.
  Crossover C = along(gpt2xl(), "N", {{"B", 64}});
  ASSERT_EQ(C.Flips.size(), 2u);
  EXPECT_EQ(C.Flips[0].At, 5);
  EXPECT_EQ(C.Flips[0].To, Bound::Compute);
  EXPECT_EQ(C.Flips[1].At, 786);
  EXPECT_EQ(C.Flips[1].To, Bound::Memory);
  // At B = 1 memory-bound at every N.
  Crossover One = along(gpt2xl(), "N", {{"B", 1}});
  EXPECT_TRUE(One.Flips.empty());
  EXPECT_EQ(One.Always, Bound::Memory);
}

TEST_F(RooflineTest, C21_AgreesWithALookAtEveryPoint) {
  const std::pair<const char *, const char *> Works[] = {
      {"650*N**2", "3*N**2 + 300*N"},              // one flip
      {"650*N", "3*N"},                            // equal: memory
      {"650*N + 1", "3*N"},                        // just above: compute
      {"650*N**3 + 65000*N", "3*N**3 + 900*N**2"}, // two flips
      {"0", "N"},
      {"N", "0"},
      {"650*(N - 3)**2", "3"}, // out, in, out
      {"650*(N-2)*(N-4)*(N-6) + 100000", "300"},
  };
  for (auto [Flops, Bytes] : Works) {
    Work W = work(Flops, Bytes);
    Crossover C = along(W, "N", Bindings());
    ASSERT_TRUE(C.Unknown.empty()) << C.Unknown;
    size_t Next = 0;
    std::optional<Bound> Before;
    for (int64_t N = 1; N <= 2000; ++N) {
      __int128 F = *evaluate(W.flops(), {{"N", N}});
      __int128 M = *evaluate(W.bytes(), {{"N", N}});
      // FLOPs · 300e9 > bytes · 65e12
      Bound Here = F * 3 > M * 650 ? Bound::Compute : Bound::Memory;
      if (Before && *Before != Here) {
        ASSERT_LT(Next, C.Flips.size()) << Flops << " at " << N;
        EXPECT_EQ(C.Flips[Next].At, N) << Flops;
        EXPECT_EQ(C.Flips[Next].To, Here) << Flops;
        ++Next;
      }
      Before = Here;
    }
    if (C.Flips.empty()) {
      EXPECT_EQ(C.Always, Before) << Flops;
    }
  }
}

TEST_F(RooflineTest, C21_WhatIsNoPolynomialHasNoAnswer) {
  Crossover C = along(work("max(N, 8*N - 100)", "N"), "N", Bindings());
  EXPECT_FALSE(C.Unknown.empty());
  EXPECT_TRUE(C.Flips.empty());
  EXPECT_FALSE(C.Always);
}

TEST_F(RooflineTest, AnUnknownPeakGivesNoTime) {
  Bindings At;
  auto P =
      evaluateRoofline(ledger(work("1", "1")), T4, ElemType::Float8E4M3FN, At);
  ASSERT_TRUE(bool(P));
  EXPECT_FALSE(P->ComputeTime);
  EXPECT_FALSE(P->Time);
  EXPECT_FALSE(P->BoundBy);
}

TEST(ScopeTest, NamesAndRoles) {
  Scope Core = Scope::core();
  EXPECT_TRUE(Core.covers(Role::QProj));
  EXPECT_TRUE(Core.covers(Role::MlpDown));
  EXPECT_FALSE(Core.covers(Role::Norm));
  EXPECT_FALSE(Core.covers(Role::LmHead));
  Scope Mha = llvm::cantFail(Scope::parse("mha"));
  EXPECT_TRUE(Mha.covers(Role::Softmax));
  EXPECT_FALSE(Mha.covers(Role::OutProj));
  Scope Two = llvm::cantFail(Scope::parse("softmax, lm_head"));
  EXPECT_TRUE(Two.covers(Role::LmHead));
  EXPECT_FALSE(Two.covers(Role::Av));
  llvm::Expected<Scope> Wrong = Scope::parse("softmx");
  EXPECT_FALSE(bool(Wrong));
  llvm::consumeError(Wrong.takeError());
}

} // namespace
