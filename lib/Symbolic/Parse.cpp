//===- Parse.cpp - text as expressions ------------------------------------===//
//
//   sum     = product { ("+" | "-") product }
//   product = unary { ("*" | "//" | "/" | "%") unary }
//   unary   = ("+" | "-") unary | power
//   power   = primary [ "**" unary ]
//   primary = integer | name | ("max" | "min") "(" sum { "," sum } ")"
//           | "(" sum ")"
//
// As in Python: -a**2 is -(a**2), -a//b is (-a)//b.
//
//===----------------------------------------------------------------------===//

#include "ExprImpl.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace xfa;
using namespace xfa::symbolic;

/// Names may start with a digit, as a dim_param may; all digits is a number.
static bool isNameCharacter(char C) {
  return isAlnum(C) || C == '_' || C == '.' || C == ':' || C == '#';
}

namespace {
class Parser {
public:
  Parser(ExprStore &Store, StringRef Text, bool OnlyKnownSymbols)
      : Store(Store), Text(Text), OnlyKnownSymbols(OnlyKnownSymbols) {}

  Expected<Expr> run();

private:
  static constexpr unsigned MaxNesting = 200;

  // Each returns no expression after a problem, which the first one records.
  Expr sum();
  Expr product();
  Expr unary();
  Expr power();
  Expr primary();
  bool consumeLeastNumber();
  Expr call(bool IsMax);

  Expr fail(size_t At, const Twine &Sentence) {
    if (Problem.empty())
      Problem = ("column " + Twine(At + 1) + ": " + Sentence).str();
    return Expr();
  }
  std::string found() const {
    return Position == Text.size() ? std::string("the end")
                                   : "'" + Text.substr(Position, 1).str() + "'";
  }
  void skipSpace() {
    while (Position != Text.size() && isSpace(Text[Position]))
      ++Position;
  }
  bool consume(StringRef Token) {
    skipSpace();
    if (!Text.substr(Position).starts_with(Token))
      return false;
    Position += Token.size();
    return true;
  }

  ExprStore &Store;
  StringRef Text;
  bool OnlyKnownSymbols;
  size_t Position = 0;
  unsigned Nesting = 0;
  std::string Problem;
};
} // namespace

Expected<Expr> Parser::run() {
  Expr Result = sum();
  skipSpace();
  if (Result && Position != Text.size())
    Result = fail(Position, "expected an operator, got " + found());
  if (!Result)
    return createStringError(inconvertibleErrorCode(), Problem);
  return Result;
}

Expr Parser::sum() {
  Expr Left = product();
  while (Left) {
    bool Adds = consume("+");
    if (!Adds && !consume("-"))
      return Left;
    Expr Right = product();
    if (!Right)
      return Right;
    Left = Adds ? Left + Right : Left - Right;
  }
  return Left;
}

Expr Parser::product() {
  Expr Left = unary();
  while (Left) {
    Expr (*Apply)(Expr, Expr);
    if (consume("*"))
      Apply = [](Expr A, Expr B) { return A * B; };
    else if (consume("//"))
      Apply = [](Expr A, Expr B) { return floorDiv(A, B); };
    else if (consume("/"))
      Apply = [](Expr A, Expr B) { return exactDiv(A, B); };
    else if (consume("%"))
      Apply = [](Expr A, Expr B) { return mod(A, B); };
    else
      return Left;
    Expr Right = unary();
    if (!Right)
      return Right;
    Left = Apply(Left, Right);
  }
  return Left;
}

/// -9223372036854775808 fits in 64 bits, but what follows its minus does not.
bool Parser::consumeLeastNumber() {
  size_t Start = Position;
  if (consume("-") && consume("9223372036854775808") &&
      (Position == Text.size() || !isNameCharacter(Text[Position]))) {
    size_t End = Position;
    if (!consume("**"))
      return true;
    Position = End;
  }
  Position = Start;
  return false;
}

Expr Parser::unary() {
  skipSpace();
  if (++Nesting > MaxNesting)
    return fail(Position, "the expression is nested too deeply");
  Expr Result;
  if (consumeLeastNumber()) {
    Result = Store.constant(INT64_MIN);
  } else if (consume("-")) {
    Result = unary();
    if (Result)
      Result = -Result;
  } else if (consume("+")) {
    Result = unary();
  } else {
    Result = power();
  }
  --Nesting;
  return Result;
}

Expr Parser::power() {
  Expr Base = primary();
  if (!Base || !consume("**"))
    return Base;
  skipSpace();
  size_t At = Position;
  Expr Exponent = unary();
  if (!Exponent)
    return Exponent;
  std::optional<int64_t> Value = Exponent.constant();
  if (!Value || *Value < 0 || *Value > ExprStore::Impl::MaxDegree)
    return fail(At, "expected an exponent from 0 to " +
                        Twine(ExprStore::Impl::MaxDegree) + ", got " +
                        toString(Exponent));
  return pow(Base, static_cast<unsigned>(*Value));
}

Expr Parser::call(bool IsMax) {
  SmallVector<Expr, 4> Operands;
  do {
    Expr Operand = sum();
    if (!Operand)
      return Operand;
    Operands.push_back(Operand);
  } while (consume(","));
  if (!consume(")"))
    return fail(Position, "expected ',' or ')', got " + found());
  if (Operands.size() == 2)
    return IsMax ? max(Operands[0], Operands[1])
                 : min(Operands[0], Operands[1]);
  return Store.impl().extremum(IsMax, Operands);
}

Expr Parser::primary() {
  skipSpace();
  size_t At = Position;
  if (consume("(")) {
    Expr Inner = sum();
    if (Inner && !consume(")"))
      return fail(Position, "expected ')', got " + found());
    return Inner;
  }
  StringRef Word = Text.substr(Position).take_while(isNameCharacter);
  if (Word.empty())
    return fail(At, "expected a number, a name or '(', got " + found());
  Position += Word.size();
  if (llvm::all_of(Word, isDigit)) {
    int64_t Value;
    if (Word.getAsInteger(10, Value))
      return fail(At, "the number " + Word + " leaves 64 bits");
    return Store.constant(Value);
  }
  if ((Word == "max" || Word == "min") && consume("("))
    return call(Word == "max");
  if (OnlyKnownSymbols && !Store.hasSymbol(Word))
    return fail(At, "there is no symbol '" + Word + "'");
  return Store.symbol(Word);
}

Expected<Expr> ExprStore::parse(StringRef Text, bool OnlyKnownSymbols) {
  return Parser(*this, Text, OnlyKnownSymbols).run();
}
