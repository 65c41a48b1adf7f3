//===- TensorTest.cpp - payloads: which are kept, and what they say -------===//

#include "ImportTestSupport.h"

#include <cmath>
#include <limits>

using namespace xfa;
using namespace xfa::test;
using llvm::StringRef;

namespace {

using Numbers = std::vector<double>;

/// A model with this initializer only, or the error.
Imported withInitializer(const Message &Tensor) {
  return importModel(model(Message().message(5, Tensor)));
}

Numbers numbers(const Constant &C) {
  Numbers Result(C.Ints.begin(), C.Ints.end());
  Result.insert(Result.end(), C.Floats.begin(), C.Floats.end());
  return Result;
}

Numbers numbersOf(const Message &Tensor) {
  Imported I = withInitializer(Tensor);
  if (!I.M) {
    ADD_FAILURE() << I.Error;
    return {};
  }
  EXPECT_TRUE(I->Constants[0].Kept);
  return numbers(I->Constants[0]);
}

StringRef raw(const char *Bytes, size_t Size) { return StringRef(Bytes, Size); }

TEST(ImportTensor, RawIntegersAreLittleEndianAndSigned) {
  EXPECT_EQ(
      numbersOf(
          tensor("t", {2}, 7)
              .bytes(9, raw("\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
                            16))),
      (Numbers{1, -1}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 6).bytes(9, raw("\xfe\xff\xff\xff", 4))),
            (Numbers{-2}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 5).bytes(9, raw("\x00\x80", 2))),
            (Numbers{-32768}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 4).bytes(9, raw("\x00\x80", 2))),
            (Numbers{32768}));
  EXPECT_EQ(numbersOf(tensor("t", {2}, 3).bytes(9, raw("\x80\x7f", 2))),
            (Numbers{-128, 127}));
  EXPECT_EQ(numbersOf(tensor("t", {2}, 2).bytes(9, raw("\x80\x7f", 2))),
            (Numbers{128, 127}));
  EXPECT_EQ(numbersOf(tensor("t", {3}, 9).bytes(9, raw("\0\1\2", 3))),
            (Numbers{0, 1, 1}));
}

TEST(ImportTensor, BelowAByteTheFirstElementIsLowest) {
  // int4: nibbles 1, -1; then 7 and padding.
  EXPECT_EQ(numbersOf(tensor("t", {3}, 22).bytes(9, raw("\xf1\x07", 2))),
            (Numbers{1, -1, 7}));
  EXPECT_EQ(numbersOf(tensor("t", {3}, 21).bytes(9, raw("\xf1\x07", 2))),
            (Numbers{1, 15, 7}));
  // int2: 0b11'10'01'00 is 0, 1, -2, -1.
  EXPECT_EQ(numbersOf(tensor("t", {4}, 26).bytes(9, raw("\xe4", 1))),
            (Numbers{0, 1, -2, -1}));
  EXPECT_EQ(numbersOf(tensor("t", {4}, 25).packed(5, {0xe4})),
            (Numbers{0, 1, 2, 3}));
  // int32_data holds a byte of two nibbles an entry.
  EXPECT_EQ(numbersOf(tensor("t", {3}, 22).packed(5, {0xf1, 0x07})),
            (Numbers{1, -1, 7}));
}

TEST(ImportTensor, SmallFloats) {
  struct {
    int ElemType;
    int64_t Code;
    double Value;
  } Rows[] = {
      {10, 0x3c00, 1.0},
      {10, 0xc000, -2.0},
      {10, 0x0001, 0x1p-24},
      {10, 0x7bff, 65504.0},
      {10, 0xfc00, -std::numeric_limits<double>::infinity()},
      {16, 0x3f80, 1.0},
      {16, 0xc040, -3.0},
      {17, 0x38, 1.0},
      {17, 0x7e, 448.0},
      {17, 0x01, 0x1p-9},
      {18, 0x40, 1.0},
      {18, 0x7f, 240.0},
      {19, 0x3c, 1.0},
      {19, 0x7b, 57344.0},
      {20, 0x40, 1.0},
      {20, 0x7f, 57344.0},
      {23, 0x07, 6.0},
      {23, 0x01, 0.5},
      {24, 127, 1.0},
      {24, 130, 8.0},
      {27, 0x1f, 7.5},
      {27, 0x01, 0.125},
      {28, 0x1f, 28.0},
      {28, 0x01, 0.0625},
  };
  for (const auto &Row : Rows)
    EXPECT_EQ(numbersOf(tensor("t", {}, Row.ElemType).packed(5, {Row.Code})),
              (Numbers{Row.Value}))
        << Row.ElemType << " " << Row.Code;
  for (auto [ElemType, Code] : {std::pair(10, 0x7e00),
                                {16, 0x7fc0},
                                {17, 0x7f},
                                {18, 0x80},
                                {19, 0x7f},
                                {20, 0x80},
                                {24, 0xff}})
    EXPECT_TRUE(
        std::isnan(numbersOf(tensor("t", {}, ElemType).packed(5, {Code}))[0]))
        << ElemType;
}

