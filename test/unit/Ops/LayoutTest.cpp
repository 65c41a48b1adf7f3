//===- LayoutTest.cpp -----------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

TEST(Reshape, MinusOneIsWhatIsLeft) {
  OneNode N("Reshape");
  N.input("B,N,1600").ints("0,-1,25,64");
  EXPECT_EQ(N.shape(), "[B,N,25,64]"); // 1600 = 25 * 64
  EXPECT_EQ(N.vector(), "0");          // C10
}

TEST(Reshape, MinusOneMergesDimensions) {
  OneNode N("Reshape");
  N.input("B,N,1600").ints("-1,1600");
  EXPECT_EQ(N.shape(), "[B*N,1600]");
}

TEST(Reshape, SymbolicTarget) {
  OneNode N("Reshape");
  N.input("B*N,1600").ints("B,N,1600");
  EXPECT_EQ(N.shape(), "[B,N,1600]");
}

TEST(Reshape, MinusOneBesideASymbol) {
  OneNode N("Reshape");
  N.input("B,H,N,64").ints("B*H,-1,64");
  EXPECT_EQ(N.shape(), "[B*H,N,64]");
}

TEST(Reshape, QuotientThatIsNoPolynomial) {
  OneNode N("Reshape");
  N.input("N").ints("7,-1");
  EXPECT_EQ(N.shape(), "[7,N//7]"); // valid only where 7 divides N
}

TEST(Reshape, ZeroCopiesUnlessAllowed) {
  OneNode Copies("Reshape"), Zero("Reshape", 14);
  Copies.input("N,3,4").ints("0,12");
  EXPECT_EQ(Copies.shape(), "[N,12]");
  Zero.input("0,3,4").ints("3,4,0").attr("allowzero", 1);
  EXPECT_EQ(Zero.shape(), "[3,4,0]");
}

TEST(Reshape, OneUnknownEntryFollowsFromTheCount) {
  OneNode N("Reshape");
  ValueFacts Target = N.tensor("3", ElemType::Int64);
  Target.Known.Elements = {Element(), Element::integer(N.parse("25")),
                           Element::integer(N.parse("64"))};
  N.input("B,1600").facts(Target);
  EXPECT_EQ(N.shape(), "[B,25,64]");
}

TEST(Reshape, UnknownEntryBesideMinusOne) {
  OneNode N("Reshape");
  ValueFacts Target = N.tensor("2", ElemType::Int64);
  Target.Known.Elements = {Element(), Element::integer(N.parse("-1"))};
  N.input("B,1600").facts(Target);
  EXPECT_EQ(N.shape(), "[?,?]");
}

TEST(Reshape, EqualUnknownFactorsCancel) {
  OneNode N("Reshape");
  N.input("?,16,64").ints("0,-1");
  EXPECT_EQ(N.shape(), "[?,1024]"); // 16 * 64
}

TEST(Reshape, UnknownTarget) {
  OneNode Length("Reshape"), Values("Reshape");
  Length.input("B,N").input("L", ElemType::Int64);
  EXPECT_EQ(Length.shape(), "*");
  Values.input("B,N").input("3", ElemType::Int64);
  EXPECT_EQ(Values.shape(), "[?,?,?]");
}

TEST(Reshape, UnknownRankKeepsWhatTheTargetSays) {
  OneNode N("Reshape");
  N.input("*").ints("0,-1,64");
  EXPECT_EQ(N.shape(), "[?,?,64]");
}

TEST(Reshape, Opset1HasAnAttribute) {
  OneNode N("Reshape", 1);
  N.input("B,6").attrInts("shape", {0, 2, -1});
  EXPECT_EQ(N.shape(), "[B,2,3]");
}

TEST(Reshape, WrongCounts) {
  OneNode Whole("Reshape"), Sum("Reshape"), Two("Reshape"), Far("Reshape");
  Whole.input("10").ints("3,-1");
  EXPECT_EQ(Whole.shape(), "!");
  Sum.input("2,3").ints("5");
  EXPECT_EQ(Sum.error(), "expected 6 elements as in [2,3], found [5]");
  Two.input("B,N").ints("-1,-1");
  EXPECT_EQ(Two.error(), "expected one -1 in the target shape, found 2");
  Far.input("B").ints("1,0");
  EXPECT_EQ(Far.shape(), "!");
}

TEST(Reshape, ContentsStay) {
  OneNode N("Reshape");
  N.ints("B,N,3,4").ints("2,2");
  EXPECT_EQ(N.contents(), "B N 3 4");
}

TEST(Flatten, ProductsBeforeAndFromTheAxis) {
  OneNode N("Flatten"), Zero("Flatten"), Negative("Flatten"), Far("Flatten");
  N.input("B,C,7,7");
  EXPECT_EQ(N.shape(), "[B,49*C]"); // 7 * 7
  Zero.input("B,C").attr("axis", 0);
  EXPECT_EQ(Zero.shape(), "[1,B*C]");
  Negative.input("B,C,7").attr("axis", -1);
  EXPECT_EQ(Negative.shape(), "[B*C,7]");
  Far.input("B").attr("axis", 2);
  EXPECT_EQ(Far.shape(), "!");
}

//===----------------------------------------------------------------------===//
// Squeeze, Unsqueeze
//===----------------------------------------------------------------------===//

TEST(Squeeze, AxesAttributeAndInput) {
  OneNode Old("Squeeze", 11), New("Squeeze", 13);
  Old.input("B,1,N,1").attrInts("axes", {1, -1});
  EXPECT_EQ(Old.shape(), "[B,N]");
  New.input("B,1,N").ints("1");
  EXPECT_EQ(New.shape(), "[B,N]");
}

