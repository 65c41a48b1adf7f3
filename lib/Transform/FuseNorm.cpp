//===- FuseNorm.cpp - the pass fuse-norm ----------------------------------===//
//
// A norm that is spelled out (mean, deviation, square, root, division, weight,
// bias) becomes one kernel.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

bool isView(const Model &M, NodeId N) {
  return opTraits(M[N].Kind) & trait::View;
}

/// Nodes of a norm's role that hang together, in the graph's order.
llvm::MapVector<NodeId, llvm::SmallVector<NodeId, 8>>
normsOf(const Model &M, const Structure &S) {
  auto IsNorm = [&](NodeId N) {
    return N && N.Index < S.Roles.size() && S.Roles[N.Index] == Role::Norm;
  };
  // By the earliest node.
  std::vector<NodeId> Leader(M.Nodes.size());
  auto Find = [&](NodeId N) {
    while (Leader[N.Index] != N)
      N = Leader[N.Index] = Leader[Leader[N.Index].Index];
    return N;
  };
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    Leader[I] = NodeId(I);
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    const NodeId N(I);
    if (!IsNorm(N))
      continue;
    for (ValueId In : M[N].Inputs)
      if (NodeId From = In ? M[In].Producer : NodeId(); IsNorm(From)) {
        NodeId A = Find(From), B = Find(N);
        Leader[std::max(A, B).Index] = std::min(A, B);
      }
  }
  llvm::MapVector<NodeId, llvm::SmallVector<NodeId, 8>> Norms;
  for (size_t I = 0; I < M.Nodes.size(); ++I)
    if (IsNorm(NodeId(I)))
      Norms[Find(NodeId(I))].push_back(NodeId(I));
  return Norms;
}

} // namespace

/// Fires once for each norm.
llvm::Error fuseNorm(PassContext &Context) {
  Model &M = Context.model();
  llvm::Expected<const ModelAnalysis *> A = Context.analysis();
  if (!A)
    return A.takeError();
  auto Norms = normsOf(M, (*A)->Found);
  if (Norms.empty())
    return llvm::Error::success();
  Fuser F(Context);
  for (auto &[First, Nodes] : Norms) {
    const NodeId At = F.outside(First);
    if (!At) {
      F.refuse(First, "it stands in the body of a function, which would have "
                      "to be inlined first (unfuse)");
      continue;
    }
    if (At != First) {
      F.refuse(At, "the norm is in a kernel already");
      continue;
    }
    if (llvm::count_if(Nodes, [&](NodeId N) { return !isView(M, N); }) < 2) {
      F.refuse(First, "the norm is one operator already");
      continue;
    }
    llvm::sort(Nodes, [&](NodeId L, NodeId R) {
      return F.position(L) < F.position(R);
    });
    F.fuse(Nodes, M[Nodes.back()].Outputs[0], "Norm", First);
  }
  return llvm::Error::success();
}

} // namespace xfa
