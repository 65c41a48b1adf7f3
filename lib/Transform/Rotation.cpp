//===- Rotation.cpp -------------------------------------------------------===//

#include "Rotation.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// Elements Start, Start + Step, … along the last axis of a value.
struct Piece {
  ValueId Of;
  int64_t Start, Step;
};

class Matcher {
public:
  Matcher(const Model &M, const ShapeFacts &Facts, NodeId Last)
      : M(M), Facts(Facts), In(M[Last].Parent) {}

  std::optional<Rotation> run(NodeId Last);

private:
  /// What computes V in this graph, if it is of this kind; it joins the
  /// rotation.
  NodeId take(ValueId V, OpKind Kind);
  std::optional<int64_t> width(ValueId V) const;
  std::optional<double> number(ValueId V) const;
  /// The operand's only integer; Default if it is left out.
  std::optional<int64_t> onlyInt(NodeId N, unsigned Operand,
                                 llvm::StringRef Attr,
                                 std::optional<int64_t> Default) const;
  bool isLast(std::optional<int64_t> Axis, ValueId Of) const;
  std::optional<Piece> piece(ValueId V);
  /// First or second elements of the pairs of R.Input.
  bool isPart(ValueId V, bool Second);
  ValueId negated(ValueId V);
  bool joins(NodeId Join, ValueId &First, ValueId &Second);
  bool joined(ValueId V, ValueId &First, ValueId &Second);
  bool turned(ValueId V, ValueId Input);
  bool product(ValueId V, ValueId &Left, ValueId &Right);
  bool byElements(NodeId Add);
  bool byPairs(NodeId Last);

  const Model &M;
  const ShapeFacts &Facts;
  GraphId In;
  Rotation R;
};

NodeId Matcher::take(ValueId V, OpKind Kind) {
  const NodeId N = V ? M[V].Producer : NodeId();
  if (!N || M[N].Parent != In || M[N].Kind != Kind)
    return NodeId();
  R.Nodes.insert(N);
  return N;
}

std::optional<int64_t> Matcher::width(ValueId V) const {
  const ValueFacts &F = Facts[V];
  return F.HasRank && F.rank() > 0 ? F.Dims.back().constant() : std::nullopt;
}

std::optional<double> Matcher::number(ValueId V) const {
  const Element E = Facts[V].Known.at(0);
  if (!Facts[V].HasRank ||
      !llvm::all_of(Facts[V].Dims, [](Expr D) { return D.is(1); }))
    return std::nullopt;
  if (E.kind() == Element::Float)
    return E.number();
  return std::nullopt;
}

std::optional<int64_t> Matcher::onlyInt(NodeId N, unsigned Operand,
                                        llvm::StringRef Attr,
                                        std::optional<int64_t> Default) const {
  if (const Attribute *A = M[N].attribute(Attr))
    return A->Ints.size() == 1 ? std::optional(A->Ints[0]) : std::nullopt;
  if (Operand >= M[N].Inputs.size() || !M[N].Inputs[Operand])
    return Default;
  const ValueFacts &F = Facts[M[N].Inputs[Operand]];
  if (!F.HasRank || F.rank() > 1 || (F.rank() == 1 && !F.Dims[0].is(1)))
    return std::nullopt;
  const Element E = F.Known.at(0);
  return E.kind() == Element::Int ? E.expr().constant() : std::nullopt;
}

bool Matcher::isLast(std::optional<int64_t> Axis, ValueId Of) const {
  return Axis && Facts[Of].HasRank &&
         (*Axis == -1 || *Axis == Facts[Of].rank() - 1);
}

std::optional<Piece> Matcher::piece(ValueId V) {
  if (const NodeId N = take(V, OpKind::Slice)) {
    const ValueId Of = M[N].Inputs[0];
    const std::optional<int64_t> Start = onlyInt(N, 1, "starts", std::nullopt),
                                 Axis = onlyInt(N, 3, "axes", 0),
                                 Step = onlyInt(N, 4, "steps", 1);
    if (!Start || !Step || *Step < 1 || !width(Of) || !isLast(Axis, Of))
      return std::nullopt;
    return Piece{Of, *Start < 0 ? *Start + *width(Of) : *Start, *Step};
  }
  if (const NodeId N = take(V, OpKind::Split)) {
    const ValueId Of = M[N].Inputs[0];
    const Attribute *Axis = M[N].attribute("axis");
    int64_t Start = 0;
    if (!isLast(Axis ? Axis->I : 0, Of))
      return std::nullopt;
    for (ValueId Part : M[N].Outputs) {
      if (Part == V)
        return Piece{Of, Start, 1};
      if (!Part || !width(Part))
        return std::nullopt;
      Start += *width(Part);
    }
  }
  return std::nullopt;
}

