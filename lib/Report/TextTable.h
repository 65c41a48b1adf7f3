//===- TextTable.h - aligned columns that fit a terminal ------------------===//

#ifndef XFA_LIB_REPORT_TEXTTABLE_H
#define XFA_LIB_REPORT_TEXTTABLE_H

#include "xfa/Report/Render.h"

namespace xfa {

/// Columns with a header. Where they do not fit, cells that may wrap and
/// headers wrap at blanks; then the last columns go to a line of their own
/// under the first ones.
class TextTable {
public:
  enum AlignTy : uint8_t {
    Left,
    Right,
    Figure ///< "94.7 G": number to the right, unit to the left
  };
  struct Column {
    std::string Header;
    AlignTy Align = Left;
    bool Wraps = false;
  };
  explicit TextTable(std::vector<Column> Columns)
      : Columns(std::move(Columns)) {}

  void add(std::vector<std::string> Cells) { Rows.push_back(std::move(Cells)); }
  bool empty() const { return Rows.empty(); }
  void print(const TextStyle &Style, llvm::raw_ostream &OS) const;

private:
  using Line = std::vector<std::string>;
  /// Columns [First, End) and the widths that they get.
  struct Part {
    size_t First, End;
    std::vector<size_t> Widths;
  };
  std::vector<Line> alignFigures() const;
  std::optional<Part> fit(size_t First, size_t End, size_t Room,
                          llvm::ArrayRef<Line> Shown) const;
  std::vector<Part> layOut(size_t Width, llvm::ArrayRef<Line> Shown) const;
  void printLine(const Part &P, const Line &Cells, llvm::raw_ostream &OS) const;

  std::vector<Column> Columns;
  std::vector<Line> Rows;
};

/// Text at blanks into lines of at most Width columns; a longer word stands
/// alone.
std::vector<std::string> wrapText(llvm::StringRef Text, size_t Width);
/// Prints a paragraph; lines after the first are indented by Hang.
void printWrapped(llvm::StringRef Text, size_t Indent, size_t Hang,
                  const TextStyle &Style, llvm::raw_ostream &OS);
/// Sentences with `; ` between them; a line breaks between two of them where
/// that is possible.
void printSentences(llvm::ArrayRef<std::string> Sentences, size_t Indent,
                    const TextStyle &Style, llvm::raw_ostream &OS);
/// A heading on a line of its own, folded like a paragraph.
void printHeading(llvm::StringRef Text, const TextStyle &Style,
                  llvm::raw_ostream &OS);

} // namespace xfa

#endif // XFA_LIB_REPORT_TEXTTABLE_H
