//===- ShapeInference.cpp -------------------------------------------------===//

#include "xfa/Analysis/ShapeInference.h"

#include "xfa/Analysis/Operands.h"
#include "xfa/Ops/ConstantFacts.h"
#include "xfa/Ops/Op.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace xfa {

namespace {

/// A name that may stand for a symbol as it is: `batch`, not `past + 1`.
bool isPlainName(llvm::StringRef Name) {
  return !Name.empty() && !llvm::isDigit(Name.front()) &&
         llvm::all_of(Name, [](char C) {
           return llvm::isAlnum(C) || C == '_' || C == '.' || C == ':' ||
                  C == '#';
         });
}

/// The only symbol of `(s1 - 1)//8 + 1`, an expression that is never negative;
/// empty for anything else. `batch-size` is a name.
llvm::StringRef loneSymbol(llvm::StringRef Text) {
  if (Text.find_first_of("+*/") == llvm::StringRef::npos)
    return "";
  ExprStore Scratch;
  llvm::Expected<Expr> Parsed = Scratch.parse(Text);
  if (!Parsed) {
    llvm::consumeError(Parsed.takeError());
    return "";
  }
  llvm::SmallVector<llvm::StringRef, 4> Names = symbols(*Parsed);
  if (Names.size() != 1 || lowerBound(*Parsed).value_or(-1) < 0)
    return "";
  return Text.substr(Text.find(Names[0]), Names[0].size());
}

ValueFacts::KindTy kindOf(const DeclaredType &T) {
  switch (T.Kind) {
  case DeclaredType::Tensor:
    return ValueFacts::Tensor;
  case DeclaredType::SparseTensor:
    return ValueFacts::SparseTensor;
  case DeclaredType::Sequence:
    return ValueFacts::Sequence;
  case DeclaredType::Optional:
    return ValueFacts::Optional;
  case DeclaredType::Map:
    return ValueFacts::Map;
  }
  llvm_unreachable("all kinds covered");
}

class Inference {
public:
  Inference(const Model &M, ExprStore &Store, const CustomOps *Custom)
      : M(M), Store(Store), Custom(Custom) {
    Result.Values.resize(M.Values.size());
  }

  llvm::Expected<ShapeFacts> run() {
    nameInputSymbols();
    for (ValueId In : M.main().Inputs)
      Result.Values[In.Index] = inputFacts(In);
    inferGraph(M.main());
    if (!Error.empty())
      return llvm::createStringError(M.Path + ": " + Error);
    return std::move(Result);
  }

private:
  void nameInputSymbols();
  Expr declaredDim(const DeclaredDim &Dim, const llvm::Twine &FreshName);
  ValueFacts declaredFacts(TypeId Type, llvm::StringRef Name);
  ValueFacts inputFacts(ValueId In);

  bool inferGraph(const Graph &G);
  bool inferNode(NodeId Id);
  bool inferCall(NodeId Id);
  bool dequantisesWeight(const Node &N) const;
  void reconcileDeclared(NodeId Id, ValueId V);
  void fail(NodeId Id, const llvm::Twine &Sentence) {
    if (Error.empty())
      Error =
          ("node '" + M.label(Id) + "' (" + M[Id].Op + "): " + Sentence).str();
  }

