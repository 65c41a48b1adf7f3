//===- Explain.cpp - T2 to T8, told step by step --------------------------===//

#include "xfa/Analysis/Explain.h"

#include "xfa/Analysis/Decode.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

constexpr Role Explainable[] = {Role::QProj,   Role::KProj,   Role::VProj,
                                Role::Qk,      Role::Scale,   Role::Mask,
                                Role::Softmax, Role::Av,      Role::OutProj,
                                Role::MlpUp,   Role::MlpGate, Role::MlpDown};

/// Letters that stand for numbers of the model while formulas are made. What is
/// symbolic in the model stays as it is there.
class Alphabet {
public:
  explicit Alphabet(const ModelAnalysis &A) : A(A) {}

  Expr letter(llvm::StringRef Name, Expr Actual) {
    if (!Actual)
      return A.Store->unknown("not found");
    if (!Actual.isConstant())
      return Actual;
    std::string Free = Name.str();
    while (llvm::any_of(A.Symbols,
                        [&](const SymbolInfo &S) { return S.Name == Free; }))
      Free += "_";
    if (llvm::none_of(Values, [&](const auto &V) { return V.first == Free; }))
      Values.emplace_back(Free, Actual);
    return A.Store->symbol(Free);
  }

  /// The letter of a width; an equal one that has a letter lends it.
  Expr width(llvm::StringRef Name, Expr Actual) {
    for (llvm::StringRef Given : {"D", "A", "K"})
      for (const auto &[Letter, Value] : Values)
        if (Letter == Given && Value == Actual)
          return A.Store->symbol(Letter);
    return letter(Name, Actual);
  }

  Expr withNumbers(Expr E) const {
    Substitution With;
    for (const auto &[Name, Value] : Values)
      With[Name] = Value;
    return substitute(E, With);
  }

  std::vector<std::pair<std::string, Expr>> Values;

private:
  const ModelAnalysis &A;
};

std::string text(Expr E) { return toString(E, ExprStyle::Human); }

/// The first piece of a role in a model.
struct Piece {
  const AttentionCore *Core = nullptr; ///< of the role, or of the same block
  const Mlp *L = nullptr;
};

const Projection *projectionOf(const Piece &P, Role R) {
  switch (R) {
  case Role::QProj:
    return P.Core ? &P.Core->Q : nullptr;
  case Role::KProj:
    return P.Core ? &P.Core->K : nullptr;
  case Role::VProj:
    return P.Core ? &P.Core->V : nullptr;
  case Role::OutProj:
    return P.Core ? &P.Core->Out : nullptr;
  case Role::MlpUp:
    return P.L ? &P.L->Up : nullptr;
  case Role::MlpGate:
    return P.L ? &P.L->Gate : nullptr;
  case Role::MlpDown:
    return P.L ? &P.L->Down : nullptr;
  default:
    return nullptr;
  }
}

bool isMlp(Role R) {
  return R == Role::MlpUp || R == Role::MlpGate || R == Role::MlpDown;
}

/// Null Core and L if the model has no piece of that role.
Piece firstPiece(const Structure &S, Role R) {
  for (const Block &B : S.Blocks) {
    Piece P;
    if (!B.Attention.empty())
      P.Core = &B.Attention.front();
    if (isMlp(R)) {
      for (const Mlp &L : B.Mlps) {
        P.L = &L;
        if (*projectionOf(P, R))
          return P;
      }
      continue;
    }
    for (const AttentionCore &C : B.Attention) {
      P.Core = &C;
      const Projection *Product = projectionOf(P, R);
      bool Has = R == Role::Scale  ? C.Scaled
                 : R == Role::Mask ? C.Masked
                                   : !Product || *Product;
      if (Has)
        return P;
    }
  }
  return {};
}

class Teller {
public:
  Teller(const ModelAnalysis &A, Role R, const Piece &P,
         const CountingOptions &Counting)
      : A(A), R(R), P(P), Counting(Counting), Letters(A) {
    if (P.Core) {
      B = Letters.letter("B", P.Core->Batch);
      bool Square = P.Core->Rows == P.Core->Columns;
      N = Letters.letter(Square ? "N" : "S", P.Core->Rows);
      M = Square ? N : Letters.letter("N", P.Core->Columns);
    }
    D = Letters.letter("D", A.Found.Hidden);
    Elem =
        Letters.letter("n", A.Store->constant(elemBits(A.ActivationType) / 8));
  }

