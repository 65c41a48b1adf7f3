//===- BuildTables.cpp - nodes, operators, values, memory -----------------===//

#include "Build.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace xfa {

/// Bytes of keys and values of all positions, cached and new; null without a
/// cache.
static Expr kvCacheBytes(const ModelAnalysis &A,
                         const CountingOptions &Counting) {
  if (!A.HasCache)
    return Expr();
  Expr Sum;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (!Core.Cached || Core.Cross || !Core.PastKey)
        continue;
      ElemType Type = countedType(A.Facts[Core.PastKey].Elem, Counting);
      Expr Elements =
          Core.Batch * Core.Columns * (Core.KeyWidth + Core.ValueWidth);
      Expr Bytes = bytesOf(Elements, Type);
      Sum = Sum ? Sum + Bytes : Bytes;
    }
  return Sum;
}

void buildMemory(Report &R, const BoundPoints &Points) {
  const MemoryFacts &F = *R.A->Memory;
  MemoryView V;
  V.PeakBytes = F.PeakBytes;
  V.ActivationBytes = F.ActivationBytes;
  V.WeightBytes = F.WeightBytes;
  V.KvCacheBytes = kvCacheBytes(*R.A, R.Options.Counting);
  V.Exact = F.Exact;
  V.Unknown = F.Unknown;
  for (const auto &[Node, Bytes] : F.PeakAt)
    if (Node)
      V.PeakAt.push_back({R.M->label(Node), (*R.M)[Node].Op.str(), Bytes});
  V.None = Points.None;
  for (const BoundPoint &P : Points.Points) {
    std::string Why;
    auto Value = [&](Expr E) -> std::optional<__int128> {
      if (!E)
        return std::nullopt;
      llvm::Expected<__int128> At = evaluate(E, P.Values);
      if (At)
        return *At;
      Why = llvm::toString(At.takeError());
      return std::nullopt;
    };
    std::optional<__int128> Peak = Value(F.PeakBytes);
    std::optional<__int128> Activations = Value(F.ActivationBytes);
    std::optional<__int128> Weights = Value(F.WeightBytes);
    if (Peak && Activations && Weights)
      V.Rows.push_back(
          {P.At, *Peak, *Activations, *Weights, Value(V.KvCacheBytes)});
    else if (V.None.empty())
      V.None = "no figures at " + toString(P.At) + ": " + Why;
  }
  R.Memory = std::move(V);
}

void buildNodes(Report &R) {
  const ModelAnalysis &A = *R.A;
  R.Nodes.reserve(R.M->Nodes.size());
  for (size_t I = 0; I < A.Costs.Nodes.size(); ++I) {
    const NodeCost &C = A.Costs.Nodes[I];
    NodeRow Row;
    Row.Node = NodeId(I);
    Row.Folded = C.Folded;
    if (I < A.Found.Roles.size())
      Row.R = A.Found.Roles[I];
    if (!Row.R && !C.Folded && !C.Times.is(0)) // as its ledger counts it
      Row.R = Role::Other;
    if (I < A.Found.Layers.size())
      Row.Layer = A.Found.Layers[I];
    Row.Why = C.Unknown;
    // C16: what is known of an unknown cost is in the totals, so it is shown;
    // of what nothing is known there is no figure.
    auto Figure = [&](Expr Once) {
      Expr All = Once * C.Times;
      return C.known() || !All.is(0) ? A.alias(All) : Expr();
    };
    Row.Flops = Figure(C.Matrix + C.Vector);
    Row.Read = Figure(C.Read);
    Row.Written = Figure(C.Written);
    R.Nodes.push_back(std::move(Row));
  }
}

