//===- LowerFused.cpp - --lower-fused -------------------------------------===//

#include "xfa/Transform/LowerFused.h"

#include "Lowering.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

namespace xfa {

using namespace lowering;

namespace {

Answer lowerKernel(const Kernel &K, Target T) {
  const Node &Call = K.M[K.Call];
  if (llvm::any_of(K.Nodes, [&](NodeId N) { return bool(K.M[N].Callee); }))
    return Answer::no("other kernels stand in it, and no operator holds those");
  if (isFused(Call, AttentionName))
    return lowerAttention(K, T);
  if (isFused(Call, ScaledScoresName))
    return lowerScores(K, T);
  if (isFused(Call, RotaryName))
    return lowerRotary(K, T);
  if (isFused(Call, NormName))
    return lowerNorm(K, T);
  if (isFused(Call, ProductName) || isFused(Call, ElementwiseName))
    return lowerActivation(K, T);
  if (isFused(Call, PackedQkvName))
    return Answer::no("there is no operator for several products of one X");
  if (isFused(Call, MaskSoftmaxName))
    return Answer::no("there is no operator for scale, mask and softmax that "
                      "runs everywhere (BiasSoftmax is for GPUs)");
  return Answer::no("there is no operator for such a kernel");
}

class Lowering {
public:
  Lowering(PassContext &Context, const ModelAnalysis &A, Target T)
      : Context(Context), M(Context.model()), E(Context.editor()), T(T),
        Masks(M, A) {
    forEachKernel(GraphId(0), [&](NodeId Call) { look(A, Call); });
  }

  void run();

private:
  struct Planned {
    std::unique_ptr<Kernel> K;
    Part P;
  };

  template <typename FnT> void forEachKernel(GraphId G, FnT Fn) {
    for (NodeId N : M[G].Nodes)
      if (isFused(M[N]))
        Fn(N);
      else
        for (const Attribute &A : M[N].Attributes)
          for (GraphId Body : A.Graphs)
            forEachKernel(Body, Fn);
  }
  void look(const ModelAnalysis &A, NodeId Call);
  void apply(Planned &Plan);
  void keepAround(const Planned &Plan, llvm::ArrayRef<NodeId> Body,
                  llvm::ArrayRef<NodeId> Made, llvm::StringRef Kind);

  PassContext &Context;
  Model &M;
  Editor &E;
  Target T;
  CausalMasks Masks;
  std::vector<Planned> Plans;
  Maker::SharedTy Shared;
  std::map<std::string, unsigned> Counts, Notes;
};

void Lowering::look(const ModelAnalysis &A, NodeId Call) {
  auto K = std::make_unique<Kernel>(M, A, Masks, E, Call);
  Answer Found = lowerKernel(*K, T);
  std::string Why = Found.Found ? E.whyNotInlined(Call) : Found.Why;
  if (Why.empty())
    Plans.push_back({std::move(K), std::move(*Found.Found)});
  else
    Context.refuse(M.label(Call), Why);
}

/// What is left of a kernel beside the operator is a kernel with it.
void Lowering::keepAround(const Planned &Plan, llvm::ArrayRef<NodeId> Body,
                          llvm::ArrayRef<NodeId> Made, llvm::StringRef Kind) {
  const Kernel &K = *Plan.K;
  NodeSet Around;
  bool Works = false; // more than views and what is known when compiled
  for (NodeId N : Body) {
    if (Plan.P.Nodes.contains(N)) {
      if (N == Plan.P.Nodes.back())
        Around.insert(Made.begin(), Made.end());
      continue;
    }
    const bool Known = llvm::all_of(
        M[N].Outputs, [&](ValueId V) { return !V || K.folded(V); });
    if (Known)
      continue;
    Works |= !(opTraits(M[N].Kind) & trait::View);
    Around.insert(N);
  }
  if (Works && E.whyNotOutlined(Around.getArrayRef()).empty())
    E.outline(Around.getArrayRef(), FusedDomain, Kind);
}

void Lowering::apply(Planned &Plan) {
  const NodeId Call = Plan.K->Call;
  llvm::StringRef Kind = M[Call].Op;
  Kind = Kind.take_until([](char C) { return C == '_'; });
  llvm::DenseMap<ValueId, ValueId> Operands;
  for (auto [In, Given] :
       llvm::zip_equal(Plan.K->body().Inputs, M[Call].Inputs))
    Operands[In] = Given;
  const GraphId Graph = M[Call].Parent;
  // In the body's order, for the last one is where the operator comes to stand.
  NodeSet Ordered;
  for (NodeId N : Plan.K->Nodes)
    if (Plan.P.Nodes.contains(N))
      Ordered.insert(N);
  Plan.P.Nodes = Ordered;
  const std::vector<NodeId> Body = E.inlineCall(Call);
  Maker Make(E, Graph, Operands, Shared);
  Plan.P.Make(Make);
  keepAround(Plan, Body, Make.Made, Kind);
  ++Counts[Plan.P.Op];
  if (!Plan.P.Note.empty())
    ++Notes[Plan.P.Op + ": " + Plan.P.Note];
  Context.fired();
}

void Lowering::run() {
  if (Plans.empty())
    return;
  const bool Raise = T == Target::Onnx23 && E.opsetVersion("") < OpsetOfOnnx23;
  if (Raise) {
    NodeSet Gone;
    for (const Planned &Plan : Plans) {
      Gone.insert(Plan.K->Call);
      Gone.insert(Plan.P.Nodes.begin(), Plan.P.Nodes.end());
    }
    const std::string Why = OpsetRaise(M, OpsetOfOnnx23).whyNot(Gone);
    if (!Why.empty())
      return Context.refuse("", Why);
    Context.note("ai.onnx " + llvm::Twine(E.opsetVersion("")) + " becomes " +
                 llvm::Twine(OpsetOfOnnx23));
  }
  for (Planned &Plan : Plans)
    apply(Plan);
  if (Raise)
    OpsetRaise::run(E, OpsetOfOnnx23);
  for (const auto &[Op, Count] : Counts)
    Context.note("made " + llvm::Twine(Count) + " " + Op);
  for (const auto &[Note, Count] : Notes)
    Context.note(llvm::Twine(Count) + " " + Note);
}

llvm::Error lower(PassContext &Context, Target T) {
  llvm::Expected<const ModelAnalysis *> A = Context.analysis();
  if (!A)
    return A.takeError();
  Lowering(Context, **A, T).run();
  return llvm::Error::success();
}

} // namespace

const PassInfo *loweringTo(llvm::StringRef Target) {
  static constexpr PassInfo All[] = {
      {"lower-fused=ort",
       [](PassContext &C) { return lower(C, lowering::Target::Ort); },
       "kernels as operators of ONNX Runtime"},
      {"lower-fused=onnx23",
       [](PassContext &C) { return lower(C, lowering::Target::Onnx23); },
       "kernels as operators of ai.onnx 23"},
      {"lower-fused=none",
       [](PassContext &) -> llvm::Error { return llvm::Error::success(); },
       "kernels stay functions"}};
  const PassInfo *Found = llvm::find_if(All, [&](const PassInfo &P) {
    return P.Name.split('=').second == Target;
  });
  return Found == std::end(All) ? nullptr : Found;
}

} // namespace xfa
