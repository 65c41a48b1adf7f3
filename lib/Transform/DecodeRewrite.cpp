//===- DecodeRewrite.cpp --------------------------------------------------===//

#include "xfa/Transform/DecodeRewrite.h"

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

llvm::Error decodeThroughRewrite(Model &Fresh, ModelAnalysis &A) {
  DecodeFacts &F = *A.Decode;
  if (!F.None.empty() || F.Graph || A.HasCache)
    return llvm::Error::success();
  llvm::Expected<std::vector<PassInfo>> Pass = parsePasses("kv-cache");
  if (!Pass)
    return Pass.takeError();
  llvm::Expected<std::vector<PassRun>> Runs = runPasses(Fresh, *Pass);
  if (!Runs)
    return Runs.takeError();
  const PassRun &Run = Runs->front();
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
  return llvm::Error::success();
}

} // namespace xfa
