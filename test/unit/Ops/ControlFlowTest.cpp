//===- ControlFlowTest.cpp - If, Loop, Scan -------------------------------===//

#include "OpTest.h"

using namespace xfa;

namespace {

using FactsList = std::vector<ValueFacts>;
using Given = llvm::ArrayRef<ValueFacts>;

OneNode &withBranches(OneNode &N, const char *Then, const char *Else) {
  ValueFacts A = N.tensor(Then), B = N.tensor(Else);
  N.body("then_branch", 0, 1, [=](Given) { return FactsList{A}; });
  return N.body("else_branch", 0, 1, [=](Given) { return FactsList{B}; });
}

} // namespace

TEST(If, TakesTheBranchThatIsKnown) {
  OneNode Yes("If"), No("If");
  Yes.elements("", {Element::boolean(true)}, ElemType::Bool);
  EXPECT_EQ(withBranches(Yes, "B", "B,N").shape(), "[B]");
  No.elements("1", {Element::boolean(false)}, ElemType::Bool);
  EXPECT_EQ(withBranches(No, "B", "B,N").shape(), "[B,N]");
}

TEST(If, JoinsWhatDiffers) {
  OneNode Dim("If"), Rank("If");
  Dim.input("", ElemType::Bool);
  EXPECT_EQ(withBranches(Dim, "B,N", "B,1").shape(), "[B,?]");
  EXPECT_EQ(Dim.out().Dims[1].unknownReason(),
            "the branches of If differ: N or 1");
  Rank.input("", ElemType::Bool);
  EXPECT_EQ(withBranches(Rank, "B,N", "B").shape(), "*");
}

//===----------------------------------------------------------------------===//
// Loop: body (i, cond, carried…) → (cond, carried…, scans…)
//===----------------------------------------------------------------------===//

TEST(Loop, ScanOutputsAreStacked) {
  OneNode N("Loop", 13, "", 2);
  N.scalar("N").absent().input("B,3").body("body", 3, 3, [](Given In) {
    return FactsList{In[1], In[2], In[2]}; // the condition as it was
  });
  EXPECT_EQ(N.shape(0), "[B,3]");
  EXPECT_EQ(N.shape(1), "[N,B,3]");
}

TEST(Loop, AConditionMayEndIt) {
  OneNode N("Loop", 13, "", 2);
  N.scalar("N").absent().input("B,3");
  ValueFacts Cond = N.tensor("", ElemType::Bool);
  N.body("body", 3, 3, [=](Given In) { return FactsList{Cond, In[2], In[2]}; });
  EXPECT_EQ(N.shape(0), "[B,3]");
  EXPECT_EQ(N.shape(1), "[?,B,3]");
}

TEST(Loop, NeverEntered) {
  OneNode N("Loop", 13, "", 2);
  N.scalar("0").absent().input("B,3");
  ValueFacts Other = N.tensor("7,7");
  N.body("body", 3, 3,
         [=](Given In) { return FactsList{In[1], Other, In[2]}; });
  EXPECT_EQ(N.shape(0), "[B,3]");
  EXPECT_EQ(N.shape(1).substr(0, 3), "[0,");
}

/// Each iteration appends a row.
static FactsList appendsARow(Given In) {
  ValueFacts F = In[2];
  F.Dims[0] = F.Dims[0] + 1;
  return {In[1], F};
}

TEST(Loop, SizesThatGrowEvenly) {
  OneNode Symbol("Loop"), Unknown("Loop"), Number("Loop");
  Symbol.scalar("N").absent().input("B,3").body("body", 3, 2, appendsARow);
  EXPECT_EQ(Symbol.shape(), "[B + N,3]");
  Unknown.input("", ElemType::Int64).absent().input("B,3");
  Unknown.body("body", 3, 2, appendsARow);
  EXPECT_EQ(Unknown.shape(), "[?,3]");
  Number.scalar("5").absent().input("B,3").body("body", 3, 2, appendsARow);
  EXPECT_EQ(Number.shape(), "[5 + B,3]");
}

TEST(Loop, SizesThatDoubleAreKnownForAFewIterations) {
  auto Doubles = [](Given In) {
    ValueFacts F = In[2];
    F.Dims[0] = 2 * F.Dims[0];
    return FactsList{In[1], F};
  };
  OneNode Number("Loop"), Symbol("Loop");
  Number.scalar("3").absent().input("B").body("body", 3, 2, Doubles);
  EXPECT_EQ(Number.shape(), "[8*B]"); // 2³
  Symbol.scalar("N").absent().input("B").body("body", 3, 2, Doubles);
  EXPECT_EQ(Symbol.shape(), "[?]");
}

