//===- ImageTest.cpp - Resize, GridSample, RoiAlign, …
//----------------------===//

#include "OpTest.h"

using namespace xfa;

namespace {

std::vector<Element> numbers(std::vector<double> Values) {
  std::vector<Element> Items;
  for (double D : Values)
    Items.push_back(Element::number(D));
  return Items;
}

OneNode &withScales(OneNode &N, std::vector<double> Scales) {
  return N.absent().elements(std::to_string(Scales.size()), numbers(Scales),
                             ElemType::Float32);
}

} // namespace

TEST(Resize, ScalesFloor) {
  OneNode N("Resize"), Half("Resize"), Number("Resize");
  withScales(N.input("B,3,H,W"), {1, 1, 2, 2});
  EXPECT_EQ(N.shape(), "[B,3,2*H,2*W]");
  withScales(Half.input("B,3,H,7"), {1, 1, 0.5, 0.5});
  EXPECT_EQ(Half.shape(), "[B,3,H//2,3]"); // floor(7 / 2)
  withScales(Number.input("1,1,5,5"), {1, 1, 0.6f, 1.5});
  EXPECT_EQ(Number.shape(), "[1,1,3,7]"); // floor(3.0), floor(7.5)
}

TEST(Resize, ScalesThatRound) {
  // 10 × 0.7f is 6.9999999 (ONNX: 6), and 7 when rounded to float32.
  OneNode Number("Resize"), Symbol("Resize");
  withScales(Number.input("10"), {0.7f});
  EXPECT_EQ(Number.shape(), "[?]");
  withScales(Symbol.input("N"), {0.7f});
  EXPECT_EQ(Symbol.shape(), "[?]");
}

TEST(Resize, Sizes) {
  OneNode N("Resize"), Empty("Resize"), Axes("Resize", 18);
  N.input("B,3,H,W").absent().absent().ints("B,3,224,224");
  EXPECT_EQ(N.shape(), "[B,3,224,224]");
  Empty.input("B,3,H,W").input("0").input("0").ints("B,3,7,8"); // left out
  EXPECT_EQ(Empty.shape(), "[B,3,7,8]");
  Axes.input("B,3,H,W").absent().absent().ints("7,8").attrInts("axes", {3, 2});
  EXPECT_EQ(Axes.shape(), "[B,3,8,7]");
}

TEST(Resize, KeepsTheAspect) {
  auto Sized = [](const char *Policy, const char *Dims, const char *Sizes) {
    OneNode N("Resize", 18);
    N.input(Dims).absent().absent().ints(Sizes).attrInts("axes", {2, 3});
    N.attr("keep_aspect_ratio_policy", Policy);
    return N.shape();
  };
  // Scales 7/2 and 8/2: all by 3.5; all by 4.
  EXPECT_EQ(Sized("not_larger", "1,1,2,2", "7,8"), "[1,1,7,7]");
  EXPECT_EQ(Sized("not_smaller", "1,1,2,2", "7,8"), "[1,1,8,8]");
  // Scales 1/2 and 3/4: 2 × 0.5 = 1, 4 × 0.5 = 2; 2 × 0.75 = 1.5, up to 2.
  EXPECT_EQ(Sized("not_larger", "1,1,2,4", "1,3"), "[1,1,1,2]");
  EXPECT_EQ(Sized("not_smaller", "1,1,2,4", "1,3"), "[1,1,2,3]");
  EXPECT_EQ(Sized("not_larger", "1,1,N,N", "7,8"), "[1,1,7,7]");
}

TEST(Resize, OlderForms) {
  OneNode Ten("Resize", 10), One("Upsample", 1), Seven("Upsample", 7),
      Ended("Upsample", 10);
  Ten.input("N").elements("1", numbers({2}), ElemType::Float32);
  EXPECT_EQ(Ten.shape(), "[2*N]");
  One.input("B,3,H,W").attr("height_scale", 2.0).attr("width_scale", 3.0);
  EXPECT_EQ(One.shape(), "[B,3,2*H,3*W]");
  Seven.input("B,W").attrFloats("scales", {1, 2});
  EXPECT_EQ(Seven.shape(), "[B,2*W]");
  Ended.input("N").elements("1", numbers({2}), ElemType::Float32);
  EXPECT_EQ(Ended.shape(), "!");
}

