//===- AxisLinks.cpp - the table, and the families that keep positions ----===//

#include "xfa/Analysis/AxisLinks.h"
#include "AxisLinkRules.h"

namespace xfa {

using namespace links;

namespace {

struct Rule {
  LinkRule Links = nullptr;
  uint32_t Structural = 0; ///< bit I: operand I only says what shape
};

/// By OpKind; filled once from the families below.
struct Table {
  Rule Rules[static_cast<unsigned>(OpKind::NumKinds)];

  void set(std::initializer_list<OpKind> Kinds, LinkRule Links,
           uint32_t Structural = 0) {
    for (OpKind K : Kinds)
      Rules[static_cast<unsigned>(K)] = {Links, Structural};
  }
  Table();
};

constexpr uint32_t operands(std::initializer_list<unsigned> List) {
  uint32_t Bits = 0;
  for (unsigned I : List)
    Bits |= 1u << I;
  return Bits;
}

Table::Table() {
  for (unsigned K = 0; K < static_cast<unsigned>(OpKind::NumKinds); ++K)
    if (opTraits(static_cast<OpKind>(K)) & trait::Elementwise)
      Rules[K] = {broadcastLinks, 0};
  using enum OpKind;
  set({Cast, BitCast, Identity, CastLike, Dropout, MsBiasDropout},
      broadcastLinks);
  set({SwiGLU}, wholeLinks);
  set({QuantizeLinear, DequantizeLinear, MsQuantizeLinear, MsDequantizeLinear},
      firstBroadcastLinks);
  set({Expand}, broadcastLinks, operands({1}));
  set({Trilu}, broadcastLinks, operands({1}));
  set({Transpose}, transposeLinks);
  set({Squeeze, Unsqueeze}, squeezeLinks, operands({1}));
  set({Reshape, Flatten}, wholeLinks, operands({1}));
  set({Slice}, sliceLinks, operands({1, 2, 3, 4}));
  set({Split}, splitLinks, operands({1}));
  set({Concat}, concatLinks);
  set({Pad}, padLinks, operands({1, 3}));
  set({Tile}, tileLinks, operands({1}));
  set({Gather}, gatherLinks);
  set({GatherND}, gatherNDLinks);
  set({GatherElements}, gatherElementsLinks);
  set({Scatter, ScatterElements}, scatterElementsLinks);
  set({ScatterND}, scatterNDLinks);
  set({OneHot}, oneHotLinks, operands({1}));
  set({TopK}, topKLinks, operands({1}));
  set({ConstantOfShape, EyeLike}, wholeLinks, operands({0}));
  set({Range}, wholeLinks, operands({0, 1, 2}));
  set({ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1,
       ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceSumSquare, ArgMax,
       ArgMin},
      reduceLinks, operands({1}));
  set({CumSum, CumProd}, cumulativeLinks, operands({1}));
  set({Softmax, LogSoftmax, Hardmax}, softmaxLinks);
  set({MatMul, MatMulInteger, MsFusedMatMul, MsTransposeMatMul}, matMulLinks);
  set({Gemm}, gemmLinks);
  set({MsMatMulNBits}, lastAxisLinks);
  set({Einsum}, einsumLinks);
  set({LayerNormalization, RMSNormalization, SimplifiedLayerNormalization},
      normLinks);
  set({MsSkipLayerNormalization, MsSkipSimplifiedLayerNormalization},
      lastAxisLinks);
  set({LpNormalization}, softmaxLinks);
  set({Conv}, convLinks);
  set({RotaryEmbedding}, rotaryLinks);
  set({MsRotaryEmbedding}, rotaryLinks);
}

const Table &table() {
  static const Table T;
  return T;
}

const Rule &ruleOf(OpKind Kind) {
  return table().Rules[static_cast<unsigned>(Kind)];
}

} // namespace

AxisLinks axisLinks(const LinkContext &Ctx) {
  AxisLinks Links(Ctx.inRank());
  LinkRule Fn = ruleOf(Ctx.Op.node().Kind).Links;
  if (!Fn || !Ctx.input().HasRank || !Ctx.output().HasRank)
    return Links;
  Fn(Ctx, Links);
  return Links;
}

bool isStructuralOperand(OpKind Kind, unsigned In) {
  return In < 32 && (ruleOf(Kind).Structural >> In & 1);
}

bool hasAxisRule(OpKind Kind) { return ruleOf(Kind).Links; }

bool readsShapeOnly(OpKind Kind) {
  return Kind == OpKind::Shape || Kind == OpKind::Size;
}

//===----------------------------------------------------------------------===//
// Families that keep positions
//===----------------------------------------------------------------------===//

namespace links {

void wholeLinks(const LinkContext &, AxisLinks &) {}

/// An axis of length 1 is read at 0 wherever the result is longer.
AxisLink broadcastAxis(const LinkContext &Ctx, int64_t In, int64_t Out) {
  if (Ctx.input().Dims[In].is(1) && !Ctx.output().Dims[Out].is(1))
    return AxisLink::fixed(Ctx.zero());
  return AxisLink::same(Out, Ctx.zero());
}

void broadcastLinks(const LinkContext &Ctx, AxisLinks &Links) {
  int64_t Lead = Ctx.outRank() - Ctx.inRank();
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    if (A + Lead >= 0)
      Links[A] = broadcastAxis(Ctx, A, A + Lead);
}

/// The data keep their places; scales and zero points are constants.
void firstBroadcastLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In == 0)
    broadcastLinks(Ctx, Links);
}

void lastAxisLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.inRank() != Ctx.outRank())
    return;
  broadcastLinks(Ctx, Links);
  if (!Links.empty())
    Links.back() = AxisLink::whole();
}

void transposeLinks(const LinkContext &Ctx, AxisLinks &Links) {
  auto Perm = Ctx.Op.intsAttr("perm");
  int64_t Rank = Ctx.inRank();
  for (int64_t O = 0; O < Rank; ++O) {
    int64_t From =
        Perm ? (O < int64_t(Perm->size()) ? (*Perm)[O] : -1) : Rank - 1 - O;
    if (From >= 0 && From < Rank)
      Links[From] = AxisLink::same(O, Ctx.zero());
  }
}

/// Axes of length 1 come or go; the others stay in order.
void squeezeLinks(const LinkContext &Ctx, AxisLinks &Links) {
  bool Adds = Ctx.Op.node().Kind == OpKind::Unsqueeze;
  int64_t In = Ctx.inRank(), Out = Ctx.outRank();
  int64_t Long = Adds ? Out : In;
  llvm::SmallVector<bool, 8> Special(Long, false);
  llvm::SmallVector<int64_t, 8> Axes;
  if (auto Given = Ctx.Op.intsAttr("axes"))
    Axes.assign(Given->begin(), Given->end());
  else if (Ctx.Op.has(1)) {
    auto Known = Ctx.Op.constInts(1);
    if (!Known)
      return;
    Axes.assign(Known->begin(), Known->end());
  } else if (!Adds) {
    for (int64_t A = 0; A < In; ++A)
      if (Ctx.input().Dims[A].is(1))
        Axes.push_back(A);
  }
  for (int64_t A : Axes)
    if (auto Axis = OpContext::normalizeAxis(A, Long))
      Special[*Axis] = true;
  int64_t Short = 0;
  for (int64_t L = 0; L < Long; ++L) {
    if (Special[L]) {
      if (!Adds)
        Links[L] = AxisLink::fixed(Ctx.zero());
      continue;
    }
    int64_t From = Adds ? Short : L, To = Adds ? L : Short;
    ++Short;
    if (From < In && To < Out)
      Links[From] = AxisLink::same(To, Ctx.zero());
  }
}

/// Operand axis A is read at Starts + Steps * x; only steps of one keep places.
void sliceLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  broadcastLinks(Ctx, Links);
  llvm::SmallVector<Expr, 8> Starts;
  llvm::SmallVector<int64_t, 8> Axes;
  if (auto Attribute = Op.intsAttr("starts")) {
    for (int64_t S : *Attribute)
      Starts.push_back(Op.constant(S));
    if (auto Given = Op.intsAttr("axes"))
      Axes.assign(Given->begin(), Given->end());
  } else {
    if (auto Known = Op.ints(1))
      Starts.assign(Known->begin(), Known->end());
    if (Op.has(3)) {
      auto Known = Op.constInts(3);
      if (!Known)
        Starts.clear();
      else
        Axes.assign(Known->begin(), Known->end());
    }
  }
  if (Axes.empty())
    for (size_t I = 0; I < Starts.size(); ++I)
      Axes.push_back(I);
  auto Steps = Op.constInts(4);
  if (Starts.empty() || Axes.size() != Starts.size() || (Op.has(4) && !Steps)) {
    for (AxisLink &L : Links)
      L = AxisLink::whole();
    return;
  }
  for (size_t I = 0; I < Axes.size(); ++I) {
    auto Axis = OpContext::normalizeAxis(Axes[I], Ctx.inRank());
    if (!Axis)
      continue;
    Expr Dim = Ctx.input().Dims[*Axis];
    Expr Start = Starts[I];
    if (less(Start, Ctx.zero()) == Truth::True)
      Start = lessEqual(-Start, Dim) == Truth::True ? Start + Dim : Expr();
    else if (lessEqual(Ctx.zero(), Start) != Truth::True)
      Start = Expr();
    bool One = !Steps || (I < Steps->size() && (*Steps)[I] == 1);
    if (Start && One && Ctx.output().Dims[*Axis].is(1) && !Dim.is(1)) {
      Links[*Axis] = AxisLink::fixed(Start);
      continue;
    }
    Links[*Axis] =
        Start && One ? AxisLink::same(*Axis, Start) : AxisLink::whole();
  }
}

