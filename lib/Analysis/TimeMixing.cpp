//===- TimeMixing.cpp - reductions over time that a mask makes causal -----===//

#include "TimePass.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

/// What makes a later column count for nothing.
enum class Neutral : uint8_t { No, Zero, Masked };

static Neutral neutralElement(OpKind Kind) {
  switch (Kind) {
  case OpKind::MatMul:
  case OpKind::Gemm:
  case OpKind::MsFusedMatMul:
  case OpKind::Einsum:
  case OpKind::ReduceSum:
  case OpKind::ReduceSumSquare:
  case OpKind::ReduceL1:
  case OpKind::ReduceL2:
    return Neutral::Zero;
  case OpKind::Softmax:
  case OpKind::LogSoftmax:
  case OpKind::ReduceMax:
  case OpKind::ReduceLogSumExp:
    return Neutral::Masked;
  default:
    return Neutral::No;
  }
}

/// The axis of the result that is the row of a reduction over time in which
/// later columns count for nothing; -1 where that is not so or not proved (the
/// reason is in Refusal then, if the proof was tried).
int TimePass::causalRow(NodeId N, unsigned Out, const OpContext &Op,
                        llvm::ArrayRef<const ValueFacts *> Results) {
  Neutral Kind = neutralElement(G.kind(N));
  if (Kind == Neutral::No || !Results[Out]->HasRank)
    return -1;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId V = G.operand(N, I);
    if (!V || facts(V).Axes.empty())
      continue;
    AxisLinks Links;
    for (const TimeAxis &T : facts(V).Axes) {
      if (Links.empty())
        Links = axisLinks({Op, Results, Out, I});
      if (Links[T.Axis].Kind != AxisLink::Whole)
        continue;
      int Row =
          T.pure() ? provedRow(N, V, T, Links, Kind == Neutral::Masked) : -1;
      if (Row >= 0)
        return Row;
    }
  }
  return -1;
}

/// Later columns count for nothing, and a row's own does not count for nothing.
bool TimePass::isProved(ValueId V, const MaskProof::Plane &P, bool ByMask) {
  Proof.clearObstacle();
  MaskProof::Mark Before = Proof.mark();
  if (isProvedNow(V, P, ByMask))
    return true;
  Proof.forgetSince(Before);
  if (!SupposeUnread || Proof.obstacle().empty())
    return false;
  for (MaskProof::UnreadTy Kind : MaskProof::UnreadKinds) {
    Proof.suppose(Kind);
    bool Proved = isProvedNow(V, P, ByMask);
    if (Proved)
      Proof.acceptSupposed();
    else
      Proof.forgetSince(Before);
    Proof.suppose(MaskProof::Anything);
    if (Proved)
      return true;
  }
  return false;
}

bool TimePass::isProvedNow(ValueId V, const MaskProof::Plane &P, bool ByMask) {
  Interval Above = Proof.at(V, P, MaskProof::Above);
  if (!ByMask || !isMasked(Above))
    return !ByMask && Above.isZero();
  Proof.assumeFill(Above);
  return isOpenBeside(Proof.at(V, P, MaskProof::Diagonal), Above);
}

void TimePass::expectPaddingHidden(NodeId N, ValueId V,
                                   const MaskProof::Plane &P,
                                   bool (*Hidden)(const Interval &)) {
  bool OnTokens = false;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
    if (ValueId In = G.operand(N, I))
      OnTokens |= facts(In).Tokens;
  if (Result.Unmasked || !OnTokens || !Proof.hasMaskInput())
    return;
  MaskProof::Mark Before = Proof.mark();
  if (!V || !Hidden(Proof.at(V, P, MaskProof::Padded))) {
    Proof.forgetSince(Before);
    Result.Unmasked = N;
  }
}

int TimePass::provedRow(NodeId N, ValueId V, const TimeAxis &Column,
                        const AxisLinks &Links, bool ByMask) {
  for (const TimeAxis &T : facts(V).Axes) {
    const AxisLink &L = Links[T.Axis];
    if (T.Axis == Column.Axis || !T.pure() || L.Kind != AxisLink::Same ||
        !L.Low.is(0) || Column.Length != Frame.Total || T.Length != Frame.New)
      continue;
    MaskProof::Plane P{T.Axis, Column.Axis, T.Base, Column.Base};
    if (isProved(V, P, ByMask)) {
      expectPaddingHidden(
          N, V, P,
          ByMask ? isMasked : [](const Interval &I) { return I.isZero(); });
      return L.OutAxis;
    }
    findLeak(N, V, P, ByMask);
    return -1;
  }
  return -1;
}

