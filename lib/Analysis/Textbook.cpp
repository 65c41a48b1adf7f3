//===- Textbook.cpp - the seed's rules over the recognised blocks ---------===//

#include "LedgerBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace xfa {

namespace {

/// T2 to T8. B sequences, N new positions, M positions attended to; widths as
/// each product has them. Bytes are `n` an element (T9).
class Textbook {
public:
  Textbook(const Scope &Sc, ElemType Type, const CountingOptions &Counting,
           ExprStore &Store)
      : Sc(Sc), Type(Type), Counting(Counting), Builder(Store),
        Zero(Store.constant(0)), One(Store.constant(1)) {}

  void attention(const AttentionCore &A, int Layer) {
    Times = A.Times ? A.Times : One;
    Expr B = A.Batch, N = A.Rows, M = A.Columns;
    Expr Query = A.QueryWidth, Key = A.KeyWidth;
    Expr Value = A.ValueWidth, Result = A.ResultWidth;
    Expr PerRow = A.keysOfRow(), Read = A.keysRead();
    Expr Scores = A.Heads * B * N * PerRow;
    // With a cache only the new positions are projected (T7); so are they where
    // how many keys there are is data.
    Expr KeyRows = A.Cached || (!A.Cross && !M.isKnown()) ? N : M;
    if (A.Q)
      product(Role::QProj, Layer, B * N, A.Q.In, A.Q.Out, /*Bias=*/false);
    if (A.K)
      product(Role::KProj, Layer, B * KeyRows, A.K.In, A.K.Out, false);
    if (A.V)
      product(Role::VProj, Layer, B * KeyRows, A.V.In, A.V.Out, false);
    for (const auto &[R, P] : A.LowRank)
      product(R, Layer, B * (R == Role::QProj ? N : KeyRows), P.In, P.Out,
              false);
    // T3: product and scale are one operation; the scale has FLOPs only.
    add(Role::Qk, Layer, B * N * PerRow * Query * 2, Zero,
        B * N * Query + B * Read * Key, Scores, Zero);
    if (A.Scaled)
      add(Role::Scale, Layer, Zero, Scores, Zero, Zero, Zero);
    if (A.Masked) // T4
      add(Role::Mask, Layer, Zero, Scores, Scores, Scores, Zero);
    add(Role::Softmax, Layer, Zero, Scores * int64_t(Counting.SoftmaxFlops),
        Scores, Scores, Zero);
    add(Role::Av, Layer, B * N * PerRow * Result * 2, Zero,
        Scores + B * Read * Value, B * N * Result, Zero);
    if (A.Out) // T5
      product(Role::OutProj, Layer, B * N, Result, A.Out.Out, false);
  }

  /// T6, T8: gated ones have three products; experts count those that a token
  /// uses for FLOPs, and those that are touched for weights.
  void mlp(const Mlp &L, Expr Rows, int Layer) {
    Times = L.Times ? L.Times : One;
    Expr Uses = Rows, Touched = One;
    if (L.Experts) {
      Uses = Rows * L.Chosen;
      Touched = min(L.Experts, Uses);
    }
    for (auto [R, P] :
         {std::pair(Role::MlpUp, &L.Up), std::pair(Role::MlpGate, &L.Gate),
          std::pair(Role::MlpDown, &L.Down)})
      if (*P)
        product(R, Layer, Uses, P->In, P->Out, P->Bias, Touched);
  }

  /// Roles without a rule of the textbook's own: as the graph has them.
  void fromGraph(const Ledger &Graph) {
    for (const Ledger::Cell &C : Graph.Cells)
      if (!hasRule(C.R) && Sc.covers(C.R))
        Builder.add(C.R, C.Layer, C.W, Type, One);
  }

