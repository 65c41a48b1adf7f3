//===- Figures.h - numbers for readers: three digits, SI prefixes ---------===//

#ifndef XFA_REPORT_FIGURES_H
#define XFA_REPORT_FIGURES_H

#include "xfa/Symbolic/Expr.h"

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace xfa {

/// Columns that UTF-8 text takes on a terminal.
size_t textWidth(llvm::StringRef Text);
/// Names come from files: what a terminal would obey is shown as `?`.
std::string printable(llvm::StringRef Text);
std::string padRight(llvm::StringRef Text, size_t Width);
std::string padLeft(llvm::StringRef Text, size_t Width);

/// Three significant digits and an SI prefix: 94704844800 → "94.7 G"; with a
/// unit "94.7 GB". Below 1000 as it is.
std::string figure(double Value, llvm::StringRef Unit = "");
/// A figure of a datasheet: up to four digits, no idle zeros: "65 TFLOP/s".
std::string rating(double Value, llvm::StringRef Unit);
/// "1.46 ms"
std::string duration(double Seconds);
/// "60.1 %"; a part that is not known: "–".
std::string percent(std::optional<double> Part);
/// FLOP/byte: "155.7", "0.125".
std::string intensity(double FlopPerByte);
/// 8899 → "8,899".
std::string grouped(int64_t Value);
/// Human form; null and unknown: "?".
std::string formula(Expr E);

} // namespace xfa

#endif // XFA_REPORT_FIGURES_H
