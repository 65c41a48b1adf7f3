//===- WidthSplit.cpp -----------------------------------------------------===//

#include "WidthSplit.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

std::optional<llvm::SmallVector<int64_t, 4>>
WidthSplit::ints(NodeId N, unsigned Operand, llvm::StringRef Attr) const {
  llvm::SmallVector<int64_t, 4> Result;
  if (const Attribute *A = M[N].attribute(Attr)) {
    Result.assign(A->Ints.begin(), A->Ints.end());
    return Result;
  }
  if (Operand >= M[N].Inputs.size() || !M[N].Inputs[Operand])
    return std::nullopt;
  const ValueFacts &F = Facts[M[N].Inputs[Operand]];
  std::optional<int64_t> Count = 1;
  for (Expr D : F.Dims)
    Count = Count && D.constant() ? std::optional(*Count * *D.constant())
                                  : std::nullopt;
  if (!F.HasRank || !Count)
    return std::nullopt;
  for (int64_t I = 0; I < *Count; ++I) {
    const Element E = F.Known.at(I);
    if (E.kind() != Element::Int || !E.expr().constant())
      return std::nullopt;
    Result.push_back(*E.expr().constant());
  }
  return Result;
}

std::optional<int64_t> WidthSplit::dim(ValueId V, int64_t Axis) const {
  const ValueFacts &F = Facts[V];
  return F.HasRank && Axis >= 0 && Axis < F.rank() ? F.Dims[Axis].constant()
                                                   : std::nullopt;
}

std::string WidthSplit::find(NodeId Regroup) {
  In = M[Regroup].Parent;
  const std::string No =
      "'" + M.label(Regroup) + "' does not make axes of its width alone";
  const ValueFacts &Before = Facts[M[Regroup].Inputs[0]],
                   &After = Facts[M[Regroup].Outputs[0]];
  if (!Before.HasRank || !After.HasRank || Before.rank() < 1 ||
      After.rank() <= Before.rank())
    return No;
  const size_t Lead = Before.Dims.size() - 1;
  if (!std::equal(Before.Dims.begin(), Before.Dims.end() - 1,
                  After.Dims.begin()))
    return No;
  int64_t Product = 1;
  for (Expr D : llvm::drop_begin(After.Dims, Lead)) {
    if (!D.constant() || *D.constant() < 1)
      return No;
    Factors.push_back(*D.constant());
    Product *= Factors.back();
  }
  if (!Before.Dims.back().is(Product))
    return No;
  Axes At(Lead, -1);
  for (size_t I = 0; I < Factors.size(); ++I)
    At.push_back(static_cast<int>(I));
  if (std::string Why = walk(M[Regroup].Outputs[0], At, {}); !Why.empty())
    return Why;
  return order();
}

std::string WidthSplit::walk(ValueId V, const Axes &At,
                             const llvm::SmallVector<NodeId, 2> &Path) {
  if (Edit.outputUses(V))
    return "'" + M[V].Name.str() + "' is an output of the graph";
  for (const Use &U : Edit.uses(V)) {
    if (M[U.User].Parent != In || U.Operand != 0)
      return "'" + M[V].Name.str() + "' is used by '" + M.label(U.User) +
             "', which picks no part of it";
    if (std::string Why = step(U.User, At, Path); !Why.empty())
      return Why;
  }
  return {};
}

/// N is a view that keeps or moves axes, or picks a part.
std::string WidthSplit::step(NodeId N, const Axes &At,
                             const llvm::SmallVector<NodeId, 2> &Path) {
  Axes To;
  const OpKind Kind = M[N].Kind;
  if (Kind == OpKind::Shape && M[N].Attributes.empty()) {
    Shapes.push_back({N, At, Path});
    return {};
  }
  const int64_t Rank = static_cast<int64_t>(At.size());
  const auto Given = ints(N, 1, Kind == OpKind::Transpose ? "perm" : "axes");
  if (Kind == OpKind::Transpose && Given && Given->size() == At.size()) {
    for (int64_t From : *Given)
      To.push_back(At[From]);
  } else if (Kind == OpKind::Unsqueeze && Given) {
    const int64_t NewRank = Rank + static_cast<int64_t>(Given->size());
    llvm::SmallVector<bool, 6> IsNew(NewRank, false);
    for (int64_t A : *Given)
      IsNew[A < 0 ? A + NewRank : A] = true;
    const int *Next = At.begin();
    for (bool New : IsNew)
      To.push_back(New ? -1 : *Next++);
  } else if (Kind == OpKind::Squeeze && Given) {
    llvm::SmallVector<bool, 6> Gone(Rank, false);
    for (int64_t A : *Given)
      Gone[A < 0 ? A + Rank : A] = true;
    for (int64_t I = 0; I < Rank; ++I)
      if (!Gone[I])
        To.push_back(At[I]);
  } else {
    return pick(N, At, Path);
  }
  llvm::SmallVector<NodeId, 2> Longer = Path;
  Longer.push_back(N);
  return walk(M[N].Outputs[0], To, Longer);
}

