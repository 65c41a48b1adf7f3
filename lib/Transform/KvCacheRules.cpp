//===- KvCacheRules.cpp - which operands a version of a result needs ------===//

#include "KvCachePlan.h"

#include "xfa/Analysis/ReshapeLinks.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

static constexpr size_t MaxKnown = 64;

Facts::Facts(const Model &M, const ShapeFacts &Shapes,
             const TimeDependence &Time, ExprStore &Store)
    : M(M), Shapes(Shapes), Time(Time), Store(Store) {}

bool Facts::isKnown(ValueId V) const {
  const ValueFacts &F = Shapes[V];
  if (M[V].Const || !time(V).Axes.empty() || !F.Folded || !F.HasRank)
    return false;
  std::optional<int64_t> Count = numElements(Store, F.Dims).constant();
  if (!Count || *Count > static_cast<int64_t>(MaxKnown) || F.Known.none() ||
      (F.Elem != ElemType::Int64 && F.Elem != ElemType::Bool &&
       F.Elem != ElemType::Float32))
    return false;
  for (int64_t I = 0; I < *Count; ++I) {
    Element E = F.Known.at(I);
    bool Writable = E.kind() == Element::Bool || E.kind() == Element::Float ||
                    (E.kind() == Element::Int && isWritable(E.expr()));
    if (!Writable)
      return false;
  }
  return true;
}

bool Facts::isWritable(Expr E) const {
  for (const ExprTerm &T : terms(E)) {
    Expr Check = Store.constant(1);
    for (llvm::StringRef Name : symbols(T.Monomial)) {
      std::optional<unsigned> Degree = degree(T.Monomial, Name);
      Expr Symbol = Store.symbol(Name);
      bool IsSize = llvm::any_of(M.main().Inputs, [&](ValueId In) {
        return llvm::is_contained(Shapes[In].Dims, Symbol);
      });
      if (!Degree || !IsSize)
        return false;
      Check = Check * pow(Symbol, *Degree);
    }
    // Quotients and maxima are no symbols.
    if (Check != T.Monomial)
      return false;
  }
  return E.isKnown();
}

Expr Facts::dim(ValueId V, unsigned Axis) const {
  int Bit = bitOf(V, Axis);
  if (Bit >= 0 && time(V).Axes[Bit].pure())
    return time(V).Axes[Bit].Length;
  return Shapes[V].Dims[Axis];
}

bool Facts::hasWritableShape(ValueId V) const {
  if (!Shapes[V].HasRank)
    return false;
  for (unsigned A = 0; A < Shapes[V].Dims.size(); ++A)
    if (!isWritable(dim(V, A)))
      return false;
  return true;
}

int Facts::bitOf(ValueId V, unsigned Axis) const {
  const auto &Axes = time(V).Axes;
  for (size_t I = 0; I < Axes.size(); ++I)
    if (Axes[I].Axis == Axis)
      return static_cast<int>(I);
  return -1;
}

bool Facts::isOpaque(ValueId V, unsigned Axis) const {
  if (bitOf(V, Axis) >= 0)
    return false;
  return llvm::is_contained(symbols(Shapes[V].Dims[Axis]),
                            *Time.New.asSymbol());
}

Version Facts::settle(ValueId V, Version Wanted) const {
  const auto &Axes = time(V).Axes;
  for (size_t I = 0; I < Axes.size(); ++I)
    if (Axes[I].Length != Time.New)
      Wanted |= Version(1) << I;
  return Wanted;
}

static OpContext contextOf(const Facts &F, NodeId N,
                           llvm::SmallVectorImpl<const ValueFacts *> &Inputs) {
  for (ValueId In : F.M[N].Inputs)
    Inputs.push_back(In ? &F.Shapes[In] : nullptr);
  return OpContext(F.M, N, F.Store, Inputs);
}

AxisLinks Facts::links(ValueId V, unsigned Operand) const {
  NodeId N = M[V].Producer;
  llvm::SmallVector<const ValueFacts *, 4> Inputs, Results;
  OpContext Op = contextOf(*this, N, Inputs);
  for (ValueId Out : M[N].Outputs)
    Results.push_back(Out ? &Shapes[Out] : nullptr);
  return axisLinks({Op, Results, M[V].OutputIndex, Operand});
}

/// The Full version along Missing too, then cut to the rows wanted.
Rule Facts::rowsRule(ValueId, Version Wanted, Version Missing) const {
  Rule R;
  R.Kind = Rule::Rows;
  R.Whole = Wanted | Missing;
  return R;
}

