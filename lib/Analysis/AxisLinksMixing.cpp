//===- AxisLinksMixing.cpp - families that read across an axis ------------===//

#include "AxisLinkRules.h"

#include "llvm/ADT/STLExtras.h"

#include <string>

namespace xfa::links {

void gatherLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  if (!Op.hasRank(0) || !Op.hasRank(1))
    return;
  auto Axis = OpContext::normalizeAxis(Op.intAttr("axis", 0), Op.rank(0));
  if (!Axis)
    return;
  int64_t Inserted = Op.rank(1);
  if (Ctx.In == 1) {
    for (int64_t A = 0; A < Inserted; ++A)
      Links[A] = AxisLink::same(*Axis + A, Ctx.zero());
    return;
  }
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    if (A != *Axis)
      Links[A] = AxisLink::same(A < *Axis ? A : A + Inserted - 1, Ctx.zero());
  // One place, known: a selection.
  if (Inserted == 0)
    if (Element At = Op.scalar(1); At.kind() == Element::Int) {
      Expr Place = At.expr();
      if (less(Place, Ctx.zero()) == Truth::True)
        Place = Place + Ctx.input().Dims[*Axis];
      Links[*Axis] = AxisLink::fixed(Place);
    }
}

/// Indices [I…, K] choose from the data's first K axes.
void gatherNDLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  if (!Op.hasRank(0) || !Op.hasRank(1) || Op.intAttr("batch_dims", 0) != 0 ||
      Op.rank(1) < 1)
    return;
  int64_t Lead = Op.rank(1) - 1;
  if (Ctx.In == 1) {
    for (int64_t A = 0; A < Lead; ++A)
      Links[A] = AxisLink::same(A, Ctx.zero());
    return;
  }
  std::optional<int64_t> Chosen = Op.dim(1, -1).constant();
  for (int64_t A = Chosen.value_or(Ctx.inRank()); A < Ctx.inRank(); ++A)
    Links[A] = AxisLink::same(Lead + A - *Chosen, Ctx.zero());
}

void gatherElementsLinks(const LinkContext &Ctx, AxisLinks &Links) {
  auto Axis = OpContext::normalizeAxis(Ctx.Op.intAttr("axis", 0), Ctx.inRank());
  if (!Axis)
    return;
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    if (Ctx.In == 1 ||
        (A != *Axis && Ctx.input().Dims[A] == Ctx.output().Dims[A]))
      Links[A] = AxisLink::same(A, Ctx.zero());
}

/// An element is the data's own, or an update's that stands at the same place
/// along every axis but one.
void scatterElementsLinks(const LinkContext &Ctx, AxisLinks &Links) {
  auto Axis =
      OpContext::normalizeAxis(Ctx.Op.intAttr("axis", 0), Ctx.outRank());
  if (!Axis || Ctx.inRank() != Ctx.outRank())
    return;
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    if (Ctx.In == 0 ||
        (A != *Axis && Ctx.input().Dims[A] == Ctx.output().Dims[A]))
      Links[A] = AxisLink::same(A, Ctx.zero());
}

/// Updates [I…, rest of the data's axes], each for one place on the first K;
/// indices [I…, K].
void scatterNDLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  if (Ctx.In == 0) {
    broadcastLinks(Ctx, Links);
    return;
  }
  if (Ctx.In != 2 || !Op.hasRank(1) || Op.rank(1) < 1)
    return;
  std::optional<int64_t> Chosen = Op.dim(1, -1).constant();
  int64_t Lead = Op.rank(1) - 1;
  for (int64_t A = Lead; Chosen && A < Ctx.inRank(); ++A)
    if (int64_t Out = A - Lead + *Chosen; Out < Ctx.outRank())
      Links[A] = AxisLink::same(Out, Ctx.zero());
}

/// The new axis stands at `axis` of the result.
void oneHotLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In != 0)
    return;
  auto Axis =
      OpContext::normalizeAxis(Ctx.Op.intAttr("axis", -1), Ctx.outRank());
  if (!Axis)
    return;
  for (int64_t A = 0; A < Ctx.inRank(); ++A)
    Links[A] = AxisLink::same(A < *Axis ? A : A + 1, Ctx.zero());
}

