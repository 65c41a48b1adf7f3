//===- Serving.cpp --------------------------------------------------------===//

#include "xfa/Analysis/Serving.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

ServingMemory servingMemory(const ModelAnalysis &A) {
  ServingMemory M;
  const MemoryFacts &F = *A.Memory;
  M.Exact = F.Exact;
  M.Unknown = F.Unknown;
  M.Weights = F.WeightBytes;
  M.Activations = F.ActivationBytes;
  M.Cache = A.Store->constant(0);
  const DecodeFacts &D = *A.Decode;
  if (!D.None.empty())
    return M;
  M.Cache = D.CacheBytes;
  if (!A.HasCache)
    return M;
  // The cache is among the graph's inputs and outputs (M4).
  Substitution With;
  if (std::optional<llvm::StringRef> New = A.NewPositions.asSymbol())
    With[*New] = A.Store->constant(1);
  With[*A.PastPositions.asSymbol()] = D.Positions - 1;
  M.Activations = substitute(F.ActivationBytes, With) - M.Cache;
  return M;
}

LargestFit largestThatFits(Expr Bytes, llvm::StringRef Along, Bindings Fixed,
                           int64_t Limit) {
  LargestFit L;
  if (!Bytes || !Bytes.isKnown())
    return L;
  // What leaves 128 bits does not fit either.
  bool Unbound = false;
  auto Fits = [&](int64_t X) {
    Fixed[Along] = X;
    llvm::Expected<__int128> Value = evaluate(Bytes, Fixed);
    if (Value)
      return *Value <= Limit;
    Unbound = X == 1;
    llvm::consumeError(Value.takeError());
    return false;
  };
  bool One = Fits(1);
  if (Unbound)
    return L;
  if (!One) {
    L.Kind = LargestFit::Nothing;
    return L;
  }
  if (!llvm::is_contained(symbols(Bytes), Along)) {
    L.Kind = LargestFit::Unlimited;
    return L;
  }
  static constexpr int64_t Last = int64_t(1) << 62;
  int64_t Low = 1, High = 2;
  while (Fits(High)) {
    if (High == Last) {
      L.Kind = LargestFit::Unlimited;
      return L;
    }
    Low = High;
    High *= 2;
  }
  while (High - Low > 1) {
    int64_t Middle = Low + (High - Low) / 2;
    (Fits(Middle) ? Low : High) = Middle;
  }
  L.Kind = LargestFit::Value;
  L.At = Low;
  return L;
}

std::optional<RequestTimes> timeRequest(const DecodeFacts &F,
                                        const DecodeCosts &Costs,
                                        const Clock &Time, Bindings At,
                                        int64_t Prompt, int64_t New) {
  if (!Costs.Uncached)
    return std::nullopt;
  llvm::StringRef N = *F.Positions.asSymbol();
  RequestTimes R;
  At[N] = Prompt;
  std::optional<double> Pass = Time.seconds(*Costs.Uncached, At);
  if (!Pass)
    return std::nullopt;
  R.First = *Pass;
  double Steps = 0;
  for (int64_t Step = 1; Step < New; ++Step) {
    At[N] = Prompt + Step;
    std::optional<double> Seconds = Time.seconds(Costs.One.L, At);
    if (!Seconds)
      return std::nullopt;
    if (Step == 1)
      R.FirstStep = *Seconds;
    R.LastStep = *Seconds;
    Steps += *Seconds;
  }
  if (New > 1)
    R.PerToken = Steps / static_cast<double>(New - 1);
  R.Total = R.First + Steps;
  return R;
}

} // namespace xfa
