//===- ProtoTypes.cpp - TypeProto and ValueInfoProto ----------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2.
//
//===----------------------------------------------------------------------===//

#include "ProtoReader.h"

using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

Error Reader::dimension(StringRef Bytes, DeclaredDim &D) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      D = DeclaredDim();
      if (F.integer() < 0) {
        ++P.Accepted.NegativeDims;
        continue;
      }
      D.Kind = DeclaredDim::Number;
      D.Value = F.integer();
    } else if (F.Tag == bytes(2)) {
      D = DeclaredDim();
      if (F.Payload.empty())
        continue;
      D.Kind = DeclaredDim::Name;
      D.Symbol = F.Payload;
    }
  }
  return damaged(R, "TensorShapeProto.Dimension");
}

Error Reader::shape(StringRef Bytes, DeclaredType &T) {
  SmallVector<DeclaredDim, 8> Dims;
  WireReader R(Bytes);
  for (WireField F; R.next(F);)
    if (F.Tag == bytes(1))
      if (Error E = dimension(F.Payload, Dims.emplace_back()))
        return E;
  T.HasShape = true;
  T.Dims = M.save(ArrayRef<DeclaredDim>(Dims));
  return damaged(R, "TensorShapeProto");
}

Error Reader::tensorType(StringRef Bytes, DeclaredType &T) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      std::optional<ElemType> Elem = elemTypeFromOnnx(F.integer());
      P.Accepted.UnknownElemTypes += !Elem;
      T.Elem = Elem.value_or(ElemType::Undefined);
    } else if (F.Tag == bytes(2)) {
      if (Error E = shape(F.Payload, T))
        return E;
    }
  }
  return damaged(R, "TypeProto.Tensor");
}

/// TypeProto.Sequence, Optional and Map: field 1 is the element's type or the
/// key's, field 2 the type of a map's values.
Error Reader::elementType(StringRef Bytes, unsigned Depth, DeclaredType &T) {
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == varint(1)) {
      std::optional<ElemType> Elem = elemTypeFromOnnx(F.integer());
      P.Accepted.UnknownElemTypes += !Elem;
      T.Elem = Elem.value_or(ElemType::Undefined);
    } else if (F.Tag == bytes(T.Kind == DeclaredType::Map ? 2 : 1)) {
      if (Error E = type(F.Payload, Depth + 1, T.Element))
        return E;
    }
  }
  return damaged(R, "TypeProto");
}

Error Reader::type(StringRef Bytes, unsigned Depth, TypeId &Result) {
  if (Depth > MaxDepth)
    return fail("types stand more than " + Twine(MaxDepth) +
                " deep in each other");
  DeclaredType T;
  bool Known = false;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    Error E = Error::success();
    switch (F.Tag) {
    case bytes(1):
    case bytes(8):
      T = DeclaredType();
      T.Kind =
          F.Tag == bytes(1) ? DeclaredType::Tensor : DeclaredType::SparseTensor;
      E = tensorType(F.Payload, T);
      break;
    case bytes(4):
    case bytes(9):
    case bytes(5):
      T = DeclaredType();
      T.Kind = F.Tag == bytes(4)   ? DeclaredType::Sequence
               : F.Tag == bytes(9) ? DeclaredType::Optional
                                   : DeclaredType::Map;
      E = elementType(F.Payload, Depth, T);
      break;
    default:
      continue;
    }
    if (E)
      return E;
    Known = true;
  }
  if (Error E = damaged(R, "TypeProto"))
    return E;
  if (Known) {
    T.Message = Bytes;
    M.Types.push_back(T);
    Result = TypeId(M.Types.size() - 1);
  }
  return Error::success();
}

Error Reader::valueInfo(StringRef Bytes, ProtoValueInfo &V) {
  StringRef Type;
  RestOfMessage Rest;
  WireReader R(Bytes);
  for (WireField F; R.next(F);) {
    if (F.Tag == bytes(1))
      V.Name = F.Payload;
    else if (F.Tag == bytes(2))
      Type = F.Payload;
    else
      Rest.add(R.raw());
  }
  V.Message = Bytes;
  V.Rest = Rest.save(M);
  Error E = damaged(R, "ValueInfoProto");
  if (!E && !Type.empty())
    E = type(Type, 0, V.Type);
  return E ? inside("value '" + V.Name + "'", std::move(E)) : Error::success();
}

} // namespace xfa::import
