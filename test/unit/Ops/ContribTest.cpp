//===- ContribTest.cpp - com.microsoft
//--------------------------------------===//

#include "OpTest.h"

using namespace xfa;

static constexpr const char *Ms = "com.microsoft";

TEST(FastGeluCost, BiasAndTanhGelu) {
  OneNode N("FastGelu", 1, Ms);
  N.input("B,8").input("8");
  EXPECT_EQ(N.vector(), N.text("B*8 + 8*B*8"));
}

TEST(SkipLayerNormalizationCost, AddsThenNormalises) {
  OneNode N("SkipLayerNormalization", 1, Ms, 4);
  N.input("B,S,8").input("B,S,8").input("8").input("8").input("8");
  EXPECT_EQ(N.shape(0), "[B,S,8]");
  EXPECT_EQ(N.shape(3), "[B,S,8]");
  EXPECT_EQ(N.vector(), N.text("2*B*S*8 + 7*B*S*8 + 7*B*S"));
  OneNode Rms("SkipSimplifiedLayerNormalization", 1, Ms);
  Rms.input("B,S,8").input("B,S,8").input("8");
  EXPECT_EQ(Rms.vector(), Rms.text("B*S*8 + 4*B*S*8 + 3*B*S"));
}

TEST(EmbedLayerNormalization, GathersRows) {
  OneNode N("EmbedLayerNormalization", 1, Ms, 2);
  N.input("B,S", ElemType::Int32).input("B,S", ElemType::Int32);
  N.input("30000,8").input("512,8").input("2,8").input("8").input("8");
  EXPECT_EQ(N.shape(0), "[B,S,8]");
  EXPECT_EQ(N.shape(1), "[B]");
  EXPECT_EQ(N.vector(), N.text("2*B*S*8 + 7*B*S*8 + 7*B*S"));
  EXPECT_EQ(N.reads(2), N.text("B*S*8")); // C11
  EXPECT_EQ(N.reads(3), N.text("S*8"));
}

namespace {
/// 16 heads, 4 for keys, 64 wide, packed.
OneNode &groupQuery(OneNode &N, const char *Past, const char *Total) {
  N.input("B,S,1536").absent().absent();
  N.input(Past).input(Past).input("B", ElemType::Int32);
  N.scalar(Total, ElemType::Int32).input("2048,32").input("2048,32");
  N.attr("num_heads", 16).attr("kv_num_heads", 4).attr("do_rotary", 1);
  return N;
}
} // namespace

TEST(GroupQueryAttention, CacheIsAsLongAsItMustBe) {
  OneNode Grows("GroupQueryAttention", 1, Ms, 3);
  groupQuery(Grows, "B,4,P,64", "P+S");
  EXPECT_EQ(Grows.shape(0), "[B,S,1024]");
  EXPECT_EQ(Grows.shape(1), "[B,4," + Grows.text("P+S") + ",64]");
  OneNode Shared("GroupQueryAttention", 1, Ms, 3);
  groupQuery(Shared, "B,4,2048,64", "T");
  EXPECT_EQ(Shared.shape(2), "[B,4," + Shared.text("max(2048,T)") + ",64]");
}

TEST(GroupQueryAttention, NothingBeforeNeedsNoTotal) {
  OneNode N("GroupQueryAttention", 1, Ms, 3);
  groupQuery(N, "B,4,0,64", "?");
  EXPECT_EQ(N.shape(1), "[B,4,S,64]");
}

TEST(GroupQueryAttentionCost, C5_NodesItStandsFor) {
  OneNode N("GroupQueryAttention", 1, Ms, 3);
  groupQuery(N, "B,4,P,64", "P+S");
  EXPECT_EQ(N.matrix(), N.text("2 * 2*B*16*S*(P+S)*64"));
  // Scale, mask, softmax; rotary over queries and keys.
  EXPECT_EQ(N.vector(), N.text("(1+1+3)*B*16*S*(P+S) + 3*B*S*(16+4)*64"));
  EXPECT_EQ(N.reads(3), N.text("B*4*P*64"));
  EXPECT_EQ(N.reads(7), N.text("B*S*32"));    // C11
  EXPECT_EQ(N.writes(1), N.text("B*4*S*64")); // C13
}