/// What N says of later positions may be taken off again: by a difference, a
/// quotient or a comparison with what it was made of, by a mask behind a
/// softmax.
bool TimePass::mayCancel(NodeId N) const {
  bool IsShare = G.kind(N) == OpKind::Softmax;
  llvm::SmallVector<ValueId, 8> Work{M[N].Outputs[0]};
  for (unsigned Steps = 0; !Work.empty() && Steps < 64; ++Steps)
    for (NodeId User : G.consumers(Work.pop_back_val()))
      switch (G.kind(User)) {
      case OpKind::Sub:
      case OpKind::Div:
      case OpKind::Equal:
      case OpKind::Less:
      case OpKind::LessOrEqual:
      case OpKind::Greater:
      case OpKind::GreaterOrEqual:
        return true;
      case OpKind::Mul:
      case OpKind::Where:
        if (IsShare)
          return true;
        break;
      default:
        if (G.isPassThrough(User) && G.result(User))
          Work.push_back(G.result(User));
      }
  return false;
}

/// Looks for a pair that surely leaks, on the smallest sequence that has one.
void TimePass::findLeak(NodeId N, ValueId V, const MaskProof::Plane &P,
                        bool ByMask) {
  MaskProof::Mark Before = Proof.mark();
  searchLeak(N, V, P, ByMask);
  Proof.forgetSince(Before);
}

void TimePass::searchLeak(NodeId N, ValueId V, const MaskProof::Plane &P,
                          bool ByMask) {
  constexpr int64_t Longest = 6;
  // Exp of it is a number of any type.
  constexpr double LeastWeight = -15;
  // What is subtracted from all scores of a row cancels in its softmax.
  OpKind Kind = G.kind(N);
  bool Cancels = Kind == OpKind::ReduceMax || Kind == OpKind::ReduceLogSumExp ||
                 mayCancel(N);
  std::string Why = Proof.obstacle();
  llvm::StringRef Needed =
      ByMask ? "positions and constants would have to say that scores after "
               "the row get -10,000 or less, and the row's own gets none"
             : "positions and constants would have to say that columns after "
               "the row are 0";
  auto Unknown = [&] {
    if (Why.empty())
      Refusal = reason(
          TimeReason::Unknown, N,
          "what it gives later columns is not proved to be nothing", Needed);
    else
      Refusal = reason(TimeReason::Unknown, N, Why,
                       "they would have to stand in the model, as raw bytes");
  };
  // Rows of a step stand behind a cache of any length: no small pair tells.
  if (!Frame.Past.is(0))
    return Unknown();
  auto Leaks = [&](int64_t R, int64_t C, int64_t Length) {
    Interval I = Proof.atPair(V, P, R, C, Length);
    return ByMask ? isOpen(I) && I.Low > LeastWeight
                  : I.isPoint() && I.Low != 0;
  };
  auto Leak = [&](int64_t R, int64_t C, const llvm::Twine &Sentence) {
    Refusal = reason(Cancels ? TimeReason::Unknown : TimeReason::Leaks, N,
                     Sentence, Needed);
    if (!Cancels)
      Result.Reasons[Refusal].Leak = {R, C};
  };
  for (int64_t Length = 2; Length <= Longest; ++Length)
    for (int64_t R = 0; R < Length; ++R) {
      bool AllMasked = ByMask;
      for (int64_t C = 0; C <= R; ++C)
        AllMasked &= isMasked(Proof.atPair(V, P, R, C, Length));
      for (int64_t C = R + 1; C < Length; ++C)
        if (Leaks(R, C, Length))
          return Leak(R, C,
                      "the mask leaves row " + llvm::Twine(R) +
                          " open to column " + llvm::Twine(C) +
                          (Leaks(R, C, Longest + 1)
                               ? ""
                               : " where the sequence has " +
                                     std::to_string(Length) + " positions"));
      // Equal fills; an infinite one makes the row nothing at all.
      std::optional<double> Fill;
      for (int64_t C = 0; AllMasked && C < Length; ++C) {
        Interval I = Proof.atPair(V, P, R, C, Length);
        AllMasked = isMasked(I) && std::isfinite(I.Low) && I.Low == I.High &&
                    I.Low == Fill.value_or(I.Low);
        Fill = I.Low;
      }
      if (AllMasked && R + 1 < Length)
        return Leak(R, R + 1,
                    "every column up to row " + llvm::Twine(R) +
                        " is masked, so the row is spread over later ones too");
    }
  Unknown();
}

