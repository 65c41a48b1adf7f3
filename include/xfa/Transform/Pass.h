//===- Pass.h - what a rewrite is -----------------------------------------===//
//
// A pass is a function with a name (Passes.def). It looks at a model, changes
// it through the context's editor, and says how often it fired and what it
// refused, with the reason. It decides before it changes: what it refuses is
// left as it was. An error is for a model that is at fault, not for a refusal.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TRANSFORM_PASS_H
#define XFA_TRANSFORM_PASS_H

#include "xfa/Analysis/Analysis.h"
#include "xfa/IR/Editor.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace xfa {

/// Why a pass left something alone. Both are sentences or parts of one.
struct Refusal {
  std::string Where; ///< the node, by name; empty: the whole model
  std::string Why;   ///< what would have to be otherwise
};

/// What a pass did.
struct PassResult {
  int64_t Fired = 0; ///< how many places it rewrote
  std::vector<Refusal> Refused;
  std::vector<std::string> Notes; ///< what else a user wants to know
  /// What has to hold for the rewriting to be right, and could not be proved.
  std::vector<std::string> Assumed;
};

/// What a pass sees of the world.
class PassContext {
public:
  PassContext(Model &M, PassResult &Result) : M(M), Result(Result) {}

  Model &model() { return M; }
  /// Through which the model is changed. Who has asked for it since facts() is
  /// taken to have changed something.
  Editor &editor();

  /// Of the model as it is now, sorted and free of what is dead; ids stay.
  /// Computed when first asked for, and again after changes: until then those
  /// from before stay, and know nothing of values made since.
  llvm::Expected<const ShapeFacts *> facts();
  /// Shapes, costs, structure. Dimensions in `Facts` and in `Found` are in the
  /// graph's own names.
  llvm::Expected<const ModelAnalysis *> analysis();

  void fired(int64_t Times = 1) { Result.Fired += Times; }
  void refuse(const llvm::Twine &Where, const llvm::Twine &Why) {
    Result.Refused.push_back({Where.str(), Why.str()});
  }
  void note(const llvm::Twine &Sentence) {
    Result.Notes.push_back(Sentence.str());
  }
  void assume(const llvm::Twine &Sentence) {
    Result.Assumed.push_back(Sentence.str());
  }

  /// Ends the editing: what is dead goes, nodes are sorted, ids renumbered.
  llvm::Error finish();

private:
  llvm::Error settle();

  Model &M;
  PassResult &Result;
  std::unique_ptr<Editor> Edit;
  bool Changed = false; ///< since Shapes and Everything
  std::unique_ptr<ExprStore> Store;
  std::unique_ptr<ShapeFacts> Shapes;
  std::unique_ptr<ModelAnalysis> Everything;
};

struct PassInfo {
  llvm::StringRef Name;
  llvm::Error (*Run)(PassContext &);
  llvm::StringRef What;
};

/// Those of Passes.def.
llvm::ArrayRef<PassInfo> passes();

/// A name for passes in a row.
struct PipelineInfo {
  llvm::StringRef Name, Passes, What;
};
llvm::ArrayRef<PipelineInfo> pipelines();

#define XFA_PASS(NAME, FUNCTION, WHAT) llvm::Error FUNCTION(PassContext &);
#include "xfa/Transform/Passes.def"

} // namespace xfa

#endif // XFA_TRANSFORM_PASS_H