TEST(MsAttention, ProjectsItself) {
  OneNode N("Attention", 1, Ms, 2);
  N.input("B,S,768").input("768,2304").input("2304").absent();
  N.input("2,B,12,P,64").attr("num_heads", 12).attr("unidirectional", 1);
  EXPECT_EQ(N.shape(0), "[B,S,768]");
  EXPECT_EQ(N.shape(1), "[2,B,12," + N.text("P+S") + ",64]");
  EXPECT_EQ(N.matrix(), N.text("2*B*S*768*2304 + 2 * 2*B*12*S*(P+S)*64"));
  EXPECT_EQ(N.vector(), N.text("B*S*2304 + (3+1+1)*B*12*S*(P+S)"));
  EXPECT_EQ(N.writes(1), N.text("2*B*12*S*64"));
}

TEST(MultiHeadAttention, FlatPackedAndCross) {
  OneNode Flat("MultiHeadAttention", 1, Ms, 2);
  Flat.input("B,S,64").input("B,T,64").input("B,T,96").attr("num_heads", 4);
  EXPECT_EQ(Flat.shape(0), "[B,S,96]");
  EXPECT_EQ(Flat.shape(1), "[B,4,T,16]");
  OneNode Packed("MultiHeadAttention", 1, Ms);
  Packed.input("B,S,4,3,16").attr("num_heads", 4);
  EXPECT_EQ(Packed.shape(), "[B,S,64]");
  OneNode Cross("MultiHeadAttention", 1, Ms);
  Cross.input("B,S,64").input("B,4,T,16").input("B,4,T,16");
  Cross.attr("num_heads", 4);
  EXPECT_EQ(Cross.shape(), "[B,S,64]");
  EXPECT_EQ(Cross.matrix(), Cross.text("2 * 2*B*4*S*T*16"));
}

TEST(MultiHeadAttention, WidthsThatDoNotFit) {
  auto Error = [](const char *Query, const char *Key, const char *Value) {
    OneNode N("MultiHeadAttention", 1, Ms);
    N.input(Query).input(Key).input(Value).attr("num_heads", 3);
    return N.error();
  };
  EXPECT_EQ(Error("B,S,48", "B,T,48", "B,T,24"), "");
  EXPECT_EQ(Error("B,S,D", "B,T,32", "B,T,48"), "");
  EXPECT_EQ(Error("B,S,32", "B,S,32", "B,S,32"),
            "the query is 32 wide, which 3 heads do not divide");
  EXPECT_EQ(Error("B,S,48", "B,T,48", "B,T,32"),
            "the value is 32 wide, which 3 heads do not divide");
  EXPECT_EQ(Error("B,S,48", "B,T,24", "B,T,48"),
            "the key is 24 wide, expected 48 as of the query");
  OneNode Packed("MultiHeadAttention", 1, Ms);
  Packed.input("B,S,4,3,16").attr("num_heads", 3);
  EXPECT_EQ(Packed.error(), "the query has 4 heads, but num_heads is 3");
  OneNode Fused("Attention", 1, Ms), Standard("Attention", 23);
  Fused.input("B,S,32").input("32,96").attr("num_heads", 3);
  EXPECT_EQ(Fused.error(),
            "the projected query is 32 wide, which 3 heads do not divide");
  Standard.input("B,S,32").input("B,S,32").input("B,S,32");
  Standard.attr("q_num_heads", 3).attr("kv_num_heads", 1);
  EXPECT_EQ(Standard.error(),
            "operand 0 is 32 wide, which 3 heads do not divide");
}

TEST(GroupQueryAttention, WidthsThatDoNotFit) {
  auto Error = [](const char *Query, const char *Key, int Heads, int Groups) {
    OneNode N("GroupQueryAttention", 1, Ms);
    N.input(Query).input(Key).input(Key);
    N.attr("num_heads", Heads).attr("kv_num_heads", Groups);
    return N.error();
  };
  EXPECT_EQ(Error("B,S,64", "B,S,32", 4, 2), "");
  EXPECT_EQ(Error("B,S,64", "B,S,32", 3, 1),
            "the query is 64 wide, which 3 heads do not divide");
  EXPECT_EQ(Error("B,S,64", "B,S,32", 4, 3),
            "num_heads 4 is no multiple of kv_num_heads 3");
  EXPECT_EQ(Error("B,S,64", "B,S,64", 4, 2),
            "operand 1 is 64 wide, expected 32: 2 heads as wide as those of "
            "the query");
}

