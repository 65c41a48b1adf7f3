//===- KvCacheEmit.cpp ----------------------------------------------------===//

#include "KvCacheEmit.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

static const GraphId Main(0);

bool Emitter::run(llvm::ArrayRef<Kept> Cache, std::string &Why) {
  pasts(Cache);
  inputs();
  // In the order of the nodes, so that operands are there before.
  for (NodeId N : Nodes) {
    if (F.M[N].Kind == OpKind::Constant)
      continue;
    llvm::SmallVector<ValueId, 4> Results(F.M[N].Outputs);
    for (ValueId V : Results) {
      auto It = V ? P.Versions.find(V) : P.Versions.end();
      if (It == P.Versions.end())
        continue;
      for (Version Which : It->second)
        get(V, Which);
    }
  }
  llvm::SmallVector<ValueId, 4> Ends;
  for (ValueId Out : Outputs)
    Ends.push_back(get(Out, F.settle(Out, 0)));
  if (L.failed() && Failure.empty())
    Failure = "a size has no formula in the sizes of the inputs";
  Why = Failure;
  if (!Failure.empty())
    return false;
  for (auto [I, End] : llvm::enumerate(Ends))
    E.setOutput(Main, static_cast<unsigned>(I), End);
  for (const Kept &K : Cache) {
    get(K.Value, F.full(K.Value));
    E.addOutput(Main, PresentOf[K.Value], K.Present,
                cacheType(K, /*Past=*/false));
  }
  return true;
}

/// The declared type of a cache: numbers, the batch's name, and the past's.
TypeId Emitter::cacheType(const Kept &K, bool Past) {
  const ValueFacts &Shape = F.Shapes[K.Value];
  std::string New = F.Time.New.asSymbol()->str();
  std::string Length = Past ? "past_" + New : "past_" + New + " + " + New;
  llvm::SmallVector<DeclaredDim, 4> Dims;
  for (size_t A = 0; A < Shape.Dims.size(); ++A) {
    std::optional<Repeats> R = F.repeats(K.Value);
    if (A == K.TimeAxis)
      Dims.push_back(E.dim(Length));
    else if (R && R->Axis == A)
      Dims.push_back(E.dim(R->Outer * R->Inner));
    else if (auto C = Shape.Dims[A].constant())
      Dims.push_back(E.dim(*C));
    else
      Dims.push_back(E.dim(*Shape.Dims[A].asSymbol()));
  }
  return E.type(Shape.Elem, Dims);
}

void Emitter::pasts(llvm::ArrayRef<Kept> Cache) {
  for (const Kept &K : Cache)
    PastOf[K.Value] = E.addInput(Main, K.Past, cacheType(K, /*Past=*/true));
  L.setPast(PastOf[Cache[0].Value], Cache[0].TimeAxis);
}

void Emitter::inputs() {
  std::string New = F.Time.New.asSymbol()->str();
  std::vector<ValueId> All = F.M.main().Inputs;
  for (ValueId In : All) {
    if (In.Index >= F.Shapes.Values.size())
      continue;
    if (!P.Covering.count(In)) {
      Made[{In.Index, 0}] = In;
      continue;
    }
    // It covers past and new positions now.
    Made[{In.Index, F.full(In)}] = In;
    llvm::SmallVector<DeclaredDim, 4> Dims;
    llvm::SmallVector<int64_t, 2> Axes;
    for (auto [A, Dim] : llvm::enumerate(F.Shapes[In].Dims)) {
      if (F.bitOf(In, A) >= 0) {
        Dims.push_back(E.dim("past_" + New + " + " + New));
        Axes.push_back(static_cast<int64_t>(A));
      } else if (auto C = Dim.constant()) {
        Dims.push_back(E.dim(*C));
      } else {
        Dims.push_back(E.dim(toString(Dim)));
      }
    }
    E.model()[In].Declared = E.type(F.Shapes[In].Elem, Dims);
    auto It = P.Versions.find(In);
    if (It != P.Versions.end() && llvm::is_contained(It->second, 0u))
      Made[{In.Index, 0}] = cut(In, Axes);
  }
}

ValueId Emitter::get(ValueId V, Version Which) {
  if (!V || F.M[V].Const)
    return V;
  if (F.isKnown(V))
    return known(V);
  Which = F.settle(V, Which);
  if (auto It = Made.find({V.Index, Which}); It != Made.end())
    return It->second;
  if (!F.M[V].Producer) {
    if (Failure.empty() && F.M[V].IsInput)
      Failure = "input '" + F.M[V].Name.str() + "' is needed in two lengths";
    return V;
  }
  ValueId Result = make(V, Which);
  Made[{V.Index, Which}] = Result;
  return Result;
}

