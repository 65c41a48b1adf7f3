//===- TextRoofline.cpp - figures at points, verdicts, crossovers ---------===//

#include "Points.h"
#include "Text.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

std::string gpuTitle(const Gpu &G) {
  if (G.Vendor.empty() || llvm::StringRef(G.Name).starts_with(G.Vendor))
    return printable(G.Name.empty() ? G.Key : G.Name);
  return printable(G.Vendor + " " + G.Name);
}

std::string machineLine(const Report &R, const Gpu &G) {
  ElemType Type = R.MatrixType;
  llvm::StringRef TypeName =
      R.Options.Products == Float32Products::TF32 && Type == ElemType::Float32
          ? "tf32"
          : elemTypeName(Type);
  std::string Text = gpuTitle(G) + " · ";
  if (std::optional<double> Peak = matrixPeak(G, Type, R.Options.Products))
    Text += rating(*Peak, isInteger(Type) ? "OP/s" : "FLOP/s") + " " +
            TypeName.str();
  else
    Text += "no " + TypeName.str() + " peak known";
  Text += " · " + rating(G.Bandwidth, "B/s");
  if (std::optional<double> Balance =
          machineBalance(G, Type, R.Options.Products))
    Text += " · balance " + intensity(*Balance) + " FLOP/byte";
  return Text;
}

static std::string optionalTime(std::optional<double> Seconds) {
  return Seconds ? duration(*Seconds) : "?";
}

static std::string valueOf(const Coordinates &At, llvm::StringRef Name) {
  for (const auto &C : At)
    if (C.first == Name)
      return llvm::itostr(C.second);
  return "";
}

static void printPoints(const Report &R,
                        llvm::ArrayRef<const RooflineView::Row *> Rows,
                        const TextStyle &Style, llvm::raw_ostream &OS) {
  std::vector<std::string> Symbols = symbolsOf(Rows);
  bool Times = Rows.front()->Gpu >= 0;
  bool PerOp = Times && R.Options.Times == Estimate::PerOp;
  std::vector<TextTable::Column> Columns;
  Columns.reserve(Symbols.size() + 8);
  for (const std::string &Name : Symbols)
    Columns.push_back({Name, TextTable::Right});
  Columns.push_back({"FLOPs", TextTable::Figure});
  Columns.push_back({"bytes", TextTable::Figure});
  Columns.push_back({"FLOP/byte", TextTable::Right});
  if (Times) {
    Columns.push_back({"compute", TextTable::Figure});
    Columns.push_back({"memory", TextTable::Figure});
    if (PerOp)
      Columns.push_back({"op by op", TextTable::Figure});
    Columns.push_back({"bound by"});
    Columns.push_back({"", TextTable::Left, true});
  }
  TextTable Table(std::move(Columns));
  for (const RooflineView::Row *Row : Rows) {
    std::vector<std::string> Cells;
    Cells.reserve(Symbols.size() + 8);
    for (const std::string &Name : Symbols)
      Cells.push_back(valueOf(Row->At, Name));
    std::string Least = atLeast(Row->Exact).str();
    Cells.push_back(Least + figure(static_cast<double>(Row->Flops)));
    Cells.push_back(Least + figure(static_cast<double>(Row->Bytes), "B"));
    Cells.push_back(intensity(Row->Intensity));
    if (Times) {
      Cells.push_back(Row->ComputeTime ? Least + duration(*Row->ComputeTime)
                                       : "?");
      Cells.push_back(Least + duration(Row->MemoryTime.value_or(0)));
      if (PerOp)
        Cells.push_back(Row->PerOpTime ? Least + duration(*Row->PerOpTime)
                                       : optionalTime(std::nullopt));
      Cells.emplace_back(!Row->BoundBy                    ? "unknown"
                         : *Row->BoundBy == Bound::Memory ? "memory"
                                                          : "compute");
      Cells.push_back(Row->Why);
    }
    Table.add(std::move(Cells));
  }
  Table.print(Style, OS);
}

static llvm::StringRef boundName(Bound B) {
  return B == Bound::Memory ? "memory-bound" : "compute-bound";
}

static std::string fixedText(const Coordinates &Fixed) {
  std::string Text;
  for (const auto &[Name, Value] : Fixed)
    Text += (Text.empty() ? "" : ", ") + Name + " = " + llvm::itostr(Value);
  return Text;
}

/// "N ≤ 4", "5 ≤ N ≤ 785", "N ≥ 786": From 0 and To 0 are open ends.
static std::string interval(llvm::StringRef Name, int64_t From, int64_t To) {
  std::string Text;
  if (From && To && From == To)
    return (Name + " = ").str() + llvm::itostr(From);
  if (From && To)
    Text = llvm::itostr(From) + " ≤ ";
  Text += Name;
  if (To)
    Text += " ≤ " + llvm::itostr(To);
  else if (From)
    Text += " ≥ " + llvm::itostr(From);
  return Text;
}

