//===- Rewrite.cpp - xf-opt --passes --------------------------------------===//

#include "Rewrite.h"

#include "../Output.h"

#include "llvm/Support/Format.h"

namespace xfa::tool {

std::string passListText() {
  size_t Width = 0;
  for (const PassInfo &P : passes())
    Width = std::max(Width, P.Name.size());
  for (const PipelineInfo &P : pipelines())
    Width = std::max(Width, P.Name.size());
  std::string Text;
  for (const PassInfo &P : passes())
    Text += P.Name.str() + std::string(Width - P.Name.size() + 2, ' ') +
            P.What.str() + "\n";
  for (const PipelineInfo &P : pipelines())
    Text += P.Name.str() + std::string(Width - P.Name.size() + 2, ' ') +
            P.What.str() + ": " + P.Passes.str() + "\n";
  return Text;
}

/// What a pass has to say. Of one that did not fire the first reason is always
/// said; all of them, and those of passes that fired elsewhere, under
/// --explain. What a rewriting assumes is always said.
static void report(const PassRun &Run, bool Explain) {
  const size_t Most = Explain ? Run.Refused.size() : Run.Fired == 0 ? 1 : 0;
  for (const Refusal &R : llvm::ArrayRef(Run.Refused).take_front(Most))
    complain("refused", Run.Pass + ": " +
                            (R.Where.empty() ? "" : "'" + R.Where + "': ") +
                            R.Why);
  if (Most != 0 && Run.Refused.size() > Most)
    complain("refused", Run.Pass + ": and " +
                            std::to_string(Run.Refused.size() - Most) +
                            " more (--explain lists them)");
  for (const std::string &Sentence : Run.Assumed)
    complain("note", Run.Pass + ": assumes: " + Sentence);
  if (!Explain)
    return;
  if (Run.Fired == 0 && Run.Refused.empty())
    complain("note", Run.Pass + ": found nothing that it is for");
  if (Run.Fired != 0)
    complain("note", Run.Pass + ": fired " + std::to_string(Run.Fired) +
                         (Run.Fired == 1 ? " time" : " times"));
  for (const std::string &Note : Run.Notes)
    complain("note", Run.Pass + ": " + Note);
}

int rewrite(
    Model &M, const RewriteOptions &Options,
    llvm::function_ref<llvm::Expected<std::string>(const Model &)> Print) {
  PipelineOptions Pipeline;
  Pipeline.VerifyEach = Options.VerifyEach;
  if (Options.PrintAfterAll)
    Pipeline.AfterEach = [&](const PassRun &Run, const Model &After) {
      llvm::Expected<std::string> Text = Print(After);
      llvm::errs() << "// after " << Run.Pass << "\n"
                   << (Text ? *Text : llvm::toString(Text.takeError()) + "\n");
    };
  llvm::Expected<std::vector<PassRun>> Runs =
      runPasses(M, Options.Passes, Pipeline);
  if (!Runs)
    return fail(Runs.takeError());
  for (const PassRun &Run : *Runs) {
    report(Run, Options.Explain);
    if (Options.TimePasses)
      llvm::errs() << llvm::format("time: %10.6f s  ", Run.Seconds) << Run.Pass
                   << "\n";
  }
  if (Options.RequireFired)
    for (const PassRun &Run : *Runs)
      if (Run.Fired == 0) {
        complain("error", "pass '" + Run.Pass +
                              "' did not fire, and --require-fired wants it");
        return GateFailed;
      }
  return Done;
}

} // namespace xfa::tool
