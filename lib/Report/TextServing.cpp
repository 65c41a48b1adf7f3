//===- TextServing.cpp - what fits, requests, explanations ----------------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace xfa {

static std::string fixedText(const Coordinates &At) {
  return At.empty() ? "" : toString(At, ", ");
}

static std::string bytesText(std::optional<__int128> Bytes) {
  return Bytes ? figure(static_cast<double>(*Bytes), "B") : "?";
}

static std::string largestText(const FitView::Row &Row) {
  switch (Row.Largest.Kind) {
  case LargestFit::Value:
    return Row.Along + " = " + grouped(Row.Largest.At);
  case LargestFit::Nothing:
    return "not even " + Row.Along + " = 1";
  case LargestFit::Unlimited:
    return "any " + Row.Along;
  case LargestFit::Unknown:
    break;
  }
  return "?";
}

void textFit(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS) {
  const FitView &V = *R.Fit;
  bool Cache = V.Memory.Cache && !V.Memory.Cache.is(0);
  std::string What =
      !V.Passes ? "a step with N positions in the cache"
      : Cache   ? "a pass over N positions whose keys and values are kept"
                : "a pass";
  for (int Gpu = 0; Gpu < static_cast<int>(R.Options.FitGpus.size()); ++Gpu) {
    const class Gpu &G = R.Options.FitGpus[Gpu];
    printHeading("What fits " + gpuTitle(G) + " · " +
                     (G.MemoryBytes
                          ? figure(static_cast<double>(*G.MemoryBytes), "B")
                          : std::string("memory not known")) +
                     " · " + What,
                 Style, OS);
    TextTable Table({{"at"},
                     {"largest"},
                     {"weights", TextTable::Figure},
                     {"cache", TextTable::Figure},
                     {"activations", TextTable::Figure}});
    for (const FitView::Row &Row : V.Rows)
      if (Row.Gpu == Gpu)
        Table.add({fixedText(Row.Fixed), largestText(Row),
                   bytesText(Row.Weights), bytesText(Row.Cache),
                   bytesText(Row.Activations)});
    if (Table.empty())
      printWrapped(printable(V.None), 2, 4, Style, OS);
    else
      Table.print(Style, OS);
  }
  if (!V.Passes)
    printWrapped("the activations hold the cache once more: the graph hands "
                 "out a new one beside the old",
                 2, 4, Style, OS);
  if (!V.Memory.Exact)
    printWrapped("at most: the memory is a lower bound (" +
                     printable(V.Memory.Unknown) + ")",
                 2, 4, Style, OS);
}

void textRequest(const Report &R, const TextStyle &Style,
                 llvm::raw_ostream &OS) {
  const RequestView &V = *R.Request;
  const LedgerView &L = R.Ledgers.front();
  std::string Title = "Request · prompt of " + grouped(V.Asked.Prompt) +
                      ", then " + grouped(V.Asked.New) +
                      (V.Asked.New == 1 ? " new token" : " new tokens");
  printHeading(Title + " · " + scopeTitle(R, L) + " · " + ledgerTitle(L) +
                   (R.Options.Times == Estimate::PerOp ? " · op by op" : ""),
               Style, OS);
  if (!V.None.empty()) {
    printWrapped("cannot be told: " + printable(V.None), 2, 2, Style, OS);
    return;
  }
  TextTable Table({{"on"},
                   {"at"},
                   {"first token", TextTable::Figure},
                   {"per token", TextTable::Figure},
                   {"first step", TextTable::Figure},
                   {"last", TextTable::Figure},
                   {"all", TextTable::Figure},
                   {"tokens/s", TextTable::Figure}});
  for (const RequestView::Row &Row : V.Rows) {
    std::vector<std::string> Cells = {gpuTitle(R.Gpus[Row.Gpu]),
                                      fixedText(Row.At)};
    if (!Row.Times) {
      Cells.resize(8, "?");
      Table.add(std::move(Cells));
      continue;
    }
    const RequestTimes &T = *Row.Times;
    auto Least = [&](double Seconds) {
      return atLeast(V.Exact).str() + duration(Seconds);
    };
    Cells.push_back(Least(T.First));
    Cells.push_back(T.PerToken ? Least(*T.PerToken) : "–");
    Cells.push_back(T.PerToken ? Least(T.FirstStep) : "–");
    Cells.push_back(T.PerToken ? Least(T.LastStep) : "–");
    Cells.push_back(Least(T.Total));
    Cells.push_back(
        (V.Exact ? "" : "≤ ") +
        figure(static_cast<double>(V.Asked.New * Row.Sequences) / T.Total));
    Table.add(std::move(Cells));
  }
  Table.print(Style, OS);
  printWrapped("the first token comes from the pass over the prompt; each "
               "further one is a step with one position more in the cache, and "
               "all steps are added up",
               2, 4, Style, OS);
}

void textExplanations(const Report &R, const TextStyle &Style,
                      llvm::raw_ostream &OS) {
  for (const Explanation &E : R.Explanations) {
    printHeading(roleName(E.R).str() + " · " + E.What + " · " +
                     grouped(E.Count) + " in this model",
                 Style, OS);
    TextTable Table({{"rule"},
                     {"", TextTable::Left, true},
                     {"FLOPs", TextTable::Left, true},
                     {"bytes", TextTable::Left, true}});
    for (const Explanation::Step &S : E.Steps)
      Table.add({S.Rule, S.Result ? "= " + S.Text : S.Text,
                 S.Flops ? formula(S.Flops) : "",
                 S.Bytes ? formula(S.Bytes) : ""});
    Table.print(Style, OS);
    if (E.LayersDiffer)
      printWrapped("the layers differ: the numbers are those of the first", 2,
                   4, Style, OS);
  }
}

} // namespace xfa
