//===- Encode.cpp ---------------------------------------------------------===//
//
// Field numbers and encodings: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "Encode.h"

#include "../Import/WireReader.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::Expected;
using llvm::StringRef;

namespace xfa::wire {

using import::WireField;
using import::WireReader;

void RestMerger::upTo(uint32_t Field) {
  WireReader R(Left);
  size_t Done = 0;
  for (WireField F; R.next(F) && F.Tag >> 3 < Field;) {
    Done += R.raw().size();
    if (!llvm::is_contained(Known, F.Tag >> 3))
      To.raw(R.raw());
  }
  Left = Left.drop_front(Done);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {

StringRef nameOf(StringRef Message) {
  StringRef Name;
  WireReader R(Message);
  for (WireField F; R.next(F);)
    if (F.Tag == import::bytes(8))
      Name = F.Payload;
  return Name;
}

/// The message under another name; the payload stays where it is.
WireWriter renamed(StringRef Message, StringRef Name, bool Sparse) {
  WireWriter W;
  bool Named = false;
  auto WriteName = [&] {
    if (!Named && !Sparse)
      W.text(8, Name);
    Named = true;
  };
  WireReader R(Message);
  for (WireField F; R.next(F);) {
    const uint32_t Number = F.Tag >> 3;
    if (Sparse) { // its name is that of its values, field 1
      if (F.Tag == import::bytes(1))
        W.message(1, renamed(F.Payload, Name, false));
      else
        W.raw(R.raw());
      continue;
    }
    if (Number > 8)
      WriteName();
    if (Number != 8)
      W.raw(R.raw());
  }
  WriteName();
  return W;
}

/// The format of a float type; null for those that no arithmetic here knows.
const llvm::fltSemantics *semantics(ElemType Elem) {
  switch (Elem) {
  case ElemType::Float32:
    return &llvm::APFloat::IEEEsingle();
  case ElemType::Float64:
    return &llvm::APFloat::IEEEdouble();
  case ElemType::Float16:
    return &llvm::APFloat::IEEEhalf();
  case ElemType::BFloat16:
    return &llvm::APFloat::BFloat();
  case ElemType::Float8E4M3FN:
    return &llvm::APFloat::Float8E4M3FN();
  case ElemType::Float8E4M3FNUZ:
    return &llvm::APFloat::Float8E4M3FNUZ();
  case ElemType::Float8E5M2:
    return &llvm::APFloat::Float8E5M2();
  case ElemType::Float8E5M2FNUZ:
    return &llvm::APFloat::Float8E5M2FNUZ();
  default:
    return nullptr;
  }
}

/// raw_data of what is kept: little-endian, below a byte the first element
/// lowest.
Expected<std::string> payload(const Constant &C, StringRef Name) {
  const unsigned Bits = elemBits(C.Elem);
  std::vector<uint64_t> Codes;
  if (isFloat(C.Elem)) {
    const llvm::fltSemantics *Format = semantics(C.Elem);
    if (!Format)
      return llvm::createStringError("cannot encode the constant '" + Name +
                                     "': its type is " + elemTypeName(C.Elem));
    for (double D : C.Floats) {
      llvm::APFloat F(D);
      bool Lossy;
      F.convert(*Format, llvm::APFloat::rmNearestTiesToEven, &Lossy);
      Codes.push_back(F.bitcastToAPInt().getZExtValue());
    }
  } else {
    for (int64_t I : C.Ints)
      Codes.push_back(static_cast<uint64_t>(I));
  }
  std::string Raw((Codes.size() * Bits + 7) / 8, '\0');
  for (size_t I = 0; I < Codes.size(); ++I)
    for (unsigned B = 0; B < Bits; ++B)
      if (Codes[I] >> B & 1)
        Raw[(I * Bits + B) / 8] |= static_cast<char>(1u << (I * Bits + B) % 8);
  return Raw;
}

} // namespace

Expected<WireWriter> encodeTensor(const Constant &C,
                                  std::optional<StringRef> Name) {
  if (!C.Message.empty()) {
    StringRef Named = C.Message;
    if (C.Sparse) {
      WireReader R(C.Message);
      for (WireField F; R.next(F);)
        if (F.Tag == import::bytes(1))
          Named = F.Payload;
    }
    if (Name && nameOf(Named) != *Name)
      return renamed(C.Message, *Name, C.Sparse);
    WireWriter W;
    W.raw(C.Message);
    return W;
  }
  const StringRef Text = Name.value_or("");
  if (!C.Kept || C.Sparse)
    return llvm::createStringError("the contents of the constant '" + Text +
                                   "' are known to nobody");
  WireWriter W;
  for (int64_t Dim : C.Dims)
    W.varint(1, static_cast<uint64_t>(Dim));
  W.varint(2, static_cast<uint64_t>(C.Elem));
  if (C.Elem == ElemType::String) {
    for (StringRef S : C.Strings)
      W.bytes(6, S);
    W.text(8, Text);
    return W;
  }
  Expected<std::string> Raw = payload(C, Text);
  if (!Raw)
    return Raw.takeError();
  W.text(8, Text);
  W.owned(9, *Raw);
  return W;
}

//===----------------------------------------------------------------------===//
// Types, entries
//===----------------------------------------------------------------------===//

namespace {

WireWriter encodeDim(const DeclaredDim &D) {
  WireWriter W;
  if (D.Kind == DeclaredDim::Number)
    W.varint(1, static_cast<uint64_t>(D.Value));
  else if (D.Kind == DeclaredDim::Name)
    W.bytes(2, D.Symbol);
  return W;
}

/// TypeProto.Tensor and SparseTensor.
WireWriter encodeTensorType(const DeclaredType &T) {
  WireWriter W;
  W.varint(1, static_cast<uint64_t>(T.Elem));
  if (T.HasShape) {
    WireWriter Shape;
    for (const DeclaredDim &D : T.Dims)
      Shape.message(1, encodeDim(D));
    W.message(2, Shape);
  }
  return W;
}

} // namespace

WireWriter encodeType(const Model &M, const DeclaredType &T) {
  WireWriter W;
  if (!T.Message.empty()) {
    W.raw(T.Message);
    return W;
  }
  WireWriter Inner;
  switch (T.Kind) {
  case DeclaredType::Tensor:
    W.message(1, encodeTensorType(T));
    break;
  case DeclaredType::SparseTensor:
    W.message(8, encodeTensorType(T));
    break;
  case DeclaredType::Sequence:
  case DeclaredType::Optional:
    if (T.Element)
      Inner.message(1, encodeType(M, M[T.Element]));
    W.message(T.Kind == DeclaredType::Sequence ? 4 : 9, Inner);
    break;
  case DeclaredType::Map:
    Inner.varint(1, static_cast<uint64_t>(T.Elem));
    if (T.Element)
      Inner.message(2, encodeType(M, M[T.Element]));
    W.message(5, Inner);
    break;
  }
  return W;
}

WireWriter encodeEntry(const Metadata &Entry) {
  WireWriter W;
  W.bytes(1, Entry.Key);
  W.bytes(2, Entry.Text);
  return W;
}

WireWriter encodeOpset(const OpsetImport &Import) {
  WireWriter W;
  W.text(1, Import.Domain);
  W.varint(2, static_cast<uint64_t>(Import.Version));
  return W;
}

} // namespace xfa::wire
