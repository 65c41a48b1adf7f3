//===- MyPass.cpp - a pass of one's own -----------------------------------===//
//
// Relu of a Relu is that Relu. The pass runs between those of the project:
//   my-pass IN.onnx OUT.onnx
//
//===----------------------------------------------------------------------===//

#include "xfa/Export/Export.h"
#include "xfa/Import/Import.h"
#include "xfa/Transform/Pipeline.h"

#include "llvm/Support/raw_ostream.h"

using namespace xfa;

static llvm::Error dropSecondRelu(PassContext &Context) {
  Model &M = Context.model();
  for (NodeId N : M.main().Nodes) {
    if (M[N].Kind != OpKind::Relu)
      continue;
    ValueId In = M[N].Inputs[0];
    NodeId Before = M[In].Producer;
    if (!Before || M[Before].Kind != OpKind::Relu) {
      Context.refuse(M.label(N), "its operand is no Relu");
      continue;
    }
    Context.editor().replaceAllUses(M[N].Outputs[0], In);
    Context.fired();
  }
  return llvm::Error::success();
}

static llvm::Error run(llvm::StringRef From, llvm::StringRef To) {
  llvm::Expected<std::unique_ptr<Model>> M = importFile(From);
  if (!M)
    return M.takeError();
  llvm::Expected<std::vector<PassInfo>> Passes = parsePasses("unfuse,dce");
  if (!Passes)
    return Passes.takeError();
  Passes->insert(Passes->begin() + 1, {"drop-second-relu", dropSecondRelu,
                                       "Relu(Relu(x)) = Relu(x)"});
  PipelineOptions Options;
  Options.VerifyEach = true;
  Options.AfterEach = [](const PassRun &Run, const Model &) {
    llvm::outs() << Run.Pass << ": fired " << Run.Fired << ", refused "
                 << Run.Refused.size() << "\n";
  };
  llvm::Expected<std::vector<PassRun>> Runs = runPasses(**M, *Passes, Options);
  if (!Runs)
    return Runs.takeError();
  return exportFile(**M, To);
}

int main(int Count, char **Words) {
  if (Count != 3) {
    llvm::errs() << "usage: my-pass IN.onnx OUT.onnx\n";
    return 2;
  }
  if (llvm::Error E = run(Words[1], Words[2])) {
    llvm::errs() << "error: " << llvm::toString(std::move(E)) << "\n";
    return 1;
  }
  return 0;
}
