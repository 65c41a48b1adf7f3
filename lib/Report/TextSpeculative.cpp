//===- TextSpeculative.cpp - speculative decoding as text -----------------===//

#include "Points.h"
#include "Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace xfa {

static std::string timeText(std::optional<double> Seconds) {
  return Seconds ? duration(*Seconds) : "?";
}

static std::string decimal(double Value) {
  std::string Text = llvm::formatv("{0:F3}", Value);
  while (Text.back() == '0')
    Text.pop_back();
  if (Text.back() == '.')
    Text.pop_back();
  return Text;
}

static void printRounds(const SpeculativeView &V, int Gpu,
                        const TextStyle &Style, llvm::raw_ostream &OS) {
  const std::vector<std::string> Symbols = symbolsOf(V.Rows);
  std::vector<TextTable::Column> Columns;
  for (const std::string &Name : Symbols)
    Columns.push_back({Name, TextTable::Right});
  Columns.push_back({"step alone", TextTable::Figure});
  Columns.push_back({"draft step", TextTable::Figure});
  Columns.push_back({"verify", TextTable::Figure});
  Columns.push_back({"per token", TextTable::Figure});
  Columns.push_back({"of it weights", TextTable::Figure});
  Columns.push_back({"faster", TextTable::Right});
  Columns.push_back({"best γ ≤ " + llvm::itostr(MostGamma)});
  TextTable Table(std::move(Columns));
  for (const SpeculativeView::Row &Row : V.Rows) {
    if (Row.Gpu != Gpu)
      continue;
    std::vector<std::string> Cells;
    for (const std::string &Name : Symbols) {
      std::string Value;
      for (const auto &C : Row.At)
        if (C.first == Name)
          Value = llvm::itostr(C.second);
      Cells.push_back(Value);
    }
    const SpeculativeRound &Round = Row.Round;
    for (auto Time : {Round.Step, Round.DraftStep, Round.Verify, Round.PerToken,
                      Round.WeightsPerToken})
      Cells.push_back(timeText(Time));
    Cells.push_back(
        Round.Speedup ? llvm::formatv("{0:F2}×", *Round.Speedup).str() : "?");
    Cells.push_back(
        !Row.Best ? "?"
        : Row.Best->Speedup <= 1
            ? "none pays"
            : llvm::formatv("{0}, {1:F2}×", Row.Best->Gamma, Row.Best->Speedup)
                  .str());
    Table.add(std::move(Cells));
  }
  Table.print(Style, OS);
}

/// "at N = 1024 it pays below B = 21".
static std::string limitText(const SpeculativeView::Limit &L,
                             llvm::StringRef Batch, llvm::StringRef Positions) {
  std::string At = "at " + Positions.str() + " = " + llvm::itostr(L.N) + " ";
  if (!L.Known)
    return At + "not known";
  if (!L.Batch)
    return At + "it pays at every " + Batch.str();
  if (*L.Batch == 1)
    return At + "it never pays";
  return At + "it stops paying at " + Batch.str() + " = " +
         llvm::itostr(*L.Batch);
}

static void printMachine(const Report &R, int Gpu, const TextStyle &Style,
                         llvm::raw_ostream &OS) {
  const SpeculativeView &V = *R.Speculative;
  printHeading(machineLine(R, R.Gpus[Gpu]), Style, OS);
  printRounds(V, Gpu, Style, OS);
  std::vector<std::string> Sentences;
  std::string Batch = "B";
  for (const SymbolInfo &S : R.A->Symbols)
    if (S.Meaning == SymbolInfo::Batch)
      Batch = S.Name;
  for (const SpeculativeView::Limit &L : V.Limits)
    if (L.Gpu == Gpu)
      Sentences.push_back(
          limitText(L, Batch, *R.A->Decode->Positions.asSymbol()));
  for (const SpeculativeView::Row &Row : V.Rows)
    if (Row.Gpu == Gpu && Row.Round.Weights) {
      double Tokens = static_cast<double>(V.Asked.Gamma) + 1;
      Sentences.push_back(
          "reading the weights takes " + duration(*Row.Round.Weights) +
          ", once for all the tokens of a round: " +
          duration(*Row.Round.Weights / Tokens) + " a token if all " +
          llvm::itostr(V.Asked.Gamma) + " are accepted");
      break;
    }
  printSentences(Sentences, 2, Style, OS);
}

void textSpeculative(const Report &R, const TextStyle &Style,
                     llvm::raw_ostream &OS) {
  const SpeculativeView &V = *R.Speculative;
  if (!V.None.empty()) {
    printHeading("Speculative decoding", Style, OS);
    printWrapped("cannot be told: " + printable(V.None), 2, 2, Style, OS);
    return;
  }
  const LedgerView &L = R.Ledgers.front();
  if (!R.shows(View::Decode) && !R.Gpus.empty())
    textDecodeSplit(R, L.Kind, Style, OS);
  std::string Title = "Speculative decoding · " + printable(V.Asked.Draft) +
                      " proposes γ = " + llvm::itostr(V.Asked.Gamma) +
                      (V.Asked.Gamma == 1 ? " token" : " tokens") +
                      ", each accepted with α = " + decimal(V.Asked.Alpha) +
                      " · " + scopeTitle(R, L) + " · " + ledgerTitle(L);
  for (const std::string &WhatIf : R.Options.WhatIfs)
    Title += " · " + WhatIf;
  printHeading(Title, Style, OS);
  printWrapped("a round yields (1 − α^(γ+1)) / (1 − α) = " + decimal(V.Tokens) +
                   " tokens on average, " + llvm::itostr(V.Asked.Gamma + 1) +
                   " if all are accepted: the target's verification yields one "
                   "of its own",
               2, 4, Style, OS);
  if (!V.VocabularyNote.empty())
    printWrapped(V.VocabularyNote, 2, 4, Style, OS);
  std::pair<std::string, Expr> Target[] = {
      {"m rows verified, FLOPs", V.Verify.flops()},
      {"                 bytes", V.Verify.bytes()}};
  textFormulas(Target, Style, OS);
  printWrapped(
      "a step has N positions in the cache with its own; a "
      "verification of m rows has N − 1 + m, and the draft's steps are "
      "taken at N",
      2, 4, Style, OS);
  std::pair<std::string, Expr> Draft[] = {
      {"a step of the draft, FLOPs", V.DraftStep.flops()},
      {"                     bytes", V.DraftStep.bytes()}};
  textFormulas(Draft, Style, OS);
  if (R.Gpus.empty())
    printWrapped("times: give --gpu (--list-gpus shows them)", 2, 4, Style, OS);
  for (int Gpu = 0; Gpu < static_cast<int>(R.Gpus.size()); ++Gpu)
    printMachine(R, Gpu, Style, OS);
}

} // namespace xfa
