//===- Structure.h - the transformer found in a graph ---------------------===//
//
// Found by dataflow, never by names: an attention core is a softmax between two
// contractions; everything else follows from where it stands to the cores and
// to the residual stream.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_STRUCTURE_H
#define XFA_ANALYSIS_STRUCTURE_H

#include "xfa/Analysis/Cost.h"
#include "xfa/Analysis/ShapeInference.h"
#include "xfa/Analysis/Uses.h"

namespace xfa {

enum class Role : uint8_t {
#define XFA_ROLE(ENUM, NAME) ENUM,
#include "xfa/Analysis/Roles.def"
};
llvm::StringRef roleName(Role R);
std::optional<Role> roleFromName(llvm::StringRef Name);

/// A contraction with a weight.
struct Projection {
  NodeId Product;
  ValueId Input; ///< what it reads, before views
  ValueId Weight;
  Expr In, Out; ///< widths: [.., In] × [In, Out]
  bool Bias = false;
  bool Inside = false; ///< of the operator that is the whole core
  explicit operator bool() const { return bool(Product); }
};

/// softmax(scale · Q Kᵀ + mask) V, spelled out or one operator.
struct AttentionCore {
  NodeId Softmax;        ///< or the operator that is the whole core
  NodeId Scores, Values; ///< the products Q·Kᵀ and P·V; none if fused
  bool Fused = false;
  ValueId Query, Key, Value; ///< operands of the core, after views
  ValueId Result;
  ValueId Scored;       ///< what the softmax goes over; none if fused
  unsigned KeyAxis = 0; ///< of Scored: the axis that it goes along
  Expr Times;           ///< how often it runs (C17); null: once
  Expr Batch;           ///< sequences
  Expr Rows, Columns;   ///< query positions, key positions
  Expr Heads, KvHeads, HeadDim, ValueDim;
  /// Of all heads together: heads · head width (without a division where the
  /// file splits a width D into H heads of D // H).
  Expr QueryWidth, KeyWidth, ValueWidth, ResultWidth;
  bool Scaled = false, Masked = false, Cross = false;
  /// Last dimension of each operand that masks the scores.
  llvm::SmallVector<Expr, 1> MaskLengths;
  /// Keys and values of earlier steps stand before the new ones.
  bool Cached = false;
  ValueId PastKey, PastValue;
  Projection Q, K, V, Out;
  /// Products that narrow the stream for Q's, or K's and V's (latent
  /// attention).
  llvm::SmallVector<std::pair<Role, Projection>, 0> LowRank;
  /// Keys that a row attends to at most (a sliding window); null: all.
  Expr Window;
  bool PackedQkv = false; ///< Q, K, V (or K, V) are slices of one product
  /// Elements of X that a packed product does not read again.
  Expr SavedReads;

  /// Keys that a row attends to, and keys that all rows together read (T8).
  Expr keysOfRow() const { return Window ? min(Columns, Window) : Columns; }
  Expr keysRead() const {
    return Window ? min(Columns, Window + Rows - 1) : Columns;
  }
};

struct Mlp {
  Projection Up, Gate, Down; ///< Gate: only in gated ones
  llvm::StringRef Activation;
  Expr Hidden;
  Expr Times; ///< how often it runs (C17); null: once
  Expr Rows;  ///< tokens that pass through it
  /// Mixture of experts: experts in the layer and experts a token uses.
  Expr Experts, Chosen;
};

struct Block {
  int Layer = 0;
  llvm::SmallVector<AttentionCore, 1> Attention; ///< self, then cross
  llvm::SmallVector<Mlp, 1> Mlps;

  /// How often it runs (C17); null: once.
  Expr times() const {
    return !Attention.empty() ? Attention.front().Times
           : !Mlps.empty()    ? Mlps.front().Times
                              : Expr();
  }
  /// Layers that it stands for: one in a loop for each time that this runs, if
  /// that is known.
  int64_t layers() const {
    Expr Times = times();
    return Times ? Times.constant().value_or(1) : 1;
  }
};

/// A norm that is spelled out, or the one operator that it is.
struct Normalisation {
  llvm::SmallVector<NodeId, 8> Nodes;
  ValueId Input, Result;
};

enum class Verdict : uint8_t { Proved, Refuted, Unknown, NotApplicable };

struct Structure {
  enum KindTy : uint8_t {
    None,
    Decoder,
    Encoder,
    EncoderDecoder,
    Attention,
    Mlp
  };
  enum ConfidenceTy : uint8_t { NotRecognised, Partial, Recognised };
  KindTy Kind = None;
  ConfidenceTy Confidence = NotRecognised;
  std::vector<std::string> Missing; ///< what was not found; differing layers
  std::vector<Block> Blocks;
  int64_t NumLayers = 0; ///< blocks, those of a loop as often as it runs them
  /// If nodes whose else branch is what was looked at; of others it is the
  /// then branch.
  std::vector<NodeId> ElseTaken;
  /// Products with weights between the first and the last block that no role
  /// was found for: what the blocks are said to cost is a lower bound.
  std::vector<NodeId> Unplaced;
  std::vector<Normalisation> Norms;
  Expr Hidden, Heads, KvHeads, HeadDim, MlpHidden, Vocab; ///< null: not found
  std::string Norm, Activation, Position;                 ///< empty: not found
  /// Keys that a row of windowed layers attends to at most, and how many layers
  /// these are. Null: no window.
  Expr Window;
  int64_t WindowedLayers = 0;
  /// Layers that an image reaches and no token does, and height and width of
  /// the patches that it is cut into, if it is.
  int64_t VisionLayers = 0;
  std::optional<std::pair<int64_t, int64_t>> Patch;
  int64_t Convolutions = 0; ///< nodes
  Verdict Causal = Verdict::Unknown;
  std::string CausalWhy;

  /// By NodeId. A folded node has no role.
  std::vector<std::optional<Role>> Roles;
  std::vector<int> Layers; ///< -1: outside the blocks

  bool hasTransformer() const { return !Blocks.empty(); }
  /// Reports that a layer is not like the first.
  void differs(int Layer, llvm::StringRef What, Expr Is, Expr First);
  /// All blocks; where some attend to another stream, those with as many rows:
  /// of a graph that holds encoder and decoder, the decoder's.
  llvm::SmallVector<const Block *, 0> decoderBlocks() const;
  /// The first attention of these to their own stream that `Fits`.
  const AttentionCore *
  selfAttention(llvm::function_ref<bool(const AttentionCore &)> Fits =
                    [](const AttentionCore &) { return true; }) const;
};

/// `Costs`, where given, say how often bodies of loops run, and which branch of
/// an If is counted (C17).
Structure recogniseStructure(const Model &M, const ShapeFacts &Facts,
                             const Uses &U, ExprStore &Store,
                             const GraphCosts *Costs = nullptr);

/// What a symbol of the graph means, by where it stands in the cores; names
/// break ties only.
struct SymbolInfo {
  enum MeaningTy : uint8_t { Batch, Sequence, Past, Total, Other };
  std::string
      Name; ///< alias: B, N, S, P, T, or the graph's own made an identifier
  std::string GraphName;
  MeaningTy Meaning = Other;
};
std::vector<SymbolInfo> nameSymbols(const ShapeFacts &Facts,
                                    const Structure &S);

} // namespace xfa

#endif // XFA_ANALYSIS_STRUCTURE_H
