//===- TimeDependence.h - what each value knows of time -------------------===//
//
// Time runs along the positions of a sequence. For each value: through which
// axes it runs, which positions an element depends on, and whether an element
// stays as it is when positions are added behind the last. From this follow the
// causality verdict and what a cache has to keep (Transform/KvCache).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_TIMEDEPENDENCE_H
#define XFA_ANALYSIS_TIMEDEPENDENCE_H

#include "xfa/Analysis/ShapeInference.h"
#include "xfa/Analysis/Structure.h"

#include "llvm/ADT/DenseMap.h"

namespace xfa {

/// On which positions the element at position t of an axis depends.
enum class TimeDep : uint8_t {
  None,  ///< on none, along this axis
  Local, ///< on t + Shift
  Prefix ///< on those up to t + Shift
};

/// An axis along which time runs: its index is (outer * Length + t) * Inner +
/// inner, and t = 0 is position Base.
struct TimeAxis {
  unsigned Axis = 0;
  Expr Outer, Inner, Length, Base;
  TimeDep Dep = TimeDep::None;
  int64_t Shift = 0;

  bool pure() const { return Outer.is(1) && Inner.is(1); }
};

/// Why a value is not at most prefix, or not stable.
struct TimeReason {
  enum KindTy : uint8_t {
    First,   ///< the first position, for all rows: it is before them
    Selects, ///< one position: no leak unless rows before it read that
    Unknown, ///< the proof stops here
    Leaks    ///< a row surely sees a later one
  };
  KindTy Kind = Unknown;
  NodeId Node;
  std::string Sentence; ///< without the node
  std::string Needed;   ///< what would have to be true instead
  /// The first pair (row, column) that leaks.
  std::optional<std::pair<int64_t, int64_t>> Leak;
};

struct TimeFacts {
  static constexpr uint32_t Nothing = ~0u;
  llvm::SmallVector<TimeAxis, 2> Axes;
  bool Tokens = false;         ///< reaches the primary tokens
  uint32_t Global = Nothing;   ///< reason why it may depend on any position
  uint32_t Unstable = Nothing; ///< reason why it may change as N grows

  bool isGlobal() const { return Global != Nothing; }
  bool isStable() const { return Unstable == Nothing; }
  const TimeAxis *axis(unsigned Axis) const {
    for (const TimeAxis &T : Axes)
      if (T.Axis == Axis)
        return &T;
    return nullptr;
  }
};

struct CausalityVerdict {
  Verdict Causal = Verdict::Unknown;
  std::string Why; ///< one sentence
  /// From the output back to where the verdict was made; sentences.
  std::vector<std::string> Chain;
  std::vector<std::string> Assumptions;
  std::optional<std::pair<int64_t, int64_t>> Leak;
};

struct TimeDependence {
  /// New positions, those of earlier steps (0 without a cache), and their sum.
  /// Null New: the graph has no sequence of symbolic length.
  Expr New, Past, Total;
  ValueId Tokens;                ///< the primary input
  std::vector<TimeFacts> Values; ///< by ValueId
  std::vector<TimeReason> Reasons;
  std::vector<std::string> Assumptions;
  /// By the softmax of a core: how many keys a row sees at most, proved by its
  /// mask; and what these proofs assume beyond Assumptions.
  llvm::DenseMap<NodeId, int64_t> Windows;
  std::vector<std::string> WindowAssumptions;
  /// A proof took a row's own token to be no padding; unsafe beside time mixing
  /// that no mask covers (Unmasked).
  bool AssumesPadding = false;
  NodeId Unmasked;    ///< a convolution, shift or running sum over tokens
  std::string WhyNot; ///< no New: why

  const TimeFacts &operator[](ValueId V) const { return Values[V.Index]; }
};

/// Needs the graph's own symbols in Facts and Found. Masks whose contents lie
/// in another file are never read: with SupposeUnread they are taken to be
/// causal where the proof then holds, and Assumptions says so; without, the
/// proof stops there.
TimeDependence analyseTime(const Model &M, const ShapeFacts &Facts,
                           const Structure &Found, ExprStore &Store,
                           bool SupposeUnread = false);

/// T8: sliding windows that masks were proved to be limit the keys of the
/// cores.
void limitKeys(Structure &Found, const TimeDependence &Time, ExprStore &Store);

CausalityVerdict judgeCausality(const Model &M, const ShapeFacts &Facts,
                                const Structure &Found,
                                const TimeDependence &Time);

} // namespace xfa

#endif // XFA_ANALYSIS_TIMEDEPENDENCE_H
