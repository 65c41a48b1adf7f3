//===- AttentionGuards.cpp ------------------------------------------------===//

#include "AttentionGuards.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

class Guard {
public:
  Guard(const Model &M, const ShapeFacts &Facts, const BetweenProducts &B)
      : M(M), Facts(Facts), B(B) {}

  std::string run();

private:
  bool folded(NodeId N) const {
    return llvm::all_of(M[N].Outputs,
                        [&](ValueId V) { return !V || Facts[V].Folded; });
  }
  std::string whyNot(NodeId N, bool AfterSoftmax) const;
  std::string whyNotSoftmax(NodeId N) const;
  std::string whyNotCast(NodeId N, bool AfterSoftmax) const;
  std::string whyNotColumns() const;
  bool turnsBack(ValueId V, ElemType Type) const;
  bool reducesColumns(const Node &N) const;
  /// Where an axis of N's operand is in its result, counted from the last.
  std::optional<int> after(const Node &N, int FromLast) const;
  bool contracts(const Node &N, unsigned Operand, int FromLast) const;

  const Model &M;
  const ShapeFacts &Facts;
  const BetweenProducts &B;
};

std::string Guard::run() {
  bool After = false;
  for (NodeId N : B.Nodes) {
    // A kernel was looked at when it was made; a mask may hang on the scores by
    // their shape.
    if (!M[N].Callee && !folded(N))
      if (std::string Why = whyNot(N, After); !Why.empty())
        return Why;
    After |= N == B.Softmax;
  }
  return M[B.Softmax].Callee ? "" : whyNotColumns();
}

std::string Guard::whyNot(NodeId Id, bool AfterSoftmax) const {
  const Node &N = M[Id];
  switch (N.Kind) {
  case OpKind::Softmax:
    return whyNotSoftmax(Id);
  case OpKind::Cast:
  case OpKind::CastLike:
    return whyNotCast(Id, AfterSoftmax);
  case OpKind::ReduceSum:
  case OpKind::ReduceMax:
    return reducesColumns(N) ? ""
                             : "'" + M.label(Id) +
                                   "' between its products does not work row "
                                   "by row";
  case OpKind::Concat: // a column of its own for a sink
    return {};
  default:
    if (opTraits(N.Kind) & (trait::Elementwise | trait::View))
      return {};
    return "'" + M.label(Id) + "' (" + N.Op.str() +
           ") between its products is not elementwise";
  }
}

std::string Guard::whyNotSoftmax(NodeId Id) const {
  const Node &N = M[Id];
  const ValueFacts &In = Facts[N.Inputs[0]];
  if (!In.HasRank)
    return "the rank of the scores is not known";
  const Attribute *Given = N.attribute("axis");
  // Before operator set 13 all axes from this one on are taken together.
  int64_t Axis = Given ? Given->I : N.OpsetVersion >= 13 ? -1 : 1;
  if (Axis < 0)
    Axis += In.rank();
  return Axis == In.rank() - 1 ? ""
                               : "its softmax is not over the last axis, "
                                 "along which the scores of a row stand";
}

std::string Guard::whyNotCast(NodeId Id, bool AfterSoftmax) const {
  const ElemType From = Facts[M[Id].Inputs[0]].Elem;
  const ElemType To = Facts[M[Id].Outputs[0]].Elem;
  const unsigned Old = elemBits(From), New = elemBits(To);
  if (From == To || !isFloat(From) ||
      (isFloat(To) && (AfterSoftmax ? New < Old : New > Old)))
    return {};
  // There and back again nothing is lost: softmax(dtype=fp32).to(fp16) of what
  // is fp16.
  if (AfterSoftmax && isFloat(To) && turnsBack(M[Id].Outputs[0], From))
    return {};
  return "'" + M.label(Id) + "' turns " + elemTypeName(From).str() + " into " +
         elemTypeName(To).str() +
         (AfterSoftmax ? " after the softmax" : " before the softmax");
}

