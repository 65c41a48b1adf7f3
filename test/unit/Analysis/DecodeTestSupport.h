//===- DecodeTestSupport.h - models and structures to decode --------------===//

#ifndef XFA_TEST_UNIT_ANALYSIS_DECODETESTSUPPORT_H
#define XFA_TEST_UNIT_ANALYSIS_DECODETESTSUPPORT_H

#include "xfa/Analysis/Decode.h"
#include "xfa/Import/Import.h"

#include <gtest/gtest.h>

namespace xfa::test {

/// A model of models/ and its analysis.
struct Analysed {
  std::unique_ptr<Model> M;
  std::unique_ptr<ModelAnalysis> A;
  const DecodeFacts &decode() const { return *A->Decode; }
};

inline Analysed analyseFile(llvm::StringRef Name,
                            std::optional<ElemType> Dtype = std::nullopt,
                            llvm::StringRef ScopeName = "core") {
  AnalysisOptions Options;
  Options.WantDecode = Options.WantMemory = true;
  Options.Counting.Dtype = Dtype;
  Options.TextbookScope = llvm::cantFail(Scope::parse(ScopeName));
  Analysed Result;
  std::string Path = std::string(XFA_SOURCE_DIR "/models/") + Name.str();
  Result.M = llvm::cantFail(importFile(Path));
  Result.A = llvm::cantFail(analyseModel(*Result.M, Options));
  return Result;
}

/// Sizes of a decoder with symbols B and N.
struct Sizes {
  int64_t D, Heads, KvHeads, HeadDim, Hidden, Layers;
  bool Gated = false, MlpBias = true, Masked = true;
};

/// A decoder of these sizes as recognition would have found it, fp16.
inline std::unique_ptr<ModelAnalysis> decoderOf(const Sizes &Of) {
  auto A = std::make_unique<ModelAnalysis>();
  A->Store = std::make_unique<ExprStore>();
  ExprStore &S = *A->Store;
  auto C = [&](int64_t V) { return S.constant(V); };
  Expr B = S.symbol("B"), N = S.symbol("N");
  A->Symbols = {{"B", "B", SymbolInfo::Batch},
                {"N", "N", SymbolInfo::Sequence}};
  A->ActivationType = ElemType::Float16;
  A->Graph.Total = Work::zero(S);
  A->Found.Kind = Structure::Decoder;
  auto Project = [&](int64_t In, int64_t Out, bool Bias) {
    Projection P;
    P.Product = NodeId(0);
    P.In = C(In);
    P.Out = C(Out);
    P.Bias = Bias;
    return P;
  };
  for (int64_t Layer = 0; Layer < Of.Layers; ++Layer) {
    AttentionCore Core;
    Core.Batch = B;
    Core.Rows = Core.Columns = N;
    Core.Heads = C(Of.Heads);
    Core.KvHeads = C(Of.KvHeads);
    Core.HeadDim = Core.ValueDim = C(Of.HeadDim);
    Core.QueryWidth = Core.ResultWidth = C(Of.Heads * Of.HeadDim);
    Core.KeyWidth = Core.ValueWidth = C(Of.KvHeads * Of.HeadDim);
    Core.Scaled = true;
    Core.Masked = Of.Masked;
    Core.Q = Project(Of.D, Of.Heads * Of.HeadDim, true);
    Core.K = Core.V = Project(Of.D, Of.KvHeads * Of.HeadDim, true);
    Core.Out = Project(Of.Heads * Of.HeadDim, Of.D, true);
    Mlp L;
    L.Rows = B * N;
    L.Up = Project(Of.D, Of.Hidden, Of.MlpBias);
    if (Of.Gated)
      L.Gate = Project(Of.D, Of.Hidden, Of.MlpBias);
    L.Down = Project(Of.Hidden, Of.D, Of.MlpBias);
    Block Blk;
    Blk.Layer = static_cast<int>(Layer);
    Blk.Attention.push_back(Core);
    Blk.Mlps.push_back(L);
    A->Found.Blocks.push_back(Blk);
  }
  return A;
}

/// An expression of A's store from text: "2949504000*B + 312000*B*N".
inline Expr expr(const ModelAnalysis &A, const std::string &Text) {
  return llvm::cantFail(A.Store->parse(Text));
}

inline __int128 at(Expr E, int64_t B, int64_t N) {
  return llvm::cantFail(evaluate(E, {{"B", B}, {"N", N}}));
}

} // namespace xfa::test

#endif // XFA_TEST_UNIT_ANALYSIS_DECODETESTSUPPORT_H
