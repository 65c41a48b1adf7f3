//===- SimplificationTest.cpp - in → out, a line a rule -------------------===//

#include "ExprTestSupport.h"

using namespace xfa;
using namespace xfa::test;

namespace {

struct Row {
  const char *In;
  const char *Out;
};

/// B, N, ... are at least 1; P, a past length, may be 0.
class Simplification : public testing::TestWithParam<Row> {};

TEST_P(Simplification, prints) {
  ExprStore Store;
  Store.symbol("P", 0);
  Expr Read = read(Store, GetParam().In);
  EXPECT_EQ(toString(Read), GetParam().Out) << "from " << GetParam().In;
  EXPECT_EQ(read(Store, toString(Read)), Read) << "reading the text back";
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Polynomials, Simplification, testing::Values(
    Row{"0", "0"},
    Row{"-3", "-3"},
    Row{"N - N", "0"},
    Row{"N*B", "B*N"},
    Row{"N + B", "B + N"},
    Row{"N + 1", "1 + N"},
    Row{"2*N + 3*N", "5*N"},
    Row{"N*N*N", "N**3"},
    Row{"B**2*N + B*N**2 + N**3 + B**3", "B**3 + B*N**2 + B**2*N + N**3"},
    Row{"(N + 1)*(N - 1)", "-1 + N**2"},
    Row{"(B + N)**2", "B**2 + 2*B*N + N**2"},
    Row{"14400*B*N**2 + 2949888000 + 3379200*N*B", "2949888000 + 3379200*B*N + 14400*B*N**2"},
    Row{"313200*B*N**2 + 2949504000*B*N", "2949504000*B*N + 313200*B*N**2"},
    Row{"1 - 3*B", "1 - 3*B"},
    Row{"-N**2", "-N**2"},
    Row{"2**3**2", "512"},
    Row{"-2**2", "-4"},
    Row{"- - 5", "5"},
    Row{"(N)**0", "1"},
    Row{"0**0", "1"}));

INSTANTIATE_TEST_SUITE_P(FloorDivision, Simplification, testing::Values(
    Row{"7//2", "3"}, Row{"-7//2", "-4"}, Row{"7//-2", "-4"}, Row{"-7//-2", "3"},
    Row{"7%2", "1"}, Row{"-7%2", "1"}, Row{"7%-2", "-1"}, Row{"-7%-2", "-1"},
    Row{"N//1", "N"},
    Row{"N//-1", "-N"},
    Row{"0//N", "0"},
    Row{"N//N", "1"},
    Row{"(4*N)//2", "2*N"},
    Row{"(7*N + 5)//4", "1 + N + (1 + 3*N)//4"},
    Row{"(N - 1)//2", "-1 + (1 + N)//2"},
    Row{"(N - 3)//2 + 1", "-1 + (1 + N)//2"},
    Row{"(6*N + 5)//4", "1 + N + N//2"},            // (3N + 2)//2: what lies below the gcd never counts
    Row{"(2*N)//4", "N//2"},
    Row{"-((-N)//4)", "(3 + N)//4"},                // the ceiling has one form
    Row{"(B*N)//B", "N"},
    Row{"(B*N + 3)//B", "N + 3//B"},
    Row{"(B*N)//(B*P)", "N//P"},
    Row{"(6*B*N)//(4*B*P)", "(3*N)//(2*P)"},
    Row{"(B*N + B*P)//(N + P)", "B"},
    Row{"(N + P + 3)//(N + P)", "1 + 3//(N + P)"},
    Row{"(N + B)//-3", "-((2 + B + N)//3)"},
    Row{"N//2//3", "N//6"},
    Row{"N//B//3", "N//(3*B)"},
    Row{"((N + 1)//2 + 1)//2", "(3 + N)//4"},
    Row{"((N + 1)//2 + P)//2", "(1 + N + 2*P)//4"},
    Row{"N//P//3", "(N//P)//3"}));                  // P may be 0

INSTANTIATE_TEST_SUITE_P(Remainders, Simplification, testing::Values(
    Row{"N%1", "0"},
    Row{"N%4", "N - 4*(N//4)"},
    Row{"N%4%4", "N - 4*(N//4)"},
    Row{"N%4//4", "0"},
    Row{"(B*N)%N", "0"},
    Row{"N//4*4 + N%4", "N"},
    Row{"(N - 1)//N", "0"},                         // 0 <= N - 1 < N
    Row{"(-1)//N", "-1"},                           // -N <= -1 < 0
    Row{"(N**2 - 1)//N", "-1 + N"},
    Row{"B//(B + N)", "0"},
    Row{"P//(P + 1)", "0"}));

INSTANTIATE_TEST_SUITE_P(MaxAndMin, Simplification, testing::Values(
    Row{"max(3, 5)", "5"}, Row{"min(3, 5)", "3"},
    Row{"max(N)", "N"},
    Row{"max(N, N)", "N"},
    Row{"max(N, 1)", "N"},                          // N >= 1
    Row{"min(N, 1)", "1"},
    Row{"max(P, 1)", "max(1, P)"},                  // P may be 0
    Row{"max(P, 0)", "P"},
    Row{"max(N, N + P)", "N + P"},
    Row{"min(N, N//2)", "N//2"},
    Row{"max(N, B)", "max(B, N)"},
    Row{"max(N + 1, B + 1)", "1 + max(B, N)"},
    Row{"max(2*N, 4)", "2*max(2, N)"},
    Row{"max(max(N, P) + 1, B)", "max(1 + N, 1 + P, B)"},
    Row{"max(B, max(N, P))", "max(B, N, P)"},
    Row{"max(B, N, P) - max(P, max(B, N))", "0"},
    Row{"max(N, min(N, B))", "N"},
    Row{"min(N, max(N, B))", "N"},
    Row{"max(B*N, N)", "B*N"}));

INSTANTIATE_TEST_SUITE_P(ExactDivision, Simplification, testing::Values(
    Row{"(B*N*1600)/(25*B)", "64*N"},
    Row{"(B*N + B*P)/(N + P)", "B"},
    Row{"(N**2 - 1)/(N + 1)", "-1 + N"},
    Row{"(B*N)/2", "(B*N)//2"},                     // no polynomial quotient
    Row{"(3*(N//2)*B)/(N//2)", "3*B"}));

INSTANTIATE_TEST_SUITE_P(Printing, Simplification, testing::Values(
    Row{"-(N//2)", "-(N//2)"},
    Row{"1 - N//2", "1 - N//2"},
    Row{"3*(N//2)", "3*(N//2)"},
    Row{"(N//2)*B", "B*(N//2)"},
    Row{"(N//2)**2", "(N//2)**2"},
    Row{"B//(N//2)", "B//(N//2)"},
    Row{"-5//N", "(-5)//N"},
    Row{"(N + 1)//(B + 1)", "(1 + N)//(1 + B)"},
    Row{"max(N, B)**2", "max(B, N)**2"},
    Row{"max(N, B)//2", "max(B, N)//2"},
    Row{"-9223372036854775808", "-9223372036854775808"},
    Row{"N + -9223372036854775808*B", "-9223372036854775808*B + N"},
    Row{"B + -9223372036854775808*N", "B + -9223372036854775808*N"},
    Row{"batch_size*past::len.1#a", "batch_size*past::len.1#a"}));
// clang-format on

TEST(Simplification, divisorThatMayBeNegativeDoesNotMerge) {
  // (1 // -2) // 3 = -1 and 1 // (-2*3) = -1, but (1 // 2) // -3 = 0 and
  // 1 // (2 * -3) = -1.
  ExprStore Store;
  Expr M = Store.symbol("M"), Q = read(Store, "B - N");
  EXPECT_EQ(toString(floorDiv(floorDiv(M, 2), Q)), "(M//2)//(B - N)");
  EXPECT_EQ(toString(floorDiv(floorDiv(M, Q), 3)), "(M//(B - N))//3");
  EXPECT_EQ(floorDiv(M, -Q), floorDiv(-M, Q)) << "one form for both signs";
}

TEST(Simplification, humanStyle) {
  ExprStore Store;
  auto Human = [&](const char *Text) {
    return toString(read(Store, Text), ExprStyle::Human);
  };
  EXPECT_EQ(Human("2949504000*B*N + 313200*B*N**2"),
            "2,949,504,000·B·N + 313,200·B·N²");
  EXPECT_EQ(Human("-1234567 - 999*N**12"), "-1,234,567 - 999·N¹²");
  EXPECT_EQ(Human("3*(N//2)"), "3·⌊N/2⌋");
  EXPECT_EQ(Human("((N + 1)//(2*B))**2"), "⌊(1 + N)/(2·B)⌋²");
  EXPECT_EQ(Human("-(N//2)"), "-⌊N/2⌋");
  EXPECT_EQ(Human("max(N, 2*B)"), "max(2·B, N)");
  EXPECT_EQ(toString(__int128(1) << 100), "1267650600228229401496703205376");
  EXPECT_EQ(toString(-(__int128(1) << 40), ExprStyle::Human),
            "-1,099,511,627,776");
}

// Exporters name a dimension `past+new`; in a product that is one factor.
TEST(Simplification, namesThatLookLikeExpressions) {
  ExprStore Store;
  Expr Odd = Store.symbol("past+new"), B = Store.symbol("B");
  EXPECT_EQ(toString(Odd), "past+new");
  EXPECT_EQ(toString(max(Odd, B)), "max(B, past+new)");
  EXPECT_EQ(toString(B * Odd), "B*(past+new)");
  EXPECT_EQ(toString(Odd * Odd), "(past+new)**2");
  EXPECT_EQ(toString(2 * Odd - 1), "-1 + 2*(past+new)");
  EXPECT_EQ(toString(B - Store.symbol("seq len")), "B - (seq len)");
  EXPECT_EQ(toString(floorDiv(Odd, B)), "(past+new)//B");
  EXPECT_EQ(toString(B * Odd, ExprStyle::Human), "B·(past+new)");
}

TEST(Simplification, textDoesNotDependOnTheAgeOfSymbols) {
  const char *Text = "max(Z + 1, A//3, M*A) + (A*M - Z)//(2*Z + M) + Z*A**2 + "
                     "M - min(A, Z)*M";
  ExprStore First, Second;
  for (const char *Name : {"A", "M", "Z"})
    First.symbol(Name);
  for (const char *Name : {"Z", "M", "A"})
    read(Second, std::string(Name) + "*3 - 7//" + Name);
  EXPECT_EQ(toString(read(First, Text)), toString(read(Second, Text)));
}

TEST(Simplification, orderOfBuildingDoesNotMatter) {
  ExprStore Store;
  Expr B = Store.symbol("B"), N = Store.symbol("N"), P = Store.symbol("P", 0);
  EXPECT_EQ((B + N) * (N + P), N * N + P * B + B * N + N * P);
  EXPECT_EQ(pow(B + N - 1, 3), (B + N - 1) * (N - 1 + B) * (-1 + N + B));
  EXPECT_EQ(max(max(B, N), P), max(P, max(N, B)));
  EXPECT_EQ(max(max(B + 1, N + 1), P), max(B + 1, max(P, N + 1)));
  EXPECT_EQ(ceilDiv(N, 4), floorDiv(N + 3, 4));
  EXPECT_EQ(ceilDiv(N * P, N), P);
  EXPECT_EQ(ceilDiv(N, -4), -floorDiv(N, 4));
  EXPECT_EQ(product(Store, {B, N, B}), B * B * N);
  EXPECT_EQ(product(Store, {}), Store.constant(1));
}

TEST(Overflow, coefficients) {
  ExprStore Store;
  Expr N = Store.symbol("N"), Most = Store.constant(INT64_MAX);
  const char *Reason = "a coefficient leaves 64 bits";
  for (Expr Wide :
       {Most + 1, Most * N + N, Most * N * 2, Most * Most,
        -Store.constant(INT64_MIN), Store.constant(INT64_MIN) * N - N,
        floorDiv(Store.constant(INT64_MIN), -1), pow(Store.constant(3), 41)}) {
    EXPECT_FALSE(Wide.isKnown()) << toString(Wide);
    EXPECT_EQ(Wide.unknownReason(), Reason);
    EXPECT_FALSE(lowerBound(Wide) || upperBound(Wide));
    EXPECT_EQ(toString(Wide), "?");
  }
  EXPECT_EQ(toString(pow(Store.constant(3), 39)), "4052555153018976267");
  // Cancellation in the sum of products is exact.
  EXPECT_EQ((Most * N + 1) * (N - 1), Most * N * N - (INT64_MAX - 1) * N - 1);
}

TEST(Overflow, size) {
  ExprStore Store;
  Expr Sum = Store.constant(0);
  for (unsigned I = 0; I != ExprStore::MaxTerms; ++I)
    Sum += Store.symbol("s" + std::to_string(I));
  EXPECT_TRUE(Sum.isKnown());
  Expr Larger = Sum + Store.symbol("last");
  EXPECT_FALSE(Larger.isKnown());
  EXPECT_EQ(Larger.unknownReason(), "the expression is too large");
  EXPECT_FALSE((Sum * Sum).isKnown());
  EXPECT_FALSE(pow(Store.symbol("N"), 70000).isKnown());
  EXPECT_FALSE(pow(Store.symbol("a") + Store.symbol("b"), 60000).isKnown());
}

TEST(Overflow, sharingDoesNotExplode) {
  // Each step doubles the text; the graph of it stays small.
  ExprStore Store;
  Expr A = Store.symbol("N"), M = Store.symbol("M");
  for (int I = 0; I != 400; ++I)
    A = floorDiv(A * M + 1, A + 2) + floorDiv(M * M + A, M + 1);
  EXPECT_FALSE(A.isKnown());
  EXPECT_LT(toString(A).size(), 1u << 20);
}

TEST(Unknown, isAValueUnlikeAnyOther) {
  ExprStore Store;
  Expr N = Store.symbol("N");
  Expr U = Store.unknown("data-dependent"), V = Store.unknown("other", 0);
  EXPECT_NE(U, V);
  EXPECT_EQ(U - U, Store.constant(0));
  EXPECT_EQ(U + U, 2 * U);
  EXPECT_EQ(max(V, Store.constant(-1)), V);
  EXPECT_EQ(lowerBound(V * N), 0);
  EXPECT_EQ(equal(U, V), Truth::Unknown);
  EXPECT_EQ(less(V, V + 1), Truth::True);
  Expr Deep = floorDiv(U * N + V, N + 3);
  EXPECT_FALSE(Deep.isKnown());
  EXPECT_EQ(Deep.unknownReason(), "data-dependent");
  EXPECT_EQ(V.unknownReason(), "other");
  EXPECT_EQ(N.unknownReason(), "");
  EXPECT_EQ(floorDiv(N, Store.constant(0)).unknownReason(), "division by zero");
}

} // namespace
