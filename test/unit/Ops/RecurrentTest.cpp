//===- RecurrentTest.cpp --------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Recurrent, BothLayouts) {
  OneNode N("LSTM", 14, "", 3);
  N.input("S,B,10").input("2,80,10").input("2,80,20");
  N.attr("direction", "bidirectional").attr("hidden_size", 20);
  EXPECT_EQ(N.shape(0), "[S,2,B,20]");
  EXPECT_EQ(N.shape(1), "[2,B,20]");
  EXPECT_EQ(N.shape(2), "[2,B,20]");
  OneNode First("GRU", 14, "", 2); // hidden_size from R
  First.input("B,S,10").input("1,60,10").input("1,60,20").attr("layout", 1);
  EXPECT_EQ(First.shape(0), "[B,S,1,20]");
  EXPECT_EQ(First.shape(1), "[B,1,20]");
}

TEST(RecurrentCost, C1_ProductsOfEveryGate) {
  OneNode N("LSTM", 14);
  N.input("S,B,10").input("1,80,10").input("1,80,20");
  EXPECT_EQ(N.matrix(), N.text("2*S*B*(10+20)*(4*20)"));
  // Add and activation for four gates; f·C + i·c; o·tanh(C).
  EXPECT_EQ(N.vector(), N.text("S*B*20*(4*2 + 3 + 2)"));
  OneNode Bias("RNN", 14);
  Bias.input("S,B,10").input("2,20,10").input("2,20,20").input("2,40");
  Bias.attr("direction", "bidirectional");
  EXPECT_EQ(Bias.matrix(), Bias.text("2*2*S*B*(10+20)*20"));
  EXPECT_EQ(Bias.vector(), Bias.text("2*S*B*20*(2 + 2)"));
}
