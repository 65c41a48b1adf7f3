#include "xfa/Target/Gpu.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <random>

#include <gtest/gtest.h>

using namespace xfa;

namespace {

std::string errorOf(llvm::StringRef Yaml) {
  auto Gpus = parseGpus(Yaml, "cards.yaml");
  if (Gpus)
    return "";
  return llvm::toString(Gpus.takeError());
}

TEST(GpuFile, OneAccelerator) {
  auto Gpus = parseGpus("key: tiny\nbandwidth: 300\npeaks: {fp16: 65}\n", "");
  ASSERT_TRUE(!!Gpus) << llvm::toString(Gpus.takeError());
  ASSERT_EQ(Gpus->size(), 1u);
  const Gpu &G = Gpus->front();
  EXPECT_EQ(G.Key, "tiny");
  EXPECT_EQ(G.Name, "tiny");
  EXPECT_EQ(G.Bandwidth, 300e9);
  EXPECT_EQ(matrixPeak(G, ElemType::Float16), 65e12);
  EXPECT_EQ(vectorPeak(G), std::nullopt);
  EXPECT_EQ(G.MemoryBytes, std::nullopt);
  EXPECT_EQ(G.Verified, Evidence::User);
}

TEST(GpuFile, EveryKey) {
  auto Gpus = parseGpus(R"(
# Two cards of a maker who does not exist.
- key: big
  name: "Acme Big"
  vendor: Acme
  arch: Anvil 2
  peaks:
    fp64: 1
    fp64-matrix: 2
    fp32: 3
    tf32: 4
    fp16: 5.5
    fp16-sum16: 6
    bf16: 7 TFLOP/s
    fp8: 1.5 PFLOP/s
    int8: 900 GOP/s
    fp4: 10
    int4: 11 TOP/s
  bandwidth: 2.039 TB/s
  memory: 80 GiB
  memory-type: HBM9
  l2: 40
  llc: 512 KiB
  units: 108
  unit-kind: anvil
  sram-per-unit: 192
  max-shared-per-block: 1 MiB
  link-bandwidth: 900
  link: chains
  watts: 400 W
  measured: {best-matrix: 0.93, median-matrix: 0.84, weight-stream: 0.76}
  source: the box
  notes: |
    heavy
- {key: small, bandwidth: 50, peaks: {fp32: 0.77}}
)",
                        "");
  ASSERT_TRUE(!!Gpus) << llvm::toString(Gpus.takeError());
  ASSERT_EQ(Gpus->size(), 2u);
  const Gpu &G = Gpus->front();
  const double Peaks[NumRates] = {1e12, 2e12,   3e12,  4e12,  5.5e12, 6e12,
                                  7e12, 1.5e15, 900e9, 10e12, 11e12};
  for (unsigned I = 0; I < NumRates; ++I)
    EXPECT_EQ(G.Rates[I], Peaks[I]) << I;
  EXPECT_EQ(G.Name, "Acme Big");
  EXPECT_EQ(G.Vendor, "Acme");
  EXPECT_EQ(G.Arch, "Anvil 2");
  EXPECT_EQ(G.Bandwidth, 2039e9);
  EXPECT_EQ(G.MemoryBytes, int64_t(80) << 30);
  EXPECT_EQ(G.MemoryType, "HBM9");
  EXPECT_EQ(G.L2Bytes, 40 << 20);
  EXPECT_EQ(G.LastLevelBytes, 512 << 10);
  EXPECT_EQ(G.Units, 108);
  EXPECT_EQ(G.UnitKind, "anvil");
  EXPECT_EQ(G.SramBytesPerUnit, 192 << 10);
  EXPECT_EQ(G.MaxSharedBytesPerBlock, 1 << 20);
  EXPECT_EQ(G.LinkBandwidth, 900e9);
  EXPECT_EQ(G.Link, "chains");
  EXPECT_EQ(G.Watts, 400);
  EXPECT_EQ(G.BestMatrixFraction, 0.93);
  EXPECT_EQ(G.MedianMatrixFraction, 0.84);
  EXPECT_EQ(G.WeightStreamFraction, 0.76);
  EXPECT_EQ(G.Source, "the box");
  EXPECT_EQ(G.Notes, "heavy");
  EXPECT_EQ(vectorPeak((*Gpus)[1]), 0.77e12);
}

