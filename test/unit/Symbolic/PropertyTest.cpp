//===- PropertyTest.cpp - random expressions against plain arithmetic -----===//
//
// A tree of operators is evaluated directly, and built into an Expr. Whatever
// the simplifications did, the values must agree wherever the tree has one.
//
//===----------------------------------------------------------------------===//

#include "ExprTestSupport.h"

#include <random>

using namespace xfa;
using namespace xfa::test;

namespace {

using Int = __int128;

struct Tree {
  char Op; // '#' number, '$' symbol, + - * / (floor) % > (max) < (min)
  int64_t Number = 0;
  std::string Symbol;
  std::unique_ptr<Tree> Left, Right;
};

class Grower {
public:
  /// Huge: numbers at the ends of 64 bits among the others.
  explicit Grower(unsigned Seed, bool Huge = false)
      : Random(Seed), Huge(Huge) {}

  std::unique_ptr<Tree> grow(unsigned Depth) {
    auto Result = std::make_unique<Tree>();
    if (Depth == 0 || pick(6) == 0) {
      if (pick(3) == 0) {
        Result->Op = '#';
        Result->Number = number();
      } else {
        Result->Op = '$';
        Result->Symbol = Names[pick(3)];
      }
      return Result;
    }
    Result->Op = "++--**//%><"[pick(11)];
    Result->Left = grow(Depth - 1);
    Result->Right = grow(Depth - 1);
    return Result;
  }
  unsigned pick(unsigned Count) {
    return static_cast<unsigned>(Random() % Count);
  }

  static constexpr const char *Names[] = {"B", "N", "P"};

private:
  int64_t number() {
    static constexpr int64_t Ends[] = {INT64_MIN,     INT64_MIN + 1,
                                       INT64_MAX,     INT64_MAX - 1,
                                       INT64_MAX / 2, -(int64_t(1) << 32)};
    if (Huge && pick(2) == 0)
      return Ends[pick(6)];
    return static_cast<int64_t>(pick(16)) - 6;
  }

  std::mt19937 Random;
  bool Huge;
};

/// None where a division by zero or an overflow of 128 bits is met.
std::optional<Int> valueOf(const Tree &T, const Bindings &At) {
  if (T.Op == '#')
    return T.Number;
  if (T.Op == '$')
    return At.lookup(T.Symbol);
  std::optional<Int> L = valueOf(*T.Left, At), R = valueOf(*T.Right, At);
  if (!L || !R)
    return std::nullopt;
  Int Floor = 0, Result;
  if (T.Op == '/' || T.Op == '%') {
    if (*R == 0)
      return std::nullopt;
    Floor = *L / *R;
    if (Floor * *R != *L && (*L < 0) != (*R < 0))
      --Floor;
  }
  bool Overflow = false;
  switch (T.Op) {
  case '+':
    Overflow = __builtin_add_overflow(*L, *R, &Result);
    break;
  case '-':
    Overflow = __builtin_sub_overflow(*L, *R, &Result);
    break;
  case '*':
    Overflow = __builtin_mul_overflow(*L, *R, &Result);
    break;
  case '/':
    return Floor;
  case '%':
    return *L - *R * Floor;
  case '>':
    return *L > *R ? *L : *R;
  default:
    return *L < *R ? *L : *R;
  }
  return Overflow ? std::nullopt : std::optional<Int>(Result);
}

Expr combine(char Op, Expr L, Expr R) {
  switch (Op) {
  case '+':
    return L + R;
  case '-':
    return L - R;
  case '*':
    return L * R;
  case '/':
    return floorDiv(L, R);
  case '%':
    return mod(L, R);
  case '>':
    return max(L, R);
  default:
    return min(L, R);
  }
}

Expr build(const Tree &T, ExprStore &Store) {
  if (T.Op == '#')
    return Store.constant(T.Number);
  if (T.Op == '$')
    return Store.symbol(T.Symbol);
  return combine(T.Op, build(*T.Left, Store), build(*T.Right, Store));
}

std::string textOf(const Tree &T) {
  if (T.Op == '#')
    return "(" + std::to_string(T.Number) + ")";
  if (T.Op == '$')
    return T.Symbol;
  std::string L = textOf(*T.Left), R = textOf(*T.Right);
  if (T.Op == '>' || T.Op == '<')
    return (T.Op == '>' ? "max(" : "min(") + L + ", " + R + ")";
  return "(" + L + (T.Op == '/' ? "//" : std::string(1, T.Op)) + R + ")";
}

/// Every point of {1,2,5,10} for B and N, {0,1,2,5,10} for P.
std::vector<Bindings> allPoints() {
  std::vector<Bindings> Points;
  for (int64_t B : {1, 2, 5, 10})
    for (int64_t N : {1, 2, 5, 10})
      for (int64_t P : {0, 1, 2, 5, 10})
        Points.push_back({{"B", B}, {"N", N}, {"P", P}});
  return Points;
}

class Property : public testing::TestWithParam<unsigned> {
protected:
  Property() : Grow(GetParam()) { Store.symbol("P", 0); }

