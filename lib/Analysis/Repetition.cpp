//===- Repetition.cpp -----------------------------------------------------===//

#include "Repetition.h"

#include "llvm/ADT/STLExtras.h"

#include <set>
#include <vector>

namespace xfa {

bool Repetition::carried(ValueId V) const {
  NodeId N = G.producer(V);
  return N && OnPath(N);
}

Expr Repetition::elements(ValueId V) const {
  if (!V)
    return Store.unknown("an operand is missing");
  const ValueFacts &F = G.Facts[G.canonical(V)];
  return F.HasRank ? numElements(Store, F.Dims)
                   : Store.unknown("its rank is not known");
}

Expr Repetition::unknown(NodeId N, const char *Why) const {
  return Store.unknown(
      ("'" + G.M.label(N) + "' (" + G.M[N].Op.str() + ") " + Why));
}

Expr Repetition::of(ValueId V) {
  V = G.canonical(V);
  if (!carried(V))
    return Store.constant(1);
  if (auto It = Known.find(V); It != Known.end())
    return It->second;
  Expr Result = ofNode(G.producer(V), V);
  Known[V] = Result;
  return Result;
}

Expr Repetition::ofNode(NodeId N, ValueId Out) {
  switch (plainKind(G.kind(N))) {
  case OpKind::Expand:
  case OpKind::Tile: {
    ValueId In = G.operand(N, 0);
    if (std::optional<Expr> More = tryExactDiv(elements(Out), elements(In)))
      return *More * of(In);
    return unknown(N, "repeats it an unknown number of times");
  }
  case OpKind::Concat:
    return ofConcat(N);
  case OpKind::Gather:
  case OpKind::GatherND:
    return ofGather(N);
  case OpKind::TensorScatter: // new rows into a cache
    return of(G.operand(N, 1));
  case OpKind::ScatterND:
  case OpKind::ScatterElements:
    return of(G.operand(N, 2));
  case OpKind::RotaryEmbedding:
  case OpKind::MsRotaryEmbedding:
    return of(G.operand(N, 0));
  default:
    return G.isPassThrough(N) ? of(G.operand(N, 0)) : ofElementwise(N, Out);
  }
}

/// Copies of one value count once; different parts should agree.
Expr Repetition::ofConcat(NodeId N) {
  llvm::SmallVector<ValueId, 4> Parts, Distinct;
  for (unsigned I = 0; I < G.M[N].Inputs.size(); ++I)
    if (ValueId In = G.operand(N, I); In && carried(In))
      Parts.push_back(In);
  for (ValueId Part : Parts)
    if (llvm::none_of(Distinct, [&](ValueId V) { return same(V, Part, 0); }))
      Distinct.push_back(Part);
  if (Distinct.empty())
    return Store.constant(1);
  Expr Each = of(Distinct.front());
  for (ValueId Part : Distinct)
    if (Expr Other = of(Part); Other != Each) {
      if (!Other.isKnown())
        return Other;
      if (!Each.isKnown())
        return Each;
      Each = Store.constant(1); // a part alone is repeated
    }
  if (Distinct.size() == Parts.size())
    return Each;
  if (Parts.size() % Distinct.size() != 0)
    return unknown(N, "repeats some of its parts");
  return Each * int64_t(Parts.size() / Distinct.size());
}

/// Of rows chosen, those that are chosen more than once.
Expr Repetition::ofGather(NodeId N) {
  ValueId In = G.operand(N, 0), Indices = G.operand(N, 1);
  if (!carried(In) || !Indices)
    return Store.constant(1);
  const ValueFacts &F = G.Facts[Indices];
  bool Tuples = G.kind(N) == OpKind::GatherND;
  if (!Tuples && G.oneElement(Indices))
    return of(In);
  std::optional<llvm::SmallVector<int64_t, 4>> Dims =
      F.HasRank ? constantDims(F.Dims) : std::nullopt;
  if (!Dims || (Tuples && Dims->empty()))
    return unknown(N, "chooses by indices that are not known");
  int64_t Count = 1;
  for (int64_t Dim : *Dims)
    Count *= Dim;
  int64_t Each = Tuples ? Dims->back() : 1;
  std::set<std::vector<int64_t>> Chosen;
  std::vector<int64_t> Tuple;
  for (int64_t I = 0; I < Count; ++I) {
    Element E = F.Known.at(I);
    std::optional<int64_t> Index =
        E.kind() == Element::Int ? E.expr().constant() : std::nullopt;
    if (!Index)
      return unknown(N, "chooses by indices that are not known");
    Tuple.push_back(*Index);
    if (static_cast<int64_t>(Tuple.size()) == Each) {
      Chosen.insert(Tuple);
      Tuple.clear();
    }
  }
  int64_t Rows = Each > 0 ? Count / Each : 0;
  auto Distinct = static_cast<int64_t>(Chosen.size());
  if (Distinct == 0 || Rows % Distinct != 0)
    return unknown(N, "repeats some of what it chooses from");
  return of(In) * (Rows / Distinct);
}

/// What has as many elements as the result decides; where nothing has, the one
/// operand there is was broadcast, or reduced.
Expr Repetition::ofElementwise(NodeId N, ValueId Out) {
  llvm::SmallVector<ValueId, 4> Whole, Other;
  Expr Count = elements(Out);
  bool FromSource = false; // what the path begins with, whole
  for (unsigned I = 0; I < G.M[N].Inputs.size(); ++I) {
    ValueId In = G.operand(N, I);
    if (!In)
      continue;
    const bool All = provablyEqual(elements(In), Count);
    if (carried(In))
      (All ? Whole : Other).push_back(In);
    else
      FromSource |= All && !G.isWeight(In);
  }
  if (Whole.empty() && FromSource)
    return Store.constant(1);
  if (Whole.empty() && Other.size() == 1) {
    Expr In = elements(Other.front());
    if (std::optional<Expr> All = tryExactDiv(of(Other.front()) * Count, In))
      return *All;
  }
  if (Whole.empty())
    return Other.empty() ? Store.constant(1)
                         : unknown(N, "changes how many elements there are");
  Expr Each = of(Whole.front());
  for (ValueId In : Whole)
    if (of(In) != Each)
      return unknown(N, "joins parts that are repeated differently");
  return Each;
}

bool Repetition::same(ValueId A, ValueId B, unsigned Depth) const {
  A = G.canonical(A), B = G.canonical(B);
  if (A == B)
    return true;
  if (!A || !B)
    return false;
  const ValueFacts &FA = G.Facts[A], &FB = G.Facts[B];
  if (G.folded(A) && G.folded(B)) { // axes, shapes, bounds of slices
    if (!FA.HasRank || !FB.HasRank || FA.Dims != FB.Dims || FA.Known.none())
      return false;
    std::optional<int64_t> Count = numElements(Store, FA.Dims).constant();
    if (!Count || *Count > Contents::MaxElements)
      return false;
    for (int64_t I = 0; I < *Count; ++I) {
      Element EA = FA.Known.at(I), EB = FB.Known.at(I);
      if (EA.kind() != Element::Int || EB.kind() != Element::Int ||
          !EA.expr().isKnown() || EA.expr() != EB.expr())
        return false;
    }
    return true;
  }
  NodeId PA = G.producer(A), PB = G.producer(B);
  return PA && PB && G.M[A].OutputIndex == G.M[B].OutputIndex && Depth < 8 &&
         sameNode(PA, PB, Depth);
}

bool Repetition::sameNode(NodeId A, NodeId B, unsigned Depth) const {
  const Node &NA = G.M[A], &NB = G.M[B];
  if (A == B)
    return true;
  if (G.kind(A) != G.kind(B) || !G.isPassThrough(A) ||
      NA.Inputs.size() != NB.Inputs.size() ||
      NA.Attributes.size() != NB.Attributes.size())
    return false;
  for (const Attribute &Of : NA.Attributes) {
    const Attribute *Twin = NB.attribute(Of.Name);
    if (!Twin || Twin->I != Of.I || Twin->Ints != Of.Ints)
      return false;
  }
  for (unsigned I = 0; I < NA.Inputs.size(); ++I)
    if (!same(G.operand(A, I), G.operand(B, I), Depth + 1))
      return false;
  return true;
}

} // namespace xfa
