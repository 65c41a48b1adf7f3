//===- BuildPasses.cpp - figures before and after passes ------------------===//

#include "Build.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

class PassesBuilder {
public:
  explicit PassesBuilder(const Report &R) : R(R) {}

  PassesView::State state(const TracedState &From);

private:
  std::vector<Coordinates> points(const TracedState &From) const;
  void addFigure(PassesView::State &To, const TracedState &From,
                 LedgerKind Kind, int G, const BoundPoint &P);
  void findDominant(PassesView::Figure &F, const TracedState &From,
                    const BoundPoint &P) const;

  static const Ledger &ledger(const TracedState &S, LedgerKind Kind) {
    return S.Instead ? S.Instead->L : ledgerOf(*S.A, Kind);
  }
  /// With the sums over devices, where there are any.
  std::optional<double> time(const TracedState &From, const RooflinePoint &At,
                             const Gpu &G, const Bindings &Values) const;

  const Report &R;
};

/// As asked for; a rung that takes several tokens at once has them as S.
std::vector<Coordinates> PassesBuilder::points(const TracedState &From) const {
  std::vector<Coordinates> Points = R.Options.Points;
  if (From.NewTokens <= 1 || !From.A->NewPositions)
    return Points;
  const std::optional<llvm::StringRef> Rows = From.A->NewPositions.asSymbol();
  if (!Rows)
    return Points;
  if (Points.empty())
    for (int64_t B : {1, 64})
      for (int64_t N : {32, 1024})
        Points.push_back({{"B", B}, {"N", N}});
  for (Coordinates &At : Points)
    if (llvm::none_of(At, [&](const auto &C) { return C.first == *Rows; }))
      At.emplace_back(Rows->str(), From.NewTokens);
  return Points;
}

PassesView::State PassesBuilder::state(const TracedState &From) {
  PassesView::State S;
  S.Name = From.Name;
  S.None = From.Why;
  if (!From.A)
    return S;
  const ModelAnalysis &A = *From.A;
  llvm::SmallVector<llvm::StringRef, 4> Needed;
  auto Add = [&](Expr E) {
    for (llvm::StringRef Name : symbols(E))
      if (!llvm::is_contained(Needed, Name))
        Needed.push_back(Name);
  };
  llvm::SmallVector<LedgerKind, 2> Kinds;
  for (LedgerKind K : R.Options.Ledgers)
    if (K == LedgerKind::Graph || (A.Textbook && !From.Instead)) {
      Kinds.push_back(K);
      Add(ledger(From, K).Total.flops());
      Add(ledger(From, K).Total.bytes());
    }
  llvm::Expected<BoundPoints> Points =
      bindPoints(A, points(From), R.Options.FirstSwept, Needed);
  if (!Points) { // a pass may rename what the user bound
    S.None = llvm::toString(Points.takeError());
    for (LedgerKind K : Kinds)
      S.Ledgers.push_back(
          ledgerView(ledger(From, K), K, A.ActivationType, nullptr));
    return S;
  }
  S.None = Points->None;
  for (LedgerKind K : Kinds) {
    S.Ledgers.push_back(ledgerView(ledger(From, K), K, A.ActivationType,
                                   sharePoint(Points->Points)));
    const int First = R.Gpus.empty() ? -1 : 0;
    const int End = std::max(static_cast<int>(R.Gpus.size()), First + 1);
    for (int G = First; G < End; ++G)
      for (const BoundPoint &P : Points->Points)
        addFigure(S, From, K, G, P);
  }
  return S;
}

std::optional<double> PassesBuilder::time(const TracedState &From,
                                          const RooflinePoint &At, const Gpu &G,
                                          const Bindings &Values) const {
  if (!From.Instead)
    return chosenTime(R, At);
  // By roles there is no time by operators.
  if (R.Options.Times == Estimate::PerOp || !At.Time)
    return std::nullopt;
  if (!From.Instead->Reduced)
    return At.Time;
  llvm::Expected<__int128> Bytes = evaluate(From.Instead->Reduced, Values);
  if (!Bytes) {
    llvm::consumeError(Bytes.takeError());
    return std::nullopt;
  }
  const std::optional<double> Sums =
      allReduceTime(static_cast<double>(*Bytes), From.Instead->Devices, G);
  return Sums ? std::optional(*At.Time + *Sums) : std::nullopt;
}

void PassesBuilder::addFigure(PassesView::State &To, const TracedState &From,
                              LedgerKind Kind, int G, const BoundPoint &P) {
  const ModelAnalysis &A = *From.A;
  const Ledger &L = ledger(From, Kind);
  llvm::Expected<RooflinePoint> At =
      G < 0 ? evaluatePlain(L, P.Values)
            : evaluateRoofline(L, R.Gpus[G], A.MatrixType, P.Values,
                               R.Options.Products);
  if (!At) {
    To.None = "no figures at " + toString(P.At) + ": " +
              llvm::toString(At.takeError());
    return;
  }
  PassesView::Figure F;
  F.At = P.At;
  F.Kind = Kind;
  F.Gpu = G;
  F.Flops = At->Flops;
  F.Bytes = At->Bytes;
  F.Intensity = At->Intensity;
  F.BoundBy = At->BoundBy;
  if (G >= 0)
    F.Time = time(From, *At, R.Gpus[G], P.Values);
  if (F.Time)
    F.TimePerToken = *F.Time / From.Yield;
  findDominant(F, From, P);
  To.Figures.push_back(std::move(F));
}

/// By the larger of a role's times, of its bytes where no peak is known.
void PassesBuilder::findDominant(PassesView::Figure &F, const TracedState &From,
                                 const BoundPoint &P) const {
  const ModelAnalysis &A = *From.A;
  double Sum = 0, Most = 0;
  for (const Ledger::RoleRow &Row : ledger(From, F.Kind).Roles) {
    Ledger Part;
    Part.Total = Row.W;
    Part.Pieces.push_back({Row.W, A.MatrixType, A.Store->constant(1)});
    llvm::Expected<RooflinePoint> At =
        F.Gpu < 0 ? evaluatePlain(Part, P.Values)
                  : evaluateRoofline(Part, R.Gpus[F.Gpu], A.MatrixType,
                                     P.Values, R.Options.Products);
    if (!At) {
      llvm::consumeError(At.takeError());
      continue;
    }
    const double Weight = F.Gpu < 0 ? static_cast<double>(At->Bytes)
                                    : At->PerOpTime.value_or(At->MemoryTime);
    Sum += Weight;
    if (Weight > Most) {
      Most = Weight;
      F.Dominant = Row.R;
    }
  }
  F.DominantShare = Sum > 0 ? Most / Sum : 0;
}

} // namespace

void buildPasses(Report &R, const PassTrace &T) {
  PassesView V;
  V.IsLadder = T.IsLadder;
  PassesBuilder Builder(R);
  TracedState Written;
  Written.Name = "as written";
  Written.A = T.Before;
  V.States.push_back(Builder.state(Written));
  for (const TracedState &Each : T.States) {
    V.States.push_back(Builder.state(Each));
    V.Steps.push_back(
        {Each.Result.Fired, Each.Result.Refused, Each.Result.Notes});
  }
  R.Passes = std::move(V);
}

} // namespace xfa
