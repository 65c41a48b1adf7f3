//===- main.cpp - xf-analyze: what a transformer costs, and why -----------===//

#include "../Batch.h"
#include "../Output.h"
#include "Arguments.h"

#include "xfa/Export/Export.h"
#include "xfa/Import/Import.h"
#include "xfa/Report/Annotated.h"
#include "xfa/Report/GpuList.h"
#include "xfa/Report/Render.h"
#include "xfa/Transform/DecodeRewrite.h"
#include "xfa/Transform/PassTrace.h"

#include <cstdlib>
#include <sys/ioctl.h>

namespace xfa::tool {

/// COLUMNS where it is set, else the terminal's width, else 120; no colours but
/// on a terminal, and never under NO_COLOR.
static TextStyle textStyle(bool ToStdout) {
  TextStyle Style;
  bool Terminal = ToStdout && ::isatty(STDOUT_FILENO);
  winsize Size{};
  if (Terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &Size) == 0 &&
      Size.ws_col > 0)
    Style.Width = Size.ws_col;
  unsigned Columns = 0;
  const char *Set = std::getenv("COLUMNS");
  if (Set && !llvm::StringRef(Set).getAsInteger(10, Columns) && Columns > 0)
    Style.Width = Columns;
  const char *NoColour = std::getenv("NO_COLOR");
  const char *Kind = std::getenv("TERM");
  Style.Colour = Terminal && !(NoColour && *NoColour) && Kind &&
                 llvm::StringRef(Kind) != "dumb";
  return Style;
}

static std::string render(const Report &R, const Arguments &A) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  switch (A.Form) {
  case Format::Text:
    renderText(R, textStyle(A.Output.empty() || A.Output == "-"), OS);
    break;
  case Format::Json:
    renderJson(R, OS, /*Indent=*/A.Batch.empty() ? 2 : 0);
    break;
  case Format::Csv:
    renderCsv(R, A.Report.Views.front(), OS);
    break;
  }
  return Text;
}

/// --strict: the first node that is not known, by name.
static llvm::Error unknownError(const Model &M, const ModelAnalysis &A) {
  const ModelAnalysis::UnknownNode &First = A.Unknown.front();
  std::string Sentence = M.Path + ": node '" + M.label(First.Node) + "' (" +
                         M[First.Node].Op.str() + "): " + First.Why;
  if (A.Unknown.size() > 1)
    Sentence +=
        " (and " + std::to_string(A.Unknown.size() - 1) + " nodes more)";
  return llvm::createStringError(Sentence + "; --strict allows none");
}

/// The model once more. `AsRead`: no pass has changed it.
static llvm::Expected<std::unique_ptr<Model>>
freshCopy(const Model &M, llvm::StringRef Path, bool AsRead) {
  if (AsRead && Path != "-")
    return importFile(Path);
  // Standard input is read once.
  llvm::Expected<Exported> Bytes = exportBinary(M);
  if (!Bytes)
    return Bytes.takeError();
  return importBuffer(llvm::MemoryBuffer::getMemBufferCopy(Bytes->str()), Path);
}

/// The graph's own decoding step of a model that has no cache.
static llvm::Error addGraphStep(const Model &M, llvm::StringRef Path,
                                bool AsRead, ModelAnalysis &Analysis) {
  if (!Analysis.Decode || !Analysis.Decode->None.empty() || Analysis.HasCache)
    return llvm::Error::success();
  llvm::Expected<std::unique_ptr<Model>> Fresh = freshCopy(M, Path, AsRead);
  if (!Fresh)
    return Fresh.takeError();
  return decodeThroughRewrite(**Fresh, Analysis);
}

