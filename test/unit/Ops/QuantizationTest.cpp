//===- QuantizationTest.cpp - quantised operators, ONNX's and contrib -----===//

#include "OpTest.h"

using namespace xfa;

static constexpr const char *Ms = "com.microsoft";

TEST(Quantize, TypeIsTheZeroPointsOrTheAttributes) {
  EXPECT_EQ(OneNode("QuantizeLinear").input("B,8").input("").elem(),
            ElemType::UInt8);
  EXPECT_EQ(OneNode("QuantizeLinear")
                .input("B,8")
                .input("")
                .input("", ElemType::Int8)
                .elem(),
            ElemType::Int8);
  EXPECT_EQ(OneNode("QuantizeLinear", 21)
                .input("B,8")
                .input("")
                .attr("output_dtype", 22)
                .elem(),
            ElemType::Int4);
}

TEST(DequantizeCost, C14_TwoAnElement) {
  OneNode N("DequantizeLinear");
  N.input("B,8", ElemType::UInt8).input("", ElemType::Float16);
  EXPECT_EQ(N.elem(), ElemType::Float16); // the scale's
  EXPECT_EQ(N.vector(), N.text("2*B*8"));
}

TEST(DynamicQuantizeCost, C5_Body) {
  OneNode N("DynamicQuantizeLinear", 11, "", 3);
  N.input("B,8");
  EXPECT_EQ(N.shape(1), "[]");
  // ReduceMin, ReduceMax, and three for QuantizeLinear; Min, Max, Sub, Div,
  // Div, Sub, Clip (4), Round of scalars.
  EXPECT_EQ(N.vector(), N.text("5*B*8 + 11"));
}

TEST(MatMulIntegerCost, ZeroPointsAreSubtracted) {
  OneNode N("MatMulInteger");
  N.input("B,S,8", ElemType::UInt8).input("8,4", ElemType::Int8).folded();
  N.input("", ElemType::UInt8).input("", ElemType::Int8);
  EXPECT_EQ(N.elem(), ElemType::Int32);
  EXPECT_EQ(N.matrix(), N.text("2*B*S*8*4"));
  EXPECT_EQ(N.vector(), N.text("B*S*8")); // B is known beforehand: C7
}

TEST(QLinearMatMul, OperandsStandApart) {
  OneNode N("QLinearMatMul");
  N.input("M,8", ElemType::UInt8).input("").input("", ElemType::UInt8);
  N.input("8,4", ElemType::UInt8).input("").input("", ElemType::UInt8);
  N.input("").input("", ElemType::Int8);
  EXPECT_EQ(N.shape(), "[M,4]");
  EXPECT_EQ(N.elem(), ElemType::Int8);
  EXPECT_EQ(N.vector(), N.text("M*8 + 8*4 + 3*M*4"));
}

TEST(MatMulNBitsCost, C1_C14) {
  OneNode N("MatMulNBits", 1, Ms);
  N.input("B,S,1024").input("256,32,16", ElemType::UInt8).input("256,32");
  N.attr("K", 1024).attr("N", 256).attr("bits", 4).attr("block_size", 32);
  EXPECT_EQ(N.shape(), "[B,S,256]");
  EXPECT_EQ(N.matrix(), N.text("2*B*S*1024*256"));
  EXPECT_EQ(N.vector(), N.text("2*1024*256"));
}

TEST(MatMulNBits, ScalesAndZeroPointsOfTheBlocks) {
  auto Shape = [](const char *Scales, const char *ZeroPoints, ElemType Type) {
    OneNode N("MatMulNBits", 1, Ms);
    N.input("2,48").input("4,3,8", ElemType::UInt8); // blocks of 16: 3 a row
    N.input(Scales).input(ZeroPoints, Type);
    N.attr("K", 48).attr("N", 4).attr("bits", 4).attr("block_size", 16);
    return N.shape();
  };
  EXPECT_EQ(Shape("4,3", "4,2", ElemType::UInt8), "[2,4]"); // 12 bits: 2 bytes
  EXPECT_EQ(Shape("12", "8", ElemType::UInt8), "[2,4]");
  EXPECT_EQ(Shape("12", "12", ElemType::Float32), "[2,4]");
  EXPECT_EQ(Shape("S", "?", ElemType::UInt8), "[2,4]");
  EXPECT_EQ(Shape("12", "9", ElemType::UInt8), "!");
  EXPECT_EQ(Shape("4,2", "8", ElemType::UInt8), "!");
}

TEST(GatherBlockQuantized, PackedDataHoldsMore) {
  OneNode N("GatherBlockQuantized", 1, Ms);
  N.input("V,512", ElemType::UInt8).input("B,S", ElemType::Int64);
  N.input("V,32", ElemType::Float16).attr("bits", 4).attr("block_size", 32);
  EXPECT_EQ(N.shape(), "[B,S,1024]");
  EXPECT_EQ(N.elem(), ElemType::Float16);
  EXPECT_EQ(N.vector(), N.text("2*B*S*1024"));
  EXPECT_EQ(N.reads(0), N.text("B*S*512")); // C11
  EXPECT_EQ(N.reads(2), N.text("B*S*32"));
}

TEST(QLinearTwin, BroadcastsAndConverts) {
  OneNode N("QLinearAdd", 1, Ms);
  N.input("B,8", ElemType::UInt8).input("").input("", ElemType::UInt8);
  N.input("8", ElemType::UInt8).input("").input("", ElemType::UInt8);
  N.input("").input("", ElemType::UInt8);
  EXPECT_EQ(N.shape(), "[B,8]");
  EXPECT_EQ(N.vector(), N.text("2*B*8 + 2*8 + B*8 + 3*B*8"));
}

TEST(QLinearConcat, EveryThirdInputIsAnOperand) {
  OneNode N("QLinearConcat", 1, Ms);
  N.input("").input("", ElemType::UInt8);
  for (const char *Dims : {"B,3", "B,4"})
    N.input(Dims, ElemType::UInt8).input("").input("", ElemType::UInt8);
  EXPECT_EQ(N.attr("axis", 1).shape(), "[B,7]");
}
