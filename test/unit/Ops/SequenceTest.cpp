//===- SequenceTest.cpp - sequences and optionals -------------------------===//

#include "OpTest.h"

using namespace xfa;

namespace {

/// The sequence [A, B] of tensors of these shapes, for another node.
ValueFacts pairOf(OneNode &For, const char *A, const char *B) {
  ValueFacts F;
  F.Kind = ValueFacts::Sequence;
  F.Why = For.Store.unknown("a sequence");
  F.Items = {For.tensor(A), For.tensor(B)};
  F.Item = std::make_shared<ValueFacts>(For.tensor("?,?"));
  F.Length = For.Store.constant(2);
  return F;
}

} // namespace

TEST(SequenceConstruct, JoinsItsElements) {
  OneNode N("SequenceConstruct");
  N.input("B,3").input("B,4");
  const ValueFacts &F = N.out();
  EXPECT_EQ(F.Kind, ValueFacts::Sequence);
  EXPECT_EQ(toString(F.Length), "2");
  EXPECT_EQ(toString(F.Item->Dims[0]), "B");
  EXPECT_FALSE(F.Item->Dims[1].isKnown());
  EXPECT_EQ(F.Items.size(), 2u);
}

TEST(SequenceAt, KnownAndUnknownPositions) {
  OneNode Last("SequenceAt"), Any("SequenceAt"), Far("SequenceAt");
  Last.facts(pairOf(Last, "B,3", "B,4")).scalar("-1");
  EXPECT_EQ(Last.shape(), "[B,4]");
  Any.facts(pairOf(Any, "B,3", "B,4")).input("", ElemType::Int64);
  EXPECT_EQ(Any.shape(), "[?,?]");
  Far.facts(pairOf(Far, "B,3", "B,4")).scalar("5");
  EXPECT_EQ(Far.shape(), "!");
}

TEST(SequenceInsert, AtTheEndOrAPosition) {
  OneNode End("SequenceInsert"), Front("SequenceInsert");
  End.facts(pairOf(End, "1", "2")).input("3");
  EXPECT_EQ(toString(End.out().Items[2].Dims[0]), "3");
  Front.facts(pairOf(Front, "1", "2")).input("3").scalar("0");
  EXPECT_EQ(toString(Front.out().Items[0].Dims[0]), "3");
}

TEST(SequenceErase, TheLastByDefault) {
  OneNode N("SequenceErase");
  N.facts(pairOf(N, "1", "2"));
  ASSERT_EQ(N.out().Items.size(), 1u);
  EXPECT_EQ(toString(N.out().Items[0].Dims[0]), "1");
}

TEST(SequenceLength, IsAKnownNumber) {
  OneNode N("SequenceLength");
  N.facts(pairOf(N, "1", "2"));
  EXPECT_EQ(N.shape(), "[]");
  EXPECT_EQ(N.contents(), "2");
}

TEST(SplitToSequence, Pieces) {
  OneNode Ones("SplitToSequence"), Size("SplitToSequence"),
      List("SplitToSequence"), Dropped("SplitToSequence");
  Ones.input("B,N").attr("axis", 1);
  EXPECT_EQ(toString(Ones.out().Length), "N");
  EXPECT_EQ(toString(Ones.out().Item->Dims[1]), "1");
  Size.input("7").scalar("3");
  EXPECT_EQ(toString(Size.out().Length), "3"); // 3 + 3 + 1
  EXPECT_EQ(toString(Size.out().Items[2].Dims[0]), "1");
  List.input("7,B").ints("2,5");
  EXPECT_EQ(toString(List.out().Items[1].Dims[0]), "5");
  Dropped.input("B,3").attr("axis", 1).attr("keepdims", 0);
  EXPECT_EQ(Dropped.out().Items[0].rank(), 1);
}

TEST(ConcatFromSequence, SumOrNewAxis) {
  OneNode Sum("ConcatFromSequence"), New("ConcatFromSequence");
  Sum.facts(pairOf(Sum, "B,3", "B,4")).attr("axis", 1);
  EXPECT_EQ(Sum.shape(), "[B,7]"); // 3 + 4
  New.facts(pairOf(New, "B,3", "B,3")).attr("axis", -1).attr("new_axis", 1);
  EXPECT_EQ(New.shape(), "[B,3,2]");
}

TEST(SequenceMap, BodyForEachElement) {
  OneNode N("SequenceMap");
  N.facts(pairOf(N, "1,B", "2,B"))
      .body("body", 1, 1, [](llvm::ArrayRef<ValueFacts> In) {
        ValueFacts F = In[0];
        std::swap(F.Dims[0], F.Dims[1]);
        return std::vector<ValueFacts>{F};
      });
  ASSERT_EQ(N.out().Items.size(), 2u);
  EXPECT_EQ(toString(N.out().Items[1].Dims[0]), "B");
  EXPECT_EQ(toString(N.out().Items[1].Dims[1]), "2");
}

TEST(Optional, HasElementAndGetElement) {
  OneNode Made("Optional"), Empty("Optional");
  Made.input("B,3");
  EXPECT_EQ(Made.out().Kind, ValueFacts::Optional);
  OneNode Has("OptionalHasElement"), HasNot("OptionalHasElement"),
      Get("OptionalGetElement"), Tensor("OptionalHasElement", 18),
      Absent("OptionalHasElement", 18);
  ValueFacts F;
  F.Kind = ValueFacts::Optional;
  F.Length = Has.Store.constant(1);
  Has.facts(F);
  EXPECT_EQ(Has.contents(), "true");
  F.Length = HasNot.Store.constant(0);
  HasNot.facts(F);
  EXPECT_EQ(HasNot.contents(), "false");
  F.Length = Expr();
  F.Item = std::make_shared<ValueFacts>(Get.tensor("B,3"));
  Get.facts(F);
  EXPECT_EQ(Get.shape(), "[B,3]");
  Tensor.input("B");
  EXPECT_EQ(Tensor.contents(), "true");
  Absent.absent();
  EXPECT_EQ(Absent.contents(), "false");
}
