//===- ElementwiseTest.cpp ------------------------------------------------===//

#include "OpTest.h"

#include <cmath>
#include <limits>

using namespace xfa;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

TEST(ElementwiseShape, Broadcasts) {
  OneNode N("Add");
  N.input("B,H,N,1").input("N,64");
  EXPECT_EQ(N.shape(), "[B,H,N,64]");
  EXPECT_EQ(N.elem(), ElemType::Float32);
}

TEST(ElementwiseShape, DifferentSymbolsAreEqualOrOne) {
  OneNode N("Mul");
  N.input("M").input("N");
  EXPECT_EQ(N.shape(), "[max(M, N)]");
}

TEST(ElementwiseShape, NoBindingIsWrong) {
  OneNode N("Sub");
  N.input("2,3").input("4");
  EXPECT_EQ(N.error(), "got [2,3] and [4]: the shapes do not broadcast");
}

TEST(ElementwiseShape, UnknownRankStaysUnknown) {
  OneNode N("Add");
  N.input("B,N").input("*");
  EXPECT_EQ(N.shape(), "*");
  EXPECT_EQ(N.out().why(), "the test says so");
}

TEST(ElementwiseShape, BeforeOpset7TheAxisPlacesTheSecondOperand) {
  OneNode N("Add", 6);
  N.input("2,3,4,5").input("3,4").attr("broadcast", int64_t(1));
  N.attr("axis", int64_t(1));
  EXPECT_EQ(N.shape(), "[2,3,4,5]");
}

TEST(ElementwiseShape, PReluHasTheShapeOfItsInput) {
  OneNode N("PRelu");
  N.input("B,64,H,W").input("64,1,1");
  EXPECT_EQ(N.shape(), "[B,64,H,W]");
}

//===----------------------------------------------------------------------===//
// Integer contents
//===----------------------------------------------------------------------===//

TEST(ElementwiseContents, AddOfShapes) {
  OneNode N("Add");
  N.ints("N,3").scalar("P");
  EXPECT_EQ(N.contents(), "N + P 3 + P");
}

TEST(ElementwiseContents, DivTruncatesTowardZero) {
  OneNode N("Div");
  N.ints("0-7,7,N").scalar("2");
  EXPECT_EQ(N.contents(), "-3 3 N//2");
}

TEST(ElementwiseContents, DivByZeroIsUnknown) {
  OneNode N("Div");
  N.ints("7").scalar("0");
  EXPECT_EQ(N.contents(), "none");
}

TEST(ElementwiseContents, DivDoesNotTrap) {
  OneNode N("Div");
  N.elements(
      "1",
      {Element::integer(N.Store.constant(std::numeric_limits<int64_t>::min()))},
      ElemType::Int64);
  N.scalar("0-1");
  EXPECT_EQ(N.contents(), "none");
}

TEST(ElementwiseContents, ModHasTheSignOfTheDivisor) {
  OneNode N("Mod");
  N.ints("0-7,7").scalar("3");
  EXPECT_EQ(N.contents(), "2 1");
}

TEST(ElementwiseContents, FmodHasTheSignOfTheDividend) {
  OneNode N("Mod");
  N.ints("0-7,7").scalar("3").attr("fmod", int64_t(1));
  EXPECT_EQ(N.contents(), "-1 1");
}

TEST(ElementwiseContents, FixedWidthOverflowIsUnknown) {
  OneNode N("Mul");
  N.ints("65536", ElemType::Int32).scalar("65536", ElemType::Int32);
  EXPECT_EQ(N.contents(), "none");
}

TEST(ElementwiseContents, ZeroTimesWhateverIsZero) {
  OneNode N("Mul");
  N.input("2", ElemType::Int64).scalar("0");
  EXPECT_EQ(N.contents(), "all 0");
}

TEST(ElementwiseContents, SplatOfAnySize) {
  OneNode N("Sub");
  N.splat("B,N", Element::integer(N.Store.constant(1)), ElemType::Int64);
  N.scalar("3");
  EXPECT_EQ(N.shape(), "[B,N]");
  EXPECT_EQ(N.contents(), "all -2");
}

TEST(ElementwiseContents, MaxKeepsWhatIsKnown) {
  OneNode N("Max");
  N.ints("N,1").ints("1,1");
  EXPECT_EQ(N.contents(), "N 1"); // symbols are at least 1
}

TEST(ElementwiseContents, ClipBoundsAreInputsFromOpset11) {
  OneNode N("Clip", 13);
  N.ints("0-5,5,50").scalar("0").scalar("9");
  EXPECT_EQ(N.contents(), "0 5 9");
}

