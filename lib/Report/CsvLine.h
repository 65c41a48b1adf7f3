//===- CsvLine.h - one line of a table as RFC 4180 ------------------------===//

#ifndef XFA_LIB_REPORT_CSVLINE_H
#define XFA_LIB_REPORT_CSVLINE_H

#include "xfa/Report/Views.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>

namespace xfa {

/// A line of fields; quoted only where it must be.
class CsvLine {
public:
  explicit CsvLine(llvm::raw_ostream &OS) : OS(OS) {}
  ~CsvLine() { OS << "\n"; }
  CsvLine(const CsvLine &) = delete;
  CsvLine &operator=(const CsvLine &) = delete;

  CsvLine &operator<<(llvm::StringRef Field) {
    if (!First)
      OS << ',';
    First = false;
    if (Field.find_first_of(",\"\r\n") == llvm::StringRef::npos) {
      OS << Field;
      return *this;
    }
    OS << '"';
    for (char C : Field)
      OS << (C == '"' ? "\"\"" : llvm::StringRef(&C, 1));
    OS << '"';
    return *this;
  }
  CsvLine &operator<<(int64_t Number) { return *this << llvm::itostr(Number); }
  CsvLine &operator<<(__int128 Number) { return *this << toString(Number); }
  CsvLine &operator<<(Expr E) {
    return *this << (E && E.isKnown() ? toString(E) : std::string());
  }
  CsvLine &operator<<(std::optional<double> Number) {
    if (!Number)
      return *this << llvm::StringRef();
    char Buffer[40];
    std::snprintf(Buffer, sizeof Buffer, "%.17g", *Number);
    return *this << llvm::StringRef(Buffer);
  }

private:
  llvm::raw_ostream &OS;
  bool First = true;
};

/// "memory", "compute"; empty if there is none.
std::string boundText(std::optional<Bound> B);
void csvSpeculative(const Report &R, llvm::raw_ostream &OS);
void csvDecode(const Report &R, llvm::raw_ostream &OS);

} // namespace xfa

#endif // XFA_LIB_REPORT_CSVLINE_H
