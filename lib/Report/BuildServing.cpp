//===- BuildServing.cpp - what fits, requests, explanations ---------------===//

#include "Build.h"

namespace xfa {

static std::optional<__int128> valueAt(Expr E, const Bindings &At) {
  llvm::Expected<__int128> Value = evaluate(E, At);
  if (Value)
    return *Value;
  llvm::consumeError(Value.takeError());
  return std::nullopt;
}

/// Points in B and N, where the graph has them; the graph's own otherwise.
static std::deque<BoundPoint> stepPoints(const Report &R,
                                         const BoundPoints &Points) {
  std::deque<BoundPoint> Result;
  for (const BoundPoint &P : Points.Points) {
    std::optional<BoundPoint> Step;
    if (R.A->Decode->None.empty())
      Step = decodePoint(*R.A, P);
    Result.push_back(Step ? std::move(*Step) : P);
  }
  return Result;
}

static void addFits(FitView &V, const Report &R, int Gpu, llvm::StringRef Along,
                    const std::deque<BoundPoint> &Points) {
  Expr Total = V.Memory.total();
  std::optional<int64_t> Limit = R.Options.FitGpus[Gpu].MemoryBytes;
  for (const BoundPoint &P : Points) {
    FitView::Row Row;
    Row.Gpu = Gpu;
    Row.Along = Along.str();
    for (const auto &C : P.At)
      if (C.first != Along)
        Row.Fixed.push_back(C);
    if (llvm::any_of(V.Rows, [&](const FitView::Row &O) {
          return O.Gpu == Gpu && O.Along == Row.Along && O.Fixed == Row.Fixed;
        }))
      continue;
    if (Limit)
      Row.Largest = largestThatFits(Total, Along, P.Values, *Limit);
    if (Row.Largest.Kind == LargestFit::Value ||
        Row.Largest.Kind == LargestFit::Nothing) {
      Bindings At = P.Values;
      At[Along] = std::max<int64_t>(Row.Largest.At, 1);
      Row.Weights = valueAt(V.Memory.Weights, At);
      Row.Cache = valueAt(V.Memory.Cache, At);
      Row.Activations = valueAt(V.Memory.Activations, At);
    }
    V.Rows.push_back(std::move(Row));
  }
}

static void buildFit(Report &R, const BoundPoints &Points) {
  FitView V;
  V.Memory = servingMemory(*R.A);
  V.Passes = !R.A->HasCache;
  std::deque<BoundPoint> At = stepPoints(R, Points);
  std::string Batch = batchSymbol(*R.A);
  std::string Positions;
  if (const DecodeFacts &F = *R.A->Decode; F.None.empty())
    Positions = F.Positions.asSymbol()->str();
  else
    for (const SymbolInfo &S : R.A->Symbols)
      if (S.Meaning == SymbolInfo::Sequence)
        Positions = S.Name;
  // A graph of a fixed length has no other.
  Expr Activations = V.Memory.Activations;
  bool Varies =
      !Positions.empty() && llvm::is_contained(symbols(Activations), Positions);
  for (int Gpu = 0; Gpu < static_cast<int>(R.Options.FitGpus.size()); ++Gpu) {
    if (!Batch.empty())
      addFits(V, R, Gpu, Batch, At);
    if (Varies)
      addFits(V, R, Gpu, Positions, At);
  }
  if (V.Rows.empty())
    V.None = !Points.None.empty() ? Points.None
                                  : "the graph has no symbol that could grow";
  R.Fit = std::move(V);
}

static void buildRequest(Report &R, const BoundPoints &Points) {
  RequestView V;
  V.Asked = *R.Options.Request;
  V.Kind = R.Ledgers.front().Kind;
  V.None = whyNoStep(*R.A, V.Kind);
  const DecodeCosts *Costs = decodeCosts(*R.A, V.Kind);
  if (V.None.empty() && !Costs->Uncached)
    V.None = "the graph takes one new token at a time";
  if (!V.None.empty() && V.Kind == LedgerKind::Graph)
    V.None += "; --ledger=textbook counts it from the structure";
  if (!V.None.empty()) {
    R.Request = std::move(V);
    return;
  }
  V.Exact = Costs->One.L.Exact && Costs->Uncached->Exact;
  const DecodeFacts &F = *R.A->Decode;
  std::string Positions = F.Positions.asSymbol()->str();
  std::string Batch = batchSymbol(*R.A);
  std::deque<BoundPoint> At = stepPoints(R, Points);
  for (int Gpu = 0; Gpu < static_cast<int>(R.Gpus.size()); ++Gpu)
    for (const BoundPoint &P : At) {
      RequestView::Row Row;
      Row.Gpu = Gpu;
      for (const auto &C : P.At)
        if (C.first != Positions)
          Row.At.push_back(C);
      if (llvm::any_of(V.Rows, [&](const RequestView::Row &O) {
            return O.Gpu == Gpu && O.At == Row.At;
          }))
        continue;
      for (const auto &C : Row.At)
        if (C.first == Batch)
          Row.Sequences = C.second;
      Row.Times = timeRequest(F, *Costs, clockOf(R, R.Gpus[Gpu], R.MatrixType),
                              P.Values, V.Asked.Prompt, V.Asked.New);
      V.Rows.push_back(std::move(Row));
    }
  R.Request = std::move(V);
}

llvm::Error buildServing(Report &R, const BoundPoints &Points) {
  if (!R.Options.FitGpus.empty())
    buildFit(R, Points);
  if (R.Options.Request)
    buildRequest(R, Points);
  for (Role Each : R.Options.Explain) {
    llvm::Expected<Explanation> E = explainRole(*R.A, Each, R.A->Options);
    if (!E)
      return usageError("--explain=" + roleName(Each) + ": " +
                        llvm::toString(E.takeError()));
    R.Explanations.push_back(std::move(*E));
  }
  return llvm::Error::success();
}

} // namespace xfa
