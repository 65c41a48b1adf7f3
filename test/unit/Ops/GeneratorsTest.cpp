//===- GeneratorsTest.cpp -------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Constant, ValueInts) {
  OneNode N("Constant");
  N.attrInts("value_ints", {1, -1, 7});
  EXPECT_EQ(N.shape(), "[3]");
  EXPECT_EQ(N.contents(), "1 -1 7");
}

TEST(Constant, ValueIntIsAScalar) {
  OneNode N("Constant");
  N.attr("value_int", int64_t(5));
  EXPECT_EQ(N.shape(), "[]");
  EXPECT_EQ(N.elem(), ElemType::Int64);
}

TEST(Constant, ValueTensor) {
  OneNode N("Constant");
  N.attrTensor("value", ElemType::Float32, {2}, {}, {0.5, 2});
  EXPECT_EQ(N.shape(), "[2]");
  EXPECT_EQ(N.contents(), "0.5f 2f");
}

TEST(Shape, DimsAreContents) {
  OneNode N("Shape");
  N.input("B,N,1600");
  EXPECT_EQ(N.shape(), "[3]");
  EXPECT_EQ(N.contents(), "B N 1600");
}

TEST(Shape, StartAndEndAreClamped) {
  OneNode N("Shape", 15);
  N.input("B,N,1600").attr("start", int64_t(-2)).attr("end", int64_t(99));
  EXPECT_EQ(N.contents(), "N 1600");
  OneNode Empty("Shape", 15);
  Empty.input("B,N").attr("start", int64_t(5)).attr("end", INT64_MIN);
  EXPECT_EQ(Empty.shape(), "[0]");
}

TEST(Shape, OfUnknownRankHasUnknownLength) {
  OneNode N("Shape");
  N.input("*");
  EXPECT_EQ(N.shape(), "[?]");
}

TEST(Size, IsTheProduct) {
  OneNode N("Size");
  N.input("B,N,3");
  EXPECT_EQ(N.shape(), "[]");
  EXPECT_EQ(N.contents(), "all 3*B*N");
}

TEST(ConstantOfShape, FillsAnySize) {
  OneNode N("ConstantOfShape");
  N.ints("B,N").attrTensor("value", ElemType::Int64, {1}, {1});
  EXPECT_EQ(N.shape(), "[B,N]");
  EXPECT_EQ(N.elem(), ElemType::Int64);
  EXPECT_EQ(N.contents(), "all 1");
}

TEST(ConstantOfShape, ZeroOfFp32ByDefault) {
  OneNode N("ConstantOfShape");
  N.input("3", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[?,?,?]");
  EXPECT_EQ(N.elem(), ElemType::Float32);
}

TEST(ConstantOfShape, NegativeIsWrong) {
  OneNode N("ConstantOfShape");
  N.ints("2,0-1");
  EXPECT_EQ(N.error(), "expected dimensions of at least 0, found [2,-1]");
}

TEST(ConstantOfShape, SizesFit64Bits) {
  OneNode N("ConstantOfShape");
  N.ints("2,9223372036854775807+1");
  EXPECT_EQ(N.error(), "expected dimensions within 64 bits, but what dimension "
                       "1 is computed from leaves them");
}

TEST(Range, LengthIsACeiling) {
  OneNode N("Range");
  N.scalar("0").scalar("N").scalar("2");
  EXPECT_EQ(N.shape(), "[(1 + N)//2]");
}

TEST(Range, FromThePastOn) {
  OneNode N("Range");
  N.scalar("P").scalar("P+N").scalar("1");
  EXPECT_EQ(N.shape(), "[N]");
}

TEST(Range, DownAndEmpty) {
  OneNode Down("Range"), Empty("Range");
  Down.scalar("10").scalar("0").scalar("0-3");
  EXPECT_EQ(Down.contents(), "10 7 4 1");
  Empty.scalar("5").scalar("2").scalar("1");
  EXPECT_EQ(Empty.shape(), "[0]");
}

TEST(Range, Floats) {
  OneNode N("Range");
  N.number(1).number(2).number(0.25);
  EXPECT_EQ(N.shape(), "[4]");
}

TEST(Range, UnknownBound) {
  OneNode N("Range");
  N.scalar("0").input("", ElemType::Int64).scalar("1");
  EXPECT_EQ(N.shape(), "[?]");
}

TEST(Trilu, LowerTriangleOfOnes) {
  OneNode N("Trilu");
  N.splat("3,3", Element::boolean(true), ElemType::Bool);
  N.attr("upper", int64_t(0));
  EXPECT_EQ(N.contents(), "true false false true true false true true true");
}

TEST(Trilu, HugeDiagonalKeepsNothing) {
  OneNode N("Trilu");
  N.splat("2,2", Element::integer(N.Store.constant(1)), ElemType::Int64);
  N.scalar(std::to_string(INT64_MAX));
  EXPECT_EQ(N.contents(), "0 0 0 0");
}

TEST(EyeLike, TakesTheType) {
  OneNode N("EyeLike");
  N.input("N,4").attr("dtype", int64_t(7));
  EXPECT_EQ(N.shape(), "[N,4]");
  EXPECT_EQ(N.elem(), ElemType::Int64);
}