std::string verdictSentence(const CrossoverView::Row &Row) {
  std::string Fixed = fixedText(Row.Fixed);
  if (!Row.Unknown.empty())
    return (Fixed.empty() ? "" : "at " + Fixed + " ") +
           std::string("not known: ") + printable(Row.Unknown);
  if (Row.Always || Row.Flips.empty()) {
    if (!Row.Always)
      return Fixed + " not known";
    return (Fixed.empty() ? "" : Fixed + " is ") +
           boundName(*Row.Always).str() + " at every " + Row.Along;
  }
  // Where it is compute-bound: the rest is memory-bound.
  std::string Where;
  int64_t From = 0;
  bool Compute = Row.Flips.front().From == Bound::Compute;
  for (const Crossover::Flip &F : Row.Flips) {
    if (Compute)
      Where +=
          (Where.empty() ? "" : " and ") + interval(Row.Along, From, F.At - 1);
    From = F.At;
    Compute = F.To == Bound::Compute;
  }
  if (Compute)
    Where += (Where.empty() ? "" : " and ") + interval(Row.Along, From, 0);
  return (Fixed.empty() ? "" : "at " + Fixed + " ") +
         std::string("compute-bound for ") + Where;
}

/// The verdicts of one accelerator and ledger as one paragraph.
static void printVerdicts(const Report &R, int GpuIndex, LedgerKind Kind,
                          const TextStyle &Style, llvm::raw_ostream &OS) {
  static constexpr size_t Most = 6;
  std::vector<std::string> Sentences;
  size_t Left = 0;
  for (const CrossoverView::Row &Row : R.Crossovers.Rows) {
    if (Row.Gpu != GpuIndex || Row.Kind != Kind)
      continue;
    if (Sentences.size() == Most)
      ++Left;
    else
      Sentences.push_back(verdictSentence(Row));
  }
  if (Left)
    Sentences.push_back(llvm::utostr(Left) + " more (--view=crossover)");
  printSentences(Sentences, 2, Style, OS);
}

void textRoofline(const Report &R, const TextStyle &Style,
                  llvm::raw_ostream &OS) {
  int First = R.Gpus.empty() ? -1 : 0;
  for (int G = First; G < static_cast<int>(R.Gpus.size()); ++G) {
    std::string Title =
        G < 0 ? std::string("At points") : machineLine(R, R.Gpus[G]);
    for (const LedgerView &L : textLedgers(R)) {
      std::vector<const RooflineView::Row *> Rows;
      for (const RooflineView::Row &Row : R.Roofline.Rows)
        if (Row.Gpu == G && Row.Kind == L.Kind)
          Rows.push_back(&Row);
      printHeading(Title + (R.LedgersChosen && R.Ledgers.size() > 1
                                ? " · " + ledgerTitle(L)
                                : std::string()),
                   Style, OS);
      if (Rows.empty()) {
        printWrapped(R.Roofline.None.empty() ? "no points" : R.Roofline.None, 2,
                     4, Style, OS);
        continue;
      }
      printPoints(R, Rows, Style, OS);
      if (!R.Roofline.None.empty())
        printWrapped(R.Roofline.None, 2, 4, Style, OS);
      if (!R.shows(View::Crossover))
        printVerdicts(R, G, L.Kind, Style, OS);
    }
  }
}

void textCrossovers(const Report &R, const TextStyle &Style,
                    llvm::raw_ostream &OS) {
  if (R.Gpus.empty()) {
    printHeading("Crossovers", Style, OS);
    printWrapped("between compute and memory there is none without an "
                 "accelerator: give --gpu (--list-gpus shows them)",
                 2, 4, Style, OS);
    return;
  }
  for (int G = 0; G < static_cast<int>(R.Gpus.size()); ++G)
    for (const LedgerView &L : textLedgers(R)) {
      printHeading("Crossovers · " + machineLine(R, R.Gpus[G]) + " · " +
                       ledgerTitle(L),
                   Style, OS);
      bool Any = false;
      for (const CrossoverView::Row &Row : R.Crossovers.Rows)
        if (Row.Gpu == G && Row.Kind == L.Kind) {
          printWrapped(verdictSentence(Row), 2, 4, Style, OS);
          Any = true;
        }
      if (!Any)
        printWrapped(R.Roofline.None.empty()
                         ? "the graph has no symbol to go along"
                         : R.Roofline.None,
                     2, 4, Style, OS);
    }
}

} // namespace xfa
