//===- BuildIntensity.cpp - FLOP/byte as formulas -------------------------===//

#include "Build.h"

namespace xfa {

IntensityView intensityView(const ModelAnalysis &A, const Work &W,
                            LedgerKind Kind) {
  IntensityView V;
  V.Kind = Kind;
  V.Ratio = intensityOf(W);
  std::vector<std::string> Names;
  auto Add = [&](llvm::StringRef Name) {
    if (!llvm::is_contained(Names, Name))
      Names.push_back(Name.str());
  };
  // In the order of the model's symbols; N of a step may be none of them.
  for (const SymbolInfo &S : A.Symbols)
    for (Expr E : {W.flops(), W.bytes()})
      if (llvm::is_contained(symbols(E), S.Name))
        Add(S.Name);
  for (Expr E : {W.flops(), W.bytes()})
    for (llvm::StringRef Name : symbols(E))
      Add(Name);
  for (const std::string &Name : Names)
    V.Along.push_back({Name, degree(W.flops(), Name), degree(W.bytes(), Name),
                       limitOf(V.Ratio, Name)});
  return V;
}

void buildIntensities(Report &R) {
  for (const LedgerView &L : R.Ledgers)
    if (L.Total.flops().isKnown() && L.Total.bytes().isKnown())
      R.Intensities.push_back(intensityView(*R.A, L.Total, L.Kind));
}

DecodeView::Against compareIntensities(const ModelAnalysis &A,
                                       const DecodeCosts &Costs,
                                       LedgerKind Kind) {
  DecodeView::Against V;
  V.Cached = intensityView(A, Costs.One.L.Total, Kind);
  V.Uncached = intensityView(A, Costs.Uncached->Total, Kind);
  // One position is the same step either way.
  std::string Positions = A.Decode->Positions.asSymbol()->str();
  Domain Over;
  for (const IntensityView *Each : {&V.Uncached, &V.Cached})
    for (const IntensityView::Growth &G : Each->Along)
      if (G.Symbol != Positions && llvm::none_of(Over, [&](const auto &D) {
            return D.first == G.Symbol;
          }))
        Over.emplace_back(G.Symbol, 1);
  Over.emplace_back(Positions, 2);
  V.UncachedIsLarger = compareRatios(V.Uncached.Ratio, V.Cached.Ratio, Over);
  return V;
}

} // namespace xfa
