//===- BuildReport.cpp - collects what is asked for -----------------------===//

#include "Build.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

const Ledger &ledgerOf(const ModelAnalysis &A, LedgerKind K) {
  return K == LedgerKind::Textbook ? *A.Textbook : A.Graph;
}

bool wantsMemory(const ReportOptions &Options) {
  return Options.ForJson || llvm::is_contained(Options.Views, View::Memory);
}

/// The element type of most bytes of initialisers; none if under nine tenths.
static ElemType weightType(const Model &M) {
  std::array<double, 64> Bits{};
  double Sum = 0;
  for (const Graph &G : M.Graphs)
    for (ValueId V : G.Initializers) {
      ConstantId Id = M[V].Const;
      if (!Id)
        continue;
      const Constant &C = M[Id];
      double Size =
          static_cast<double>(C.numElements().value_or(0)) * elemBits(C.Elem);
      Bits[static_cast<unsigned>(C.Elem) % Bits.size()] += Size;
      Sum += Size;
    }
  const auto *Most = llvm::max_element(Bits);
  if (Sum == 0 || *Most < 0.9 * Sum)
    return ElemType::Undefined;
  return static_cast<ElemType>(Most - Bits.begin());
}

std::string missingRows(const Report &R, View Of) {
  switch (Of) {
  case View::Roofline:
    return R.Roofline.None;
  case View::Memory:
    return R.Memory ? R.Memory->None : "";
  case View::Decode:
    return !R.Decode                ? ""
           : R.Decode->None.empty() ? R.Decode->NoRows
                                    : R.Decode->None;
  case View::Speculative:
    return R.Speculative ? R.Speculative->None : "";
  default:
    return "";
  }
}

static SummaryView buildSummary(const Model &M, const ModelAnalysis &A) {
  SummaryView S;
  S.Path = M.Path;
  S.Producer = M.Producer.str();
  if (!M.ProducerVersion.empty())
    S.Producer += (S.Producer.empty() ? "" : " ") + M.ProducerVersion.str();
  S.IrVersion = M.IrVersion;
  for (const OpsetImport &O : M.Opsets)
    S.Opsets.emplace_back(O.Domain.empty() ? "ai.onnx" : O.Domain.str(),
                          O.Version);
  S.Nodes = A.TotalNodes;
  S.Costed = A.CostedNodes;
  S.Shaped = A.ShapedNodes;
  S.Parameters = A.Parameters;
  S.WeightBytes = A.WeightBytes;
  S.WeightsPresent = A.WeightsPresent;
  S.WeightType = weightType(M);
  S.Symbols = A.Symbols;
  for (const ModelAnalysis::UnknownNode &U : A.Unknown)
    S.Unknown.push_back({M.label(U.Node), M[U.Node].Op.str(), U.Why});
  S.Assumptions = A.Assumptions;
  return S;
}

static StructureView buildStructure(const Structure &F,
                                    const CausalityVerdict &C) {
  StructureView S;
  S.Kind = F.Kind;
  S.Confidence = F.Confidence;
  S.Missing = F.Missing;
  S.Layers = F.NumLayers;
  S.Hidden = F.Hidden;
  S.Heads = F.Heads;
  S.KvHeads = F.KvHeads;
  S.HeadDim = F.HeadDim;
  S.MlpHidden = F.MlpHidden;
  S.Vocab = F.Vocab;
  S.Norm = F.Norm;
  S.Activation = F.Activation;
  S.Position = F.Position;
  S.Window = F.Window;
  S.WindowedLayers = F.WindowedLayers;
  S.VisionLayers = F.VisionLayers;
  S.Patch = F.Patch;
  S.Convolutions = F.Convolutions;
  S.Causal = F.Causal;
  S.CausalWhy = F.CausalWhy;
  S.CausalChain = C.Chain;
  S.CausalAssumptions = C.Assumptions;
  S.CausalLeak = C.Leak;
  return S;
}

const BoundPoint *sharePoint(const std::deque<BoundPoint> &Points) {
  const BoundPoint *Best = nullptr;
  int64_t Longest = -1;
  for (const BoundPoint &P : Points) {
    int64_t Length = 0;
    for (const auto &[Name, Value] : P.At)
      if (Name == "N")
        Length = Value;
    if (Length > Longest) {
      Longest = Length;
      Best = &P;
    }
  }
  return Best;
}

static std::optional<double> valueAt(Expr E, const BoundPoint *P) {
  if (!E || !P)
    return std::nullopt;
  llvm::Expected<__int128> V = evaluate(E, P->Values);
  if (!V) {
    llvm::consumeError(V.takeError());
    return std::nullopt;
  }
  return static_cast<double>(*V);
}

