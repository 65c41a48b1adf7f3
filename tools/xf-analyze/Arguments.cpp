//===- Arguments.cpp - the command line of xf-analyze ---------------------===//

#include "Arguments.h"

#include "../Batch.h"
#include "../Words.h"

#include "xfa/Analysis/CustomOpsFile.h"

namespace xfa::tool {

namespace {
/// The texts of the options, before they mean anything.
struct Texts {
  std::vector<std::string> Models, Gpus, Points, Sweeps;
  std::string GpuFile, CustomOps, Batch, Jobs, Ledger, Scope, Dtype, Weights,
      View, Estimate, Format, Output, SoftmaxFlops, Layout, If, Draft, Gamma,
      Alpha, Fit, Request, Explain, Passes, WhatIfs, CausalTiles;
};
} // namespace

static void declare(CLI::App &App, Texts &T, Arguments &A) {
  App.set_help_flag("");
  App.add_flag("-h,--help", A.Help);
  App.add_flag("--version", A.Version);
  App.add_flag("--list-gpus", A.ListGpus);
  App.add_flag("--strict", A.Strict);
  App.add_option("MODEL", T.Models);
  App.add_option("--gpu", T.Gpus)->allow_extra_args(false);
  App.add_option("--at", T.Points)->allow_extra_args(false);
  App.add_option("--sweep", T.Sweeps)->allow_extra_args(false);
  App.add_option("--gpu-file", T.GpuFile);
  App.add_option("--custom-ops", T.CustomOps);
  App.add_option("--batch", T.Batch);
  App.add_option("-j", T.Jobs);
  App.add_option("--ledger", T.Ledger);
  App.add_option("--scope", T.Scope);
  App.add_option("--dtype", T.Dtype);
  App.add_option("--weights", T.Weights);
  App.add_option("--view", T.View);
  App.add_option("--estimate", T.Estimate);
  App.add_option("--format", T.Format);
  App.add_option("-o,--output", T.Output);
  App.add_option("--softmax-flops", T.SoftmaxFlops);
  App.add_option("--layout", T.Layout);
  App.add_option("--if", T.If);
  App.add_option("--causal-tiles", T.CausalTiles);
  App.add_option("--draft", T.Draft);
  App.add_option("--gamma", T.Gamma);
  App.add_option("--alpha", T.Alpha);
  App.add_option("--fit", T.Fit);
  App.add_option("--request", T.Request);
  App.add_option("--explain", T.Explain);
  App.add_option("--passes", T.Passes);
  App.add_option("--what-if", T.WhatIfs);
}

/// One of a few words.
template <typename ValueT>
static llvm::Error
choose(llvm::StringRef Option, llvm::StringRef Text, ValueT &To,
       std::initializer_list<std::pair<llvm::StringRef, ValueT>> Words) {
  if (Text.empty())
    return llvm::Error::success();
  std::string Known;
  for (const auto &[Word, Value] : Words) {
    if (Word == Text) {
      To = Value;
      return llvm::Error::success();
    }
    Known += (Known.empty() ? "" : ", ") + Word.str();
  }
  return usageError(Option + "=" + Text + ": expected one of " + Known);
}

static llvm::Expected<ElemType> parseType(llvm::StringRef Option,
                                          llvm::StringRef Text) {
  if (std::optional<ElemType> Type = elemTypeFromName(Text.trim()))
    if (isFloat(*Type) || isInteger(*Type)) // what peaks and sizes go by
      return *Type;
  return usageError(Option + "=" + Text +
                    ": no such element type; there are fp64, fp32, tf32, fp16, "
                    "bf16, fp8e4m3fn, int8, int4, …");
}

static llvm::Error parseDtype(llvm::StringRef Text, Arguments &A) {
  if (Text.empty())
    return llvm::Error::success();
  A.Report.WhatIfs.push_back("--dtype=" + Text.str());
  if (Text == "tf32") {
    A.Analysis.Counting.Dtype = ElemType::Float32;
    A.Report.Products = Float32Products::TF32;
    return llvm::Error::success();
  }
  llvm::Expected<ElemType> Type = parseType("--dtype", Text);
  if (!Type)
    return Type.takeError();
  A.Analysis.Counting.Dtype = *Type;
  return llvm::Error::success();
}

/// "int4" or "int4,g128".
static llvm::Error parseWeights(llvm::StringRef Text, Arguments &A) {
  if (Text.empty())
    return llvm::Error::success();
  A.Report.WhatIfs.push_back("--weights=" + Text.str());
  auto [TypeText, Group] = Text.split(',');
  llvm::Expected<ElemType> Type = parseType("--weights", TypeText);
  if (!Type)
    return Type.takeError();
  A.Analysis.Counting.Weights = *Type;
  if (Group.empty())
    return llvm::Error::success();
  if (!Group.consume_front("g") ||
      Group.getAsInteger(10, A.Analysis.Counting.WeightGroup) ||
      A.Analysis.Counting.WeightGroup < 1)
    return usageError("--weights=" + Text +
                      ": expected TYPE or TYPE,gN with "
                      "N elements to a group, as in int4,g128");
  return llvm::Error::success();
}

/// The accelerators of a list of keys, each once.
static llvm::Error addGpus(llvm::StringRef List, llvm::ArrayRef<Gpu> Own,
                           std::vector<Gpu> &To) {
  llvm::SmallVector<llvm::StringRef, 4> Keys;
  List.split(Keys, ',');
  for (llvm::StringRef Key : Keys) {
    Key = Key.trim();
    const Gpu *G = findGpu(Key, Own);
    if (!G) {
      std::string Near = nearestGpuKey(Key, Own);
      return usageError(
          "no accelerator '" + Key + "'" +
          (Near.empty() ? std::string() : "; did you mean '" + Near + "'?") +
          " (--list-gpus shows them)");
    }
    if (llvm::none_of(To, [&](const Gpu &O) { return O.Key == G->Key; }))
      To.push_back(*G);
  }
  return llvm::Error::success();
}

static llvm::Error pickGpus(const Texts &T, Arguments &A) {
  if (!T.GpuFile.empty()) {
    llvm::Expected<std::vector<Gpu>> Own = readGpuFile(T.GpuFile);
    if (!Own)
      return Own.takeError();
    A.OwnGpus = std::move(*Own);
    if (T.Gpus.empty())
      A.Report.Gpus = A.OwnGpus;
  }
  for (llvm::StringRef List : T.Gpus)
    if (llvm::Error E = addGpus(List, A.OwnGpus, A.Report.Gpus))
      return E;
  return llvm::Error::success();
}

/// --draft, --gamma, --alpha: they ask for the view, and it asks for a draft.
static llvm::Error pickSpeculation(const Texts &T, Arguments &A) {
  bool Asked = llvm::is_contained(A.Report.Views, View::Speculative);
  bool Given = !T.Draft.empty() || !T.Gamma.empty() || !T.Alpha.empty();
  if (!Asked && !Given)
    return llvm::Error::success();
  if (T.Draft.empty())
    return usageError("speculative decoding needs a draft: --draft=MODEL, and "
                      "--gamma=K tokens a round, accepted with --alpha=A");
  Speculation S;
  S.Draft = T.Draft;
  if (!T.Gamma.empty()) {
    llvm::Expected<int64_t> Gamma = parseGamma(T.Gamma);
    if (!Gamma)
      return Gamma.takeError();
    S.Gamma = *Gamma;
  }
  if (!T.Alpha.empty()) {
    llvm::Expected<double> Alpha = parseAlpha(T.Alpha);
    if (!Alpha)
      return Alpha.takeError();
    S.Alpha = *Alpha;
  }
  A.Report.Speculative = S;
  if (Asked)
    return llvm::Error::success();
  if (A.Form == Format::Csv)
    return usageError("--draft is for --view=speculative");
  if (A.Report.Views.empty())
    A.Report.Views = {View::Summary};
  A.Report.Views.push_back(View::Speculative);
  return llvm::Error::success();
}

/// --fit, --request, --explain.
static llvm::Error pickPlans(const Texts &T, Arguments &A) {
  if (A.Form == Format::Csv)
    for (auto [Name, Text] :
         {std::pair("--fit", &T.Fit), std::pair("--request", &T.Request),
          std::pair("--explain", &T.Explain)})
      if (!Text->empty())
        return usageError(llvm::StringRef(Name) +
                          " has no CSV form; there are text and JSON");
  if (!T.Fit.empty())
    if (llvm::Error E = addGpus(T.Fit, A.OwnGpus, A.Report.FitGpus))
      return E;
  if (!T.Request.empty()) {
    llvm::Expected<RequestSize> R = parseRequest(T.Request);
    if (!R)
      return R.takeError();
    A.Report.Request = *R;
    if (A.Report.Gpus.empty())
      return usageError("--request gives times, so it needs an accelerator: "
                        "--gpu=KEY (--list-gpus shows them)");
  }
  if (T.Explain.empty())
    return llvm::Error::success();
  llvm::Expected<llvm::SmallVector<Role, 2>> Roles = parseExplain(T.Explain);
  if (!Roles)
    return Roles.takeError();
  A.Report.Explain = std::move(*Roles);
  return llvm::Error::success();
}

static llvm::Error pickPoints(const Texts &T, Arguments &A) {
  for (const std::string &Text : T.Points) {
    llvm::Expected<Coordinates> At = parsePoint(Text);
    if (!At)
      return At.takeError();
    A.Report.Points.push_back(std::move(*At));
  }
  A.Report.FirstSwept = A.Report.Points.size();
  for (const std::string &Text : T.Sweeps) {
    llvm::Expected<std::vector<Coordinates>> Swept = parseSweep(Text);
    if (!Swept)
      return Swept.takeError();
    llvm::append_range(A.Report.Points, *Swept);
  }
  return llvm::Error::success();
}

static llvm::Error pickViews(const Texts &T, Arguments &A) {
  if (!T.View.empty()) {
    llvm::Expected<llvm::SmallVector<View, 4>> Views = parseViews(T.View);
    if (!Views)
      return Views.takeError();
    A.Report.Views = std::move(*Views);
  }
  A.Report.ForJson = A.Form == Format::Json;
  if (A.Form != Format::Csv)
    return llvm::Error::success();
  if (A.Report.Views.empty())
    A.Report.Views = {View::Roofline};
  if (A.Report.Views.size() > 1)
    return usageError("--format=csv holds one table, but --view=" + T.View +
                      " names several; ask for one at a time");
  if (!isTable(A.Report.Views.front()))
    return usageError("view '" + viewName(A.Report.Views.front()) +
                      "' is no table, so it has no CSV form");
  return llvm::Error::success();
}

static llvm::Error pickBatch(const Texts &T, Arguments &A) {
  if (T.Batch.empty())
    return T.Jobs.empty() ? llvm::Error::success()
                          : usageError("-j is for --batch");
  if (!T.Models.empty())
    return usageError("--batch names its models in LIST, so a MODEL beside it "
                      "has no meaning");
  if (!T.Format.empty() && T.Format != "json")
    return usageError("--batch writes a line of JSON a model; --format=" +
                      T.Format + " beside it has no meaning");
  llvm::Expected<unsigned> Jobs = parseJobs(T.Jobs);
  if (!Jobs)
    return Jobs.takeError();
  A.Jobs = *Jobs;
  A.Batch = T.Batch;
  A.Form = Format::Json;
  return llvm::Error::success();
}

static llvm::Error pickFormat(const Texts &T, Arguments &A) {
  if (T.Format == "html")
    return usageError("--format=html is not available yet in this version");
  return choose<Format>(
      "--format", T.Format, A.Form,
      {{"text", Format::Text}, {"json", Format::Json}, {"csv", Format::Csv}});
}

static llvm::Error pickEstimate(const Texts &T, Arguments &A) {
  if (T.Estimate == "calibrated")
    return usageError(
        "--estimate=calibrated is not available yet in this version");
  return choose<Estimate>(
      "--estimate", T.Estimate, A.Report.Times,
      {{"roofline", Estimate::Roofline}, {"per-op", Estimate::PerOp}});
}

static llvm::Error pickCounting(const Texts &T, Arguments &A) {
  using Kinds = llvm::SmallVector<LedgerKind, 2>;
  CountingOptions &C = A.Analysis.Counting;
  if (auto E = choose<Kinds>(
          "--ledger", T.Ledger, A.Report.Ledgers,
          {{"textbook", Kinds{LedgerKind::Textbook}},
           {"graph", Kinds{LedgerKind::Graph}},
           {"both", Kinds{LedgerKind::Textbook, LedgerKind::Graph}}}))
    return E;
  if (auto E = choose<unsigned>("--softmax-flops", T.SoftmaxFlops,
                                C.SoftmaxFlops, {{"3", 3}, {"5", 5}}))
    return E;
  if (auto E = choose<LayoutPolicy>("--layout", T.Layout, C.Layout,
                                    {{"fused", LayoutPolicy::Fused},
                                     {"executed", LayoutPolicy::Executed}}))
    return E;
  if (auto E = choose<IfPolicy>("--if", T.If, C.If,
                                {{"then", IfPolicy::Then},
                                 {"else", IfPolicy::Else},
                                 {"max", IfPolicy::Max}}))
    return E;
  if (auto E = choose<bool>("--causal-tiles", T.CausalTiles,
                            A.Report.SkipsCausalTiles,
                            {{"all", false}, {"skip", true}}))
    return E;
  if (A.Report.SkipsCausalTiles)
    A.Report.WhatIfs.push_back("--causal-tiles=skip");
  if (!T.CustomOps.empty()) {
    llvm::Expected<std::shared_ptr<const CustomOps>> Ops =
        readCustomOps(T.CustomOps);
    if (!Ops)
      return Ops.takeError();
    C.Custom = std::move(*Ops);
  }
  if (!T.Scope.empty()) {
    llvm::Expected<Scope> S = Scope::parse(T.Scope);
    if (!S)
      return usageError("--scope=" + T.Scope + ": " +
                        llvm::toString(S.takeError()));
    A.Analysis.TextbookScope = std::move(*S);
  }
  A.Report.TextbookScope = A.Analysis.TextbookScope;
  return llvm::Error::success();
}

/// --passes shows what it did, unless other views were asked for; the view
/// without passes is the ladder.
static llvm::Error pickPasses(const Texts &T, Arguments &A) {
  const bool Asked = llvm::is_contained(A.Report.Views, View::Passes);
  A.WantLadder = Asked && T.Passes.empty();
  if (A.Report.Speculative) {
    A.Gamma = A.Report.Speculative->Gamma;
    A.Alpha = A.Report.Speculative->Alpha;
  }
  if (!T.WhatIfs.empty()) {
    if (!A.WantLadder)
      return usageError("--what-if adds rungs to the ladder: it needs "
                        "--view=passes, and no --passes");
    llvm::Expected<std::vector<WhatIf>> Given = parseWhatIfs(T.WhatIfs);
    if (!Given)
      return usageError("--what-if=" + T.WhatIfs + ": " +
                        llvm::toString(Given.takeError()));
    A.WhatIfs = std::move(*Given);
  }
  if (T.Passes.empty())
    return llvm::Error::success();
  llvm::Expected<std::vector<PassInfo>> Parsed = parsePasses(T.Passes);
  if (!Parsed)
    return usageError("--passes=" + T.Passes + ": " +
                      llvm::toString(Parsed.takeError()));
  A.Passes = std::move(*Parsed);
  if (A.Report.Views.empty())
    A.Report.Views = {View::Summary, View::Passes, View::Roofline};
  return llvm::Error::success();
}

llvm::Expected<Arguments> parseArguments(int Count, const char *const *Words) {
  Arguments A;
  Texts T;
  CLI::App App;
  declare(App, T, A);
  if (llvm::Error E = parseWords(App, Count, Words))
    return E;
  if (A.Help || A.Version)
    return A;
  if (llvm::Error E = checkModels(T.Models))
    return E;
  A.Output = T.Output;
  if (App.count("-o") && T.Output.empty())
    return usageError("-o needs the name of a file");
  for (llvm::function_ref<llvm::Error(const Texts &, Arguments &)> Step :
       {pickFormat, pickBatch, pickEstimate, pickCounting, pickViews,
        pickPoints, pickGpus, pickSpeculation, pickPlans, pickPasses})
    if (llvm::Error E = Step(T, A))
      return E;
  if (llvm::Error E = parseDtype(T.Dtype, A))
    return E;
  if (llvm::Error E = parseWeights(T.Weights, A))
    return E;
  if (T.Models.empty() && T.Batch.empty() && !A.ListGpus)
    return usageError("which MODEL? (see --help)");
  if (!T.Models.empty())
    A.Model = T.Models.front();
  A.Inputs = {T.GpuFile, T.CustomOps, T.Draft};
  A.Report.Counting = A.Analysis.Counting;
  auto Shows = [&](View V) { return llvm::is_contained(A.Report.Views, V); };
  bool Fits = !A.Report.FitGpus.empty();
  A.Analysis.WantMemory = A.Report.ForJson || Fits || Shows(View::Memory);
  A.Analysis.WantDecode = Fits || A.Report.Request || Shows(View::Decode) ||
                          Shows(View::Speculative);
  // Text shows the first ledger unless others are asked for.
  const auto &Ledgers = A.Report.Ledgers;
  A.WantGraphStep =
      A.Analysis.WantDecode &&
      (Ledgers.empty() ? A.Form != Format::Text
                       : llvm::is_contained(Ledgers, LedgerKind::Graph));
  return A;
}

} // namespace xfa::tool
