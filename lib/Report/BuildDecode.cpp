//===- BuildDecode.cpp - a decoding step at the points --------------------===//

#include "Build.h"

namespace xfa {

namespace {
struct Accounting {
  LedgerKind Kind;
  const DecodeCosts *Costs;
};
} // namespace

/// In B and N, whatever the graph's own symbols are.
std::optional<BoundPoint> decodePoint(const ModelAnalysis &A,
                                      const BoundPoint &P) {
  std::optional<int64_t> Positions = positionsAt(A, P.Values);
  if (!Positions)
    return std::nullopt;
  BoundPoint D;
  for (const auto &[Name, Value] : P.At) {
    bool Length = Name == "N";
    for (const SymbolInfo &S : A.Symbols)
      if (S.Name == Name && A.HasCache)
        Length |=
            S.Meaning == SymbolInfo::Past || S.Meaning == SymbolInfo::Sequence;
    if (!Length)
      D.At.emplace_back(Name, Value);
  }
  D.At.emplace_back("N", *Positions);
  D.Values = P.Values;
  // The analysis owns the name.
  D.Values[*A.Decode->Positions.asSymbol()] = *Positions;
  return D;
}

Clock clockOf(const Report &R, const Gpu &G, ElemType MatrixType) {
  return {G, MatrixType == ElemType::Undefined ? ElemType::Float32 : MatrixType,
          R.Options.Products, R.Options.Times == Estimate::PerOp};
}

std::string batchSymbol(const ModelAnalysis &A) {
  for (const SymbolInfo &S : A.Symbols)
    if (S.Meaning == SymbolInfo::Batch)
      return S.Name;
  return "";
}

std::string whyNoStep(const ModelAnalysis &A, LedgerKind Kind) {
  const DecodeFacts &F = *A.Decode;
  if (!F.None.empty())
    return F.None;
  return Kind == LedgerKind::Graph && !F.Graph ? F.NoGraph : "";
}

const DecodeCosts *decodeCosts(const ModelAnalysis &A, LedgerKind Kind) {
  const DecodeFacts &F = *A.Decode;
  if (!F.None.empty())
    return nullptr;
  if (Kind == LedgerKind::Textbook)
    return &F.Textbook;
  return F.Graph ? &*F.Graph : nullptr;
}

static llvm::Expected<RooflinePoint>
evaluateAt(const Report &R, const Ledger &L, int GpuIndex, const Bindings &At) {
  if (GpuIndex < 0)
    return evaluatePlain(L, At);
  return evaluateRoofline(L, R.Gpus[GpuIndex], R.MatrixType, At,
                          R.Options.Products);
}

std::optional<double> chosenTime(const Report &R, const RooflinePoint &P) {
  return R.Options.Times == Estimate::PerOp ? P.PerOpTime : P.Time;
}

static llvm::Expected<DecodeView::Row>
makeRow(const Report &R, const Accounting &Of, int Gpu, const BoundPoint &P) {
  DecodeView::Row Row;
  Row.At = P.At;
  Row.Kind = Of.Kind;
  Row.Gpu = Gpu;
  Row.Exact = Of.Costs->One.L.Exact;
  llvm::Expected<RooflinePoint> At =
      evaluateAt(R, Of.Costs->One.L, Gpu, P.Values);
  if (!At)
    return At.takeError();
  Row.Point = *At;
  llvm::Expected<StepSplit> Split = splitStep(Of.Costs->One, P.Values);
  if (!Split)
    return Split.takeError();
  Row.Split = *Split;
  if (Gpu < 0)
    return Row;
  double Bandwidth = R.Gpus[Gpu].Bandwidth;
  Row.WeightsTime = static_cast<double>(Split->Weights) / Bandwidth;
  Row.CacheTime = static_cast<double>(Split->Cache) / Bandwidth;
  Row.OtherTime = static_cast<double>(Split->Other) / Bandwidth;
  Row.Time = chosenTime(R, *At);
  if (At->ComputeTime)
    Row.Dominant = dominantPart(*Split, *At->ComputeTime, Bandwidth);
  if (!Of.Costs->Uncached)
    return Row;
  llvm::Expected<RooflinePoint> Pass =
      evaluateAt(R, *Of.Costs->Uncached, Gpu, P.Values);
  if (!Pass)
    return Pass.takeError();
  Row.UncachedTime = chosenTime(R, *Pass);
  if (Row.UncachedTime && Row.Time && *Row.Time > 0 && Row.Exact &&
      Of.Costs->Uncached->Exact)
    Row.Speedup = *Row.UncachedTime / *Row.Time;
  return Row;
}

void buildDecode(Report &R, const BoundPoints &Points) {
  const ModelAnalysis &A = *R.A;
  const DecodeFacts &F = *A.Decode;
  DecodeView V;
  V.None = F.None;
  if (!V.None.empty()) {
    R.Decode = std::move(V);
    return;
  }
  V.CacheBytes = F.CacheBytes;
  V.Rewritten = F.Rewritten;
  V.FusedAgain = F.FusedAgain;
  if (!A.HasCache && A.Found.Causal == Verdict::Unknown)
    V.Assumed =
        "the attention is causal, which is not known: " + A.Found.CausalWhy;
  std::deque<BoundPoint> At;
  for (const BoundPoint &P : Points.Points)
    if (std::optional<BoundPoint> D = decodePoint(A, P))
      if (llvm::none_of(At, [&](const BoundPoint &O) { return O.At == D->At; }))
        At.push_back(std::move(*D));
  const BoundPoint *Shares = sharePoint(At);
  std::vector<Accounting> Ledgers;
  auto View = [&](const StepCost &S, LedgerKind Kind) {
    return DecodeView::Step{ledgerView(S.L, Kind, A.ActivationType, Shares),
                            S.Cache, S.otherBytes()};
  };
  for (const LedgerView &L : R.Ledgers) {
    if (L.Kind == LedgerKind::Textbook) {
      V.Textbook = View(F.Textbook.One, L.Kind);
      Ledgers.push_back({L.Kind, &F.Textbook});
    } else if (F.Graph) {
      V.Graph = View(F.Graph->One, L.Kind);
      Ledgers.push_back({L.Kind, &*F.Graph});
    } else {
      V.NoGraph = F.NoGraph;
    }
  }
  for (const Accounting &Of : Ledgers)
    if (Of.Costs->Uncached)
      V.Intensities.push_back(compareIntensities(A, *Of.Costs, Of.Kind));
  V.NoRows = Points.None;
  int First = R.Gpus.empty() ? -1 : 0;
  int End = std::max(static_cast<int>(R.Gpus.size()), First + 1);
  for (const Accounting &Of : Ledgers)
    for (int Gpu = First; Gpu < End; ++Gpu)
      for (const BoundPoint &P : At) {
        llvm::Expected<DecodeView::Row> Row = makeRow(R, Of, Gpu, P);
        if (Row)
          V.Rows.push_back(std::move(*Row));
        else
          V.NoRows = "no figures at " + toString(P.At) + ": " +
                     llvm::toString(Row.takeError());
      }
  R.Decode = std::move(V);
}

} // namespace xfa
