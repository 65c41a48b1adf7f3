//===- Export.cpp - text, files -------------------------------------------===//

#include "xfa/Export/Export.h"

#include "xfa/Export/WholeFile.h"

#include "llvm/ADT/Twine.h"

#include "onnx/defs/parser.h"
#include "onnx/defs/printer.h"

#include <exception>
#include <limits>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace xfa {

uint64_t Exported::size() const {
  uint64_t Size = 0;
  for (StringRef Piece : Pieces)
    Size += Piece.size();
  return Size;
}

std::string Exported::str() const {
  std::string Result;
  Result.reserve(size());
  for (StringRef Piece : Pieces)
    Result += Piece;
  return Result;
}

namespace {

/// What the text format has no words for, though it changes what is computed;
/// empty: nothing.
std::string unsayable(const onnx::GraphProto &G) {
  if (G.sparse_initializer_size() != 0)
    return "its sparse initializer '" +
           G.sparse_initializer(0).values().name() + "'";
  for (const onnx::NodeProto &N : G.node())
    for (const onnx::AttributeProto &A : N.attribute()) {
      if (A.has_sparse_tensor() || A.sparse_tensors_size() != 0)
        return "the sparse tensor in node '" + N.name() + "'";
      if (A.t().data_location() == onnx::TensorProto::EXTERNAL)
        return "that the tensor in node '" + N.name() + "' is in another file";
      for (const onnx::GraphProto &Body : A.graphs())
        if (std::string Why = unsayable(Body); !Why.empty())
          return Why;
      if (A.has_g())
        if (std::string Why = unsayable(A.g()); !Why.empty())
          return Why;
    }
  return {};
}

std::string unsayable(const onnx::ModelProto &M) {
  for (const onnx::FunctionProto &F : M.functions())
    if (F.attribute_proto_size() != 0)
      return "the attribute defaults of function '" + F.name() + "'";
  return unsayable(M.graph());
}

/// Text that the parser makes the same model of: printed again, it is the same
/// text. Throws what ONNX throws.
Expected<std::string> print(const std::string &Bytes) {
  onnx::ModelProto Proto, Again;
  if (!Proto.ParseFromString(Bytes))
    return llvm::createStringError("ONNX's own reader does not accept it");
  if (std::string What = unsayable(Proto); !What.empty())
    return llvm::createStringError("ONNX's text format cannot say " + What);
  std::string Text = onnx::ProtoToString(Proto);
  onnx::OnnxParser Parser(Text);
  onnx::Common::Status Status = Parser.Parse(Again);
  if (!Status.IsOK())
    return llvm::createStringError(
        "ONNX's text format cannot say all of it: the parser fails with " +
        StringRef(Status.ErrorMessage()).rsplit('\n').second);
  if (onnx::ProtoToString(Again) != Text)
    return llvm::createStringError(
        "ONNX's text format cannot say all of it: what was printed is parsed "
        "as another model");
  return Text;
}

} // namespace

Expected<Exported> exportText(const Model &M) {
  Expected<Exported> Binary = exportBinary(M);
  if (!Binary)
    return Binary.takeError();
  auto Failed = [&](const Twine &Why) {
    return llvm::createStringError(Twine(M.Path) +
                                   ": cannot be written as text: " + Why);
  };
  if (Binary->size() > std::numeric_limits<int32_t>::max())
    return Failed("it is larger than the 2 GB that protobuf can read");
  try {
    Expected<std::string> Text = print(Binary->str());
    if (!Text)
      return Failed(llvm::toString(Text.takeError()));
    Exported E;
    auto Own = std::make_shared<const std::string>(std::move(*Text));
    E.Pieces.push_back(*Own);
    E.Own = std::move(Own);
    return E;
  } catch (const std::exception &Thrown) {
    return Failed(Thrown.what());
  }
}

Error exportFile(const Model &M, StringRef Path) {
  Expected<Exported> E =
      Path.ends_with(".onnxtxt") ? exportText(M) : exportBinary(M);
  if (!E)
    return E.takeError();
  return writeWhole(Path, E->pieces());
}

} // namespace xfa
