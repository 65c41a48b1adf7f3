//===- AttentionOperators.cpp - operators that are a whole core -----------===//
//
// Letters: B batch, N positions, H heads, d head width, T tokens of all
// sequences one after the other, M key positions, P cached ones.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

namespace xfa {

namespace {

/// Where an operator's operands stand; -1: it has none.
struct OperatorLayout {
  enum FormTy : uint8_t {
    Separate, ///< Q, K, V: [B, N, H·d] or [B, H, N, d]
    Packed,   ///< Q, K, V of sequences without padding: [T, H·d]
    Weighted, ///< X and the weights of Q, K, V in one: [B, N, D] × [D, …]
    PackedWeighted
  };
  FormTy Form = Separate;
  int PastKey = -1, PastValue = -1;
  llvm::SmallVector<int, 3> Masks;
  int PastLength = -1; ///< cached positions in a buffer that may be longer
};

std::optional<OperatorLayout> layoutOf(OpKind Kind) {
  using L = OperatorLayout;
  switch (Kind) {
  case OpKind::Attention:
    return L{L::Separate, 4, 5, {3}};
  case OpKind::MsMultiHeadAttention:
    return L{L::Separate, 6, 7, {4, 5}};
  case OpKind::MsGroupQueryAttention:
    return L{L::Separate, 3, 4, {}};
  case OpKind::MsSparseAttention:
    return L{L::Separate, 3, 4, {}};
  case OpKind::MsDecoderMaskedMultiHeadAttention:
    return L{L::Separate, 5, 6, {3, 4}, 7};
  case OpKind::MsPackedMultiHeadAttention:
    return L{L::Packed, -1, -1, {}};
  case OpKind::MsPagedAttention:
    return L{L::Packed, 3, 4, {}};
  case OpKind::MsAttention:
    return L{L::Weighted, 4, 4, {3, 5}};
  case OpKind::MsDecoderMaskedSelfAttention:
    return L{L::Weighted, 4, 4, {3, 5}, 6};
  case OpKind::MsQAttention:
    return L{L::Weighted, 8, 8, {5}};
  case OpKind::MsPackedAttention:
    return L{L::PackedWeighted, -1, -1, {}};
  default:
    return std::nullopt;
  }
}

/// A width that so many heads share.
Expr eachOf(Expr Width, int64_t Heads, ExprStore &Store) {
  if (Width.constant() && *Width.constant() % Heads != 0)
    return Store.unknown((llvm::Twine(Heads) +
                          " heads do not divide the width " +
                          llvm::Twine(*Width.constant()))
                             .str());
  return exactDiv(Width, Store.constant(Heads));
}

} // namespace

/// The product that is inside of the operator: X times the weights of Q, K and
/// V side by side.
bool Recogniser::projectInside(AttentionCore &A, NodeId N, int64_t Heads) {
  ValueId X = G.operand(N, 0), Weight = G.operand(N, 1);
  if (!X || !Weight || !Facts[X].HasRank || Facts[X].rank() < 2 ||
      !Facts[Weight].HasRank || Facts[Weight].rank() != 2)
    return false;
  Expr In = Facts[X].Dims.back(), All = Facts[Weight].Dims[1];
  const Attribute *Sizes = M[N].attribute("qkv_hidden_sizes");
  Expr Widths[3];
  for (unsigned I = 0; I < 3; ++I)
    Widths[I] = Sizes && Sizes->Ints.size() == 3
                    ? Store.constant(Sizes->Ints[I])
                    : exactDiv(All, Store.constant(3));
  Projection *Parts[] = {&A.Q, &A.K, &A.V};
  for (unsigned I = 0; I < 3; ++I) {
    *Parts[I] = {N, G.strip(X), Weight, In, Widths[I], bool(G.operand(N, 2))};
    Parts[I]->Inside = true;
  }
  A.PackedQkv = true;
  A.HeadDim = eachOf(Widths[0], Heads, Store);
  A.ValueDim = eachOf(Widths[2], Heads, Store);
  return true;
}

std::optional<FoundCore> Recogniser::coreOfOperator(NodeId N) {
  std::optional<OperatorLayout> Layout = layoutOf(G.kind(N));
  if (!Layout)
    return std::nullopt;
  const bool Weighted = Layout->Form == OperatorLayout::Weighted ||
                        Layout->Form == OperatorLayout::PackedWeighted;
  const bool Tokens = Layout->Form == OperatorLayout::Packed ||
                      Layout->Form == OperatorLayout::PackedWeighted;
  FoundCore C;
  AttentionCore &A = C.Core;
  A.Softmax = N;
  A.Fused = A.Scaled = true;
  A.Result = G.result(N);
  C.QueryOperand = G.operand(N, 0);
  C.KeyOperand = Weighted ? C.QueryOperand : G.operand(N, 1);
  C.ValueOperand = Weighted ? C.QueryOperand : G.operand(N, 2);
  if (!C.QueryOperand || !Facts[C.QueryOperand].HasRank || !A.Result)
    return std::nullopt;
  const ValueFacts &Q = Facts[C.QueryOperand];
  const bool Standard = G.kind(N) == OpKind::Attention;
  int64_t Heads = M[N].intAttribute(Standard ? "q_num_heads" : "num_heads");
  int64_t KvHeads = M[N].intAttribute("kv_num_heads", Heads);
  const bool PackedQkv = !C.KeyOperand;

  if (Standard && Q.rank() == 4) { // [B, H, N, d]
    A.Batch = Q.Dims[0];
    A.Heads = Q.Dims[1];
    A.Rows = Q.Dims[2];
    A.HeadDim = Q.Dims[3];
  } else if (Heads <= 0 || KvHeads <= 0) {
    return std::nullopt;
  } else {
    A.Heads = Store.constant(Heads);
    A.KvHeads = Store.constant(KvHeads);
    A.Batch = Tokens ? Store.constant(1) : Q.Dims[0];
    if (Q.rank() < (Tokens ? 2 : 3))
      return std::nullopt;
    A.Rows = Q.Dims[Tokens ? 0 : 1];
    int64_t Parts = PackedQkv ? Heads + 2 * KvHeads : Heads;
    if (Weighted) {
      if (!projectInside(A, N, Heads))
        return std::nullopt;
    } else if (Q.rank() >= 4) { // [B, N, H, 3, d], [T, H, 3, d]
      A.HeadDim = Q.Dims.back();
    } else {
      A.HeadDim = eachOf(Q.Dims.back(), Parts, Store);
    }
  }
  if (!A.ValueDim)
    A.ValueDim = A.HeadDim;
  A.Columns = A.Rows;
  if (!Weighted && !Tokens && !PackedQkv && Facts[C.KeyOperand].HasRank) {
    const ValueFacts &K = Facts[C.KeyOperand];
    if (K.rank() == 4) { // [B, H, M, d]
      A.Columns = K.Dims[2];
      A.KvHeads = K.Dims[1];
    } else if (K.rank() == 3 || K.rank() == 5) { // [B, M, H, 2, d]
      A.Columns = K.Dims[1];
    }
    ValueId V = C.ValueOperand;
    if (V && Facts[V].HasRank && Facts[V].rank() == 4)
      A.ValueDim = Facts[V].Dims[3];
    else if (V && Facts[V].HasRank && Facts[V].rank() == 3 && A.KvHeads)
      A.ValueDim = A.KvHeads.constant()
                       ? eachOf(Facts[V].Dims[2], *A.KvHeads.constant(), Store)
                       : exactDiv(Facts[V].Dims[2], A.KvHeads);
  }
  if (PackedQkv)
    C.KeyOperand = C.ValueOperand = C.QueryOperand;
  else if (!C.ValueOperand)
    C.ValueOperand = C.KeyOperand;
  if (!A.KvHeads)
    A.KvHeads = A.Heads;

  // Earlier positions come before the new ones.
  ValueId Past =
      Layout->PastKey < 0 ? ValueId() : G.operand(N, Layout->PastKey);
  if (Past && Facts[Past].HasRank && Facts[Past].rank() >= 4) {
    A.Cached = true;
    A.PastKey = Past;
    A.PastValue = G.operand(N, Layout->PastValue);
    Expr Length = Facts[Past].Dims[Facts[Past].rank() - 2];
    bool Shared = M[N].intAttribute("past_present_share_buffer") != 0;
    if (Layout->PastLength >= 0 || Shared) {
      ValueId Known = Layout->PastLength < 0 ? G.operand(N, 6)
                                             : G.operand(N, Layout->PastLength);
      Element E = Known ? Facts[Known].Known.at(0) : Element();
      Length = E.kind() == Element::Int
                   ? E.expr()
                   : Store.unknown("how much of its buffer the cache of '" +
                                   M.label(N) + "' fills is not known");
    }
    A.Columns = Length + A.Columns;
  }
  if (Tokens)
    A.Columns = Store.unknown("the lengths of the sequences that '" +
                              M.label(N) + "' attends over are data");
  if (G.kind(N) == OpKind::MsSparseAttention)
    A.Columns = Store.unknown("the blocks of keys that '" + M.label(N) +
                              "' attends to are data");
  if (int64_t Window = M[N].intAttribute("local_window_size", -1); Window > 0)
    A.Window = Store.constant(Window);
  // So many keys before a row's own and after it.
  int64_t Left = M[N].intAttribute("left_window_size", -1),
          Right = M[N].intAttribute("right_window_size", -1);
  if (M[N].intAttribute("is_causal") != 0)
    Right = 0;
  if (Standard && Left >= 0 && Right >= 0)
    A.Window = Store.constant(Left + 1 + Right);
  A.Masked = M[N].intAttribute("is_causal") != 0 ||
             M[N].intAttribute("unidirectional") != 0 ||
             G.kind(N) == OpKind::MsGroupQueryAttention ||
             G.kind(N) == OpKind::MsSparseAttention ||
             G.kind(N) == OpKind::MsPagedAttention;
  C.RowMask |= A.Masked;
  for (int I : Layout->Masks) {
    const ValueId Mask = G.operand(N, I);
    if (!Mask)
      continue;
    A.Masked = true;
    C.MaskOperands.push_back(Mask);
    // One of rank 2 is [rows, columns] in ONNX, [batch, columns] elsewhere.
    C.RowMask |= (Standard || Facts[Mask].rank() > 2) && hidesByRow(Mask);
  }
  C.Between.push_back({N, Role::Attention});
  return C;
}

} // namespace xfa
