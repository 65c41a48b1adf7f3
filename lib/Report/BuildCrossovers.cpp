//===- BuildCrossovers.cpp - where the verdict changes (C21) --------------===//

#include "Build.h"

namespace xfa {

/// Crossovers of one accelerator and ledger beyond this many are left out: a
/// sweep fixes too many values to answer for each.
static constexpr size_t MaxCrossovers = 64;

namespace {
struct Question {
  std::string Along;
  Coordinates Fixed;
  const BoundPoint *Point; ///< the values of all that is fixed
};
} // namespace

/// Along each symbol of the points, the others fixed as they are there.
static std::vector<Question> questions(const BoundPoints &Points) {
  std::vector<Question> Result;
  std::vector<std::string> Names;
  for (const BoundPoint &P : Points.Points)
    for (const auto &[Name, Value] : P.At)
      if (!llvm::is_contained(Names, Name) && Name != "S")
        Names.push_back(Name);
  // The sequence first: its verdicts are what most want.
  if (auto Length = llvm::find(Names, "N"); Length != Names.end())
    std::rotate(Names.begin(), Length, Length + 1);
  for (const std::string &Along : Names)
    for (const BoundPoint &P : Points.Points) {
      Question Q{Along, {}, &P};
      bool Varies = false;
      for (const auto &C : P.At)
        if (C.first == Along)
          Varies = true;
        else
          Q.Fixed.push_back(C);
      bool Asked = llvm::any_of(Result, [&](const Question &O) {
        return O.Along == Along && O.Fixed == Q.Fixed;
      });
      if (Varies && !Asked && Result.size() < MaxCrossovers)
        Result.push_back(std::move(Q));
    }
  return Result;
}

/// In a graph with a cache N is P + S: the work as a function of N.
static Work inTotalLength(const Work &W, const ModelAnalysis &A) {
  Substitution With;
  With[*A.PastPositions.asSymbol()] = A.Store->symbol("N") - A.NewPositions;
  return mapWork(W, [&](Expr E) { return substitute(E, With); });
}

/// Lengths shorter than the new tokens do not exist: flips there are none.
static void dropBelow(Crossover &C, int64_t Shortest) {
  std::optional<Bound> Last;
  llvm::erase_if(C.Flips, [&](const Crossover::Flip &F) {
    if (F.At > Shortest)
      return false;
    Last = F.To;
    return true;
  });
  if (C.Flips.empty() && Last)
    C.Always = Last;
}

static Crossover answer(const Report &R, const Work &W, const Gpu &G,
                        const Question &Q) {
  const ModelAnalysis &A = *R.A;
  Bindings Fixed = Q.Point->Values;
  Fixed.erase(Q.Along);
  if (!A.HasCache || Q.Along != "N")
    return findCrossover(W, G, R.MatrixType, Q.Along, Fixed, *A.Store,
                         R.Options.Products);
  Fixed.erase(*A.PastPositions.asSymbol());
  Crossover C = findCrossover(inTotalLength(W, A), G, R.MatrixType, Q.Along,
                              Fixed, *A.Store, R.Options.Products);
  llvm::Expected<__int128> New = evaluate(A.NewPositions, Fixed);
  if (New)
    dropBelow(C, static_cast<int64_t>(*New));
  else
    llvm::consumeError(New.takeError());
  return C;
}

void buildCrossovers(Report &R, const BoundPoints &Points) {
  std::vector<Question> Asked = questions(Points);
  for (int G = 0; G < static_cast<int>(R.Gpus.size()); ++G)
    for (const LedgerView &L : R.Ledgers)
      for (const Question &Q : Asked) {
        Crossover C = answer(R, ledgerOf(*R.A, L.Kind).Total, R.Gpus[G], Q);
        CrossoverView::Row Row;
        Row.Gpu = G;
        Row.Kind = L.Kind;
        Row.Along = Q.Along;
        Row.Fixed = Q.Fixed;
        Row.Flips = std::move(C.Flips);
        Row.Always = C.Always;
        Row.Unknown = std::move(C.Unknown);
        R.Crossovers.Rows.push_back(std::move(Row));
      }
}

} // namespace xfa
