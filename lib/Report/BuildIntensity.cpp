//===- BuildIntensity.cpp - FLOP/byte as formulas -------------------------===//

#include "Build.h"

#include "llvm/ADT/SetVector.h"

namespace xfa {

IntensityView intensityView(const ModelAnalysis &A, const Work &W,
                            LedgerKind Kind) {
  IntensityView V;
  V.Kind = Kind;
  V.Ratio = intensityOf(W);
  const Expr Flops = W.flops(), Bytes = W.bytes();
  llvm::SetVector<llvm::StringRef> Names, Occurring;
  for (Expr E : {Flops, Bytes})
    for (llvm::StringRef Name : symbols(E))
      Occurring.insert(Name);
  // In the order of the model's symbols; N of a step may be none of them.
  for (const SymbolInfo &S : A.Symbols)
    if (Occurring.contains(S.Name))
      Names.insert(S.Name);
  for (llvm::StringRef Name : Occurring)
    Names.insert(Name);
  for (llvm::StringRef Name : Names)
    V.Along.push_back({Name.str(), degree(Flops, Name), degree(Bytes, Name),
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