/// The report of one model, as text; what is odd about it goes to Warnings.
static llvm::Expected<std::string> analyze(llvm::StringRef Path,
                                           const Arguments &A,
                                           std::vector<std::string> &Warnings) {
  llvm::Expected<std::unique_ptr<Model>> M = importFile(Path);
  if (!M)
    return M.takeError();
  std::optional<PassTrace> Trace;
  if (!A.Passes.empty() || A.WantLadder) {
    llvm::Expected<PassTrace> Traced =
        A.WantLadder ? traceLadder([&] { return freshCopy(**M, Path, true); },
                                   A.Analysis, A.Gamma, A.Alpha, A.WhatIfs)
                     : tracePasses(**M, A.Passes, A.Analysis);
    if (!Traced)
      return Traced.takeError();
    Trace = std::move(*Traced);
  }
  llvm::Expected<std::unique_ptr<ModelAnalysis>> Analysis =
      analyseModel(**M, A.Analysis);
  if (!Analysis)
    return Analysis.takeError();
  if (A.Strict && !(*Analysis)->Unknown.empty())
    return unknownError(**M, **Analysis);
  std::unique_ptr<Model> DraftModel;
  std::unique_ptr<ModelAnalysis> Draft;
  if (A.Report.Speculative) {
    llvm::Expected<std::unique_ptr<Model>> Small =
        importFile(A.Report.Speculative->Draft);
    if (!Small)
      return Small.takeError();
    llvm::Expected<std::unique_ptr<ModelAnalysis>> OfSmall =
        analyseModel(**Small, A.Analysis);
    if (!OfSmall)
      return OfSmall.takeError();
    DraftModel = std::move(*Small);
    Draft = std::move(*OfSmall);
    if (A.WantGraphStep)
      if (llvm::Error E = addGraphStep(*DraftModel, A.Report.Speculative->Draft,
                                       /*AsRead=*/true, *Draft))
        return E;
  }
  if (A.WantGraphStep)
    if (llvm::Error E = addGraphStep(**M, Path, A.Passes.empty(), **Analysis))
      return E;
  llvm::Expected<Report> R = buildReport(**M, **Analysis, A.Report, Draft.get(),
                                         Trace ? &*Trace : nullptr);
  if (!R)
    return R.takeError();
  if (A.Form == Format::Csv)
    if (std::string Why = missingRows(*R, A.Report.Views.front()); !Why.empty())
      Warnings.push_back(Why);
  llvm::append_range(Warnings, (*M)->Warnings);
  llvm::append_range(Warnings, (*Analysis)->Facts.Warnings);
  return render(*R, A);
}

static int analyzeOne(const Arguments &A) {
  if (llvm::Error E = checkOutput(A.Output, A.Model, A.Inputs))
    return fail(std::move(E));
  std::vector<std::string> Warnings;
  llvm::Expected<std::string> Text = analyze(A.Model, A, Warnings);
  if (!Text)
    return fail(Text.takeError());
  warn(Warnings);
  return emit(A.Output, *Text);
}

static int analyzeMany(const Arguments &A) {
  llvm::Expected<std::vector<std::string>> Paths = readList(A.Batch);
  if (!Paths)
    return fail(Paths.takeError());
  for (llvm::ArrayRef<std::string> Read :
       {llvm::ArrayRef(*Paths), llvm::ArrayRef(A.Inputs)})
    if (llvm::Error E = checkOutput(A.Output, A.Batch, Read))
      return fail(std::move(E));
  return writeLines(*Paths, A.Jobs, A.Output, [&](llvm::StringRef Path) {
    std::vector<std::string> Unused;
    llvm::Expected<std::string> Text = analyze(Path, A, Unused);
    if (Text)
      return std::move(*Text);
    std::string Line;
    llvm::raw_string_ostream OS(Line);
    printErrorLine(Path, llvm::toString(Text.takeError()), OS);
    return Line;
  });
}

static int run(int Count, const char *const *Words) {
  llvm::Expected<Arguments> A = parseArguments(Count, Words);
  if (!A)
    return fail(A.takeError());
  if (A->Help)
    return emit("", HelpText);
  if (A->Version)
    return emit("", "xf-analyze " XFA_VERSION "\n");
  if (A->ListGpus) {
    std::vector<Gpu> All = A->OwnGpus;
    llvm::append_range(All, gpus());
    switch (A->Form) {
    case Format::Text:
      return emit(A->Output, gpuListText(All));
    case Format::Json:
      return emit(A->Output, gpuListJson(All));
    case Format::Csv:
      return emit(A->Output, gpuListCsv(All));
    }
  }
  return A->Batch.empty() ? analyzeOne(*A) : analyzeMany(*A);
}

} // namespace xfa::tool

int main(int Count, char **Words) {
  return xfa::tool::guarded([&] { return xfa::tool::run(Count, Words); });
}