  Ledger finish() { return Builder.finish(); }

private:
  static bool hasRule(Role R) {
    switch (R) {
    case Role::QProj:
    case Role::KProj:
    case Role::VProj:
    case Role::QkvProj:
    case Role::Qk:
    case Role::Scale:
    case Role::Mask:
    case Role::Softmax:
    case Role::Av:
    case Role::Attention:
    case Role::OutProj:
    case Role::MlpUp:
    case Role::MlpGate:
    case Role::MlpDown:
      return true;
    default:
      return false;
    }
  }

  /// [Rows, In] × [In, Out]; a bias is one FLOP an element, and is read (T6).
  void product(Role R, int Layer, Expr Rows, Expr In, Expr Out, bool Bias,
               Expr Copies = Expr()) {
    Expr Matrix = In * Out, Vector = Bias ? Out : Zero;
    if (Copies) {
      Matrix = Matrix * Copies;
      Vector = Vector * Copies;
    }
    Expr Flops = Rows * In * Out * 2, More = Bias ? Rows * Out : Zero;
    if (!Counting.Weights) {
      add(R, Layer, Flops, More, Rows * In + Matrix + Vector, Rows * Out,
          Matrix + Vector);
      return;
    }
    // As the graph ledger counts it: a scale, in the activations' type, for
    // each group.
    Expr Weight = bytesOf(Matrix, *Counting.Weights) + bytesOf(Vector, Type);
    if (Counting.WeightGroup > 0)
      Weight += bytesOf(ceilDiv(Matrix, Counting.WeightGroup), Type);
    if (Sc.covers(R))
      Builder.add(R, Layer,
                  {Flops, More, bytesOf(Rows * In, Type) + Weight,
                   bytesOf(Rows * Out, Type), Weight},
                  Type, Times);
  }

  /// FLOPs, and elements read, written, and read of weights.
  void add(Role R, int Layer, Expr Matrix, Expr Vector, Expr Read, Expr Written,
           Expr Weight) {
    if (!Sc.covers(R))
      return;
    Builder.add(R, Layer,
                {Matrix, Vector, bytesOf(Read, Type), bytesOf(Written, Type),
                 bytesOf(Weight, Type)},
                Type, Times);
  }

  const Scope &Sc;
  ElemType Type;
  const CountingOptions &Counting;
  LedgerBuilder Builder;
  Expr Zero, One;
  Expr Times; ///< how often what is being counted runs
};

constexpr Role MhaRoles[] = {Role::Qk,      Role::Scale, Role::Mask,
                             Role::Softmax, Role::Av,    Role::Attention};
constexpr Role ProjectionRoles[] = {Role::QProj, Role::KProj, Role::VProj,
                                    Role::QkvProj, Role::OutProj};
constexpr Role MlpRoles[] = {Role::MlpUp, Role::MlpGate, Role::MlpDown};

} // namespace

bool Scope::covers(Role R) const { return llvm::is_contained(Roles, R); }

Scope Scope::core() { return llvm::cantFail(parse("core")); }

llvm::Expected<Scope> Scope::parse(llvm::StringRef Text) {
  Scope S;
  S.Name = Text.str();
  llvm::SmallVector<llvm::StringRef, 4> Parts;
  Text.split(Parts, ',');
  for (llvm::StringRef Part : Parts) {
    Part = Part.trim();
    bool Core = Part == "core", Attention = Part == "attention";
    if (Core || Attention || Part == "mha")
      llvm::append_range(S.Roles, MhaRoles);
    if (Core || Attention)
      llvm::append_range(S.Roles, ProjectionRoles);
    if (Core || Part == "mlp")
      llvm::append_range(S.Roles, MlpRoles);
    if (Core || Attention || Part == "mha" || Part == "mlp")
      continue;
    if (Part == "all") {
      for (unsigned R = 0; R <= static_cast<unsigned>(Role::Other); ++R)
        S.Roles.push_back(static_cast<Role>(R));
      continue;
    }
    std::optional<Role> R = roleFromName(Part);
    if (!R)
      return llvm::createStringError(
          "unknown scope '" + Part +
          "': expected core, attention, mha, mlp, all, or roles such as "
          "q_proj or softmax");
    S.Roles.push_back(*R);
  }
  return S;
}

