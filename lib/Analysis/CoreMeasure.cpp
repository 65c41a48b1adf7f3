//===- CoreMeasure.cpp - batch, heads and widths of a core ----------------===//

#include "Recogniser.h"
#include "Repetition.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

/// The length that a cache has before the step: a float operand of a Concat on
/// the path that is a graph input.
static bool findPast(const FlatGraph &G, const NodeSet &Path, ValueId &Past) {
  for (NodeId N : Path) {
    if (G.kind(N) != OpKind::Concat && G.kind(N) != OpKind::ScatterND &&
        G.kind(N) != OpKind::TensorScatter)
      continue;
    ValueId First = G.strip(G.operand(N, 0));
    if (First && G.M[First].IsInput && isFloat(G.Facts[First].Elem)) {
      Past = First;
      return true;
    }
  }
  return false;
}

/// Elements of V as the file has them before it splits heads off: of what
/// Reshape and Transpose alone stand above V for. [B,N,D] has B·N·D of them,
/// where [B,N,H,D//H] has B·N·H·(D//H), which is the same only for an H that
/// divides D.
static Expr elementsBeforeHeads(const FlatGraph &G, ValueId V,
                                ExprStore &Store) {
  for (V = G.canonical(V);;) {
    NodeId P = G.producer(V);
    bool Moves =
        P && (G.kind(P) == OpKind::Reshape || G.kind(P) == OpKind::Transpose);
    ValueId From = Moves ? G.operand(P, 0) : ValueId();
    if (!From || !G.Facts[From].HasRank)
      return numElements(Store, G.Facts[V].Dims);
    V = From;
  }
}

static Projection projection(const WeightProduct &P, Expr Out) {
  Projection R;
  R.Product = P.Node;
  R.Input = P.Data;
  R.Weight = P.Weight;
  R.In = P.In;
  R.Out = Out;
  R.Bias = P.Bias;
  return R;
}

/// Elements of an operand of a core that differ: without the copies that are
/// made for grouped heads.
Expr Recogniser::distinctElements(const NodeSet &Path, ValueId V) const {
  Expr Elements = numElements(Store, Facts[G.canonical(V)].Dims);
  auto OnPath = [&](NodeId N) { return Path.contains(N); };
  Expr Times = Repetition(G, Store, OnPath).of(V);
  if (!Times.isKnown())
    return Times;
  // Where the batch is what is expanded, groups are not to be seen.
  return tryExactDiv(Elements, Times).value_or(Elements);
}

/// Batch, heads and widths of a core that is spelled out, from the shapes of
/// the operands and the products.
void Recogniser::measureSpelled(FoundCore &C) {
  AttentionCore &A = C.Core;
  const ValueFacts &Q = Facts[C.QueryOperand];
  Expr Key = distinctElements(C.KeyPath, C.KeyOperand);
  Expr Value = distinctElements(C.ValuePath, C.ValueOperand);
  // The scores have batch·heads leading elements; a projection has batch·rows
  // of them.
  if (C.Q >= 0 && Q.HasRank) {
    Expr Tokens = Products[C.Q].Rows;
    A.Heads = exactDiv(numElements(Store, Q.Dims), Tokens * A.HeadDim);
    Expr Batch = exactDiv(A.Batch, A.Heads);
    if (!provablyEqual(Batch * A.Rows, Tokens) && C.K >= 0 && C.K != C.Q) {
      // The rows of a group are rows of one product: [B·G, H/G·N, d] or an
      // Einsum's letters. The keys tell batch and groups.
      Expr Groups = exactDiv(Products[C.K].Out, A.HeadDim);
      std::optional<Expr> Found =
          tryExactDiv(Key, Groups * A.Columns * A.HeadDim);
      std::optional<Expr> Rows =
          Found ? tryExactDiv(Tokens, *Found) : std::nullopt;
      if (Rows) {
        A.Batch = *Found;
        A.Rows = *Rows;
      } else {
        A.Batch = Batch;
      }
    } else {
      A.Batch = Batch;
    }
  } else {
    A.Heads = Q.HasRank && Q.rank() == 4 ? Q.Dims[1] : Store.constant(1);
    A.Batch = exactDiv(A.Batch, A.Heads);
  }
  auto Each = [&](Expr Elements, Expr Others, ValueId V) {
    if (!Elements.isKnown())
      return Elements;
    // Where only a part of a key is expanded, the groups are not to be seen.
    Expr All = numElements(Store, Facts[G.canonical(V)].Dims);
    return tryExactDiv(Elements, Others).value_or(exactDiv(All, Others));
  };
  A.KvHeads = Each(Key, A.Batch * A.Columns * A.HeadDim, C.KeyOperand);
  A.ValueDim = Each(Value, A.Batch * A.Columns * A.KvHeads, C.ValueOperand);
}

