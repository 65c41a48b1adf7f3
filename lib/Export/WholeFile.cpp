//===- WholeFile.cpp ------------------------------------------------------===//

#include "xfa/Export/WholeFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

using llvm::ArrayRef;
using llvm::Error;
using llvm::StringRef;

namespace xfa {

std::error_code writeAll(int Descriptor, ArrayRef<StringRef> Pieces) {
  // Linux writes at most 2 GB at a time.
  constexpr size_t Most = size_t(1) << 30;
  for (StringRef Piece : Pieces)
    while (!Piece.empty()) {
      ssize_t Written =
          ::write(Descriptor, Piece.data(), std::min(Piece.size(), Most));
      if (Written < 0 && errno == EINTR)
        continue;
      if (Written < 0)
        return std::error_code(errno, std::generic_category());
      Piece = Piece.drop_front(static_cast<size_t>(Written));
    }
  return {};
}

/// What a chain of symbolic links leads to, whether it is there or not.
static std::error_code followLinks(llvm::SmallVectorImpl<char> &Path) {
  constexpr unsigned Most = 40; // as Linux follows them
  for (unsigned Links = 0; llvm::sys::fs::is_symlink_file(Path); ++Links) {
    char To[4096];
    const std::string Link(Path.begin(), Path.end());
    const ssize_t Length = ::readlink(Link.c_str(), To, sizeof To);
    if (Length < 0 || Links == Most)
      return {Length < 0 ? errno : ELOOP, std::generic_category()};
    const StringRef Target(To, static_cast<size_t>(Length));
    if (llvm::sys::path::is_absolute(Target))
      Path.clear();
    else
      llvm::sys::path::remove_filename(Path);
    llvm::sys::path::append(Path, Target);
  }
  return {};
}

Error writeWhole(StringRef Path, ArrayRef<StringRef> Pieces) {
  auto Failed = [&](std::error_code Code) {
    return llvm::createStringError("cannot write " + Path + ": " +
                                   Code.message());
  };
  llvm::sys::fs::file_status Status;
  if (!llvm::sys::fs::status(Path, Status) &&
      !llvm::sys::fs::is_regular_file(Status)) {
    if (llvm::sys::fs::is_directory(Status))
      return Failed(std::make_error_code(std::errc::is_a_directory));
    // A device or a pipe (/dev/null) cannot be replaced, only written.
    std::error_code Code;
    llvm::raw_fd_ostream OS(Path, Code);
    if (Code)
      return Failed(Code);
    for (StringRef Piece : Pieces)
      OS << Piece;
    OS.close();
    Code = OS.error();
    OS.clear_error();
    if (Code)
      return Failed(Code);
    return Error::success();
  }
  // A link stays, and what it leads to is replaced.
  llvm::SmallString<128> Target(Path);
  if (std::error_code Code = followLinks(Target))
    return Failed(Code);
  llvm::Expected<llvm::sys::fs::TempFile> Temp =
      llvm::sys::fs::TempFile::create(Target + ".%%%%%%%%.tmp", 0666);
  if (!Temp)
    return Failed(llvm::errorToErrorCode(Temp.takeError()));
  if (std::error_code Code = writeAll(Temp->FD, Pieces)) {
    llvm::consumeError(Temp->discard());
    return Failed(Code);
  }
  if (Error E = Temp->keep(Target)) {
    std::error_code Code = llvm::errorToErrorCode(std::move(E));
    llvm::consumeError(Temp->discard());
    return Failed(Code);
  }
  return Error::success();
}

} // namespace xfa
