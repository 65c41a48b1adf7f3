//===- WireReader.h - protobuf's wire format, one message -----------------===//
//
// A message is a row of fields: a tag (field number and wire type), then a
// varint, 4 or 8 bytes, or a length and that many bytes. The reader yields one
// field at a time and never looks at the bytes of a length-delimited field, so
// those of weights stay on disk. Lengths have 64 bits; each is held against
// what is left.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_IMPORT_WIREREADER_H
#define XFA_LIB_IMPORT_WIREREADER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <cstdint>
#include <string>

namespace xfa::import {

enum class Wire : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// A field's tag as it stands on the wire: what `switch` compares.
constexpr uint32_t tag(uint32_t Number, Wire Type) {
  return Number << 3 | static_cast<uint32_t>(Type);
}
constexpr uint32_t varint(uint32_t Number) { return tag(Number, Wire::Varint); }
constexpr uint32_t bytes(uint32_t Number) { return tag(Number, Wire::Bytes); }
constexpr uint32_t fixed32(uint32_t Number) {
  return tag(Number, Wire::Fixed32);
}
constexpr uint32_t fixed64(uint32_t Number) {
  return tag(Number, Wire::Fixed64);
}

struct WireField {
  uint32_t Tag = 0;
  /// Varint, Fixed32 and Fixed64: the number.
  uint64_t Number = 0;
  /// Bytes: the payload. Otherwise the number as encoded, so that one element
  /// of an unpacked array reads as a packed array of one.
  llvm::StringRef Payload;

  int64_t integer() const { return static_cast<int64_t>(Number); }
  /// int32 and enums: protobuf drops what lies above 32 bits.
  int32_t integer32() const { return static_cast<int32_t>(Number); }
  float real32() const {
    return llvm::bit_cast<float>(static_cast<uint32_t>(Number));
  }
};

class WireReader {
public:
  explicit WireReader(llvm::StringRef Message)
      : Next(Message.begin()), End(Message.end()) {}

  /// Reads a field. False at the message's end and on damage.
  bool next(WireField &Field) {
    if (Next == End || !Damage.empty())
      return false;
    Begin = Next;
    uint64_t Tag;
    if (!readVarint(Tag))
      return false;
    if (Tag > UINT32_MAX || Tag < 8)
      return damaged("a field has the number " + std::to_string(Tag >> 3) +
                     ", which protobuf does not allow");
    Field.Tag = static_cast<uint32_t>(Tag);
    const char *Start = Next;
    switch (Tag & 7) {
    case 0:
      if (!readVarint(Field.Number))
        return false;
      break;
    case 1:
      if (left() < 8)
        return truncated(Tag, 8);
      Field.Number = llvm::support::endian::read64le(Next);
      Next += 8;
      break;
    case 2: {
      uint64_t Length;
      if (!readVarint(Length))
        return false;
      if (Length > left())
        return truncated(Tag, Length);
      Start = Next;
      Next += Length;
      break;
    }
    case 5:
      if (left() < 4)
        return truncated(Tag, 4);
      Field.Number = llvm::support::endian::read32le(Next);
      Next += 4;
      break;
    default:
      return damaged("field " + std::to_string(Tag >> 3) +
                     " has the wire type " + std::to_string(Tag & 7) +
                     ", which ONNX does not use");
    }
    Field.Payload = llvm::StringRef(Start, static_cast<size_t>(Next - Start));
    return true;
  }

  /// The last field as it stands, tag and length included.
  llvm::StringRef raw() const {
    return llvm::StringRef(Begin, static_cast<size_t>(Next - Begin));
  }

  /// Why next() stopped before the end; empty where it did not.
  const std::string &damage() const { return Damage; }

  /// Steps through the varints of a packed array. False at its end and on
  /// damage.
  bool nextVarint(uint64_t &Value) {
    return Next != End && Damage.empty() && readVarint(Value);
  }

private:
  size_t left() const { return static_cast<size_t>(End - Next); }

  bool readVarint(uint64_t &Value) {
    uint64_t Result = 0;
    for (unsigned Shift = 0; Shift < 70; Shift += 7) {
      if (Next == End)
        return damaged("a number is cut off");
      uint64_t Byte = static_cast<uint8_t>(*Next++);
      if (Shift < 64)
        Result |= (Byte & 0x7f) << Shift;
      if (Byte < 0x80) {
        Value = Result;
        return true;
      }
    }
    return damaged("a number has more than ten bytes");
  }

  bool truncated(uint64_t Tag, uint64_t Length) {
    return damaged("field " + std::to_string(Tag >> 3) + " claims " +
                   std::to_string(Length) + " bytes where " +
                   std::to_string(left()) + " are left");
  }

  bool damaged(std::string Why) {
    Damage = std::move(Why);
    return false;
  }

  const char *Begin = nullptr, *Next, *End;
  std::string Damage;
};

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_WIREREADER_H
