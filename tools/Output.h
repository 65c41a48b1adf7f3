//===- Output.h - exit codes, messages and whole files --------------------===//
//
// What both programs do at their edges: the only code that prints or exits.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TOOLS_OUTPUT_H
#define XFA_TOOLS_OUTPUT_H

#include "xfa/Report/Options.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <unistd.h>

namespace xfa::tool {

enum ExitCode : int { Done = 0, InputAtFault = 1, Usage = 2, GateFailed = 3 };

/// One line on stderr, whatever the message holds.
inline void complain(llvm::StringRef Kind, llvm::StringRef Message) {
  std::string Line = Message.rtrim().str();
  for (char &C : Line)
    if (static_cast<unsigned char>(C) < 0x20 || C == 0x7f)
      C = ' ';
  llvm::errs() << Kind << ": " << Line << "\n";
}

/// Says what is wrong; the exit code that goes with it.
inline int fail(llvm::Error E) {
  int Code = E.isA<UsageError>() ? Usage : InputAtFault;
  complain("error", llvm::toString(std::move(E)));
  return Code;
}

/// At most five, then how many more.
inline void warn(llvm::ArrayRef<std::string> Warnings) {
  static constexpr size_t Most = 5;
  for (const std::string &W : Warnings.take_front(Most))
    complain("warning", W);
  if (Warnings.size() > Most)
    complain("warning",
             "and " + std::to_string(Warnings.size() - Most) + " more");
}

/// All of it, or an errno.
inline int writeAll(int Descriptor, llvm::StringRef Text) {
  while (!Text.empty()) {
    ssize_t Written = ::write(Descriptor, Text.data(), Text.size());
    if (Written < 0 && errno == EINTR)
      continue;
    if (Written < 0)
      return errno;
    Text = Text.drop_front(static_cast<size_t>(Written));
  }
  return 0;
}

/// A new file beside the old one takes its place at the end: what stands under
/// Path is whole at every moment.
inline llvm::Error writeFile(llvm::StringRef Path, llvm::StringRef Text) {
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
    OS << Text;
    OS.close();
    Code = OS.error();
    OS.clear_error();
    if (Code)
      return Failed(Code);
    return llvm::Error::success();
  }
  llvm::Expected<llvm::sys::fs::TempFile> Temp =
      llvm::sys::fs::TempFile::create(Path + ".%%%%%%%%.tmp", 0666);
  if (!Temp)
    return Failed(llvm::errorToErrorCode(Temp.takeError()));
  if (int Errno = writeAll(Temp->FD, Text)) {
    llvm::consumeError(Temp->discard());
    return Failed(std::error_code(Errno, std::generic_category()));
  }
  if (llvm::Error E = Temp->keep(Path)) {
    std::error_code Code = llvm::errorToErrorCode(std::move(E));
    llvm::consumeError(Temp->discard());
    return Failed(Code);
  }
  return llvm::Error::success();
}

/// To a file, or to standard output where Path is empty or `-`.
inline int emit(llvm::StringRef Path, llvm::StringRef Text) {
  if (!Path.empty() && Path != "-") {
    if (llvm::Error E = writeFile(Path, Text))
      return fail(std::move(E));
    return Done;
  }
  int Errno = writeAll(STDOUT_FILENO, Text);
  if (Errno == EPIPE)
    return InputAtFault; // the reader has seen enough; nobody is left to tell
  if (Errno) {
    complain("error",
             std::string("cannot write the output: ") + std::strerror(Errno));
    return InputAtFault;
  }
  return Done;
}

[[noreturn]] inline void outOfMemory() {
  static constexpr char Sentence[] =
      "error: there is not enough memory for this model\n";
  (void)!::write(STDERR_FILENO, Sentence, sizeof Sentence - 1);
  ::_exit(InputAtFault);
}

/// Runs Body; memory that is not there ends in a sentence.
template <typename FnT> int guarded(FnT Body) {
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { outOfMemory(); });
  try {
    return Body();
  } catch (const std::bad_alloc &) {
    outOfMemory();
  } catch (const std::length_error &) {
    outOfMemory();
  }
}

} // namespace xfa::tool

#endif // XFA_TOOLS_OUTPUT_H
