//===- CausalMask.cpp -----------------------------------------------------===//

#include "xfa/Analysis/CausalMask.h"

#include "MaskProof.h"

namespace xfa {

CausalMasks::CausalMasks(const Model &M, const ModelAnalysis &A)
    : M(M), A(A), G(std::make_unique<FlatGraph>(M, A.Facts, A.Found.ElseTaken,
                                                FlatGraph::Both)) {}
CausalMasks::~CausalMasks() = default;

namespace {

/// One mask, with places on it that are rows and columns.
class Question {
public:
  Question(const FlatGraph &G, const ModelAnalysis &A, const MaskOfScores &S)
      : G(G), A(A), S(S),
        Frame{S.Rows, A.Store->constant(0), S.Rows, A.Time.Tokens},
        Proof(G, *A.Store, Frame), Zero(A.Store->constant(0)) {}

  std::string whyNotCausal();
  std::string whyNotBeside();

private:
  std::string whyNoPlane();
  bool isLength(Expr Dim) const;
  Interval at(MaskProof::HypothesisTy H) {
    return Proof.at(S.Mask, {Row, Column, Zero, Zero}, H);
  }
  bool hidden(const Interval &I) const;
  bool untouched(const Interval &I) const;
  /// What a proof that failed has to say.
  std::string because(const std::string &Why) const {
    return Proof.obstacle().empty() ? Why : Proof.obstacle();
  }
  std::string assumed() const {
    const std::vector<std::string> All = Proof.assumptions();
    return All.empty() ? "" : "it would have to be certain that " + All.front();
  }

  const FlatGraph &G;
  const ModelAnalysis &A;
  const MaskOfScores &S;
  TimeFrame Frame;
  MaskProof Proof;
  Expr Zero;
  unsigned Row = 0, Column = 0;
};

/// All rows, or as many as a table has that is cut to them: where those are
/// fewer, and more than one, the graph does not run.
bool Question::isLength(Expr Dim) const {
  const std::optional<int64_t> Table = upperBound(Dim);
  return Dim == S.Rows ||
         (Table && *Table > 1 && Dim == min(S.Rows, A.Store->constant(*Table)));
}

std::string Question::whyNoPlane() {
  const ValueFacts &F = G.Facts[G.canonical(S.Mask)];
  if (!F.HasRank || F.rank() < 1)
    return "its rank is not known, or 0";
  Column = static_cast<unsigned>(F.rank() - 1);
  Row = Column + 1; // none: the same for all rows
  if (F.Dims.back().is(1))
    Column = Row + 1; // none, too
  else if (!isLength(F.Dims.back()))
    return "its columns are " + toString(F.Dims.back()) + ", not the " +
           toString(S.Rows) + " rows";
  if (F.rank() < 2 || F.Dims[F.rank() - 2].is(1))
    return {};
  Row = static_cast<unsigned>(F.rank() - 2);
  if (!isLength(F.Dims[Row]))
    return "its rows are " + toString(F.Dims[Row]) + ", not " +
           toString(S.Rows);
  return {};
}

bool Question::hidden(const Interval &I) const {
  if (S.Form == MaskOfScores::Added)
    return !I.Exact && !I.HighData && I.High <= S.Fill;
  return I.truth() ==
         (S.Form == MaskOfScores::HidesWhereTrue ? Truth::True : Truth::False);
}

bool Question::untouched(const Interval &I) const {
  if (S.Form == MaskOfScores::Added)
    return I.isZero();
  return I.truth() ==
         (S.Form == MaskOfScores::HidesWhereTrue ? Truth::False : Truth::True);
}

std::string Question::whyNotCausal() {
  if (std::string Why = whyNoPlane(); !Why.empty())
    return Why;
  if (!hidden(at(MaskProof::Above)))
    return because("it is not proved to hide each row's later columns for "
                   "certain");
  if (!untouched(at(MaskProof::Diagonal)))
    return because("it is not proved to leave a row's own column as it is");
  if (!untouched(at(MaskProof::Before)))
    return because("it is not proved to leave earlier columns as they are");
  return assumed();
}

std::string Question::whyNotBeside() {
  if (std::string Why = whyNoPlane(); !Why.empty())
    return Why;
  const Interval Own = at(MaskProof::Diagonal);
  if (S.Form != MaskOfScores::Added)
    return untouched(Own)
               ? assumed()
               : because("it is not proved to show each row its own column");
  // Far from the fill, as scores are. What an input holds could be any number.
  const double Far = -S.Fill * 1e-8;
  if (Own.Exact || Own.hasData() || Own.Low <= -Far)
    return because("it is not proved to show each row its own column");
  const Interval Later = at(MaskProof::Above);
  if (Later.Exact || Later.hasData() || Later.High >= Far)
    return because("it is not proved to leave later columns hidden");
  return assumed();
}

} // namespace

std::string CausalMasks::whyNot(const MaskOfScores &S) const {
  return Question(*G, A, S).whyNotCausal();
}

std::string CausalMasks::whyNotBeside(const MaskOfScores &S) const {
  return Question(*G, A, S).whyNotBeside();
}

} // namespace xfa
