//===- TextTable.h - aligned columns that fit a terminal ------------------===//

#ifndef XFA_LIB_REPORT_TEXTTABLE_H
#define XFA_LIB_REPORT_TEXTTABLE_H

#include "xfa/Report/Render.h"

namespace xfa {

/// Columns with a header. What does not fit is folded: first the columns that
/// may wrap, at blanks; then each row becomes a small list.
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
  std::vector<size_t>
  naturalWidths(llvm::ArrayRef<std::vector<std::string>> Shown) const;
  void printList(const TextStyle &Style, llvm::raw_ostream &OS,
                 llvm::ArrayRef<std::vector<std::string>> Shown) const;
  std::vector<std::vector<std::string>> alignFigures() const;

  std::vector<Column> Columns;
  std::vector<std::vector<std::string>> Rows;
};

/// Text at blanks into lines of at most Width columns; a longer word stands
/// alone.
std::vector<std::string> wrapText(llvm::StringRef Text, size_t Width);
/// Prints a paragraph; lines after the first are indented by Hang.
void printWrapped(llvm::StringRef Text, size_t Indent, size_t Hang,
                  const TextStyle &Style, llvm::raw_ostream &OS);
/// A heading on a line of its own, folded like a paragraph.
void printHeading(llvm::StringRef Text, const TextStyle &Style,
                  llvm::raw_ostream &OS);

} // namespace xfa

#endif // XFA_LIB_REPORT_TEXTTABLE_H