  static constexpr unsigned Rounds = 150;
  ExprStore Store;
  Grower Grow;
  const std::vector<Bindings> Points = allPoints();
};

TEST_P(Property, valueIsThatOfTheTree) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    std::unique_ptr<Tree> T = Grow.grow(1 + Round % 5);
    Expr Built = build(*T, Store);
    std::string Text = textOf(*T);
    EXPECT_EQ(read(Store, Text), Built) << Text;
    if (!Built.isKnown())
      continue;
    for (const Bindings &At : Points)
      if (std::optional<Int> Value = valueOf(*T, At)) {
        std::optional<Int> Ours = valueAt(Built, At);
        ASSERT_TRUE(Ours) << Text << "  =>  " << toString(Built);
        ASSERT_EQ(toString(*Ours), toString(*Value))
            << Text << "  =>  " << toString(Built) << " at B=" << At.at("B")
            << " N=" << At.at("N") << " P=" << At.at("P");
      }
  }
}

TEST_P(Property, hugeNumbersNeverWrap) {
  Grower GrowHuge(GetParam(), /*Huge=*/true);
  unsigned Known = 0;
  for (unsigned Round = 0; Round != 2 * Rounds; ++Round) {
    std::unique_ptr<Tree> T = GrowHuge.grow(1 + Round % 3);
    Expr Built = build(*T, Store);
    std::optional<int64_t> Low = lowerBound(Built), High = upperBound(Built);
    EXPECT_NE(equal(Built, Built + 1), Truth::True);
    if (!Built.isKnown())
      continue;
    ++Known;
    EXPECT_EQ(read(Store, toString(Built)), Built) << toString(Built);
    for (const Bindings &At : Points) {
      std::optional<Int> Value = valueOf(*T, At), Ours = valueAt(Built, At);
      if (!Value || !Ours)
        continue; // expanded, it may leave 128 bits on the way
      ASSERT_EQ(toString(*Ours), toString(*Value)) << textOf(*T);
      ASSERT_TRUE((!Low || *Low <= *Value) && (!High || *High >= *Value))
          << textOf(*T);
    }
  }
  EXPECT_GT(Known, Rounds / 2) << "or this tests little";
}

TEST_P(Property, printingThenReadingGivesItBack) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    Expr Built = build(*Grow.grow(1 + Round % 5), Store);
    if (!Built.isKnown())
      continue;
    EXPECT_EQ(read(Store, toString(Built)), Built) << toString(Built);
    ExprStore Fresh; // symbols of another age
    Fresh.symbol("P", 0);
    Expr Elsewhere = read(Fresh, toString(Built));
    EXPECT_EQ(toString(Elsewhere), toString(Built));
    EXPECT_EQ(transfer(Elsewhere, Store), Built);
  }
}

