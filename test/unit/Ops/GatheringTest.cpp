//===- GatheringTest.cpp - Gather*, TopK, Scatter* ------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Gather, IndicesReplaceTheAxis) {
  OneNode N("Gather"), Inner("Gather"), Unknown("Gather");
  N.input("50257,1600").input("B,N", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[B,N,1600]");
  Inner.input("B,N,3").input("", ElemType::Int64).attr("axis", -1);
  EXPECT_EQ(Inner.shape(), "[B,N]");
  Unknown.input("*").input("B", ElemType::Int64);
  EXPECT_EQ(Unknown.shape(), "*");
}

TEST(GatherCost, C11_ReadsTheGatheredRows) {
  OneNode N("Gather");
  N.input("50257,1600").input("B,N", ElemType::Int64);
  EXPECT_EQ(N.reads(0), N.text("1600*B*N"));
  EXPECT_EQ(N.reads(1), "all");
  EXPECT_EQ(N.vector(), "0"); // C6
}

TEST(Gather, ContentsOfAShape) {
  OneNode Scalar("Gather"), Row("Gather"), Far("Gather"), Data("Gather");
  Scalar.ints("B,N,1600").scalar("-1");
  EXPECT_EQ(Scalar.contents(), "1600");
  Row.ints("B,N,1600").ints("1,0");
  EXPECT_EQ(Row.contents(), "N B");
  Far.ints("B").scalar("3");
  EXPECT_EQ(Far.contents(), "?");
  Data.ints("B,N").input("", ElemType::Int64);
  EXPECT_EQ(Data.contents(), "none");
}

