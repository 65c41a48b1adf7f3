//===- BuildRoofline.cpp - figures at points, verdicts and reasons --------===//

#include "Build.h"

#include "xfa/IR/Fused.h"

#include "llvm/Support/FormatVariadic.h"

namespace xfa {

bool isAttentionCore(Role R) {
  return R == Role::Qk || R == Role::Scale || R == Role::Mask ||
         R == Role::Softmax || R == Role::Av || R == Role::Attention;
}

namespace {
/// The traffic of a ledger by what it carries: the reason of a verdict.
struct Traffic {
  struct Part {
    const char *Is; ///< "weights are"
    Expr Bytes;
  };
  std::vector<Part> Parts;
};

/// How a term grows with the lengths of sequences.
struct Growth {
  unsigned Length = 0; ///< degree in all of them
  unsigned Past = 0;   ///< degree in the cached ones
};
} // namespace

static Growth growth(Expr Monomial, const ModelAnalysis &A) {
  Growth G;
  for (const SymbolInfo &S : A.Symbols) {
    if (S.Meaning == SymbolInfo::Batch || S.Meaning == SymbolInfo::Other)
      continue;
    unsigned D = degree(Monomial, S.Name).value_or(0);
    G.Length += D;
    if (S.Meaning == SymbolInfo::Past)
      G.Past += D;
  }
  return G;
}

static Traffic splitTraffic(const ModelAnalysis &A, const Ledger &L) {
  ExprStore &Store = *A.Store;
  Expr Zero = Store.constant(0);
  Expr Scores = Zero, Cached = Zero, Attention = Zero;
  for (const Ledger::RoleRow &Row : L.Roles) {
    if (Row.R == Role::Cache)
      Cached += Row.W.bytes();
    if (!isAttentionCore(Row.R))
      continue;
    for (const ExprTerm &T : terms(Row.W.bytes() - Row.W.Weight)) {
      Growth G = growth(T.Monomial, A);
      Expr &Part = G.Length >= 2 ? Scores : G.Past == 1 ? Cached : Attention;
      Part += T.Coefficient * T.Monomial;
    }
  }
  Expr Rest = L.Total.bytes() - L.Total.Weight - Scores - Cached - Attention;
  return {{{"weights are", L.Total.Weight},
           {"scores are", Scores},
           {"cached keys and values are", Cached},
           {"operands of attention are", Attention},
           {"activations are", Rest}}};
}

/// "weights are 96 % of the traffic".
static std::string memoryReason(const Traffic &T, __int128 Total,
                                const Bindings &At) {
  const char *Is = nullptr;
  double Most = 0;
  for (const Traffic::Part &P : T.Parts) {
    llvm::Expected<__int128> V = evaluate(P.Bytes, At);
    if (!V) {
      llvm::consumeError(V.takeError());
      continue;
    }
    if (double D = static_cast<double>(*V); D > Most) {
      Most = D;
      Is = P.Is;
    }
  }
  if (!Is || Total <= 0)
    return "";
  double Percent = 100 * Most / static_cast<double>(Total);
  if (Percent >= 99.5 && Most < static_cast<double>(Total))
    return llvm::formatv("{0} more than 99 % of the traffic", Is);
  return llvm::formatv("{0} {1:F0} % of the traffic", Is, Percent);
}

/// "FLOP/byte is 2.6 times the balance".
static std::string computeReason(double Intensity,
                                 std::optional<double> Balance) {
  if (!Balance || *Balance <= 0)
    return "";
  double Times = Intensity / *Balance;
  return llvm::formatv(
      "FLOP/byte is {0} times the balance",
      llvm::formatv(Times < 10 ? "{0:F1}" : "{0:F0}", Times).str());
}

llvm::Expected<RooflinePoint> evaluatePlain(const Ledger &L,
                                            const Bindings &At) {
  RooflinePoint P;
  llvm::Expected<__int128> Flops = evaluate(L.Total.flops(), At);
  if (!Flops)
    return Flops.takeError();
  llvm::Expected<__int128> Bytes = evaluate(L.Total.bytes(), At);
  if (!Bytes)
    return Bytes.takeError();
  P.Flops = *Flops;
  P.Bytes = *Bytes;
  if (P.Bytes > 0)
    P.Intensity = static_cast<double>(P.Flops) / static_cast<double>(P.Bytes);
  return P;
}

/// C15: what the fused attentions read again, in bytes; none where it is not
/// known.
static std::optional<__int128> readAgain(const Report &R,
                                         llvm::ArrayRef<NodeId> Kernels,
                                         const Gpu *G, const Bindings &At) {
  __int128 Sum = 0;
  for (const Block &B : R.A->Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (!isOneKernel(Core, Kernels))
        continue;
      if (!G)
        return std::nullopt;
      const std::optional<AttentionShape> S = shapeOf(*R.A, Core, At);
      const std::optional<FlashTraffic> F =
          S ? flashTraffic(*G, *S) : std::nullopt;
      if (!F)
        return std::nullopt;
      __int128 Times = 1;
      if (Core.Times) {
        llvm::Expected<__int128> V = evaluate(Core.Times, At);
        if (!V) {
          llvm::consumeError(V.takeError());
          return std::nullopt;
        }
        Times = *V;
      }
      Sum += (F->Again + F->Partial) * Times;
    }
  return Sum;
}

static RooflineView::Row makeRow(const Report &R, const RooflinePoint &At,
                                 LedgerKind Kind, int GpuIndex,
                                 const BoundPoint &P, const Traffic &T,
                                 llvm::ArrayRef<NodeId> Kernels) {
  RooflineView::Row Row;
  Row.At = P.At;
  Row.Kind = Kind;
  Row.Gpu = GpuIndex;
  Row.Flops = At.Flops;
  Row.Bytes = At.Bytes;
  Row.Intensity = At.Intensity;
  Row.Exact = ledgerOf(*R.A, Kind).Exact;
  if (Kind == LedgerKind::Textbook)
    Row.BytesTotal = At.Bytes;
  else if (const std::optional<__int128> Again =
               readAgain(R, Kernels, GpuIndex < 0 ? nullptr : &R.Gpus[GpuIndex],
                         P.Values))
    Row.BytesTotal = At.Bytes + *Again;
  if (GpuIndex < 0)
    return Row;
  const Gpu &G = R.Gpus[GpuIndex];
  Row.ComputeTime = At.ComputeTime;
  Row.MemoryTime = At.MemoryTime;
  Row.PerOpTime = At.PerOpTime;
  Row.Time = R.Options.Times == Estimate::PerOp ? At.PerOpTime : At.Time;
  Row.BoundBy = At.BoundBy;
  if (At.BoundBy == Bound::Memory)
    Row.Why = memoryReason(T, At.Bytes, P.Values);
  else if (At.BoundBy == Bound::Compute)
    Row.Why = computeReason(
        At.Intensity, machineBalance(G, R.MatrixType, R.Options.Products));
  return Row;
}

void buildRoofline(Report &R, const BoundPoints &Points) {
  R.Roofline.None = Points.None;
  const std::vector<NodeId> Kernels = kernelsOf(*R.M);
  for (const LedgerView &L : R.Ledgers) {
    const Ledger &Source = ledgerOf(*R.A, L.Kind);
    Traffic T = splitTraffic(*R.A, Source);
    int First = R.Gpus.empty() ? -1 : 0;
    int End = static_cast<int>(R.Gpus.size());
    for (int G = First; G < std::max(End, 0); ++G)
      for (const BoundPoint &P : Points.Points) {
        const bool Skips =
            G >= 0 && L.Kind == LedgerKind::Graph && R.Options.SkipsCausalTiles;
        llvm::Expected<RooflinePoint> At =
            G < 0
                ? evaluatePlain(Source, P.Values)
                : evaluateRoofline(
                      Skips
                          ? withoutHiddenTiles(R, Kernels, R.Gpus[G], P.Values)
                          : Source,
                      R.Gpus[G], R.MatrixType, P.Values, R.Options.Products);
        if (!At) {
          std::string Why = llvm::toString(At.takeError());
          if (R.Roofline.None.empty())
            R.Roofline.None = "no figures at " + toString(P.At) + ": " + Why;
          continue;
        }
        R.Roofline.Rows.push_back(makeRow(R, *At, L.Kind, G, P, T, Kernels));
      }
  }
}

} // namespace xfa
