//===- OpsetRaise.cpp - ai.onnx of a later version ------------------------===//
//
// From 13 on. What changed between two versions is in ONNX's changelog
// (docs/Changelog.md); what only became more general (more types, new optional
// operands and attributes whose defaults are what was) is left alone.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::lowering {

namespace {

/// Softmax, Split, Squeeze and others were redefined there.
constexpr int Oldest = 13;

/// What an operator was, and from when on it is something else.
struct Change {
  OpKind Kind;
  int Since;
  enum SortTy : uint8_t {
    Axes,  ///< attribute `axes` became an operand
    Parts, ///< equal parts must be asked for by num_outputs
    Other  ///< not rewritten here
  } Sort;
};

constexpr Change Changes[] = {{OpKind::ReduceL1, 18, Change::Axes},
                              {OpKind::ReduceL2, 18, Change::Axes},
                              {OpKind::ReduceLogSum, 18, Change::Axes},
                              {OpKind::ReduceLogSumExp, 18, Change::Axes},
                              {OpKind::ReduceMax, 18, Change::Axes},
                              {OpKind::ReduceMean, 18, Change::Axes},
                              {OpKind::ReduceMin, 18, Change::Axes},
                              {OpKind::ReduceProd, 18, Change::Axes},
                              {OpKind::ReduceSumSquare, 18, Change::Axes},
                              {OpKind::Split, 18, Change::Parts},
                              {OpKind::BatchNormalization, 14, Change::Other},
                              {OpKind::RoiAlign, 16, Change::Other},
                              {OpKind::LpPool, 18, Change::Other},
                              {OpKind::Resize, 19, Change::Other},
                              {OpKind::AveragePool, 19, Change::Other},
                              {OpKind::DFT, 20, Change::Other},
                              {OpKind::GridSample, 20, Change::Other},
                              {OpKind::GroupNormalization, 21, Change::Other}};

const Change *changeOf(const Node &N, int To) {
  if (!N.Domain.empty())
    return nullptr;
  const Change *Found =
      llvm::find_if(Changes, [&](const Change &C) { return C.Kind == N.Kind; });
  return Found != std::end(Changes) && N.OpsetVersion < Found->Since &&
                 Found->Since <= To
             ? Found
             : nullptr;
}

/// Nodes of all graphs but those of functions that the file has.
template <typename FnT> void forEachNode(const Model &M, GraphId G, FnT Fn) {
  for (NodeId N : M[G].Nodes) {
    Fn(N);
    for (const Attribute &A : M[N].Attributes)
      for (GraphId Body : A.Graphs)
        forEachNode(M, Body, Fn);
    if (M[N].Callee)
      forEachNode(M, M[N].Callee, Fn);
  }
}

} // namespace

std::string OpsetRaise::whyNot(NodeId Id) const {
  const Node &N = M[Id];
  if (N.Callee || !N.Domain.empty())
    return {};
  if (N.Kind == OpKind::Unknown)
    return "'" + M.label(Id) + "' is of an operator that is not known";
  const Change *C = changeOf(N, To);
  // Training and running statistics changed; inference did not.
  if (!C || C->Sort != Change::Other ||
      (C->Kind == OpKind::BatchNormalization && N.Outputs.size() == 1))
    return {};
  return ("'" + M.label(Id) + "' (" + N.Op + ") is another operator from " +
          llvm::Twine(C->Since) + " on")
      .str();
}

std::string OpsetRaise::whyNot(const NodeSet &Except) const {
  int Version = To;
  for (const OpsetImport &Import : M.Opsets)
    if (Import.Domain.empty())
      Version = static_cast<int>(Import.Version);
  const std::string Needs = "it needs ai.onnx " + std::to_string(To) + ", and ";
  if (Version < Oldest)
    return Needs + "from version " + std::to_string(Version) +
           " more changed than is known to be safe";
  // What the file says of a function is written as it is.
  auto IsOfFile = [&](const Node &Call) {
    return Call.Callee && llvm::any_of(M.Functions, [&](const Function &F) {
             return F.Domain == Call.Domain && F.Name == Call.Op &&
                    !F.Message.empty();
           });
  };
  std::string Why;
  forEachNode(M, GraphId(0), [&](NodeId N) {
    if (!Why.empty() || Except.contains(N))
      return;
    Why = IsOfFile(M[N]) ? "'" + M[N].Op.str() +
                               "', a function of the file, is written for an "
                               "earlier one (unfuse)"
                         : whyNot(N);
  });
  return Why.empty() ? Why : Needs + Why;
}

void OpsetRaise::run(Editor &E, int To) {
  Model &M = E.model();
  std::vector<NodeId> Nodes; // of before: new ones join the graphs
  forEachNode(M, GraphId(0), [&](NodeId N) {
    if (M[N].Domain.empty() && !M[N].Callee)
      Nodes.push_back(N);
  });
  for (NodeId N : Nodes) {
    const Change *C = changeOf(M[N], To);
    M[N].OpsetVersion = std::max(M[N].OpsetVersion, To);
    if (!C)
      continue;
    llvm::SmallVector<Attribute, 2> Attributes(M[N].Attributes);
    if (C->Sort == Change::Axes) {
      const Attribute *Axes = M[N].attribute("axes");
      if (!Axes)
        continue;
      // In its graph, for functions see no initialiser.
      const ValueId Operand =
          E.make(M[N].Parent, "Constant", {},
                 {E.intsAttr("value_ints", Axes->Ints)}, "axes");
      llvm::erase_if(Attributes,
                     [](const Attribute &A) { return A.Name == "axes"; });
      E.setInputs(N, {M[N].Inputs[0], Operand});
    } else if (C->Sort == Change::Parts) {
      if (M[N].Inputs.size() > 1 && M[N].Inputs[1])
        continue;
      Attributes.push_back(
          E.intAttr("num_outputs", static_cast<int64_t>(M[N].Outputs.size())));
    }
    E.setAttributes(N, Attributes);
  }
  for (OpsetImport &Import : M.Opsets)
    if (Import.Domain.empty())
      Import.Version = std::max<int64_t>(Import.Version, To);
}

} // namespace xfa::lowering
