//===- MovementTest.cpp - Concat, Pad, Tile, …
//------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Concat, SumsTheAxis) {
  OneNode N("Concat");
  N.input("B,25,P,64").input("B,25,1,64").attr("axis", -2);
  EXPECT_EQ(N.shape(), "[B,25,1 + P,64]");
  EXPECT_EQ(N.vector(), "0"); // C6
}

TEST(Concat, TheDimThatSaysMore) {
  OneNode N("Concat"), Wrong("Concat");
  N.input("B,3").input("4,?").attr("axis", 0);
  EXPECT_EQ(N.shape(), "[4 + B,3]");
  Wrong.input("2,3").input("2,4").attr("axis", 0);
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(Concat, UnknownRankOfOne) {
  OneNode N("Concat");
  N.input("B,3").input("*").attr("axis", 0);
  EXPECT_EQ(N.shape(), "[?,3]");
}

TEST(Concat, ContentsOfShapeVectors) {
  OneNode N("Concat"), Partly("Concat"), Columns("Concat");
  N.ints("B").ints("-1,64").attr("axis", 0);
  EXPECT_EQ(N.contents(), "B -1 64");
  Partly.ints("B").input("1", ElemType::Int64).attr("axis", 0);
  EXPECT_EQ(Partly.contents(), "B ?");
  auto Column = [&](const char *A, const char *B) {
    return std::vector<Element>{Element::integer(Columns.parse(A)),
                                Element::integer(Columns.parse(B))};
  };
  Columns.elements("2,1", Column("1", "2"), ElemType::Int64)
      .elements("2,1", Column("3", "4"), ElemType::Int64)
      .attr("axis", 1);
  EXPECT_EQ(Columns.contents(), "1 3 2 4");
}

TEST(Concat, EmptyInputsAmongContents) {
  OneNode N("Concat");
  N.ints("").ints("B").ints("").attr("axis", 0);
  EXPECT_EQ(N.contents(), "B");
}

TEST(Concat, AScalarBesideVectorsIsOneElement) {
  OneNode N("Concat"), First("Concat"), Matrix("Concat");
  N.ints("B,N").scalar("2").attr("axis", 0);
  EXPECT_EQ(N.contents(), "B N 2");
  First.scalar("2").ints("B,N").attr("axis", 0);
  EXPECT_EQ(First.contents(), "2 B N");
  Matrix.input("B,N").scalar("2").attr("axis", 0);
  EXPECT_EQ(Matrix.shape(), "!");
}

TEST(Concat, SizesBeyond64Bits) {
  OneNode N("Concat");
  N.input("9223372036854775807").input("1").attr("axis", 0);
  EXPECT_EQ(N.shape(), "!");
}

TEST(Pad, AttributeInputAndAxes) {
  OneNode Old("Pad", 2), New("Pad", 11), Axes("Pad", 18);
  Old.input("B,N").attrInts("pads", {0, 1, 0, 2});
  EXPECT_EQ(Old.shape(), "[B,3 + N]"); // 1 + 2
  New.input("B,N").ints("0,1,0,-1");
  EXPECT_EQ(New.shape(), "[B,N]");
  Axes.input("B,N,3").ints("1,1").absent().ints("-1");
  EXPECT_EQ(Axes.shape(), "[B,N,5]"); // 3 + 1 + 1
}

TEST(Pad, SymbolicPads) {
  OneNode N("Pad");
  N.input("B,N").ints("0,P,0,0");
  EXPECT_EQ(N.shape(), "[B,N + P]");
}

TEST(Pad, UnknownPads) {
  OneNode N("Pad");
  N.input("B,N").input("4", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[?,?]");
}

TEST(Pad, WrongPads) {
  OneNode Count("Pad"), Size("Pad");
  Count.input("B,N").ints("0,1,0");
  EXPECT_EQ(Count.error(),
            "expected pads with 4 entries, two an axis, found 3");
  Size.input("2").ints("-2,-1");
  EXPECT_EQ(Size.shape(), "!");
}

TEST(Pad, Contents) {
  OneNode N("Pad"), Cut("Pad");
  N.ints("B,N").ints("1,1").scalar("7");
  EXPECT_EQ(N.contents(), "7 B N 7");
  Cut.ints("B,N,3").ints("-1,0");
  EXPECT_EQ(Cut.contents(), "N 3");
}

TEST(Pad, HugePadsCancel) {
  OneNode N("Pad");
  N.input("5").ints("9223372036854775807,-9223372036854775807");
  EXPECT_EQ(N.shape(), "[5]");
}

TEST(Tile, Repeats) {
  OneNode N("Tile"), Old("Tile", 1), Unknown("Tile");
  N.input("B,3").ints("N,2");
  EXPECT_EQ(N.shape(), "[B*N,6]"); // 3 * 2
  Old.input("B,3").scalar("4").scalar("1");
  EXPECT_EQ(Old.shape(), "[B,12]"); // 3 * 4
  Unknown.input("B,3").input("2", ElemType::Int64);
  EXPECT_EQ(Unknown.shape(), "[?,?]");
}

TEST(Tile, Contents) {
  OneNode N("Tile"), Wrong("Tile");
  N.ints("B,N").ints("2");
  EXPECT_EQ(N.contents(), "B N B N");
  Wrong.input("B,3").ints("2");
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(DepthToSpace, MovesBlocks) {
  OneNode N("DepthToSpace"), Back("SpaceToDepth"), Wrong("DepthToSpace");
  N.input("B,12,H,W").attr("blocksize", 2);
  EXPECT_EQ(N.shape(), "[B,3,2*H,2*W]"); // 12 / 2²
  Back.input("B,3,2*H,2*W").attr("blocksize", 2);
  EXPECT_EQ(Back.shape(), "[B,12,H,W]");
  Wrong.input("B,10,H,W").attr("blocksize", 2);
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(CenterCropPad, AxesTakeTheGivenSizes) {
  OneNode N("CenterCropPad");
  N.input("B,N,3").ints("10").attrInts("axes", {1});
  EXPECT_EQ(N.shape(), "[B,10,3]");
}

TEST(Col2Im, ChannelsByTheBlock) {
  OneNode N("Col2Im");
  N.input("B,27,25").ints("5,5").ints("3,3");
  EXPECT_EQ(N.shape(), "[B,3,5,5]");        // 27 / (3 * 3)
  EXPECT_EQ(N.vector(), N.text("27*25*B")); // C4: each element is added
}