bool Matcher::isPart(ValueId V, bool Second) {
  const std::optional<Piece> P = piece(V);
  if (!P || (R.Input && P->Of != R.Input) || width(V) != R.Width / 2 ||
      width(P->Of) != R.Width)
    return false;
  R.Input = P->Of;
  const int64_t Start = !Second ? 0 : R.Neighbours ? 1 : R.Width / 2;
  return P->Start == Start && P->Step == (R.Neighbours ? 2 : 1);
}

/// What V is the negative of; none.
ValueId Matcher::negated(ValueId V) {
  if (const NodeId N = take(V, OpKind::Neg))
    return M[N].Inputs[0];
  if (const NodeId N = take(V, OpKind::Mul))
    for (unsigned I : {0u, 1u})
      if (number(M[N].Inputs[1 - I]) == -1.0)
        return M[N].Inputs[I];
  return ValueId();
}

/// Join puts First and Second one behind the other along the last axis.
bool Matcher::joins(NodeId Join, ValueId &First, ValueId &Second) {
  const Attribute *Axis = M[Join].attribute("axis");
  if (M[Join].Inputs.size() != 2 || !Axis ||
      !isLast(Axis->I, M[Join].Outputs[0]))
    return false;
  First = M[Join].Inputs[0];
  Second = M[Join].Inputs[1];
  return true;
}

/// V has the elements of First and those of Second: halves, or in turn.
bool Matcher::joined(ValueId V, ValueId &First, ValueId &Second) {
  if (const NodeId Join = take(V, OpKind::Concat)) {
    R.Neighbours = false;
    return joins(Join, First, Second);
  }
  // […, pairs, 2], then both axes in one.
  const NodeId Merge = take(V, OpKind::Reshape);
  const NodeId Join =
      Merge ? take(M[Merge].Inputs[0], OpKind::Concat) : NodeId();
  if (!Join || !joins(Join, First, Second))
    return false;
  const ValueFacts &Pairs = Facts[M[Merge].Inputs[0]], &All = Facts[V];
  if (!Pairs.HasRank || !All.HasRank || Pairs.rank() != All.rank() + 1 ||
      !Pairs.Dims.back().is(2) ||
      !std::equal(All.Dims.begin(), All.Dims.end() - 1, Pairs.Dims.begin()) ||
      All.Dims.back() != Pairs.Dims[Pairs.rank() - 2] * 2)
    return false;
  R.Neighbours = true;
  for (ValueId *Part : {&First, &Second}) {
    const NodeId Wide = take(*Part, OpKind::Unsqueeze);
    if (!Wide || !isLast(onlyInt(Wide, 1, "axes", std::nullopt), *Part))
      return false;
    *Part = M[Wide].Inputs[0];
  }
  return true;
}

/// V is (−b, a) for each pair (a, b) of Input.
bool Matcher::turned(ValueId V, ValueId Input) {
  ValueId First, Second;
  if (!joined(V, First, Second))
    return false;
  R.Input = Input;
  const ValueId Of = negated(First);
  return Of && isPart(Of, true) && isPart(Second, false);
}

bool Matcher::product(ValueId V, ValueId &Left, ValueId &Right) {
  const NodeId N = take(V, OpKind::Mul);
  if (!N)
    return false;
  Left = M[N].Inputs[0];
  Right = M[N].Inputs[1];
  return true;
}

/// x·cos + turned(x)·sin
bool Matcher::byElements(NodeId Add) {
  for (unsigned First : {0u, 1u})
    for (unsigned X : {0u, 1u})
      for (unsigned T : {0u, 1u}) {
        R = Rotation();
        R.Nodes.insert(Add);
        R.Result = M[Add].Outputs[0];
        R.Width = width(R.Result).value_or(0);
        ValueId Of[2], By[2];
        if (R.Width < 2 || R.Width % 2 != 0 ||
            !product(M[Add].Inputs[First], Of[0], Of[1]) ||
            !product(M[Add].Inputs[1 - First], By[0], By[1]))
          return false;
        if (!turned(By[T], Of[X]))
          continue;
        R.Cos = Of[1 - X];
        R.Sin = By[1 - T];
        return true;
      }
  return false;
}

