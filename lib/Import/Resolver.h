//===- Resolver.h - names become ids --------------------------------------===//
//
// A name is looked up in the graph that uses it, then in the graphs around it,
// innermost first. A function's body sees none of those: only its operands.
//
// ONNX wants each name defined once and nodes after those they need. Files
// break both rules, and runtimes accept them: a name that Constant nodes
// define repeatedly means the nearest definition above its use, and nodes out
// of order are sorted.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_IMPORT_RESOLVER_H
#define XFA_LIB_IMPORT_RESOLVER_H

#include "Proto.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace xfa::import {

/// Nodes of a model, and how many of them copies of function bodies may be: a
/// file of a kilobyte can call for 2^64.
inline constexpr uint64_t MaxNodes = 20'000'000;
inline constexpr uint64_t MaxCopied = 1'000'000;

inline bool isConstantNode(const Node &N) {
  return N.Op == "Constant" && N.Domain.empty();
}

/// The definitions of one graph.
struct Scope {
  Scope *Outer = nullptr;
  GraphId Graph;
  /// The last definition of each name: of several Constants by one name, ONNX
  /// Runtime gives the last one to every use. No id: a function's operand that
  /// the call leaves out.
  llvm::DenseMap<llvm::StringRef, ValueId> Names;

  /// The graph's nodes are those from FirstNode on, in the file's order; the
  /// one at Position is being resolved.
  uint32_t FirstNode = 0, NumNodes = 0;
  uint32_t Position = 0;
  bool InOrder = true;
  /// What bodies (at the position of their owner) use of this graph's nodes.
  std::vector<std::pair<uint32_t, uint32_t>> Captures;

  /// The position of a node of this graph.
  std::optional<uint32_t> positionOf(NodeId N) const {
    if (!N || N.Index < FirstNode || N.Index - FirstNode >= NumNodes)
      return std::nullopt;
    return N.Index - FirstNode;
  }
};

struct Call;

/// Graphs that stand in a node, not yet built: where their names are looked
/// up, and the call whose attributes they may refer to.
struct PendingBodies {
  unsigned Attribute = 0; ///< index into the node's attributes
  llvm::ArrayRef<const ProtoGraph *> Graphs;
  Scope *In = nullptr;
  const Call *Environment = nullptr;
};

/// Attributes with every reference replaced by what it refers to.
struct ResolvedAttributes {
  llvm::SmallVector<Attribute, 8> List;
  llvm::SmallVector<PendingBodies, 2> Bodies;
};

/// A call of a model-local function while its body is copied.
struct Call {
  const ProtoFunction *Function;
  const llvm::DenseMap<llvm::StringRef, int64_t> *Opsets;
  const Call *Caller;
  ResolvedAttributes Arguments;
};

class Resolver {
public:
  Resolver(ProtoModel &P, Model &M) : P(P), M(M) {}
  llvm::Error run();

private:
  llvm::Expected<GraphId> graph(const ProtoGraph &G, Scope *Outer,
                                const Call *Env, NodeId Owner);
  llvm::Expected<GraphId> callee(const Call &C, NodeId Site);
  llvm::Error nodes(Scope &S, llvm::ArrayRef<ProtoNode> Nodes, const Call *Env);
  llvm::Error declareOutputs(Scope &S, llvm::ArrayRef<ProtoNode> Nodes,
                             const Call *Env);
  llvm::Error declareOutput(Scope &S, const ProtoNode &N, llvm::StringRef Name,
                            ValueId V);
  llvm::Error resolveNode(Scope &S, NodeId Id, const ProtoNode &N,
                          const Call *Env);
  llvm::Error call(Scope &S, NodeId Id, const ProtoNode &N, unsigned Function,
                   const Call *Env);
  void attributes(Scope &S, const ProtoAttributes &From, const Call *Env,
                  ResolvedAttributes &To);
  llvm::Error order(Scope &S, llvm::ArrayRef<ProtoNode> Nodes);
  llvm::Error checkOpset(const OpsetImport &Import);
  llvm::Error checkDefault(ValueId V);
  void noteRest(ValueId V, const ProtoValueInfo &Info);
  void declareTypes(Scope &S, llvm::ArrayRef<ProtoValueInfo> Infos);
  std::optional<ValueId> lookUp(Scope &S, llvm::StringRef Name);
  std::optional<unsigned> findFunction(const ProtoNode &N) const;
  int opsetVersion(llvm::StringRef Domain, const Call *Env, bool IsCall);
  llvm::Error enter();
  llvm::Error charge(const Call *Env, uint64_t Work);
  ValueId addValue(llvm::StringRef Name);
  void warn(const llvm::Twine &Sentence) {
    M.Warnings.push_back(Sentence.str());
  }
  void warnOfLeniencies();

  ProtoModel &P;
  Model &M;
  /// By (domain, name), overload; of several the last.
  using FunctionKey =
      std::pair<std::pair<llvm::StringRef, llvm::StringRef>, llvm::StringRef>;
  llvm::DenseMap<FunctionKey, unsigned> Functions;
  std::vector<llvm::DenseMap<llvm::StringRef, int64_t>> FunctionOpsets;
  llvm::DenseMap<llvm::StringRef, int64_t> ModelOpsets;
  llvm::DenseSet<llvm::StringRef> MissingDomains;
  unsigned Depth = 0;
  uint64_t Copied = 0;
};

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_RESOLVER_H