TEST(GatherElements, ShapeOfTheIndices) {
  OneNode N("GatherElements"), Wrong("GatherElements");
  N.input("B,N").input("B,K", ElemType::Int64).attr("axis", 1);
  EXPECT_EQ(N.shape(), "[B,K]");
  EXPECT_EQ(N.reads(0), "B*K");
  Wrong.input("B,N").input("K", ElemType::Int64);
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(GatherND, TuplesAndBatches) {
  OneNode N("GatherND"), Batch("GatherND"), Symbol("GatherND");
  N.input("8,4096,128").input("B,K,1", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[B,K,4096,128]");
  Batch.input("B,4,5").input("B,K,1", ElemType::Int64).attr("batch_dims", 1);
  EXPECT_EQ(Batch.shape(), "[B,K,5]");
  Symbol.input("4,5").input("B,K", ElemType::Int64);
  EXPECT_EQ(Symbol.shape(), "*");
}

TEST(GatherND, AxisOfOnnxRuntimesOwn) { // before opset 11
  OneNode N("GatherND", 10);
  N.input("B,S,99").input("B,K,1", ElemType::Int64).attr("axis", 1);
  EXPECT_EQ(N.shape(), "[B,K,99]");
}

TEST(GatherND, Contents) {
  OneNode N("GatherND");
  N.ints("B,N,3");
  std::vector<Element> Items{Element::integer(N.parse("2")),
                             Element::integer(N.parse("0"))};
  N.elements("2,1", Items, ElemType::Int64);
  EXPECT_EQ(N.contents(), "3 B");
}

TEST(GatherND, WrongTuples) {
  OneNode N("GatherND");
  N.input("4,5").input("2,3", ElemType::Int64);
  EXPECT_EQ(N.shape(), "!");
}

TEST(TopK, KReplacesTheAxis) {
  OneNode N("TopK", 11, "", 2), Old("TopK", 1, "", 2), Far("TopK", 11, "", 2);
  N.input("B,N,64").ints("8");
  EXPECT_EQ(N.shape(), "[B,N,8]");
  EXPECT_EQ(N.elem(1), ElemType::Int64);
  Old.input("B,64").attr("k", 2).attr("axis", 1);
  EXPECT_EQ(Old.shape(1), "[B,2]");
  Far.input("B,4").ints("5");
  EXPECT_EQ(Far.shape(), "!");
}

TEST(TopKCost, C4_LooksAtEachElement) {
  OneNode N("TopK", 11, "", 2);
  N.input("B,N,64").ints("8");
  EXPECT_EQ(N.vector(), N.text("64*B*N"));
}

TEST(ScatterND, ShapeOfTheData) {
  OneNode N("ScatterND");
  N.input("B,25,L,64")
      .input("B,25,N,64,3", ElemType::Int64)
      .input("B,25,N,64,64");
  EXPECT_EQ(N.shape(), "[B,25,L,64]");
}

TEST(ScatterCost, C11_ReadsAndWritesUpdates) {
  OneNode N("ScatterElements", 18), Adds("ScatterElements", 18);
  N.input("B,N").input("B,3", ElemType::Int64).input("B,3");
  EXPECT_EQ(N.reads(0), "0");
  EXPECT_EQ(N.reads(2), "all");
  EXPECT_EQ(N.writes(0), "3*B");
  EXPECT_EQ(N.vector(), "0");
  Adds.input("B,N").input("B,3", ElemType::Int64).input("B,3");
  Adds.attr("reduction", "add");
  EXPECT_EQ(Adds.reads(0), "3*B"); // what it updates
  EXPECT_EQ(Adds.vector(), "3*B"); // C4
}

TEST(ScatterND, Contents) {
  OneNode N("ScatterND"), Row("ScatterND"), Unsure("ScatterND");
  auto Index = [](OneNode &In) {
    return std::vector<Element>{Element::integer(In.parse("1"))};
  };
  N.ints("1,1,1").elements("1,1", Index(N), ElemType::Int64).ints("N");
  EXPECT_EQ(N.contents(), "1 N 1");
  Row.splat("2,2", Element::boolean(false), ElemType::Bool)
      .elements("1,1", Index(Row), ElemType::Int64)
      .splat("1,2", Element::boolean(true), ElemType::Bool);
  EXPECT_EQ(Row.contents(), "false false true true");
  Unsure.ints("1,1,1").input("1,1", ElemType::Int64).ints("N");
  EXPECT_EQ(Unsure.contents(), "none");
}

TEST(ScatterElements, Contents) {
  OneNode N("ScatterElements");
  N.ints("B,N,3").ints("-1").ints("7");
  EXPECT_EQ(N.contents(), "B N 7");
}

TEST(TensorScatterCost, C13_WritesTheNewRows) {
  OneNode N("TensorScatter", 24);
  N.input("B,8,L,64").input("B,8,N,64").input("B", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[B,8,L,64]");
  EXPECT_EQ(N.reads(0), "0");
  EXPECT_EQ(N.writes(0), N.text("8*64*B*N"));
}

TEST(NonZero, CountsWhatItKnows) {
  OneNode N("NonZero"), Known("NonZero"), Full("NonZero"), Scalar("NonZero");
  N.input("B,N");
  EXPECT_EQ(N.shape(), "[2,?]");
  Known.ints("0,B,0,3"); // B >= 1
  EXPECT_EQ(Known.shape(), "[1,2]");
  EXPECT_EQ(Known.contents(), "1 3");
  Full.splat("B,N", Element::boolean(true), ElemType::Bool);
  EXPECT_EQ(Full.shape(), "[2,B*N]");
  Scalar.input("");
  EXPECT_EQ(Scalar.shape(), "[0,?]");
}

TEST(Compress, CountsWhatItKnows) {
  OneNode N("Compress"), Flat("Compress"), Unknown("Compress");
  std::vector<Element> Keep{Element::boolean(false), Element::boolean(true),
                            Element::boolean(true)};
  N.input("B,3").elements("3", Keep, ElemType::Bool).attr("axis", 1);
  EXPECT_EQ(N.shape(), "[B,2]");
  EXPECT_EQ(N.reads(0), "2*B");
  Flat.input("B,3").elements("3", Keep, ElemType::Bool);
  EXPECT_EQ(Flat.shape(), "[2]");
  Unknown.input("B,3").input("3", ElemType::Bool).attr("axis", 1);
  EXPECT_EQ(Unknown.shape(), "[B,?]");
}

TEST(Unique, SharesOneUnknown) {
  OneNode N("Unique", 11, "", 4), Known("Unique", 11, "", 4);
  N.input("B,N");
  EXPECT_EQ(N.shape(0), "[?]");
  EXPECT_EQ(N.shape(2), "[B*N]");
  EXPECT_EQ(N.out(0).Dims[0], N.out(3).Dims[0]);
  EXPECT_EQ(N.vector(), "?"); // C16
  Known.ints("3,1,3");
  EXPECT_EQ(Known.shape(0), "[2]");
}

TEST(NonMaxSuppression, CountIsUnknown) {
  OneNode N("NonMaxSuppression"), None("NonMaxSuppression");
  N.input("B,100,4").input("B,80,100").input("", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[?,3]");
  None.input("B,100,4").input("B,80,100");
  EXPECT_EQ(None.shape(), "[0,3]"); // max_output_boxes_per_class defaults to 0
}