TEST_P(Property, evaluationCommutesWithEveryOperation) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    Expr L = build(*Grow.grow(2 + Round % 2), Store);
    Expr R = build(*Grow.grow(2 + Round % 3), Store);
    if (!L.isKnown() || !R.isKnown())
      continue;
    for (char Op : {'+', '-', '*', '/', '%', '>', '<'}) {
      Tree Node{Op, 0, "", nullptr, nullptr};
      Expr Combined = combine(Op, L, R);
      if (!Combined.isKnown())
        continue;
      for (const Bindings &At : Points) {
        std::optional<Int> X = valueAt(L, At), Y = valueAt(R, At);
        if (!X || !Y)
          continue;
        Node.Left = std::make_unique<Tree>();
        Node.Left->Op = '#';
        Node.Left->Number = static_cast<int64_t>(*X);
        Node.Right = std::make_unique<Tree>();
        Node.Right->Op = '#';
        Node.Right->Number = static_cast<int64_t>(*Y);
        if (*X != Node.Left->Number || *Y != Node.Right->Number)
          continue;
        if (std::optional<Int> Value = valueOf(Node, At)) {
          std::optional<Int> Ours = valueAt(Combined, At);
          ASSERT_TRUE(Ours && *Ours == *Value)
              << toString(L) << "  " << Op << "  " << toString(R) << "  =>  "
              << toString(Combined) << " at B=" << At.at("B")
              << " N=" << At.at("N") << " P=" << At.at("P");
        }
      }
    }
    for (const Bindings &At : Points) {
      Substitution Numbers;
      for (const char *Name : Grower::Names)
        Numbers[Name] = Store.constant(At.at(Name));
      std::optional<Int> Value = valueAt(L, At);
      Expr Specialised = substitute(L, Numbers);
      if (!Value || !Specialised.isKnown())
        continue;
      ASSERT_EQ(Specialised.constant(), static_cast<int64_t>(*Value))
          << toString(L);
    }
  }
}

TEST_P(Property, substitutionThenEvaluationIsEvaluationThere) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    Expr Outer = build(*Grow.grow(3), Store);
    Expr Inner = build(*Grow.grow(2), Store);
    Expr Replaced = substitute(Outer, {{"N", Inner}});
    if (!Outer.isKnown() || !Inner.isKnown() || !Replaced.isKnown())
      continue;
    for (const Bindings &At : Points) {
      std::optional<Int> N = valueAt(Inner, At);
      if (!N || *N < 1 || *N > 1000)
        continue; // N stands for a dimension
      Bindings There = At;
      There["N"] = static_cast<int64_t>(*N);
      if (std::optional<Int> Value = valueAt(Outer, There)) {
        std::optional<Int> Ours = valueAt(Replaced, At);
        ASSERT_TRUE(Ours && *Ours == *Value)
            << toString(Outer) << " with N = " << toString(Inner) << "  =>  "
            << toString(Replaced);
      }
    }
  }
}

TEST_P(Property, boundsAndComparisonsHoldAtEveryPoint) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    Expr L = build(*Grow.grow(1 + Round % 4), Store);
    Expr R = build(*Grow.grow(1 + Round % 3), Store);
    std::optional<int64_t> Low = lowerBound(L), High = upperBound(L);
    Truth Less = less(L, R), LessEqual = lessEqual(L, R), Equal = equal(L, R);
    auto Agrees = [](Truth Claim, bool Fact) {
      return Claim == Truth::Unknown || (Claim == Truth::True) == Fact;
    };
    for (const Bindings &At : Points) {
      std::optional<Int> X = valueAt(L, At), Y = valueAt(R, At);
      if (X) {
        ASSERT_TRUE(!Low || *Low <= *X) << toString(L) << " >= " << *Low;
        ASSERT_TRUE(!High || *High >= *X) << toString(L) << " <= " << *High;
      }
      if (!X || !Y)
        continue;
      ASSERT_TRUE(Agrees(Less, *X < *Y)) << toString(L) << " < " << toString(R);
      ASSERT_TRUE(Agrees(LessEqual, *X <= *Y))
          << toString(L) << " <= " << toString(R);
      ASSERT_TRUE(Agrees(Equal, *X == *Y))
          << toString(L) << " == " << toString(R);
    }
  }
}

TEST_P(Property, exactDivisionUndoesMultiplication) {
  for (unsigned Round = 0; Round != Rounds; ++Round) {
    Expr L = build(*Grow.grow(1 + Round % 4), Store);
    Expr R = build(*Grow.grow(1 + Round % 3), Store);
    Expr Both = L * R;
    if (!Both.isKnown() || R.is(0))
      continue;
    EXPECT_EQ(exactDiv(Both, R), L) << toString(L) << " by " << toString(R);
    EXPECT_EQ(floorDiv(Both, R), L) << toString(L) << " by " << toString(R);
    EXPECT_EQ(mod(Both, R), Store.constant(0));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Property, testing::Range(1u, 13u));

} // namespace