std::optional<Rule> Facts::cloneRule(ValueId V, Version Wanted,
                                     std::string &) const {
  NodeId N = M[V].Producer;
  Rule R;
  Version Carried = 0, Blocked = 0;
  OpKind Kind = M[N].Kind;
  for (unsigned I = 0; I < M[N].Inputs.size(); ++I) {
    ValueId In = M[N].Inputs[I];
    if (!In)
      continue;
    if (isStructuralOperand(Kind, I) || readsShapeOnly(Kind)) {
      R.Needs.push_back({I, full(In)});
      continue;
    }
    Version Each = 0;
    AxisLinks Links = links(V, I);
    for (size_t A = 0; A < Links.size(); ++A) {
      const AxisLink &L = Links[A];
      int Out = L.OutAxis >= 0 ? bitOf(V, L.OutAxis) : -1;
      Version OutBit = Out >= 0 ? Version(1) << Out : 0;
      int Bit = bitOf(In, A);
      if (Bit < 0) {
        // A length that nobody follows stays at full length.
        if (isOpaque(In, A))
          Blocked |= OutBit;
        continue;
      }
      const TimeAxis &T = time(In).Axes[Bit];
      bool Keeps = L.Kind == AxisLink::Same && L.Low.is(0) && Out >= 0;
      if (Keeps) {
        const TimeAxis &O = time(V).Axes[Out];
        Keeps =
            O.Length == T.Length && O.Outer == T.Outer && O.Inner == T.Inner;
      }
      if (!Keeps) {
        Each |= Version(1) << Bit;
        Blocked |= OutBit;
        continue;
      }
      Carried |= OutBit;
      if (Wanted & OutBit)
        Each |= Version(1) << Bit;
      // What has another length cannot be cut: neither can the result be.
      if (settle(In, 0) >> Bit & 1)
        Blocked |= OutBit;
    }
    R.Needs.push_back({I, settle(In, Each)});
  }
  Version Missing = ~Wanted & full(V) & (~Carried | Blocked);
  if (Missing)
    return rowsRule(V, Wanted, Missing);
  return R;
}

/// Reshape and Expand: the operand's axes decide, the shape is made anew.
std::optional<Rule> Facts::shapeRule(Rule::KindTy Kind, ValueId V,
                                     Version Wanted) const {
  ValueId In = M[M[V].Producer].Inputs[0];
  Rule R;
  R.Kind = Kind;
  Version Each = 0, Carried = 0, Blocked = 0;
  AxisLinks Links = links(V, 0);
  for (size_t Bit = 0; Bit < time(In).Axes.size(); ++Bit) {
    const TimeAxis &T = time(In).Axes[Bit];
    int Out = -1;
    if (Kind == Rule::Reshape) {
      auto Place = throughReshape({T.Axis, T.Outer, T.Inner}, T.Length,
                                  Shapes[In].Dims, Shapes[V].Dims);
      if (Place)
        Out = bitOf(V, Place->Axis);
    } else {
      const AxisLink &L = Links[T.Axis];
      if (L.Kind == AxisLink::Same && L.Low.is(0))
        Out = bitOf(V, L.OutAxis);
    }
    Version InBit = Version(1) << Bit;
    Version OutBit = Out >= 0 ? Version(1) << Out : 0;
    Carried |= OutBit;
    if (Out < 0)
      Blocked = full(V);
    if (!OutBit || (Wanted & OutBit) || (settle(In, 0) & InBit))
      Each |= InBit;
    if (settle(In, 0) & InBit)
      Blocked |= OutBit;
  }
  for (size_t A = 0; A < Shapes[In].Dims.size(); ++A)
    if (isOpaque(In, A))
      Blocked = full(V);
  // An expansion along time repeats the operand: any rows will do.
  if (Kind == Rule::Expand)
    Carried = full(V);
  Version Missing = ~Wanted & full(V) & (~Carried | Blocked);
  if (Missing)
    return rowsRule(V, Wanted, Missing);
  R.Needs.push_back({0, Each});
  return R;
}

