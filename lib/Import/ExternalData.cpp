//===- ExternalData.cpp - masks that lie in other files -------------------===//
//
// TensorProto.external_data: onnx/docs/docsgen/source/technical/
// external_data.md, where locations are relative to the model's folder.
//
//===----------------------------------------------------------------------===//

#include "WireReader.h"

#include "xfa/Import/Import.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using llvm::MemoryBuffer;
using llvm::StringRef;

namespace xfa {

using namespace import;

namespace {

/// Where the elements of a tensor lie.
struct Location {
  StringRef File;
  uint64_t Offset = 0;
  std::optional<uint64_t> Length;
};

/// A location that leaves the model's folder is none: a model from elsewhere
/// has no business there.
std::optional<Location> locationOf(StringRef TensorProto) {
  Location L;
  WireReader R(TensorProto);
  for (WireField F; R.next(F);) {
    if (F.Tag != bytes(13))
      continue;
    StringRef Key, Text;
    WireReader Entry(F.Payload);
    for (WireField Part; Entry.next(Part);)
      (Part.Tag == bytes(1) ? Key : Text) = Part.Payload;
    uint64_t Number = 0;
    if (Key == "location")
      L.File = Text;
    else if (Key == "offset" && !Text.getAsInteger(10, Number))
      L.Offset = Number;
    else if (Key == "length" && !Text.getAsInteger(10, Number))
      L.Length = Number;
  }
  if (L.File.empty() || llvm::sys::path::is_absolute(L.File))
    return std::nullopt;
  for (StringRef Part : llvm::make_range(llvm::sys::path::begin(L.File),
                                         llvm::sys::path::end(L.File)))
    if (Part == "..")
      return std::nullopt;
  return L;
}

/// Booleans and integers, and floats as square as scores are; larger ones are
/// weights.
bool couldBeMask(const Constant &C) {
  constexpr int64_t MaxElements = int64_t(1) << 26;
  std::optional<int64_t> Count = C.numElements();
  size_t Rank = C.Dims.size();
  return Count && *Count <= MaxElements && Rank >= 2 &&
         (!isFloat(C.Elem) || C.Dims[Rank - 1] == C.Dims[Rank - 2]);
}

} // namespace

void mapExternalMasks(Model &M) {
  struct Holder {
    std::shared_ptr<const void> Model;
    std::vector<std::unique_ptr<MemoryBuffer>> Slices;
  };
  auto Held = std::make_shared<Holder>();
  for (Constant &C : M.Constants) {
    if (!C.External || C.Sparse || !C.Payload.empty() || !couldBeMask(C))
      continue;
    std::optional<Location> At = locationOf(C.Message);
    if (!At)
      continue;
    uint64_t Size =
        llvm::divideCeil(uint64_t(*C.numElements()) * elemBits(C.Elem), 8);
    if (At->Length.value_or(Size) != Size)
      continue;
    llvm::SmallString<128> Path = llvm::sys::path::parent_path(M.Path);
    llvm::sys::path::append(Path, At->File);
    uint64_t FileSize = 0;
    if (llvm::sys::fs::is_regular_file(Path) &&
        !llvm::sys::fs::file_size(Path, FileSize) && At->Offset <= FileSize &&
        Size <= FileSize - At->Offset)
      if (auto Slice = MemoryBuffer::getFileSlice(
              Path, Size, static_cast<int64_t>(At->Offset))) {
        C.Payload = (*Slice)->getBuffer();
        Held->Slices.push_back(std::move(*Slice));
      }
  }
  if (Held->Slices.empty())
    return;
  Held->Model = std::move(M.Backing);
  M.Backing = std::move(Held);
}

} // namespace xfa