ValueId Emitter::make(ValueId V, Version Which) {
  NodeId N = F.M[V].Producer;
  if (F.isHistory(V) && Which == F.full(V))
    if (auto It = PastOf.find(V); It != PastOf.end()) {
      ValueId Past = It->second, New = get(V, 0);
      auto Choose = [&](ValueId From, llvm::ArrayRef<int64_t> Places,
                        unsigned Axis) {
        return E.make(Main, "Gather", {From, E.intVector(Places)},
                      {E.intAttr("axis", Axis)});
      };
      std::optional<Repeats> R = F.repeats(V);
      if (R)
        New = Choose(New, R->once(), R->Axis);
      ValueId All = E.make(Main, "Concat", {Past, New},
                           {E.intAttr("axis", F.time(V).Axes[0].Axis)});
      PresentOf[V] = All;
      return R ? Choose(All, R->again(), R->Axis) : All;
    }
  std::string Why;
  std::optional<Rule> R = F.rule(V, Which, Why);
  if (!R) {
    if (Failure.empty())
      Failure = "'" + F.M.label(N) + "' " + Why;
    return V;
  }
  switch (R->Kind) {
  case Rule::Clone:
    return copied(V, Which, *R);
  case Rule::Reshape:
    return shaped(V, Which, *R, "Reshape");
  case Rule::Expand:
    return shaped(V, Which, *R, "Expand");
  case Rule::Fill: {
    ValueId Shape = shapeOf(V, Which);
    return finished(E.make(Main, "ConstantOfShape", {Shape}, F.M[N].Attributes,
                           nameFor(N, Which)),
                    V);
  }
  case Rule::Range:
    return counted(V, Which);
  case Rule::Slice:
    return sliced(V, Which, *R);
  case Rule::Triangle:
    return triangle(V, Which, *R);
  case Rule::Attention:
    return attention(V, Which, *R);
  case Rule::Rows:
    return rows(V, Which, R->Whole);
  }
  if (Failure.empty())
    Failure = "'" + F.M.label(N) + "' has no rule";
  return V;
}

/// Both versions of a node have a name of their own.
std::string Emitter::nameFor(NodeId N, Version Which) {
  if (F.M[N].Name.empty())
    return "";
  std::string Name = F.M[N].Name.str() + (Which ? ".all" : ".new");
  unsigned Before = NodeNames[Name]++;
  return Before ? Name + "." + std::to_string(Before) : Name;
}

ValueId Emitter::finished(ValueId Result, ValueId V) {
  Model &M = E.model();
  M[M[Result].Producer].Props = M[M[V].Producer].Props;
  return Result;
}

/// What is known from lengths is made from lengths, as all positions have it.
ValueId Emitter::known(ValueId V) {
  if (auto It = Made.find({V.Index, 0}); It != Made.end())
    return It->second;
  const ValueFacts &S = F.Shapes[V];
  int64_t Count = *numElements(F.Store, S.Dims).constant();
  llvm::SmallVector<int64_t, 4> Dims, Ints;
  llvm::SmallVector<double, 8> Floats;
  llvm::SmallVector<Expr, 8> Exprs;
  bool Fixed = true;
  for (Expr D : S.Dims)
    Dims.push_back(*D.constant());
  for (int64_t I = 0; I < Count; ++I) {
    Element Each = S.Known.at(I);
    if (Each.kind() == Element::Float)
      Floats.push_back(Each.number());
    else if (Each.kind() == Element::Bool)
      Ints.push_back(Each.boolean());
    else {
      Exprs.push_back(L.at(Each.expr(), /*Full=*/true));
      Fixed &= Exprs.back().isConstant();
      Ints.push_back(Exprs.back().constant().value_or(0));
    }
  }
  ValueId Result;
  if (isFloat(S.Elem) && static_cast<int64_t>(Floats.size()) == Count)
    Result = E.constantFloats(S.Elem, Dims, Floats);
  else if (Fixed && static_cast<int64_t>(Ints.size()) == Count)
    Result = E.constantInts(S.Elem, Dims, Ints);
  else if (static_cast<int64_t>(Exprs.size()) == Count && Dims.size() <= 1)
    Result = Dims.empty() ? L.scalar(Exprs[0]) : L.vector(Exprs);
  else if (static_cast<int64_t>(Exprs.size()) == Count)
    Result = E.make(Main, "Reshape", {L.vector(Exprs), E.intVector(Dims)});
  else {
    if (Failure.empty())
      Failure = "'" + F.M[V].Name.str() + "' is known only in part";
    return V;
  }
  return Made[{V.Index, 0}] = Result;
}