/// Every reader between the products casts V to Type.
bool Guard::turnsBack(ValueId V, ElemType Type) const {
  bool Read = false;
  for (NodeId N : B.Nodes) {
    if (!llvm::is_contained(M[N].Inputs, V))
      continue;
    Read = true;
    if (M[N].Kind != OpKind::Cast || Facts[M[N].Outputs[0]].Elem != Type)
      return false;
  }
  return Read;
}

bool Guard::reducesColumns(const Node &N) const {
  const ValueFacts &In = Facts[N.Inputs[0]], &Out = Facts[N.Outputs[0]];
  return In.HasRank && Out.HasRank && In.rank() == Out.rank() &&
         In.rank() > 0 && Out.Dims.back().is(1) &&
         llvm::equal(llvm::ArrayRef(In.Dims).drop_back(),
                     llvm::ArrayRef(Out.Dims).drop_back());
}

std::optional<int> Guard::after(const Node &N, int FromLast) const {
  const ValueFacts &In = Facts[N.Inputs[0]], &Out = Facts[N.Outputs[0]];
  if (!In.HasRank || !Out.HasRank)
    return std::nullopt;
  if (N.Kind == OpKind::Transpose) {
    const Attribute *Given = N.attribute("perm");
    const int Rank = static_cast<int>(In.rank());
    for (int To = 0; To < Rank; ++To) {
      const int64_t From = Given ? Given->Ints[To] : Rank - 1 - To;
      if (From == Rank - 1 - FromLast)
        return Rank - 1 - To;
    }
    return std::nullopt;
  }
  if (opTraits(N.Kind) & trait::View) {
    // What regroups axes must leave the last ones alone.
    for (int I = 0; I <= FromLast; ++I)
      if (I >= In.rank() || I >= Out.rank() ||
          (N.Kind != OpKind::Slice &&
           In.Dims[In.rank() - 1 - I] != Out.Dims[Out.rank() - 1 - I]))
        return std::nullopt;
  }
  return FromLast;
}

bool Guard::contracts(const Node &N, unsigned Operand, int FromLast) const {
  if (N.Kind == OpKind::Einsum) {
    const Attribute *Given = N.attribute("equation");
    if (!Given)
      return false;
    const auto [Left, Right] = Given->S.split("->");
    llvm::SmallVector<llvm::StringRef, 2> Terms;
    Left.split(Terms, ',');
    if (Operand >= Terms.size())
      return false;
    const llvm::StringRef Term = Terms[Operand].trim();
    return FromLast < static_cast<int>(Term.size()) &&
           !Right.contains(Term[Term.size() - 1 - FromLast]);
  }
  const Attribute *Turned = N.attribute(Operand == 0 ? "transA" : "transB");
  const bool Swapped = Turned && Turned->I != 0;
  return FromLast == ((Operand == 0) != Swapped ? 0 : 1);
}

/// From the softmax down to the product with the values.
std::string Guard::whyNotColumns() const {
  std::optional<int> FromLast = 0;
  ValueId At = M[B.Softmax].Outputs[0];
  for (NodeId Id : B.Nodes) {
    const Node &N = M[Id];
    if (!FromLast || N.Callee || folded(Id) ||
        !llvm::is_contained(N.Inputs, At))
      continue;
    // A test of the probabilities (IsNaN) stands beside their way.
    if (!isFloat(Facts[N.Outputs[0]].Elem))
      continue;
    FromLast = after(N, *FromLast);
    At = N.Outputs[0];
  }
  const Node &Product = M[B.Values];
  const auto *Operand = llvm::find(Product.Inputs, At);
  if (Product.Callee || Operand == Product.Inputs.end())
    return {}; // looked at when that kernel was made
  const unsigned Index = Operand - Product.Inputs.begin();
  return FromLast && contracts(Product, Index, *FromLast)
             ? ""
             : "its softmax is not over the columns, which the product with V "
               "sums over";
}

} // namespace

std::string whyNotByRows(const Model &M, const ShapeFacts &Facts,
                         const BetweenProducts &B) {
  return Guard(M, Facts, B).run();
}

} // namespace xfa