/// The sum of the sizes along Axis of the parts before Part; none if one of
/// them is not known to have one.
static Expr
startOf(const LinkContext &Ctx, int64_t Axis, unsigned Part,
        llvm::function_ref<const ValueFacts *(unsigned)> FactsOfPart) {
  PartStarts Own;
  PartStarts &Starts = Ctx.Starts ? *Ctx.Starts : Own;
  if (Starts.empty())
    Starts.push_back(Ctx.zero());
  while (Starts.size() <= Part) {
    const ValueFacts *F = FactsOfPart(Starts.size() - 1);
    if (!F || !F->HasRank || F->rank() != Ctx.inRank())
      return Expr();
    Starts.push_back(Starts.back() + F->Dims[Axis]);
  }
  return Starts[Part];
}

void splitLinks(const LinkContext &Ctx, AxisLinks &Links) {
  broadcastLinks(Ctx, Links);
  auto Axis = OpContext::normalizeAxis(Ctx.Op.intAttr("axis", 0), Ctx.inRank());
  if (!Axis)
    return;
  Expr Start =
      startOf(Ctx, *Axis, Ctx.Out, [&](unsigned O) { return Ctx.Outputs[O]; });
  Links[*Axis] = Start ? AxisLink::same(*Axis, Start) : AxisLink::whole();
}

/// Operand I stands behind those before it.
void concatLinks(const LinkContext &Ctx, AxisLinks &Links) {
  broadcastLinks(Ctx, Links);
  auto Axis = OpContext::normalizeAxis(Ctx.Op.intAttr("axis", 0), Ctx.inRank());
  if (!Axis)
    return;
  Expr Before =
      startOf(Ctx, *Axis, Ctx.In, [&](unsigned I) { return &Ctx.Op.input(I); });
  Links[*Axis] = Before ? AxisLink::same(*Axis, -Before) : AxisLink::whole();
}

void padLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In != 0)
    return;
  int64_t Rank = Ctx.inRank();
  llvm::SmallVector<int64_t, 8> Pads, Axes;
  if (auto Given = Ctx.Op.intsAttr("pads"))
    Pads.assign(Given->begin(), Given->end());
  else if (auto Known = Ctx.Op.constInts(1))
    Pads.assign(Known->begin(), Known->end());
  if (auto Known = Ctx.Op.constInts(3))
    Axes.assign(Known->begin(), Known->end());
  else if (!Ctx.Op.has(3))
    for (int64_t A = 0; A < Rank; ++A)
      Axes.push_back(A);
  llvm::StringRef Mode = Ctx.Op.stringAttr("mode", "constant");
  if (Axes.empty() || Pads.size() != 2 * Axes.size())
    return;
  broadcastLinks(Ctx, Links);
  for (size_t I = 0; I < Axes.size(); ++I) {
    auto Axis = OpContext::normalizeAxis(Axes[I], Rank);
    if (!Axis || (Pads[I] == 0 && Pads[I + Axes.size()] == 0))
      continue;
    Links[*Axis] = Mode == "constant"
                       ? AxisLink::same(*Axis, Ctx.Op.constant(-Pads[I]))
                       : AxisLink::whole();
  }
}

void tileLinks(const LinkContext &Ctx, AxisLinks &Links) {
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    if (Ctx.input().Dims[A] == Ctx.output().Dims[A] ||
        Ctx.input().Dims[A].is(1))
      Links[A] = broadcastAxis(Ctx, A, A);
}

} // namespace links
} // namespace xfa