/// (a·cos − b·sin, b·cos + a·sin), joined
bool Matcher::byPairs(NodeId Last) {
  R = Rotation();
  R.Result = M[Last].Outputs[0];
  R.OfPairs = true;
  R.Width = width(R.Result).value_or(0);
  ValueId First, Second;
  if (R.Width < 2 || R.Width % 2 != 0 || !joined(R.Result, First, Second))
    return false;
  const NodeId Minus = take(First, OpKind::Sub),
               Plus = take(Second, OpKind::Add);
  if (!Minus || !Plus)
    return false;
  ValueId AC[2], BS[2], P[2], Q[2];
  if (!product(M[Minus].Inputs[0], AC[0], AC[1]) ||
      !product(M[Minus].Inputs[1], BS[0], BS[1]) ||
      !product(M[Plus].Inputs[0], P[0], P[1]) ||
      !product(M[Plus].Inputs[1], Q[0], Q[1]))
    return false;
  auto Is = [](const ValueId(&Product)[2], ValueId X, ValueId Y) {
    return (Product[0] == X && Product[1] == Y) ||
           (Product[0] == Y && Product[1] == X);
  };
  for (unsigned A : {0u, 1u})
    for (unsigned B : {0u, 1u}) {
      const ValueId Cos = AC[1 - A], Sin = BS[1 - B];
      const bool Fits = (Is(P, BS[B], Cos) && Is(Q, AC[A], Sin)) ||
                        (Is(Q, BS[B], Cos) && Is(P, AC[A], Sin));
      const auto Before = R.Nodes;
      R.Input = ValueId();
      if (Fits && isPart(AC[A], false) && isPart(BS[B], true)) {
        R.Cos = Cos;
        R.Sin = Sin;
        return true;
      }
      R.Nodes = Before;
    }
  return false;
}

std::optional<Rotation> Matcher::run(NodeId Last) {
  bool Found = false;
  if (M[Last].Kind == OpKind::Add)
    Found = byElements(Last);
  else if (M[Last].Kind == OpKind::Concat || M[Last].Kind == OpKind::Reshape)
    Found = byPairs(Last);
  // What it multiplies is no part of it.
  if (!Found || Facts[R.Input].Dims != Facts[R.Result].Dims)
    return std::nullopt;
  return std::move(R);
}

//===----------------------------------------------------------------------===//
// Numbers that come twice
//===----------------------------------------------------------------------===//

class Twice {
public:
  Twice(const Model &M, const ShapeFacts &Facts, bool Neighbours)
      : M(M), Facts(Facts), Neighbours(Neighbours) {}
  bool of(ValueId V, int64_t Width, unsigned Depth = 0) const;

private:
  bool constant(const Constant &C, int64_t Width) const;
  bool joinedFromOne(NodeId N, ValueId V) const;
  bool keepsLastAxis(NodeId N) const;

  const Model &M;
  const ShapeFacts &Facts;
  bool Neighbours;
};

/// Rows of Width elements, whose pairs hold the same bytes.
bool Twice::constant(const Constant &C, int64_t Width) const {
  const std::optional<int64_t> Count = C.numElements();
  const size_t Size = elemBits(C.Elem) / 8;
  if (!Count || Size == 0 || Width <= 0 || *Count % Width != 0)
    return false;
  auto Same = [&](auto Equal) {
    for (int64_t Row = 0; Row < *Count; Row += Width)
      for (int64_t Pair = 0; Pair < Width / 2; ++Pair) {
        const int64_t First = Row + (Neighbours ? 2 * Pair : Pair);
        if (!Equal(First, First + (Neighbours ? 1 : Width / 2)))
          return false;
      }
    return true;
  };
  if (C.Kept && !C.Floats.empty())
    return Same(
        [&](int64_t I, int64_t J) { return C.Floats[I] == C.Floats[J]; });
  if (C.External || C.Payload.size() != static_cast<size_t>(*Count) * Size)
    return false;
  return Same([&](int64_t I, int64_t J) {
    return C.Payload.substr(I * Size, Size) == C.Payload.substr(J * Size, Size);
  });
}

