//===- CustomOps.cpp - formulas, and what their names stand for -----------===//

#include "xfa/Ops/CustomOps.h"

#include "Operands.h"
#include "Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace xfa {

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// Names of formulas are symbols of their own: a graph may call its dimensions
/// the same.
static constexpr char Prefix = '$';

static constexpr StringRef RestName = "rest";
static constexpr StringRef AttrPrefix = "attr.";

/// The number behind "in" in "in12".
static std::optional<unsigned> numbered(StringRef Name, StringRef Stem) {
  unsigned Number = 0;
  if (!Name.consume_front(Stem) || Name.getAsInteger(10, Number))
    return std::nullopt;
  return Number;
}

static bool isReserved(StringRef Name) {
  return Name == RestName || Name.starts_with(AttrPrefix) ||
         numbered(Name, "in") || numbered(Name, "out");
}

static bool isName(StringRef Text) {
  return !Text.empty() && !llvm::isDigit(Text.front()) &&
         llvm::all_of(Text,
                      [](char C) { return llvm::isAlnum(C) || C == '_'; });
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

class CustomOps::Parser {
public:
  Parser(ExprStore &Store, const CustomOpText &Text)
      : Store(Store), Text(Text) {}
  Expected<CustomOp> parse();

private:
  Expected<CustomOp::Pattern> pattern(StringRef Key, StringRef Written,
                                      bool OfInput);
  /// WithSizes: `in0` and `out0` may stand in it, which no shape needs.
  Expected<Expr> formula(StringRef Key, StringRef Written, bool WithSizes);
  Error types(CustomOp &Op);
  Error touched(StringRef Key, llvm::ArrayRef<std::string> Written, size_t Most,
                std::vector<Expr> &To);

  ExprStore &Store;
  const CustomOpText &Text;
  llvm::SmallVector<std::string, 8> Names; ///< of dimensions
  bool HasRest = false;
};

static Error wrong(StringRef Key, const llvm::Twine &Sentence) {
  return llvm::createStringError(Key + ": " + Sentence);
}

/// Splits at the commas outside parentheses: "max(A, B), N".
static llvm::SmallVector<StringRef, 4> splitDims(StringRef Written) {
  llvm::SmallVector<StringRef, 4> Parts;
  int Depth = 0;
  size_t Start = 0;
  for (size_t I = 0; I <= Written.size(); ++I) {
    if (I < Written.size() && (Written[I] == '(' || Written[I] == ')'))
      Depth += Written[I] == '(' ? 1 : -1;
    if (I == Written.size() || (Written[I] == ',' && Depth == 0)) {
      Parts.push_back(Written.slice(Start, I).trim());
      Start = I + 1;
    }
  }
  return Parts;
}

Expected<Expr> CustomOps::Parser::formula(StringRef Key, StringRef Written,
                                          bool WithSizes) {
  // What the parser reads as an exact quotient rounds down where it is none.
  for (size_t At = Written.find('/'); At != StringRef::npos;
       At = Written.find('/', At + 2))
    if (!Written.substr(At).starts_with("//"))
      return wrong(Key, "column " + llvm::Twine(At + 1) +
                            ": expected //, a quotient rounded down, found /");
  ExprStore Scratch;
  Expected<Expr> Loose = Scratch.parse(Written);
  if (!Loose)
    return wrong(Key, llvm::toString(Loose.takeError()));
  // What a name stands for may be 0, a cache's length for one.
  ExprStore Strict;
  Substitution Renamed;
  for (StringRef Name : symbols(*Loose)) {
    bool Size = numbered(Name, "in") || numbered(Name, "out");
    bool Known = llvm::is_contained(Names, Name) ||
                 (Name == RestName && HasRest) || (Size && WithSizes) ||
                 (Name.starts_with(AttrPrefix) &&
                  isName(Name.drop_front(AttrPrefix.size())));
    if (!Known)
      return wrong(Key, "expected names of the inputs' dimensions" +
                            llvm::Twine(WithSizes ? ", in0, out0, …" : "") +
                            (HasRest ? ", rest" : "") +
                            " or attr.NAME, found '" + Name + "'");
    Strict.symbol(Name, 0);
  }
  Expected<Expr> Exact = Strict.parse(Written, /*OnlyKnownSymbols=*/true);
  if (!Exact)
    return wrong(Key, llvm::toString(Exact.takeError()));
  for (StringRef Name : symbols(*Exact))
    Renamed[Name] = Strict.symbol((llvm::Twine(Prefix) + Name).str(), 0);
  if (std::optional<int64_t> Most = upperBound(*Exact); Most && *Most < 0)
    return wrong(Key, "expected 0 or more, found " + Written.trim() +
                          ", which is negative whatever its names stand for");
  return transfer(substitute(*Exact, Renamed), Store);
}

Expected<CustomOp::Pattern>
CustomOps::Parser::pattern(StringRef Key, StringRef Written, bool OfInput) {
  CustomOp::Pattern P;
  Written = Written.trim();
  if (Written == "*") {
    P.AnyShape = true;
    return P;
  }
  if (Written.empty()) // a scalar
    return P;
  llvm::SmallVector<StringRef, 4> Parts = splitDims(Written);
  P.HasRest = Parts.front() == "...";
  HasRest |= OfInput && P.HasRest;
  if (P.HasRest && !HasRest)
    return wrong(Key, "expected `...` in an input, too; found it in '" +
                          Written + "' alone");
  for (StringRef Part : llvm::ArrayRef(Parts).drop_front(P.HasRest)) {
    int64_t Number = 0;
    if (!Part.getAsInteger(10, Number) && Number >= 0) {
      P.Dims.push_back(Store.constant(Number));
      continue;
    }
    if (!OfInput) {
      Expected<Expr> F = formula(Key, Part, /*WithSizes=*/false);
      if (!F)
        return F.takeError();
      P.Dims.push_back(*F);
      continue;
    }
    if (!isName(Part) || isReserved(Part))
      return wrong(Key, "expected names or numbers of dimensions, as in "
                        "\"..., N, D\", found '" +
                            Part + "'");
    if (!llvm::is_contained(Names, Part))
      Names.push_back(Part.str());
    P.Dims.push_back(Store.symbol((llvm::Twine(Prefix) + Part).str(), 0));
  }
  return P;
}

Error CustomOps::Parser::types(CustomOp &Op) {
  if (Text.Types.size() > 1 && Text.Types.size() != Text.Outputs.size())
    return wrong("types", "expected one, or one an output, found " +
                              llvm::Twine(Text.Types.size()) + " for " +
                              llvm::Twine(Text.Outputs.size()) + " outputs");
  for (StringRef Written : Text.Types) {
    CustomOp::Type T;
    T.Input = numbered(Written, "in");
    if (std::optional<ElemType> Elem = elemTypeFromName(Written))
      T.Elem = *Elem;
    else if (!T.Input)
      return wrong("types", "expected in0, in1, … or an element type as fp16, "
                            "found '" +
                                Written + "'");
    Op.Types.push_back(T);
  }
  return Error::success();
}

Error CustomOps::Parser::touched(StringRef Key,
                                 llvm::ArrayRef<std::string> Written,
                                 size_t Most, std::vector<Expr> &To) {
  if (Written.size() > Most)
    return wrong(Key, "expected at most " + llvm::Twine(Most) + ", found " +
                          llvm::Twine(Written.size()));
  for (StringRef W : Written) {
    if (W.trim().empty()) {
      To.emplace_back();
      continue;
    }
    Expected<Expr> F = formula(Key, W, /*WithSizes=*/true);
    if (!F)
      return F.takeError();
    To.push_back(*F);
  }
  return Error::success();
}

Expected<CustomOp> CustomOps::Parser::parse() {
  CustomOp Op;
  for (auto [Key, From, To] :
       {std::tuple("inputs", &Text.Inputs, &Op.Inputs),
        std::tuple("outputs", &Text.Outputs, &Op.Outputs)})
    for (StringRef Written : *From) {
      Expected<CustomOp::Pattern> P = pattern(Key, Written, To == &Op.Inputs);
      if (!P)
        return P.takeError();
      To->push_back(std::move(*P));
    }
  if (Error E = types(Op))
    return E;
  for (auto [Key, Written, To] :
       {std::tuple("flops", &Text.Flops, &Op.Flops),
        std::tuple("matrix-flops", &Text.MatrixFlops, &Op.MatrixFlops)}) {
    if (!*Written)
      continue;
    Expected<Expr> F = formula(Key, **Written, /*WithSizes=*/true);
    if (!F)
      return F.takeError();
    *To = *F;
  }
  if (Error E = touched("reads", Text.Reads, Text.Inputs.size(), Op.Reads))
    return E;
  if (Error E = touched("writes", Text.Writes, Text.Outputs.size(), Op.Writes))
    return E;
  return Op;
}

CustomOps::CustomOps() : Store(std::make_unique<ExprStore>()) {}

Error CustomOps::add(const CustomOpText &Text) {
  if (findOpKind(Text.Domain, Text.Name) != OpKind::Unknown)
    return wrong("op", Text.Name + " of " +
                           (Text.Domain.empty() ? "ai.onnx" : Text.Domain) +
                           " has rules of its own (docs/OPS.md)");
  Expected<CustomOp> Op = Parser(*Store, Text).parse();
  if (!Op)
    return Op.takeError();
  if (!Ops.try_emplace({Text.Domain, Text.Name}, std::move(*Op)).second)
    return wrong("op",
                 "expected each operator once, found " + Text.Name + " twice");
  return Error::success();
}

const CustomOp *CustomOps::find(StringRef Domain, StringRef Name) const {
  if (Domain == "ai.onnx")
    Domain = "";
  auto It = Ops.find({Domain.str(), Name.str()});
  return It == Ops.end() ? nullptr : &It->second;
}

//===----------------------------------------------------------------------===//
// At a node
//===----------------------------------------------------------------------===//

namespace {

/// What the names of the formulas stand for at one node. What a name stands for
/// where operands contradict the description is unknown, with the reason.
class Names {
public:
  Names(const CustomOp &Op, const OpContext &Ctx) : Ctx(Ctx) {
    for (auto [I, P] : llvm::enumerate(Op.Inputs))
      if (!P.AnyShape && Ctx.has(I))
        bindInput(I, P);
  }

  llvm::ArrayRef<Expr> rest() const { return Rest; }
  bool hasRest() const { return HasRest; }
  bool contradicted() const { return !Why.empty(); }
  Expr unknown() const {
    return Ctx.store().unknown(Why.empty() ? "its operands do not say it" : Why,
                               0);
  }

  /// Where Outputs are not known yet, none are given.
  Expr value(Expr Formula, llvm::function_ref<Expr(unsigned)> OutSize) {
    ExprStore &Store = Ctx.store();
    Expr Here = transfer(Formula, Store);
    Substitution With;
    for (StringRef Symbol : symbols(Here))
      With[Symbol] = meaning(Symbol.drop_front(), OutSize);
    return substitute(Here, With);
  }

private:
  void bindInput(unsigned I, const CustomOp::Pattern &P);
  void contradiction(const llvm::Twine &Sentence) {
    if (Why.empty())
      Why = Sentence.str();
  }
  Expr meaning(StringRef Name, llvm::function_ref<Expr(unsigned)> OutSize);

  const OpContext &Ctx;
  llvm::StringMap<Expr> Dims;
  Shape Rest;
  bool HasRest = false;
  std::string Why; ///< the first contradiction
};

} // namespace

void Names::bindInput(unsigned I, const CustomOp::Pattern &P) {
  if (!Ctx.hasRank(I))
    return contradiction(unknownRank(Ctx, I));
  llvm::ArrayRef<Expr> Found = Ctx.dims(I);
  if (P.HasRest ? Found.size() < P.Dims.size() : Found.size() != P.Dims.size())
    return contradiction("input " + llvm::Twine(I) + " is described with " +
                         (P.HasRest ? "at least " : "") +
                         llvm::Twine(P.Dims.size()) + " dimensions, found " +
                         shapeText(Found));
  if (P.HasRest) {
    llvm::ArrayRef<Expr> Leading = Found.drop_back(P.Dims.size());
    if (!HasRest)
      Rest.assign(Leading.begin(), Leading.end());
    HasRest = true;
  }
  for (auto [Named, Dim] : llvm::zip(P.Dims, Found.take_back(P.Dims.size()))) {
    std::optional<StringRef> Name = Named.asSymbol();
    Expr Expected =
        Name ? Dims.try_emplace(Name->drop_front(), Dim).first->second
             : transfer(Named, Ctx.store());
    if (equal(Expected, Dim) == Truth::False)
      return contradiction("input " + llvm::Twine(I) + ", " + shapeText(Found) +
                           ", contradicts its description: " +
                           (Name ? Name->drop_front() + " is " : "expected ") +
                           toString(Expected) + ", found " + toString(Dim));
  }
}

Expr Names::meaning(StringRef Name,
                    llvm::function_ref<Expr(unsigned)> OutSize) {
  ExprStore &Store = Ctx.store();
  if (!Why.empty())
    return unknown();
  if (Name == RestName)
    return HasRest ? product(Store, Rest) : unknown();
  if (Name.consume_front(AttrPrefix)) {
    std::optional<int64_t> Value = Ctx.intAttr(Name);
    if (Value && *Value >= 0)
      return Store.constant(*Value);
    return Store.unknown((llvm::Twine("the node has no integer attribute '") +
                          Name + "' of 0 or more")
                             .str(),
                         0);
  }
  if (std::optional<unsigned> I = numbered(Name, "in"))
    return Ctx.hasRank(*I) ? numElements(Store, Ctx.dims(*I))
                           : Store.unknown(unknownRank(Ctx, *I), 0);
  if (std::optional<unsigned> O = numbered(Name, "out"))
    return OutSize(*O);
  auto It = Dims.find(Name);
  return It == Dims.end() ? unknown() : It->second;
}

void inferCustom(const CustomOp &Op, InferContext &Ctx) {
  Names At(Op, Ctx);
  auto NoSize = [&](unsigned) { return At.unknown(); };
  for (auto [O, P] : llvm::enumerate(Op.Outputs)) {
    ElemType Elem = Ctx.elem(0);
    if (!Op.Types.empty()) {
      const CustomOp::Type &T = Op.Types[Op.Types.size() == 1 ? 0 : O];
      Elem = T.Input ? Ctx.elem(*T.Input) : T.Elem;
    }
    if (P.AnyShape) {
      Ctx.setUnknown(O, Elem, "its description does not give the shape");
      continue;
    }
    if (At.contradicted() || (P.HasRest && !At.hasRest())) {
      Ctx.setUnknown(O, Elem, At.unknown().unknownReason());
      continue;
    }
    Shape Dims;
    if (P.HasRest)
      Dims.append(At.rest().begin(), At.rest().end());
    for (Expr Dim : P.Dims)
      Dims.push_back(At.value(Dim, NoSize));
    Ctx.set(O, Elem, Dims);
  }
}

void costCustom(const CustomOp &Op, CostContext &Ctx) {
  if (!Op.Flops && !Op.MatrixFlops)
    return Ctx.unknown("its description gives no FLOPs");
  Names At(Op, Ctx);
  auto OutSize = [&](unsigned O) { return Ctx.outSize(O); };
  // None, with the reason, where it is not known, or less than 0 somewhere.
  auto Amount = [&](Expr Formula, StringRef Key) -> std::optional<Expr> {
    Expr Value = At.value(Formula, OutSize);
    if (!Value.isKnown())
      Ctx.unknown(Value.unknownReason());
    else if (lessEqual(Ctx.constant(0), Value) != Truth::True)
      Ctx.unknown(Key + ", " + toString(Value) +
                  " here, may be negative; say max(…, 0) where it is 0 then");
    else
      return Value;
    return std::nullopt;
  };
  auto Add = [&](Expr Formula, StringRef Key, auto To) {
    if (!Formula)
      return;
    if (std::optional<Expr> Value = Amount(Formula, Key))
      (Ctx.*To)(*Value);
  };
  Add(Op.Flops, "flops", &CostContext::addVector);
  Add(Op.MatrixFlops, "matrix-flops", &CostContext::addMatrix);
  // Of what is not known nothing is counted.
  for (auto [I, Elements] : llvm::enumerate(Op.Reads))
    if (Elements)
      Ctx.reads(I, Amount(Elements, "reads").value_or(Ctx.constant(0)));
  for (auto [O, Elements] : llvm::enumerate(Op.Writes))
    if (Elements)
      Ctx.writes(O, Amount(Elements, "writes").value_or(Ctx.constant(0)));
}

} // namespace xfa
