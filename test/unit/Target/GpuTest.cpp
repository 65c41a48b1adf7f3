#include "xfa/Target/Gpu.h"

#include "llvm/ADT/StringSet.h"

#include <cmath>

#include <gtest/gtest.h>

using namespace xfa;

namespace {

const Gpu &gpu(llvm::StringRef Key) {
  const Gpu *G = findGpu(Key);
  EXPECT_NE(G, nullptr) << Key.str();
  return *G;
}

TEST(Gpu, SeedFiguresAreExact) {
  EXPECT_EQ(matrixPeak(gpu("t4"), ElemType::Float16), 65e12);
  EXPECT_EQ(gpu("t4").Bandwidth, 300e9);
  EXPECT_EQ(machineBalance(gpu("t4"), ElemType::Float16), 65e12 / 300e9);
  EXPECT_EQ(matrixPeak(gpu("a100-80gb"), ElemType::Float16), 312e12);
  EXPECT_EQ(gpu("a100-80gb").Bandwidth, 2.039e12);
  EXPECT_NEAR(*machineBalance(gpu("a100-80gb"), ElemType::Float16), 153.02,
              0.005);
}

TEST(Gpu, UnitsOfTheTable) { // GB and GB/s decimal, MiB and KiB binary
  const Gpu &G = gpu("a100-80gb");
  EXPECT_EQ(G.MemoryBytes, 80'000'000'000);
  EXPECT_EQ(G.L2Bytes, 40 * 1024 * 1024); // deviceQuery: 41943040
  EXPECT_EQ(G.SramBytesPerUnit, 192 * 1024);
  EXPECT_EQ(G.MaxSharedBytesPerBlock, 163 * 1024);
  EXPECT_EQ(G.LinkBandwidth, 600e9);
  EXPECT_EQ(G.Units, 108);
  EXPECT_EQ(G.Watts, 400);
  EXPECT_EQ(G.Verified, Evidence::V1);
}

TEST(Gpu, PeakByElementType) { // C8
  const Gpu &G = gpu("h100");
  EXPECT_EQ(matrixPeak(G, ElemType::Float64), 67e12); // the matrix unit's
  EXPECT_EQ(matrixPeak(G, ElemType::Float32), 67e12);
  EXPECT_EQ(matrixPeak(G, ElemType::Float32, Float32Products::TF32), 494.5e12);
  EXPECT_EQ(matrixPeak(G, ElemType::BFloat16), 989.4e12);
  EXPECT_EQ(matrixPeak(G, ElemType::Float8E5M2), 1978.9e12);
  EXPECT_EQ(matrixPeak(G, ElemType::UInt8), 1978.9e12);
  EXPECT_EQ(vectorPeak(G), 67e12);
  EXPECT_EQ(matrixPeak(gpu("rtx4090"), ElemType::Float64), 1.29e12);
}

TEST(Gpu, ABlankIsUnknown) { // C8
  EXPECT_EQ(matrixPeak(gpu("t4"), ElemType::BFloat16), std::nullopt);
  EXPECT_EQ(machineBalance(gpu("t4"), ElemType::BFloat16), std::nullopt);
  EXPECT_EQ(matrixPeak(gpu("t4"), ElemType::Float32, Float32Products::TF32),
            std::nullopt);
  EXPECT_EQ(matrixPeak(gpu("h100"), ElemType::Int4), std::nullopt);
  EXPECT_EQ(matrixPeak(gpu("h100"), ElemType::Int64), std::nullopt);
  EXPECT_EQ(vectorPeak(gpu("tpu-v5e")), std::nullopt);
}

TEST(Gpu, EveryRowIsSound) {
  EXPECT_EQ(gpus().size(), 72u);
  llvm::StringSet<> Keys;
  for (const Gpu &G : gpus()) {
    SCOPED_TRACE(G.Key);
    EXPECT_TRUE(Keys.insert(llvm::StringRef(G.Key).lower()).second);
    EXPECT_EQ(findGpu(G.Key), &G);
    EXPECT_FALSE(G.Name.empty() || G.Vendor.empty() || G.Arch.empty());
    EXPECT_FALSE(G.Source.empty());
    EXPECT_NE(G.Verified, Evidence::User);
    EXPECT_GE(G.Bandwidth, 50e9);
    EXPECT_LE(G.Bandwidth, 10e12);
    EXPECT_EQ(G.Bandwidth, std::round(G.Bandwidth));
    unsigned Known = 0;
    for (auto R : G.Rates) {
      if (!R)
        continue;
      ++Known;
      EXPECT_GE(*R, 0.1e12);
      EXPECT_LE(*R, 20e15);
      EXPECT_EQ(*R, std::round(*R)); // whole, so that C21 is exact
    }
    EXPECT_GE(Known, 1u);
    for (auto F :
         {G.BestMatrixFraction, G.MedianMatrixFraction, G.WeightStreamFraction})
      EXPECT_TRUE(!F || (*F > 0 && *F <= 1));
  }
}

TEST(Gpu, FindIgnoresCase) {
  EXPECT_EQ(findGpu("A100-80GB"), findGpu("a100-80gb"));
  EXPECT_EQ(findGpu("cpu"), findGpu("generic-cpu"));
  EXPECT_EQ(findGpu("t44"), nullptr);
  EXPECT_EQ(findGpu(""), nullptr);
}

TEST(Gpu, TheUsersComeFirst) {
  Gpu Own;
  Own.Key = "t4";
  EXPECT_EQ(findGpu("T4", Own), &Own);
  Own.Key = "my-card";
  EXPECT_EQ(nearestGpuKey("my-cart", Own), "my-card");
}

TEST(Gpu, NearestKey) {
  const std::pair<const char *, const char *> Table[] = {
      {"t44", "t4"},           {"h1000", "h100"},   {"a100", "a100-40gb"},
      {"rtx-4090", "rtx4090"}, {"MI300", "mi300x"}, {"zzzzzzzz", ""},
  };
  for (auto [Wrong, Meant] : Table)
    EXPECT_EQ(nearestGpuKey(Wrong), Meant) << Wrong;
}

} // namespace