std::string WidthSplit::pick(NodeId N, const Axes &At,
                             const llvm::SmallVector<NodeId, 2> &Path) {
  const std::string No = "'" + M.label(N) + "' (" + M[N].Op.str() +
                         ") picks no part of its width along one axis";
  const ValueId Of = M[N].Inputs[0];
  const Attribute *AxisAttr = M[N].attribute("axis");
  int64_t Axis = AxisAttr ? AxisAttr->I : 0;
  WidthPiece P{M[N].Outputs[0], 0, 1, Path, std::nullopt};
  auto Normalised = [](int64_t I, int64_t Length) {
    return I < 0 ? I + Length : I;
  };
  const int64_t Rank = static_cast<int64_t>(At.size());
  switch (M[N].Kind) {
  case OpKind::Split: {
    Axis = Normalised(Axis, Rank);
    for (ValueId Out : M[N].Outputs) {
      const auto Size = Out ? dim(Out, Axis) : std::nullopt;
      if (!Size)
        return No;
      P.Result = Out;
      P.Size = *Size;
      if (std::string Why = add(P, At[Axis]); !Why.empty())
        return Why;
      P.Start += *Size;
    }
    return {};
  }
  case OpKind::Slice: {
    const auto Starts = ints(N, 1, "starts"), AxesOf = ints(N, 3, "axes"),
               Steps = ints(N, 4, "steps");
    if (!Starts || !AxesOf || Starts->size() != 1 || AxesOf->size() != 1 ||
        (Steps ? Steps->size() != 1 || Steps->front() != 1
               : M[N].Inputs.size() > 4 && M[N].Inputs[4]))
      return No;
    Axis = Normalised(AxesOf->front(), Rank);
    const auto Length = dim(Of, Axis), Size = dim(P.Result, Axis);
    if (!Length || !Size)
      return No;
    P.Start = Normalised(Starts->front(), *Length);
    P.Size = *Size;
    break;
  }
  case OpKind::Gather: {
    const auto Index = ints(N, 1, "");
    Axis = Normalised(Axis, Rank);
    const auto Length = dim(Of, Axis);
    if (!Index || Index->size() != 1 || !Length ||
        Facts[M[N].Inputs[1]].rank() > 1)
      return No;
    P.Start = Normalised(Index->front(), *Length);
    if (Facts[M[N].Inputs[1]].rank() == 0)
      P.Drops = Axis;
    break;
  }
  case OpKind::GatherND: {
    const auto Index = ints(N, 1, "");
    const Attribute *Batch = M[N].attribute("batch_dims");
    const auto Length = dim(Of, 0);
    if (!Index || Index->size() != 1 || Facts[M[N].Inputs[1]].rank() != 2 ||
        (Batch && Batch->I != 0) || !Length)
      return No;
    Axis = 0;
    P.Start = Normalised(Index->front(), *Length);
    break;
  }
  default:
    return No;
  }
  return add(std::move(P), At[Axis]);
}

std::string WidthSplit::add(WidthPiece P, int Factor) {
  if (Factor < 0 || (!Pieces.empty() && Cut != static_cast<unsigned>(Factor)))
    return "its parts are not along one axis of its width";
  Cut = static_cast<unsigned>(Factor);
  Pieces.push_back(std::move(P));
  return {};
}

/// Parts from the pieces: one behind the other, some picked more than once.
std::string WidthSplit::order() {
  std::vector<std::pair<int64_t, int64_t>> Parts;
  for (const WidthPiece &P : Pieces)
    Parts.push_back({P.Start, P.Size});
  llvm::sort(Parts);
  Parts.erase(std::unique(Parts.begin(), Parts.end()), Parts.end());
  int64_t End = 0;
  for (auto [Start, Size] : Parts) {
    if (Start != End || Size < 1)
      return "the parts of its result leave something out or overlap";
    End += Size;
    Sizes.push_back(Size);
  }
  if (Pieces.empty() || End != Factors[Cut])
    return "the parts of its result leave something out or overlap";
  for (WidthPiece &P : Pieces)
    P.Part = static_cast<unsigned>(
        llvm::find(Parts, std::pair(P.Start, P.Size)) - Parts.begin());
  return {};
}

} // namespace xfa
