//===- ConvolutionTest.cpp - convolutions and pools -----------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(Conv, WindowsOfConstantAndSymbolicExtents) {
  OneNode N("Conv");
  N.input("B,3,224,W").input("768,3,16,16");
  N.attrInts("strides", {16, 16}).attrInts("kernel_shape", {16, 16});
  EXPECT_EQ(N.shape(), "[B,768,14," + N.text("(W-16)//16+1") + "]");
}

TEST(Conv, PadsStridesDilations) {
  OneNode N("Conv");
  N.input("B,8,L").input("4,8,3");
  N.attrInts("pads", {2, 1})
      .attrInts("strides", {2})
      .attrInts("dilations", {2});
  // Reach 2·(3-1)+1 = 5.
  EXPECT_EQ(N.shape(), "[B,4," + N.text("(L+2+1-5)//2+1") + "]");
}

TEST(Conv, SameAndValid) {
  OneNode Same("Conv");
  Same.input("B,1,5,W").input("1,1,3,3").attrInts("strides", {2, 2});
  Same.attr("auto_pad", "SAME_UPPER");
  EXPECT_EQ(Same.shape(), "[B,1,3," + Same.text("-((0-W)//2)") + "]");
  OneNode Valid("Conv");
  Valid.input("1,1,5,5").input("1,1,3,3").attr("auto_pad", "VALID");
  EXPECT_EQ(Valid.shape(), "[1,1,3,3]");
}

TEST(Conv, KernelFromAWeightOfSymbolicShape) {
  OneNode N("Conv");
  N.input("B,C,L").input("M,D,K");
  EXPECT_EQ(N.shape(), "[B,M," + N.text("L-K+1") + "]");
  OneNode ByAttribute("Conv");
  ByAttribute.input("B,C,10").input("*").attrInts("kernel_shape", {3});
  EXPECT_EQ(ByAttribute.shape(), "[B,?,8]");
}

TEST(Conv, WrongModelsFail) {
  EXPECT_EQ(OneNode("Conv").input("1,4,8,8").input("2,3,3,3").error(),
            "the input has 4 channels, the weight takes 3");
  EXPECT_EQ(OneNode("Conv").input("1,4,8,8").input("2,4,3").error(),
            "the weight should have rank 4, got [2,4,3]");
  EXPECT_EQ(OneNode("Conv")
                .input("1,4,8")
                .input("2,4,3")
                .attrInts("strides", {0})
                .error(),
            "strides should be 1 or more, got 0");
  EXPECT_EQ(OneNode("Conv")
                .input("1,4,8")
                .input("2,4,3")
                .attrInts("pads", {1})
                .error(),
            "pads has 1 numbers for 1 spatial axes");
  EXPECT_EQ(OneNode("Conv")
                .input("1,4,8")
                .input("2,4,3")
                .attrInts("pads", {-1, 0})
                .error(),
            "pads should be 0 or more, got -1");
}

TEST(Conv, HugeAttributesDoNotOverflow) {
  OneNode Pads("Conv");
  Pads.input("1,4,8").input("2,4,3");
  Pads.attrInts("pads", {INT64_MAX, INT64_MAX});
  ASSERT_EQ(Pads.error(), "");
  EXPECT_FALSE(Pads.out().Dims[2].isKnown());
  OneNode Reach("Conv");
  Reach.input("1,4,8").input("2,4,3").attrInts("dilations", {INT64_MAX});
  EXPECT_EQ(Reach.error(),
            "a kernel of 3 with dilation 9223372036854775807 is too large");
  OneNode Channels("ConvTranspose");
  Channels.input("1,4,8").input("4,3,3").attr("group", INT64_MAX);
  EXPECT_EQ(Channels.error(),
            "3 channels in each of 9223372036854775807 groups are too many");
}

TEST(ConvCost, C1_OutputTimesChannelsAGroupTimesKernel) {
  OneNode N("Conv");
  N.input("B,1536,L").input("1536,1,4").input("1536");
  N.attr("group", 1536).attrInts("pads", {3, 0});
  EXPECT_EQ(N.shape(), "[B,1536,L]");
  EXPECT_EQ(N.matrix(), N.text("2*(B*1536*L)*1*4"));
  EXPECT_EQ(N.vector(), N.text("B*1536*L")); // bias
}

TEST(ConvTranspose, Extents) {
  OneNode N("ConvTranspose");
  N.input("B,4,H").input("4,6,3");
  N.attrInts("strides", {2}).attrInts("pads", {1, 1}).attr("group", 2);
  N.attrInts("output_padding", {1});
  EXPECT_EQ(N.shape(), "[B,12," + N.text("(H-1)*2+1+3-1-1") + "]");
  OneNode Given("ConvTranspose");
  Given.input("B,4,H").input("4,6,3").attrInts("output_shape", {10});
  EXPECT_EQ(Given.shape(), "[B,6,10]");
  OneNode Same("ConvTranspose");
  Same.input("B,4,H").input("4,6,3").attrInts("strides", {2});
  Same.attr("auto_pad", "SAME_UPPER");
  EXPECT_EQ(Same.shape(), "[B,6," + Same.text("2*H") + "]");
}

