//===- Output.h - exit codes, messages and whole files --------------------===//
//
// What both programs do at their edges: the only code that prints or exits.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TOOLS_OUTPUT_H
#define XFA_TOOLS_OUTPUT_H

#include "xfa/Export/WholeFile.h"
#include "xfa/Report/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <new>
#include <system_error>
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

/// Nothing that is read is written over.
inline llvm::Error checkOutput(llvm::StringRef Output, llvm::StringRef Read,
                               llvm::ArrayRef<std::string> Others) {
  llvm::sys::fs::file_status Status, Of;
  if (Output.empty() || Output == "-" ||
      llvm::sys::fs::status(Output, Status) ||
      !llvm::sys::fs::is_regular_file(Status))
    return llvm::Error::success();
  auto IsOutput = [&](llvm::StringRef Path) {
    return Path != "-" && !llvm::sys::fs::status(Path, Of) &&
           llvm::sys::fs::equivalent(Status, Of);
  };
  if (!IsOutput(Read) && llvm::none_of(Others, IsOutput))
    return llvm::Error::success();
  return usageError("-o " + Output +
                    " would write over a file that is read; give it another "
                    "name");
}

/// To a file, or to standard output where Path is empty or `-`.
inline int emit(llvm::StringRef Path, llvm::ArrayRef<llvm::StringRef> Pieces) {
  if (!Path.empty() && Path != "-") {
    if (llvm::Error E = writeWhole(Path, Pieces))
      return fail(std::move(E));
    return Done;
  }
  std::error_code Code = writeAll(STDOUT_FILENO, Pieces);
  if (Code == std::errc::broken_pipe)
    return InputAtFault; // the reader has seen enough; nobody is left to tell
  if (Code) {
    complain("error", "cannot write the output: " + Code.message());
    return InputAtFault;
  }
  return Done;
}
inline int emit(llvm::StringRef Path, llvm::StringRef Text) {
  return emit(Path, llvm::ArrayRef(Text));
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