Ledger textbookLedger(const Structure &S, const Scope &Sc, ElemType Type,
                      const CountingOptions &Counting, const Ledger &Graph,
                      ExprStore &Store) {
  Textbook Book(Sc, Type, Counting, Store);
  for (const Block &B : S.Blocks) {
    for (const AttentionCore &A : B.Attention)
      Book.attention(A, B.Layer);
    for (const Mlp &L : B.Mlps)
      Book.mlp(L, L.Rows, B.Layer);
  }
  Book.fromGraph(Graph);
  Ledger L = Book.finish();
  L.Exact &= S.Unplaced.empty();
  return L;
}

//===----------------------------------------------------------------------===//
// Reconcile
//===----------------------------------------------------------------------===//

namespace {

struct Difference {
  llvm::StringRef What;
  llvm::SmallVector<Role, 4> Roles;
};

Work sumOf(const Ledger &L, llvm::ArrayRef<Role> Roles, ExprStore &Store) {
  Work W = Work::zero(Store);
  for (const Ledger::RoleRow &Row : L.Roles)
    if (llvm::is_contained(Roles, Row.R))
      W += Row.W;
  return W;
}

} // namespace

Reconciliation reconcile(const Structure &S, const Ledger &Textbook,
                         const Ledger &Graph, ElemType Type, ExprStore &Store) {
  Reconciliation R;
  R.TextbookFlops = Textbook.Total.flops();
  R.TextbookBytes = Textbook.Total.bytes();
  R.GraphFlops = Graph.Total.flops();
  R.GraphBytes = Graph.Total.bytes();
  auto Line = [&](llvm::StringRef What, Expr Flops, Expr Bytes) {
    if (!Flops.is(0) || !Bytes.is(0))
      R.Lines.push_back({What.str(), Flops, Bytes});
  };

  // Input projections: a packed product reads X once, where the textbook's
  // separate ones read it anew; what is left is the biases.
  const Role Inputs[] = {Role::QProj, Role::KProj, Role::VProj, Role::QkvProj};
  Expr Packed = Store.constant(0);
  if (!sumOf(Textbook, Inputs, Store).bytes().is(0))
    for (const Block &B : S.Blocks)
      for (const AttentionCore &A : B.Attention)
        Packed -= bytesOf(A.SavedReads, Type);
  Line("packed QKV: X read once, not anew for each of Q, K and V",
       Store.constant(0), Packed);

  const Difference Differences[] = {
      {"attention projections: biases",
       {Role::QProj, Role::KProj, Role::VProj, Role::QkvProj, Role::OutProj}},
      {"attention in one operator, and scores: scale, mask and softmax as the "
       "file has them",
       {Role::Attention}},
      {"scores: Q·Kᵀ", {Role::Qk}},
      {"scores: scale as an operation of its own", {Role::Scale}},
      {"scores: mask, its own bytes included", {Role::Mask}},
      {"scores: softmax", {Role::Softmax}},
      {"scores: A·V", {Role::Av}},
      {"MLP products", {Role::MlpUp, Role::MlpGate, Role::MlpDown}},
      {"activation", {Role::Activation}},
      {"norm", {Role::Norm}},
      {"residual", {Role::Residual}},
      {"rotary embedding", {Role::Rope}},
      {"router", {Role::Router}},
      {"cache", {Role::Cache}},
      {"embedding", {Role::Embedding}},
      {"LM head", {Role::LmHead}},
      {"other", {Role::Other}},
  };
  for (const Difference &D : Differences) {
    Work In = sumOf(Graph, D.Roles, Store),
         Out = sumOf(Textbook, D.Roles, Store);
    Expr Bytes = In.bytes() - Out.bytes();
    if (D.Roles.front() == Role::QProj)
      Bytes -= Packed;
    Line(D.What, In.flops() - Out.flops(), Bytes);
  }
  return R;
}

} // namespace xfa
