//===- FlashTraffic.cpp ---------------------------------------------------===//

#include "xfa/Analysis/FlashTraffic.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace xfa {

/// "Hopper sm90" → 90; 0 where no such number is.
static unsigned computeCapability(const Gpu &G) {
  const size_t At = llvm::StringRef(G.Arch).find("sm");
  unsigned Number = 0;
  if (At == llvm::StringRef::npos ||
      llvm::StringRef(G.Arch)
          .drop_front(At + 2)
          .take_while([](char C) { return C >= '0' && C <= '9'; })
          .getAsInteger(10, Number))
    return 0;
  return Number;
}

static int64_t bytesOf(int64_t Elements, const AttentionShape &S) {
  return llvm::divideCeil(Elements * S.ElementBits, 8);
}

/// Q, K and V of a tile.
static int64_t tileBytes(const AttentionTile &T, const AttentionShape &S) {
  return bytesOf(T.Rows * S.HeadDim + T.Columns * (S.HeadDim + S.ValueDim), S);
}

std::optional<AttentionTile> attentionTile(const Gpu &G,
                                           const AttentionShape &S) {
  const unsigned Capability = computeCapability(G);
  const int64_t Width = std::max(S.HeadDim, S.ValueDim);
  if (Capability >= 80 && Width <= 256 && S.ElementBits <= 16) {
    // Of 8.6 and 8.9, which have less on-chip memory, at width 128.
    const bool Small = Capability == 86 || Capability == 89;
    return AttentionTile{128, Width <= 64   ? 128
                              : Width > 128 ? 64
                              : Small       ? 32
                                            : 64};
  }
  if (!G.MaxSharedBytesPerBlock)
    return std::nullopt;
  for (int64_t Rows = 128; Rows >= 1; Rows /= 2)
    if (const AttentionTile T = {Rows, Rows};
        tileBytes(T, S) <= *G.MaxSharedBytesPerBlock)
      return T;
  return std::nullopt;
}

int64_t hiddenPairs(const AttentionTile &T, const AttentionShape &S) {
  int64_t Hidden = 0;
  for (int64_t First = 0; First < S.Rows; First += T.Rows) {
    const int64_t End = std::min(First + T.Rows, S.Rows);
    const int64_t Visible = std::max<int64_t>(End + S.Columns - S.Rows, 0);
    const int64_t Computed = std::min<int64_t>(
        llvm::alignTo(static_cast<uint64_t>(Visible), T.Columns), S.Columns);
    Hidden += (End - First) * (S.Columns - Computed);
  }
  return Hidden;
}

std::optional<FlashTraffic> flashTraffic(const Gpu &G,
                                         const AttentionShape &S) {
  const std::optional<AttentionTile> Tile = attentionTile(G, S);
  if (!Tile || !G.Units || !G.L2Bytes || S.KvHeads <= 0 || S.Heads <= 0)
    return std::nullopt;
  if (S.Batch <= 0 || S.Rows <= 0 || S.Columns <= 0 ||
      S.HeadDim + S.ValueDim <= 0) // nothing to keep on the chip
    return std::nullopt;
  FlashTraffic F;
  F.Tile = *Tile;
  const int64_t KvOfHead = bytesOf(S.Columns * (S.HeadDim + S.ValueDim), S);
  const __int128 AllKv = __int128(KvOfHead) * S.Batch * S.KvHeads;
  F.Compulsory =
      AllKv + __int128(bytesOf(S.Rows * (S.HeadDim + S.ValueDim), S)) *
                  S.Batch * S.Heads;
  const int64_t TilesOfHead = llvm::divideCeil(S.Rows, Tile->Rows);
  F.Tiles = TilesOfHead * S.Batch * S.Heads;

  const int64_t Resident =
      G.SramBytesPerUnit
          ? std::clamp<int64_t>(*G.SramBytesPerUnit / tileBytes(*Tile, S), 1, 2)
          : 1;
  const int64_t Wave = *G.Units * Resident;
  const int64_t TilesOfKvHead =
      llvm::divideCeil(TilesOfHead * S.Heads, S.KvHeads);
  // A wave may begin in the middle of one head and end in that of another.
  const int64_t InFlight = std::min<int64_t>(
      llvm::divideCeil(Wave - 1, TilesOfKvHead) + 1, S.Batch * S.KvHeads);
  const bool Stays = __int128(InFlight) * KvOfHead <= *G.L2Bytes / 2;
  if (!Stays && TilesOfKvHead > Wave)
    F.Again = AllKv * (TilesOfKvHead - Wave) / Wave;

  if (TilesOfHead == 1 && F.Tiles < *G.Units) {
    F.Splits = std::min<int64_t>(*G.Units / F.Tiles,
                                 llvm::divideCeil(S.Columns, Tile->Columns));
    if (F.Splits > 1) // the sums, and the logarithm of the row's sum
      F.Partial = __int128(2) * F.Splits * (S.ValueDim + 1) * 4 * S.Rows *
                  S.Batch * S.Heads;
  }
  return F;
}

} // namespace xfa
