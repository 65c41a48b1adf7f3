//===- Import.cpp - files and buffers -------------------------------------===//

#include "xfa/Import/Import.h"

#include "Proto.h"
#include "TextFormat.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"

#include <sys/mman.h>

using llvm::Error;
using llvm::Expected;
using llvm::MemoryBuffer;
using llvm::StringRef;

namespace xfa {

using namespace import;

namespace {

/// What a file that is no ONNX model begins with, and what it is.
struct Signature {
  size_t Offset;
  StringRef Bytes;
  StringRef Is;
};

constexpr Signature Signatures[] = {
    {0, "version https://git-lfs", "a Git LFS pointer; fetch the file itself"},
    {0, "\x89PNG", "a PNG image"},
    {0, "\xff\xd8\xff", "a JPEG image"},
    {0, "PK\x03\x04", "a zip archive (a PyTorch checkpoint is one, too)"},
    {0, "\x1f\x8b", "gzip-compressed; unpack it first"},
    {0, "\x28\xb5\x2f\xfd", "zstd-compressed; unpack it first"},
    {0, "BZh", "bzip2-compressed; unpack it first"},
    {0,
     "\xfd"
     "7zXZ",
     "xz-compressed; unpack it first"},
    {0, "%PDF", "a PDF document"},
    {0,
     "\x7f"
     "ELF",
     "an ELF program or library"},
    {0, "GGUF", "a GGUF file"},
    {0, "\x89HDF", "an HDF5 file"},
    {4, "ORTM", "ONNX Runtime's own format (.ort)"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {8, "{\"", "a safetensors file"},
    {0, "<!DOCTYPE", "an HTML page"},
    {0, "<html", "an HTML page"},
    {0, "<?xml", "an XML document"},
};

/// What the bytes are, where they are recognised as something else.
StringRef recognise(StringRef Bytes) {
  for (const Signature &S : Signatures)
    if (Bytes.substr(S.Offset).starts_with(S.Bytes))
      return S.Is;
  return {};
}

/// ONNX text starts with a header in `<`, after comments; without a header only
/// the file's name tells. Neither `<` nor `#` can start a ModelProto: as tags
/// they belong to groups, which ONNX does not have.
bool isText(StringRef Bytes, StringRef Name) {
  if (Name.ends_with(".onnxtxt"))
    return true;
  if (!recognise(Bytes).empty())
    return false;
  StringRef Start = Bytes.ltrim();
  while (Start.starts_with("#"))
    Start = Start.split('\n').second.ltrim();
  return Start.starts_with("<");
}

bool isPrintable(StringRef Bytes) {
  return !Bytes.empty() && llvm::all_of(Bytes.take_front(256), [](char C) {
    return llvm::isPrint(C) || llvm::isSpace(C) || (C & 0x80);
  });
}

/// A file's names in a message: on one line, nothing for a terminal to obey,
/// and no longer than one reads; the middle goes first.
std::string printable(StringRef Sentence) {
  constexpr size_t Start = 300, End = 500;
  if (Sentence.size() > Start + End)
    return printable(Sentence.take_front(Start)) + " ... " +
           printable(Sentence.take_back(End));
  std::string Result;
  for (char C : Sentence) {
    if (static_cast<unsigned char>(C) >= 0x20 && C != 0x7f)
      Result += C;
    else
      Result += "\\x" + llvm::toHex(StringRef(&C, 1), /*LowerCase=*/true);
  }
  return Result;
}

Error import(StringRef Bytes, Model &M) {
  if (Bytes.empty())
    return fail("not an ONNX model: it is empty");
  if (StringRef Other = recognise(Bytes); !Other.empty())
    return fail("not an ONNX model: it is " + Other);
  if (isPrintable(Bytes))
    return fail("not an ONNX model: expected a protobuf ModelProto, found "
                "text");
  ProtoModel P;
  if (Error E = readModel(Bytes, M, P))
    return E;
  return resolveModel(P, M);
}

Expected<std::unique_ptr<Model>>
importWith(StringRef Bytes, StringRef Name,
           std::shared_ptr<const void> Backing) {
  auto M = std::make_unique<Model>();
  M->Path = Name.str();
  M->Backing = std::move(Backing);
  if (isText(Bytes, Name)) {
    Expected<std::string> Serialized = serializeText(Bytes);
    if (!Serialized)
      return fail(Name + ": " + printable(toString(Serialized.takeError())));
    auto Held = std::make_shared<std::string>(std::move(*Serialized));
    Bytes = *Held;
    M->Backing = std::move(Held);
  }
  if (Error E = import(Bytes, *M))
    return fail(Name + ": " + printable(toString(std::move(E))));
  for (std::string &Warning : M->Warnings)
    Warning = printable(Warning);
  return M;
}

} // namespace

Expected<std::unique_ptr<Model>> importBytes(StringRef Bytes, StringRef Name) {
  return importWith(Bytes, Name, nullptr);
}

Expected<std::unique_ptr<Model>>
importBuffer(std::unique_ptr<MemoryBuffer> Buffer, StringRef Name) {
  StringRef Bytes = Buffer->getBuffer();
  return importWith(Bytes, Name,
                    std::shared_ptr<MemoryBuffer>(std::move(Buffer)));
}

/// Of a file with weights a page here and there is needed; the kernel need not
/// read ahead at each. Cold, a 1 GB file opens in a third of the time.
static void readAtRandom(const MemoryBuffer &Buffer) {
  constexpr size_t Large = size_t(16) << 20;
  if (Buffer.getBufferKind() != MemoryBuffer::MemoryBuffer_MMap ||
      Buffer.getBufferSize() < Large)
    return;
  auto Begin = reinterpret_cast<uintptr_t>(Buffer.getBufferStart());
  uintptr_t Page = llvm::sys::Process::getPageSizeEstimate();
  madvise(reinterpret_cast<void *>(Begin / Page * Page),
          Buffer.getBufferSize() + Begin % Page, MADV_RANDOM);
}

Expected<std::unique_ptr<Model>> importFile(StringRef Path) {
  if (Path != "-" && llvm::sys::fs::is_directory(Path))
    return fail(Path + ": expected a file, found a directory");
  llvm::sys::fs::file_status Status;
  if (Path != "-" && !llvm::sys::fs::status(Path, Status) &&
      Status.type() == llvm::sys::fs::file_type::character_file)
    return fail(Path + ": expected a file, found a device");
  // Without a terminating null LLVM maps files of any size.
  auto Buffer = Path == "-"
                    ? MemoryBuffer::getSTDIN()
                    : MemoryBuffer::getFile(Path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!Buffer)
    return fail(Path + ": cannot be read: " + Buffer.getError().message());
  readAtRandom(**Buffer);
  return importBuffer(std::move(*Buffer), Path == "-" ? "<stdin>" : Path);
}

} // namespace xfa
