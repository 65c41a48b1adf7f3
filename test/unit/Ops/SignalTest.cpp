//===- SignalTest.cpp -----------------------------------------------------===//

#include "OpTest.h"

using namespace xfa;

TEST(DFT, AxisIsAnAttributeBeforeOpset20) {
  OneNode N("DFT", 17);
  N.input("B,N,1").attr("onesided", int64_t(1));
  EXPECT_EQ(N.shape(), "[B,1 + N//2,2]"); // axis 1
}

TEST(DFT, AxisIsAnInputFromOpset20) {
  OneNode N("DFT", 20);
  N.input("B,8,N,2").absent().scalar("1");
  EXPECT_EQ(N.shape(), "[B,8,N,2]");
  OneNode Padded("DFT", 20);
  Padded.input("B,8,N,2").scalar("16").scalar("0-3");
  EXPECT_EQ(Padded.shape(), "[B,16,N,2]");
}

TEST(DFT, BackToRealDoublesTheLength) {
  OneNode N("DFT", 20);
  N.input("B,9,2").attr("onesided", int64_t(1)).attr("inverse", int64_t(1));
  EXPECT_EQ(N.shape(), "[B,16,1]"); // 2 * (9 - 1)
}

TEST(DFT, UnknownAxisAndLength) {
  OneNode N("DFT", 20);
  N.input("B,N,2").input("", ElemType::Int64).input("", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[?,?,2]");
}

TEST(DFT, TheLastAxisHoldsTheParts) {
  OneNode N("DFT", 17);
  N.input("B,N,2").attr("axis", int64_t(2));
  EXPECT_EQ(N.error(), "expected a signal axis of [B,N,2], found axis 2");
}

TEST(DFT, OneSidedIsOfRealData) {
  OneNode N("DFT", 17);
  N.input("B,N,2").attr("onesided", int64_t(1));
  EXPECT_EQ(N.error(),
            "expected real data for a one-sided transform, found [B,N,2]");
}

TEST(DFTCost, PowersOfTwo) {
  OneNode Complex("DFT", 17), Real("DFT", 17), Other("DFT", 17);
  Complex.input("B,8,2");
  EXPECT_EQ(Complex.vector(), "120*B"); // 5 * 8 * 3
  Real.input("B,8,1").attr("onesided", int64_t(1));
  EXPECT_EQ(Real.vector(), "60*B"); // half of it
  Other.input("B,N,2");
  EXPECT_EQ(Other.vector(), "?"); // C16
}

TEST(STFT, FramesAndBins) {
  OneNode N("STFT", 17);
  N.input("B,128,1").scalar("8").absent().scalar("16");
  N.attr("onesided", int64_t(1));
  EXPECT_EQ(N.shape(), "[B,15,9,2]"); // (128 - 16) / 8 + 1, 16 / 2 + 1
}

// Running gives 9 bins, as the documentation says; ONNX's shape inference 16.
TEST(STFT, TheDefaultSidesAreDisputed) {
  OneNode N("STFT", 17);
  N.input("B,128,1").scalar("8").absent().scalar("16");
  EXPECT_EQ(N.shape(), "[B,15,?,2]");
}

TEST(STFT, TheWindowGivesTheLength) {
  OneNode N("STFT", 17);
  N.input("B,N,1").scalar("8").input("16").attr("onesided", int64_t(0));
  EXPECT_EQ(N.shape(), "[B,-1 + N//8,16,2]"); // (N - 16) // 8 + 1
}

// 15 frames of 16 samples: 5 * 16 * 4 FLOPs a complex one, half of it a real.
TEST(STFTCost, RealOrComplex) {
  OneNode Real("STFT", 17), Complex("STFT", 17), Either("STFT", 17);
  for (auto [N, Dims] : {std::pair(&Real, "B,128,1"),
                         {&Complex, "B,128,2"},
                         {&Either, "B,128,C"}}) {
    N->input(Dims).scalar("8").absent().scalar("16");
    N->attr("onesided", int64_t(0));
  }
  EXPECT_EQ(Real.vector(), Real.text("15*B * 5*8*4"));
  EXPECT_EQ(Complex.vector(), Complex.text("15*B * 5*16*4"));
  EXPECT_EQ(Either.vector(), Either.text("15*B * 5*8*4*C"));
}

TEST(SignalWindow, SizeIsAValue) {
  OneNode N("HannWindow", 17);
  N.scalar("N").attr("output_datatype", int64_t(11));
  EXPECT_EQ(N.shape(), "[N]");
  EXPECT_EQ(N.elem(), ElemType::Float64);
  EXPECT_EQ(N.vector(), "5 + 8*N"); // C5
}

TEST(MelWeightMatrix, BinsByBands) {
  OneNode N("MelWeightMatrix", 17);
  N.scalar("8").scalar("16").scalar("8192").number(0).number(4096);
  EXPECT_EQ(N.shape(), "[9,8]"); // 16 / 2 + 1
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

TEST(Random, ShapeIsAnAttribute) {
  OneNode N("RandomNormal");
  N.attrInts("shape", {2, 3}).attr("dtype", int64_t(11));
  EXPECT_EQ(N.shape(), "[2,3]");
  EXPECT_EQ(N.elem(), ElemType::Float64);
}

TEST(Random, LikeKeepsTheType) {
  OneNode N("RandomUniformLike");
  N.input("B,N", ElemType::Float16);
  EXPECT_EQ(N.shape(), "[B,N]");
  EXPECT_EQ(N.elem(), ElemType::Float16);
}

TEST(Random, BernoulliDrawsAndCompares) {
  OneNode N("Bernoulli");
  N.input("B,N");
  EXPECT_EQ(N.vector(), "2*B*N"); // C5
}

TEST(Random, Multinomial) {
  OneNode N("Multinomial");
  N.input("B,10").attr("sample_size", int64_t(4));
  EXPECT_EQ(N.shape(), "[B,4]");
  EXPECT_EQ(N.elem(), ElemType::Int32);
  EXPECT_EQ(N.vector(), "?"); // C16
}

TEST(OneHot, DepthGoesIntoTheAxis) {
  OneNode Last("OneHot"), First("OneHot"), Unknown("OneHot");
  Last.input("B,N", ElemType::Int64).scalar("10").input("2");
  EXPECT_EQ(Last.shape(), "[B,N,10]");
  First.input("B,N", ElemType::Int64).number(10).input("2");
  First.attr("axis", int64_t(0));
  EXPECT_EQ(First.shape(), "[10,B,N]");
  Unknown.input("B", ElemType::Int64).input("", ElemType::Int64).input("2");
  EXPECT_EQ(Unknown.shape(), "[B,?]");
}
