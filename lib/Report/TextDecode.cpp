//===- TextDecode.cpp - a decoding step as text ---------------------------===//

#include "Points.h"
#include "Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace xfa {

static std::string timeText(std::optional<double> Seconds) {
  return Seconds ? duration(*Seconds) : "?";
}

static std::string timesText(double Times) {
  return llvm::formatv(Times < 9.95 ? "{0:F1}×" : "{0:F0}×", Times);
}

static void printRows(const Report &R,
                      llvm::ArrayRef<const DecodeView::Row *> Rows,
                      const TextStyle &Style, llvm::raw_ostream &OS) {
  bool Times = Rows.front()->Gpu >= 0;
  const std::vector<std::string> Symbols = symbolsOf(Rows);
  std::vector<TextTable::Column> Columns;
  for (const std::string &Name : Symbols)
    Columns.push_back({Name, TextTable::Right});
  Columns.push_back({"FLOPs", TextTable::Figure});
  Columns.push_back({"bytes", TextTable::Figure});
  Columns.push_back({"FLOP/byte", TextTable::Right});
  for (const char *Part : {"weights", "cache", "other"})
    Columns.push_back({Part, TextTable::Figure});
  if (Times) {
    Columns.push_back({"compute", TextTable::Figure});
    Columns.push_back({R.Options.Times == Estimate::PerOp ? "op by op" : "step",
                       TextTable::Figure});
    Columns.push_back({"longest"});
    Columns.push_back({"faster", TextTable::Right});
  }
  TextTable Table(std::move(Columns));
  for (const DecodeView::Row *Row : Rows) {
    std::vector<std::string> Cells;
    for (const std::string &Name : Symbols) {
      std::string Value;
      for (const auto &C : Row->At)
        if (C.first == Name)
          Value = llvm::itostr(C.second);
      Cells.push_back(Value);
    }
    std::string Least = atLeast(Row->Exact).str();
    Cells.push_back(Least + figure(static_cast<double>(Row->Point.Flops)));
    Cells.push_back(Least + figure(static_cast<double>(Row->Point.Bytes), "B"));
    Cells.push_back(intensity(Row->Point.Intensity));
    if (!Times) {
      for (__int128 Bytes :
           {Row->Split.Weights, Row->Split.Cache, Row->Split.Other})
        Cells.push_back(figure(static_cast<double>(Bytes), "B"));
      Table.add(std::move(Cells));
      continue;
    }
    for (auto Part : {Row->WeightsTime, Row->CacheTime, Row->OtherTime})
      Cells.push_back(timeText(Part));
    Cells.push_back(timeText(Row->Point.ComputeTime));
    Cells.push_back(timeText(Row->Time));
    Cells.push_back(Row->Dominant ? stepPartName(*Row->Dominant).str() : "?");
    Cells.push_back(Row->Speedup ? timesText(*Row->Speedup) : "?");
    Table.add(std::move(Cells));
  }
  Table.print(Style, OS);
}

static void printStep(const Report &R, const DecodeView::Step &S,
                      const TextStyle &Style, llvm::raw_ostream &OS) {
  std::string Title =
      "Decoding step · one new token a sequence, N positions in "
      "the cache · " +
      scopeTitle(R, S.L) + " · " + ledgerTitle(S.L);
  if (R.Decode->Rewritten && S.L.Kind == LedgerKind::Graph)
    Title += " after the kv-cache pass" +
             (R.Decode->FusedAgain.empty()
                  ? std::string()
                  : ", fused again by " + R.Decode->FusedAgain);
  for (const std::string &WhatIf : R.Options.WhatIfs)
    Title += " · " + WhatIf;
  printHeading(Title, Style, OS);
  std::string Least = S.L.Exact ? "" : " ≥";
  std::pair<std::string, Expr> Lines[] = {
      {"FLOPs" + Least, S.L.Total.flops()},
      {"bytes" + Least, S.L.Total.bytes()},
      {"  weights", S.L.Total.Weight},
      {"  cache, read and written", S.Cache},
      {"  other", S.Other},
      {"cache holds", R.Decode->CacheBytes}};
  textFormulas(Lines, Style, OS);
  textRoles(S.L, Style, OS);
  if (!R.Decode->Assumed.empty())
    printWrapped("Assumed: " + printable(R.Decode->Assumed), 2, 4, Style, OS);
}

void textDecodeSplit(const Report &R, LedgerKind Kind, const TextStyle &Style,
                     llvm::raw_ostream &OS) {
  const DecodeView &V = *R.Decode;
  int First = R.Gpus.empty() ? -1 : 0;
  int End = std::max(static_cast<int>(R.Gpus.size()), First + 1);
  for (int G = First; G < End; ++G) {
    std::vector<const DecodeView::Row *> Rows;
    for (const DecodeView::Row &Row : V.Rows)
      if (Row.Gpu == G && Row.Kind == Kind)
        Rows.push_back(&Row);
    printHeading(G < 0 ? std::string("One step at points")
                       : "One step · " + machineLine(R, R.Gpus[G]),
                 Style, OS);
    if (Rows.empty()) {
      printWrapped(V.NoRows.empty() ? "no points" : printable(V.NoRows), 2, 4,
                   Style, OS);
      continue;
    }
    printRows(R, Rows, Style, OS);
    if (G >= 0)
      printWrapped("faster: than a pass over all N positions without a cache",
                   2, 4, Style, OS);
  }
}

void textDecode(const Report &R, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  const DecodeView &V = *R.Decode;
  if (!V.None.empty()) {
    printHeading("Decoding step", Style, OS);
    printWrapped("there is none: " + printable(V.None), 2, 2, Style, OS);
    return;
  }
  for (const LedgerView &L : textLedgers(R)) {
    const auto &Step = L.Kind == LedgerKind::Textbook ? V.Textbook : V.Graph;
    if (!Step) {
      printHeading("Decoding step · " + ledgerTitle(L), Style, OS);
      printWrapped("not counted: " + printable(V.NoGraph), 2, 2, Style, OS);
      continue;
    }
    printStep(R, *Step, Style, OS);
    textDecodeSplit(R, L.Kind, Style, OS);
    textComparedIntensities(V, L.Kind, Style, OS);
  }
}

} // namespace xfa
