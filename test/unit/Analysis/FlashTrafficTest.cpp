//===- FlashTrafficTest.cpp - tiles, waves and what is read again (C15) ---===//

#include "xfa/Analysis/FlashTraffic.h"

#include <gtest/gtest.h>

using namespace xfa;

namespace {

AttentionShape shape(int64_t Batch, int64_t Length, int64_t Heads,
                     int64_t KvHeads, int64_t Dim, int64_t Rows = 0) {
  return {Batch, Heads, KvHeads, Rows ? Rows : Length, Length, Dim, Dim, 16};
}

FlashTraffic traffic(llvm::StringRef Gpu, const AttentionShape &S) {
  std::optional<FlashTraffic> F = flashTraffic(*findGpu(Gpu), S);
  EXPECT_TRUE(F);
  return F.value_or(FlashTraffic());
}

TEST(FlashTraffic, TilesByAccelerator) {
  auto Rows = [](llvm::StringRef Gpu, int64_t Dim) {
    return attentionTile(*findGpu(Gpu), shape(1, 4096, 32, 32, Dim))->Rows;
  };
  auto Columns = [](llvm::StringRef Gpu, int64_t Dim) {
    return attentionTile(*findGpu(Gpu), shape(1, 4096, 32, 32, Dim))->Columns;
  };
  EXPECT_EQ(Rows("a100-80gb", 64), 128);
  EXPECT_EQ(Columns("a100-80gb", 64), 128);
  EXPECT_EQ(Columns("a100-80gb", 128), 64);
  EXPECT_EQ(Columns("rtx3090", 128), 32);
  // 64 KiB for a block: 3 tiles of 128 x 64 x 2 bytes are 48 KiB, at width 128
  // they would be 96.
  EXPECT_EQ(Rows("t4", 64), 128);
  EXPECT_EQ(Rows("t4", 128), 64);
}

TEST(FlashTraffic, CompulsoryBytes) {
  // Q, K, V read and the result written: 4BND elements.
  const FlashTraffic F = traffic("h200", shape(2, 1024, 25, 25, 64));
  EXPECT_EQ(F.Compulsory, 4 * 2 * 1024 * 1600 * 2);
  EXPECT_EQ(F.Again, 0);
  EXPECT_EQ(F.Partial, 0);
  EXPECT_EQ(F.Tiles, 2 * 25 * 8);
}

TEST(FlashTraffic, AGroupReadsItsHeadOnce) {
  const FlashTraffic F = traffic("h200", shape(1, 4096, 32, 8, 128));
  EXPECT_EQ(F.Compulsory, (2 * 32 + 2 * 8) * 128 * 4096 * 2);
  EXPECT_EQ(F.Again, 0);
}

TEST(FlashTraffic, OnceAWaveBeyondTheCache) {
  // A head's keys and values take 2 · 65536 · 128 · 2 = 33.5 MB, more than half
  // of 50 MiB; 65536 / 128 = 512 tiles run 2 · 132 at a time.
  const FlashTraffic F = traffic("h200", shape(1, 65536, 4, 4, 128));
  const int64_t Kv = 2 * 65536 * 128 * 2 * 4LL;
  EXPECT_EQ(F.Again, Kv * (512 - 264) / 264);
  // Of four query heads on each, four times the tiles.
  const FlashTraffic Grouped = traffic("h200", shape(1, 65536, 8, 2, 128));
  EXPECT_EQ(Grouped.Again, Kv / 2 * (4 * 512 - 264) / 264);
}

TEST(FlashTraffic, NothingTwiceWhereHeadsFit) {
  // More tiles than a wave, but 8192 positions take 2.1 MB a head.
  EXPECT_EQ(traffic("a100-80gb", shape(1, 8192, 64, 1, 64)).Again, 0);
}

TEST(FlashTraffic, SplitColumnsForDecoding) {
  // 32 rows of one token each on 108 units: three splits, each of which leaves
  // 128 sums and one logarithm in fp32, written and read.
  const FlashTraffic F = traffic("a100-80gb", shape(1, 4096, 32, 8, 128, 1));
  EXPECT_EQ(F.Splits, 108 / 32);
  EXPECT_EQ(F.Partial, 2 * 3 * (128 + 1) * 4 * 32);
  EXPECT_EQ(F.Compulsory, 2 * (2 * 8 * 4096 * 128 + 2 * 32 * 128));
  // A batch keeps the units busy.
  EXPECT_EQ(traffic("a100-80gb", shape(64, 4096, 32, 8, 128, 1)).Splits, 1);
}

TEST(FlashTraffic, TilesThatACausalMaskHides) {
  auto Hidden = [](AttentionTile T, int64_t Rows, int64_t Columns) {
    return hiddenPairs(T, {1, 1, 1, Rows, Columns, 64, 64, 16});
  };
  // 8 x 8 tiles, of which the 28 above the diagonal's are hidden.
  EXPECT_EQ(Hidden({128, 128}, 1024, 1024), 28 * 128 * 128);
  // Half as wide: a tile of rows ends with its second one.
  EXPECT_EQ(Hidden({128, 64}, 1024, 1024), 28 * 128 * 128);
  // Rows 0 … 63 end in column 63, rows 64 … 127 in column 127.
  EXPECT_EQ(Hidden({64, 128}, 256, 256), 2 * 64 * 128);
  // 300 = 128 + 128 + 44: 128 rows do without 172 columns, 128 without 44.
  EXPECT_EQ(Hidden({128, 128}, 300, 300), 128 * 172 + 128 * 44);
  // One tile; one new row behind a cache; rows behind one.
  EXPECT_EQ(Hidden({128, 128}, 32, 32), 0);
  EXPECT_EQ(Hidden({128, 128}, 1, 4096), 0);
  EXPECT_EQ(Hidden({128, 128}, 256, 1024), 128 * 128);
}

TEST(FlashTraffic, UnknownWithoutACache) {
  Gpu G = *findGpu("h200");
  G.L2Bytes.reset();
  EXPECT_FALSE(flashTraffic(G, shape(1, 1024, 25, 25, 64)));
}

//===----------------------------------------------------------------------===//
// Against hardware
//===----------------------------------------------------------------------===//

struct Measured {
  int64_t Batch, Length, Heads, KvHeads, Dim;
  int64_t Read; ///< bytes from DRAM, caches flushed before
};

/// FlashAttention-2 as in PyTorch 2.11 on an H200, without a mask;
/// dram__bytes_read.sum of Nsight Compute.
constexpr Measured Fits[] = {
    {1, 1024, 25, 25, 64, 9897728},   {1, 4096, 25, 25, 64, 39409920},
    {1, 1024, 32, 32, 128, 25222400}, {1, 1024, 32, 8, 128, 12639744},
    {1, 4096, 32, 8, 128, 51316224},
};
constexpr Measured Beyond[] = {
    {16, 1024, 25, 25, 64, 157354240},  {64, 1024, 25, 25, 64, 629254656},
    {1, 16384, 25, 25, 64, 158307328},  {1, 4096, 32, 32, 128, 103769600},
    {1, 16384, 32, 32, 128, 494048000}, {1, 16384, 32, 8, 128, 228553984},
    {16, 1024, 32, 8, 128, 221020928},  {16, 1024, 32, 32, 128, 402778368},
    {1, 65536, 4, 4, 64, 155545856},    {1, 65536, 4, 4, 128, 436558336},
    {1, 131072, 2, 2, 128, 709582848},  {1, 65536, 8, 2, 128, 708567296},
};

double predictedReads(const Measured &M) {
  const FlashTraffic F =
      traffic("h200", shape(M.Batch, M.Length, M.Heads, M.KvHeads, M.Dim));
  const int64_t Result = M.Batch * M.Length * M.Heads * M.Dim * 2;
  return static_cast<double>(F.total() - Result);
}

TEST(FlashTraffic, ReadsWhereKeysAndValuesFit) {
  for (const Measured &M : Fits)
    EXPECT_NEAR(predictedReads(M) / static_cast<double>(M.Read), 1, 0.05)
        << M.Batch << " x " << M.Length << ", " << M.Heads << " heads of "
        << M.Dim;
}

TEST(FlashTraffic, ReadsBeyond) {
  for (const Measured &M : Beyond)
    EXPECT_NEAR(predictedReads(M) / static_cast<double>(M.Read), 1, 0.26)
        << M.Batch << " x " << M.Length << ", " << M.Heads << " heads of "
        << M.Dim;
}

} // namespace