TEST(ImportTensor, Float6FillsABitstream) {
  // 4 codes 1, 2, 3, 0x1f: 24 bits, the first lowest.
  const uint32_t Bits = 1 | 2 << 6 | 3 << 12 | 0x1f << 18;
  const char Bytes[] = {static_cast<char>(Bits), static_cast<char>(Bits >> 8),
                        static_cast<char>(Bits >> 16)};
  EXPECT_EQ(numbersOf(tensor("t", {4}, 27).bytes(9, raw(Bytes, 3))),
            (Numbers{0.125, 0.25, 0.375, 7.5}));
}

TEST(ImportTensor, TypedFieldsPackedAndNot) {
  EXPECT_EQ(numbersOf(tensor("t", {3}, 7).packed(7, {4, -5, 6})),
            (Numbers{4, -5, 6}));
  EXPECT_EQ(numbersOf(tensor("t", {2}, 7).varint(7, 4).varint(7, ~0ull)),
            (Numbers{4, -1}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 6).packed(5, {-7})), (Numbers{-7}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 12).packed(11, {4000000000})),
            (Numbers{4000000000.0}));
  EXPECT_EQ(
      numbersOf(
          tensor("t", {2}, 1).fixed32(4, 0x3f800000).fixed32(4, 0xbf000000)),
      (Numbers{1.0, -0.5}));
  EXPECT_EQ(numbersOf(tensor("t", {1}, 1).bytes(4, raw("\0\0\x80\x3f", 4))),
            (Numbers{1.0}));
  EXPECT_EQ(
      numbersOf(tensor("t", {1}, 11).bytes(10, raw("\0\0\0\0\0\0\xf0\x3f", 8))),
      (Numbers{1.0}));
}

TEST(ImportTensor, KeepsSmallOnesAndScalars) {
  auto Kept = [](std::initializer_list<int64_t> Dims, int ElemType,
                 size_t Bytes) {
    Imported I = withInitializer(
        tensor("t", Dims, ElemType).bytes(9, std::string(Bytes, '\0')));
    EXPECT_TRUE(I.M) << I.Error;
    return I.M && I->Constants[0].Kept;
  };
  EXPECT_TRUE(Kept({4096}, 7, size_t(4096) * 8));
  EXPECT_FALSE(Kept({4097}, 7, size_t(4097) * 8));
  EXPECT_TRUE(Kept({8, 8}, 1, size_t(64) * 4));
  EXPECT_FALSE(Kept({65}, 1, size_t(65) * 4));
  EXPECT_TRUE(Kept({}, 11, 8));
  EXPECT_TRUE(Kept({0, 7}, 1, 0));
}

TEST(ImportTensor, UnkeptPayloadsAreNotLookedAt) {
  // 100 floats in one byte: nobody asks, nobody complains.
  Imported I = withInitializer(tensor("t", {100}, 1).bytes(9, "x"));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_FALSE(I->Constants[0].Kept);
  EXPECT_TRUE(I->Constants[0].Present);
}

// Who strips weights empties raw_data; a single number is no weight.
TEST(ImportTensor, EmptiedPayload) {
  Imported Stripped = withInitializer(tensor("t", {3}, 7).bytes(9, ""));
  ASSERT_TRUE(Stripped.M) << Stripped.Error;
  EXPECT_FALSE(Stripped->Constants[0].Present);
  EXPECT_EQ(withInitializer(tensor("t", {}, 1).bytes(9, "")).Error,
            "m.onnx: tensor 't': expected 1 fp32 elements, as its dims say, "
            "found raw_data of 0 bytes");
}

TEST(ImportTensor, NoElementType) {
  EXPECT_EQ(withInitializer(tensor("t", {2}, 0)).Error,
            "m.onnx: tensor 't': it has no element type");
}

TEST(ImportTensor, PayloadThatContradictsItsDims) {
  EXPECT_EQ(withInitializer(tensor("t", {3}, 7).bytes(9, "12345678")).Error,
            "m.onnx: tensor 't': expected 3 int64 elements, as its dims say, "
            "found raw_data of 8 bytes instead of 24");
  EXPECT_EQ(withInitializer(tensor("t", {3}, 7).packed(7, {1, 2})).Error,
            "m.onnx: tensor 't': expected 3 int64 elements, as its dims say, "
            "found 2 entries of int64_data instead of 3");
  EXPECT_EQ(withInitializer(tensor("t", {1}, 7).packed(7, {1, 2, 3})).Error,
            "m.onnx: tensor 't': expected 1 int64 elements, as its dims say, "
            "found more than 1 entries of int64_data instead of 1");
  EXPECT_EQ(withInitializer(tensor("t", {1}, 7).packed(5, {1})).Error,
            "m.onnx: tensor 't': expected 1 int64 elements, as its dims say, "
            "found no int64_data and no raw_data, but another field's payload");
}