  Explanation tell() {
    if (const Projection *Product = projectionOf(P, R))
      isMlp(R) ? mlp(*Product) : projection(*Product);
    else
      core();
    finish();
    return std::move(E);
  }

private:
  void step(llvm::StringRef Rule, const llvm::Twine &Text, Expr Flops,
            Expr Bytes) {
    E.Steps.push_back({Rule.str(), Text.str(), Flops, Bytes, false});
    if (Flops)
      SumFlops = SumFlops ? SumFlops + Flops : Flops;
    if (Bytes)
      SumBytes = SumBytes ? SumBytes + Bytes : Bytes;
  }

  /// [Rows, In] × [In, Out].
  void product(llvm::StringRef Rule, Expr Rows, Expr In, Expr Out, bool Bias,
               Expr Copies, llvm::StringRef X) {
    step("C1",
         "[" + text(Rows) + ", " + text(In) + "] times a weight [" + text(In) +
             ", " + text(Out) + "]: each of the " + text(Rows * Out) +
             " results is a sum of " + text(In) +
             " products, one multiplication and one addition each",
         Rows * In * Out * 2, Expr());
    if (Bias)
      step("T6", "the bias is added to each result", Rows * Out, Expr());
    step(Rule, X + " is read", Expr(), Elem * Rows * In);
    Expr Matrix = In * Out, Vector = Bias ? Out : A.Store->constant(0);
    if (Copies) {
      Matrix *= Copies;
      Vector *= Copies;
    }
    // With a type of their own as the textbook ledger counts them: a scale, in
    // the activations' type, for each group.
    const bool Narrow = Counting.Weights.has_value();
    Expr Bytes = Narrow ? bytesOf(Matrix, *Counting.Weights) + Elem * Vector
                        : Elem * (Matrix + Vector);
    std::string Type =
        Narrow ? ", in " + elemTypeName(*Counting.Weights).str() : "";
    if (Copies)
      step("T8",
           "the weights of the experts that are touched are read once, " +
               text(Copies) + " of them" + Type,
           Expr(), Bytes);
    else
      step(Rule,
           (Bias ? "the weight and the bias are read once"
                 : "the weight is read once") +
               Type,
           Expr(), Bytes);
    if (Narrow && Counting.WeightGroup > 0)
      step(Rule,
           "and a scale for each " + llvm::Twine(Counting.WeightGroup) +
               " weights",
           Expr(), Elem * ceilDiv(Matrix, Counting.WeightGroup));
    step(Rule, "the result is written", Expr(), Elem * Rows * Out);
  }

  void projection(const Projection &Product) {
    const AttentionCore &C = *P.Core;
    Expr Query = Letters.width("A", C.QueryWidth);
    Expr Rows = B * N, Out = Query, In = D;
    llvm::StringRef Rule = "T2", X = "X, anew for each of Q, K and V,";
    if (R == Role::QProj) {
      E.What = "the projection of X to queries";
      In = Letters.width("D", Product.In);
    } else if (R == Role::OutProj) {
      E.What = "the projection of all heads' results to the model's width";
      Rule = "T5";
      X = "the heads' result";
      In = Letters.width("A", C.ResultWidth);
      Out = Letters.width("D", Product.Out);
    } else {
      bool Key = R == Role::KProj;
      E.What =
          Key ? "the projection of X to keys" : "the projection of X to values";
      In = Letters.width("D", Product.In);
      Out = Letters.width("K", Key ? C.KeyWidth : C.ValueWidth);
      if (!C.Cached)
        Rows = B * M; // cross-attention has its own length
      if (C.KvHeads != C.Heads)
        step("T8",
             "grouped heads: " + text(C.Heads) + " heads of queries share " +
                 text(C.KvHeads) + " of keys and values, so the width is " +
                 text(Out),
             Expr(), Expr());
    }
    product(Rule, Rows, In, Out, false, Expr(), X);
    if (Product.Bias)
      step("T2", "its bias is not counted", Expr(), Expr());
  }

