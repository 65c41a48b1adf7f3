//===- PackQkv.cpp - the pass pack-qkv ------------------------------------===//
//
// Products with weights that read the same X (queries, keys and values of a
// core) become one kernel, which reads X once. The weights stay as they are
// stored; a kernel with its weights side by side computes the same.
//
//===----------------------------------------------------------------------===//

#include "Fusion.h"

#include "xfa/IR/Fused.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

static void packCore(Fuser &F, const Model &M, const AttentionCore &Core) {
  const NodeId Tell = F.outside(Core.Softmax);
  const NodeId At = Tell ? Tell : Core.Softmax;
  if (Core.PackedQkv && Core.Q.Product == Core.K.Product &&
      Core.K.Product == Core.V.Product)
    return F.refuse(At, "Q, K and V are one product already");
  const Projection *All[] = {&Core.Q, &Core.K, &Core.V};
  const Projection *Reader = nullptr; // the first of two that read the same
  for (unsigned I = 0; I < 3 && !Reader; ++I)
    for (unsigned J = I + 1; J < 3; ++J)
      if (*All[I] && *All[J] && All[I]->Input == All[J]->Input &&
          All[I]->Product != All[J]->Product)
        Reader = All[I];
  if (!Reader)
    return F.refuse(At, "no two of Q, K and V are products of the same values "
                        "with a weight each");
  llvm::SmallSetVector<NodeId, 3> Nodes;
  llvm::SmallVector<ValueId, 3> Results;
  for (const Projection *P : All) {
    if (!*P || P->Input != Reader->Input)
      continue;
    const NodeId Outer = F.outside(P->Product);
    if (!Outer)
      return F.refuse(P->Product,
                      "it stands in the body of a function, which would have "
                      "to be inlined first (unfuse)");
    if (Nodes.insert(Outer))
      llvm::append_range(Results, M[Outer].Outputs);
  }
  if (Nodes.size() < 2)
    return F.refuse(At, "Q, K and V are in one kernel already");
  F.fuse(Nodes.getArrayRef(), Results, PackedQkvName, Nodes.front());
}

/// Fires once for each core.
llvm::Error packQkv(PassContext &Context) {
  llvm::Expected<const ModelAnalysis *> A = Context.analysis();
  if (!A)
    return A.takeError();
  if ((*A)->Found.Blocks.empty())
    return llvm::Error::success();
  Fuser F(Context);
  for (const Block &B : (*A)->Found.Blocks)
    for (const AttentionCore &Core : B.Attention)
      packCore(F, Context.model(), Core);
  return llvm::Error::success();
}

} // namespace xfa
