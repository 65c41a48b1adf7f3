//===- PassTrace.cpp ------------------------------------------------------===//

#include "xfa/Transform/PassTrace.h"

#include "xfa/Analysis/Speculative.h"

namespace xfa {

using SharedAnalysis = std::shared_ptr<const ModelAnalysis>;

/// Ledgers and structure only.
static llvm::Expected<SharedAnalysis> analysed(const Model &M,
                                               AnalysisOptions Options) {
  Options.WantMemory = Options.WantDecode = false;
  llvm::Expected<std::unique_ptr<ModelAnalysis>> A = analyseModel(M, Options);
  if (!A)
    return A.takeError();
  return SharedAnalysis(std::move(*A));
}

llvm::Expected<PassTrace> tracePasses(Model &M, llvm::ArrayRef<PassInfo> Passes,
                                      const AnalysisOptions &Options) {
  PassTrace T;
  llvm::Expected<SharedAnalysis> Last = analysed(M, Options);
  if (!Last)
    return Last.takeError();
  T.Before = *Last;
  for (const PassInfo &P : Passes) {
    llvm::Expected<std::vector<PassRun>> Runs = runPasses(M, P);
    if (!Runs)
      return Runs.takeError();
    TracedState S;
    S.Name = P.Name.str();
    S.Result = std::move(Runs->front());
    if (S.Result.Fired != 0) {
      Last = analysed(M, Options);
      if (!Last)
        return Last.takeError();
    }
    S.A = *Last;
    T.States.push_back(std::move(S));
  }
  return T;
}

/// The first reason of a pass that did not fire.
static std::string reason(const PassResult &R) {
  if (R.Refused.empty())
    return "the pass found nothing that it is for";
  const Refusal &First = R.Refused.front();
  return (First.Where.empty() ? "" : "'" + First.Where + "': ") + First.Why;
}

llvm::Expected<PassTrace>
traceLadder(std::function<llvm::Expected<std::unique_ptr<Model>>()> Fresh,
            const AnalysisOptions &Options, int64_t Gamma, double Alpha,
            llvm::ArrayRef<WhatIf> WhatIfs) {
  PassTrace T;
  T.IsLadder = true;
  // What its passes refuse is told where they are asked for by name.
  auto Add = [&](llvm::StringRef Name, llvm::StringRef Passes,
                 const AnalysisOptions &Counting) -> llvm::Error {
    llvm::Expected<std::unique_ptr<Model>> M = Fresh();
    if (!M)
      return M.takeError();
    llvm::Expected<std::vector<PassInfo>> Parsed = parsePasses(Passes);
    if (!Parsed)
      return Parsed.takeError();
    llvm::Expected<std::vector<PassRun>> Runs = runPasses(**M, *Parsed);
    if (!Runs)
      return Runs.takeError();
    llvm::Expected<SharedAnalysis> A = analysed(**M, Counting);
    if (!A)
      return A.takeError();
    TracedState S;
    S.Name = Name.str();
    for (const PassRun &Run : *Runs)
      S.Result.Fired += Run.Fired;
    if (Parsed->front().Name == "kv-cache" && !(*A)->HasCache)
      S.Why = "the kv-cache pass does not fire: " + reason(Runs->front());
    else
      S.A = *A;
    if ((*A)->HasCache)
      S.NewTokens = 1;
    T.States.push_back(std::move(S));
    return llvm::Error::success();
  };
  AnalysisOptions Small = Options;
  Small.Counting.Weights = ElemType::Int4;
  Small.Counting.WeightGroup = 128;
  llvm::Expected<std::unique_ptr<Model>> M = Fresh();
  if (!M)
    return M.takeError();
  llvm::Expected<SharedAnalysis> Before = analysed(**M, Options);
  if (!Before)
    return Before.takeError();
  T.Before = *Before;
  struct Rung {
    llvm::StringRef Name, Passes;
    const AnalysisOptions &Counting;
  };
  for (const Rung &R : {Rung{"O1", "O1", Options}, Rung{"O2", "O2", Options},
                        Rung{"with a cache", "kv-cache,O2", Options},
                        Rung{"int4 weights", "kv-cache,O2", Small}})
    if (llvm::Error E = Add(R.Name, R.Passes, R.Counting))
      return E;
  // The same graph, on several rows at a time.
  TracedState Verified = T.States.back();
  Verified.Name = "speculative";
  Verified.NewTokens = Gamma + 1;
  Verified.Yield = expectedTokens(Alpha, Gamma);
  T.States.push_back(std::move(Verified));
  for (const WhatIf &W : WhatIfs) {
    const TracedState &Pass = T.States[1], &Step = T.States[2];
    TracedState S = W.Kind == WhatIf::ChunkedPrefill || !Step.A ? Pass : Step;
    S.Name = S.Name + ", " + W.name();
    llvm::Expected<WhatIfCost> Cost = applyWhatIf(*S.A, W);
    if (Cost) {
      S.Instead = std::move(*Cost);
    } else {
      S.Why = llvm::toString(Cost.takeError());
      S.A.reset();
    }
    T.States.push_back(std::move(S));
  }
  return T;
}

} // namespace xfa
