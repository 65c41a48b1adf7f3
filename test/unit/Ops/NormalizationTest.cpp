//===- NormalizationTest.cpp - norms, softmax, activations ----------------===//

#include "OpTest.h"

using namespace xfa;

TEST(LayerNormalization, StatisticsHaveOnesFromTheAxisOn) {
  OneNode N("LayerNormalization", 17, "", 3);
  N.input("B,N,1600", ElemType::Float16).input("1600", ElemType::Float16);
  EXPECT_EQ(N.shape(0), "[B,N,1600]");
  EXPECT_EQ(N.shape(1), "[B,N,1]");
  EXPECT_EQ(N.elem(2), ElemType::Float32); // stash_type
  OneNode Two("LayerNormalization", 17, "", 3);
  Two.input("B,N,4,8").input("4,8").attr("axis", 2);
  EXPECT_EQ(Two.shape(2), "[B,N,1,1]");
}

TEST(LayerNormalizationCost, C5_Body) {
  // Seven nodes of B·N·8 elements (six without bias), seven of B·N.
  OneNode N("LayerNormalization", 17);
  N.input("B,N,8").input("8").input("8");
  EXPECT_EQ(N.vector(), N.text("7*B*N*8 + 7*B*N"));
  OneNode NoBias("LayerNormalization", 17);
  NoBias.input("B,N,8").input("8");
  EXPECT_EQ(NoBias.vector(), NoBias.text("6*B*N*8 + 7*B*N"));
}

TEST(LayerNormalization, AxisOutsideFails) {
  EXPECT_EQ(OneNode("LayerNormalization")
                .input("B,N,8")
                .input("8")
                .attr("axis", 3)
                .error(),
            "axis 3 is outside of [B,N,8]");
}

TEST(RMSNormalizationCost, C5_Body) {
  OneNode N("RMSNormalization");
  N.input("B,N,8", ElemType::Float16).input("8");
  EXPECT_EQ(N.elem(), ElemType::Float32); // the scale's
  EXPECT_EQ(N.vector(), N.text("4*B*N*8 + 3*B*N"));
}

TEST(GroupNormalizationCost, C5_RowsAreGroups) {
  OneNode N("GroupNormalization");
  N.input("B,6,L").input("6").input("6").attr("num_groups", 3);
  EXPECT_EQ(N.vector(), N.text("7*B*6*L + 6*B*3"));
  OneNode Instance("InstanceNormalization");
  Instance.input("B,6,L").input("6").input("6");
  EXPECT_EQ(Instance.vector(), Instance.text("7*B*6*L + 6*B*6"));
}

TEST(BatchNormalization, StatisticsAreChannels) {
  OneNode N("BatchNormalization", 15, "", 3);
  N.input("B,C,L").input("C").input("C").input("C").input("C");
  EXPECT_EQ(N.shape(0), "[B,C,L]");
  EXPECT_EQ(N.shape(2), "[C]");
  EXPECT_EQ(N.vector(), N.text("4*B*C*L + 2*C"));
}

TEST(BatchNormalization, TrainingFindsTheStatistics) {
  OneNode N("BatchNormalization", 15, "", 3);
  N.input("B,C,L").input("C").input("C").input("C").input("C");
  N.attr("training_mode", 1);
  // Mean n + c, x - mean n, its square n, mean n + c; two running statistics
  // 3c each; root and epsilon 2c, normalisation 4n.
  EXPECT_EQ(N.vector(), N.text("(4+4)*B*C*L + (2 + 2*3 + 2)*C"));
}

TEST(MeanVarianceNormalizationCost, C5_Body) {
  OneNode N("MeanVarianceNormalization");
  N.input("B,C,H,W"); // axes 0, 2, 3: a row a channel
  EXPECT_EQ(N.vector(), N.text("5*B*C*H*W + 6*C"));
}

TEST(LRNCost, WindowOfChannels) {
  OneNode N("LRN");
  N.input("B,C,H,W").attr("size", 3);
  EXPECT_EQ(N.vector(), N.text("(3+5)*B*C*H*W"));
}

TEST(SoftmaxCost, C3_ThreeAnElementOrAsAsked) {
  OneNode N("Softmax");
  N.input("B,H,N,N");
  EXPECT_EQ(N.shape(), "[B,H,N,N]");
  EXPECT_EQ(N.vector(), N.text("3*B*H*N*N"));
  N.Options.SoftmaxFlops = 5;
  EXPECT_EQ(N.vector(), N.text("5*B*H*N*N"));
}

TEST(LogSoftmaxCost, C5_RowsDependOnTheOpset) {
  OneNode New("LogSoftmax", 13);
  New.input("B,N,8").attr("axis", 1);
  EXPECT_EQ(New.vector(), New.text("5*B*N*8 + B*8"));
  OneNode Old("LogSoftmax", 11); // rows of N·8
  Old.input("B,N,8").attr("axis", 1);
  EXPECT_EQ(Old.vector(), Old.text("5*B*N*8 + B"));
}

TEST(ActivationCost, C5_NodesOfTheBody) {
  auto PerElement = [](const char *Op, int Opset) {
    OneNode N(Op, Opset);
    return N.input("8").vector();
  };
  EXPECT_EQ(PerElement("Gelu", 20), "40");      // 5
  EXPECT_EQ(PerElement("Swish", 24), "24");     // 3
  EXPECT_EQ(PerElement("HardSwish", 14), "40"); // HardSigmoid 4, Mul
  EXPECT_EQ(PerElement("Mish", 18), "40");      // Softplus 3, Tanh, Mul
  OneNode Tanh("Gelu", 20);
  Tanh.input("8").attr("approximate", "tanh");
  EXPECT_EQ(Tanh.vector(), "64"); // 8
  OneNode Gated("SwiGLU", 28);
  Gated.input("B,8").input("B,8");
  EXPECT_EQ(Gated.vector(), Gated.text("4*B*8"));
}

TEST(SwiGLU, TheOperandThatSaysMore) {
  EXPECT_EQ(OneNode("SwiGLU", 28).input("?,8").input("B,8").shape(), "[B,8]");
  EXPECT_EQ(OneNode("SwiGLU", 28).input("*").input("B,8").shape(), "[B,8]");
  EXPECT_NE(OneNode("SwiGLU", 28).input("4,8").input("4,9").error(), "");
}
