//===- TextPasses.cpp - what passes did, as text --------------------------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace xfa {

static const LedgerView *ledger(const PassesView::State &S, LedgerKind Kind) {
  for (const LedgerView &L : S.Ledgers)
    if (L.Kind == Kind)
      return &L;
  return nullptr;
}

/// "qk 23 %".
static std::string dominantText(const PassesView::Figure &F) {
  return F.Dominant ? llvm::formatv("{0} {1:F0} %", roleName(*F.Dominant),
                                    100 * F.DominantShare)
                          .str()
                    : "?";
}

/// Before it, what the polynomials were; after it, what they are.
static void textStates(const PassesView &V, LedgerKind Kind,
                       const TextStyle &Style, llvm::raw_ostream &OS) {
  std::vector<std::pair<std::string, Expr>> Flops, Bytes;
  for (const PassesView::State &S : V.States)
    if (const LedgerView *L = ledger(S, Kind)) {
      const std::string Name = S.Name + (L->Exact ? "" : " ≥");
      // FLOPs only where they change: fusions leave them.
      if (Flops.empty() ||
          toString(Flops.back().second) != toString(L->Total.flops()))
        Flops.emplace_back(Name, L->Total.flops());
      Bytes.emplace_back(Name, L->Total.bytes());
    }
  OS << "  FLOPs\n";
  textFormulas(Flops, Style, OS);
  OS << "  bytes\n";
  textFormulas(Bytes, Style, OS);
}

static void textFigures(const Report &R, LedgerKind Kind, int Gpu,
                        const Coordinates &At, const TextStyle &Style,
                        llvm::raw_ostream &OS) {
  const PassesView &V = *R.Passes;
  std::vector<TextTable::Column> Columns = {
      {V.IsLadder ? "rung" : "pass", TextTable::Left, true},
      {"FLOPs", TextTable::Figure},
      {"bytes", TextTable::Figure},
      {"FLOP/byte", TextTable::Right}};
  if (!V.IsLadder)
    Columns.insert(Columns.begin() + 1, {"fired", TextTable::Right});
  if (Gpu >= 0) {
    Columns.push_back({"time", TextTable::Figure});
    if (V.IsLadder)
      Columns.push_back({"a token", TextTable::Figure});
    Columns.push_back({"bound by"});
  }
  Columns.push_back({Gpu < 0 ? "most bytes" : "most time"});
  TextTable Table(std::move(Columns));
  for (size_t I = 0; I < V.States.size(); ++I)
    for (const PassesView::Figure &F : V.States[I].Figures) {
      // A rung that takes several tokens has them beside what was asked for.
      if (F.Kind != Kind || F.Gpu != Gpu ||
          !llvm::ArrayRef(F.At).take_front(At.size()).equals(At))
        continue;
      std::vector<std::string> Cells = {V.States[I].Name};
      if (!V.IsLadder)
        Cells.push_back(I == 0 ? "" : llvm::itostr(V.Steps[I - 1].Fired));
      const LedgerView *L = ledger(V.States[I], Kind);
      const std::string Least = atLeast(!L || L->Exact).str();
      Cells.push_back(Least + figure(static_cast<double>(F.Flops)));
      Cells.push_back(Least + figure(static_cast<double>(F.Bytes), "B"));
      Cells.push_back(intensity(F.Intensity));
      if (Gpu >= 0) {
        Cells.push_back(F.Time ? duration(*F.Time) : "?");
        if (V.IsLadder)
          Cells.push_back(F.TimePerToken ? duration(*F.TimePerToken) : "?");
        Cells.push_back(!F.BoundBy                    ? "?"
                        : *F.BoundBy == Bound::Memory ? "memory"
                                                      : "compute");
      }
      Cells.push_back(dominantText(F));
      Table.add(std::move(Cells));
      break;
    }
  if (Table.empty())
    return;
  printHeading((Gpu < 0 ? std::string("At ") : "At ") + toString(At) +
                   (Gpu < 0 ? "" : " · " + machineLine(R, R.Gpus[Gpu])),
               Style, OS);
  Table.print(Style, OS);
}

static void textRefusals(const PassesView &V, const TextStyle &Style,
                         llvm::raw_ostream &OS) {
  for (size_t I = 0; I < V.Steps.size(); ++I) {
    const PassesView::State &S = V.States[I + 1];
    if (!S.None.empty())
      printWrapped(S.Name + ": " + printable(S.None), 2, 4, Style, OS);
    if (V.IsLadder)
      continue;
    // Each reason once.
    std::vector<std::pair<std::string, int64_t>> Reasons;
    for (const Refusal &Each : V.Steps[I].Refused) {
      auto Same = llvm::find_if(
          Reasons, [&](const auto &Old) { return Old.first == Each.Why; });
      if (Same != Reasons.end())
        ++Same->second;
      else
        Reasons.emplace_back(Each.Why, 1);
    }
    for (const auto &[Why, Times] : Reasons)
      printWrapped(S.Name + " refused" +
                       (Times > 1 ? " " + llvm::itostr(Times) + " times"
                                  : std::string()) +
                       ": " + printable(Why),
                   2, 4, Style, OS);
    for (const std::string &Note : V.Steps[I].Notes)
      printWrapped(S.Name + ": " + printable(Note), 2, 4, Style, OS);
  }
}

void textPasses(const Report &R, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  if (!R.Passes)
    return;
  const PassesView &V = *R.Passes;
  llvm::SmallVector<LedgerKind, 2> Kinds = {LedgerKind::Graph};
  if (R.LedgersChosen)
    Kinds = R.Options.Ledgers;
  for (LedgerKind Kind : Kinds) {
    const LedgerView *L = ledger(V.States.front(), Kind);
    if (!L)
      continue;
    std::string Title = (V.IsLadder ? "From the model as written to a token · "
                                    : "Before and after each pass · ") +
                        ledgerTitle(*L);
    for (const std::string &WhatIf : R.Options.WhatIfs)
      Title += " · " + WhatIf;
    printHeading(Title, Style, OS);
    textStates(V, Kind, Style, OS);
    const int First = R.Gpus.empty() ? -1 : 0;
    const int End = std::max(static_cast<int>(R.Gpus.size()), First + 1);
    for (int G = First; G < End; ++G)
      for (const PassesView::Figure &F : V.States.front().Figures)
        if (F.Kind == Kind && F.Gpu == G)
          textFigures(R, Kind, G, F.At, Style, OS);
  }
  textRefusals(V, Style, OS);
  if (V.IsLadder)
    printWrapped("As written, O1 and O2 compute all N positions for one token; "
                 "with a cache a step computes one, after N − 1. Speculative: "
                 "one step of the target on the proposed tokens and one more, "
                 "over the tokens that it yields; the draft's own time is not "
                 "counted (--view=speculative --draft=MODEL).",
                 2, 2, Style, OS);
}

} // namespace xfa
