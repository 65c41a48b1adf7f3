//===- Einsum.cpp - Einstein summation ------------------------------------===//
//
// An equation gives each axis of each operand a label: a letter, or, for the
// axes under an ellipsis, a number counted from the right.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <map>

namespace xfa {

namespace {

using Labels = llvm::SmallVector<unsigned, 6>;
constexpr unsigned FirstEllipsisLabel = 256; ///< the rightmost axis under "..."
constexpr int64_t MaxOperands = 5; ///< orders of contraction tried: at most 180

struct Equation {
  llvm::SmallVector<Labels, 3> Operands;
  Labels Result;
  std::map<unsigned, Expr> Extents;
};

/// What is wrong with the equation (Certain), or not known about its operands.
struct Problem {
  std::string Text;
  bool Certain = true;
};

/// Letters of one term, with EllipsisAt the position of its "...".
struct Term {
  std::string Letters;
  std::optional<size_t> EllipsisAt;
};

std::optional<Term> parseTerm(llvm::StringRef Text) {
  Term T;
  while (!Text.empty()) {
    if (Text.consume_front("...")) {
      if (T.EllipsisAt)
        return std::nullopt;
      T.EllipsisAt = T.Letters.size();
    } else if (llvm::isAlpha(Text.front())) {
      T.Letters += Text.front();
      Text = Text.drop_front();
    } else {
      return std::nullopt;
    }
  }
  return T;
}

Labels labelsOf(const Term &T, int64_t EllipsisRank) {
  Labels Result;
  for (size_t I = 0; I <= T.Letters.size(); ++I) {
    if (T.EllipsisAt == I)
      for (int64_t Axis = EllipsisRank; Axis-- > 0;)
        Result.push_back(FirstEllipsisLabel + Axis);
    if (I < T.Letters.size())
      Result.push_back(static_cast<unsigned char>(T.Letters[I]));
  }
  return Result;
}

/// Without "->": the letters that occur once, in alphabetical order, behind the
/// axes of the ellipsis.
Term implicitResult(llvm::ArrayRef<Term> Operands) {
  std::map<char, int> Count;
  Term Result;
  for (const Term &T : Operands) {
    for (char C : T.Letters)
      ++Count[C];
    if (T.EllipsisAt)
      Result.EllipsisAt = 0;
  }
  for (auto [Letter, Times] : Count)
    if (Times == 1)
      Result.Letters += Letter;
  return Result;
}

std::optional<Equation> readEquation(const OpContext &Ctx, Problem &P) {
  auto Wrong = [&](const llvm::Twine &Text) {
    P.Text = Text.str();
    return std::nullopt;
  };
  std::string Text;
  for (char C : Ctx.stringAttr("equation"))
    if (C != ' ')
      Text += C;
  auto [Left, Right] = llvm::StringRef(Text).split("->");
  bool Explicit = llvm::StringRef(Text).contains("->");

  llvm::SmallVector<llvm::StringRef, 4> Pieces;
  Left.split(Pieces, ',');
  if (Pieces.size() != Ctx.numInputs())
    return Wrong("the equation '" + Text + "' has " +
                 llvm::Twine(Pieces.size()) + " operands, the node has " +
                 llvm::Twine(Ctx.numInputs()));
  llvm::SmallVector<Term, 4> Terms;
  for (llvm::StringRef Piece : Pieces) {
    std::optional<Term> T = parseTerm(Piece);
    if (!T)
      return Wrong("the equation '" + Text + "' cannot be read");
    Terms.push_back(std::move(*T));
  }
  std::optional<Term> Result =
      Explicit ? parseTerm(Right) : implicitResult(Terms);
  if (!Result)
    return Wrong("the equation '" + Text + "' cannot be read");

  Equation E;
  int64_t EllipsisRank = 0;
  for (auto [I, T] : llvm::enumerate(Terms)) {
    int64_t Letters = static_cast<int64_t>(T.Letters.size());
    if (!Ctx.hasRank(I) && T.EllipsisAt) {
      P = {unknownRank(Ctx, I), false};
      return std::nullopt;
    }
    int64_t Under = T.EllipsisAt ? Ctx.rank(I) - Letters : 0;
    if (Under < 0 || (Ctx.hasRank(I) && Ctx.rank(I) != Letters + Under))
      return Wrong("operand " + llvm::Twine(I) + " of '" + Text + "' has " +
                   llvm::Twine(Letters) + " labels, but shape " +
                   shapeText(Ctx.dims(I)));
    E.Operands.push_back(labelsOf(T, Under));
    EllipsisRank = std::max(EllipsisRank, Under);
    if (!Ctx.hasRank(I))
      continue;
    for (auto [Label, Dim] : llvm::zip_equal(E.Operands.back(), Ctx.dims(I))) {
      auto [At, New] = E.Extents.try_emplace(Label, Dim);
      if (New)
        continue;
      std::optional<Shape> Both = broadcast({At->second}, {Dim});
      if (!Both)
        return Wrong("an index of '" + Text + "' is " + toString(At->second) +
                     " in one operand and " + toString(Dim) + " in another");
      At->second = Both->front();
    }
  }
  E.Result = labelsOf(*Result, EllipsisRank);
  for (unsigned Label : E.Result)
    if (llvm::none_of(E.Operands, [&](const Labels &L) {
          return llvm::is_contained(L, Label);
        }))
      return Wrong("the result of '" + Text +
                   "' has an index that no operand has");
  return E;
}

/// FLOPs of one way to contract, by unit (C8).
struct Flops {
  Expr Matrix, Vector;
};

class Contraction {
public:
  explicit Contraction(const Equation &E, ExprStore &Store)
      : E(E), Store(Store) {}

