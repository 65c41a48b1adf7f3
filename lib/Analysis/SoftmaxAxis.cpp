//===- SoftmaxAxis.cpp ----------------------------------------------------===//

#include "SoftmaxAxis.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// Terms of an Einsum of two operands: of each, and of the result.
struct EinsumTerms {
  std::string In[2], Out;
};

std::optional<EinsumTerms> termsOf(const Node &N) {
  const Attribute *Equation = N.attribute("equation");
  if (!Equation)
    return std::nullopt;
  std::string Text;
  for (char Letter : Equation->S)
    if (Letter != ' ')
      Text.push_back(Letter);
  auto [Left, Out] = llvm::StringRef(Text).split("->");
  auto [A, B] = Left.split(',');
  if (Out.empty() || B.empty() || B.contains(','))
    return std::nullopt;
  return EinsumTerms{{A.str(), B.str()}, Out.str()};
}

/// The axis of `To` that holds what axis `Axis` of `From` does, if a Reshape
/// makes the one from the other and leaves that axis whole.
std::optional<int64_t> axisOfReshape(llvm::ArrayRef<Expr> From,
                                     llvm::ArrayRef<Expr> To, int64_t Axis,
                                     ExprStore &Store) {
  Expr Inner = numElements(Store, From.drop_front(Axis + 1));
  for (int64_t I = To.size(); I-- > 0;)
    if (To[I] == From[Axis] &&
        numElements(Store, To.drop_front(I + 1)) == Inner)
      return I;
  // Sizes that inference cannot tell to be equal: counted from the end.
  int64_t FromEnd = From.size() - Axis;
  int64_t Same = static_cast<int64_t>(To.size()) - FromEnd;
  if (Same < 0)
    return std::nullopt;
  for (int64_t I = 0; I < FromEnd; ++I)
    if (equal(From[Axis + I], To[Same + I]) == Truth::False)
      return std::nullopt;
  return Same;
}

bool isReshape(OpKind Kind) {
  return Kind == OpKind::Reshape || Kind == OpKind::Squeeze ||
         Kind == OpKind::Unsqueeze || Kind == OpKind::Flatten;
}

/// Result axis → axis of the operand; empty: they are reversed.
llvm::ArrayRef<int64_t> permutation(const Node &N) {
  const Attribute *Perm = N.attribute("perm");
  return Perm ? Perm->Ints : llvm::ArrayRef<int64_t>();
}

bool flag(const Node &N, llvm::StringRef Name) {
  const Attribute *A = N.attribute(Name);
  return A && A->I != 0;
}

std::optional<int64_t> inside(int64_t Axis, int64_t Rank) {
  return Axis >= 0 && Axis < Rank ? std::optional(Axis) : std::nullopt;
}

} // namespace

std::optional<int64_t> axisOf(const FlatGraph &G, NodeId N, int64_t Rank) {
  const Node &Op = G.M[N];
  std::optional<int64_t> Axis;
  bool Reduces =
      G.kind(N) == OpKind::ReduceSum || G.kind(N) == OpKind::ReduceMax;
  if (!Reduces) {
    const Attribute *A = Op.attribute("axis");
    Axis = A ? A->I : Op.Domain.empty() && Op.OpsetVersion < 13 ? 1 : -1;
  } else if (const Attribute *A = Op.attribute("axes")) {
    if (A->Ints.size() == 1)
      Axis = A->Ints[0];
  } else if (ValueId Axes = G.operand(N, 1)) {
    const ValueFacts &F = G.Facts[Axes];
    Element E = F.Known.at(0);
    if (G.oneElement(Axes) && E.kind() == Element::Int)
      Axis = E.expr().constant();
  }
  if (!Axis)
    return std::nullopt;
  if (*Axis < 0)
    *Axis += Rank;
  // Before opset 13 a Softmax goes over all axes from that one on.
  int64_t Version = Op.Domain.empty() ? Op.OpsetVersion : 13;
  if (const Attribute *Like = Op.attribute("opset"); Like && !Op.Domain.empty())
    Version = Like->I;
  if (!Reduces && Version < 13 && *Axis != Rank - 1)
    return std::nullopt;
  return inside(*Axis, Rank);
}

