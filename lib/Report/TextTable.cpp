//===- TextTable.cpp - aligned columns that fit a terminal ----------------===//

#include "TextTable.h"

#include "xfa/Report/Figures.h"

namespace xfa {

static constexpr size_t Indent = 2, Gap = 3, NarrowestWrap = 24, Fold = 6;

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

void printSentences(llvm::ArrayRef<std::string> Sentences, size_t Indent,
                    const TextStyle &Style, llvm::raw_ostream &OS) {
  std::string Line;
  auto Flush = [&] {
    if (!Line.empty())
      printWrapped(Line, Indent, Indent, Style, OS);
    Line.clear();
  };
  for (size_t I = 0; I < Sentences.size(); ++I) {
    std::string Next = Sentences[I] + (I + 1 < Sentences.size() ? ";" : "");
    if (Indent + textWidth(Line) + 1 + textWidth(Next) > Style.Width)
      Flush();
    Line += (Line.empty() ? "" : " ") + Next;
  }
  Flush();
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
std::vector<TextTable::Line> TextTable::alignFigures() const {
  std::vector<Line> Shown = Rows;
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

static size_t longestWord(llvm::StringRef Text) {
  size_t Longest = 0;
  while (!Text.empty()) {
    auto [Word, Rest] = Text.split(' ');
    Longest = std::max(Longest, textWidth(Word));
    Text = Rest;
  }
  return Longest;
}

/// The widest columns give, down to what they must have; none if that is not
/// enough.
std::optional<TextTable::Part>
TextTable::fit(size_t First, size_t End, size_t Room,
               llvm::ArrayRef<Line> Shown) const {
  Part P{First, End, {}};
  std::vector<size_t> Least;
  size_t Sum = Gap * (End - First - 1);
  for (size_t C = First; C < End; ++C) {
    size_t Cells = 0, Word = 0;
    for (const Line &Row : Shown) {
      Cells = std::max(Cells, textWidth(Row[C]));
      if (Columns[C].Wraps)
        Word = std::max(Word, longestWord(Row[C]));
    }
    P.Widths.push_back(std::max(Cells, textWidth(Columns[C].Header)));
    size_t Narrow = Columns[C].Wraps
                        ? std::max(Word, std::min(Cells, NarrowestWrap))
                        : Cells;
    Least.push_back(std::max(Narrow, longestWord(Columns[C].Header)));
    Sum += P.Widths.back();
  }
  while (Sum > Room) {
    std::optional<size_t> Widest;
    for (size_t I = 0; I < Least.size(); ++I)
      if (P.Widths[I] > Least[I] &&
          (!Widest || P.Widths[I] > P.Widths[*Widest]))
        Widest = I;
    if (!Widest)
      return std::nullopt;
    size_t Give = std::min(P.Widths[*Widest] - Least[*Widest], Sum - Room);
    // A little at a time: columns of equal width give alike.
    Give = std::min<size_t>(Give, 1 + P.Widths[*Widest] / 16);
    P.Widths[*Widest] -= Give;
    Sum -= Give;
  }
  return P;
}

/// As few lines a row as it takes; a column too wide for any stands alone.
std::vector<TextTable::Part>
TextTable::layOut(size_t Width, llvm::ArrayRef<Line> Shown) const {
  std::vector<Part> Parts;
  for (size_t First = 0; First < Columns.size();) {
    size_t Before = Parts.empty() ? Indent : Fold;
    size_t Room = Width > Before + 1 ? Width - Before : 1;
    std::optional<Part> Best;
    for (size_t End = Columns.size(); End > First && !Best; --End)
      Best = fit(First, End, Room, Shown);
    if (!Best)
      Best = Part{First, First + 1, {Room}};
    First = Best->End;
    Parts.push_back(std::move(*Best));
  }
  return Parts;
}

void TextTable::printLine(const Part &P, const Line &Cells,
                          llvm::raw_ostream &OS) const {
  std::vector<std::vector<std::string>> Wrapped;
  size_t Height = 0;
  for (size_t C = P.First; C < P.End; ++C) {
    size_t Width = P.Widths[C - P.First];
    Wrapped.push_back(textWidth(Cells[C]) > Width
                          ? wrapText(Cells[C], Width)
                          : std::vector<std::string>{Cells[C]});
    Height = std::max(Height, Wrapped.back().size());
  }
  for (size_t L = 0; L < Height; ++L) {
    std::string Text(P.First ? Fold : Indent, ' ');
    for (size_t I = 0; I < Wrapped.size(); ++I) {
      llvm::StringRef Cell;
      if (L < Wrapped[I].size())
        Cell = Wrapped[I][L];
      bool ToRight = Columns[P.First + I].Align != Left;
      Text +=
          (I ? std::string(Gap, ' ') : "") +
          (ToRight ? padLeft(Cell, P.Widths[I]) : padRight(Cell, P.Widths[I]));
    }
    llvm::StringRef Trimmed = llvm::StringRef(Text).rtrim(' ');
    if (!Trimmed.empty())
      OS << Trimmed << "\n";
  }
}

void TextTable::print(const TextStyle &Style, llvm::raw_ostream &OS) const {
  if (Rows.empty())
    return;
  std::vector<Line> Shown = alignFigures();
  std::vector<Part> Parts = layOut(Style.Width, Shown);
  Line Headers;
  for (const Column &C : Columns)
    Headers.push_back(C.Header);
  for (const Part &P : Parts)
    printLine(P, Headers, OS);
  for (const Line &Row : Shown)
    for (const Part &P : Parts)
      printLine(P, Row, OS);
}

} // namespace xfa
