//===- main.cpp - xf-opt: graphs as annotated text, shapes of many models -===//

#include "../Batch.h"
#include "../Output.h"
#include "../Words.h"
#include "Rewrite.h"

#include "xfa/Export/Export.h"
#include "xfa/Import/Import.h"
#include "xfa/Report/Annotated.h"
#include "xfa/Transform/LowerFused.h"

namespace xfa::tool {

static constexpr char HelpText[] = R"(xf-opt MODEL [options]
  Rewrites an ONNX model and writes it, or prints its graph as text: one node a
  line, values with their shapes, behind ; the role, FLOPs and bytes.
  MODEL is a .onnx file, ONNX text (.onnxtxt), or - for standard input.

  --passes=P,…         rewrite: run these passes, in this order
  --lower-fused=T      after the passes, write fused kernels as operators, where
                       these compute exactly the same: ort (com.microsoft),
                       onnx23 (ai.onnx 23), none
  --list-passes        their names, and what they do
  -o FILE              write there: the model where FILE ends in .onnx or
                       .onnxtxt (ONNX text) or is - (standard output), else the
                       printed graph. FILE appears whole or not at all
  --explain            say what each pass refused, and why
  --require-fired      a pass that does not fire is a failure (exit 3)
  --verify-each        check the graph and its shapes before and after each pass
  --time-passes        wall time of each pass
  --print-after-all    print the graph after each pass, on standard error
  --infer-shapes       shapes only, no costs
  --shapes-json=LIST   for each path in the file LIST (- for standard input), a
                       line of JSON: {"path", "values": {NAME: {"kind", "elem",
                       "shape"}}} or {"path", "error"}. A bad model never stops
                       the rest
  -j N                 on so many threads; default: one for each processor
  --version   --help

Exit codes: 0 done (a pass that refuses is no failure), 1 the input is at fault,
2 wrong usage, 3 a pass did not fire under --require-fired.
)";

