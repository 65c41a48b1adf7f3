//===- Speculative.h - a small model proposes, the large one verifies -----===//
//
// A round: the draft proposes γ tokens, one step each; the target verifies them
// in one step of γ + 1 rows, which also yields a token of its own. Each
// proposed token is accepted with probability α, up to the first that is not
// (Leviathan et al. 2023, section 3).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_SPECULATIVE_H
#define XFA_ANALYSIS_SPECULATIVE_H

#include "xfa/Analysis/Decode.h"
#include "xfa/Analysis/Roofline.h"

namespace xfa {

/// Tokens that a round yields on average: (1 − α^(γ+1)) / (1 − α), 0 ≤ α < 1.
double expectedTokens(double Alpha, int64_t Gamma);

/// A model that decodes on one accelerator. Refers to its parts.
struct Decoder {
  const DecodeFacts *Facts = nullptr;
  const DecodeCosts *Costs = nullptr; ///< has Several, if it is the target
  Clock Time;
  std::string Batch; ///< its symbol of the batch; empty: it has none
  Bindings At;       ///< other symbols

  /// B sequences, N positions in the cache: one new token each.
  std::optional<double> step(int64_t B, int64_t N) const;
  /// `Rows` new tokens after N − 1 cached ones.
  std::optional<double> verify(int64_t B, int64_t N, int64_t Rows) const;
  /// Of one pass over the weights.
  std::optional<double> weights(int64_t B, int64_t N) const;

private:
  Bindings bindings(int64_t B, int64_t N) const;
};

/// Seconds. None where a time is not known.
struct SpeculativeRound {
  double Tokens = 0;               ///< expected
  std::optional<double> Step;      ///< of the target alone, N in the cache
  std::optional<double> Verify;    ///< γ + 1 rows
  std::optional<double> DraftStep; ///< N in the draft's cache; a round has γ
  std::optional<double> PerToken;  ///< (γ · DraftStep + Verify) / Tokens
  std::optional<double> Speedup;   ///< Step / PerToken
  std::optional<double> Weights;   ///< the target's, read once
  std::optional<double> WeightsPerToken;
};
SpeculativeRound speculate(const Decoder &Target, const Decoder &Draft,
                           int64_t B, int64_t N, double Alpha, int64_t Gamma);

/// The γ of the largest speed-up, the least of equal ones.
inline constexpr int64_t MostGamma = 256;
struct BestGamma {
  int64_t Gamma;
  double Speedup;
};
std::optional<BestGamma> bestGamma(const Decoder &Target, const Decoder &Draft,
                                   int64_t B, int64_t N, double Alpha);

/// The least batch at which a round gains nothing. Every batch is tried up to
/// 1024; beyond, the gain is taken to fall. None: it pays at every batch, or
/// times are not known.
std::optional<int64_t> stopsPaying(const Decoder &Target, const Decoder &Draft,
                                   int64_t N, double Alpha, int64_t Gamma);

} // namespace xfa

#endif // XFA_ANALYSIS_SPECULATIVE_H
