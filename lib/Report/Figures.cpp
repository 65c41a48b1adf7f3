//===- Figures.cpp - numbers for readers ----------------------------------===//

#include "xfa/Report/Figures.h"

#include "llvm/Support/Unicode.h"

#include <cmath>
#include <cstdio>

namespace xfa {

size_t textWidth(llvm::StringRef Text) {
  int Width = llvm::sys::unicode::columnWidthUTF8(Text);
  return Width < 0 ? Text.size() : static_cast<size_t>(Width);
}

std::string printable(llvm::StringRef Text) {
  std::string Result = Text.str();
  for (char &C : Result)
    if (static_cast<unsigned char>(C) < 0x20 || C == 0x7f)
      C = '?';
  if (llvm::sys::unicode::columnWidthUTF8(Result) >= 0)
    return Result;
  for (char &C : Result)
    if (static_cast<unsigned char>(C) >= 0x80)
      C = '?';
  return Result;
}

std::string padRight(llvm::StringRef Text, size_t Width) {
  size_t Have = textWidth(Text);
  return Text.str() + std::string(Width > Have ? Width - Have : 0, ' ');
}

std::string padLeft(llvm::StringRef Text, size_t Width) {
  size_t Have = textWidth(Text);
  return std::string(Width > Have ? Width - Have : 0, ' ') + Text.str();
}

/// Value in [1, 1000) with three significant digits; "" if it rounds to 1000.
static std::string threeDigits(double Value) {
  int Decimals = Value < 9.995 ? 2 : Value < 99.95 ? 1 : 0;
  if (Decimals == 0 && Value >= 999.5)
    return "";
  char Buffer[32];
  std::snprintf(Buffer, sizeof Buffer, "%.*f", Decimals, Value);
  return Buffer;
}

static constexpr llvm::StringLiteral Prefixes[] = {"",  "k", "M", "G", "T",
                                                   "P", "E", "Z", "Y"};

std::string figure(double Value, llvm::StringRef Unit) {
  if (Value < 0)
    return "-" + figure(-Value, Unit);
  std::string Tail = Unit.empty() ? "" : " " + Unit.str();
  if (Value < 999.5 && Value == std::floor(Value)) {
    char Buffer[32];
    std::snprintf(Buffer, sizeof Buffer, "%.0f", Value);
    return Buffer + Tail;
  }
  for (llvm::StringRef Prefix : Prefixes) {
    if (Value < 1000)
      if (std::string Digits = threeDigits(Value); !Digits.empty())
        return Prefix.empty() ? Digits + Tail
                              : Digits + " " + Prefix.str() + Unit.str();
    Value /= 1000;
  }
  char Buffer[32];
  std::snprintf(Buffer, sizeof Buffer, "%.2e", Value * 1e27);
  return Buffer + Tail;
}

std::string rating(double Value, llvm::StringRef Unit) {
  const llvm::StringLiteral *Prefix = Prefixes;
  for (; Value >= 1000 && Prefix + 1 != std::end(Prefixes); ++Prefix)
    Value /= 1000;
  char Buffer[32];
  std::snprintf(Buffer, sizeof Buffer, "%.4g ", Value);
  return Buffer + Prefix->str() + Unit.str();
}

std::string duration(double Seconds) {
  if (Seconds == 0)
    return "0 s";
  static constexpr std::pair<double, llvm::StringLiteral> Units[] = {
      {1e9, "ns"}, {1e6, "µs"}, {1e3, "ms"}};
  for (const auto &[Scale, Unit] : Units)
    if (double Value = Seconds * Scale; Value < 1000)
      if (std::string Digits = threeDigits(Value); !Digits.empty())
        return Digits + " " + Unit.str();
  if (Seconds < 1000)
    if (std::string Digits = threeDigits(Seconds); !Digits.empty())
      return Digits + " s";
  return figure(Seconds, "s");
}

std::string percent(std::optional<double> Part) {
  if (!Part)
    return "–";
  char Buffer[32];
  std::snprintf(Buffer, sizeof Buffer, "%.1f %%", *Part * 100);
  return Buffer;
}

std::string intensity(double FlopPerByte) {
  char Buffer[64];
  std::snprintf(Buffer, sizeof Buffer,
                FlopPerByte >= 9.995 || FlopPerByte == 0 ? "%.1f"
                : FlopPerByte >= 0.9995                  ? "%.2f"
                                                         : "%.3g",
                FlopPerByte);
  return Buffer;
}

std::string grouped(int64_t Value) {
  return toString(static_cast<__int128>(Value), ExprStyle::Human);
}

std::string formula(Expr E) { return E ? toString(E, ExprStyle::Human) : "?"; }

} // namespace xfa
