//===- MaskProofOperands.h - one node's operands, element by element ------===//

#ifndef XFA_LIB_ANALYSIS_MASKPROOFOPERANDS_H
#define XFA_LIB_ANALYSIS_MASKPROOFOPERANDS_H

#include "MaskProof.h"

#include "xfa/Analysis/AxisLinks.h"

namespace xfa {

/// One node's operands: facts, and the element of each that the result's
/// element reads, where that is one.
struct MaskProof::Operands {
  Operands(MaskProof &Proof, NodeId Id, unsigned Out, const Index &At)
      : Proof(Proof), Id(Id), Out(Out), At(At) {
    const Node &N = Proof.M[Id];
    for (unsigned I = 0; I < N.Inputs.size(); ++I) {
      ValueId V = Proof.G.operand(Id, I);
      Values.push_back(V);
      Facts.push_back(V ? &Proof.G.Facts[V] : nullptr);
    }
    for (ValueId V : N.Outputs)
      Results.push_back(V ? &Proof.G.Facts[V] : nullptr);
  }

  OpContext context() const { return {Proof.M, Id, Proof.Store, Facts}; }
  bool has(unsigned I) const { return I < Values.size() && Values[I]; }

  /// The index into operand I; none where it reads more than one element.
  std::optional<Index> index(unsigned I) const {
    if (!has(I) || !Facts[I]->HasRank)
      return std::nullopt;
    OpContext Op = context();
    AxisLinks Links = axisLinks({Op, Results, Out, I});
    Index Result;
    for (const AxisLink &L : Links) {
      if (L.Kind == AxisLink::Fixed && L.Low)
        Result.push_back(L.Low);
      else if (L.Kind == AxisLink::Same && L.OutAxis >= 0 &&
               L.OutAxis < static_cast<int>(At.size()))
        Result.push_back(At[L.OutAxis] + L.Low);
      else
        return std::nullopt;
    }
    return Result;
  }
  Interval get(unsigned I) const {
    if (std::optional<Index> Place = index(I))
      return Proof.value(Values[I], *Place);
    return has(I) ? Proof.unknownOf(Values[I]) : Interval::anything();
  }
  /// A scalar operand.
  Interval scalar(unsigned I) const {
    if (!has(I) || !Facts[I]->HasRank)
      return Interval::data();
    return Proof.value(Values[I],
                       Index(Facts[I]->rank(), Proof.Store.constant(0)));
  }

  MaskProof &Proof;
  NodeId Id;
  unsigned Out;
  const Index &At;
  llvm::SmallVector<ValueId, 4> Values;
  llvm::SmallVector<const ValueFacts *, 4> Facts;
  llvm::SmallVector<const ValueFacts *, 2> Results;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_MASKPROOFOPERANDS_H