LedgerView ledgerView(const Ledger &L, LedgerKind Kind, ElemType Activation,
                      const BoundPoint *P) {
  LedgerView V;
  V.Kind = Kind;
  V.Total = L.Total;
  V.Exact = L.Exact;
  V.ElementBits = elemBits(Activation);
  if (P)
    V.SharesAt = P->At;
  std::optional<double> Flops = valueAt(L.Total.flops(), P);
  std::optional<double> Bytes = valueAt(L.Total.bytes(), P);
  auto Share = [&](const Work &W) {
    LedgerView::Share S;
    if (std::optional<double> F = valueAt(W.flops(), P); F && Flops && *Flops)
      S.Flops = *F / *Flops;
    if (std::optional<double> F = valueAt(W.bytes(), P); F && Bytes && *Bytes)
      S.Bytes = *F / *Bytes;
    return S;
  };
  for (const Ledger::RoleRow &Row : L.Roles)
    V.Roles.push_back({Row.R, Row.Count, Row.W, Share(Row.W)});
  for (const Ledger::LayerRow &Row : L.Layers)
    V.Layers.push_back({Row.Layer, Row.W, Share(Row.W)});
  return V;
}

/// An MLP, or what looks like one, in a graph whose work is elsewhere: a head
/// behind convolutions.
static bool mostIsElsewhere(const ModelAnalysis &A) {
  return A.Found.Kind == Structure::Mlp &&
         less(A.Textbook->Total.Matrix * 2, A.Graph.Total.Matrix) ==
             Truth::True;
}

/// Both where a transformer was found, the one that answers first; else the
/// graph's.
static llvm::Error pickLedgers(const Model &M, const ModelAnalysis &A,
                               ReportOptions &Options) {
  if (Options.Ledgers.empty()) {
    Options.Ledgers.push_back(LedgerKind::Graph);
    if (A.Textbook)
      Options.Ledgers.insert(mostIsElsewhere(A) ? Options.Ledgers.end()
                                                : Options.Ledgers.begin(),
                             LedgerKind::Textbook);
    return llvm::Error::success();
  }
  if (A.Textbook)
    return llvm::Error::success();
  llvm::erase(Options.Ledgers, LedgerKind::Textbook);
  if (Options.Ledgers.empty())
    return llvm::createStringError(
        M.Path + ": no transformer was found, so the textbook's rules have "
                 "nothing to count; use --ledger=graph");
  return llvm::Error::success();
}

/// The symbols that the figures depend on.
static llvm::SmallVector<llvm::StringRef, 4>
neededSymbols(const ModelAnalysis &A, const ReportOptions &Options) {
  llvm::SmallVector<llvm::StringRef, 4> Needed;
  auto Add = [&](Expr E) {
    if (!E)
      return;
    for (llvm::StringRef Name : symbols(E))
      if (!llvm::is_contained(Needed, Name))
        Needed.push_back(Name);
  };
  for (LedgerKind K : Options.Ledgers) {
    Add(ledgerOf(A, K).Total.flops());
    Add(ledgerOf(A, K).Total.bytes());
  }
  if (A.Memory && (llvm::is_contained(Options.Views, View::Memory) ||
                   !Options.FitGpus.empty()))
    Add(A.Memory->PeakBytes);
  return Needed;
}

llvm::Expected<Report> buildReport(const Model &M, const ModelAnalysis &A,
                                   ReportOptions Options,
                                   const ModelAnalysis *Draft,
                                   const PassTrace *Trace) {
  Report R;
  R.LedgersChosen = !Options.Ledgers.empty();
  if (llvm::Error E = pickLedgers(M, A, Options))
    return E;
  R.M = &M;
  R.A = &A;
  R.Views = Options.Views;
  bool Plans =
      !Options.FitGpus.empty() || Options.Request || !Options.Explain.empty();
  if (R.Views.empty() && Plans)
    R.Views = {View::Summary}; // what is asked for is the answer
  if (R.Views.empty())
    R.Views = {View::Summary, View::Roles, View::Roofline};
  R.Gpus = Options.Gpus;
  R.MatrixType =
      A.MatrixType == ElemType::Undefined ? ElemType::Float32 : A.MatrixType;
  R.Options = std::move(Options);
  llvm::Expected<BoundPoints> Points = bindPoints(
      A, R.Options.Points, R.Options.FirstSwept, neededSymbols(A, R.Options));
  if (!Points)
    return Points.takeError();
  R.Summary = buildSummary(M, A);
  R.Found = buildStructure(A.Found, A.Causality);
  const BoundPoint *Shares = sharePoint(Points->Points);
  for (LedgerKind K : R.Options.Ledgers)
    R.Ledgers.push_back(
        ledgerView(ledgerOf(A, K), K, A.ActivationType, Shares));
  buildRoofline(R, *Points);
  if (R.Options.ForJson || R.shows(View::Crossover) || R.shows(View::Roofline))
    buildCrossovers(R, *Points);
  if (A.Memory)
    buildMemory(R, *Points);
  buildIntensities(R);
  if (R.shows(View::Decode) || R.shows(View::Speculative))
    buildDecode(R, *Points);
  if (R.shows(View::Speculative))
    buildSpeculative(R, *Points, Draft);
  if (Trace && R.shows(View::Passes))
    buildPasses(R, *Trace);
  if (llvm::Error E = buildServing(R, *Points))
    return E;
  if (R.shows(View::Nodes))
    buildNodes(R);
  if (R.shows(View::Ops))
    buildOps(R);
  if (R.shows(View::Shapes))
    buildValues(R);
  if (R.shows(View::Reconcile))
    R.Walk = A.Walk;
  buildLeftOut(R);
  buildHints(R);
  return R;
}

} // namespace xfa
