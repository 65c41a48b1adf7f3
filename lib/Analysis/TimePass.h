//===- TimePass.h - the forward pass of time dependence -------------------===//

#ifndef XFA_LIB_ANALYSIS_TIMEPASS_H
#define XFA_LIB_ANALYSIS_TIMEPASS_H

#include "MaskProof.h"
#include "xfa/Analysis/AxisLinks.h"

#include "xfa/Analysis/TimeDependence.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace xfa {

class TimePass {
public:
  /// SupposeUnread: masks in other files are supposed to be causal.
  TimePass(const FlatGraph &G, ExprStore &Store, TimeFrame Frame,
           bool SupposeUnread);

  TimeDependence run(const Structure &Found);

private:
  /// Where time runs by a dimension's length alone.
  struct LengthClass {
    bool Time = false;
    bool Bounded = false;  ///< min(length, number): what a table has
    bool Mentions = false; ///< the lengths occur in it somehow
    Expr Base;
  };
  LengthClass lengthClass(Expr Dim);
  bool runsAlong(NodeId N, Expr Dim);
  Expr lengthOf(Expr Dim);
  /// B of an axis of B sequences one after the other; null if it is none.
  Expr sequencesIn(Expr Dim);
  bool mentionsLength(Expr E);

  void input(ValueId V);
  void node(NodeId N);

  // Windows (SlidingWindows.cpp).

  /// What hides keys from rows: it is added to scores, or false where hidden.
  struct ScoresMask {
    ValueId Of;
    MaskProof::Plane Place;
    bool Boolean;
  };
  std::optional<ScoresMask> maskOfScores(const AttentionCore &Core);
  std::optional<ScoresMask> maskOfOperator(NodeId N, bool &HidesLater);
  std::optional<int64_t> reach(const ScoresMask &Mask, int Side);
  std::optional<int64_t> windowOf(const ScoresMask &Mask, bool HidesLater);
  void findWindows(const Structure &Found);

  // Attention as one operator (TimeAttention.cpp).

  /// Which operands of an operator are what; -1: it has none.
  struct AttentionRoles {
    llvm::StringRef CausalFlag; ///< empty: it always is
    unsigned Sequences;         ///< so many hold queries, keys and values
    int Mask = -1;              ///< added to the scores, or boolean
    int Padding = -1;           ///< [sequences, columns], not 0 where open
    llvm::SmallVector<unsigned, 2> Past;
  };
  static std::optional<AttentionRoles> attentionRoles(OpKind Kind);
  bool isCausal(NodeId N, const AttentionRoles &Is) const;
  bool attendsElsewhere(NodeId N, const AttentionRoles &Is);

  /// False if N is none.
  bool fusedAttention(NodeId N, unsigned Out, TimeFacts &F);
  std::optional<MaskProof::Plane> planeOf(ValueId Mask);
  bool showsOwn(ValueId Mask, const MaskProof::Plane &P, bool Adds);
  bool hidesLater(NodeId N, ValueId Mask, const MaskProof::Plane &P, bool Adds);
  void result(NodeId N, unsigned Out, const OpContext &Op,
              llvm::ArrayRef<const ValueFacts *> Results);
  bool contents(ValueId V, TimeFacts &F);
  void operand(const LinkContext &Ctx, ValueId V, int CausalRow, TimeFacts &F);
  void follow(const LinkContext &Ctx, const TimeAxis &T, const AxisLinks &Links,
              int CausalRow, TimeFacts &F);
  void reshaped(const LinkContext &Ctx, const TimeAxis &T, TimeFacts &F);
  /// A Gather or GatherND whose indices are a formula; false if they are not.
  bool gathered(const LinkContext &Ctx, const TimeAxis &T, TimeFacts &F);
  /// The operand is the indices of such a Gather: what it reads of the length
  /// cancels.
  bool countsPlaces(const LinkContext &Ctx);
  int causalRow(NodeId N, unsigned Out, const OpContext &Op,
                llvm::ArrayRef<const ValueFacts *> Results);
  /// Result axis whose row bounds what column axis T of V contributes; -1.
  int provedRow(NodeId N, ValueId V, const TimeAxis &Column,
                const AxisLinks &Links, bool ByMask);
  bool isProved(ValueId V, const MaskProof::Plane &P, bool ByMask);
  bool isProvedNow(ValueId V, const MaskProof::Plane &P, bool ByMask);
  /// N mixes positions of the tokens by V: where an input marks padding, padded
  /// columns have to count for nothing, too.
  void expectPaddingHidden(NodeId N, ValueId V, const MaskProof::Plane &P,
                           bool (*Hidden)(const Interval &));
  void findLeak(NodeId N, ValueId V, const MaskProof::Plane &P, bool ByMask);
  bool mayCancel(NodeId N) const;
  void searchLeak(NodeId N, ValueId V, const MaskProof::Plane &P, bool ByMask);

  void depend(TimeFacts &F, unsigned Axis, Expr Outer, Expr Inner, Expr Dim,
              TimeDep Dep, int64_t Shift);
  void blame(TimeFacts &F, bool TokenDependent, uint32_t Reason);
  /// F has the reasons that an operand of N has.
  void takeOver(NodeId N, const TimeFacts &From, TimeFacts &F);
  /// An If of which either branch may run; false if N is none.
  bool branches(NodeId N, unsigned Out, TimeFacts &F);
  uint32_t reason(TimeReason::KindTy Kind, NodeId N,
                  const llvm::Twine &Sentence, const llvm::Twine &Needed);
  uint32_t readsTheLength(NodeId N);
  uint32_t placesByLength(NodeId N);
  // Sizes (TimeSizes.cpp).

  /// Why a size depends on tokens, and on how many there are beyond what its
  /// expression says.
  struct SizeReasons {
    uint32_t Global = TimeFacts::Nothing, Unstable = TimeFacts::Nothing;
  };
  void sizes(NodeId N);
  SizeReasons sizesFromOperands(NodeId N);
  void join(SizeReasons &Into, const SizeReasons &From);
  void blameSizes(TimeFacts &F, const SizeReasons &Sizes);
  /// The reasons of the symbols in E.
  SizeReasons symbolSizes(Expr E);
  /// Which elements of the operand are read follows from the length, along an
  /// axis that time does not run along.
  bool readsByLength(const LinkContext &Ctx, const TimeFacts &From);
  bool writesPlaces(const LinkContext &Ctx);
  /// The operand, one that says a shape, also says where elements are read.
  bool choosesPlaces(const LinkContext &Ctx);

  TimeFacts &facts(ValueId V) { return Result.Values[V.Index]; }

  const FlatGraph &G;
  const Model &M;
  ExprStore &Store;
  TimeFrame Frame;
  MaskProof Proof;
  bool SupposeUnread;
  TimeDependence Result;
  llvm::DenseMap<Expr, LengthClass> Classes;
  /// Of symbols, and of values of which a dimension has no name.
  llvm::StringMap<SizeReasons> SymbolSizes;
  std::vector<SizeReasons> ValueSizes;
  PartStarts Starts;                     ///< of the node at hand
  uint32_t Refusal = TimeFacts::Nothing; ///< of the node at hand: its proof
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_TIMEPASS_H