  /// All orders of pairwise contraction of these operands.
  void search(llvm::SmallVector<Labels, 3> Left, Flops SoFar) {
    if (Left.size() == 1) {
      Found.push_back(SoFar);
      return;
    }
    for (size_t I = 0; I < Left.size(); ++I)
      for (size_t J = I + 1; J < Left.size(); ++J) {
        llvm::SmallVector<Labels, 3> Rest;
        for (size_t K = 0; K < Left.size(); ++K)
          if (K != I && K != J)
            Rest.push_back(Left[K]);
        Flops Next = SoFar;
        Rest.push_back(contract(Left[I], Left[J], Rest, Next));
        search(std::move(Rest), Next);
      }
  }

  /// C1: 2 × the product of all extents if an index is summed, else 1 ×.
  Labels contract(const Labels &A, const Labels &B, llvm::ArrayRef<Labels> Rest,
                  Flops &Cost) {
    Labels All, Kept;
    for (const Labels *L : {&A, &B})
      for (unsigned Label : *L)
        if (!llvm::is_contained(All, Label))
          All.push_back(Label);
    Expr Size = Store.constant(1);
    for (unsigned Label : All) {
      Size *= extent(Label);
      if (llvm::is_contained(E.Result, Label) ||
          llvm::any_of(Rest, [&](const Labels &L) {
            return llvm::is_contained(L, Label);
          }))
        Kept.push_back(Label);
    }
    if (Kept.size() < All.size())
      Cost.Matrix += 2 * Size;
    else
      Cost.Vector += Size;
    return Kept;
  }

  Expr extent(unsigned Label) const {
    auto At = E.Extents.find(Label);
    return At == E.Extents.end() ? Store.unknown("the rank of an operand is "
                                                 "unknown")
                                 : At->second;
  }

  llvm::SmallVector<Flops, 8> Found;

private:
  const Equation &E;
  ExprStore &Store;
};

Expr total(const Flops &F) { return F.Matrix + F.Vector; }

} // namespace

void inferEinsum(InferContext &Ctx) {
  Problem P;
  std::optional<Equation> E = readEquation(Ctx, P);
  if (!E) {
    if (P.Certain)
      Ctx.fail(P.Text);
    else
      Ctx.setUnknown(0, Ctx.elem(0), P.Text);
    return;
  }
  Shape Dims;
  for (unsigned Label : E->Result) {
    auto At = E->Extents.find(Label);
    Dims.push_back(At != E->Extents.end()
                       ? At->second
                       : Ctx.unknownDim("the rank of an operand is unknown"));
  }
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costEinsum(CostContext &Ctx) {
  Problem P;
  std::optional<Equation> E = readEquation(Ctx, P);
  if (!E) {
    Ctx.unknown(P.Text);
    return;
  }
  for (auto &[Label, Extent] : E->Extents)
    if (!Extent.isKnown())
      Ctx.unknown("an index has an unknown extent: " + Extent.unknownReason());
  if (static_cast<int64_t>(E->Operands.size()) > MaxOperands) {
    Ctx.unknown("the cheapest order of " + llvm::Twine(E->Operands.size()) +
                " operands is not searched for");
    return;
  }
  Contraction C(*E, Ctx.store());
  Expr Zero = Ctx.constant(0);
  if (E->Operands.size() == 1) {
    // One operand: a sum counts each element (C4), a transposition or a
    // diagonal moves data (C6).
    Flops F{Zero, Zero};
    Labels Kept = C.contract(E->Operands.front(), {}, {}, F);
    if (!(F.Matrix == Zero)) {
      Expr Size = Ctx.constant(1);
      for (auto &[Label, Extent] : E->Extents)
        Size *= Extent;
      Ctx.addVector(Size);
    }
    return;
  }
  C.search(E->Operands, {Zero, Zero});
  Flops Best = C.Found.front();
  bool AllMatrix = Best.Vector == Zero;
  for (const Flops &F : llvm::drop_begin(C.Found)) {
    AllMatrix &= F.Vector == Zero;
    if (lessEqual(total(Best), total(F)) != Truth::True)
      Best = F;
  }
  bool Cheapest = llvm::all_of(C.Found, [&](const Flops &F) {
    return lessEqual(total(Best), total(F)) == Truth::True;
  });
  if (!Cheapest && !AllMatrix) {
    Ctx.unknown("which order of contraction is cheapest depends on the sizes");
    return;
  }
  if (!Cheapest)
    for (const Flops &F : C.Found)
      Best.Matrix = min(Best.Matrix, F.Matrix);
  Ctx.addMatrix(Best.Matrix);
  Ctx.addVector(Best.Vector);
}

} // namespace xfa
