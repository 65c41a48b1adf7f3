//===- WireReaderTest.cpp - protobuf's wire format ------------------------===//

#include "../../../lib/Import/WireReader.h"

#include "ImportTestSupport.h"

using namespace xfa::import;
using llvm::StringRef;
using xfa::test::Message;

namespace {

TEST(WireReader, Fields) {
  std::string Bytes =
      Message().varint(1, ~0ull).bytes(200, "abc").fixed32(4, 0x3f800000).str();
  WireReader R(Bytes);
  WireField F;
  ASSERT_TRUE(R.next(F));
  EXPECT_EQ(F.Tag, varint(1));
  EXPECT_EQ(F.integer(), -1);
  ASSERT_TRUE(R.next(F));
  EXPECT_EQ(F.Tag, bytes(200));
  EXPECT_EQ(F.Payload, "abc");
  ASSERT_TRUE(R.next(F));
  EXPECT_EQ(F.Tag, fixed32(4));
  EXPECT_EQ(F.real32(), 1.0f);
  EXPECT_EQ(F.Payload, StringRef("\0\0\x80\x3f", 4));
  EXPECT_FALSE(R.next(F));
  EXPECT_EQ(R.damage(), "");
}

TEST(WireReader, Damage) {
  auto Damage = [](StringRef Bytes) {
    WireReader R(Bytes);
    for (WireField F; R.next(F);)
      ;
    return R.damage();
  };
  EXPECT_EQ(Damage(""), "");
  EXPECT_EQ(Damage("\x0a\x05"
                   "abc"),
            "field 1 claims 5 bytes where 3 are left");
  EXPECT_EQ(Damage("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            "field 1 claims 18446744073709551615 bytes where 0 are left");
  EXPECT_EQ(Damage("\x08\x80"), "a number is cut off");
  EXPECT_EQ(Damage("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            "a number has more than ten bytes");
  EXPECT_EQ(Damage("\x09"
                   "1234"),
            "field 1 claims 8 bytes where 4 are left");
  EXPECT_EQ(Damage("\x0b"), "field 1 has the wire type 3, which ONNX does not "
                            "use");
  EXPECT_EQ(Damage(StringRef("\0\0", 2)),
            "a field has the number 0, which protobuf does not allow");
}

} // namespace
