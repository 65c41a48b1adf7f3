//===- Speculative.cpp ----------------------------------------------------===//

#include "xfa/Analysis/Speculative.h"

#include <cmath>

namespace xfa {

double expectedTokens(double Alpha, int64_t Gamma) {
  if (Alpha == 1)
    return static_cast<double>(Gamma) + 1;
  // As a sum, which does not cancel where α is near 1; the formula beyond.
  static constexpr int64_t MostTerms = 4096;
  if (Gamma > MostTerms)
    return (1 - std::pow(Alpha, static_cast<double>(Gamma) + 1)) / (1 - Alpha);
  double Tokens = 1;
  for (int64_t I = 0; I < Gamma; ++I)
    Tokens = 1 + Alpha * Tokens;
  return Tokens;
}

Bindings Decoder::bindings(int64_t B, int64_t N) const {
  Bindings Values = At;
  if (!Batch.empty())
    Values[Batch] = B;
  Values[*Facts->Positions.asSymbol()] = N;
  return Values;
}

std::optional<double> Decoder::step(int64_t B, int64_t N) const {
  return Time.seconds(Costs->One.L, bindings(B, N));
}

std::optional<double> Decoder::verify(int64_t B, int64_t N,
                                      int64_t Rows) const {
  if (!Costs->Several)
    return std::nullopt;
  Bindings Values = bindings(B, N - 1 + Rows);
  Values[*Facts->Rows.asSymbol()] = Rows;
  return Time.seconds(Costs->Several->L, Values);
}

std::optional<double> Decoder::weights(int64_t B, int64_t N) const {
  llvm::Expected<__int128> Bytes =
      evaluate(Costs->One.L.Total.Weight, bindings(B, N));
  if (Bytes)
    return static_cast<double>(*Bytes) / Time.G.Bandwidth;
  llvm::consumeError(Bytes.takeError());
  return std::nullopt;
}

SpeculativeRound speculate(const Decoder &Target, const Decoder &Draft,
                           int64_t B, int64_t N, double Alpha, int64_t Gamma) {
  SpeculativeRound R;
  R.Tokens = expectedTokens(Alpha, Gamma);
  R.Step = Target.step(B, N);
  R.Verify = Target.verify(B, N, Gamma + 1);
  R.DraftStep = Draft.step(B, N);
  if (R.Verify && R.DraftStep)
    R.PerToken =
        (static_cast<double>(Gamma) * *R.DraftStep + *R.Verify) / R.Tokens;
  if (R.Step && R.PerToken && *R.PerToken > 0)
    R.Speedup = *R.Step / *R.PerToken;
  R.Weights = Target.weights(B, N);
  if (R.Weights)
    R.WeightsPerToken = *R.Weights / R.Tokens;
  return R;
}

std::optional<BestGamma> bestGamma(const Decoder &Target, const Decoder &Draft,
                                   int64_t B, int64_t N, double Alpha) {
  std::optional<BestGamma> Best;
  for (int64_t Gamma = 1; Gamma <= MostGamma; ++Gamma) {
    SpeculativeRound R = speculate(Target, Draft, B, N, Alpha, Gamma);
    if (R.Speedup && (!Best || *R.Speedup > Best->Speedup))
      Best = {Gamma, *R.Speedup};
  }
  return Best;
}

std::optional<int64_t> stopsPaying(const Decoder &Target, const Decoder &Draft,
                                   int64_t N, double Alpha, int64_t Gamma) {
  static constexpr int64_t EachUpTo = 1024, Last = int64_t(1) << 30;
  if (Target.Batch.empty())
    return std::nullopt;
  auto Pays = [&](int64_t B) -> std::optional<bool> {
    SpeculativeRound R = speculate(Target, Draft, B, N, Alpha, Gamma);
    return R.Speedup ? std::optional<bool>(*R.Speedup > 1) : std::nullopt;
  };
  for (int64_t B = 1; B <= EachUpTo; ++B) {
    std::optional<bool> Gain = Pays(B);
    if (!Gain)
      return std::nullopt;
    if (!*Gain)
      return B;
  }
  int64_t Low = EachUpTo, High = Low;
  for (;;) {
    if (High == Last)
      return std::nullopt;
    High *= 2;
    std::optional<bool> Gain = Pays(High);
    if (!Gain)
      return std::nullopt;
    if (!*Gain)
      break;
    Low = High;
  }
  while (High - Low > 1) {
    int64_t Middle = Low + (High - Low) / 2;
    (Pays(Middle).value_or(false) ? Low : High) = Middle;
  }
  return High;
}

} // namespace xfa