/// The node on other versions of its operands; itself, if they are the same.
ValueId Emitter::copied(ValueId V, Version Which, const Rule &R) {
  NodeId N = F.M[V].Producer;
  unsigned Out = F.M[V].OutputIndex;
  if (auto It = Copies.find({N.Index, Which}); It != Copies.end())
    return E.model()[It->second].Outputs[Out];
  llvm::SmallVector<ValueId, 4> Inputs(F.M[N].Inputs);
  bool Same = true;
  for (const Need &Each : R.Needs) {
    ValueId In = get(F.M[N].Inputs[Each.Operand], Each.V);
    Same &= In == Inputs[Each.Operand];
    Inputs[Each.Operand] = In;
  }
  llvm::SmallVector<Attribute, 4> Attributes(F.M[N].Attributes);
  bool AnyOnes = F.M[N].Kind == OpKind::Squeeze && Inputs.size() < 2 &&
                 !F.M[N].attribute("axes");
  if (AnyOnes) {
    // A length may be 1 now: only the axes that always were.
    llvm::SmallVector<int64_t, 4> Axes;
    for (auto [A, Dim] : llvm::enumerate(F.Shapes[F.M[N].Inputs[0]].Dims))
      if (Dim.is(1))
        Axes.push_back(static_cast<int64_t>(A));
    if (F.M[N].OpsetVersion >= 13)
      Inputs.push_back(E.intVector(Axes));
    else
      Attributes.push_back(E.intsAttr("axes", Axes));
    Same = false;
  }
  if (Same)
    return V;
  NodeSpec Spec;
  Spec.Op = F.M[N].Op;
  Spec.Domain = F.M[N].Domain;
  std::string Name = nameFor(N, Which);
  Spec.Name = Name;
  Spec.Inputs = Inputs;
  Spec.Attributes = Attributes;
  Spec.NumOutputs = static_cast<unsigned>(F.M[N].Outputs.size());
  NodeId Copy = E.makeNode(Main, Spec);
  E.model()[Copy].Props = F.M[N].Props;
  Copies[{N.Index, Which}] = Copy;
  return E.model()[Copy].Outputs[Out];
}

ValueId Emitter::shapeOf(ValueId V, Version Which) {
  llvm::SmallVector<Expr, 5> Dims;
  for (unsigned A = 0; A < F.Shapes[V].Dims.size(); ++A) {
    int Bit = F.bitOf(V, A);
    Dims.push_back(L.at(F.dim(V, A), Bit < 0 || (Which >> Bit & 1)));
  }
  return L.vector(Dims);
}

ValueId Emitter::shaped(ValueId V, Version Which, const Rule &R,
                        llvm::StringRef Op) {
  NodeId N = F.M[V].Producer;
  ValueId Data = F.M[N].Inputs[0];
  for (const Need &Each : R.Needs)
    Data = get(F.M[N].Inputs[Each.Operand], Each.V);
  return finished(
      E.make(Main, Op, {Data, shapeOf(V, Which)}, {}, nameFor(N, Which)), V);
}

/// The one element of a scalar, or of a kept constant.
Expr Emitter::element(ValueId V, size_t I) const {
  Element Each = F.Shapes[V].Known.at(I);
  return Each.kind() == Element::Int ? Each.expr() : Expr();
}

ValueId Emitter::counted(ValueId V, Version Which) {
  NodeId N = F.M[V].Producer;
  Expr First = element(F.M[N].Inputs[0], 0),
       Step = element(F.M[N].Inputs[2], 0);
  if (!First || !Step) {
    if (Failure.empty())
      Failure = "'" + F.M.label(N) + "' starts at a place that is not known";
    return V;
  }
  Expr From = Which ? First : First + Step * L.past();
  Expr To = First + Step * L.all();
  return finished(E.make(Main, "Range",
                         {L.scalar(From), L.scalar(To), L.scalar(Step)}, {},
                         nameFor(N, Which)),
                  V);
}

ValueId Emitter::triangle(ValueId V, Version Which, const Rule &R) {
  NodeId N = F.M[V].Producer;
  unsigned Rank = static_cast<unsigned>(F.Shapes[V].rank());
  Expr K = F.Store.constant(0);
  if (F.M[N].Inputs.size() > 1 && F.M[N].Inputs[1])
    K = element(F.M[N].Inputs[1], 0);
  if (!K) {
    if (Failure.empty())
      Failure = "'" + F.M.label(N) + "' has a diagonal that is not known";
    return V;
  }
  K = L.at(K, /*Full=*/true);
  // New rows stand P lower, new columns P further right.
  if (!(Which >> F.bitOf(V, Rank - 2) & 1))
    K = K + L.past();
  if (!(Which >> F.bitOf(V, Rank - 1) & 1))
    K = K - L.past();
  ValueId Data = get(F.M[N].Inputs[0], R.Needs[0].V);
  ValueId Diagonal = L.scalar(K);
  return finished(E.make(Main, "Trilu", {Data, Diagonal}, F.M[N].Attributes,
                         nameFor(N, Which)),
                  V);
}

ValueId Emitter::cut(ValueId From, llvm::ArrayRef<int64_t> Axes) {
  llvm::SmallVector<Expr, 2> Starts(Axes.size(), L.past());
  llvm::SmallVector<Expr, 2> Ends(Axes.size(), L.all());
  return E.make(Main, "Slice",
                {From, L.vector(Starts), L.vector(Ends), E.intVector(Axes)});
}

ValueId Emitter::rows(ValueId V, Version Which, Version Whole) {
  llvm::SmallVector<int64_t, 2> Axes;
  for (size_t Bit = 0; Bit < F.time(V).Axes.size(); ++Bit)
    if ((Whole & ~Which) >> Bit & 1)
      Axes.push_back(F.time(V).Axes[Bit].Axis);
  return cut(get(V, Whole), Axes);
}

} // namespace xfa::kvcache