TEST(Squeeze, WithoutAxesASymbolMayBeOne) {
  OneNode Known("Squeeze"), Symbol("Squeeze"), Larger("Squeeze");
  Known.input("1,3,1");
  EXPECT_EQ(Known.shape(), "[3]");
  Symbol.input("B,3,1");
  EXPECT_EQ(Symbol.shape(), "*");
  Larger.input("B+1,1");
  EXPECT_EQ(Larger.shape(), "[1 + B]");
}

TEST(Squeeze, EmptyListOfAxesRuntimesDiffer) {
  OneNode Ones("Squeeze"), None("Squeeze");
  Ones.input("1,3").ints("");
  EXPECT_EQ(Ones.shape(), "*");
  None.input("2,3").ints("");
  EXPECT_EQ(None.shape(), "[2,3]");
}

TEST(Squeeze, ASymbolIsOneWhereItIsSqueezed) {
  OneNode N("Squeeze"), Wrong("Squeeze");
  N.input("B,N").ints("0");
  EXPECT_EQ(N.shape(), "[N]");
  Wrong.input("2,N").ints("0");
  EXPECT_EQ(Wrong.error(), "expected dimension 0 of [2,N] to be 1 to squeeze "
                           "it, found 2");
}

TEST(Squeeze, AScalarOfAShape) {
  OneNode N("Squeeze");
  N.ints("B").ints("0");
  EXPECT_EQ(N.shape(), "[]");
  EXPECT_EQ(N.contents(), "B");
}

TEST(Unsqueeze, AxesCountInTheResult) {
  OneNode N("Unsqueeze"), Scalar("Unsqueeze"), Twice("Unsqueeze");
  N.input("B,N").ints("1,-1");
  EXPECT_EQ(N.shape(), "[B,1,N,1]");
  Scalar.scalar("B").ints("0");
  EXPECT_EQ(Scalar.shape(), "[1]");
  EXPECT_EQ(Scalar.contents(), "B");
  Twice.input("B,N").ints("0,-4");
  EXPECT_EQ(Twice.shape(), "!");
}

//===----------------------------------------------------------------------===//
// Transpose, Expand, Identity, Dropout
//===----------------------------------------------------------------------===//

TEST(Transpose, PermutesOrReverses) {
  OneNode N("Transpose"), Reversed("Transpose"), Wrong("Transpose");
  N.input("B,N,25,64").attrInts("perm", {0, 2, 1, 3});
  EXPECT_EQ(N.shape(), "[B,25,N,64]");
  Reversed.input("B,N,3");
  EXPECT_EQ(Reversed.shape(), "[3,N,B]");
  Wrong.input("B,N").attrInts("perm", {0, 0});
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(Transpose, Contents) {
  OneNode N("Transpose"), Short("Transpose");
  std::vector<Element> Items;
  for (int I = 0; I < 6; ++I)
    Items.push_back(Element::integer(N.Store.constant(I)));
  N.elements("2,3", Items, ElemType::Int64);
  EXPECT_EQ(N.contents(), "0 3 1 4 2 5");
  Short.input("B,N,3").attrInts("perm", {0});
  EXPECT_EQ(Short.shape(), "!");
}

TEST(Expand, BroadcastsBothWays) {
  OneNode N("Expand"), Shorter("Expand"), Wrong("Expand");
  N.input("B,1,1,N").ints("B,1,N,N");
  EXPECT_EQ(N.shape(), "[B,1,N,N]");
  Shorter.input("3,1").ints("2");
  EXPECT_EQ(Shorter.shape(), "[3,2]");
  Wrong.input("3").ints("2");
  EXPECT_EQ(Wrong.shape(), "!");
}

TEST(Expand, UnknownTargetKeepsWhatIsNotOne) {
  OneNode N("Expand");
  N.input("3,1").input("2", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[3,?]");
}

TEST(Expand, Contents) {
  OneNode One("Expand"), Row("Expand");
  One.ints("B").ints("N,4");
  EXPECT_EQ(One.contents(), "all B");
  Row.ints("B,N").ints("2,2");
  EXPECT_EQ(Row.contents(), "B N B N");
}

TEST(Identity, KeepsEverything) {
  OneNode N("Identity");
  N.ints("B,N");
  EXPECT_EQ(N.shape(), "[2]");
  EXPECT_EQ(N.contents(), "B N");
  EXPECT_EQ(N.vector(), "0"); // C10
}

TEST(Dropout, MaskTypeByOpset) {
  OneNode Old("Dropout", 7, "", 2), New("Dropout", 12, "", 2);
  Old.input("B,N");
  EXPECT_EQ(Old.elem(1), ElemType::Float32);
  New.input("B,N");
  EXPECT_EQ(New.elem(1), ElemType::Bool);
  EXPECT_EQ(New.shape(1), "[B,N]");
}

TEST(DropoutCost, C10_FreeAtInference) {
  OneNode N("Dropout"), Trains("Dropout"), Unsure("Dropout");
  N.input("B,N");
  EXPECT_EQ(N.vector(), "0");
  Trains.input("B,N").absent().elements("", {Element::boolean(true)},
                                        ElemType::Bool);
  EXPECT_EQ(Trains.vector(), "2*B*N"); // times mask, times scale
  Unsure.input("B,N").absent().input("", ElemType::Bool);
  EXPECT_EQ(Unsure.vector(), "?");
}
