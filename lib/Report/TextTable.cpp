//===- TextTable.cpp - aligned columns that fit a terminal ----------------===//

#include "TextTable.h"

#include "xfa/Report/Figures.h"

#include <numeric>

namespace xfa {

static constexpr size_t Indent = 2, Gap = 3, NarrowestWrap = 24;

std::vector<std::string> wrapText(llvm::StringRef Text, size_t Width) {
  std::vector<std::string> Lines(1);
  llvm::SmallVector<llvm::StringRef, 16> Words;
  Text.split(Words, ' ');
  for (llvm::StringRef Word : Words) {
    std::string &Line = Lines.back();
    if (!Line.empty() && textWidth(Line) + 1 + textWidth(Word) > Width)
      Lines.push_back(Word.str());
    else if (Lines.size() == 1 && Line.empty())
      Line = Word.str();
    else
      Line += (" " + Word).str();
  }
  return Lines;
}

void printWrapped(llvm::StringRef Text, size_t First, size_t Hang,
                  const TextStyle &Style, llvm::raw_ostream &OS) {
  size_t Room = Style.Width > Hang + 20 ? Style.Width - Hang : 20;
  bool Started = false;
  for (const std::string &Line : wrapText(Text, Room)) {
    OS.indent(Started ? Hang : First) << llvm::StringRef(Line).trim() << "\n";
    Started = true;
  }
}

void printHeading(llvm::StringRef Text, const TextStyle &Style,
                  llvm::raw_ostream &OS) {
  OS << "\n";
  if (Style.Colour)
    OS << "\033[1m";
  bool First = true;
  for (const std::string &Line : wrapText(Text, Style.Width)) {
    OS << (First ? "" : "\n") << Line;
    First = false;
  }
  if (Style.Colour)
    OS << "\033[0m";
  OS << "\n";
}

/// Rows with the cells of Figure columns padded: numbers end, units begin, in
/// the same column.
std::vector<std::vector<std::string>> TextTable::alignFigures() const {
  std::vector<std::vector<std::string>> Shown = Rows;
  for (size_t C = 0; C < Columns.size(); ++C) {
    if (Columns[C].Align != Figure)
      continue;
    size_t Numbers = 0, Units = 0;
    for (const auto &Row : Shown) {
      auto [Number, Unit] = llvm::StringRef(Row[C]).rsplit(' ');
      Numbers = std::max(Numbers, textWidth(Number));
      Units = std::max(Units, textWidth(Unit));
    }
    for (auto &Row : Shown) {
      auto [Number, Unit] = llvm::StringRef(Row[C]).rsplit(' ');
      std::string Cell = padLeft(Number, Numbers);
      if (Units)
        Cell += " " + padRight(Unit, Units);
      Row[C] = Cell;
    }
  }
  return Shown;
}

std::vector<size_t>
TextTable::naturalWidths(llvm::ArrayRef<std::vector<std::string>> Shown) const {
  std::vector<size_t> Widths;
  for (size_t C = 0; C < Columns.size(); ++C) {
    size_t Width = textWidth(Columns[C].Header);
    for (const auto &Row : Shown)
      Width = std::max(Width, textWidth(Row[C]));
    Widths.push_back(Width);
  }
  return Widths;
}

/// Takes columns from those that wrap until the sum fits; false if it cannot.
static bool squeeze(std::vector<size_t> &Widths,
                    llvm::ArrayRef<TextTable::Column> Columns, size_t Room) {
  size_t Sum = std::accumulate(Widths.begin(), Widths.end(), size_t(0));
  while (Sum > Room) {
    size_t *Widest = nullptr;
    for (size_t C = 0; C < Columns.size(); ++C)
      if (Columns[C].Wraps && Widths[C] > NarrowestWrap &&
          (!Widest || Widths[C] > *Widest))
        Widest = &Widths[C];
    if (!Widest)
      return false;
    --*Widest;
    --Sum;
  }
  return true;
}

static void trimmed(llvm::raw_ostream &OS, llvm::StringRef Line) {
  OS << Line.rtrim(' ') << "\n";
}

/// The last way: `header: cell` lines under each row's first cell.
void TextTable::printList(
    const TextStyle &Style, llvm::raw_ostream &OS,
    llvm::ArrayRef<std::vector<std::string>> Shown) const {
  for (const auto &Row : Shown) {
    OS.indent(Indent) << Row[0] << "\n";
    for (size_t C = 1; C < Columns.size(); ++C) {
      llvm::StringRef Cell = llvm::StringRef(Row[C]).trim();
      if (!Cell.empty())
        printWrapped(
            (Columns[C].Header.empty() ? "" : Columns[C].Header + ": ") +
                Cell.str(),
            Indent + 2, Indent + 4, Style, OS);
    }
  }
}

void TextTable::print(const TextStyle &Style, llvm::raw_ostream &OS) const {
  if (Rows.empty())
    return;
  std::vector<std::vector<std::string>> Shown = alignFigures();
  std::vector<size_t> Widths = naturalWidths(Shown);
  size_t Frame = Indent + Gap * (Columns.size() - 1);
  if (Style.Width <= Frame || !squeeze(Widths, Columns, Style.Width - Frame))
    return printList(Style, OS, Shown);

  auto printRow = [&](llvm::ArrayRef<std::string> Cells) {
    std::vector<std::vector<std::string>> Lines;
    size_t Height = 1;
    for (size_t C = 0; C < Columns.size(); ++C) {
      Lines.push_back(textWidth(Cells[C]) > Widths[C]
                          ? wrapText(Cells[C], Widths[C])
                          : std::vector<std::string>{Cells[C]});
      Height = std::max(Height, Lines.back().size());
    }
    for (size_t L = 0; L < Height; ++L) {
      std::string Line(Indent, ' ');
      for (size_t C = 0; C < Columns.size(); ++C) {
        llvm::StringRef Cell;
        if (L < Lines[C].size())
          Cell = Lines[C][L];
        bool ToRight = Columns[C].Align != Left;
        Line += ToRight ? padLeft(Cell, Widths[C]) : padRight(Cell, Widths[C]);
        if (C + 1 < Columns.size())
          Line.append(Gap, ' ');
      }
      trimmed(OS, Line);
    }
  };
  std::vector<std::string> Headers;
  for (const Column &C : Columns)
    Headers.push_back(C.Header);
  printRow(Headers);
  for (const auto &Row : Shown)
    printRow(Row);
}

} // namespace xfa