TEST(ResizeCost, NeighboursOfTheAxesThatChange) {
  OneNode Nearest("Resize"), Linear("Resize"), Cubic("Resize");
  withScales(Nearest.input("B,3,H,W"), {1, 1, 2, 2});
  EXPECT_EQ(Nearest.vector(), "0"); // C6
  withScales(Linear.input("B,3,H,W"), {1, 1, 2, 2}).attr("mode", "linear");
  // 2² neighbours, a product and a sum each, of B*3*2H*2W elements.
  EXPECT_EQ(Linear.vector(), Linear.text("2*4*B*3*2*H*2*W"));
  withScales(Cubic.input("B,3,H,W"), {1, 1, 1, 2}).attr("mode", "cubic");
  EXPECT_EQ(Cubic.vector(), Cubic.text("2*4*B*3*H*2*W")); // 4 neighbours
}

// Whether sizes [1,3,8,8] change an axis of [B,C,H,8] is known when it is
// bound.
TEST(ResizeCost, AxesThatMayChange) {
  OneNode N("Resize");
  N.input("B,3,H,8").absent().absent().ints("1,3,8,8").attr("mode", "linear");
  auto At = [&](int64_t B, int64_t H) {
    return static_cast<int64_t>(
        cantFail(evaluate(N.cost().Vector, {{"B", B}, {"H", H}})));
  };
  EXPECT_EQ(At(1, 8), 0);                      // a copy
  EXPECT_EQ(At(1, 4), 2 * 2 * 3 * 8 * 8);      // 2 neighbours
  EXPECT_EQ(At(2, 16), 2 * 2 * 2 * 3 * 8 * 8); // along both axes
}

TEST(GridSample, GridGivesTheSize) {
  OneNode N("GridSample"), Volume("GridSample");
  N.input("B,C,H,W").input("B,h,w,2");
  EXPECT_EQ(N.shape(), "[B,C,h,w]");
  EXPECT_EQ(N.vector(), N.text("2*4*B*C*h*w"));
  Volume.input("B,C,D,H,W").input("B,2,3,4,3");
  EXPECT_EQ(Volume.shape(), "[B,C,2,3,4]");
}

TEST(AffineGridCost, C5_OneProductByTheta) {
  OneNode N("AffineGrid", 20);
  N.input("B,2,3").ints("B,3,H,W");
  EXPECT_EQ(N.shape(), "[B,H,W,2]");
  EXPECT_EQ(N.matrix(), N.text("2*3*4*B*H*W"));
  EXPECT_EQ(N.vector(), "0"); // C7
}

TEST(RoiAlign, OnePatchARegion) {
  OneNode N("RoiAlign"), Adaptive("RoiAlign");
  N.input("B,C,H,W").input("R,4").input("R", ElemType::Int64);
  N.attr("output_height", 7).attr("output_width", 5).attr("sampling_ratio", 2);
  EXPECT_EQ(N.shape(), "[R,C,7,5]");
  // 2² samples of 4 neighbours, a product and a sum each, and a division.
  EXPECT_EQ(N.vector(), N.text("(4*4*2+1)*R*C*7*5"));
  Adaptive.input("B,C,H,W").input("R,4").input("R", ElemType::Int64);
  EXPECT_EQ(Adaptive.vector(), "?"); // C16
}

TEST(MaxRoiPool, PooledShape) {
  OneNode N("MaxRoiPool");
  N.input("B,C,H,W").input("R,5").attrInts("pooled_shape", {2, 3});
  EXPECT_EQ(N.shape(), "[R,C,2,3]");
}

TEST(ImageDecoder, ChannelsByFormat) {
  OneNode N("ImageDecoder"), Grey("ImageDecoder");
  N.input("L", ElemType::UInt8);
  EXPECT_EQ(N.shape(), "[?,?,3]");
  Grey.input("L", ElemType::UInt8).attr("pixel_format", "Grayscale");
  EXPECT_EQ(Grey.shape(), "[?,?,1]");
}
