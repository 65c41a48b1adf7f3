//===- ReductionTest.cpp --------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Reduce, AxesAttributeKeepsDimsByDefault) {
  OneNode N("ReduceMean", 13);
  N.input("B,N,1600").attrInts("axes", {-1});
  EXPECT_EQ(N.shape(), "[B,N,1]");
}

TEST(Reduce, AxesInputFromOpset18) {
  OneNode N("ReduceMean", 18);
  N.input("B,N,1600").ints("0,2").attr("keepdims", int64_t(0));
  EXPECT_EQ(N.shape(), "[N]");
}

TEST(Reduce, NoAxesReducesAll) {
  OneNode Keep("ReduceSum", 13), Drop("ReduceSum", 13);
  Keep.input("B,N").ints("");
  EXPECT_EQ(Keep.shape(), "[1,1]");
  Drop.input("*").attr("keepdims", int64_t(0));
  EXPECT_EQ(Drop.shape(), "[]"); // whatever the rank
}

TEST(Reduce, NoopWithEmptyAxes) {
  OneNode N("ReduceSum", 13);
  N.input("B,N").attr("noop_with_empty_axes", int64_t(1));
  EXPECT_EQ(N.shape(), "[B,N]");
  EXPECT_EQ(N.vector(), "0");
}

TEST(Reduce, UnknownAxes) {
  OneNode Keep("ReduceMax", 18), Drop("ReduceMax", 18), Many("ReduceMax", 18);
  Keep.input("B,1,N").input("1", ElemType::Int64);
  EXPECT_EQ(Keep.shape(), "[?,1,?]");
  Drop.input("B,N").input("1", ElemType::Int64).attr("keepdims", int64_t(0));
  EXPECT_EQ(Drop.shape(), "[?]");
  Many.input("B,N").input("2", ElemType::Int64).attr("keepdims", int64_t(0));
  EXPECT_EQ(Many.shape(), "*"); // the two may be the same axis
}

TEST(Reduce, AxisOutOfRangeIsWrong) {
  OneNode N("ReduceMean", 13);
  N.input("B,N").attrInts("axes", {2});
  EXPECT_EQ(N.error(), "expected axes of [B,N], found axis 2");
}

TEST(Reduce, ProductOfAShape) {
  OneNode N("ReduceProd", 13);
  N.ints("B,N,3").attr("keepdims", int64_t(0));
  EXPECT_EQ(N.contents(), "3*B*N");
}

TEST(Reduce, SumAlongOneAxis) {
  OneNode N("ReduceSum", 13);
  std::vector<Element> Items;
  for (int I = 1; I <= 6; ++I)
    Items.push_back(Element::integer(N.Store.constant(I)));
  N.elements("2,3", Items, ElemType::Int64).ints("1");
  EXPECT_EQ(N.contents(), "6 15");
}

TEST(Reduce, SumOfOnesIsTheirNumber) {
  OneNode N("ReduceSum", 13);
  N.splat("B,N", Element::integer(N.Store.constant(1)), ElemType::Int64);
  N.ints("1").attr("keepdims", int64_t(0));
  EXPECT_EQ(N.contents(), "all N");
}

TEST(ReduceCost, C4_OnePerInputElementMeanOneMore) {
  OneNode Sum("ReduceSum", 13), Mean("ReduceMean", 18);
  Sum.input("B,N,1600").ints("2");
  Mean.input("B,N,1600").ints("2");
  EXPECT_EQ(Sum.vector(), "1600*B*N");
  EXPECT_EQ(Mean.vector(), "1601*B*N"); // 1600 + 1
}

TEST(ArgMax, FirstAxisByDefault) {
  OneNode N("ArgMax");
  N.input("B,N");
  EXPECT_EQ(N.shape(), "[1,N]");
  EXPECT_EQ(N.elem(), ElemType::Int64);
  EXPECT_EQ(N.vector(), "B*N"); // C4
}

TEST(CumSum, ExclusiveAndReverse) {
  OneNode N("CumSum");
  N.ints("1,2,N").scalar("0");
  EXPECT_EQ(N.contents(), "1 3 3 + N");
  OneNode Reverse("CumSum");
  Reverse.ints("1,2,4").scalar("0");
  Reverse.attr("exclusive", int64_t(1)).attr("reverse", int64_t(1));
  EXPECT_EQ(Reverse.contents(), "6 4 0");
}
