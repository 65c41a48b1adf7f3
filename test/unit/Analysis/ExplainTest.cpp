//===- ExplainTest.cpp - what is told is what is counted ------------------===//

#include "xfa/Analysis/Explain.h"

#include "Analysis/DecodeTestSupport.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {
namespace {

using namespace test;

/// The result that begins so.
const Explanation::Step *result(const Explanation &E, llvm::StringRef Begins) {
  for (const Explanation::Step &S : E.Steps)
    if (S.Result && llvm::StringRef(S.Text).starts_with(Begins))
      return &S;
  return nullptr;
}

std::string human(Expr E) { return toString(E, ExprStyle::Human); }

TEST(Explain, LettersOfEachRole) { // T2 to T6
  Analysed M = analyseFile("gpt2-xl.onnx");
  struct {
    Role R;
    const char *Flops, *Bytes;
  } Table[] = {
      {Role::QProj, "2*B*N*D**2", "n*(2*B*N*D + D**2)"},
      {Role::KProj, "2*B*N*D**2", "n*(2*B*N*D + D**2)"},
      {Role::VProj, "2*B*N*D**2", "n*(2*B*N*D + D**2)"},
      {Role::Qk, "2*B*N**2*D", "n*(2*B*N*D + H*B*N**2)"},
      {Role::Scale, "H*B*N**2", "0"},
      {Role::Mask, "H*B*N**2", "2*n*H*B*N**2"},
      {Role::Softmax, "3*H*B*N**2", "2*n*H*B*N**2"},
      {Role::Av, "2*B*N**2*D", "n*(H*B*N**2 + 2*B*N*D)"},
      {Role::OutProj, "2*B*N*D**2", "n*(2*B*N*D + D**2)"},
      {Role::MlpUp, "8*B*N*D**2 + 4*B*N*D", "n*(5*B*N*D + 4*D**2 + 4*D)"},
      {Role::MlpDown, "8*B*N*D**2 + B*N*D", "n*(5*B*N*D + 4*D**2 + D)"},
  };
  for (const auto &Row : Table) {
    Explanation E = llvm::cantFail(explainRole(*M.A, Row.R, AnalysisOptions()));
    const Explanation::Step *Sum = result(E, "together");
    ASSERT_TRUE(Sum);
    EXPECT_EQ(Sum->Flops, expr(*M.A, Row.Flops)) << roleName(Row.R).str();
    EXPECT_EQ(Sum->Bytes, expr(*M.A, Row.Bytes)) << roleName(Row.R).str();
    EXPECT_EQ(E.Count, 48);
  }
}

TEST(Explain, NumbersAreTheLedgersInEveryModel) {
  for (const char *Name :
       {"gpt2-xl.onnx", "llama3-8b-2l_nopast_ts17.onnx",
        "llama3-8b-2l_withpast_optimum.onnx",
        "gemma-2b-2l_withpast_optimum.onnx",
        "falcon-40b-2l_nopast_dynamo18_eager.onnx",
        "t5-small_decoder_optimum.onnx", "plain_mlp_d4096_ts17.onnx",
        "whisper-tiny_encoder_optimum.onnx"}) {
    Analysed M = analyseFile(Name);
    unsigned Told = 0;
    for (Role R : explainableRoles()) {
      llvm::Expected<Explanation> E = explainRole(*M.A, R, AnalysisOptions());
      if (!E) {
        llvm::consumeError(E.takeError());
        continue;
      }
      ++Told;
      // Cross-attention's lengths are its own.
      if (!llvm::StringRef(Name).starts_with("t5")) {
        EXPECT_FALSE(E->LayersDiffer) << Name << " " << roleName(R).str();
      }
      Expr Flops = M.A->Store->constant(0), Bytes = Flops;
      for (const Explanation::Step &S : E->Steps)
        if (!S.Result) {
          Flops += S.Flops ? S.Flops : M.A->Store->constant(0);
          Bytes += S.Bytes ? S.Bytes : M.A->Store->constant(0);
        }
      EXPECT_EQ(result(*E, "together")->Flops, Flops) << human(Flops);
      EXPECT_EQ(result(*E, "together")->Bytes, Bytes) << human(Bytes);
    }
    EXPECT_GE(Told, 2u) << Name;
  }
}

TEST(Explain, GroupedKeysHaveALetterOfTheirOwn) { // T8
  Analysed M = analyseFile("llama3-8b-2l_nopast_ts17.onnx");
  Explanation E =
      llvm::cantFail(explainRole(*M.A, Role::KProj, AnalysisOptions()));
  EXPECT_EQ(result(E, "together")->Flops, expr(*M.A, "2*B*N*D*K"));
  EXPECT_TRUE(llvm::any_of(
      E.Steps, [](const Explanation::Step &S) { return S.Rule == "T8"; }));
  EXPECT_TRUE(llvm::is_contained(
      E.Letters, std::pair(std::string("K"), M.A->Store->constant(1024))));
}

TEST(Explain, OneNewRowIsNotMasked) { // T7
  Analysed M = analyseFile("gpt2-xl.onnx");
  Explanation E =
      llvm::cantFail(explainRole(*M.A, Role::Mask, AnalysisOptions()));
  EXPECT_TRUE(E.Steps.back().Flops.is(0));
  EXPECT_TRUE(E.Steps.back().Bytes.is(0));
  E = llvm::cantFail(explainRole(*M.A, Role::Qk, AnalysisOptions()));
  // 48 (2BND), 96 (BD + BND + BHN)
  EXPECT_EQ(E.Steps.back().Flops, expr(*M.A, "48*2*B*N*1600"));
  EXPECT_EQ(E.Steps.back().Bytes,
            expr(*M.A, "96*(B*1600 + B*N*1600 + B*25*N)"));
}

TEST(Explain, WhatAModelHasNot) {
  Analysed M = analyseFile("plain_mlp_d4096_ts17.onnx");
  llvm::Expected<Explanation> E =
      explainRole(*M.A, Role::Softmax, AnalysisOptions());
  ASSERT_FALSE(bool(E));
  EXPECT_EQ(llvm::toString(E.takeError()),
            "the model has no softmax; it has: mlp_up mlp_down");
}

} // namespace
} // namespace xfa