  const Model &M;
  ExprStore &Store;
  const CustomOps *Custom;
  ShapeFacts Result;
  llvm::DenseMap<llvm::StringRef, Expr> Named; ///< dim_param → expression
  unsigned InLoops = 0; ///< bodies that run many times, which we are in
  std::string Error;
};

void Inference::nameInputSymbols() {
  auto ForEachName = [&](llvm::function_ref<void(llvm::StringRef)> Fn) {
    for (ValueId In : M.main().Inputs)
      if (M[In].Declared)
        for (const DeclaredDim &Dim : M[M[In].Declared].Dims)
          if (Dim.Kind == DeclaredDim::Name)
            Fn(Dim.Symbol);
  };
  auto AddSymbol = [&](llvm::StringRef Name) {
    if (!isPlainName(Name) || Named.count(Name))
      return;
    // A cache may be empty; every other dimension has an element.
    Named[Name] = Store.symbol(Name, Name.contains_insensitive("past") ? 0 : 1);
    Result.Symbols.push_back(Name);
  };
  ForEachName(AddSymbol);
  // `past_sequence_length + 1` is an expression if all of its symbols are
  // dimensions by themselves; so is `encoder_sequence_length / 2`, which has
  // one that no dimension is. Anything else is a name like any other.
  ForEachName([&](llvm::StringRef Name) {
    if (Named.count(Name))
      return;
    AddSymbol(loneSymbol(Name));
    llvm::Expected<Expr> Parsed = Store.parse(Name, /*OnlyKnownSymbols=*/true);
    if (Parsed && !Parsed->isConstant()) {
      Named[Name] = *Parsed;
      return;
    }
    llvm::consumeError(Parsed.takeError());
    Named[Name] = Store.symbol(Name);
    Result.Symbols.push_back(Name);
  });
}

/// A dimension that a declaration gives; a name that no input has is a symbol
/// of its own, and may be 0 (it counts something that running finds).
Expr Inference::declaredDim(const DeclaredDim &Dim,
                            const llvm::Twine &FreshName) {
  switch (Dim.Kind) {
  case DeclaredDim::Number:
    return Store.constant(Dim.Value);
  case DeclaredDim::Name: {
    if (InLoops) // a name may stand for another size in every iteration
      return Store.unknown(FreshName.str(), 0);
    auto [It, New] = Named.try_emplace(Dim.Symbol);
    if (New) {
      llvm::Expected<Expr> Parsed =
          Store.parse(Dim.Symbol, /*OnlyKnownSymbols=*/true);
      if (Parsed) {
        It->second = *Parsed;
      } else {
        llvm::consumeError(Parsed.takeError());
        It->second = Store.symbol(Dim.Symbol, 0);
        Result.Symbols.push_back(Dim.Symbol);
      }
    }
    return It->second;
  }
  case DeclaredDim::Unset:
    return Store.unknown(FreshName.str(), 0);
  }
  llvm_unreachable("all kinds covered");
}

ValueFacts Inference::declaredFacts(TypeId Type, llvm::StringRef Name) {
  ValueFacts F;
  const DeclaredType &T = M[Type];
  F.Kind = kindOf(T);
  F.Elem = T.Elem;
  if (T.HasShape) {
    F.HasRank = true;
    for (const DeclaredDim &Dim : T.Dims)
      F.Dims.push_back(declaredDim(Dim, "a dimension of '" + Name +
                                            "' that the file leaves unset"));
  } else {
    F.Why = Store.unknown(("'" + Name + "' is declared without a shape").str());
  }
  if (T.Element)
    F.Item = std::make_shared<ValueFacts>(declaredFacts(T.Element, Name));
  return F;
}

ValueFacts Inference::inputFacts(ValueId In) {
  const Value &V = M[In];
  if (!V.Declared) {
    ValueFacts F;
    F.Why =
        Store.unknown(("input '" + V.Name + "' has no declared type").str());
    return F;
  }
  ValueFacts F = declaredFacts(V.Declared, V.Name);
  // An unset dimension of an input is free: a symbol that the user can bind.
  const DeclaredType &T = M[V.Declared];
  for (auto [Axis, Dim] : llvm::enumerate(T.Dims)) {
    if (Dim.Kind != DeclaredDim::Unset)
      continue;
    std::string Name = (V.Name + "_dim" + llvm::Twine(Axis)).str();
    F.Dims[Axis] = Store.symbol(Name);
    Result.Symbols.push_back(*F.Dims[Axis].asSymbol());
  }
  return F;
}

/// True if every node of it is folded (C7).
bool Inference::inferGraph(const Graph &G) {
  for (ValueId Init : G.Initializers)
    if (M[Init].Const)
      Result.Values[Init.Index] = factsOf(Store, M[M[Init].Const]);
  bool AllFolded = true;
  for (NodeId Id : G.Nodes) {
    AllFolded &= inferNode(Id);
    if (!Error.empty())
      return false;
  }
  return AllFolded;
}

/// C14: an initialiser, through views. What a function is given, or what a
/// Constant holds, may stand for one.
bool Inference::dequantisesWeight(const Node &N) const {
  if (!dequantises(N.Kind) || N.Inputs.empty() || !N.Inputs[0])
    return false;
  for (ValueId V = N.Inputs[0]; !M[V].IsInitializer;) {
    if (!M[V].Producer)
      return !M[V].IsInput;
    const Node &From = M[M[V].Producer];
    if (From.Kind == OpKind::Constant)
      return true;
    if (!(opTraits(From.Kind) & trait::View) || From.Inputs.empty() ||
        !From.Inputs[0])
      return false;
    V = From.Inputs[0];
  }
  return true;
}

bool Inference::inferNode(NodeId Id) {
  const Node &N = M[Id];
  if (N.Callee)
    return inferCall(Id);

  llvm::SmallVector<const ValueFacts *, 8> Inputs;
  bool Folded = N.Kind != OpKind::Unknown &&
                !(opTraits(N.Kind) & trait::Random) &&
                !dequantisesWeight(N); // C14: its consumer's
  bool OnlyDims = N.Kind == OpKind::Shape || N.Kind == OpKind::Size ||
                  N.Kind == OpKind::EyeLike;
  for (ValueId In : N.Inputs) {
    bool Given = In && !Result.Values[In.Index].absent();
    Inputs.push_back(Given ? &Result.Values[In.Index] : nullptr);
    if (Given && !OnlyDims)
      Folded &= Result.Values[In.Index].Folded;
    OnlyDims |= N.Kind == OpKind::CastLike; // of the second, only the type
  }
  if (llvm::none_of(Inputs, [](const ValueFacts *F) { return F; }))
    Folded &= N.Kind == OpKind::Constant; // nothing to be a function of

  const CustomOp *Described = N.Kind == OpKind::Unknown && Custom
                                  ? Custom->find(N.Domain, N.Op)
                                  : nullptr;
  if (N.Kind == OpKind::Unknown && !Described) {
    std::string Domain = N.Domain.empty() ? "ai.onnx" : N.Domain.str();
    Expr Why = Store.unknown("operator " + N.Op.str() + " of domain " + Domain +
                             " is not known");
    for (ValueId Out : N.Outputs)
      if (Out) {
        Result.Values[Out.Index] = ValueFacts();
        Result.Values[Out.Index].Why = Why;
        reconcileDeclared(Id, Out);
      }
    return false;
  }

  auto Subgraph = [&](GraphId Body, llvm::ArrayRef<ValueFacts> Operands) {
    llvm::SmallVector<ValueFacts, 4> Outs;
    const Graph &G = M[Body];
    for (auto [In, Facts] : llvm::zip(G.Inputs, Operands))
      Result.Values[In.Index] = Facts;
    // Those of all others may run once more, with other sizes.
    const bool Repeats =
        N.Kind != OpKind::If && N.Kind != OpKind::FlexAttention;
    InLoops += Repeats;
    Folded &= inferGraph(G);
    InLoops -= Repeats;
    if (Error.empty())
      for (ValueId Out : G.Outputs)
        Outs.push_back(Out ? Result.Values[Out.Index] : ValueFacts());
    return Outs;
  };
  InferContext Ctx(M, Id, Store, Inputs, Subgraph);
  if (Described)
    inferCustom(*Described, Ctx);
  else
    inferFunction(N.Kind)(Ctx);
  if (!Error.empty())
    return false;
  if (Ctx.failed()) {
    fail(Id, Ctx.error());
    return false;
  }
  for (auto [O, Out] : llvm::enumerate(N.Outputs)) {
    if (!Out)
      continue;
    ValueFacts &F = Result.Values[Out.Index];
    F = std::move(Ctx.output(O));
    F.Folded = Folded;
    if (F.absent())
      F.Why = Store.unknown(
          ("what " + N.Op + " gives from these operands is not known").str());
    reconcileDeclared(Id, Out);
  }
  return Folded;
}

/// C17: a call of a model-local function is its body.
bool Inference::inferCall(NodeId Id) {
  const Node &N = M[Id];
  const Graph &Body = M[N.Callee];
  for (auto [I, In] : llvm::enumerate(Body.Inputs)) {
    ValueId Given = I < N.Inputs.size() ? N.Inputs[I] : ValueId();
    Result.Values[In.Index] = Given ? Result.Values[Given.Index] : ValueFacts();
  }
  bool Folded = inferGraph(Body);
  if (!Error.empty())
    return false;
  for (auto [Out, Inner] : llvm::zip(N.Outputs, Body.Outputs)) {
    if (!Out)
      continue;
    Result.Values[Out.Index] =
        Inner ? Result.Values[Inner.Index] : ValueFacts();
    reconcileDeclared(Id, Out);
  }
  return Folded;
}

/// A declared shape of an intermediate value is used where inference has
/// nothing; where both speak, inference wins.
void Inference::reconcileDeclared(NodeId Id, ValueId V) {
  const Value &Val = M[V];
  if (!Val.Declared)
    return;
  ValueFacts &F = Result.Values[V.Index];
  const DeclaredType &T = M[Val.Declared];
  if (F.Kind == ValueFacts::Unknown) {
    bool Folded = F.Folded;
    Expr Why = F.Why;
    F = declaredFacts(Val.Declared, Val.Name);
    F.Folded = Folded;
    F.FromDeclaration = true;
    if (!F.HasRank && Why)
      F.Why = Why;
    return;
  }
  auto IsTensor = [](ValueFacts::KindTy Kind) {
    return Kind == ValueFacts::Tensor || Kind == ValueFacts::SparseTensor;
  };
  if (F.Kind != kindOf(T) && !(IsTensor(F.Kind) && IsTensor(kindOf(T)))) {
    fail(Id,
         "its output '" + Val.Name + "' is declared as another kind of type");
    return;
  }
  if (F.Elem == ElemType::Undefined) {
    F.Elem = T.Elem;
  } else if (T.Elem != ElemType::Undefined && T.Elem != F.Elem) {
    fail(Id, "its output '" + Val.Name + "' is declared " +
                 elemTypeName(T.Elem) + ", but it is " + elemTypeName(F.Elem));
    return;
  }
  if (!T.HasShape)
    return;
  if (!F.HasRank) {
    F = declaredFacts(Val.Declared, Val.Name);
    F.FromDeclaration = true;
    return;
  }
  if (F.Dims.size() != T.Dims.size()) {
    std::string Sentence = ("'" + Val.Name + "' is declared with rank " +
                            llvm::Twine(T.Dims.size()) + ", but it has rank " +
                            llvm::Twine(F.Dims.size()))
                               .str();
    // Builders write an empty shape where they mean none, and forget to change
    // that of what they reduce; runtimes accept it. Operators that ONNX does
    // not define change from version to version.
    if (T.Dims.empty() || F.Dims.empty() || !M[Id].Domain.empty())
      Result.Warnings.push_back(Sentence);
    else
      fail(Id, "its output " + Sentence);
    return;
  }
  for (auto [I, Dim] : llvm::enumerate(T.Dims)) {
    if (Dim.Kind == DeclaredDim::Unset ||
        (Dim.Kind == DeclaredDim::Name && InLoops))
      continue;
    if (!F.Dims[I].isKnown()) {
      // Two sizes, and the declaration is right for one at most: exporters
      // write `past + 1` whichever branch runs.
      if (F.Differs)
        continue;
      F.Dims[I] = declaredDim(Dim, Val.Name);
      F.FromDeclaration = true;
    } else if (Dim.Kind == DeclaredDim::Number &&
               equal(F.Dims[I], Store.constant(Dim.Value)) == Truth::False) {
      Result.Warnings.push_back(("'" + Val.Name + "': dimension " +
                                 llvm::Twine(I) + " is declared as " +
                                 llvm::Twine(Dim.Value) + ", but it is " +
                                 toString(F.Dims[I]))
                                    .str());
    }
  }
}

} // namespace

llvm::Expected<ShapeFacts> inferShapes(const Model &M, ExprStore &Store,
                                       const CustomOps *Custom) {
  return Inference(M, Store, Custom).run();
}

} // namespace xfa