TEST(ConvTransposeCost, C1_EachInputElementMeetsItsWeights) {
  OneNode N("ConvTranspose");
  N.input("B,4,H").input("4,6,3").attrInts("strides", {2});
  EXPECT_EQ(N.matrix(), N.text("2*(B*4*H)*6*3"));
}

TEST(ConvInteger, GivesInt32) {
  OneNode N("ConvInteger");
  N.input("1,1,3,3", ElemType::UInt8).input("1,1,2,2", ElemType::UInt8);
  EXPECT_EQ(N.shape(), "[1,1,2,2]");
  EXPECT_EQ(N.elem(), ElemType::Int32);
}

TEST(CausalConvWithState, KeepsTheLastColumns) {
  OneNode N("CausalConvWithState", 27, "", 2);
  N.input("B,C,L").input("C,1,4").input("C").attr("activation", "silu");
  EXPECT_EQ(N.shape(0), "[B,C,L]");
  EXPECT_EQ(N.shape(1), "[B,C,3]");
  EXPECT_EQ(N.matrix(), N.text("2*B*C*L*4"));
  EXPECT_EQ(N.vector(), N.text("B*C*L + 2*B*C*L")); // bias; Sigmoid, Mul
}

TEST(Pool, FloorAndCeil) {
  auto Pool = [](int64_t Extent, int64_t Kernel, int64_t Stride, int64_t Pad,
                 bool Ceil) {
    OneNode N("MaxPool", 12);
    N.input("1,1," + std::to_string(Extent));
    N.attrInts("kernel_shape", {Kernel}).attrInts("strides", {Stride});
    N.attrInts("pads", {Pad, Pad}).attr("ceil_mode", int64_t(Ceil));
    return N.shape();
  };
  EXPECT_EQ(Pool(5, 2, 2, 0, false), "[1,1,2]"); // windows at 0, 2
  EXPECT_EQ(Pool(5, 2, 2, 0, true), "[1,1,3]");  // and at 4, cut
  EXPECT_EQ(Pool(5, 3, 2, 1, true), "[1,1,3]");
  // The window at 3 would start in the padding behind the input.
  EXPECT_EQ(Pool(2, 3, 3, 1, true), "[1,1,1]");
  EXPECT_EQ(Pool(2, 1, 2, 0, true), "[1,1,1]");
}

TEST(Pool, CeilOfASymbol) {
  OneNode N("AveragePool");
  N.input("B,C,H").attrInts("kernel_shape", {3}).attrInts("strides", {2});
  N.attr("ceil_mode", 1);
  // ceil((H-3)/2)+1 = (H-3+1)//2+1; the kernel is no shorter than the stride,
  // so that no window starts outside.
  EXPECT_EQ(N.shape(), "[B,C," + N.text("(H-2)//2+1") + "]");
}

TEST(Pool, IndicesAreInt64) {
  OneNode N("MaxPool", 12, "", 2);
  N.input("B,C,8").attrInts("kernel_shape", {2}).attrInts("strides", {2});
  EXPECT_EQ(N.shape(1), "[B,C,4]");
  EXPECT_EQ(N.elem(1), ElemType::Int64);
}

TEST(PoolCost, C4_OneAnElementOfEachWindow) {
  OneNode Max("MaxPool", 12);
  Max.input("B,C,8").attrInts("kernel_shape", {2}).attrInts("strides", {2});
  EXPECT_EQ(Max.vector(), Max.text("(B*C*4)*2"));
  OneNode Average("AveragePool", 12);
  Average.input("B,C,8").attrInts("kernel_shape", {2});
  EXPECT_EQ(Average.vector(), Average.text("(B*C*7)*2 + B*C*7"));
  OneNode Global("GlobalAveragePool");
  Global.input("B,C,H,W");
  EXPECT_EQ(Global.shape(), "[B,C,1,1]");
  EXPECT_EQ(Global.vector(), Global.text("B*C*H*W + B*C"));
}

TEST(MaxUnpool, InvertsOrIsTold) {
  OneNode N("MaxUnpool");
  N.input("1,1,2,2").input("1,1,2,2", ElemType::Int64);
  N.attrInts("kernel_shape", {2, 2}).attrInts("strides", {2, 2});
  EXPECT_EQ(N.shape(), "[1,1,4,4]");
  OneNode Told("MaxUnpool");
  Told.input("1,1,2,2").input("1,1,2,2", ElemType::Int64).ints("1,1,5,5");
  EXPECT_EQ(Told.attrInts("kernel_shape", {2, 2}).shape(), "[1,1,5,5]");
}