void Recogniser::measureCore(FoundCore &C) {
  AttentionCore &A = C.Core;
  A.Query = C.QueryOperand;
  A.Key = C.KeyOperand;
  A.Value = C.ValueOperand;
  if (!A.Cached) {
    A.Cached = findPast(G, C.KeyPath, A.PastKey);
    findPast(G, C.ValuePath, A.PastValue);
  }
  if (!A.Fused) {
    measureSpelled(C);
  } else if (!A.Q) {
    // Keys may be repeated before an operator that would do it itself.
    auto OnPath = [&](NodeId N) { return C.KeyPath.contains(N); };
    Expr Times = Repetition(G, Store, OnPath).of(C.KeyOperand);
    if (!Times.isKnown())
      A.KvHeads = Times;
    else if (std::optional<Expr> Fewer = tryExactDiv(A.KvHeads, Times))
      A.KvHeads = *Fewer;
  }
  // Widths of all heads together.
  auto Width = [&](ValueId V, Expr Tokens, Expr Heads, Expr Each) {
    if (!A.Fused && G.Facts[G.canonical(V)].HasRank)
      if (std::optional<Expr> All =
              tryExactDiv(elementsBeforeHeads(G, V, Store), Tokens);
          All && Heads.isKnown())
        if (provablyEqual(floorDiv(*All, Heads), Each))
          return *All;
    return Heads * Each;
  };
  A.QueryWidth = Width(C.QueryOperand, A.Batch * A.Rows, A.Heads, A.HeadDim);
  A.KeyWidth = Width(C.KeyOperand, A.Batch * A.Columns, A.KvHeads, A.HeadDim);
  A.ValueWidth =
      Width(C.ValueOperand, A.Batch * A.Columns, A.KvHeads, A.ValueDim);
  if (A.Q && A.Q.Inside) { // as wide as the operator's weights
    A.QueryWidth = A.Q.Out;
    A.KeyWidth = A.K.Out;
    A.ValueWidth = A.V.Out;
  }
  A.ResultWidth = A.Heads == A.KvHeads ? A.ValueWidth : A.Heads * A.ValueDim;
  if (C.Q >= 0)
    A.Q = projection(Products[C.Q], A.QueryWidth);
  if (C.K >= 0)
    A.K = projection(Products[C.K], A.KeyWidth);
  if (C.V >= 0)
    A.V = projection(Products[C.V], A.ValueWidth);
  if (C.Out >= 0)
    A.Out = projection(Products[C.Out], Products[C.Out].Out);
  // Keys from another stream than the queries'.
  if (C.Q >= 0)
    A.Cross =
        C.K >= 0 ? !sameStream(C.K, C.Q) : !A.Cached && !C.KeyPath.empty();
  if (C.Q >= 0 && C.K < 0 && !A.Cached && M[G.strip(C.KeyOperand)].IsInput)
    A.Cross = true;

  // A packed product reads X once for all that it gives.
  A.SavedReads = Store.constant(0);
  llvm::SmallVector<int, 3> Given;
  for (int P : {C.Q, C.K, C.V}) {
    if (P < 0)
      continue;
    if (llvm::is_contained(Given, P)) {
      A.PackedQkv = true;
      A.SavedReads += Products[P].Rows * Products[P].In;
    }
    Given.push_back(P);
  }
}

} // namespace xfa
