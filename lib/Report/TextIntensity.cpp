//===- TextIntensity.cpp - FLOP/byte as formulas, growth, limits ----------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

static std::string bracketed(Expr E) {
  std::string Text = formula(E);
  return terms(E).size() > 1 ? "(" + Text + ")" : Text;
}

/// "(3 + 5·B) / (7·B)"; "87/4 = 21.8" where both are numbers.
static std::string ratioText(const PolynomialRatio &R) {
  std::optional<int64_t> Up = R.Numerator.constant();
  std::optional<int64_t> Down = R.Denominator.constant();
  if (Up && Down && *Down == 1)
    return grouped(*Up);
  if (Up && Down && *Down)
    return grouped(*Up) + "/" + grouped(*Down) + " = " +
           intensity(static_cast<double>(*Up) / static_cast<double>(*Down));
  return bracketed(R.Numerator) + " / " + bracketed(R.Denominator);
}

static std::string limitText(const RatioLimit &L) {
  switch (L.Kind) {
  case RatioLimit::Zero:
    return "0";
  case RatioLimit::Infinite:
    return "∞";
  case RatioLimit::Finite:
    return ratioText(L.Value);
  case RatioLimit::Unknown:
    break;
  }
  return "?";
}

/// "quadratically with N".
static std::string growthText(std::optional<unsigned> Degree,
                              llvm::StringRef Symbol) {
  static constexpr llvm::StringLiteral Words[] = {"not", "linearly",
                                                  "quadratically", "cubically"};
  std::string With = " with " + printable(Symbol);
  if (!Degree)
    return "by no polynomial" + With;
  if (*Degree < std::size(Words))
    return Words[*Degree].str() + With;
  return "as " + printable(Symbol) + " to the power " + llvm::utostr(*Degree);
}

static std::string growthOf(const IntensityView &V, bool Flops) {
  std::string Text;
  for (const IntensityView::Growth &G : V.Along)
    Text += (Text.empty() ? "" : ", ") +
            growthText(Flops ? G.Flops : G.Bytes, G.Symbol);
  return Text;
}

static bool dependsOn(const PolynomialRatio &R, llvm::StringRef Symbol) {
  return llvm::is_contained(symbols(R.Numerator), Symbol) ||
         llvm::is_contained(symbols(R.Denominator), Symbol);
}

static std::string limitsOf(const IntensityView &V) {
  std::string Text;
  for (const IntensityView::Growth &G : V.Along) {
    std::string Symbol = printable(G.Symbol), Sentence;
    if (!dependsOn(V.Ratio, G.Symbol))
      Sentence = "the same at every " + Symbol;
    else if (G.Limit.Kind != RatioLimit::Unknown)
      Sentence = "to " + limitText(G.Limit) + " as " + Symbol + " → ∞";
    if (!Sentence.empty())
      Text += (Text.empty() ? "" : "; ") + Sentence;
  }
  return Text;
}

static void printIntensity(llvm::StringRef Label, const IntensityView &V,
                           const TextStyle &Style, llvm::raw_ostream &OS) {
  printWrapped(Label.str() + ratioText(V.Ratio), 2, 6, Style, OS);
  std::string Limits = limitsOf(V);
  if (!Limits.empty())
    printWrapped(Limits, 4, 6, Style, OS);
}

static std::string domainText(const Domain &D) {
  std::string Text;
  for (const auto &[Name, Least] : D)
    Text += (Text.empty() ? "" : ", ") + printable(Name) + " ≥ " +
            llvm::itostr(Least);
  return Text;
}

static std::string pointText(const Domain &D) {
  std::string Text;
  for (const auto &[Name, Value] : D)
    Text += (Text.empty() ? "" : ", ") + printable(Name) + " = " +
            llvm::itostr(Value);
  return Text;
}

/// "Without a cache it is larger for all B ≥ 1, N ≥ 2".
static std::string comparisonText(const Comparison &C) {
  switch (C.Kind) {
  case Comparison::Larger:
    return "without a cache it is larger for all " + domainText(C.Over) +
           " (proved: the sign of the cross-difference)";
  case Comparison::Fails:
    return "without a cache it is not larger at " + pointText(C.Where) +
           (C.ProvedOver.empty()
                ? std::string()
                : "; it is for all " + domainText(C.ProvedOver) + " (proved)");
  case Comparison::NotProved:
    break;
  }
  return "without a cache it is larger for all " + domainText(C.Over) +
         ": not proved (" + printable(C.Why) + ")" +
         (C.ProvedOver.empty()
              ? std::string()
              : "; it is for all " + domainText(C.ProvedOver) + " (proved)");
}

void textIntensities(const Report &R, const TextStyle &Style,
                     llvm::raw_ostream &OS) {
  for (const LedgerView &L : textLedgers(R))
    for (const IntensityView &V : R.Intensities) {
      if (V.Kind != L.Kind || V.Along.empty())
        continue;
      printHeading("Growth · " + scopeTitle(R, L) + " · " + ledgerTitle(L),
                   Style, OS);
      printWrapped("FLOPs grow " + growthOf(V, true), 2, 6, Style, OS);
      printWrapped("bytes grow " + growthOf(V, false), 2, 6, Style, OS);
      printIntensity("FLOP/byte = ", V, Style, OS);
    }
}

void textComparedIntensities(const DecodeView &V, LedgerKind Kind,
                             const TextStyle &Style, llvm::raw_ostream &OS) {
  for (const DecodeView::Against &A : V.Intensities) {
    if (A.Cached.Kind != Kind)
      continue;
    printHeading("FLOP/byte of a step, and of a pass over all N positions",
                 Style, OS);
    printIntensity("with the cache = ", A.Cached, Style, OS);
    printIntensity("without = ", A.Uncached, Style, OS);
    printWrapped(comparisonText(A.UncachedIsLarger), 2, 6, Style, OS);
  }
}

} // namespace xfa