std::optional<Rule> Facts::sliceRule(ValueId V, Version Wanted) const {
  NodeId N = M[V].Producer;
  ValueId In = M[N].Inputs[0];
  Rule R;
  R.Kind = Rule::Slice;
  Version Each = 0, Blocked = 0;
  AxisLinks Links = links(V, 0);
  for (size_t A = 0; A < Links.size(); ++A) {
    int Out = bitOf(V, A), Bit = bitOf(In, A);
    Version OutBit = Out >= 0 ? Version(1) << Out : 0;
    const AxisLink &L = Links[A];
    bool Placed = L.Kind == AxisLink::Same;
    if (Bit < 0) {
      // A table: rows P … T, if it starts at a place of its own.
      bool Table = !isOpaque(In, A) && Placed &&
                   !llvm::is_contained(symbols(L.Low), *Time.New.asSymbol());
      if (!Table)
        Blocked |= OutBit;
      continue;
    }
    bool Keeps = Placed && L.Low.is(0) && Out >= 0 &&
                 Shapes[In].Dims[A] == Shapes[V].Dims[A];
    if (Keeps && !(settle(In, 0) >> Bit & 1)) {
      if (Wanted & OutBit)
        Each |= Version(1) << Bit;
      continue;
    }
    Each |= Version(1) << Bit;
    Blocked |= OutBit;
  }
  Version Missing = ~Wanted & full(V) & Blocked;
  if (Missing)
    return rowsRule(V, Wanted, Missing);
  R.Needs.push_back({0, Each});
  return R;
}

std::optional<Rule> Facts::rule(ValueId V, Version Wanted,
                                std::string &Why) const {
  NodeId N = M[V].Producer;
  const Node &Op = M[N];
  if (Op.Callee || Op.hasBody()) {
    Why = "has a body, which is not rewritten: it would have to be inlined";
    return std::nullopt;
  }
  Rule R;
  bool Shaped = Op.Kind == OpKind::Reshape || Op.Kind == OpKind::Flatten ||
                Op.Kind == OpKind::Expand || Op.Kind == OpKind::Slice ||
                Op.Kind == OpKind::ConstantOfShape || Op.Kind == OpKind::Range;
  if (Shaped && !hasWritableShape(V)) {
    Why = "has a shape that is no polynomial in the sizes of the inputs, as it "
          "would have to be";
    return std::nullopt;
  }
  auto Number = [&](unsigned I) {
    return I < Op.Inputs.size() && Op.Inputs[I] &&
           Shapes[Op.Inputs[I]].Known.at(0).kind() == Element::Int &&
           isWritable(Shapes[Op.Inputs[I]].Known.at(0).expr());
  };
  switch (Op.Kind) {
  case OpKind::Reshape:
  case OpKind::Flatten:
    return shapeRule(Rule::Reshape, V, Wanted);
  case OpKind::Expand:
    return shapeRule(Rule::Expand, V, Wanted);
  case OpKind::ConstantOfShape:
    R.Kind = Rule::Fill;
    return R;
  case OpKind::Slice:
    if (Op.OpsetVersion >= 10)
      return sliceRule(V, Wanted);
    break;
  case OpKind::Range: {
    bool Integers = Shapes[V].Elem == ElemType::Int64;
    bool Placed = Number(0) && Number(2) && time(Op.Inputs[0]).isStable();
    if (time(V).Axes.empty() || !Placed || !Integers ||
        time(V).Axes[0].Length != Time.New)
      break;
    R.Kind = Rule::Range;
    return R;
  }
  case OpKind::Trilu: {
    int64_t Rank = Shapes[V].rank();
    bool Both = Rank >= 2 && bitOf(V, Rank - 1) >= 0 && bitOf(V, Rank - 2) >= 0;
    bool Given = Op.Inputs.size() > 1 && Op.Inputs[1];
    if (!Both || (Given && !Number(1)))
      return rowsRule(V, Wanted, ~Wanted & full(V));
    std::optional<Rule> C = cloneRule(V, Wanted, Why);
    if (C && C->Kind == Rule::Clone)
      C->Kind = Rule::Triangle;
    return C;
  }
  case OpKind::Attention:
  case OpKind::MsAttention:
  case OpKind::MsMultiHeadAttention:
  case OpKind::MsGroupQueryAttention:
  case OpKind::MsQAttention:
  case OpKind::MsDecoderMaskedSelfAttention:
  case OpKind::MsDecoderMaskedMultiHeadAttention:
  case OpKind::MsPackedAttention:
  case OpKind::MsPackedMultiHeadAttention:
  case OpKind::MsSparseAttention:
  case OpKind::MsLongformerAttention:
    return attentionRule(V, Wanted, Why);
  case OpKind::Scatter:
  case OpKind::ScatterElements:
  case OpKind::ScatterND: {
    // What is written by place is written into all places.
    std::optional<Rule> C = cloneRule(V, Wanted, Why);
    for (unsigned I = 1; C && I < Op.Inputs.size(); ++I) {
      AxisLinks Links = links(V, I);
      for (const TimeAxis &T : time(Op.Inputs[I]).Axes)
        if (Links[T.Axis].Kind != AxisLink::Same)
          return Wanted == full(V) ? C : rowsRule(V, Wanted, ~Wanted & full(V));
    }
    return C;
  }
  case OpKind::MsRotaryEmbedding:
    // Where the first row stands; new rows stand behind the past.
    if (Op.Inputs.size() > 1 && time(Op.Inputs[1]).Axes.empty()) {
      Why = "takes the first row's position for that of all: it would have to "
            "be given one a row, [sequences, positions]";
      return std::nullopt;
    }
    break;
  case OpKind::Shape:
  case OpKind::Size:
    Why =
        "reads a shape that would have to follow from the sizes of the inputs";
    return std::nullopt;
  default:
    break;
  }
  std::optional<Rule> Result = cloneRule(V, Wanted, Why);
  // Places and shapes that a copy takes over must not depend on the rows.
  return Result;
}

