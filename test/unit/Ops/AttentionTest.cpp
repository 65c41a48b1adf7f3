//===- AttentionTest.cpp - ai.onnx attention, rotary embedding ------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Attention, FourDimensional) {
  OneNode N("Attention", 23, "", 4);
  N.input("B,32,S,64").input("B,8,T,64").input("B,8,T,80").absent();
  N.input("B,8,P,64").input("B,8,P,80");
  EXPECT_EQ(N.shape(0), "[B,32,S,80]");
  EXPECT_EQ(N.shape(1), "[B,8," + N.text("P+T") + ",64]");
  EXPECT_EQ(N.shape(2), "[B,8," + N.text("P+T") + ",80]");
  EXPECT_EQ(N.shape(3), "[B,32,S," + N.text("P+T") + "]");
}

TEST(Attention, ThreeDimensionalSplitsHeads) {
  OneNode N("Attention", 23, "", 2);
  N.input("B,S,2048").input("B,T,512").input("B,T,640");
  N.attr("q_num_heads", 32).attr("kv_num_heads", 8);
  EXPECT_EQ(N.shape(0), "[B,S," + N.text("32*(640/8)") + "]");
  EXPECT_EQ(N.shape(1), "[B,8,T,64]");
}

TEST(Attention, HeadsAreNeededForRankThree) {
  EXPECT_EQ(OneNode("Attention", 23)
                .input("B,S,64")
                .input("B,S,64")
                .input("B,S,64")
                .error(),
            "q_num_heads is needed for operands of rank 3");
}

TEST(Attention, PastAndLengthsExcludeEachOther) {
  OneNode N("Attention", 24);
  N.input("B,4,S,8").input("B,4,S,8").input("B,4,S,8").absent();
  N.input("B,4,P,8").input("B,4,P,8").input("B", ElemType::Int64);
  EXPECT_EQ(N.error(), "nonpad_kv_seqlen and a past cannot be given together");
}

TEST(Attention, OperandsCompleteEachOther) {
  OneNode N("Attention", 23, "", 2);
  N.input("?,4,S,8").input("B,2,?,?").input("?,2,T,7");
  EXPECT_EQ(N.shape(0), "[B,4,S,7]");
  EXPECT_EQ(N.shape(1), "[B,2,T,8]");
}

TEST(AttentionCost, C5_NodesOfTheBody) {
  OneNode N("Attention", 23);
  N.input("2,4,5,8").input("2,2,6,8").input("2,2,6,7");
  int64_t Scores = int64_t(2) * 4 * 5 * 6;
  EXPECT_EQ(N.matrix(), std::to_string(2 * Scores * 8 + 2 * Scores * 7));
  // Mul Q, Mul K (for all heads), Add, Softmax, Where.
  EXPECT_EQ(N.vector(), std::to_string(2 * 4 * 5 * 8 + 2 * 4 * 6 * 8 + Scores +
                                       3 * Scores + Scores));
}

TEST(AttentionCost, C7_ACausalMaskIsFree) {
  OneNode Plain("Attention", 23), Causal("Attention", 23);
  for (OneNode *N : {&Plain, &Causal})
    N->input("B,4,S,8").input("B,4,S,8").input("B,4,S,8");
  Causal.attr("is_causal", 1);
  EXPECT_EQ(Plain.vector(), Causal.vector());
}

TEST(AttentionCost, C5_AMaskIsChosenAddedAndReduced) {
  int64_t Scores = int64_t(2) * 4 * 5 * 6;
  int64_t Core = int64_t(2) * 4 * (5 + 6) * 8 + 5 * Scores;
  OneNode N("Attention", 23);
  N.input("2,4,5,8").input("2,2,6,8").input("2,2,6,7");
  N.input("5,6", ElemType::Bool).attr("is_causal", 1).attr("softcap", 2.0);
  // Where, Add of the causal mask, ReduceMax: 5·6; Equal: 5; Div, Tanh, Mul.
  EXPECT_EQ(N.vector(),
            std::to_string(Core + int64_t(3) * 5 * 6 + 5 + 3 * Scores));
  OneNode Known("Attention", 23); // C7: a mask that is known beforehand
  Known.input("2,4,5,8").input("2,2,6,8").input("2,2,6,7");
  Known.input("5,6", ElemType::Bool).folded();
  EXPECT_EQ(Known.vector(), std::to_string(Core));
}

TEST(AttentionCost, C5_LengthsOfPaddedRows) {
  int64_t Scores = int64_t(2) * 4 * 5 * 6;
  int64_t Core = int64_t(2) * 4 * (5 + 6) * 8 + 5 * Scores;
  OneNode N("Attention", 24);
  N.input("2,4,5,8").input("2,2,6,8").input("2,2,6,7");
  N.absent().absent().absent().input("2", ElemType::Int64);
  N.attr("is_causal", 1);
  // Causal: Sub 2, Add 2·5, Less, Where, Add 2·5·6 each. Padding: Less, Where
  // 2·6 each, Add 2·5·6. ReduceMax 2·5·6, Equal 2·5.
  EXPECT_EQ(N.vector(), std::to_string(Core + 2 + 10 + int64_t(3) * 60 +
                                       int64_t(2) * 12 + 60 + 60 + 10));
}

TEST(AttentionCost, C5_SlidingWindow) {
  int64_t Scores = int64_t(2) * 4 * 5 * 6;
  int64_t Core = int64_t(2) * 4 * (5 + 6) * 8 + 5 * Scores;
  OneNode N("Attention", 25);
  N.input("2,4,5,8").input("2,2,6,8").input("2,2,6,7");
  N.absent().absent().absent().input("2", ElemType::Int64);
  N.attr("is_causal", 1).attr("left_window_size", 2);
  N.attr("right_window_size", 3);
  int64_t Causal = 2 + 10 + 3 * 60;
  // Sub 2, Add 10, Sub, LessOrEqual, Neg, LessOrEqual, And, Where, Add.
  int64_t Window = 2 + 10 + 7 * 60;
  EXPECT_EQ(N.vector(), std::to_string(Core + Causal + Window +
                                       int64_t(2) * 12 + 60 + 60 + 10));
}

TEST(AttentionCost, C13_OnlyNewRowsAreWritten) {
  OneNode N("Attention", 23, "", 3);
  N.input("B,4,S,8").input("B,2,T,8").input("B,2,T,7").absent();
  N.input("B,2,P,8").input("B,2,P,7");
  EXPECT_EQ(N.writes(1), N.text("B*2*T*8"));
  EXPECT_EQ(N.writes(2), N.text("B*2*T*7"));
}

TEST(RotaryEmbeddingCost, C5_ThreeARotatedElement) {
  OneNode N("RotaryEmbedding", 23);
  N.input("B,S,2048").input("M,32").input("M,32").input("B,S", ElemType::Int64);
  N.attr("num_heads", 32);
  EXPECT_EQ(N.shape(), "[B,S,2048]");
  EXPECT_EQ(N.vector(), N.text("3*B*S*2048"));
  EXPECT_EQ(N.reads(1), N.text("B*S*32")); // C11
  OneNode Partial("RotaryEmbedding", 23);
  Partial.input("B,4,S,8").input("B,S,2").input("B,S,2");
  Partial.attr("rotary_embedding_dim", 4);
  EXPECT_EQ(Partial.vector(), Partial.text("3*B*4*S*4"));
  EXPECT_EQ(Partial.reads(1), "all");
}
