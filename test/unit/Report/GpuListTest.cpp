#include "xfa/Report/GpuList.h"

#include <gtest/gtest.h>

using namespace xfa;

namespace {

TEST(GpuList, OneLineAnAccelerator) {
  EXPECT_EQ(
      gpuListText(*findGpu("t4")),
      "KEY  NAME     FP16     FP32  BANDWIDTH    BALANCE  MEMORY  KNOWN\n"
      "           TFLOP/s  TFLOP/s       GB/s  FLOP/byte      GB\n"
      "t4   T4         65      8.1        300      216.7      16  V1\n"
      "\n"
      "Peaks are dense; BALANCE is the fp16 peak over the bandwidth, "
      "FLOP per byte.\n"
      "KNOWN: V1 the maker's document, or the device itself, was read.\n");
}

TEST(GpuList, UnknownIsADash) {
  std::string Text = gpuListText(*findGpu("tpu-v5e"));
  EXPECT_NE(Text.find("bf16 197        -"), std::string::npos) << Text;
}

TEST(GpuList, WholeTable) {
  std::string Text = gpuListText(gpus());
  for (const Gpu &G : gpus())
    EXPECT_NE(Text.find("\n" + G.Key + " "), std::string::npos) << G.Key;
}

} // namespace
