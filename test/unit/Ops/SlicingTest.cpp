//===- SlicingTest.cpp - Slice, Split -------------------------------------===//

#include "OpTest.h"

using namespace xfa;

namespace {

/// Slice of one axis: data dims "D", start, end, step.
std::string sliced(const char *Dim, const char *Start, const char *End,
                   const char *Step = "1") {
  OneNode N("Slice");
  N.input(Dim).ints(Start).ints(End).ints("0").ints(Step);
  return N.shape();
}

} // namespace

TEST(Slice, WithinAndBeyondANumber) {
  EXPECT_EQ(sliced("10", "2", "5"), "[3]");
  EXPECT_EQ(sliced("10", "2", "1000"), "[8]");
  EXPECT_EQ(sliced("10", "1000", "2000"), "[0]");
  EXPECT_EQ(sliced("10", "5", "2"), "[0]");
  EXPECT_EQ(sliced("10", "-3", "-1"), "[2]");
  EXPECT_EQ(sliced("10", "-100", "3"), "[3]");
  EXPECT_EQ(sliced("10", "0", "10", "3"), "[4]"); // 0 3 6 9
}

TEST(Slice, NegativeSteps) {
  EXPECT_EQ(sliced("10", "-1", "-9223372036854775807", "-1"), "[10]");
  EXPECT_EQ(sliced("10", "20", "0", "-1"), "[9]"); // 9 … 1
  EXPECT_EQ(sliced("10", "8", "2", "-3"), "[2]");  // 8 5
  EXPECT_EQ(sliced("0", "-1", "-9223372036854775807", "-1"), "[0]");
  EXPECT_EQ(sliced("N", "-1", "-9223372036854775807", "-1"), "[N]");
  EXPECT_EQ(sliced("10", "9", "-9223372036854775807", "-9223372036854775807"),
            "[1]");
}

TEST(Slice, BackwardsToIntMaxRuntimesDiffer) {
  EXPECT_EQ(sliced("10", "-1", "9223372036854775807", "-1"), "[?]");
}

TEST(Slice, ToTheEndOfASymbol) {
  EXPECT_EQ(sliced("N", "0", "9223372036854775807"), "[N]");
  EXPECT_EQ(sliced("N", "0", "2147483647"), "[N]"); // INT_MAX, as ONNX advises
  EXPECT_EQ(sliced("N", "1", "9223372036854775807"), "[-1 + N]"); // N >= 1
  EXPECT_EQ(sliced("N", "0", "-1"), "[-1 + N]");
  EXPECT_EQ(sliced("N", "-1", "9223372036854775807"), "[1]");
}

TEST(Slice, ClampsToASymbol) {
  EXPECT_EQ(sliced("N", "0", "3"), "[min(3, N)]");
  EXPECT_EQ(sliced("N", "1000", "2000"), "[-min(1000, N) + min(2000, N)]");
  EXPECT_EQ(sliced("N+3", "0", "3"), "[3]");
}

TEST(Slice, SymbolicBounds) {
  EXPECT_EQ(sliced("1024", "0", "N"), "[min(1024, N)]");
  EXPECT_EQ(sliced("P+N", "P", "P+N"), "[N]");
  EXPECT_EQ(sliced("P+N", "-N", "9223372036854775807"), "[N]");
  EXPECT_EQ(sliced("P+N", "0", "P"), "[P]");
  EXPECT_EQ(sliced("2*N", "0", "9223372036854775807", "2"), "[N]");
}

TEST(Slice, ASignThatDependsOnTheBinding) {
  // The start is K - Q, from the end where Q > K. At K = 5, Q = 7 of 10: from
  // 8 on, 2 are left. At K = 7, Q = 5: 8 are left.
  OneNode N("Slice");
  N.input("10").ints("K-Q").ints("9223372036854775807");
  Expr Size = N.out().Dims[0];
  ASSERT_TRUE(Size.isKnown());
  EXPECT_EQ(llvm::cantFail(evaluate(Size, {{"K", 5}, {"Q", 7}})), 2);
  EXPECT_EQ(llvm::cantFail(evaluate(Size, {{"K", 7}, {"Q", 5}})), 8);
  EXPECT_EQ(llvm::cantFail(evaluate(Size, {{"K", 5}, {"Q", 5}})), 10);
}

/// As Numpy slices, for all small bounds and sizes, through a symbol.
TEST(Slice, AgreesWithNumbersAtEveryBinding) {
  for (int64_t Step : {-3, -1, 1, 2})
    for (int64_t Start = -5; Start <= 5; ++Start)
      for (int64_t End = -5; End <= 5; ++End) {
        OneNode Symbolic("Slice");
        Symbolic.input("N")
            .ints(std::to_string(Start))
            .ints(std::to_string(End));
        Symbolic.ints("0").ints(std::to_string(Step));
        Expr Size = Symbolic.out().Dims[0];
        for (int64_t Dim : {1, 2, 4}) {
          std::string Number =
              sliced(std::to_string(Dim).c_str(), std::to_string(Start).c_str(),
                     std::to_string(End).c_str(), std::to_string(Step).c_str());
          EXPECT_EQ("[" +
                        toString(llvm::cantFail(evaluate(Size, {{"N", Dim}}))) +
                        "]",
                    Number)
              << Dim << ": " << Start << " " << End << " " << Step;
        }
      }
}