  void mlp(const Projection &Product) {
    static constexpr std::pair<Role, llvm::StringLiteral> Names[] = {
        {Role::MlpUp, "the MLP's product to its hidden width"},
        {Role::MlpGate, "the MLP's second product, which gates the first"},
        {Role::MlpDown, "the MLP's product back to the model's width"}};
    for (const auto &[Which, Name] : Names)
      if (Which == R)
        E.What = Name.str();
    Expr Rows = P.L->Rows;
    if (P.Core && P.Core->Batch * P.Core->Rows == Rows)
      Rows = B * N;
    else
      Rows = Letters.letter("T", Rows);
    Expr Copies;
    if (P.L->Experts) {
      Rows *= Letters.letter("k", P.L->Chosen);
      step("T8",
           "each token goes through " + text(P.L->Chosen) + " of " +
               text(P.L->Experts) + " experts",
           Expr(), Expr());
      Copies = min(P.L->Experts, Letters.withNumbers(Rows));
    }
    bool Down = R == Role::MlpDown;
    Expr In = Down ? hidden(Product.In) : Letters.width("D", Product.In);
    Expr Out = Down ? Letters.width("D", Product.Out) : hidden(Product.Out);
    product("T6", Rows, In, Out, Product.Bias, Copies,
            Down ? "the hidden rows" : "X");
  }

  /// 4·D where it is that.
  Expr hidden(Expr Width) {
    Expr Model = A.Found.Hidden;
    return Model && Width == Model * 4 ? D * 4 : Letters.letter("F", Width);
  }

  void core() {
    const AttentionCore &C = *P.Core;
    Expr H = Letters.letter("H", C.Heads);
    // T8: a window limits the keys of a row, and those of all rows.
    Expr PerRow = M, Read = M;
    if (C.Window) {
      Expr W = Letters.letter("W", C.Window);
      PerRow = min(M, W);
      Read = min(M, W + N - 1);
      step("T8",
           "a sliding window: of " + text(M) + " keys a row attends to " +
               text(PerRow) + ", all rows together to " + text(Read),
           Expr(), Expr());
    }
    Expr Scores = B * H * N * PerRow;
    std::string Many = "there are " + text(Scores) + " scores";
    Expr Query = Letters.width("A", C.QueryWidth);
    if (R == Role::Qk) {
      E.What = "the scores Q·Kᵀ";
      Expr Key = Letters.width("K", C.KeyWidth);
      step("C1",
           "a score is a sum of " + text(Query) + "/" + text(H) +
               " products, the width of a head: two FLOPs each; " + Many,
           B * N * PerRow * Query * 2, Expr());
      step("T3", "Q is read", Expr(), Elem * B * N * Query);
      step(C.Cached ? "T7" : "T3",
           C.Cached ? "K is read from the cache" : "K is read", Expr(),
           Elem * B * Read * Key);
      step("T3", "the scores are written, already scaled", Expr(),
           Elem * Scores);
    } else if (R == Role::Scale) {
      E.What = "the scaling of the scores by 1/√d";
      step("T3", "one multiplication a score; " + Many, Scores, Expr());
      step("T3", "it is fused into the product, so it moves nothing", Expr(),
           A.Store->constant(0));
    } else if (R == Role::Mask) {
      E.What = "the causal mask";
      step("T4", "one comparison a score; " + Many, Scores, Expr());
      step("T4", "the scores are read", Expr(), Elem * Scores);
      step("T4", "and written; the mask itself is not read", Expr(),
           Elem * Scores);
    } else if (R == Role::Softmax) {
      E.What = "the softmax of each row of scores";
      step("C3",
           (Counting.SoftmaxFlops == 5
                ? "a maximum, a subtraction, an exponential, an addition and a "
                  "division a score; "
                : "an exponential, an addition and a division a score; ") +
               Many,
           Scores * int64_t(Counting.SoftmaxFlops), Expr());
      step("T4", "the scores are read", Expr(), Elem * Scores);
      step("T4", "the weights of the values are written", Expr(),
           Elem * Scores);
    } else {
      E.What = "the weighted sum of values A·V";
      Expr Result = Letters.width("A", C.ResultWidth);
      Expr Value = Letters.width("K", C.ValueWidth);
      step("C1",
           "each of the " + text(B * N * Result) + " results is a sum of " +
               text(PerRow) + " products: two FLOPs each",
           B * N * PerRow * Result * 2, Expr());
      step("T4", "the weights are read", Expr(), Elem * Scores);
      step(C.Cached ? "T7" : "T4",
           C.Cached ? "V is read from the cache" : "V is read", Expr(),
           Elem * B * Read * Value);
      step("T4", "the result is written", Expr(), Elem * B * N * Result);
    }
  }

