//===- CausalTiles.cpp - what fused attentions need not compute (C15) -----===//

#include "Build.h"

#include "xfa/Analysis/FlashTraffic.h"

namespace xfa {

bool isOneKernel(const AttentionCore &Core, llvm::ArrayRef<NodeId> Kernels) {
  if (Core.Fused)
    return true;
  const NodeId In = Kernels[Core.Scores.Index];
  return In && In == Kernels[Core.Values.Index];
}

std::optional<AttentionShape>
shapeOf(const ModelAnalysis &A, const AttentionCore &Core, const Bindings &At) {
  AttentionShape S;
  S.ElementBits = elemBits(A.ActivationType);
  for (auto [To, From] : {std::pair{&S.Batch, Core.Batch},
                          {&S.Heads, Core.Heads},
                          {&S.KvHeads, Core.KvHeads},
                          {&S.Rows, Core.Rows},
                          {&S.Columns, Core.Columns},
                          {&S.HeadDim, Core.HeadDim},
                          {&S.ValueDim, Core.ValueDim}}) {
    if (!From || !From.isKnown())
      return std::nullopt;
    llvm::Expected<__int128> V = evaluate(From, At);
    if (!V) {
      llvm::consumeError(V.takeError());
      return std::nullopt;
    }
    *To = static_cast<int64_t>(*V);
  }
  return S;
}

/// What the operator, or all nodes of the kernel, do.
static Ledger::Piece pieceOf(const Report &R, const AttentionCore &Core,
                             llvm::ArrayRef<NodeId> Kernels) {
  const ModelAnalysis &A = *R.A;
  Ledger::Piece P = {Work::zero(*A.Store), ElemType::Undefined,
                     A.Store->constant(1)};
  for (size_t I = 0; I < R.M->Nodes.size(); ++I) {
    const NodeCost &C = A.Costs.Nodes[I];
    const bool Belongs = Core.Fused ? NodeId(I) == Core.Softmax
                                    : Kernels[I] == Kernels[Core.Scores.Index];
    if (!Belongs || C.Folded || C.Times.is(0))
      continue;
    P.W += mapWork({C.Matrix, C.Vector, C.Read, C.Written, C.WeightRead},
                   [&](Expr E) { return A.alias(E * C.Times); });
    if (C.MatrixType != ElemType::Undefined)
      P.MatrixType = C.MatrixType;
  }
  return P;
}

Ledger withoutHiddenTiles(const Report &R, llvm::ArrayRef<NodeId> Kernels,
                          const Gpu &G, const Bindings &At) {
  const ModelAnalysis &A = *R.A;
  Ledger L = A.Graph;
  if (A.Causality.Causal != Verdict::Proved)
    return L;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (Core.Cross || !isOneKernel(Core, Kernels))
        continue;
      const std::optional<AttentionShape> S = shapeOf(A, Core, At);
      const std::optional<AttentionTile> Tile =
          S ? attentionTile(G, *S) : std::nullopt;
      if (!Tile)
        continue;
      const Expr Hidden = A.Store->constant(hiddenPairs(*Tile, *S)) *
                          (S->Batch * S->Heads) *
                          (2 * (S->HeadDim + S->ValueDim)) *
                          (Core.Times ? Core.Times : A.Store->constant(1));
      L.Total.Matrix -= Hidden;
      // The same piece once less, and once without what is hidden.
      Ledger::Piece Piece = pieceOf(R, Core, Kernels);
      Piece.Times = A.Store->constant(-1);
      L.Pieces.push_back(Piece);
      Piece.Times = A.Store->constant(1);
      Piece.W.Matrix -= Hidden;
      L.Pieces.push_back(Piece);
    }
  return L;
}

} // namespace xfa
