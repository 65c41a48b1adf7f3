//===- Tensor.cpp - TensorProto and SparseTensorProto to Constant ---------===//
//
// Field numbers and encodings: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "Proto.h"
#include "SmallFloat.h"
#include "WireReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

namespace {

/// A repeated scalar field: packed arrays, or single elements as encoded. More
/// singles than are ever kept are counted only.
struct Array {
  SmallVector<StringRef, 1> Runs;
  bool Cut = false;

  bool empty() const { return Runs.empty(); }
  void add(StringRef Payload) {
    if (Payload.empty())
      return;
    if (Runs.size() > Constant::MaxKeptElements)
      Cut = true;
    else
      Runs.push_back(Payload);
  }
};

struct TensorMessage {
  StringRef Name;
  SmallVector<int64_t, 8> Dims;
  int64_t DataType = 0;
  bool External = false;
  bool Segment = false;
  bool HasRaw = false; ///< the field is there, be it empty
  StringRef Raw;
  Array Float, Int32, Int64, Double, Uint64;
  SmallVector<StringRef, 0> Strings;
  uint64_t NumStrings = 0;

  bool hasPayload() const {
    return !Raw.empty() || !Float.empty() || !Int32.empty() || !Int64.empty() ||
           !Double.empty() || !Uint64.empty() || NumStrings != 0;
  }
};

Error readMessage(StringRef Message, TensorMessage &T) {
  WireReader R(Message);
  for (WireField F; R.next(F);) {
    switch (F.Tag) {
    case varint(1):
      T.Dims.push_back(F.integer());
      break;
    case bytes(1):
      if (Error E = readPacked(F.Payload, "dims", T.Dims))
        return E;
      break;
    case varint(2):
      T.DataType = F.integer32();
      break;
    case bytes(3):
      T.Segment = true;
      break;
    case bytes(4):
    case fixed32(4):
      T.Float.add(F.Payload);
      break;
    case bytes(5):
    case varint(5):
      T.Int32.add(F.Payload);
      break;
    case bytes(6):
      if (T.NumStrings++ < Constant::MaxKeptElements)
        T.Strings.push_back(F.Payload);
      break;
    case bytes(7):
    case varint(7):
      T.Int64.add(F.Payload);
      break;
    case bytes(8):
      T.Name = F.Payload;
      break;
    case bytes(9):
      T.Raw = F.Payload;
      T.HasRaw = true;
      break;
    case bytes(10):
    case fixed64(10):
      T.Double.add(F.Payload);
      break;
    case bytes(11):
    case varint(11):
      T.Uint64.add(F.Payload);
      break;
    case varint(14):
      T.External = F.Number == 1;
      break;
    default:
      break;
    }
  }
  if (!R.damage().empty())
    return fail("TensorProto is damaged: " + R.damage());
  return Error::success();
}

Error contradicts(const Twine &Has, int64_t Count, ElemType Elem) {
  return fail("expected " + Twine(Count) + " " + elemTypeName(Elem) +
              " elements, as its dims say, found " + Has);
}

/// Bit patterns of a packed little-endian stream, first element lowest; what
/// raw_data is for every width, sub-byte ones included.
void unpackBits(StringRef Raw, unsigned Bits, SmallVectorImpl<uint64_t> &Codes,
                size_t Count) {
  for (size_t I = 0; I < Count; ++I) {
    size_t Bit = I * Bits;
    uint64_t Code = 0;
    for (size_t Byte = (Bit + Bits - 1) / 8 + 1; Byte-- > Bit / 8;)
      Code = Code << 8 | static_cast<uint8_t>(Raw[Byte]);
    Codes.push_back(Code >> (Bit % 8) & llvm::maskTrailingOnes<uint64_t>(Bits));
  }
}

/// Reads at most Limit varints.
Error readVarints(const Array &From, SmallVectorImpl<uint64_t> &To,
                  size_t Limit) {
  for (StringRef Run : From.Runs) {
    WireReader R(Run);
    for (uint64_t Value; To.size() < Limit && R.nextVarint(Value);)
      To.push_back(Value);
    if (!R.damage().empty())
      return fail("its payload is damaged: " + R.damage());
  }
  return Error::success();
}

/// Reads at most Limit numbers of Bytes bytes each.
Error readFixed(const Array &From, unsigned Bytes,
                SmallVectorImpl<uint64_t> &To, size_t Limit) {
  for (StringRef Run : From.Runs) {
    if (Run.size() % Bytes != 0)
      return fail("its payload is damaged: " + Twine(Run.size()) +
                  " bytes hold no whole number of " + Twine(Bytes) +
                  "-byte elements");
    size_t N = std::min(Run.size() / Bytes, Limit - To.size());
    unpackBits(Run, Bytes * 8, To, N);
  }
  return Error::success();
}

/// The Count elements' bit patterns, from whichever field the type uses.
Error readCodes(const TensorMessage &T, ElemType Elem, size_t Count,
                SmallVectorImpl<uint64_t> &Codes) {
  const unsigned Bits = elemBits(Elem);
  if (!T.Raw.empty()) {
    uint64_t Needed = llvm::divideCeil(uint64_t(Count) * Bits, 8);
    if (T.Raw.size() != Needed)
      return contradicts("raw_data of " + Twine(T.Raw.size()) +
                             " bytes instead of " + Twine(Needed),
                         Count, Elem);
    unpackBits(T.Raw, Bits, Codes, Count);
    return Error::success();
  }

  // Below a byte, an int32_data entry holds a byte full of elements; of the
  // 6-bit floats it holds one.
  const unsigned PerEntry = Bits < 8 && Bits != 6 ? 8 / Bits : 1;
  const size_t Entries = llvm::divideCeil(Count, PerEntry);
  const Array *Field = nullptr;
  StringRef FieldName;
  Error Read = Error::success();
  switch (Elem) {
  case ElemType::Float32:
    Field = &T.Float, FieldName = "float_data";
    Read = readFixed(T.Float, 4, Codes, Entries + 1);
    break;
  case ElemType::Float64:
    Field = &T.Double, FieldName = "double_data";
    Read = readFixed(T.Double, 8, Codes, Entries + 1);
    break;
  case ElemType::Int64:
    Field = &T.Int64, FieldName = "int64_data";
    Read = readVarints(T.Int64, Codes, Entries + 1);
    break;
  case ElemType::UInt32:
  case ElemType::UInt64:
    Field = &T.Uint64, FieldName = "uint64_data";
    Read = readVarints(T.Uint64, Codes, Entries + 1);
    break;
  default:
    Field = &T.Int32, FieldName = "int32_data";
    Read = readVarints(T.Int32, Codes, Entries + 1);
  }
  if (Read)
    return Read;
  if (Field->empty())
    return contradicts("no " + FieldName +
                           " and no raw_data, but another "
                           "field's payload",
                       Count, Elem);
  if (Codes.size() != Entries || Field->Cut)
    return contradicts(
        (Codes.size() > Entries || Field->Cut ? "more than " + Twine(Entries)
                                              : Twine(Codes.size())) +
            " entries of " + FieldName + " instead of " + Twine(Entries),
        Count, Elem);
  if (PerEntry > 1) {
    std::string Packed;
    for (uint64_t Code : Codes)
      Packed.push_back(static_cast<char>(Code));
    Codes.clear();
    unpackBits(Packed, Bits, Codes, Count);
  }
  for (uint64_t &Code : Codes)
    Code &= llvm::maskTrailingOnes<uint64_t>(Bits);
  return Error::success();
}

/// Whether a payload of this many elements is kept (Model.h, Constant).
bool isKept(ElemType Elem, int64_t Count) {
  switch (elemClass(Elem)) {
  case ElemClass::Float:
    return Count <= Constant::MaxKeptFloats;
  case ElemClass::Signed:
  case ElemClass::Unsigned:
  case ElemClass::Bool:
  case ElemClass::String:
    return Count <= Constant::MaxKeptElements;
  case ElemClass::None:
  case ElemClass::Complex:
    return false;
  }
  return false;
}

Error keepStrings(const TensorMessage &T, int64_t Count, Model &M,
                  Constant &C) {
  if (T.NumStrings != static_cast<uint64_t>(Count))
    return contradicts(Twine(T.NumStrings) + " of string_data", Count, C.Elem);
  C.Strings = M.save(ArrayRef(T.Strings));
  C.Kept = true;
  return Error::success();
}

Error keepPayload(const TensorMessage &T, int64_t Count, Model &M,
                  Constant &C) {
  SmallVector<uint64_t, 16> Codes;
  if (Error E = readCodes(T, C.Elem, static_cast<size_t>(Count), Codes))
    return E;

  const unsigned Bits = elemBits(C.Elem);
  if (isFloat(C.Elem)) {
    SmallVector<double, 16> Floats;
    for (uint64_t Code : Codes)
      Floats.push_back(decodeFloat(C.Elem, Code));
    C.Floats = M.save(ArrayRef<double>(Floats));
    C.Kept = true;
    return Error::success();
  }

  SmallVector<int64_t, 16> Ints;
  for (uint64_t Code : Codes) {
    int64_t Value = static_cast<int64_t>(Code);
    if (C.Elem == ElemType::Bool)
      Value = Code != 0;
    else if (elemClass(C.Elem) == ElemClass::Signed)
      Value = llvm::SignExtend64(Code, Bits);
    else if (Value < 0) // a uint64 that Ints cannot say: better not kept
      return Error::success();
    Ints.push_back(Value);
  }
  C.Ints = M.save(ArrayRef<int64_t>(Ints));
  C.Kept = true;
  return Error::success();
}

ElemType readElemType(int64_t Number, Leniencies &Accepted) {
  if (std::optional<ElemType> Elem = elemTypeFromOnnx(Number))
    return *Elem;
  ++Accepted.UnknownElemTypes;
  return ElemType::Undefined;
}

/// Sets dims and returns their product.
Error setDims(ArrayRef<int64_t> Dims, Model &M, Constant &C, int64_t &Count) {
  for (int64_t Dim : Dims)
    if (Dim < 0)
      return fail("expected dims of 0 or more, found " + Twine(Dim));
  C.Dims = M.save(Dims);
  std::optional<int64_t> Product = C.numElements();
  if (!Product)
    return fail("the product of its dims leaves 64 bits");
  Count = *Product;
  return Error::success();
}

Error readTensorBody(StringRef Message, Model &M, Leniencies &Accepted,
                     StringRef &Name, Constant &C) {
  TensorMessage T;
  Error Read = readMessage(Message, T);
  Name = T.Name;
  if (Read)
    return Read;

  if (T.DataType == 0 && !T.External)
    return fail("it has no element type");
  C.Elem = readElemType(T.DataType, Accepted);
  int64_t Count = 0;
  if (Error E = setDims(T.Dims, M, C, Count))
    return E;
  // Who strips weights empties raw_data; nobody strips a single number.
  if (T.HasRaw && Count == 1 && !T.External && !T.hasPayload())
    return contradicts("raw_data of 0 bytes", Count, C.Elem);
  C.External = T.External;
  C.Present = !T.External && (Count == 0 || T.hasPayload());
  C.Message = Message;
  if (C.Present && !T.Segment)
    C.Payload = T.Raw;
  if (!C.Present || T.Segment || !isKept(C.Elem, Count))
    return Error::success();
  if (Count == 0) {
    C.Kept = true;
    return Error::success();
  }
  if (C.Elem == ElemType::String)
    return keepStrings(T, Count, M, C);
  return keepPayload(T, Count, M, C);
}

Error inTensor(StringRef Name, Error E) {
  if (!E || Name.empty())
    return E;
  return inside("tensor '" + Name + "'", std::move(E));
}

/// Where in the dense tensor a stored value stands. Indices are linear (one a
/// value) or coordinates (one a dimension a value).
std::optional<int64_t> densePosition(const Constant &Indices, size_t Value,
                                     ArrayRef<int64_t> Dims) {
  if (Indices.Dims.size() == 1)
    return Indices.Ints[Value];
  int64_t Position = 0;
  for (size_t D = 0; D < Dims.size(); ++D) {
    int64_t Coordinate = Indices.Ints[Value * Dims.size() + D];
    if (Coordinate < 0 || Coordinate >= Dims[D])
      return std::nullopt;
    Position = Position * Dims[D] + Coordinate;
  }
  return Position;
}

/// Keeps a sparse tensor as the dense one that it stands for.
Error densify(const Constant &Values, const Constant &Indices, int64_t Count,
              Model &M, Constant &C) {
  if (!Values.Kept || !Indices.Kept || !isKept(C.Elem, Count) ||
      C.Elem == ElemType::String)
    return Error::success();

  const size_t Stored = static_cast<size_t>(C.NonZeros);
  const size_t PerValue = Indices.Dims.size() == 1 ? 1 : C.Dims.size();
  if (Indices.Ints.size() != Stored * PerValue)
    return fail("expected " + Twine(Stored * PerValue) +
                " indices for its values, found " + Twine(Indices.Ints.size()));

  SmallVector<int64_t, 16> Ints(isFloat(C.Elem) ? 0 : Count);
  SmallVector<double, 16> Floats(isFloat(C.Elem) ? Count : 0);
  for (size_t I = 0; I < Stored; ++I) {
    std::optional<int64_t> Position = densePosition(Indices, I, C.Dims);
    if (!Position || *Position < 0 || *Position >= Count)
      return fail("the index of its value " + Twine(I) + " leaves its dims");
    if (isFloat(C.Elem))
      Floats[*Position] = Values.Floats[I];
    else
      Ints[*Position] = Values.Ints[I];
  }
  C.Ints = M.save(ArrayRef<int64_t>(Ints));
  C.Floats = M.save(ArrayRef<double>(Floats));
  C.Kept = true;
  return Error::success();
}

Error readSparseBody(StringRef Message, Model &M, Leniencies &Accepted,
                     StringRef &Name, Constant &C) {
  Constant Values, Indices;
  SmallVector<int64_t, 8> Dims;
  bool HasValues = false;
  WireReader R(Message);
  for (WireField F; R.next(F);) {
    StringRef Unused;
    switch (F.Tag) {
    case bytes(1):
      HasValues = true;
      if (Error E = readTensorBody(F.Payload, M, Accepted, Name, Values))
        return inside("values", std::move(E));
      break;
    case bytes(2):
      if (Error E = readTensorBody(F.Payload, M, Accepted, Unused, Indices))
        return inside("indices", std::move(E));
      break;
    case varint(3):
      Dims.push_back(F.integer());
      break;
    case bytes(3):
      if (Error E = readPacked(F.Payload, "dims", Dims))
        return E;
      break;
    default:
      break;
    }
  }
  if (!R.damage().empty())
    return fail("SparseTensorProto is damaged: " + R.damage());
  if (!HasValues)
    return fail("SparseTensorProto has no values");

  C.Elem = Values.Elem;
  C.Sparse = true;
  C.External = Values.External || Indices.External;
  C.Present = Values.Present && Indices.Present;
  C.Message = Message;
  C.NonZeros = Values.numElements().value_or(0);
  int64_t Count = 0;
  if (Error E = setDims(Dims, M, C, Count))
    return E;
  return densify(Values, Indices, Count, M, C);
}

ConstantId add(const Constant &C, Model &M) {
  M.Constants.push_back(C);
  return ConstantId(M.Constants.size() - 1);
}

} // namespace

