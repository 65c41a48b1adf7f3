//===- Pipeline.cpp - passes in a row -------------------------------------===//

#include "xfa/Transform/Pipeline.h"

#include "xfa/IR/Verifier.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <chrono>

using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace xfa {

ArrayRef<PassInfo> passes() {
  static constexpr PassInfo All[] = {
#define XFA_PASS(NAME, FUNCTION, WHAT) {NAME, FUNCTION, WHAT},
#include "xfa/Transform/Passes.def"
  };
  return All;
}

ArrayRef<PipelineInfo> pipelines() {
  static constexpr PipelineInfo All[] = {
#define XFA_PIPELINE(NAME, PASSES, WHAT) {NAME, PASSES, WHAT},
#include "xfa/Transform/Passes.def"
  };
  return All;
}

//===----------------------------------------------------------------------===//
// The context
//===----------------------------------------------------------------------===//

Editor &PassContext::editor() {
  if (!Edit)
    Edit = std::make_unique<Editor>(M);
  Changed = true;
  return *Edit;
}

Error PassContext::settle() {
  if (!Changed)
    return Error::success();
  Changed = false;
  Shapes.reset();
  Everything.reset();
  return Edit->finish();
}

Expected<const ShapeFacts *> PassContext::facts() {
  if (Error E = settle())
    return E;
  if (Everything)
    return &Everything->Facts;
  if (!Shapes) {
    Store = std::make_unique<ExprStore>();
    Expected<ShapeFacts> Facts = inferShapes(M, *Store);
    if (!Facts)
      return Facts.takeError();
    Shapes = std::make_unique<ShapeFacts>(std::move(*Facts));
  }
  return Shapes.get();
}

Expected<const ModelAnalysis *> PassContext::analysis() {
  if (Error E = settle())
    return E;
  if (!Everything) {
    Expected<std::unique_ptr<ModelAnalysis>> A =
        analyseModel(M, AnalysisOptions());
    if (!A)
      return A.takeError();
    Everything = std::move(*A);
  }
  return Everything.get();
}

Error PassContext::finish() {
  if (!Edit)
    return Error::success();
  if (Error E = Edit->finish())
    return E;
  Edit.reset();
  compact(M);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// The pipeline
//===----------------------------------------------------------------------===//

Expected<std::vector<PassInfo>> parsePasses(StringRef Text,
                                            ArrayRef<PassInfo> Known) {
  llvm::SmallVector<StringRef, 4> Names;
  Text.split(Names, ',');
  std::vector<PassInfo> Result;
  for (StringRef Name : Names) {
    Name = Name.trim();
    StringRef Nearest;
    unsigned Least = ~0u;
    auto Consider = [&](StringRef Candidate) {
      const unsigned Distance = Candidate.edit_distance(Name);
      if (Distance < Least) {
        Least = Distance;
        Nearest = Candidate;
      }
      return Distance == 0;
    };
    if (const auto *P = llvm::find_if(
            Known, [&](const PassInfo &P) { return Consider(P.Name); });
        P != Known.end()) {
      Result.push_back(*P);
      continue;
    }
    if (const auto *P = llvm::find_if(
            pipelines(),
            [&](const PipelineInfo &P) { return Consider(P.Name); });
        P != pipelines().end()) {
      Expected<std::vector<PassInfo>> Inner = parsePasses(P->Passes);
      if (!Inner)
        return Inner.takeError();
      llvm::append_range(Result, *Inner);
      continue;
    }
    if (Name.empty())
      return llvm::createStringError(
          "expected the name of a pass, found "
          "nothing (xf-opt --list-passes shows them)");
    const bool Near = Least <= std::max<size_t>(2, Name.size() / 3);
    return llvm::createStringError(
        "unknown pass '" + Name + "'" +
        (Near ? "; did you mean '" + Nearest + "'?"
              : Twine(" (xf-opt --list-passes shows them)")));
  }
  return Result;
}

static Error check(const Model &M) {
  if (Error E = verify(M))
    return E;
  ExprStore Store;
  Expected<ShapeFacts> Facts = inferShapes(M, Store);
  return Facts ? Error::success() : Facts.takeError();
}

/// "m.onnx: pass 'dce': …", whether or not E names the file already.
static Error inPass(const Model &M, StringRef Pass, Error E) {
  std::string Sentence = llvm::toString(std::move(E));
  StringRef Why = Sentence;
  Why.consume_front(M.Path + ": ");
  return llvm::createStringError(M.Path + ": pass '" + Pass + "': " + Why);
}

Expected<std::vector<PassRun>> runPasses(Model &M, ArrayRef<PassInfo> Passes,
                                         const PipelineOptions &Options) {
  if (Options.VerifyEach)
    if (Error E = check(M))
      return inPass(M, "(before the first)", std::move(E));
  std::vector<PassRun> Runs;
  for (const PassInfo &P : Passes) {
    PassRun &Run = Runs.emplace_back();
    Run.Pass = P.Name.str();
    const auto Start = std::chrono::steady_clock::now();
    PassContext Context(M, Run);
    if (Error E = P.Run(Context))
      return inPass(M, P.Name, std::move(E));
    if (Error E = Context.finish())
      return inPass(M, P.Name, std::move(E));
    Run.Seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - Start)
            .count();
    if (Options.VerifyEach)
      if (Error E = check(M))
        return inPass(M, P.Name, std::move(E));
    if (Options.AfterEach)
      Options.AfterEach(Run, M);
  }
  return Runs;
}

} // namespace xfa
