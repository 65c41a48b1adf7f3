//===- MaskProof.cpp - hypotheses, constants, inputs ----------------------===//

#include "MaskProof.h"

#include "ConstantPlane.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

namespace xfa {

/// Deeper than any mask; keeps a chain of a million nodes off the stack.
static constexpr unsigned MaxDepth = 200;

MaskProof::MaskProof(const FlatGraph &G, ExprStore &Store,
                     const TimeFrame &Frame)
    : G(G), M(G.M), Store(Store), Frame(Frame), Ranges(G),
      Row(Store.symbol("%row", 0)), Column(Store.symbol("%column", 0)),
      Gap(Store.symbol("%gap", 0)), Rest(Store.symbol("%rest", 0)) {
  for (NodeId N : G.order())
    for (auto [Out, V] : llvm::enumerate(M[N].Outputs))
      if (V && G.kind(N) == OpKind::If)
        for (ValueId From : G.branchResults(N, static_cast<unsigned>(Out)))
          LeavesBranch[From].push_back(V);
}

void MaskProof::assume(const std::string &Sentence) {
  if (!llvm::is_contained(Assumed, Sentence))
    Assumed.push_back(Sentence);
}

void MaskProof::assumeFill(const Interval &Masked) {
  if (masksByAssumption(Masked))
    assume("scores stay above -9,000, so that a fill of " +
           std::to_string(static_cast<int64_t>(Masked.High)) + " masks");
}

void MaskProof::forgetSince(const Mark &M) {
  if (Assumed.size() == M.Sentences && PaddingAssumed == M.Padding)
    return;
  Assumed.resize(M.Sentences);
  PaddingAssumed = M.Padding;
  // What was found by them would be found again without saying so.
  Seen.clear();
}

Interval MaskProof::at(ValueId V, const Plane &P, HypothesisTy H) {
  setHypothesis(H, P.RowBase, P.ColumnBase);
  return start(V, P);
}

Interval MaskProof::beyond(ValueId V, const Plane &P, int64_t Distance) {
  setHypothesis(Distance < 0 ? Before : Above, P.RowBase, P.ColumnBase,
                std::abs(Distance) - 1);
  return start(V, P);
}

Interval MaskProof::away(ValueId V, const Plane &P, int64_t Distance) {
  setHypothesis(Diagonal, P.RowBase, P.ColumnBase, Distance);
  return start(V, P);
}

void MaskProof::setHypothesis(HypothesisTy H, Expr RowBase, Expr ColumnBase,
                              int64_t Farther) {
  Current = H;
  Apart = Farther;
  Hypothesis.clear();
  Expr Last; // of both positions
  if (H == Padded || H == Before || (H == Diagonal && Farther < 0)) {
    Last = Column + ColumnBase +
           (H == Diagonal ? Store.constant(-Farther) : Gap + 1 + Farther);
    Hypothesis[*Row.asSymbol()] = Last - RowBase;
  } else {
    Last = Row + RowBase +
           (H == Diagonal ? Store.constant(Farther) : Gap + 1 + Farther);
    Hypothesis[*Column.asSymbol()] = Last - ColumnBase;
  }
  if (std::optional<llvm::StringRef> New = Frame.New.asSymbol())
    Hypothesis[*New] = Last - Frame.Past + 1 + Rest;
  bool Cached = !RowBase.is(0) || !ColumnBase.is(0);
  Epoch = H + (Cached ? CachedEpochs : 0) + UnreadEpochs * Supposed +
          ApartEpochs * static_cast<uint32_t>(Farther);
}

Interval MaskProof::atPair(ValueId V, const Plane &P, int64_t R, int64_t C,
                           int64_t Length) {
  Current = Pair;
  Hypothesis.clear();
  Hypothesis[*Row.asSymbol()] = Store.constant(R);
  Hypothesis[*Column.asSymbol()] = Store.constant(C);
  if (std::optional<llvm::StringRef> New = Frame.New.asSymbol())
    Hypothesis[*New] = Store.constant(Length);
  if (std::optional<llvm::StringRef> Past = Frame.Past.asSymbol())
    Hypothesis[*Past] = Store.constant(0);
  // Distinct from the symbolic ones and from other pairs.
  Epoch = 16 + static_cast<unsigned>((Length * 16 + R) * 16 + C);
  return start(V, P);
}

Expr MaskProof::exactly(ValueId V, llvm::ArrayRef<Expr> At) {
  Current = Nothing;
  Hypothesis.clear();
  Epoch = PlaceEpoch;
  return value(V, Index(At.begin(), At.end())).Exact;
}

Interval MaskProof::start(ValueId V, const Plane &P) {
  RowPosition = Row + P.RowBase;
  ColumnPosition = Column + P.ColumnBase;
  const ValueFacts &F = G.Facts[G.canonical(V)];
  Index At;
  for (int64_t A = 0; A < F.rank(); ++A) {
    if (A == P.Row)
      At.push_back(Row);
    else if (A == P.Column)
      At.push_back(Column);
    else if (F.Dims[A].is(1))
      At.push_back(Store.constant(0));
    else
      At.push_back(place(static_cast<unsigned>(A), F.Dims[A]));
  }
  return bounds(value(V, At));
}

Interval MaskProof::value(ValueId V, const Index &At) {
  V = G.canonical(V);
  if (!V)
    return Interval::anything();
  auto Key = std::pair(Epoch, V.Index);
  for (const auto &[Index, Result] : Seen[Key])
    if (Index == At)
      return Result;
  if (Depth >= MaxDepth)
    return unknownOf(V);
  ++Depth;
  Interval Result = held(uncached(V, At), G.Facts[V].Elem);
  --Depth;
  Seen[Key].push_back({At, Result});
  return Result;
}

Interval MaskProof::uncached(ValueId V, const Index &At) {
  const ValueFacts &F = G.Facts[V];
  if (F.Kind != ValueFacts::Tensor || !F.HasRank || At.size() != F.Dims.size())
    return unknownOf(V);
  // Elements that shape inference could not tell are followed.
  if (M[V].Const ||
      (!F.Known.none() && llvm::all_of(F.Known.Elements, [](const Element &E) {
        return E.known();
      })))
    return constant(V, At);
  NodeId P = M[V].Producer;
  if (!P)
    return input(V, At);
  return node(P, M[V].OutputIndex, At);
}

Interval MaskProof::asValue(const Element &E) const {
  switch (E.kind()) {
  case Element::Unknown:
    return Interval::data();
  case Element::Int:
    return Interval::exact(E.expr());
  case Element::Float: {
    double D = E.number();
    if (D == std::floor(D) && std::abs(D) < 1e15)
      return Interval::exact(Store.constant(static_cast<int64_t>(D)));
    return Interval::point(D);
  }
  case Element::Ratio:
    return Interval::data();
  case Element::Bool:
    return Interval::point(E.boolean() ? 1 : 0);
  }
  llvm_unreachable("all kinds covered");
}

/// An initialiser or what shape inference knows of a value.
Interval MaskProof::constant(ValueId V, const Index &At) {
  const ValueFacts &F = G.Facts[V];
  // Before version 4 a file had to list all of them as inputs.
  if (M.IrVersion >= 4 &&
      llvm::any_of(M.main().InitialisedInputs,
                   [&](const auto &I) { return I.Value == V; }))
    assume("the input '" + M[V].Name.str() +
           "' is not given: it is what the file has");
  if (F.Known.Splat)
    return asValue(F.Known.at(0));
  // What can be read at all: kept elements, or the file's bytes.
  std::optional<llvm::SmallVector<int64_t, 4>> Small = constantDims(F.Dims);
  bool AllFixed =
      llvm::all_of(At, [&](Expr E) { return apply(E).isConstant(); });
  if (!F.Known.none() && Small && AllFixed) {
    int64_t Flat = 0;
    for (auto [E, Dim] : llvm::zip(At, *Small)) {
      int64_t I = *apply(E).constant();
      if (I < 0 || I >= Dim)
        return unknownOf(V);
      Flat = Flat * Dim + I;
    }
    if (Element E = F.Known.at(Flat); E.known())
      return asValue(E);
    return unknownOf(V);
  }
  ConstantReader Reader(M, F, M[V].Const);
  if (!Reader.readable()) {
    // A large table of numbers is data; a mask should have been readable.
    if (!M[V].Const || !Reader.couldBeMask())
      return unknownOf(V);
    bool External = M[M[V].Const].External;
    UnreadTy What = Supposed;
    for (const auto &[Kind, Each] : Accepted)
      if (Each == V)
        What = Kind;
    if (External && What != Anything)
      return unread(V, At, What);
    Obstacle = "the contents of '" + M[V].Name.str() + "' " +
               (External ? "lie in another file" : "are not raw bytes") +
               ", so what it masks is not known";
    return unknownOf(V);
  }
  ConstantPlane Plane;
  llvm::SmallVector<std::pair<int64_t, Expr>, 4> Moving;
  for (auto [Axis, E] : llvm::enumerate(At)) {
    Expr I = apply(E);
    if (!I.isConstant())
      Moving.push_back({Axis, I});
    Plane.Low.push_back(I.isConstant()
                            ? *I.constant()
                            : std::max<int64_t>(lowerBound(I).value_or(0), 0));
    Plane.High.push_back(I.isConstant() ? *I.constant()
                                        : upperBound(I).value_or(INT64_MAX));
  }
  if (Moving.size() == 2) {
    if (Small && (*Small)[Moving[0].first] == (*Small)[Moving[1].first])
      Squares.insert((*Small)[Moving[0].first]);
    Plane.First = Moving[0].first;
    Plane.Second = Moving[1].first;
    Expr Difference = Moving[1].second - Moving[0].second;
    Plane.LowDifference = lowerBound(Difference);
    Plane.HighDifference = upperBound(Difference);
  }
  std::optional<std::pair<double, double>> Range = Reader.range(Plane);
  if (!Range)
    return unknownOf(V);
  return Interval::between(Range->first, Range->second);
}

/// An element of a constant in another file, as it is supposed to be.
Interval MaskProof::unread(ValueId V, const Index &At, UnreadTy What) {
  const ValueFacts &F = G.Facts[V];
  size_t Rank = At.size();
  bool Square = Rank >= 2 && F.Dims[Rank - 1] == F.Dims[Rank - 2];
  for (size_t A = 0; Square && A + 2 < Rank; ++A)
    Square = F.Dims[A].is(1);
  if (!Square || (What == Fills && !isFloat(F.Elem)))
    return unknownOf(V);
  Expr Step = apply(At[Rank - 1]) - apply(At[Rank - 2]);
  bool After = isLess(Store.constant(0), Step) == Truth::True;
  if (!After && !Step.is(0))
    return unknownOf(V);
  if (!llvm::is_contained(SupposedOf, V))
    SupposedOf.push_back(V);
  if (What == Fills)
    return After ? Interval::between(-std::numeric_limits<double>::infinity(),
                                     MaskFill)
                 : Interval::point(0);
  return Interval::point(After == (What == HiddenIsOne) ? 1 : 0);
}

/// What was found out before did not know of it.
void MaskProof::acceptSupposed() {
  for (ValueId V : SupposedOf)
    if (llvm::none_of(Accepted, [&](const auto &A) { return A.second == V; })) {
      Accepted.push_back({Supposed, V});
      Seen.clear();
    }
}

std::vector<std::string> MaskProof::assumptions() const {
  std::vector<std::string> Result = Assumed;
  for (UnreadTy Kind : UnreadKinds) {
    ValueId First;
    size_t Count = 0;
    for (const auto &[Each, V] : Accepted)
      if (Each == Kind) {
        First = First ? First : V;
        ++Count;
      }
    if (Count == 0)
      continue;
    std::string Text = "the elements of '" + M[First].Name.str() + "'";
    if (Count > 1)
      Text += " and " + std::to_string(Count - 1) + " more";
    Text += ", which lie in another file and were not read, are ";
    Text += Kind == OpenIsOne     ? "0"
            : Kind == HiddenIsOne ? "1"
                                  : "-10,000 or less";
    Text += " above the diagonal and ";
    Text += Kind == OpenIsOne ? "1 on it" : "0 on it";
    Result.push_back(std::move(Text));
  }
  return Result;
}

Interval MaskProof::input(ValueId V, const Index &At) {
  // What the caller decides is no witness of a leak.
  if (!isMaskInput(V))
    return Current == Pair && V != Frame.Tokens && isFloat(G.Facts[V].Elem)
               ? Interval::anything()
               : unknownOf(V);
  // One column of a sequence without padding.
  if (Current == Diagonal && Apart != 0)
    return Interval::point(1);
  if ((Current == Diagonal || Current == Above) &&
      apply(At.back()) == apply(RowPosition)) {
    PaddingAssumed = true;
    assume("a row's own token is not padding: '" + M[V].Name.str() +
           "' is 1 there");
    return Interval::point(1);
  }
  // A witness: a sequence without padding.
  if (Current == Pair)
    return Interval::point(1);
  if (Current == Padded && apply(At.back()) == apply(ColumnPosition))
    return Interval::point(0);
  if (Current == Padded && apply(At.back()) == apply(RowPosition))
    return Interval::point(1);
  // Masks as inputs are 0 and 1 in every interface.
  return Interval::between(0, 1);
}

bool MaskProof::hasMaskInput() const {
  return llvm::any_of(M.main().Inputs,
                      [&](ValueId V) { return isMaskInput(V); });
}

bool MaskProof::isMaskInput(ValueId V) const {
  if (V == Frame.Tokens || !M[V].IsInput)
    return false;
  // What is called positions or numbers is not 0 or 1, however it is used.
  llvm::StringRef Name = M[V].Name;
  if (Name.contains_insensitive("position") ||
      Name.ends_with_insensitive("ids"))
    return false;
  const ValueFacts &F = G.Facts[V];
  if (!F.HasRank || F.rank() != 2 || F.Dims[1] != Frame.Total)
    return false;
  // A position or a token: it chooses from a table as it stands, or moved.
  llvm::SmallVector<ValueId, 8> Work{V};
  for (unsigned Steps = 0; !Work.empty() && Steps < 64; ++Steps) {
    ValueId Each = Work.pop_back_val();
    if (auto It = LeavesBranch.find(Each); It != LeavesBranch.end())
      Work.append(It->second);
    for (NodeId User : G.consumers(Each)) {
      OpKind Kind = G.kind(User);
      if (Kind == OpKind::Gather && G.operand(User, 1) == Each)
        return false;
      bool Moves = Kind == OpKind::Add || Kind == OpKind::Sub;
      ValueId By = Moves ? G.operand(User, 1) : ValueId();
      bool Passes = (G.isPassThrough(User) || (By && M[By].Const)) &&
                    G.operand(User, 0) == Each;
      if (Passes && G.result(User))
        Work.push_back(G.result(User));
    }
  }
  return true;
}

/// Bounds of what is known exactly, under the hypothesis.
Interval MaskProof::bounds(const Interval &I) const {
  if (!I.Exact)
    return I;
  Expr E = apply(I.Exact);
  std::optional<int64_t> Low = lowerBound(E), High = upperBound(E);
  if (!Low || !High) {
    // What grows with positions is as large as they get: no data.
    Substitution Cut;
    for (llvm::StringRef Name : symbols(E))
      Cut[Name] = min(Store.symbol(Name), Store.constant(Unlimited));
    Expr Most = substitute(E, Cut);
    Low = Low ? Low : lowerBound(Most);
    High = High ? High : upperBound(Most);
  }
  Interval R = Interval::anything();
  if (Low)
    R.Low = static_cast<double>(*Low);
  if (High)
    R.High = static_cast<double>(*High);
  return R;
}

bool MaskProof::inside(Expr E, Expr Dim) const {
  if (isLessEqual(Store.constant(0), E) != Truth::True)
    return false;
  if (isLess(E, Dim) == Truth::True)
    return true;
  // The index of an axis is below its length, whatever that is.
  Expr Limit = Limits.lookup(E);
  return Limit && (Limit == Dim || isLessEqual(Limit, Dim) == Truth::True);
}

/// A place on an axis that merges others is a place on each of them.
Expr MaskProof::part(Expr E, llvm::ArrayRef<Expr> Dims, size_t I) {
  Expr Limit = Limits.lookup(E), Product = Store.constant(1);
  for (Expr Dim : Dims)
    Product = Product * Dim;
  if (!Limit || Limit != Product)
    return Expr();
  Expr Part = Store.symbol(E.asSymbol()->str() + "/" + std::to_string(I) + "<" +
                               toString(Dims[I]),
                           0);
  Limits[Part] = Dims[I];
  return Part;
}

/// The length is part of the name, so that two of them are two symbols.
Expr MaskProof::place(unsigned Axis, Expr Dim) {
  Expr E = Store.symbol("%" + std::to_string(Axis) + "<" + toString(Dim), 0);
  Limits[E] = Dim;
  return E;
}

} // namespace xfa