Error readTensor(StringRef Message, Model &M, Leniencies &Accepted,
                 StringRef &Name, ConstantId &Result) {
  Constant C;
  if (Error E = readTensorBody(Message, M, Accepted, Name, C))
    return inTensor(Name, std::move(E));
  Result = add(C, M);
  return Error::success();
}

Error readSparseTensor(StringRef Message, Model &M, Leniencies &Accepted,
                       StringRef &Name, ConstantId &Result) {
  Constant C;
  if (Error E = readSparseBody(Message, M, Accepted, Name, C))
    return inTensor(Name, std::move(E));
  Result = add(C, M);
  return Error::success();
}

ConstantId constantOfAttribute(const Attribute &A, Model &M) {
  if (A.Name == "value" || A.Name == "sparse_value")
    return A.Tensor;

  Constant C;
  int64_t Count = 1;
  if (A.Name == "value_int" && A.Kind == AttrKind::Int) {
    C.Elem = ElemType::Int64;
    C.Ints = M.save(ArrayRef(A.I));
  } else if (A.Name == "value_float" && A.Kind == AttrKind::Float) {
    C.Elem = ElemType::Float32;
    C.Floats = M.save(ArrayRef(A.F));
  } else if (A.Name == "value_string" && A.Kind == AttrKind::String) {
    C.Elem = ElemType::String;
    C.Strings = M.save(ArrayRef(A.S));
  } else if (A.Name == "value_ints" && A.Kind == AttrKind::Ints) {
    C.Elem = ElemType::Int64;
    C.Ints = A.Ints;
    Count = static_cast<int64_t>(A.Ints.size());
  } else if (A.Name == "value_floats" && A.Kind == AttrKind::Floats) {
    C.Elem = ElemType::Float32;
    C.Floats = A.Floats;
    Count = static_cast<int64_t>(A.Floats.size());
  } else if (A.Name == "value_strings" && A.Kind == AttrKind::Strings) {
    C.Elem = ElemType::String;
    C.Strings = A.Strings;
    Count = static_cast<int64_t>(A.Strings.size());
  } else {
    return {};
  }

  if (A.Name.ends_with("s"))
    C.Dims = M.save(ArrayRef(Count));
  C.Kept = isKept(C.Elem, Count);
  if (!C.Kept) {
    C.Ints = {};
    C.Floats = {};
    C.Strings = {};
  }
  return add(C, M);
}

} // namespace xfa::import