void topKLinks(const LinkContext &Ctx, AxisLinks &Links) {
  auto Axis =
      OpContext::normalizeAxis(Ctx.Op.intAttr("axis", -1), Ctx.inRank());
  if (Ctx.In != 0 || !Axis)
    return;
  broadcastLinks(Ctx, Links);
  Links[*Axis] = AxisLink::whole();
}

void reduceLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  int64_t Rank = Ctx.inRank();
  OpKind Kind = Op.node().Kind;
  llvm::SmallVector<int64_t, 8> Axes;
  if (Kind == OpKind::ArgMax || Kind == OpKind::ArgMin) {
    Axes.push_back(Op.intAttr("axis", 0));
  } else if (auto Given = Op.intsAttr("axes")) {
    Axes.assign(Given->begin(), Given->end());
  } else if (Op.has(1)) {
    auto Known = Op.constInts(1);
    if (!Known)
      return;
    Axes.assign(Known->begin(), Known->end());
  }
  if (Axes.empty() && Op.intAttr("noop_with_empty_axes", 0) != 0) {
    broadcastLinks(Ctx, Links);
    return;
  }
  llvm::SmallVector<bool, 8> Reduced(Rank, Axes.empty());
  for (int64_t A : Axes)
    if (auto Axis = OpContext::normalizeAxis(A, Rank))
      Reduced[*Axis] = true;
  bool Keep = Op.intAttr("keepdims", 1) != 0;
  int64_t Out = 0;
  for (int64_t A = 0; A < Rank; ++A) {
    if (!Reduced[A])
      Links[A] = AxisLink::same(Out, Ctx.zero());
    Out += Keep || !Reduced[A];
  }
}

void cumulativeLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In != 0)
    return;
  Element At = Ctx.Op.scalar(1);
  if (At.kind() != Element::Int || !At.expr().isConstant())
    return;
  auto Axis = OpContext::normalizeAxis(*At.expr().constant(), Ctx.inRank());
  if (!Axis)
    return;
  broadcastLinks(Ctx, Links);
  if (Ctx.Op.intAttr("reverse", 0) != 0) {
    Links[*Axis] = AxisLink::whole();
    return;
  }
  Links[*Axis].Kind = AxisLink::Prefix;
  Links[*Axis].Low = Expr();
  Links[*Axis].High = Ctx.Op.constant(-Ctx.Op.intAttr("exclusive", 0));
}

void softmaxLinks(const LinkContext &Ctx, AxisLinks &Links) {
  bool Flattens =
      Ctx.Op.opset() < 13 && Ctx.Op.node().Kind != OpKind::LpNormalization;
  auto Axis = OpContext::normalizeAxis(
      Ctx.Op.intAttr("axis", Flattens ? 1 : -1), Ctx.inRank());
  if (!Axis)
    return;
  broadcastLinks(Ctx, Links);
  for (int64_t A = *Axis; A < (Flattens ? Ctx.inRank() : *Axis + 1); ++A)
    Links[A] = AxisLink::whole();
}

/// Rows from the first, columns from the second operand.
static void productLinks(const LinkContext &Ctx, AxisLinks &Links,
                         bool Transposed) {
  int64_t In = Ctx.inRank();
  int64_t OtherRank = Ctx.Op.rank(1 - Ctx.In), Out = Ctx.outRank();
  if (In == 0 || OtherRank == 0)
    return;
  if (In == 1)
    return;
  bool Lhs = Ctx.In == 0;
  int64_t Kept = Lhs == Transposed ? In - 1 : In - 2;
  // A vector operand has no axis of its own in the result.
  int64_t Lost = OtherRank == 1 ? 1 : 0;
  int64_t Row = Lhs ? Out - 2 + Lost : Out - 1;
  if (Row >= 0)
    Links[Kept] = AxisLink::same(Row, Ctx.zero());
  int64_t Batch = Out - 2 + Lost;
  for (int64_t A = 0; A < In - 2; ++A)
    if (int64_t To = Batch - (In - 2) + A; To >= 0)
      Links[A] = broadcastAxis(Ctx, A, To);
}

void matMulLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In > 1 || !Ctx.Op.hasRank(1 - Ctx.In) ||
      Ctx.Op.intAttr("transBatchA", 0) != 0 ||
      Ctx.Op.intAttr("transBatchB", 0) != 0)
    return;
  productLinks(Ctx, Links,
               Ctx.Op.intAttr(Ctx.In == 0 ? "transA" : "transB", 0) != 0);
}

void gemmLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In == 2)
    broadcastLinks(Ctx, Links);
  else if (Ctx.In < 2 && Ctx.Op.hasRank(1 - Ctx.In))
    matMulLinks(Ctx, Links);
}

void einsumLinks(const LinkContext &Ctx, AxisLinks &Links) {
  std::string Text;
  for (char C : Ctx.Op.stringAttr("equation"))
    if (C != ' ')
      Text.push_back(C);
  auto [Terms, Out] = llvm::StringRef(Text).split("->");
  if (Out.empty() || Text.find('.') != std::string::npos ||
      static_cast<int64_t>(Out.size()) != Ctx.outRank())
    return;
  llvm::SmallVector<llvm::StringRef, 4> Parts;
  Terms.split(Parts, ',');
  if (Ctx.In >= Parts.size() ||
      static_cast<int64_t>(Parts[Ctx.In].size()) != Ctx.inRank())
    return;
  for (auto [A, Letter] : llvm::enumerate(Parts[Ctx.In]))
    if (size_t At = Out.find(Letter); At != llvm::StringRef::npos)
      Links[A] = AxisLink::same(At, Ctx.zero());
}

void normLinks(const LinkContext &Ctx, AxisLinks &Links) {
  auto Axis =
      OpContext::normalizeAxis(Ctx.Op.intAttr("axis", -1), Ctx.outRank());
  if (!Axis)
    return;
  broadcastLinks(Ctx, Links);
  if (Ctx.In == 0)
    for (int64_t A = *Axis; A < Ctx.inRank(); ++A)
      Links[A] = AxisLink::whole();
}

/// X keeps its places; positions, and angles without them, follow the tokens:
/// axis 1 of [B, N, D], axis 2 of [B, H, N, D]. com.microsoft has positions
/// second and angles as tables.
void rotaryLinks(const LinkContext &Ctx, AxisLinks &Links) {
  if (Ctx.In == 0) {
    lastAxisLinks(Ctx, Links);
    return;
  }
  bool Contrib = Ctx.Op.node().Kind == OpKind::MsRotaryEmbedding;
  bool Positions = Ctx.In == (Contrib ? 1u : 3u);
  bool Angles = !Positions && !Contrib && !Ctx.Op.has(3);
  if ((!Positions && !Angles) || Ctx.inRank() < 2)
    return;
  Links[0] = AxisLink::same(0, Ctx.zero());
  Links[1] = AxisLink::same(Ctx.outRank() == 4 ? 2 : 1, Ctx.zero());
}

/// [B, C, L…]: along a spatial axis with stride 1, the window under the filter.
void convLinks(const LinkContext &Ctx, AxisLinks &Links) {
  const OpContext &Op = Ctx.Op;
  if (Ctx.In != 0 || !Op.hasRank(1) || Op.rank(1) != Ctx.inRank() ||
      Ctx.inRank() < 3)
    return;
  Links[0] = AxisLink::same(0, Ctx.zero());
  llvm::StringRef Auto = Op.stringAttr("auto_pad", "NOTSET");
  int64_t Spatial = Ctx.inRank() - 2;
  auto Item = [&](llvm::StringRef Name, int64_t I, int64_t Default) {
    auto List = Op.intsAttr(Name);
    return List && I < static_cast<int64_t>(List->size()) ? (*List)[I]
                                                          : Default;
  };
  for (int64_t A = 0; A < Spatial; ++A) {
    auto Width = Op.dim(1, A + 2).constant();
    if (!Width || Item("strides", A, 1) != 1 ||
        (Auto != "NOTSET" && Auto != "VALID"))
      continue;
    int64_t Begin = Auto == "VALID" ? 0 : Item("pads", A, 0);
    AxisLink &L = Links[A + 2];
    if (*Width == 1) {
      L = AxisLink::same(A + 2, Op.constant(-Begin));
      continue;
    }
    L.Kind = AxisLink::Window;
    L.OutAxis = static_cast<int>(A + 2);
    L.Low = Op.constant(-Begin);
    L.High = Op.constant(-Begin + (*Width - 1) * Item("dilations", A, 1));
  }
}

} // namespace xfa::links
