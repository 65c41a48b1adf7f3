//===- Origins.cpp - what the blocks see: tokens, an image ----------------===//
//
// A vision tower is what an image reaches and no token does. An image is a
// graph input with two axes of places, [B, C, H, W], that a convolution or a
// product with a weight reads, element-wise steps and views in between: in
// patches where the kernel steps by its own size.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

enum OriginTy : uint8_t { Integers = 1, Tokens = 2, Image = 4 };

bool isConvolution(OpKind Kind) {
  return Kind == OpKind::Conv || Kind == OpKind::ConvInteger ||
         Kind == OpKind::QLinearConv || Kind == OpKind::MsQLinearConv ||
         Kind == OpKind::ConvTranspose;
}

/// A graph input of rank 4, through views and what pixels are normalised by.
bool isPixels(const FlatGraph &G, ValueId V) {
  for (unsigned Step = 0; Step < 16; ++Step) {
    V = G.strip(V);
    NodeId N = G.producer(V);
    if (!N)
      return V && G.M[V].IsInput && !G.M[V].IsInitializer &&
             G.Facts[V].HasRank && G.Facts[V].rank() == 4;
    if (!(opTraits(G.kind(N)) & trait::Elementwise))
      return false;
    ValueId Only;
    for (unsigned I = 0; I < G.M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I); In && !G.isWeight(In)) {
        if (Only)
          return false;
        Only = In;
      }
    V = Only;
  }
  return false;
}

/// Height and width of a kernel that steps by its own size.
std::optional<std::pair<int64_t, int64_t>> patchOf(const FlatGraph &G,
                                                   NodeId N) {
  ValueId W = G.operand(N, 1);
  const Attribute *Strides = G.M[N].attribute("strides");
  const Attribute *Pads = G.M[N].attribute("pads");
  if (G.kind(N) != OpKind::Conv || !W || G.Facts[W].rank() != 4 || !Strides ||
      Strides->Ints.size() != 2 ||
      (Pads && llvm::any_of(Pads->Ints, [](int64_t P) { return P != 0; })))
    return std::nullopt;
  for (unsigned I = 0; I < 2; ++I)
    if (!G.Facts[W].Dims[2 + I].is(Strides->Ints[I]))
      return std::nullopt;
  return std::pair(Strides->Ints[0], Strides->Ints[1]);
}

} // namespace

void Recogniser::describeOrigins() {
  std::vector<uint8_t> Of(M.Values.size(), 0);
  for (ValueId In : M.main().Inputs)
    if (!M[In].IsInitializer && isInteger(Facts[In].Elem))
      Of[In.Index] = Integers;
  for (NodeId N : G.order()) {
    const bool Convolves = isConvolution(G.kind(N));
    if (G.folded(G.result(N)))
      continue;
    S.Convolutions += Convolves;
    uint8_t From = 0;
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (ValueId In = G.operand(N, I))
        From |= Of[In.Index];
    auto Product = ProductAt.find(N);
    const bool Reads = Convolves || (Product != ProductAt.end() &&
                                     Products[Product->second].Node == N);
    ValueId Table = G.operand(N, 0), Rows = G.operand(N, 1);
    if (G.kind(N) == OpKind::Gather && Table && Rows && G.isWeight(Table) &&
        Facts[Table].rank() == 2 && (Of[Rows.Index] & Integers)) {
      From = (From & ~Integers) | Tokens;
    } else if (Reads &&
               isPixels(G, Convolves ? G.operand(N, 0)
                                     : Products[Product->second].Data)) {
      From |= Image;
      if (Convolves && !S.Patch)
        S.Patch = patchOf(G, N);
    }
    for (ValueId Out : M[N].Outputs)
      if (Out)
        Of[G.canonical(Out).Index] |= From;
  }
  llvm::SmallVector<bool, 64> Sees(S.Blocks.size(), false);
  for (const FoundCore &C : Cores) {
    const uint8_t From = Of[G.canonical(C.QueryOperand).Index];
    Sees[C.Layer] |= (From & Image) && !(From & Tokens);
  }
  for (const Block &B : S.Blocks)
    if (Sees[B.Layer])
      S.VisionLayers += B.layers();
  if (S.VisionLayers == 0)
    S.Patch.reset();
}

} // namespace xfa
