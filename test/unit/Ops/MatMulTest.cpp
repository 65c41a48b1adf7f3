//===- MatMulTest.cpp -----------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(MatMul, BatchBroadcastsAndRankOneIsPromoted) {
  EXPECT_EQ(OneNode("MatMul").input("B,M,K").input("K,N").shape(), "[B,M,N]");
  EXPECT_EQ(OneNode("MatMul").input("B,1,M,K").input("H,K,N").shape(),
            "[B,H,M,N]");
  EXPECT_EQ(OneNode("MatMul").input("K").input("K,N").shape(), "[N]");
  EXPECT_EQ(OneNode("MatMul").input("M,K").input("K").shape(), "[M]");
  EXPECT_EQ(OneNode("MatMul").input("K").input("K").shape(), "[]");
}

TEST(MatMul, InnerDimensionsMustAgree) {
  EXPECT_EQ(OneNode("MatMul").input("B,N,1600").input("1024,1600").error(),
            "got [B,N,1600] and [1024,1600]: the inner dimensions differ");
  EXPECT_EQ(OneNode("MatMul").input("M,K").input("").error(),
            "got [M,K] and []: a matrix product needs rank 1 or more");
}

TEST(MatMul, UnknownOperandsGiveAReason) {
  OneNode N("MatMul");
  N.input("*").input("K,N");
  EXPECT_EQ(N.shape(), "*");
  EXPECT_EQ(N.out().why().str(), "the test says so");
}

TEST(MatMulCost, C1_TwoMNK) {
  OneNode N("MatMul");
  N.input("B,M,1600").input("1600,6400");
  EXPECT_EQ(N.matrix(), N.text("2*B*M*1600*6400"));
  EXPECT_EQ(N.vector(), N.text("0"));
}

TEST(Gemm, Transposes) {
  OneNode N("Gemm");
  N.input("K,M").input("N,K").input("N").attr("transA", 1).attr("transB", 1);
  EXPECT_EQ(N.shape(), "[M,N]");
  EXPECT_EQ(N.matrix(), N.text("2*M*N*K"));
  EXPECT_EQ(N.vector(), N.text("M*N")); // the bias
}

TEST(GemmCost, C1_AlphaBetaAndBiasOneAnElementEach) {
  OneNode N("Gemm");
  N.input("M,8").input("8,4").input("4").attr("alpha", 0.5).attr("beta", 2.0);
  EXPECT_EQ(N.vector(), N.text("3*(M*4)"));
  OneNode NoBias("Gemm");
  NoBias.input("M,8").input("8,4").attr("beta", 2.0);
  EXPECT_EQ(NoBias.vector(), NoBias.text("0"));
}

TEST(Gemm, RankIsTwoEvenIfUnknown) {
  OneNode N("Gemm");
  N.input("*").input("8,4");
  EXPECT_EQ(N.shape(), "[?,4]");
  EXPECT_NE(N.cost().Unknown, ""); // C16
}

TEST(Det, DropsTheMatrix) {
  EXPECT_EQ(OneNode("Det").input("B,3,3").shape(), "[B]");
  EXPECT_NE(OneNode("Det").input("3,4").error(), "");
}

TEST(Einsum, EquationsGiveShapes) {
  auto Shape = [](const char *Equation, llvm::ArrayRef<const char *> Operands) {
    OneNode N("Einsum");
    N.attr("equation", Equation);
    for (const char *Dims : Operands)
      N.input(Dims);
    return N.error().empty() ? N.shape() : "error: " + N.error();
  };
  EXPECT_EQ(Shape("bnhd,bmhd->bhnm", {"B,N,16,64", "B,M,16,64"}), "[B,16,N,M]");
  EXPECT_EQ(Shape("ij , jk", {"I,J", "J,K"}), "[I,K]"); // implicit, spaces
  EXPECT_EQ(Shape("ji", {"J,I"}), "[I,J]");             // implicit: sorted
  EXPECT_EQ(Shape("ii->i", {"4,4"}), "[4]");            // a diagonal
  EXPECT_EQ(Shape("...ij,...jk->...ik", {"B,1,I,J", "C,J,K"}), "[B,C,I,K]");
  EXPECT_EQ(Shape("...ii->...i", {"B,4,4"}), "[B,4]");
  EXPECT_EQ(Shape("i...->...", {"I,A,B"}), "[A,B]");
  EXPECT_EQ(Shape(",i->i", {"", "I"}), "[I]"); // a scalar has no label
  EXPECT_EQ(Shape("ij->", {"I,J"}), "[]");
  EXPECT_EQ(Shape("ij,jk->ik", {"2,3", "4,5"}),
            "error: an index of 'ij,jk->ik' is 3 in one operand and 4 in "
            "another");
  EXPECT_EQ(Shape("ij->ik", {"2,3"}),
            "error: the result of 'ij->ik' has an index that no operand has");
  EXPECT_EQ(Shape("ijk->i", {"2,3"}),
            "error: operand 0 of 'ijk->i' has 3 labels, but shape [2,3]");
}

TEST(EinsumCost, C1_ProductOfAllExtents) {
  OneNode N("Einsum");
  N.attr("equation", "bnhd,bmhd->bhnm").input("B,N,16,64").input("B,M,16,64");
  EXPECT_EQ(N.matrix(), N.text("2*B*N*M*16*64"));
  OneNode Outer("Einsum"); // nothing is summed
  Outer.attr("equation", "i,j->ij").input("I").input("J");
  EXPECT_EQ(Outer.matrix(), Outer.text("0"));
  EXPECT_EQ(Outer.vector(), Outer.text("I*J"));
  OneNode Trace("Einsum"); // C4: a sum counts its elements
  Trace.attr("equation", "bij->b").input("B,I,J");
  EXPECT_EQ(Trace.vector(), Trace.text("B*I*J"));
  OneNode Move("Einsum"); // C6
  Move.attr("equation", "ij->ji").input("I,J");
  EXPECT_EQ(Move.vector(), Move.text("0"));
}

TEST(EinsumCost, C1_CheapestOrderOfThree) {
  OneNode N("Einsum");
  N.attr("equation", "ij,jk,kl->il")
      .input("2,100")
      .input("100,3")
      .input("3,50");
  EXPECT_EQ(N.matrix(), N.text("2*2*100*3 + 2*2*3*50"));
}