bool Facts::needsWhole(ValueId V) const {
  std::string Why;
  if (!M[V].Producer)
    return false;
  std::optional<Rule> R = rule(V, settle(V, 0), Why);
  return R && R->Kind == Rule::Rows;
}

bool Facts::isCheap(ValueId V) const {
  NodeId N = M[V].Producer;
  if (!N)
    return false;
  if (needsWhole(V))
    return true;
  OpKind Kind = M[N].Kind;
  switch (Kind) {
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Transpose:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Identity:
  case OpKind::Expand:
  case OpKind::Cast:
  case OpKind::Slice:
  case OpKind::Split:
  case OpKind::Pad:
  case OpKind::Tile:
  case OpKind::Dropout:
    return true;
  case OpKind::Gather:
    return M[N].Inputs.size() == 2 && !time(M[N].Inputs[1]).Tokens &&
           time(M[N].Inputs[1]).Axes.empty();
  case OpKind::Concat:
    // Of one piece, as exporters write an empty cache.
    return M[N].Inputs.size() == 1;
  default:
    break;
  }
  if (!(opTraits(Kind) & trait::Elementwise))
    return false;
  // A scale or a bias.
  unsigned OnTokens = 0;
  for (ValueId In : M[N].Inputs) {
    if (!In)
      continue;
    if (time(In).Tokens)
      ++OnTokens;
    else if (!time(In).Axes.empty())
      return false;
  }
  return OnTokens == 1;
}

int64_t Facts::keptBytes(ValueId V, bool &Layout) const {
  const TimeFacts &T = time(V);
  const ValueFacts &F = Shapes[V];
  Layout = false;
  if (!M[V].Producer || T.Axes.size() != 1 || !T.isStable() || T.isGlobal() ||
      !T.Axes[0].pure() || T.Axes[0].Length != Time.New ||
      (T.Axes[0].Dep != TimeDep::None && T.Axes[0].Shift > 0) ||
      needsWhole(V) || elemBits(F.Elem) < 8)
    return 0;
  // One axis of sequences; everything else is a number.
  const ValueFacts &Tokens = Shapes[Time.Tokens];
  int64_t Elements = 1, Sequences = 0;
  for (size_t A = 0; A < F.Dims.size(); ++A) {
    if (A == T.Axes[0].Axis)
      continue;
    if (std::optional<int64_t> C = F.Dims[A].constant())
      Elements *= *C;
    else if (F.Dims[A] == Tokens.Dims[0] && F.Dims[A].asSymbol())
      ++Sequences;
    else
      return 0;
  }
  if (Sequences > 1 || (Sequences == 0 && !Tokens.Dims[0].isConstant()))
    return 0;
  if (std::optional<Repeats> R = repeats(V); R && R->Axis != T.Axes[0].Axis)
    Elements /= R->Times;
  Layout =
      F.rank() == 4 && T.Axes[0].Axis == 2 && (F.Dims[0] == Tokens.Dims[0]);
  return Elements * static_cast<int64_t>(elemBits(F.Elem) / 8);
}

} // namespace xfa::kvcache