TEST(Loop, RanksThatChange) {
  OneNode N("Loop");
  N.input("", ElemType::Int64)
      .absent()
      .input("B")
      .body("body", 3, 2, [](Given In) {
        ValueFacts F = In[2];
        if (F.HasRank)
          F.Dims.push_back(F.Dims[0]);
        return FactsList{In[1], F};
      });
  EXPECT_EQ(N.shape(), "*");
}

TEST(Loop, ContentsOfScanOutputs) {
  OneNode N("Loop", 13, "", 1);
  N.scalar("3").absent().body("body", 2, 2, [](Given In) {
    return FactsList{In[1], In[0]}; // the iteration's number
  });
  EXPECT_EQ(N.shape(), "[3]");
  EXPECT_EQ(N.contents(), "0 1 2");
}

TEST(Loop, FollowsItsConditionWhileItIsKnown) {
  // cond = i < 4, no M: five iterations, the last sees i = 4.
  OneNode N("Loop", 13, "", 1);
  N.absent().elements("", {Element::boolean(true)}, ElemType::Bool);
  N.body("body", 2, 2, [](Given In) {
    ValueFacts Cond = In[1];
    Element I = In[0].Known.at(0);
    Cond.Known.Elements = {I.expr().isConstant()
                               ? Element::boolean(*I.expr().constant() < 4)
                               : Element()};
    return FactsList{Cond, In[0]};
  });
  EXPECT_EQ(N.shape(), "[5]");
}

TEST(Loop, LastInferenceHoldsForEveryIteration) {
  OneNode N("Loop");
  Shape Last;
  N.scalar("3").absent().input("B").body("body", 3, 2, [&](Given In) {
    Last = In[2].Dims;
    ValueFacts F = In[2];
    F.Dims[0] = 2 * F.Dims[0];
    return FactsList{In[1], F};
  });
  EXPECT_EQ(N.shape(), "[8*B]");
  EXPECT_FALSE(Last[0].isKnown());
}

TEST(Loop, BodyOfOtherArity) {
  OneNode N("Loop");
  N.scalar("3").absent().input("B").body("body", 2, 2,
                                         [](Given) { return FactsList(); });
  EXPECT_EQ(N.error(), "expected a body of 3 inputs and at least 2 outputs, "
                       "found 2 and 2");
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

TEST(Scan, SlicesAndStacks) {
  OneNode N("Scan", 11, "", 2);
  N.input("B,4").input("N,B,4").attr("num_scan_inputs", 1);
  N.body("body", 2, 2, [](Given In) { return FactsList{In[0], In[1]}; });
  EXPECT_EQ(N.shape(0), "[B,4]");
  EXPECT_EQ(N.shape(1), "[N,B,4]");
}

TEST(Scan, Axes) {
  OneNode N("Scan", 11, "", 1);
  N.input("B,N,4").attr("num_scan_inputs", 1);
  N.attrInts("scan_input_axes", {1}).attrInts("scan_output_axes", {-1});
  N.body("body", 1, 1, [](Given In) { return FactsList{In[0]}; });
  EXPECT_EQ(N.shape(), "[B,4,N]");
}

TEST(Scan, Opset8HasABatch) {
  OneNode N("Scan", 8, "", 2);
  N.absent().input("B,4").input("B,N,4").attr("num_scan_inputs", 1);
  N.body("body", 2, 2, [](Given In) {
    EXPECT_EQ(In[0].rank(), 1);
    EXPECT_EQ(In[1].rank(), 1);
    return FactsList{In[0], In[1]};
  });
  EXPECT_EQ(N.shape(0), "[B,4]");
  EXPECT_EQ(N.shape(1), "[B,N,4]");
}

TEST(Scan, StatesKeepTheirShape) {
  OneNode N("Scan", 11, "", 1);
  N.input("B").input("N,C").attr("num_scan_inputs", 1);
  N.body("body", 2, 1, [](Given In) {
    ValueFacts F = In[0];
    F.Dims[0] = max(In[0].Dims[0], In[1].Dims[0]); // state + slice
    return FactsList{F};
  });
  EXPECT_EQ(N.shape(), "[B]");
}