namespace {
struct Arguments {
  bool Help = false, Version = false, InferShapes = false, ListPasses = false;
  std::vector<std::string> Models;
  std::string List, Output;
  unsigned Jobs = 1; ///< of --shapes-json
  RewriteOptions Rewrite;
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
  std::string Passes;
  App.add_option("--passes", Passes);
  std::string LowerTo;
  App.add_option("--lower-fused", LowerTo);
  App.add_flag("--list-passes", A.ListPasses);
  App.add_flag("--verify-each", A.Rewrite.VerifyEach);
  App.add_flag("--time-passes", A.Rewrite.TimePasses);
  App.add_flag("--print-after-all", A.Rewrite.PrintAfterAll);
  App.add_flag("--explain", A.Rewrite.Explain);
  App.add_flag("--require-fired", A.Rewrite.RequireFired);
  App.add_option("--shapes-json", A.List);
  std::string Jobs;
  App.add_option("-j", Jobs);
  App.add_option("-o,--output", A.Output);
  App.add_option("MODEL", A.Models);
  if (llvm::Error E = parseWords(App, Count, Words))
    return E;
  if (A.Help || A.Version || A.ListPasses)
    return A;
  if (llvm::Error E = checkModels(A.Models))
    return E;
  if (A.List.empty() == A.Models.empty())
    return usageError(A.List.empty()
                          ? "which MODEL? (see --help)"
                          : "--shapes-json names its models in LIST, so a "
                            "MODEL beside it has no meaning");
  if (App.count("-j") && A.List.empty())
    return usageError("-j is for --shapes-json");
  llvm::Expected<unsigned> Threads = parseJobs(Jobs);
  if (!Threads)
    return Threads.takeError();
  A.Jobs = *Threads;
  for (const char *Word : {"--passes", "--lower-fused"})
    if (App.count(Word) && !A.List.empty())
      return usageError(llvm::Twine("--shapes-json does not rewrite: ") + Word +
                        " beside it has no meaning");
  if (App.count("--passes")) {
    llvm::Expected<std::vector<PassInfo>> Parsed = parsePasses(Passes);
    if (!Parsed)
      return usageError(llvm::toString(Parsed.takeError()));
    A.Rewrite.Passes = std::move(*Parsed);
  }
  if (App.count("--lower-fused")) {
    const PassInfo *Lowering = loweringTo(LowerTo);
    if (!Lowering)
      return usageError("--lower-fused=" + LowerTo +
                        ": expected ort, onnx23 or none");
    if (LowerTo != "none")
      A.Rewrite.Passes.push_back(*Lowering);
  }
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

static int shapesOfMany(const Arguments &A) {
  llvm::Expected<std::vector<std::string>> Paths = readList(A.List);
  if (!Paths)
    return fail(Paths.takeError());
  if (llvm::Error E = checkOutput(A.Output, A.List, *Paths))
    return fail(std::move(E));
  return writeLines(*Paths, A.Jobs, A.Output, shapesLine);
}

/// -o names a model by what it ends in; `-` is a binary one.
static bool writesModel(llvm::StringRef Output) {
  return Output == "-" || Output.ends_with(".onnx") ||
         Output.ends_with(".onnxtxt");
}

static int writeModel(const Model &M, llvm::StringRef Output) {
  if (Output == "-" && ::isatty(STDOUT_FILENO))
    return fail(usageError("-o - writes a binary model, and standard output is "
                           "a terminal; without -o the graph is printed"));
  llvm::Expected<Exported> E =
      Output.ends_with(".onnxtxt") ? exportText(M) : exportBinary(M);
  if (!E)
    return fail(E.takeError());
  return emit(Output, E->pieces());
}

/// The graph as text; what is odd about it goes to Warnings.
static llvm::Expected<std::string> print(const Model &M, bool InferShapes,
                                         std::vector<std::string> &Warnings) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  if (InferShapes) {
    ExprStore Store;
    llvm::Expected<ShapeFacts> Facts = inferShapes(M, Store);
    if (!Facts)
      return Facts.takeError();
    llvm::append_range(Warnings, Facts->Warnings);
    printWithShapes(M, *Facts, OS);
    return Text;
  }
  llvm::Expected<std::unique_ptr<ModelAnalysis>> Analysis =
      analyseModel(M, AnalysisOptions());
  if (!Analysis)
    return Analysis.takeError();
  llvm::append_range(Warnings, (*Analysis)->Facts.Warnings);
  printAnnotated(M, **Analysis, OS);
  return Text;
}

static int optimise(const Arguments &A) {
  // A model may be rewritten in place; its printed graph is no model.
  if (!writesModel(A.Output))
    if (llvm::Error E = checkOutput(A.Output, A.Models.front(), {}))
      return fail(std::move(E));
  llvm::Expected<std::unique_ptr<Model>> M = importFile(A.Models.front());
  if (!M)
    return fail(M.takeError());
  std::vector<std::string> Warnings = (*M)->Warnings, Unused;
  if (!A.Rewrite.Passes.empty()) {
    mapExternalMasks(**M);
    if (int Code = rewrite(**M, A.Rewrite, [&](const Model &After) {
          return print(After, A.InferShapes, Unused);
        }))
      return Code;
  }
  if (writesModel(A.Output)) {
    warn(Warnings);
    return writeModel(**M, A.Output);
  }
  llvm::Expected<std::string> Text = print(**M, A.InferShapes, Warnings);
  if (!Text)
    return fail(Text.takeError());
  warn(Warnings);
  return emit(A.Output, *Text);
}

static int run(int Count, const char *const *Words) {
  llvm::Expected<Arguments> A = parseArguments(Count, Words);
  if (!A)
    return fail(A.takeError());
  if (A->Help)
    return emit("", HelpText);
  if (A->Version)
    return emit("", "xf-opt " XFA_VERSION "\n");
  if (A->ListPasses)
    return emit(A->Output, passListText());
  return A->List.empty() ? optimise(*A) : shapesOfMany(*A);
}

} // namespace xfa::tool

int main(int Count, char **Words) {
  return xfa::tool::guarded([&] { return xfa::tool::run(Count, Words); });
}
