//===- OptionsTest.cpp - points, sweeps, views ----------------------------===//

#include "xfa/Report/Options.h"

#include <gtest/gtest.h>

namespace xfa {
namespace {

template <typename T> std::string errorOf(llvm::Expected<T> Result) {
  if (Result)
    return "";
  llvm::Error E = Result.takeError();
  EXPECT_TRUE(E.isA<UsageError>());
  return llvm::toString(std::move(E));
}

TEST(Options, PointIsSymbolsAndValues) {
  llvm::Expected<Coordinates> At = parsePoint("B=1, N=32");
  ASSERT_TRUE(bool(At));
  EXPECT_EQ(*At, (Coordinates{{"B", 1}, {"N", 32}}));
  EXPECT_EQ(toString(*At), "B=1 N=32");
}

TEST(Options, PointMayNameAnExpressionOfTheGraph) {
  llvm::Expected<Coordinates> At = parsePoint("past_length + 1=5");
  ASSERT_TRUE(bool(At));
  EXPECT_EQ(*At, (Coordinates{{"past_length + 1", 5}}));
}

TEST(Options, PointsThatAreNone) {
  struct {
    const char *Text, *Error;
  } Table[] = {
      {"", "expected SYMBOL=VALUE, got ''"},
      {"B", "expected SYMBOL=VALUE, got 'B'"},
      {"B=", "expected SYMBOL=VALUE, got 'B='"},
      {"=1", "expected SYMBOL=VALUE, got '=1'"},
      {"B=1,", "expected SYMBOL=VALUE, got ''"},
      {"B=x", "B must be a positive integer, got 'x'"},
      {"B=-1", "B must be a positive integer, got '-1'"},
      {"B=1.5", "B must be a positive integer, got '1.5'"},
      {"B=1e3", "B must be a positive integer, got '1e3'"},
      {"B=99999999999999999999",
       "B must be at most 9223372036854775807, got '99999999999999999999'"},
      {"B=1,B=2", "B is given twice"},
  };
  for (const auto &Row : Table)
    EXPECT_EQ(errorOf(parsePoint(Row.Text)),
              std::string("--at=\"") + Row.Text + "\": " + Row.Error);
}

static std::vector<int64_t> values(llvm::StringRef Text) {
  llvm::Expected<std::vector<Coordinates>> Points = parseSweep(Text);
  EXPECT_TRUE(bool(Points)) << Text.str();
  std::vector<int64_t> Values;
  if (Points)
    for (const Coordinates &At : *Points)
      Values.push_back(At.front().second);
  return Values;
}

TEST(Options, SweepIsARange) {
  EXPECT_EQ(values("N=32:256:x2"), (std::vector<int64_t>{32, 64, 128, 256}));
  EXPECT_EQ(values("N=32:255:x2"), (std::vector<int64_t>{32, 64, 128}));
  EXPECT_EQ(values("N=1:10:+4"), (std::vector<int64_t>{1, 5, 9}));
  EXPECT_EQ(values("N=7:7:x2"), (std::vector<int64_t>{7}));
  EXPECT_EQ(values("N=5"), (std::vector<int64_t>{5}));
  // The next value would leave 64 bits: the range ends.
  EXPECT_EQ(values("N=4611686018427387904:9223372036854775807:x4"),
            (std::vector<int64_t>{4611686018427387904}));
}

TEST(Options, SweepsAreCrossedTheLastFastest) {
  llvm::Expected<std::vector<Coordinates>> Points =
      parseSweep("B=1:2:+1,N=32:64:x2");
  ASSERT_TRUE(bool(Points));
  EXPECT_EQ(*Points, (std::vector<Coordinates>{{{"B", 1}, {"N", 32}},
                                               {{"B", 1}, {"N", 64}},
                                               {{"B", 2}, {"N", 32}},
                                               {{"B", 2}, {"N", 64}}}));
}

TEST(Options, SweepsThatAreNone) {
  struct {
    const char *Text, *Error;
  } Table[] = {
      {"N=1:5", "expected N=FIRST:LAST:xFACTOR or N=FIRST:LAST:+STEP"},
      {"N=1:5:2", "the step of N must be +K with K ≥ 1 or xK with K ≥ 2, got "
                  "'2'"},
      {"N=1:5:x1", "the step of N must be +K with K ≥ 1 or xK with K ≥ 2, got "
                   "'x1'"},
      {"N=1:5:+0", "the step of N must be +K with K ≥ 1 or xK with K ≥ 2, got "
                   "'+0'"},
      {"N=5:1:+1", "the range of N is empty"},
      {"N=0:4:x2", "the range of N is empty"},
      {"N=1:1000000:+1",
       "more than 10000 points; use a larger step or fewer dimensions"},
      {"B=1:1000:+1,N=1:1000:+1",
       "more than 10000 points; use a larger step or fewer dimensions"},
      {"N=1:2:+1,N=3", "N is given twice"},
  };
  for (const auto &Row : Table)
    EXPECT_EQ(errorOf(parseSweep(Row.Text)),
              std::string("--sweep=\"") + Row.Text + "\": " + Row.Error);
}

TEST(Options, ViewsByName) {
  llvm::Expected<llvm::SmallVector<View, 4>> Views =
      parseViews("roles, memory,roles");
  ASSERT_TRUE(bool(Views));
  EXPECT_EQ(*Views, (llvm::SmallVector<View, 4>{View::Roles, View::Memory}));
  EXPECT_EQ(errorOf(parseViews("rols")),
            "no view 'rols'; did you mean 'roles'?");
  EXPECT_EQ(errorOf(parseViews("advice")),
            "view 'advice' is not available yet in this version");
  EXPECT_EQ(errorOf(parseViews("summary,")),
            "no view ''; there are: summary shapes nodes ops roles layers "
            "roofline crossover memory decode speculative causality reconcile "
            "passes");
}

} // namespace
} // namespace xfa