TEST(FusedMatMul, TransposesAndMovesTheBatch) {
  OneNode N("FusedMatMul", 1, Ms);
  N.input("B,K,M").input("B,K,N").attr("transA", 1).attr("alpha", 0.125);
  EXPECT_EQ(N.shape(), "[B,M,N]");
  EXPECT_EQ(N.matrix(), N.text("2*B*M*N*K"));
  EXPECT_EQ(N.vector(), N.text("B*M*N"));
  OneNode Batch("FusedMatMul", 1, Ms);
  Batch.input("M,B,K").input("B,K,N").attr("transBatchA", 1);
  EXPECT_EQ(Batch.shape(), "[B,M,N]");
}

TEST(NhwcConv, ChannelsLast) {
  OneNode N("NhwcConv", 1, Ms);
  N.input("B,8,8,3").input("16,3,3,3");
  EXPECT_EQ(N.shape(), "[B,6,6,16]");
}

TEST(MoECost, T8_ExpertsThatATokenUses) {
  OneNode N("MoE", 1, Ms);
  N.input("T,8").input("T,4").input("4,32,8").absent().input("4,8,32");
  N.attr("k", 2);
  EXPECT_EQ(N.shape(), "[T,8]");
  EXPECT_EQ(N.matrix(), N.text("2 * 2*T*(8*32 + 32*8)"));
  EXPECT_EQ(N.reads(2), N.text("min(4, 2*T)*(32*8)"));
  // relu, softmax of the router, the weighted sum of two.
  EXPECT_EQ(N.vector(), N.text("2*T*32 + 3*T*4 + 3*T*8"));
}

// fc1 gives gate and value side by side; 2 of 4 experts a token, 3 tokens.
TEST(MoECost, BiasesAGateAndNormalisedWeights) {
  OneNode N("MoE", 1, Ms);
  N.input("3,8").input("3,4").input("4,32,8").input("4,32").input("4,8,32");
  N.input("4,8").input("4,32,8").attr("k", 2).attr("activation_type", "silu");
  N.attr("normalize_routing_weights", 1);
  EXPECT_EQ(N.shape(), "[3,8]");
  EXPECT_EQ(N.matrix(), N.text("2 * 3*2 * (32*8 + 8*32 + 32*8)"));
  // Six calls touch all four experts.
  EXPECT_EQ(N.reads(2), N.text("4 * 32*8"));
  EXPECT_EQ(N.reads(3), N.text("4 * 32"));
  // Biases, silu (2), the gate; the router: softmax, Sum and Div of the two;
  // two products and a sum an element.
  EXPECT_EQ(N.vector(), N.text("6*32 + 6*8 + 2*6*32 + 6*32 + 3*3*4 + 2*6 + "
                               "3 * 3*8"));
}

TEST(MoECost, UnknownActivation) {
  OneNode N("MoE", 1, Ms);
  N.input("T,8").input("T,4").input("4,32,8").absent().input("4,8,32");
  N.attr("activation_type", "snake");
  EXPECT_EQ(N.vector(), "?"); // C16
}

// Two 4-bit weights a byte: D = 8 is 4 bytes a row; one expert a token.
TEST(QMoECost, C14_PackedWeightsAndScales) {
  OneNode N("QMoE", 1, Ms);
  N.input("B,S,8").input("R,4");
  N.input("4,32,4", ElemType::UInt8).input("4,32").absent();
  N.input("4,8,16", ElemType::UInt8).input("4,8").absent();
  for (int I = 0; I < 3; ++I)
    N.absent();
  N.input("4,16", ElemType::UInt8); // zero points, two a byte
  EXPECT_EQ(N.shape(), "[B,S,8]");
  EXPECT_EQ(N.matrix(), N.text("2 * B*S * (32*8 + 8*32)"));
  EXPECT_EQ(N.reads(2), N.text("min(4, B*S) * 32*4"));
  EXPECT_EQ(N.reads(5), N.text("min(4, B*S) * 8*16"));
  // A scale of every row of the experts that are touched.
  EXPECT_EQ(N.reads(3), N.text("min(4, B*S) * 32"));
  EXPECT_EQ(N.reads(6), N.text("min(4, B*S) * 8"));
  EXPECT_EQ(N.reads(11), N.text("min(4, B*S) * 16"));
  // Two FLOPs a weight, relu, softmax of the router, one product an element.
  EXPECT_EQ(N.vector(), N.text("2*min(4, B*S)*(32*8 + 8*32) + B*S*32 + 3*R*4 + "
                               "B*S*8"));
}

