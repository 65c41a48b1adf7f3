//===- WireWriter.h - protobuf's wire format, one message -----------------===//
//
// A message under construction: short fields lie in a buffer of its own, long
// ones stay where they are and are referred to. A message that goes into
// another hands both over, so no payload is ever copied.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_EXPORT_WIREWRITER_H
#define XFA_LIB_EXPORT_WIREWRITER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/bit.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xfa::wire {

class WireWriter {
public:
  void varint(uint32_t Field, uint64_t Value) {
    number(uint64_t(Field) << 3);
    number(Value);
  }
  void fixed32(uint32_t Field, uint32_t Value) {
    number(uint64_t(Field) << 3 | 5);
    for (unsigned Shift = 0; Shift < 32; Shift += 8)
      Own.push_back(static_cast<char>(Value >> Shift));
  }
  void bytes(uint32_t Field, llvm::StringRef Payload) {
    number(uint64_t(Field) << 3 | 2);
    number(Payload.size());
    raw(Payload);
  }
  /// Only if there is something to say.
  void text(uint32_t Field, llvm::StringRef Payload) {
    if (!Payload.empty())
      bytes(Field, Payload);
  }
  void message(uint32_t Field, const WireWriter &Inner) {
    number(uint64_t(Field) << 3 | 2);
    number(Inner.size());
    const size_t Start = Own.size();
    Own += Inner.Own;
    for (const Slice &S : Inner.Slices)
      Slices.push_back({Start + S.At, S.Bytes});
    Referred += Inner.Referred;
  }
  /// The same, copied however long: Payload may go away.
  void owned(uint32_t Field, llvm::StringRef Payload) {
    number(uint64_t(Field) << 3 | 2);
    number(Payload.size());
    Own += Payload;
  }
  /// Whole fields, or a payload, as they stand.
  void raw(llvm::StringRef Bytes) {
    if (Bytes.size() < Long) {
      Own += Bytes;
      return;
    }
    Slices.push_back({Own.size(), Bytes});
    Referred += Bytes.size();
  }

  uint64_t size() const { return Own.size() + Referred; }

  /// In Pieces the message in order, as slices of Buffer
  /// (which receives the short fields) and of what was referred to.
  void finish(std::string &Buffer, std::vector<llvm::StringRef> &Pieces) && {
    Buffer = std::move(Own);
    llvm::StringRef Short = Buffer;
    size_t Done = 0;
    for (const Slice &S : Slices) {
      if (S.At != Done)
        Pieces.push_back(Short.slice(Done, S.At));
      Done = S.At;
      Pieces.push_back(S.Bytes);
    }
    if (Done != Short.size())
      Pieces.push_back(Short.drop_front(Done));
  }

private:
  struct Slice {
    size_t At; ///< in Own
    llvm::StringRef Bytes;
  };
  static constexpr size_t Long = 1024;

  void number(uint64_t Value) {
    for (; Value >= 0x80; Value >>= 7)
      Own.push_back(static_cast<char>(Value | 0x80));
    Own.push_back(static_cast<char>(Value));
  }

  std::string Own;
  std::vector<Slice> Slices;
  uint64_t Referred = 0;
};

} // namespace xfa::wire

#endif // XFA_LIB_EXPORT_WIREWRITER_H
