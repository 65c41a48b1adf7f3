//===- ComparisonTest.cpp - bounds and three-valued comparisons -----------===//

#include "ExprTestSupport.h"

using namespace xfa;
using namespace xfa::test;

namespace {

constexpr std::nullopt_t Infinite = std::nullopt;

struct BoundsRow {
  const char *Of;
  std::optional<int64_t> Low, High;
};

class BoundsTable : public testing::TestWithParam<BoundsRow> {};

TEST_P(BoundsTable, holds) {
  ExprStore Store;
  Store.symbol("P", 0);
  Expr Read = read(Store, GetParam().Of);
  EXPECT_EQ(lowerBound(Read), GetParam().Low) << "of " << GetParam().Of;
  EXPECT_EQ(upperBound(Read), GetParam().High) << "of " << GetParam().Of;
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Bounds, BoundsTable, testing::Values(
    BoundsRow{"7", 7, 7},
    BoundsRow{"N", 1, Infinite},
    BoundsRow{"P", 0, Infinite},
    BoundsRow{"3 - N", Infinite, 2},
    BoundsRow{"2*B*N + 5*P - 1", 1, Infinite},
    BoundsRow{"N - B", Infinite, Infinite},
    BoundsRow{"B*N - N", 0, Infinite},              // (1 + b)*(1 + n) - (1 + n) = b + b*n
    BoundsRow{"B*N - B - N", -1, Infinite},         // b*n - 1
    BoundsRow{"N**2 - N", 0, Infinite},
    BoundsRow{"N//2", 0, Infinite},
    BoundsRow{"(N + 1)//2", 1, Infinite},
    BoundsRow{"N%4", 0, 3},
    BoundsRow{"N%B", 0, Infinite},
    BoundsRow{"N - N//2", 1, Infinite},
    BoundsRow{"N//2 - N", Infinite, -1},
    BoundsRow{"3//N", 0, 3},
    BoundsRow{"-5//N", -5, -1},
    BoundsRow{"max(N, 7)", 7, Infinite},
    BoundsRow{"min(N, 7)", 1, 7},
    BoundsRow{"max(B, N) - min(B, N)", 0, Infinite},
    BoundsRow{"max(B, N) - B", 0, Infinite},
    BoundsRow{"min(N, 4)*min(B, 5)", 1, 20},
    BoundsRow{"min(N, 4) - min(B, 5)", -4, 3}));
// clang-format on

struct ComparisonRow {
  const char *Left;
  const char *Right;
  Truth Less, LessEqual, Equal;
};

class ComparisonTable : public testing::TestWithParam<ComparisonRow> {};

TEST_P(ComparisonTable, holds) {
  ExprStore Store;
  Store.symbol("P", 0);
  const ComparisonRow &Row = GetParam();
  Expr Left = read(Store, Row.Left), Right = read(Store, Row.Right);
  std::string Pair = std::string(Row.Left) + " ? " + Row.Right;
  EXPECT_STREQ(word(less(Left, Right)), word(Row.Less)) << Pair;
  EXPECT_STREQ(word(lessEqual(Left, Right)), word(Row.LessEqual)) << Pair;
  EXPECT_STREQ(word(equal(Left, Right)), word(Row.Equal)) << Pair;
  EXPECT_EQ(provablyEqual(Left, Right), Row.Equal == Truth::True) << Pair;
}

constexpr Truth T = Truth::True, F = Truth::False, U = Truth::Unknown;

// clang-format off
INSTANTIATE_TEST_SUITE_P(Comparisons, ComparisonTable, testing::Values(
    ComparisonRow{"3", "4", T, T, F},
    ComparisonRow{"4", "4", F, T, T},
    ComparisonRow{"N", "N", F, T, T},
    ComparisonRow{"N", "N + 1", T, T, F},
    ComparisonRow{"0", "N", T, T, F},
    ComparisonRow{"0", "P", U, T, U},
    ComparisonRow{"N", "N + P", U, T, U},
    ComparisonRow{"N", "B*N", U, T, U},
    ComparisonRow{"B", "N", U, U, U},
    ComparisonRow{"2*N", "2*B + 1", U, U, F},       // even and odd
    ComparisonRow{"N//2", "N", T, T, F},
    ComparisonRow{"N", "2*(N//2) + 1", U, T, U},
    ComparisonRow{"N%4", "4", T, T, F},
    ComparisonRow{"N%B", "B", T, T, F},
    ComparisonRow{"max(B, N)", "B + N", T, T, F},
    ComparisonRow{"max(B, N) + min(B, N)", "B + N", F, T, T},
    ComparisonRow{"max(B, N)", "max(B, N, P)", U, T, U},
    ComparisonRow{"(N - B)//2", "(N + B)//2 - B", F, T, T},
    ComparisonRow{"(N + 1)//2 + N//2", "N", F, T, T},
    ComparisonRow{"min(B, N)", "max(B, N)", U, T, U}));
// clang-format on

TEST(Comparison, effortIsBounded) {
  // Nine cases a term, eight terms: a full case split would never end.
  ExprStore Store;
  Expr Sum = Store.constant(0), Other = Store.constant(0);
  for (int I = 0; I != 8; ++I) {
    Expr Greatest = Store.symbol("a" + std::to_string(I));
    for (int J = 0; J != 8; ++J)
      Greatest = max(Greatest, floorDiv(Store.symbol(std::string(1, 'b' + J)) *
                                            (I + 2 * J + 3),
                                        2 * J + 5));
    Sum += Greatest;
    Other += min(Greatest, Store.symbol("c" + std::to_string(I)));
  }
  EXPECT_NE(less(Sum, Other), Truth::True); // it is false, if one looks on
  EXPECT_EQ(lessEqual(Store.symbol("z"), Sum), Truth::Unknown);
}

} // namespace