TEST(ImportTensor, Dims) {
  EXPECT_EQ(withInitializer(tensor("t", {-1}, 7)).Error,
            "m.onnx: tensor 't': expected dims of 0 or more, found -1");
  EXPECT_EQ(withInitializer(tensor("t", {1ll << 40, 1ll << 40}, 7)).Error,
            "m.onnx: tensor 't': the product of its dims leaves 64 bits");
  Imported I = withInitializer(tensor("t", {}, 7).packed(1, {2, 3}));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->Constants[0].Dims, llvm::ArrayRef<int64_t>({2, 3}));
}

TEST(ImportTensor, ExternalAndMissingPayloads) {
  Imported I = withInitializer(tensor("t", {3}, 7).varint(14, 1));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_TRUE(I->Constants[0].External);
  EXPECT_FALSE(I->Constants[0].Present);
  EXPECT_FALSE(I->Constants[0].Kept);

  I = withInitializer(tensor("t", {3}, 7)); // weights stripped from the file
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_FALSE(I->Constants[0].External);
  EXPECT_FALSE(I->Constants[0].Present);
}

TEST(ImportTensor, StringsAndWhatIsNotKept) {
  Imported I =
      withInitializer(tensor("t", {2}, 8).bytes(6, "one").bytes(6, ""));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->Constants[0].Strings,
            llvm::ArrayRef<StringRef>({StringRef("one"), StringRef("")}));

  // 2^64 - 1 is a uint64, and no int64_t.
  I = withInitializer(tensor("t", {}, 13).packed(11, {-1}));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_FALSE(I->Constants[0].Kept);

  I = withInitializer(tensor("t", {}, 99).bytes(9, "x"));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(I->Constants[0].Elem, ElemType::Undefined);
  ASSERT_EQ(I->Warnings.size(), 1u);
}

TEST(ImportTensor, SparseOnesAreKeptAsTheDenseOnesTheyStandFor) {
  Message Values =
      tensor("s", {2}, 1).fixed32(4, 0x3f800000).fixed32(4, 0x40000000);
  auto Sparse = [&](const Message &Indices) {
    return importModel(model(Message().message(
        15,
        Message().message(1, Values).message(2, Indices).packed(3, {2, 3}))));
  };
  Imported I = Sparse(tensor("", {2}, 7).packed(7, {1, 5}));
  ASSERT_TRUE(I.M) << I.Error;
  const Constant &C = I->Constants[0];
  EXPECT_TRUE(C.Sparse);
  EXPECT_EQ(C.NonZeros, 2);
  EXPECT_EQ(numbers(C), (Numbers{0, 1, 0, 0, 0, 2}));
  EXPECT_EQ((*I)[find(*I, "s")].Const, ConstantId(0));

  I = Sparse(tensor("", {2, 2}, 7).packed(7, {0, 1, 1, 2}));
  ASSERT_TRUE(I.M) << I.Error;
  EXPECT_EQ(numbers(I->Constants[0]), (Numbers{0, 1, 0, 0, 0, 2}));

  EXPECT_EQ(Sparse(tensor("", {2}, 7).packed(7, {1, 6})).Error,
            "m.onnx: tensor 's': the index of its value 1 leaves its dims");
}

TEST(ImportTensor, ConstantNodes) {
  Imported I = importText(R"(
g (float[N] x) => (float[N] y) {
  i = Constant <value_int = 7> ()
  f = Constant <value_floats = [1.5, 2.5]> ()
  s = Constant <value_string = "abc"> ()
  t = Constant <value = int64[2] {3, 4}> ()
  y = Identity(x)
})");
  ASSERT_TRUE(I.M) << I.Error;
  auto ConstantOf = [&](StringRef Name) -> const Constant & {
    return (*I)[(*I)[find(*I, Name)].Const];
  };
  EXPECT_EQ(numbers(ConstantOf("i")), (Numbers{7}));
  EXPECT_TRUE(ConstantOf("i").Dims.empty());
  EXPECT_EQ(numbers(ConstantOf("f")), (Numbers{1.5, 2.5}));
  EXPECT_EQ(ConstantOf("f").Dims, llvm::ArrayRef<int64_t>({2}));
  EXPECT_EQ(ConstantOf("s").Strings,
            llvm::ArrayRef<StringRef>({StringRef("abc")}));
  EXPECT_EQ(numbers(ConstantOf("t")), (Numbers{3, 4}));
}

} // namespace