std::optional<int64_t> axisBefore(const FlatGraph &G, NodeId N, unsigned Input,
                                  int64_t Axis, ExprStore &Store) {
  ValueId In = G.operand(N, Input), Out = G.result(N);
  if (!In || !Out || !G.Facts[In].HasRank || !G.Facts[Out].HasRank)
    return std::nullopt;
  llvm::ArrayRef<Expr> From = G.Facts[Out].Dims, To = G.Facts[In].Dims;
  int64_t Rank = From.size();
  if (Axis >= Rank)
    return std::nullopt;
  if (G.kind(N) == OpKind::Transpose) {
    llvm::ArrayRef<int64_t> Perm = permutation(G.M[N]);
    if (Perm.empty())
      return Rank - 1 - Axis;
    return inside(Axis, Perm.size()) ? inside(Perm[Axis], Rank) : std::nullopt;
  }
  if (isReshape(G.kind(N)))
    return axisOfReshape(From, To, Axis, Store);
  // Numpy's broadcasting aligns the last axes.
  return inside(Axis - Rank + static_cast<int64_t>(To.size()), To.size());
}

std::optional<int64_t> axisAfter(const FlatGraph &G, NodeId N, unsigned Input,
                                 int64_t Axis, ExprStore &Store) {
  ValueId In = G.operand(N, Input), Out = G.result(N);
  if (!In || !Out || !G.Facts[In].HasRank || !G.Facts[Out].HasRank)
    return std::nullopt;
  llvm::ArrayRef<Expr> From = G.Facts[In].Dims, To = G.Facts[Out].Dims;
  int64_t Rank = From.size();
  if (Axis >= Rank)
    return std::nullopt;
  if (G.kind(N) == OpKind::Transpose) {
    llvm::ArrayRef<int64_t> Perm = permutation(G.M[N]);
    if (Perm.empty())
      return Rank - 1 - Axis;
    const int64_t *It = llvm::find(Perm, Axis);
    return It == Perm.end() ? std::nullopt : std::optional(It - Perm.begin());
  }
  if (isReshape(G.kind(N)))
    return axisOfReshape(From, To, Axis, Store);
  return inside(Axis + static_cast<int64_t>(To.size()) - Rank, To.size());
}

std::optional<unsigned> sideOf(const FlatGraph &G, NodeId Product,
                               int64_t Axis) {
  const Node &N = G.M[Product];
  if (G.kind(Product) == OpKind::Einsum) {
    std::optional<EinsumTerms> Terms = termsOf(N);
    if (!Terms || !inside(Axis, Terms->Out.size()))
      return std::nullopt;
    bool Of[2];
    for (unsigned Side = 0; Side < 2; ++Side)
      Of[Side] = llvm::is_contained(Terms->In[Side], Terms->Out[Axis]);
    return Of[0] == Of[1] ? std::nullopt : std::optional(Of[0] ? 0U : 1U);
  }
  int64_t Rank = G.Facts[G.result(Product)].rank();
  if (Axis == Rank - 1)
    return 1;
  return Axis == Rank - 2 ? std::optional(0U) : std::nullopt;
}

bool sumsOver(const FlatGraph &G, NodeId Product, unsigned Side, int64_t Axis) {
  const Node &N = G.M[Product];
  if (G.kind(Product) == OpKind::Einsum) {
    std::optional<EinsumTerms> Terms = termsOf(N);
    if (!Terms || !inside(Axis, Terms->In[Side].size()))
      return false;
    char Letter = Terms->In[Side][Axis];
    return llvm::is_contained(Terms->In[1 - Side], Letter) &&
           !llvm::is_contained(Terms->Out, Letter);
  }
  const auto [Left, Right] = dataOperands(G.kind(Product));
  ValueId V = G.operand(Product, Side == 0 ? Left : Right);
  int64_t Rank = G.Facts[V].rank();
  bool Last = (Side == 0) != flag(N, Side == 0 ? "transA" : "transB");
  return Axis == (Last ? Rank - 1 : Rank - 2);
}

} // namespace xfa
