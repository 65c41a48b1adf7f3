//===- KvCacheLengths.cpp -------------------------------------------------===//

#include "KvCacheLengths.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::kvcache {

static const GraphId Main(0);

void Lengths::setPast(ValueId From, unsigned Axis) {
  Cache = From;
  CacheAxis = Axis;
}

Expr Lengths::at(Expr Length, bool Full) const {
  Substitution S;
  S[*F.Time.New.asSymbol()] = Full ? all() : fresh();
  return substitute(Length, S);
}

ValueId Lengths::size(ValueId Of, unsigned Axis) {
  ValueId &Shape = Shapes[Of];
  if (!Shape)
    Shape = E.make(Main, "Shape", {Of});
  ValueId From = Shape;
  return E.make(Main, "Gather", {From, E.intVector({int64_t(Axis)})},
                {E.intAttr("axis", 0)});
}

ValueId Lengths::symbol(llvm::StringRef Name) {
  if (Name == PastSymbol)
    return size(Cache, CacheAxis);
  if (Name == NewSymbol)
    return size(F.Time.Tokens, 1);
  if (Name == AllSymbol)
    return E.make(Main, "Add", {one(past()), one(fresh())});
  for (ValueId In : F.M.main().Inputs)
    for (size_t A = 0;
         In.Index < F.Shapes.Values.size() && A < F.Shapes[In].Dims.size(); ++A)
      if (F.Shapes[In].Dims[A].asSymbol() == Name)
        return size(In, static_cast<unsigned>(A));
  Failed = true;
  return E.intVector({0});
}

ValueId Lengths::one(Expr Item) {
  if (auto It = Ones.find(Item); It != Ones.end())
    return It->second;
  ValueId Result;
  if (std::optional<int64_t> C = Item.constant()) {
    Result = E.intVector({*C});
  } else if (auto Name = Item.asSymbol()) {
    Result = symbol(*Name);
  } else {
    for (const ExprTerm &T : terms(Item)) {
      ValueId Product;
      auto Times = [&](ValueId Factor) {
        Product = Product ? E.make(Main, "Mul", {Product, Factor}) : Factor;
      };
      Expr Check = F.Store.constant(1);
      for (llvm::StringRef Name : symbols(T.Monomial)) {
        std::optional<unsigned> Degree = degree(T.Monomial, Name);
        Expr Symbol = F.Store.symbol(Name);
        for (unsigned D = 0; Degree && D < *Degree; ++D) {
          Times(one(Symbol));
          Check = Check * Symbol;
        }
      }
      // A quotient or a maximum has no formula here.
      Failed |= Check != T.Monomial;
      if (T.Coefficient != 1 || !Product)
        Times(E.intVector({T.Coefficient}));
      Result = Result ? E.make(Main, "Add", {Result, Product}) : Product;
    }
  }
  return Ones[Item] = Result;
}

ValueId Lengths::vector(llvm::ArrayRef<Expr> Items) {
  llvm::SmallVector<int64_t, 5> Numbers;
  for (Expr Each : Items)
    if (auto C = Each.constant())
      Numbers.push_back(*C);
  if (Numbers.size() == Items.size())
    return E.intVector(Numbers);
  if (Items.size() == 1)
    return one(Items[0]);
  for (const auto &[Known, V] : Vectors)
    if (llvm::ArrayRef(Known) == Items)
      return V;
  llvm::SmallVector<ValueId, 5> Parts;
  for (Expr Each : Items)
    Parts.push_back(one(Each));
  ValueId V = E.make(Main, "Concat", Parts, {E.intAttr("axis", 0)});
  Vectors.push_back({llvm::SmallVector<Expr, 5>(Items), V});
  return V;
}

ValueId Lengths::scalar(Expr Item) {
  if (auto C = Item.constant())
    return E.intScalar(*C);
  if (auto It = Scalars.find(Item); It != Scalars.end())
    return It->second;
  ValueId From = one(Item);
  // To no axes at all: the shape is an empty vector.
  ValueId V = E.make(Main, "Reshape", {From, E.intVector({})});
  return Scalars[Item] = V;
}

} // namespace xfa::kvcache