void buildOps(Report &R) {
  const ModelAnalysis &A = *R.A;
  Expr Zero = A.Store->constant(0);
  llvm::StringMap<size_t> Index;
  for (size_t I = 0; I < A.Costs.Nodes.size(); ++I) {
    const Node &N = (*R.M)[NodeId(I)];
    const NodeCost &C = A.Costs.Nodes[I];
    if (C.Folded)
      continue;
    std::string Name =
        N.Domain.empty() ? N.Op.str() : (N.Domain + "." + N.Op).str();
    auto [At, New] = Index.try_emplace(Name, R.Ops.size());
    if (New)
      R.Ops.push_back({Name, 0, 0, Zero, Zero});
    OpRow &Row = R.Ops[At->second];
    ++Row.Count;
    Row.Unknown += !C.known(); // what is known of it counts (C16)
    Row.Flops += (C.Matrix + C.Vector) * C.Times;
    Row.Bytes += (C.Read + C.Written) * C.Times;
  }
  for (OpRow &Row : R.Ops) {
    Row.Flops = A.alias(Row.Flops);
    Row.Bytes = A.alias(Row.Bytes);
  }
  llvm::sort(R.Ops, [](const OpRow &X, const OpRow &Y) { return X.Op < Y.Op; });
}

void buildValues(Report &R) {
  const Graph &G = R.M->main();
  llvm::append_range(R.Values, G.Inputs);
  llvm::append_range(R.Values, G.Initializers);
  for (NodeId Id : G.Nodes)
    for (ValueId V : (*R.M)[Id].Outputs)
      if (V)
        R.Values.push_back(V);
}

/// In the order in which they are named.
static constexpr std::pair<Role, llvm::StringLiteral> RoleWords[] = {
    {Role::Embedding, "embeddings"},
    {Role::Norm, "norms"},
    {Role::Rope, "rotary embedding"},
    {Role::QProj, "projections"},
    {Role::KProj, "projections"},
    {Role::VProj, "projections"},
    {Role::QkvProj, "projections"},
    {Role::Qk, "attention"},
    {Role::Scale, "attention"},
    {Role::Mask, "attention"},
    {Role::Softmax, "attention"},
    {Role::Av, "attention"},
    {Role::Attention, "attention"},
    {Role::OutProj, "projections"},
    {Role::MlpUp, "MLP"},
    {Role::MlpGate, "MLP"},
    {Role::MlpDown, "MLP"},
    {Role::Residual, "residuals"},
    {Role::Activation, "activation"},
    {Role::Router, "router"},
    {Role::Cache, "cache"},
    {Role::LmHead, "LM head"},
    {Role::Other, "other nodes"},
};

static bool covered(const Scope &S, Role R) {
  if (R == Role::QkvProj)
    return S.covers(Role::QProj) || S.covers(Role::KProj) ||
           S.covers(Role::VProj) || S.covers(R);
  if (R == Role::Attention)
    return S.covers(Role::Qk) || S.covers(R);
  return S.covers(R);
}

static bool hasAttentionBias(const Structure &S) {
  for (const Block &B : S.Blocks)
    for (const AttentionCore &Core : B.Attention)
      if (Core.Q.Bias || Core.K.Bias || Core.V.Bias || Core.Out.Bias)
        return true;
  return false;
}

void buildLeftOut(Report &R) {
  if (!R.A->Textbook)
    return;
  const Scope &S = R.Options.TextbookScope;
  auto &Parts = R.LeftOut.Parts;
  for (const auto &[Part, Word] : RoleWords) {
    if (Part == Role::LmHead && S.covers(Role::QProj) &&
        hasAttentionBias(R.A->Found))
      Parts.emplace_back("attention biases");
    for (const Ledger::RoleRow &Row : R.A->Graph.Roles)
      if (Row.R == Part && !covered(S, Part) &&
          !llvm::is_contained(Parts, Word) &&
          !(Row.W.flops().is(0) && Row.W.bytes().is(0)))
        Parts.push_back(Word.str());
  }
}

void buildHints(Report &R) {
  if (R.Gpus.empty())
    R.Next.emplace_back("--gpu=t4");
  if (!R.Summary.Unknown.empty() && !R.shows(View::Nodes))
    R.Next.emplace_back("--view=nodes");
  if (R.Ledgers.front().Kind == LedgerKind::Textbook)
    R.Next.emplace_back("--ledger=graph");
  else if (!R.shows(View::Ops))
    R.Next.emplace_back("--view=ops");
  if (R.A->Textbook && !R.shows(View::Layers))
    R.Next.emplace_back("--view=layers");
  if (!R.shows(View::Memory))
    R.Next.emplace_back("--view=memory");
  if (R.Found.Kind == Structure::Decoder && !R.shows(View::Decode))
    R.Next.emplace_back("--view=decode");
  R.Next.emplace_back("--format=json -o report.json");
}

} // namespace xfa