TEST(GreedySearch, LengthIsAnInput) {
  OneNode N("GreedySearch", 1, Ms);
  N.input("B,S", ElemType::Int32).scalar("128", ElemType::Int32);
  EXPECT_EQ(N.shape(), "[B,128]");
  EXPECT_NE(N.cost().Unknown, ""); // C16
}

TEST(SimplifiedLayerNormalization, IsInTheDefaultDomain) {
  OneNode N("SimplifiedLayerNormalization", 1);
  N.input("B,S,8").input("8");
  EXPECT_EQ(N.vector(), N.text("4*B*S*8 + 3*B*S"));
}

TEST(LinearAttention, StatesAndOutputs) {
  OneNode N("LinearAttention", 27, "", 2);
  N.input("B,T,32").input("B,T,16").input("B,T,12");
  N.attr("q_num_heads", 4).attr("kv_num_heads", 2);
  N.attr("update_rule", "linear");
  EXPECT_EQ(N.shape(0), "[B,T,24]");
  EXPECT_EQ(N.shape(1), "[B,2,8,6]");
  // Outer product and read-out; Add to the state, Mul by the scale.
  EXPECT_EQ(N.matrix(), N.text("2*B*T*2*8*6 + 2*B*T*4*8*6"));
  EXPECT_EQ(N.vector(), N.text("B*T*2*8*6 + B*T*4*6"));
}

TEST(LinearAttention, OperandsOfTheRule) {
  auto Error = [](const char *Rule, bool Decay, bool Beta) {
    OneNode N("LinearAttention", 27);
    N.input("B,T,32").input("B,T,16").input("B,T,12").absent();
    Decay ? N.input("B,T,2") : N.absent();
    Beta ? N.input("B,T,1") : N.absent();
    N.attr("q_num_heads", 4).attr("kv_num_heads", 2);
    return N.attr("update_rule", Rule).error();
  };
  EXPECT_EQ(Error("linear", false, false), "");
  EXPECT_EQ(Error("gated_delta", true, true), "");
  EXPECT_EQ(Error("gated", false, false), "the update rule needs decay");
  EXPECT_EQ(Error("linear", false, true), "the update rule has no beta");
  EXPECT_EQ(Error("other", false, false),
            "update_rule should be linear, gated, delta or gated_delta");
}

TEST(LinearAttentionCost, C5_GateAndDelta) {
  OneNode N("LinearAttention", 27);
  N.input("B,T,32").input("B,T,16").input("B,T,12").absent();
  N.input("B,T,16").input("B,T,2");
  N.attr("q_num_heads", 4).attr("kv_num_heads", 2);
  // Retrieved, outer product, read-out.
  EXPECT_EQ(N.matrix(), N.text("2*2*B*T*2*8*6 + 2*B*T*4*8*6"));
  // Exp, Mul of the state; Sub, Mul; Add; Mul.
  EXPECT_EQ(N.vector(), N.text("B*T*16 + B*T*2*8*6 + 2*B*T*2*6 + B*T*2*8*6 + "
                               "B*T*4*6"));
}

TEST(FlexAttentionCost, C5_Body) {
  OneNode N("FlexAttention", 1, "ai.onnx.preview");
  N.input("B,4,S,8").input("B,2,T,8").input("B,2,T,7");
  EXPECT_EQ(N.shape(), "[B,4,S,7]");
  EXPECT_EQ(N.matrix(), N.text("2*B*4*S*T*(8+7)"));
  EXPECT_EQ(N.vector(), N.text("B*4*(S+T)*8 + 3*B*4*S*T"));
}
