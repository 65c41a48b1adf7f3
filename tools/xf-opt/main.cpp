//===- main.cpp - xf-opt: graphs as annotated text, shapes of many models -===//

#include "../Output.h"
#include "../Words.h"

#include "xfa/Import/Import.h"
#include "xfa/Report/Annotated.h"

namespace xfa::tool {

static constexpr char HelpText[] = R"(xf-opt MODEL [options]
  Prints the graph of an ONNX model as text: one node a line, values with their
  shapes, behind ; the role, FLOPs and bytes. Made for FileCheck.
  MODEL is a .onnx file, ONNX text (.onnxtxt), or - for standard input.

  --infer-shapes       shapes only, no costs
  --shapes-json=LIST   for each path in the file LIST (- for standard input), a
                       line of JSON: {"path", "values": {NAME: {"kind", "elem",
                       "shape"}}} or {"path", "error"}. A bad model never stops
                       the rest
  -o FILE              write there; FILE appears whole or not at all
  --version   --help

Exit codes: 0 done, 1 the input is at fault, 2 wrong usage.
)";

namespace {
struct Arguments {
  bool Help = false, Version = false, InferShapes = false;
  std::vector<std::string> Models;
  std::string List, Output;
};
} // namespace

static llvm::Expected<Arguments> parseArguments(int Count,
                                                const char *const *Words) {
  Arguments A;
  CLI::App App;
  App.set_help_flag("");
  App.add_flag("-h,--help", A.Help);
  App.add_flag("--version", A.Version);
  App.add_flag("--infer-shapes", A.InferShapes);
  App.add_option("--shapes-json", A.List);
  App.add_option("-o,--output", A.Output);
  App.add_option("MODEL", A.Models);
  if (llvm::Error E = parseWords(App, Count, Words))
    return E;
  if (A.Help || A.Version)
    return A;
  if (llvm::Error E = checkModels(A.Models))
    return E;
  if (A.List.empty() == A.Models.empty())
    return usageError(A.List.empty()
                          ? "which MODEL? (see --help)"
                          : "--shapes-json names its models in LIST, so a "
                            "MODEL beside it has no meaning");
  return A;
}

static std::string shapesLine(llvm::StringRef Path) {
  std::string Line;
  llvm::raw_string_ostream OS(Line);
  llvm::Expected<std::unique_ptr<Model>> M = importFile(Path);
  if (!M) {
    printErrorLine(Path, llvm::toString(M.takeError()), OS);
    return Line;
  }
  ExprStore Store;
  llvm::Expected<ShapeFacts> Facts = inferShapes(**M, Store);
  if (!Facts)
    printErrorLine(Path, llvm::toString(Facts.takeError()), OS);
  else
    printShapesLine(Path, **M, *Facts, OS);
  return Line;
}

/// A line a path. To a file: at the end, whole; to standard output: as they
/// come.
static int shapesOfMany(const Arguments &A) {
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> List =
      llvm::MemoryBuffer::getFileOrSTDIN(A.List, /*IsText=*/true);
  if (!List)
    return fail(llvm::createStringError("cannot read the list " + A.List +
                                        ": " + List.getError().message()));
  bool Streams = A.Output.empty() || A.Output == "-";
  std::string Whole;
  llvm::StringRef Rest = (*List)->getBuffer();
  while (!Rest.empty()) {
    llvm::StringRef Path;
    std::tie(Path, Rest) = Rest.split('\n');
    Path = Path.rtrim('\r');
    if (Path.empty())
      continue;
    std::string Line = shapesLine(Path);
    if (!Streams)
      Whole += Line;
    else if (int Code = emit("", Line))
      return Code;
  }
  return Streams ? int(Done) : emit(A.Output, Whole);
}

static int printOne(const Arguments &A) {
  llvm::Expected<std::unique_ptr<Model>> M = importFile(A.Models.front());
  if (!M)
    return fail(M.takeError());
  std::vector<std::string> Warnings = (*M)->Warnings;
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  if (A.InferShapes) {
    ExprStore Store;
    llvm::Expected<ShapeFacts> Facts = inferShapes(**M, Store);
    if (!Facts)
      return fail(Facts.takeError());
    llvm::append_range(Warnings, Facts->Warnings);
    printWithShapes(**M, *Facts, OS);
  } else {
    llvm::Expected<std::unique_ptr<ModelAnalysis>> Analysis =
        analyseModel(**M, AnalysisOptions());
    if (!Analysis)
      return fail(Analysis.takeError());
    llvm::append_range(Warnings, (*Analysis)->Facts.Warnings);
    printAnnotated(**M, **Analysis, OS);
  }
  warn(Warnings);
  return emit(A.Output, Text);
}

static int run(int Count, const char *const *Words) {
  llvm::Expected<Arguments> A = parseArguments(Count, Words);
  if (!A)
    return fail(A.takeError());
  if (A->Help)
    return emit("", HelpText);
  if (A->Version)
    return emit("", "xf-opt " XFA_VERSION "\n");
  return A->List.empty() ? printOne(*A) : shapesOfMany(*A);
}

} // namespace xfa::tool

int main(int Count, char **Words) {
  return xfa::tool::guarded([&] { return xfa::tool::run(Count, Words); });
}