TEST(ElementwiseContents, BitShiftDividesSizes) {
  OneNode N("BitShift");
  N.ints("N", ElemType::UInt64).scalar("2", ElemType::UInt64);
  N.attr("direction", "RIGHT");
  EXPECT_EQ(N.contents(), "all N//4");
}

//===----------------------------------------------------------------------===//
// Float contents
//===----------------------------------------------------------------------===//

TEST(ElementwiseFloat, SizesTimesHalfStayExact) {
  OneNode N("Mul");
  N.elements("", {Element::ratio(N.parse("N"), 1)}, ElemType::Float32);
  N.number(0.5);
  EXPECT_EQ(N.contents(), "all (N)/2");
}

TEST(ElementwiseFloat, InexactFactorIsUnknown) {
  // In fp32, 10 * 0.7 rounds up to 7; as an exact product it is below 7.
  OneNode N("Mul");
  N.elements("", {Element::ratio(N.parse("N"), 1)}, ElemType::Float32);
  N.number(0.7f);
  EXPECT_EQ(N.contents(), "none");
}

TEST(ElementwiseFloat, ConstantsRoundToTheirType) {
  OneNode N("Mul");
  N.number(10).number(0.7f);
  EXPECT_EQ(N.contents(), "all 7f");
}

TEST(ElementwiseFloat, FloorOfADividedSize) {
  OneNode N("Floor");
  N.elements("", {Element::ratio(N.parse("N"), 3)}, ElemType::Float32);
  EXPECT_EQ(N.contents(), "all (N//3)/1");
}

TEST(ElementwiseFloat, SqrtIsCorrectlyRounded) {
  OneNode N("Pow");
  N.number(64).number(0.5);
  EXPECT_EQ(N.contents(), "all 8f");
}

TEST(ElementwiseFloat, TranscendentalsAreNotEvaluated) {
  OneNode N("Log");
  N.number(8);
  EXPECT_EQ(N.contents(), "none");
}

TEST(ElementwiseFloat, RoundIsHalfToEven) {
  OneNode N("Round");
  N.elements("4",
             {Element::number(0.5), Element::number(1.5), Element::number(-0.5),
              Element::number(2.4)},
             ElemType::Float32);
  EXPECT_EQ(N.contents(), "0f 2f 0f 2f");
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

TEST(ElementwiseCost, C2_OnePerOutputElement) {
  OneNode N("Add");
  N.input("B,N,1600").input("1600");
  EXPECT_EQ(N.vector(), "1600*B*N");
  EXPECT_EQ(N.matrix(), "0");
}

TEST(ElementwiseCost, C2_VariadicIsOneLessThanItsOperands) {
  OneNode Sum("Sum"), Mean("Mean");
  for (OneNode *N : {&Sum, &Mean})
    N->input("B,8").input("B,8").input("8");
  EXPECT_EQ(Sum.vector(), "16*B");  // (3 - 1) * 8
  EXPECT_EQ(Mean.vector(), "24*B"); // 3 * 8
}

TEST(ElementwiseCost, C5_LeakyReluIsLessMulWhere) {
  OneNode N("LeakyRelu");
  N.input("B,8");
  EXPECT_EQ(N.vector(), "24*B"); // 3 * 8
}

TEST(ElementwiseCost, C5_ClipIsTwoPerBound) {
  OneNode One("Clip"), Both("Clip"), None("Clip");
  One.input("B").number(0);
  Both.input("B").number(0).number(6);
  None.input("B");
  EXPECT_EQ(One.vector(), "2*B");
  EXPECT_EQ(Both.vector(), "4*B");
  EXPECT_EQ(None.vector(), "0");
}

TEST(ElementwiseCost, C16_UnknownSizeIsUnknown) {
  OneNode N("Exp");
  N.input("?,4");
  EXPECT_EQ(N.vector(), "?");
}

TEST(Min, OfASizeAsFloat) {
  OneNode N("Min"), Half("Max");
  N.elements("", {Element::ratio(N.parse("N"), 1)}, ElemType::Float32);
  N.number(9999);
  EXPECT_EQ(N.contents(), "all (min(9999, N))/1");
  Half.elements("", {Element::ratio(Half.parse("N"), 2)}, ElemType::Float32);
  Half.number(3);
  EXPECT_EQ(Half.contents(), "all (max(6, N))/2"); // N/2 or 6/2
}