TEST(Slice, AttributesBeforeOpset10) {
  OneNode N("Slice", 1);
  N.input("B,N,10")
      .attrInts("starts", {1, 2})
      .attrInts("ends", {2, 5})
      .attrInts("axes", {0, -1});
  EXPECT_EQ(N.shape(), "[-1 + min(2, B),N,3]");
}

TEST(Slice, UnknownBoundsKeepTheOtherAxes) {
  OneNode N("Slice"), Axes("Slice");
  N.input("B,N").input("1", ElemType::Int64).ints("5").ints("1");
  EXPECT_EQ(N.shape(), "[B,?]");
  Axes.input("B,N").ints("0").ints("5").input("1", ElemType::Int64);
  EXPECT_EQ(Axes.shape(), "[?,?]");
}

TEST(Slice, Contents) {
  OneNode N("Slice"), Back("Slice");
  N.ints("B,25,N,64").ints("-2").ints("9223372036854775807");
  EXPECT_EQ(N.contents(), "N 64");
  Back.ints("B,25,N,64")
      .ints("-1")
      .ints("-9223372036854775807")
      .ints("0")
      .ints("-2");
  EXPECT_EQ(Back.contents(), "64 25");
}

TEST(Slice, WrongOperands) {
  OneNode Zero("Slice"), Axis("Slice"), Count("Slice");
  Zero.input("B").ints("0").ints("1").ints("0").ints("0");
  EXPECT_EQ(Zero.error(), "expected steps other than 0");
  Axis.input("B").ints("0").ints("1").ints("1");
  EXPECT_EQ(Axis.shape(), "!");
  Count.input("B").ints("0").ints("1,2");
  EXPECT_EQ(Count.shape(), "!");
}

TEST(Split, EqualParts) {
  OneNode N("Split", 11, "", 3), Symbol("Split", 11, "", 2),
      Odd("Split", 11, "", 3);
  N.input("B,N,4800").attr("axis", -1);
  EXPECT_EQ(N.shape(2), "[B,N,1600]"); // 4800 / 3
  Symbol.input("2*N");
  EXPECT_EQ(Symbol.shape(1), "[N]");
  Odd.input("10");
  EXPECT_EQ(Odd.shape(), "!");
}

TEST(Split, UnevenFromOpset18) {
  OneNode N("Split", 18, "", 4), Symbol("Split", 18, "", 2);
  N.input("7").attr("num_outputs", 4);
  EXPECT_EQ(N.shape(0), "[2]"); // ceil(7 / 4)
  EXPECT_EQ(N.shape(3), "[1]"); // 7 - 3 * 2
  Symbol.input("N").attr("num_outputs", 2);
  EXPECT_EQ(llvm::cantFail(evaluate(Symbol.out(0).Dims[0], {{"N", 5}})), 3);
  EXPECT_EQ(llvm::cantFail(evaluate(Symbol.out(1).Dims[0], {{"N", 5}})), 2);
}

TEST(Split, ListedSizes) {
  OneNode Old("Split", 2, "", 2), New("Split", 13, "", 2),
      Wrong("Split", 13, "", 2);
  Old.input("N,6").attr("axis", 1).attrInts("split", {2, 4});
  EXPECT_EQ(Old.shape(1), "[N,4]");
  New.input("P+N").ints("P,N");
  EXPECT_EQ(New.shape(1), "[N]");
  Wrong.input("5").ints("2,4");
  EXPECT_EQ(Wrong.error(), "expected split sizes that sum to 5, found 6");
}

TEST(Split, UnknownSizesAreNotEven) {
  OneNode N("Split", 13, "", 2), One("Split", 13, "", 2);
  N.input("6").input("2", ElemType::Int64);
  EXPECT_EQ(N.shape(0), "[?]");
  ValueFacts Sizes = One.tensor("2", ElemType::Int64);
  Sizes.Known.Elements = {Element(), Element::integer(One.parse("2"))};
  One.input("6").facts(Sizes);
  EXPECT_EQ(One.shape(0), "[4]"); // 6 - 2
}

TEST(Split, Contents) {
  OneNode N("Split", 13, "", 2);
  N.ints("B,N,3").ints("1,2");
  EXPECT_EQ(N.contents(0), "B");
  EXPECT_EQ(N.contents(1), "N 3");
}