TEST(GpuFile, ErrorsAreSentencesWithTheirLine) {
  const std::pair<const char *, const char *> Table[] = {
      {"", "cards.yaml:1: expected an accelerator or a list of them, found "
           "nothing"},
      {"- a\n", "cards.yaml:1: expected the keys of an accelerator, found a "
                "text"},
      {"bandwidth: 1\npeaks: {fp16: 1}\n",
       "cards.yaml:1: expected a key for the accelerator, found none"},
      {"key: a\npeaks: {fp16: 1}\n",
       "cards.yaml:1: expected a bandwidth for 'a', found none"},
      {"key: a\nbandwidth: 1\n",
       "cards.yaml:1: expected at least one of its peaks for 'a', found none"},
      {"key: a\nbandwith: 3\n",
       "cards.yaml:2: expected a key of an accelerator, found 'bandwith'; did "
       "you mean 'bandwidth'?"},
      {"key: a\npeaks:\n  fp61: 3\n",
       "cards.yaml:3: expected a key of peaks, found 'fp61'; did you mean "
       "'fp64'?"},
      {"key: a\nmeasured: {speed: 1}\n",
       "cards.yaml:2: expected a key of measured, found 'speed'; known are "
       "best-matrix, median-matrix, weight-stream"},
      {"key: a\nbandwidth: fast\n", "cards.yaml:2: bandwidth: expected a "
                                    "positive number of GB/s, found 'fast'"},
      {"key: a\nbandwidth: -3\n", "cards.yaml:2: bandwidth: expected a "
                                  "positive number of GB/s, found '-3'"},
      {"key: a\nbandwidth: 0\n", "cards.yaml:2: bandwidth: expected a "
                                 "positive number of GB/s, found '0'"},
      {"key: a\nbandwidth: 1e-30\n", "cards.yaml:2: bandwidth: expected a "
                                     "positive number of GB/s, found '1e-30'"},
      {"key: a\nbandwidth: 1e400\n", "cards.yaml:2: bandwidth: expected a "
                                     "positive number of GB/s, found '1e400'"},
      {"key: a\nbandwidth: inf\n", "cards.yaml:2: bandwidth: expected a "
                                   "positive number of GB/s, found 'inf'"},
      {"key: a\nbandwidth:\n", "cards.yaml:2: bandwidth: expected a positive "
                               "number of GB/s, found nothing"},
      {"key: a\nbandwidth: 3 GB\n",
       "cards.yaml:2: bandwidth: expected GB/s, TB/s, MB/s, found 'GB'"},
      {"key: a\nunits: 3 SM\n",
       "cards.yaml:2: units: expected no unit, found 'SM'"},
      {"key: a\nmeasured: {best-matrix: 93}\n",
       "cards.yaml:2: best-matrix: expected a number above 0 and at most 1, "
       "found '93'"},
      {"key: a\nkey: b\n", "cards.yaml:2: expected each key of an accelerator "
                           "once, found 'key' twice"},
      {"key: a,b\n", "cards.yaml:1: key: expected letters, digits, '-', '_' "
                     "and '.', found 'a,b'"},
      {"key: [a]\n", "cards.yaml:1: key: expected a text, found a list"},
      {"- {key: a, bandwidth: 1, peaks: {fp16: 1}}\n"
       "- {key: A, bandwidth: 1, peaks: {fp16: 1}}\n",
       "cards.yaml:2: expected each key once, found 'A' twice"},
      {"peaks: 3\n", "cards.yaml:1: expected the keys of peaks, found a text"},
      {"peaks:\nkey: a\n",
       "cards.yaml:1: expected the keys of peaks, found nothing"},
      {"key: a\n\tb: 1\n", "cards.yaml:2: expected YAML, found: Found invalid "
                           "tab character in indentation"},
  };
  for (auto [Yaml, Message] : Table)
    EXPECT_EQ(errorOf(Yaml), Message) << Yaml;
}

TEST(GpuFile, NotAFile) {
  auto Gpus = readGpuFile("no/such/cards.yaml");
  ASSERT_FALSE(!!Gpus);
  EXPECT_EQ(llvm::toString(Gpus.takeError()),
            "no/such/cards.yaml: expected a YAML file of accelerators, found: "
            "No such file or directory");
}

TEST(GpuFile, TooLarge) {
  EXPECT_EQ(errorOf(std::string((1 << 20) + 1, ' ')),
            "cards.yaml: expected at most 1048576 bytes of YAML, found "
            "1048577");
}

TEST(GpuFile, NestingIsNotRecursion) {
  for (llvm::StringRef Deep : {"[", "? ", "- ", "{key: ", "key: [", "{{"}) {
    std::string Text;
    for (int I = 0; I < 100000; ++I)
      Text += Deep;
    EXPECT_NE(errorOf(Text), "") << Deep.str();
  }
}

// Whatever the bytes: accelerators or one sentence, never a crash.
TEST(GpuFile, DamagedFiles) {
  const std::string Good =
      "- key: a\n  name: \"A\\u0041\"\n  bandwidth: 2.5 TB/s\n"
      "  peaks: {fp16: 65, \"fp32\": 8.1}\n  notes: |\n    two\n    lines\n"
      "- {key: b, bandwidth: 1, peaks: {int8: 1}, link: 'it''s'}\n";
  ASSERT_EQ(errorOf(Good), "");
  const llvm::StringRef Pieces = "[]{}:,-?|>&*!%@`'\"#\n\t \\\x80\xff\0u0e9";
  std::mt19937 Random(1);
  for (int Round = 0; Round < 20000; ++Round) {
    std::string Text = Good;
    for (unsigned Edits = 1 + Random() % 4; Edits; --Edits) {
      size_t Where = Random() % (Text.size() + 1);
      char Piece = Pieces[Random() % Pieces.size()];
      switch (Random() % 4) {
      case 0:
        Text.insert(Where, 1, Piece);
        break;
      case 1:
        Text.erase(Where, Random() % 8);
        break;
      case 2:
        if (Where < Text.size())
          Text[Where] = Piece;
        break;
      default:
        Text.resize(Random() % 8 ? Text.size() : Where);
      }
    }
    std::string Error = errorOf(Text);
    EXPECT_EQ(Error.find('\n'), std::string::npos) << Error;
  }
}

} // namespace
