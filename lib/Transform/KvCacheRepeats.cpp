//===- KvCacheRepeats.cpp - heads that say the same -----------------------===//
//
// Some models expand the heads of their keys before they turn them by position
// (Falcon): what is needed of earlier steps lies behind a product with angles,
// and holds each head many times. It is kept once.
//
//===----------------------------------------------------------------------===//

#include "KvCachePlan.h"

#include "xfa/Analysis/ReshapeLinks.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

/// Farther up than any head expansion from where it is read.
static constexpr unsigned MaxDepth = 64;

static bool keepsElements(OpKind Kind) {
  switch (Kind) {
  case OpKind::Identity:
  case OpKind::Cast:
  case OpKind::Transpose:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Concat:
  case OpKind::Expand:
    return true;
  default:
    return opTraits(Kind) & trait::Elementwise;
  }
}

std::optional<Repeats> Facts::repeats(ValueId V, unsigned Depth) const {
  if (auto It = Repeated.find(V); It != Repeated.end())
    return It->second;
  std::optional<Repeats> R;
  if (Depth < MaxDepth && M[V].Producer && Shapes[V].HasRank)
    R = repeatsOf(V, Depth);
  Repeated[V] = R;
  return R;
}

std::optional<Repeats> Facts::repeatsOf(ValueId V, unsigned Depth) const {
  const Node &Op = M[M[V].Producer];
  const Shape &Dims = Shapes[V].Dims;
  if (Op.Kind == OpKind::Reshape || Op.Kind == OpKind::Flatten) {
    ValueId In = Op.Inputs[0];
    std::optional<Repeats> From = repeats(In, Depth + 1);
    if (!From)
      return std::nullopt;
    auto Number = [&](int64_t N) { return Store.constant(N); };
    auto Place =
        throughReshape({From->Axis, Number(From->Outer), Number(From->Inner)},
                       Number(From->Times), Shapes[In].Dims, Dims);
    if (!Place || !Place->Outer.isConstant() || !Place->Inner.isConstant())
      return std::nullopt;
    return Repeats{Place->Axis, *Place->Outer.constant(), From->Times,
                   *Place->Inner.constant()};
  }
  if (!keepsElements(Op.Kind))
    return std::nullopt;
  if (Op.Kind == OpKind::Expand && Shapes[Op.Inputs[0]].HasRank) {
    const Shape &From = Shapes[Op.Inputs[0]].Dims;
    for (size_t A = 0; A < From.size() && From.size() <= Dims.size(); ++A) {
      unsigned Axis = static_cast<unsigned>(A + Dims.size() - From.size());
      std::optional<int64_t> Times = Dims[Axis].constant();
      if (From[A].is(1) && Times && *Times > 1)
        return Repeats{Axis, 1, *Times, 1};
    }
  }
  // Every operand says the same along that factor, or nothing.
  std::optional<Repeats> Found;
  llvm::SmallVector<std::pair<unsigned, AxisLinks>, 2> Others;
  for (unsigned I = 0; I < Op.Inputs.size(); ++I) {
    ValueId In = Op.Inputs[I];
    if (!In || isStructuralOperand(Op.Kind, I))
      continue;
    AxisLinks Links = links(V, I);
    std::optional<Repeats> Each =
        time(In).Tokens ? repeats(In, Depth + 1) : std::nullopt;
    if (!Each) {
      Others.push_back({I, Links});
      continue;
    }
    const AxisLink &L = Links[Each->Axis];
    bool Kept = L.Kind == AxisLink::Same && L.Low.is(0) &&
                Shapes[In].Dims[Each->Axis] == Dims[L.OutAxis];
    if (!Kept)
      return std::nullopt;
    Each->Axis = static_cast<unsigned>(L.OutAxis);
    if (Found && *Found != *Each)
      return std::nullopt;
    Found = Each;
  }
  if (!Found)
    return std::nullopt;
  for (const auto &[I, Links] : Others)
    for (size_t A = 0; A < Links.size(); ++A) {
      bool Same = Shapes[Op.Inputs[I]].Dims[A].is(1) ||
                  (Links[A].Kind == AxisLink::Same &&
                   Links[A].OutAxis != static_cast<int>(Found->Axis));
      if (!Same)
        return std::nullopt;
    }
  return Found;
}

llvm::SmallVector<int64_t, 16> Repeats::once() const {
  llvm::SmallVector<int64_t, 16> Places;
  for (int64_t O = 0; O < Outer; ++O)
    for (int64_t I = 0; I < Inner; ++I)
      Places.push_back(O * Times * Inner + I);
  return Places;
}

llvm::SmallVector<int64_t, 16> Repeats::again() const {
  llvm::SmallVector<int64_t, 16> Places;
  for (int64_t O = 0; O < Outer; ++O)
    for (int64_t T = 0; T < Times; ++T)
      for (int64_t I = 0; I < Inner; ++I)
        Places.push_back(O * Inner + I);
  return Places;
}

} // namespace xfa::kvcache
