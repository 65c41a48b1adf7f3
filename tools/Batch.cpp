//===- Batch.cpp ----------------------------------------------------------===//

#include "Batch.h"

#include "Output.h"

#include "xfa/Report/Annotated.h"

#include "llvm/Support/MemoryBuffer.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace xfa::tool {

llvm::Expected<std::vector<std::string>> readList(llvm::StringRef List) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> Text =
      llvm::MemoryBuffer::getFileOrSTDIN(List, /*IsText=*/true);
  if (!Text)
    return llvm::createStringError("cannot read the list " + List + ": " +
                                   Text.getError().message());
  std::vector<std::string> Paths;
  for (llvm::StringRef Rest = (*Text)->getBuffer(); !Rest.empty();) {
    llvm::StringRef Path;
    std::tie(Path, Rest) = Rest.split('\n');
    if (Path = Path.rtrim('\r'); !Path.empty())
      Paths.push_back(Path.str());
  }
  return Paths;
}

llvm::Expected<unsigned> parseJobs(llvm::StringRef Text) {
  constexpr unsigned Most = 1024;
  unsigned Jobs = 0;
  if (!Text.empty() &&
      (Text.getAsInteger(10, Jobs) || Jobs > Most || Text.starts_with("+")))
    return usageError("-j " + Text +
                      ": expected a number of threads, at most " +
                      llvm::Twine(Most));
  return Jobs != 0 ? Jobs : std::max(1u, std::thread::hardware_concurrency());
}

namespace {

/// Hands out indices and puts the lines back in order.
class Lines {
public:
  Lines(size_t Count, unsigned Jobs, llvm::StringRef Output)
      : Count(Count), Window(size_t(Jobs) * 4), Output(Output),
        Streams(Output.empty() || Output == "-"),
        Shows(::isatty(STDERR_FILENO) &&
              !(Streams && ::isatty(STDOUT_FILENO))) {}

  /// The next one to work on; none at the end, or once writing has failed.
  std::optional<size_t> take() {
    std::unique_lock<std::mutex> Lock(Guard);
    Moved.wait(Lock, [&] {
      return Code != Done || Next == Count || Next < Written + Window;
    });
    if (Code != Done || Next == Count)
      return std::nullopt;
    return Next++;
  }

  void put(size_t Index, std::string Line) {
    std::lock_guard<std::mutex> Lock(Guard);
    Waiting.emplace(Index, std::move(Line));
    for (auto It = Waiting.begin();
         It != Waiting.end() && It->first == Written && Code == Done;
         It = Waiting.erase(It), ++Written)
      write(It->second);
    show();
    Moved.notify_all();
  }

  int finish() {
    if (Shows && Shown)
      llvm::errs() << "\r\x1b[K";
    if (Streams || Code != Done)
      return Code;
    return emit(Output, Whole);
  }

private:
  void write(const std::string &Line) {
    if (Streams)
      Code = emit("", Line);
    else
      Whole += Line;
  }

  void show() {
    using namespace std::chrono;
    auto Now = steady_clock::now();
    if (!Shows || Now - Last < milliseconds(200))
      return;
    Last = Now;
    Shown = true;
    llvm::errs() << "\r" << Written << " of " << Count << " models";
  }

  std::mutex Guard;
  std::condition_variable Moved;
  const size_t Count, Window;
  size_t Next = 0, Written = 0;
  std::map<size_t, std::string> Waiting;
  int Code = Done;
  llvm::StringRef Output;
  const bool Streams, Shows;
  bool Shown = false;
  std::chrono::steady_clock::time_point Last = std::chrono::steady_clock::now();
  std::string Whole; ///< of a file, which appears at the end
};

/// Memory that one model does not get is that model's fault.
std::string guardedLine(llvm::function_ref<std::string(llvm::StringRef)> Line,
                        llvm::StringRef Path) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  if (Path == "-") {
    // Several threads would share it, and the list itself may come from there.
    printErrorLine(Path, "a list names files; standard input (-) is none", OS);
    return Text;
  }
  try {
    return Line(Path);
  } catch (const std::bad_alloc &) {
  } catch (const std::length_error &) {
  }
  printErrorLine(Path, "there is not enough memory for this model", OS);
  return Text;
}

} // namespace

int writeLines(llvm::ArrayRef<std::string> Paths, unsigned Jobs,
               llvm::StringRef Output,
               llvm::function_ref<std::string(llvm::StringRef)> Line) {
  Jobs = std::min<size_t>(Jobs, std::max<size_t>(1, Paths.size()));
  Lines All(Paths.size(), Jobs, Output);
  auto Work = [&] {
    while (std::optional<size_t> I = All.take())
      All.put(*I, guardedLine(Line, Paths[*I]));
  };
  std::vector<std::thread> Others;
  for (unsigned J = 1; J < Jobs; ++J)
    Others.emplace_back(Work);
  Work();
  for (std::thread &T : Others)
    T.join();
  return All.finish();
}

} // namespace xfa::tool
