//===- LogicTest.cpp - comparisons, logic, select, casts ------------------===//

#include "OpTest.h"

#include <cmath>

using namespace xfa;

static Element yes() { return Element::boolean(true); }
static Element no() { return Element::boolean(false); }

TEST(Logic, ComparisonsOfSizesAreThreeValued) {
  OneNode N("Less");
  N.ints("N,N,3").ints("N+1,M,2");
  EXPECT_EQ(N.elem(), ElemType::Bool);
  EXPECT_EQ(N.contents(), "true ? false");
}

TEST(Logic, EqualToMinusOneIsFalseOfASize) {
  OneNode N("Equal");
  N.ints("N,4").scalar("0-1");
  EXPECT_EQ(N.contents(), "false false");
}

TEST(Logic, OneFalseOperandDecidesAnd) {
  OneNode N("And");
  N.splat("N,N", no(), ElemType::Bool).input("B,1,N,N", ElemType::Bool);
  EXPECT_EQ(N.shape(), "[B,1,N,N]");
  EXPECT_EQ(N.contents(), "all false");
}

TEST(Logic, WherePicksByElement) {
  OneNode N("Where");
  N.elements("3", {yes(), no(), Element()}, ElemType::Bool);
  N.ints("B,B,7").ints("1,N,7");
  EXPECT_EQ(N.elem(), ElemType::Int64);
  EXPECT_EQ(N.contents(), "B N 7");
}

TEST(Logic, WhereBroadcastsAllThree) {
  OneNode N("Where");
  N.input("N,1", ElemType::Bool).input("M").input("B,1,1");
  EXPECT_EQ(N.shape(), "[B,N,M]");
  EXPECT_EQ(N.vector(), "B*M*N"); // C2
}

TEST(Logic, IsNaNOfASizeIsFalse) {
  OneNode N("IsNaN");
  N.elements("2",
             {Element::ratio(N.parse("N"), 2), Element::number(std::nan(""))},
             ElemType::Float32);
  EXPECT_EQ(N.contents(), "false true");
}

TEST(Logic, IsInfLooksAtTheSign) {
  OneNode N("IsInf");
  N.elements("2", {Element::number(INFINITY), Element::number(-INFINITY)},
             ElemType::Float32);
  N.attr("detect_negative", int64_t(0));
  EXPECT_EQ(N.contents(), "true false");
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

static OneNode &to(OneNode &N, ElemType Type) {
  return N.attr("to", static_cast<int64_t>(Type));
}

TEST(Cast, FloatToIntegerTruncates) {
  OneNode N("Cast");
  N.elements("3",
             {Element::number(-1.5), Element::number(2.9),
              Element::ratio(N.parse("N"), 2)},
             ElemType::Float32);
  to(N, ElemType::Int64);
  EXPECT_EQ(N.elem(), ElemType::Int64);
  EXPECT_EQ(N.contents(), "-1 2 N//2");
}

TEST(Cast, NaNAndHugeFloatsAreUnknown) {
  OneNode N("Cast");
  N.elements("3",
             {Element::number(std::nan("")), Element::number(1e30),
              Element::number(3)},
             ElemType::Float32);
  to(N, ElemType::Int32);
  EXPECT_EQ(N.contents(), "? ? 3");
}

TEST(Cast, IntegersKeepTheirLowBits) {
  OneNode N("Cast");
  N.ints("300,0-1");
  to(N, ElemType::UInt8);
  EXPECT_EQ(N.contents(), "44 255");
}

TEST(Cast, SizesBecomeRatios) {
  OneNode N("Cast");
  N.ints("N,4");
  to(N, ElemType::Float32);
  EXPECT_EQ(N.contents(), "(N)/1 4f");
}

TEST(Cast, SizesDoNotFitHalfFloats) {
  OneNode N("Cast");
  N.ints("N,4");
  to(N, ElemType::Float16);
  EXPECT_EQ(N.contents(), "? 4f");
}

TEST(Cast, ToBoolIsDifferentFromZero) {
  OneNode N("Cast");
  N.ints("N,0");
  to(N, ElemType::Bool);
  EXPECT_EQ(N.contents(), "true false");
}

TEST(Cast, TheTypeWasANameBeforeOpset6) {
  OneNode N("Cast", 5);
  N.input("B").attr("to", "DOUBLE");
  EXPECT_EQ(N.elem(), ElemType::Float64);
}

TEST(Cast, LikeTheSecondInput) {
  OneNode N("CastLike");
  N.ints("N").input("", ElemType::Int32);
  EXPECT_EQ(N.elem(), ElemType::Int32);
  EXPECT_EQ(N.contents(), "N");
}

TEST(CastCost, OfTheSecondOperandOnlyTheTypeIsUsed) {
  OneNode N("CastLike");
  N.input("B,N").input("1000", ElemType::Float16);
  EXPECT_EQ(N.reads(0), "all");
  EXPECT_EQ(N.reads(1), "0");
}

TEST(CastCost, C6_NoArithmetic) {
  OneNode N("Cast");
  N.input("B,N");
  to(N, ElemType::Float16);
  EXPECT_EQ(N.vector(), "0");
}