/// Concat of a value with itself; […, pairs, 2] of such, or expanded, with both
/// axes in one.
bool Twice::joinedFromOne(NodeId N, ValueId V) const {
  auto FromOne = [&](NodeId Join) {
    const Attribute *Axis = M[Join].attribute("axis");
    const ValueFacts &F = Facts[M[Join].Outputs[0]];
    return M[Join].Kind == OpKind::Concat && M[Join].Inputs.size() == 2 &&
           M[Join].Inputs[0] == M[Join].Inputs[1] && Axis && F.HasRank &&
           (Axis->I == -1 || Axis->I == F.rank() - 1);
  };
  if (!Neighbours)
    return FromOne(N);
  const NodeId Before =
      M[N].Kind == OpKind::Reshape ? M[M[N].Inputs[0]].Producer : NodeId();
  if (!Before)
    return false;
  const ValueFacts &Pairs = Facts[M[N].Inputs[0]], &All = Facts[V];
  if (!Pairs.HasRank || !All.HasRank || Pairs.rank() != All.rank() + 1 ||
      !Pairs.Dims.back().is(2) ||
      !std::equal(All.Dims.begin(), All.Dims.end() - 1, Pairs.Dims.begin()))
    return false;
  const ValueId One = M[Before].Inputs[0];
  const bool Expands = M[Before].Kind == OpKind::Expand && Facts[One].HasRank &&
                       Facts[One].rank() > 0 && Facts[One].Dims.back().is(1);
  const bool Joins = FromOne(Before) && Facts[One].HasRank &&
                     Facts[One].rank() > 0 && Facts[One].Dims.back().is(1);
  return Expands || Joins;
}

/// The last axis of N's result is that of its first operand.
bool Twice::keepsLastAxis(NodeId N) const {
  const ValueFacts &In = Facts[M[N].Inputs[0]], &Out = Facts[M[N].Outputs[0]];
  if (!In.HasRank || !Out.HasRank || In.rank() == 0)
    return false;
  const Attribute *Axis = M[N].attribute("axis"),
                  *Perm = M[N].attribute("perm");
  switch (M[N].Kind) {
  case OpKind::Identity:
  case OpKind::Cast:
  case OpKind::CastLike:
  case OpKind::Expand: // from 1 it does not come here
    return true;
  case OpKind::Transpose:
    return Perm && Perm->Ints.back() == In.rank() - 1;
  case OpKind::Gather: {
    const int64_t At = Axis ? Axis->I : 0;
    return (At < 0 ? At + In.rank() : At) != In.rank() - 1;
  }
  // One of an axis of another length than 1 is where it was.
  case OpKind::Unsqueeze:
  case OpKind::Squeeze:
  case OpKind::Slice:
    return Out.rank() > 0 && Out.Dims.back() == In.Dims.back();
  default:
    return false;
  }
}

bool Twice::of(ValueId V, int64_t Width, unsigned Depth) const {
  constexpr unsigned Deepest = 32;
  const ValueFacts &F = Facts[V];
  if (Depth > Deepest || !F.HasRank)
    return false;
  // One number for all.
  if (F.rank() == 0 || F.Dims.back().is(1))
    return true;
  if (!F.Dims.back().is(Width))
    return false;
  if (M[V].Const)
    return constant(M[M[V].Const], Width);
  const NodeId N = M[V].Producer;
  if (!N)
    return false;
  if (joinedFromOne(N, V))
    return true;
  if (opTraits(M[N].Kind) & trait::Elementwise)
    return llvm::all_of(M[N].Inputs, [&](ValueId In) {
      return !In || of(In, Width, Depth + 1);
    });
  return keepsLastAxis(N) && of(M[N].Inputs[0], Width, Depth + 1);
}

} // namespace

std::optional<Rotation> rotationAt(const Model &M, const ShapeFacts &Facts,
                                   NodeId N) {
  return Matcher(M, Facts, N).run(N);
}

bool sameForPairs(const Model &M, const ShapeFacts &Facts, ValueId V,
                  bool Neighbours) {
  const ValueFacts &F = Facts[V];
  const std::optional<int64_t> Width =
      F.HasRank && F.rank() > 0 ? F.Dims.back().constant() : std::nullopt;
  return Width && *Width % 2 == 0 && Twice(M, Facts, Neighbours).of(V, *Width);
}

} // namespace xfa
