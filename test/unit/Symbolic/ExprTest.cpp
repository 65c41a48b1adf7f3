//===- ExprTest.cpp - what one may ask of an expression -------------------===//

#include "ExprTestSupport.h"

#include "llvm/ADT/DenseSet.h"

#include <random>

using namespace llvm;
using namespace xfa;
using namespace xfa::test;

namespace {

TEST(Expr, noneIsNeitherZeroNorUnknown) {
  ExprStore Store;
  EXPECT_FALSE(Expr());
  EXPECT_TRUE(Store.constant(0));
  EXPECT_NE(Expr(), Store.constant(0));
}

TEST(Expr, constantAndSymbol) {
  ExprStore Store;
  Expr N = Store.symbol("N");
  EXPECT_EQ(Store.constant(5).constant(), 5);
  EXPECT_EQ((N - N + 3).constant(), 3);
  EXPECT_TRUE((N - N).is(0));
  EXPECT_FALSE(N.constant());
  EXPECT_EQ(N.asSymbol(), StringRef("N"));
  EXPECT_FALSE((2 * N).asSymbol());
  EXPECT_EQ(Store.symbol("N", 0), N);
  EXPECT_EQ(lowerBound(N), 1) << "the bound counts on first use";
  EXPECT_TRUE(Store.hasSymbol("N"));
  EXPECT_FALSE(Store.hasSymbol("M"));
  EXPECT_EQ(&N.store(), &Store);
}

TEST(Expr, worksAsAKey) {
  ExprStore Store;
  DenseMap<Expr, int> Uses;
  DenseSet<Expr> Seen;
  for (int I = 0; I != 1000; ++I) {
    ++Uses[Store.symbol("N") * (I % 100)];
    Seen.insert(Store.constant(I));
  }
  EXPECT_EQ(Uses.size(), 100u);
  EXPECT_EQ(Uses[Store.symbol("N") * 99], 10);
  EXPECT_EQ(Seen.size(), 1000u);
}

TEST(Evaluate, valuesAndProblems) {
  ExprStore Store;
  Bindings At = {{"B", 3}, {"N", -7}, {"Z", 0}};
  auto Value = [&](const char *Text) {
    return toString(cantFail(evaluate(read(Store, Text), At)));
  };
  EXPECT_EQ(Value("N//2"), "-4");
  EXPECT_EQ(Value("N%3"), "2");
  EXPECT_EQ(Value("max(B, N)*min(B, N)"), "-21");
  EXPECT_EQ(Value("B**70"),
            "2503155504993241601315571986085849"); // beyond 64 bits
  EXPECT_EQ(problemOf(evaluate(read(Store, "B + M"), At)),
            "symbol 'M' has no value");
  EXPECT_EQ(problemOf(evaluate(read(Store, "B//(Z*N)"), At)),
            "division by zero in B//(N*Z)");
  EXPECT_EQ(problemOf(evaluate(read(Store, "B**100"), At)),
            "the value leaves 128 bits");
  EXPECT_EQ(problemOf(evaluate(Store.unknown("no value info"), At)),
            "unknown: no value info");
}

TEST(Substitute, allAtOnce) {
  ExprStore Store;
  Expr B = Store.symbol("B"), N = Store.symbol("N");
  EXPECT_EQ(substitute(B - N, {{"B", N}, {"N", B}}), N - B);
  EXPECT_EQ(substitute(floorDiv(N + 1, 2) * B, {{"N", 2 * B + 1}}),
            B * (B + 1));
  EXPECT_EQ(substitute(max(B, N), {{"B", N * N}}), N * N);
  EXPECT_EQ(substitute(pow(N, 3), {{"N", Store.constant(5)}}).constant(), 125);
  EXPECT_EQ(substitute(B, {{"Q", N}}), B);
}

TEST(Transfer, keepsNamesAndBounds) {
  ExprStore From, To;
  Expr P = From.symbol("P", 0), N = From.symbol("N");
  Expr A = floorDiv(P * N + 1, N + 1) + max(P, From.constant(1)) * N;
  Expr Moved = transfer(A, To);
  EXPECT_EQ(&Moved.store(), &To);
  EXPECT_EQ(toString(Moved), toString(A));
  EXPECT_EQ(lowerBound(To.symbol("P")), 0);
  Expr U = From.unknown("why", 0);
  Expr MovedUnknown = transfer(U * U - U, To);
  EXPECT_EQ(MovedUnknown.unknownReason(), "why");
  EXPECT_EQ(toString(MovedUnknown), "-? + ?**2");
}

TEST(Inspect, symbolsDegreesCoefficients) {
  ExprStore Store;
  Expr A = read(Store, "3*B*N**2 + 5*N**2 + 7*B + (M + 1)//(L + 2)");
  EXPECT_EQ(symbols(A), (SmallVector<StringRef, 4>{"B", "L", "M", "N"}));
  EXPECT_EQ(degree(A, "N"), 2u);
  EXPECT_EQ(degree(A, "Q"), 0u);
  EXPECT_EQ(degree(A, "M"), std::nullopt);
  EXPECT_EQ(degree(Store.constant(0), "N"), 0u);
  EXPECT_EQ(coefficient(A, "N", 2), read(Store, "3*B + 5"));
  EXPECT_EQ(coefficient(A, "N", 1), Store.constant(0));
  EXPECT_EQ(coefficient(A, "N", 0), read(Store, "7*B + (M + 1)//(L + 2)"));
  EXPECT_EQ(coefficient(A, "L", 0), std::nullopt);
}

TEST(Inspect, terms) {
  ExprStore Store;
  Expr A = read(Store, "4*B*N - 9 + N//2");
  Expr Sum = Store.constant(0);
  std::string Seen;
  for (const ExprTerm &Each : terms(A)) {
    Sum += Each.Coefficient * Each.Monomial;
    Seen +=
        std::to_string(Each.Coefficient) + ":" + toString(Each.Monomial) + " ";
  }
  EXPECT_EQ(Sum, A);
  EXPECT_EQ(Seen, "-9:1 1:N//2 4:B*N ");
  EXPECT_TRUE(terms(Store.constant(0)).empty());
}

TEST(ExactDivision, onlyAsPolynomials) {
  ExprStore Store;
  auto Quotient = [&](const char *A, const char *B) {
    std::optional<Expr> Q = tryExactDiv(read(Store, A), read(Store, B));
    return Q ? toString(*Q) : "none";
  };
  EXPECT_EQ(Quotient("1600*B*N", "25*B"), "64*N");
  EXPECT_EQ(Quotient("12", "-4"), "-3");
  EXPECT_EQ(Quotient("12", "5"), "none");
  EXPECT_EQ(Quotient("12", "0"), "none");
  EXPECT_EQ(Quotient("0", "N"), "0");
  EXPECT_EQ(Quotient("B*N", "P"), "none");
  EXPECT_EQ(Quotient("B*N + 1", "B"), "none");
  EXPECT_EQ(Quotient("(a + b + c)**3*(a - 2*c + 7)", "(a + b + c)**2"),
            toString(read(Store, "(a + b + c)*(a - 2*c + 7)")));
  EXPECT_EQ(Quotient("-9223372036854775808*N", "-1"), "none");
  // Asked again, answered from memory.
  EXPECT_EQ(Quotient("B*N", "P"), "none");
}

TEST(Parse, problemsNameTheColumn) {
  ExprStore Store;
  Store.symbol("N");
  auto Problem = [&](StringRef Text) {
    return problemOf(Store.parse(Text, /*OnlyKnownSymbols=*/true));
  };
  EXPECT_EQ(Problem("N + 2*max(N, 3)"), "");
  EXPECT_EQ(Problem(""), "column 1: expected a number, a name or '(', got "
                         "the end");
  EXPECT_EQ(Problem("N +"), "column 4: expected a number, a name or '(', got "
                            "the end");
  EXPECT_EQ(Problem("N $ 2"), "column 3: expected an operator, got '$'");
  EXPECT_EQ(Problem("(N"), "column 3: expected ')', got the end");
  EXPECT_EQ(Problem("max(N"), "column 6: expected ',' or ')', got the end");
  EXPECT_EQ(Problem("N*M"), "column 3: there is no symbol 'M'");
  EXPECT_EQ(Problem("99999999999999999999"),
            "column 1: the number 99999999999999999999 leaves 64 bits");
  EXPECT_EQ(Problem("N**-1"),
            "column 4: expected an exponent from 0 to 65536, got -1");
  EXPECT_EQ(Problem("2**N"),
            "column 4: expected an exponent from 0 to 65536, got N");
  for (const char *Opening : {"(", "-", "2**", "max("}) {
    std::string Deep;
    for (int I = 0; I != 100000; ++I)
      Deep += Opening;
    EXPECT_NE(Problem(Deep).find("nested too deeply"), std::string::npos);
  }
}

TEST(Parse, neverCrashes) {
  static const char *const Tokens[] = {"N",
                                       "B",
                                       "max(",
                                       "min(",
                                       "(",
                                       ")",
                                       "+",
                                       "-",
                                       "*",
                                       "**",
                                       "//",
                                       "/",
                                       "%",
                                       ",",
                                       " ",
                                       "0",
                                       "1",
                                       "2",
                                       "7",
                                       "?",
                                       ".",
                                       "\xff",
                                       "**2",
                                       "9223372036854775807",
                                       "9223372036854775808"};
  std::mt19937 Random(1);
  ExprStore Store;
  for (int Round = 0; Round != 20000; ++Round) {
    std::string Text;
    for (unsigned Length = Random() % 12; Length != 0; --Length)
      Text += Tokens[Random() % std::size(Tokens)];
    std::string Problem = problemOf(Store.parse(Text));
    EXPECT_TRUE(Problem.empty() || StringRef(Problem).starts_with("column "))
        << Text;
  }
}

} // namespace