  void finish() {
    Expr Zero = A.Store->constant(0);
    Expr Flops = SumFlops ? SumFlops : Zero, Bytes = SumBytes ? SumBytes : Zero;
    E.R = R;
    // Only the letters that the formulas have.
    llvm::erase_if(Letters.Values, [&](const auto &V) {
      return !llvm::is_contained(symbols(Flops), V.first) &&
             !llvm::is_contained(symbols(Bytes), V.first);
    });
    E.Steps.push_back({"", "together", Flops, Bytes, true});
    std::string Here;
    for (const auto &[Letter, Value] : Letters.Values)
      Here += (Here.empty() ? "with " : ", ") + Letter + " = " +
              toString(Value, ExprStyle::Python);
    if (!Here.empty())
      E.Steps.push_back({"", Here, Letters.withNumbers(Flops),
                         Letters.withNumbers(Bytes), true});
    E.Letters = Letters.Values;
  }

  const ModelAnalysis &A;
  Role R;
  const Piece &P;
  const CountingOptions &Counting;
  Alphabet Letters;
  Expr B, N, M, D;
  Expr Elem; ///< bytes of an element, n in the formulas
  Expr SumFlops, SumBytes;
  Explanation E;
};

const Ledger::RoleRow *rowOf(const Ledger &L, Role R) {
  for (const Ledger::RoleRow &Row : L.Roles)
    if (Row.R == R)
      return &Row;
  return nullptr;
}

/// What the model has of the textbook's roles.
std::string rolesOf(const Structure &S) {
  std::string Names;
  for (Role R : Explainable) {
    Piece P = firstPiece(S, R);
    if (P.Core || P.L)
      Names += (Names.empty() ? "" : " ") + roleName(R).str();
  }
  return Names;
}

} // namespace

llvm::ArrayRef<Role> explainableRoles() { return Explainable; }

llvm::Expected<Explanation> explainRole(const ModelAnalysis &A, Role R,
                                        const AnalysisOptions &Options) {
  Piece P = firstPiece(A.Found, R);
  if (!P.Core && !P.L) {
    std::string Has = rolesOf(A.Found);
    return llvm::createStringError(
        "the model has no " + roleName(R) + "; " +
        (Has.empty() ? std::string("no transformer was found")
                     : "it has: " + Has));
  }
  Explanation E = Teller(A, R, P, Options.Counting).tell();

  AnalysisOptions Only = Options;
  Only.TextbookScope = llvm::cantFail(Scope::parse(roleName(R)));
  Ledger All = textbookLedger(A.Found, Only.TextbookScope, A.ActivationType,
                              Options.Counting, A.Graph, *A.Store);
  const Ledger::RoleRow *Row = rowOf(All, R);
  if (!Row)
    return E;
  E.Count = Row->Count;
  Expr Flops = E.Steps.back().Flops, Bytes = E.Steps.back().Bytes;
  E.LayersDiffer = Flops * Row->Count != Row->W.flops() ||
                   Bytes * Row->Count != Row->W.bytes();
  if (Row->Count > 1)
    E.Steps.push_back({"",
                       (E.LayersDiffer ? "all " : "times ") +
                           std::to_string(Row->Count) +
                           (E.LayersDiffer ? ", which differ" : ""),
                       Row->W.flops(), Row->W.bytes(), true});
  DecodeFacts Step = analyseDecode(A, Only);
  if (!Step.None.empty())
    return E;
  if (const Ledger::RoleRow *One = rowOf(Step.Textbook.One.L, R))
    E.Steps.push_back({"T7",
                       "decoding, all of them: one new row a sequence, N "
                       "positions in the cache",
                       One->W.flops(), One->W.bytes(), true});
  else
    E.Steps.push_back({"T7", "decoding: one new row needs none",
                       A.Store->constant(0), A.Store->constant(0), true});
  return E;
}

} // namespace xfa
