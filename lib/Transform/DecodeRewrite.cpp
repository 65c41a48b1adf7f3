//===- DecodeRewrite.cpp --------------------------------------------------===//

#include "xfa/Transform/DecodeRewrite.h"

#include "xfa/IR/Fused.h"
#include "xfa/Transform/Pipeline.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// The costs in A's store and with A's name for the new rows.
static DecodeCosts moved(const DecodeCosts &Costs, const DecodeFacts &From,
                         const ModelAnalysis &A) {
  ExprStore &Store = *A.Store;
  Substitution Rows = {{*From.Rows.asSymbol(), A.Decode->Rows}};
  auto Fn = [&](Expr E) { return substitute(transfer(E, Store), Rows); };
  DecodeCosts Result;
  Result.One = {mapLedger(Costs.One.L, Fn), Fn(Costs.One.Cache)};
  if (Costs.Several)
    Result.Several = {mapLedger(Costs.Several->L, Fn),
                      Fn(Costs.Several->Cache)};
  // Without a cache: the graph as it was.
  Result.Uncached = A.Graph;
  return Result;
}

/// A symbol of the rewritten graph that the original has not; empty if there is
/// none.
static std::string strangeSymbol(const DecodeCosts &Costs,
                                 const ModelAnalysis &A) {
  for (Expr E : {Costs.One.L.Total.flops(), Costs.One.L.Total.bytes()})
    for (llvm::StringRef Name : symbols(E))
      if (Name != *A.Decode->Positions.asSymbol() &&
          llvm::none_of(A.Symbols,
                        [&](const SymbolInfo &S) { return S.Name == Name; }))
        return Name.str();
  return "";
}

/// The passes whose kernels a model has, by commas, in the order of O2.
static std::string fusionsIn(const Model &M) {
  constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> Passes[] = {
      {AttentionName, "fuse-attention"},
      {ScaledScoresName, "fuse-scale"},
      {MaskSoftmaxName, "fuse-mask-softmax"},
      {ProductName, "fuse-epilogue"},
      {NormName, "fuse-norm"},
      {RotaryName, "fuse-rotary"},
      {PackedQkvName, "pack-qkv"},
      {ElementwiseName, "elementwise"}};
  std::string Found;
  for (const auto &[Kernel, Pass] : Passes)
    if (llvm::any_of(M.Nodes,
                     [&](const Node &N) { return isFused(N, Kernel); }))
      Found += (Found.empty() ? "" : ",") + Pass.str();
  return Found;
}

llvm::Error decodeThroughRewrite(Model &Fresh, ModelAnalysis &A) {
  DecodeFacts &F = *A.Decode;
  if (!F.None.empty() || F.Graph || A.HasCache)
    return llvm::Error::success();
  // The pass works on nodes; kernels are taken apart for it.
  const std::string Again = fusionsIn(Fresh);
  llvm::Expected<std::vector<PassInfo>> Passes =
      parsePasses("unfuse,kv-cache" + (Again.empty() ? "" : "," + Again));
  if (!Passes)
    return Passes.takeError();
  llvm::Expected<std::vector<PassRun>> Runs = runPasses(Fresh, *Passes);
  if (!Runs)
    return Runs.takeError();
  const PassRun &Run = (*Runs)[1];
  if (Run.Fired == 0) {
    F.NoGraph = "the graph has no cache, and the kv-cache pass refuses it";
    if (!Run.Refused.empty())
      F.NoGraph += ": " +
                   (Run.Refused.front().Where.empty()
                        ? std::string()
                        : Run.Refused.front().Where + ": ") +
                   Run.Refused.front().Why;
    return llvm::Error::success();
  }
  AnalysisOptions Options = A.Options;
  Options.WantDecode = true;
  Options.WantMemory = false;
  llvm::Expected<std::unique_ptr<ModelAnalysis>> Rewritten =
      analyseModel(Fresh, Options);
  if (!Rewritten)
    return Rewritten.takeError();
  const DecodeFacts &New = *(*Rewritten)->Decode;
  if (!New.Graph) {
    F.NoGraph = "after the kv-cache pass: " +
                (New.None.empty() ? New.NoGraph : New.None);
    return llvm::Error::success();
  }
  std::string Strange = strangeSymbol(*New.Graph, A);
  if (!Strange.empty()) {
    F.NoGraph = "after the kv-cache pass the cost depends on '" + Strange +
                "', which the graph itself has not";
    return llvm::Error::success();
  }
  F.Graph = moved(*New.Graph, New, A);
  F.NoGraph.clear();
  F.Rewritten = true;
  F.FusedAgain = Again;
  return llvm::Error::success();
}

} // namespace xfa