/// Masks of padding are gathered: from [B·N] at b·N + j, or from [B, N] at
/// pairs (b, j).
bool TimePass::gathered(const LinkContext &Ctx, const TimeAxis &T,
                        TimeFacts &F) {
  NodeId N = Ctx.Op.nodeId();
  ValueId Indices = G.operand(N, 1);
  if (!Indices || !G.Facts[Indices].HasRank || !T.Inner.is(1))
    return false;
  const Shape &Dims = G.Facts[Indices].Dims;
  bool Pairs = G.kind(N) == OpKind::GatherND;
  llvm::SmallVector<Expr, 4> At;
  for (auto [Axis, Dim] : llvm::enumerate(Dims))
    At.push_back(Dim.is(1) ? Store.constant(0) : Proof.place(Axis, Dim));
  unsigned Lead = 0; ///< axes of the result before those of the indices
  if (Pairs) {
    int64_t Batch = Ctx.Op.intAttr("batch_dims", 0);
    if (Dims.empty() || Batch != 0 || !Dims.back().isConstant() ||
        T.Axis >= *Dims.back().constant())
      return false;
    At.back() = Store.constant(T.Axis);
  } else {
    auto Axis =
        OpContext::normalizeAxis(Ctx.Op.intAttr("axis", 0), Ctx.inRank());
    if (!Axis || *Axis != T.Axis)
      return false;
    Lead = T.Axis;
  }
  Expr Place = Proof.exactly(Indices, At);
  if (!Place)
    return false;
  // The part that counts whole sequences.
  if (!T.Outer.is(1)) {
    Expr Rest = Store.constant(0);
    for (const ExprTerm &Term : terms(Place))
      if (!tryExactDiv(Term.Monomial, T.Length))
        Rest += Term.Coefficient * Term.Monomial;
    Place = Rest;
  }
  for (unsigned Axis = 0; Axis < Dims.size(); ++Axis) {
    std::optional<int64_t> Offset =
        (Place - Proof.place(Axis, Dims[Axis])).constant();
    const TimeAxis *Out = Offset ? F.axis(Lead + Axis) : nullptr;
    if (!Out || !Out->pure())
      continue;
    // Before the first place an index counts from the end.
    if (*Offset < 0)
      return false;
    std::optional<int64_t> Move = (*Offset + T.Base - Out->Base).constant();
    if (!Move)
      return false;
    depend(F, Out->Axis, Out->Outer, Out->Inner, Out->Length, T.Dep,
           T.Shift + *Move);
    return true;
  }
  return false;
}

bool TimePass::countsPlaces(const LinkContext &Ctx) {
  NodeId N = Ctx.Op.nodeId();
  ValueId Data = G.operand(N, 0);
  if (Ctx.In != 1 || !Data ||
      (G.kind(N) != OpKind::Gather && G.kind(N) != OpKind::GatherND))
    return false;
  TimeFacts Scratch;
  for (auto [Axis, Dim] : llvm::enumerate(Ctx.output().Dims))
    if (lengthClass(Dim).Time)
      depend(Scratch, static_cast<unsigned>(Axis), Store.constant(1),
             Store.constant(1), Dim, TimeDep::None, 0);
  LinkContext OfData{Ctx.Op, Ctx.Outputs, Ctx.Out, 0};
  for (const TimeAxis &T : facts(Data).Axes)
    if (!T.Outer.is(1) && gathered(OfData, T, Scratch))
      return true;
  return false;
}

} // namespace xfa
