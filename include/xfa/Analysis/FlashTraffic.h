//===- FlashTraffic.h - what a fused attention reads again (C15) ----------===//
//
// A kernel takes a tile of query rows and streams the keys and values of their
// head past it (FlashAttention-2, Dao 2023, section 3). Its compulsory bytes
// are Q, K, V and the result once. Keys and values come from memory once more
// for each wave of tiles that runs after they left the L2 cache.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_FLASHTRAFFIC_H
#define XFA_ANALYSIS_FLASHTRAFFIC_H

#include "xfa/Analysis/Structure.h"
#include "xfa/Target/Gpu.h"

namespace xfa {

/// One attention at one point: elements, and bytes an element.
struct AttentionShape {
  int64_t Batch = 0, Heads = 0, KvHeads = 0;
  int64_t Rows = 0, Columns = 0; ///< query positions, key positions
  int64_t HeadDim = 0, ValueDim = 0;
  int64_t ElementBits = 0;
};

/// Query rows of a tile, and the columns that are on the chip at a time.
struct AttentionTile {
  int64_t Rows = 0, Columns = 0;
};

/// The tile that kernels use there: from sm80 on those of FlashAttention-2
/// (flash_fwd_launch_template.h); elsewhere the largest power of two up to 128,
/// both ways, that leaves Q, K and V room in what one block may have. None
/// where that is not known.
std::optional<AttentionTile> attentionTile(const Gpu &G,
                                           const AttentionShape &S);

/// Pairs (row, column) of one head in tiles that a causal mask hides wholly:
/// the last rows are the last positions, and a tile of rows stops at the tile
/// of columns that its last row ends in.
int64_t hiddenPairs(const AttentionTile &T, const AttentionShape &S);

struct FlashTraffic {
  AttentionTile Tile;
  int64_t Tiles = 0;  ///< of query rows, of all heads and sequences
  int64_t Splits = 1; ///< of the columns of a row, where Tiles leave units idle
  __int128 Compulsory = 0; ///< bytes: Q, K, V read, the result written
  __int128 Again = 0;      ///< bytes of K and V beyond their first reading
  __int128 Partial = 0;    ///< bytes of partial results, written and read
  __int128 total() const { return Compulsory + Again + Partial; }
};

/// None where the accelerator's L2, units or on-chip memory are not known.
///
/// Tiles of one head stand next to each other; as many run at a time as units
/// hold (two each, if they fit), and those of one KV head read it in step. If
/// the keys and values of the heads in flight take no more than half of L2
/// (whose two halves both hold what all units read), they are read once; else
/// once a wave. Where a single tile of rows a head leaves units idle, columns
/// are split (FlashDecoding), and each split writes and reads a row of partial
/// sums and its maximum and sum, in fp32.
std::optional<FlashTraffic> flashTraffic(const Gpu &G, const AttentionShape &S);

} // namespace xfa

#endif // XFA_ANALYSIS_FLASHTRAFFIC_H
