//===- BuildSpeculative.cpp - target and draft at the points --------------===//

#include "Build.h"

namespace xfa {

/// A part of a model may have decoding steps, and yet choose no token.
static std::string whyNoTokens(const ModelAnalysis &A) {
  return A.Found.Kind == Structure::Mlp ? "no attention in this graph: it "
                                          "neither proposes nor verifies tokens"
                                        : "";
}

/// Why no round can be told.
static std::string whyNone(const Report &R, const ModelAnalysis *Draft,
                           LedgerKind Kind) {
  static constexpr llvm::StringLiteral Hint =
      "; --ledger=textbook counts a step from the structure";
  if (std::string Why = whyNoTokens(*R.A); !Why.empty())
    return Why;
  std::string Why = whyNoStep(*R.A, Kind);
  if (!Why.empty())
    return Why + (Kind == LedgerKind::Graph ? Hint.str() : "");
  if (!decodeCosts(*R.A, Kind)->Several)
    return "the graph takes one new token, so it cannot verify several" +
           Hint.str();
  Why = whyNoTokens(*Draft);
  if (Why.empty())
    Why = whyNoStep(*Draft, Kind);
  if (!Why.empty())
    return "the draft (" + R.Options.Speculative->Draft + "): " + Why +
           (Kind == LedgerKind::Graph ? Hint.str() : "");
  // A ratio of two lower bounds bounds nothing.
  for (auto [Of, Name] : {std::pair(R.A, "target"), std::pair(Draft, "draft")})
    if (const DecodeCosts &Costs = *decodeCosts(*Of, Kind);
        !Costs.One.L.Exact || (Costs.Several && !Costs.Several->L.Exact))
      return std::string("what a step of the ") + Name +
             " costs is known in part only";
  return "";
}

static Decoder decoderOf(const Report &R, const ModelAnalysis &A,
                         LedgerKind Kind, const Gpu &G, const Bindings &At) {
  return {A.Decode.get(), decodeCosts(A, Kind), clockOf(R, G, A.MatrixType),
          batchSymbol(A), At};
}

static int64_t valueOf(const Coordinates &At, llvm::StringRef Name) {
  for (const auto &[Given, Value] : At)
    if (Given == Name)
      return Value;
  return 1;
}

static void addLimit(SpeculativeView &V, const Decoder &Target,
                     const Decoder &Draft, int Gpu, int64_t N,
                     const SpeculativeRound &Round) {
  if (Target.Batch.empty() || llvm::any_of(V.Limits, [&](const auto &L) {
        return L.Gpu == Gpu && L.N == N;
      }))
    return;
  SpeculativeView::Limit L{Gpu, N, Round.Speedup.has_value(), std::nullopt};
  if (L.Known)
    L.Batch = stopsPaying(Target, Draft, N, V.Asked.Alpha, V.Asked.Gamma);
  V.Limits.push_back(L);
}

void buildSpeculative(Report &R, const BoundPoints &Points,
                      const ModelAnalysis *Draft) {
  SpeculativeView V;
  V.Asked = *R.Options.Speculative;
  V.Kind = R.Ledgers.front().Kind;
  V.None = whyNone(R, Draft, V.Kind);
  if (!V.None.empty()) {
    R.Speculative = std::move(V);
    return;
  }
  V.Tokens = expectedTokens(V.Asked.Alpha, V.Asked.Gamma);
  V.Verify = decodeCosts(*R.A, V.Kind)->Several->L.Total;
  V.DraftStep = decodeCosts(*Draft, V.Kind)->One.L.Total;
  Expr Own = R.A->Found.Vocab, Other = Draft->Found.Vocab;
  if (Own && Other && Own.isConstant() && Other.isConstant() &&
      Own.constant() != Other.constant())
    V.VocabularyNote = "the draft's vocabulary has " + toString(Other) +
                       " tokens, the target's " + toString(Own) +
                       ": a draft must propose the target's tokens";

  std::string Batch = batchSymbol(*R.A);
  std::string Positions = R.A->Decode->Positions.asSymbol()->str();
  int First = R.Gpus.empty() ? -1 : 0;
  int End = std::max(static_cast<int>(R.Gpus.size()), First + 1);
  for (int Index = First; Index < End; ++Index)
    for (const BoundPoint &P : Points.Points) {
      std::optional<BoundPoint> At = decodePoint(*R.A, P);
      if (!At)
        continue;
      SpeculativeView::Row Row;
      Row.At = At->At;
      Row.Gpu = Index;
      Row.Round.Tokens = V.Tokens;
      if (Index >= 0) {
        const Gpu &G = R.Gpus[Index];
        Decoder Target = decoderOf(R, *R.A, V.Kind, G, At->Values);
        // The draft's own symbols: B and N.
        Decoder Small = decoderOf(R, *Draft, V.Kind, G, Bindings());
        int64_t B = valueOf(Row.At, Batch), N = valueOf(Row.At, Positions);
        Row.Round =
            speculate(Target, Small, B, N, V.Asked.Alpha, V.Asked.Gamma);
        Row.Best = bestGamma(Target, Small, B, N, V.Asked.Alpha);
        addLimit(V, Target, Small, Index, N, Row.Round);
      }
      if (llvm::none_of(V.Rows, [&](const auto &O) {
            return O.Gpu == Index && O.At == Row.At;
          }))
        V.Rows.push_back(std::move(Row));
    }
  R.Speculative = std::move(V);
}

} // namespace xfa
