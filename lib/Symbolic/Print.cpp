//===- Print.cpp - expressions as text ------------------------------------===//

#include "ExprImpl.h"

#include <algorithm>

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

std::string xfa::toString(Int128 Value, ExprStyle Style) {
  bool IsNegative = Value < 0;
  auto Rest = IsNegative ? -static_cast<unsigned __int128>(Value)
                         : static_cast<unsigned __int128>(Value);
  std::string Text; // from the last digit
  unsigned Digits = 0;
  do {
    if (Style == ExprStyle::Human && Digits != 0 && Digits % 3 == 0)
      Text += ',';
    Text += static_cast<char>('0' + static_cast<int>(Rest % 10));
    Rest /= 10;
    ++Digits;
  } while (Rest != 0);
  if (IsNegative)
    Text += '-';
  std::reverse(Text.begin(), Text.end());
  return Text;
}

namespace {
class Printer {
public:
  explicit Printer(ExprStyle Style) : IsHuman(Style == ExprStyle::Human) {}

  void print(Expr A);
  std::string Text;

private:
  void printNumber(Int128 Value) {
    Text += toString(Value, IsHuman ? ExprStyle::Human : ExprStyle::Python);
  }
  void printMonomial(const ExprMonomial *Monomial, bool NeedsParentheses,
                     bool IsWhole);
  void printAtom(const ExprAtom *Atom);
  void printOperand(Expr A);
  void printExponent(uint32_t Exponent);

  bool IsHuman;
};
} // namespace

/// A symbol whose name is no single token: exporters write `past+new` and mean
/// a dimension of its own.
static bool isCompound(const ExprAtom *Atom) {
  return Atom->Kind == AtomKind::Symbol &&
         Atom->Name.find_first_of("+-*/%^()[], ") != StringRef::npos;
}

/// An operand of // in parentheses, unless it is a single token or a call.
void Printer::printOperand(Expr A) {
  const ExprAtom *Atom = asAtom(A);
  bool IsSingle =
      Atom ? (Atom->Kind != AtomKind::FloorDiv || IsHuman) && !isCompound(Atom)
           : A.isConstant() && *A.constant() >= 0;
  if (!IsSingle)
    Text += '(';
  print(A);
  if (!IsSingle)
    Text += ')';
}

void Printer::printAtom(const ExprAtom *Atom) {
  switch (Atom->Kind) {
  case AtomKind::Symbol:
    Text += Atom->Name;
    return;
  case AtomKind::Unknown:
    Text += '?';
    return;
  case AtomKind::FloorDiv:
    if (IsHuman)
      Text += "⌊";
    printOperand(Atom->Operands[0]);
    Text += IsHuman ? "/" : "//";
    printOperand(Atom->Operands[1]);
    if (IsHuman)
      Text += "⌋";
    return;
  case AtomKind::Max:
  case AtomKind::Min:
    Text += Atom->Kind == AtomKind::Max ? "max(" : "min(";
    for (Expr Operand : Atom->Operands) {
      if (Operand != Atom->Operands.front())
        Text += ", ";
      print(Operand);
    }
    Text += ')';
    return;
  }
}

void Printer::printExponent(uint32_t Exponent) {
  static const char *const Superscripts[] = {"⁰", "¹", "²", "³", "⁴",
                                             "⁵", "⁶", "⁷", "⁸", "⁹"};
  if (Exponent == 1)
    return;
  std::string Digits = std::to_string(Exponent);
  if (!IsHuman) {
    Text += "**" + Digits;
    return;
  }
  for (char Digit : Digits)
    Text += Superscripts[Digit - '0'];
}

/// IsWhole: it is all there is, so that a symbol's name stands for itself.
void Printer::printMonomial(const ExprMonomial *Monomial, bool NeedsParentheses,
                            bool IsWhole) {
  bool IsFirst = true;
  for (const Factor &Each : Monomial->Factors) {
    if (!IsFirst)
      Text += IsHuman ? "·" : "*";
    IsFirst = false;
    bool Wrap = isCompound(Each.Atom)
                    ? !IsWhole
                    : NeedsParentheses && !IsHuman &&
                          Each.Atom->Kind == AtomKind::FloorDiv;
    if (Wrap)
      Text += '(';
    printAtom(Each.Atom);
    if (Wrap)
      Text += ')';
    printExponent(Each.Exponent);
  }
}

void Printer::print(Expr A) {
  if (A.node()->Terms.empty())
    Text += '0';
  bool IsFirst = true;
  for (const Term &Each : A.node()->Terms) {
    // The magnitude of the least number is no literal: it is added, negative.
    bool Subtracts = Each.Coefficient < 0 && Each.Coefficient != INT64_MIN;
    if (!IsFirst)
      Text += Subtracts ? " - " : " + ";
    else if (Subtracts)
      Text += '-';
    int64_t Shown = Subtracts ? -Each.Coefficient : Each.Coefficient;
    bool IsLone = Shown == 1 && Each.Monomial->Degree == 1 &&
                  !(IsFirst && Subtracts); // -a//b is (-a)//b
    if (Shown != 1 || Each.Monomial->Degree == 0) {
      printNumber(Shown);
      if (Each.Monomial->Degree != 0)
        Text += IsHuman ? "·" : "*";
    }
    bool IsWhole = IsLone && A.node()->Terms.size() == 1;
    printMonomial(Each.Monomial, /*NeedsParentheses=*/!IsLone, IsWhole);
    IsFirst = false;
  }
}

std::string xfa::toString(Expr A, ExprStyle Style) {
  if (!A)
    return "?";
  Printer Out(Style);
  Out.print(A);
  return std::move(Out.Text);
}
