//===- Decode.cpp - the structure with few query rows and a cache (T7) ----===//

#include "xfa/Analysis/Decode.h"

#include "xfa/Analysis/Sum.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

namespace {

/// A symbol of that name that the graph has not.
Expr freshSymbol(const ModelAnalysis &A, llvm::StringRef Name) {
  std::string Free = Name.str();
  while (llvm::any_of(
      A.Symbols, [&](const SymbolInfo &Info) { return Info.Name == Free; }))
    Free += "_";
  return A.Store->symbol(Free);
}

/// Why no step can be told from what was found; empty if one can.
std::string whyNone(const ModelAnalysis &A) {
  const Structure &S = A.Found;
  if (!S.hasTransformer())
    return "no transformer was found";
  if (S.Kind == Structure::Encoder)
    return "an encoder has no decoding step: each position reads those after "
           "it";
  if (S.Causal == Verdict::Refuted)
    return "the attention is not causal (" + S.CausalWhy +
           "), so earlier keys and values cannot be kept";
  const AttentionCore *Core = S.selfAttention();
  if (!Core && S.Kind != Structure::Mlp)
    return "no self-attention was found, so there is nothing to cache";
  if (!Core && llvm::none_of(A.Symbols, [](const SymbolInfo &Info) {
        return Info.Meaning == SymbolInfo::Sequence;
      }))
    return "no dimension is known to be the sequence";
  return "";
}

/// The rows of an MLP when a sequence has `New` new ones.
Expr stepRows(const ModelAnalysis &A, Expr Rows, const AttentionCore *Core,
              Expr New) {
  if (Core)
    return exactDiv(Rows * New, Core->Rows);
  for (const SymbolInfo &Info : A.Symbols)
    if (Info.Meaning == SymbolInfo::Sequence)
      return substitute(Rows, {{llvm::StringRef(Info.Name), New}});
  return Rows;
}

/// The blocks as a step runs them: `New` rows, `All` positions. Of a graph that
/// holds encoder and decoder, the decoder's.
Structure stepStructure(const ModelAnalysis &A, Expr New, Expr All,
                        bool Masked) {
  Structure S;
  S.Unplaced = A.Found.Unplaced;
  for (const Block *Found : A.Found.decoderBlocks()) {
    Block B = *Found;
    const AttentionCore *Self = nullptr;
    for (const AttentionCore &C : Found->Attention)
      if (!Self && !C.Cross)
        Self = &C;
    if (!Self)
      Self = A.Found.selfAttention();
    for (AttentionCore &C : B.Attention) {
      C.Rows = New;
      if (C.Cross) { // T8: its keys and values were made once, before
        C.K = C.V = Projection();
        continue;
      }
      C.Columns = All;
      C.Cached = true;
      C.Masked &= Masked;
    }
    for (Mlp &L : B.Mlps)
      L.Rows = stepRows(A, L.Rows, Self, New);
    S.Blocks.push_back(std::move(B));
  }
  return S;
}

/// Bytes that the textbook's cached attention moves to and from its cache, of
/// the roles in scope: K at the scores, V at the values, and the new rows of
/// both where the projections write them.
Expr cacheTraffic(const Structure &Step, const Scope &Sc, ElemType Type,
                  ExprStore &Store) {
  Sum Elements;
  for (const Block &B : Step.Blocks)
    for (const AttentionCore &C : B.Attention) {
      Expr Key = C.Batch * C.KeyWidth;
      Expr Value = C.Batch * C.ValueWidth;
      if (Sc.covers(Role::Qk))
        Elements.addKnown(Key * C.keysRead());
      if (Sc.covers(Role::Av))
        Elements.addKnown(Value * C.keysRead());
      if (C.K && Sc.covers(Role::KProj))
        Elements.addKnown(Key * C.Rows);
      if (C.V && Sc.covers(Role::VProj))
        Elements.addKnown(Value * C.Rows);
    }
  return bytesOf(Elements.total(Store), Type);
}

Expr cacheSize(const Structure &Step, ElemType Type, ExprStore &Store) {
  Sum Elements;
  for (const Block &B : Step.Blocks)
    for (const AttentionCore &C : B.Attention) {
      Elements.addKnown(C.Batch * C.Columns * C.KeyWidth);
      Elements.addKnown(C.Batch * C.Columns * C.ValueWidth);
    }
  return bytesOf(Elements.total(Store), Type);
}

/// The graph's ledger where `New` rows come after `Past` cached ones.
Ledger graphAt(const ModelAnalysis &A, Expr New, Expr Past) {
  Substitution With;
  if (std::optional<llvm::StringRef> Symbol = A.NewPositions.asSymbol())
    With[*Symbol] = New;
  With[*A.PastPositions.asSymbol()] = Past;
  return mapLedger(A.Graph, [&](Expr E) { return substitute(E, With); });
}

/// The type of the graph's own cache.
ElemType cacheType(const ModelAnalysis &A, const CountingOptions &Options) {
  const AttentionCore *Core = A.Found.selfAttention();
  if (!Core || !Core->PastKey)
    return A.ActivationType;
  return countedType(A.Facts[Core->PastKey].Elem, Options);
}

void fromGraph(const ModelAnalysis &A, const CountingOptions &Options,
               DecodeFacts &F) {
  ExprStore &Store = *A.Store;
  if (!A.HasCache) {
    F.NoGraph = A.PastPositions && !A.PastPositions.is(0)
                    ? "the graph's cache has a fixed length"
                    : "the graph has no cache";
    return;
  }
  Expr One = Store.constant(1);
  std::optional<int64_t> New = A.NewPositions.constant();
  if (New && *New != 1) {
    F.NoGraph =
        "the graph always takes " + std::to_string(*New) + " new tokens";
    return;
  }
  auto Step = [&](Expr Rows) {
    // Keys and values as the nodes of the cores read them; each new row is
    // written once (C13).
    Structure Shape = stepStructure(A, Rows, F.Positions, false);
    return StepCost{
        graphAt(A, Rows, F.Positions - Rows),
        cacheTraffic(Shape, Scope::core(), cacheType(A, Options), Store)};
  };
  F.Graph.emplace();
  F.Graph->One = Step(One);
  if (New)
    return;
  F.Graph->Several = Step(F.Rows);
  F.Graph->Uncached = graphAt(A, F.Positions, Store.constant(0));
}

} // namespace

DecodeFacts analyseDecode(const ModelAnalysis &A,
                          const AnalysisOptions &Options) {
  DecodeFacts F;
  F.None = whyNone(A);
  if (!F.None.empty())
    return F;
  ExprStore &Store = *A.Store;
  const Scope &Sc = Options.TextbookScope;
  // N is the alias of the sequence in a graph without a cache.
  F.Positions = Store.symbol("N");
  F.Rows = freshSymbol(A, "m");

  // Roles without a rule of the textbook's own are local to a row: norms,
  // activations, residuals, embeddings (T8).
  auto Step = [&](Expr New, Expr All, bool Masked) {
    Ledger Graph;
    if (A.HasCache) {
      Graph = graphAt(A, New, All - New);
    } else {
      Substitution With;
      for (const SymbolInfo &Info : A.Symbols)
        if (Info.Meaning == SymbolInfo::Sequence)
          With[Info.Name] = New;
      Graph = mapLedger(A.Graph, [&](Expr E) { return substitute(E, With); });
    }
    Structure S = stepStructure(A, New, All, Masked);
    StepCost Cost;
    Cost.L =
        textbookLedger(S, Sc, A.ActivationType, Options.Counting, Graph, Store);
    Cost.Cache = cacheTraffic(S, Sc, A.ActivationType, Store);
    return Cost;
  };
  F.Textbook.One = Step(Store.constant(1), F.Positions, /*Masked=*/false);
  F.Textbook.Several = Step(F.Rows, F.Positions, /*Masked=*/true);
  F.Textbook.Uncached = mapLedger(F.Textbook.Several->L, [&](Expr E) {
    return substitute(E, {{*F.Rows.asSymbol(), F.Positions}});
  });
  F.CacheBytes =
      cacheSize(stepStructure(A, Store.constant(1), F.Positions, false),
                A.ActivationType, Store);
  fromGraph(A, Options.Counting, F);
  return F;
}

std::optional<int64_t> positionsAt(const ModelAnalysis &A, const Bindings &At) {
  Expr Positions;
  if (const AttentionCore *Core = A.Found.selfAttention())
    Positions = Core->Columns;
  else
    for (const SymbolInfo &Info : A.Symbols)
      if (Info.Meaning == SymbolInfo::Sequence)
        Positions = A.Store->symbol(Info.Name);
  if (!Positions)
    return std::nullopt;
  llvm::Expected<__int128> Value = evaluate(Positions, At);
  if (!Value) {
    llvm::consumeError(Value.takeError());
    return std::nullopt;
  }
  return static_cast<int64_t>(*Value);
}

llvm::Expected<StepSplit> splitStep(const StepCost &S, const Bindings &At) {
  StepSplit Split;
  for (auto [E, To] : {std::pair(S.L.Total.Weight, &Split.Weights),
                       std::pair(S.Cache, &Split.Cache),
                       std::pair(S.otherBytes(), &Split.Other)}) {
    llvm::Expected<__int128> Value = evaluate(E, At);
    if (!Value)
      return Value.takeError();
    *To = *Value;
  }
  return Split;
}

llvm::StringRef stepPartName(StepPart P) {
  static constexpr llvm::StringLiteral Names[] = {"weights", "cache", "other",
                                                  "compute"};
  return Names[static_cast<unsigned>(P)];
}

StepPart dominantPart(const StepSplit &S, double ComputeTime,
                      double Bandwidth) {
  StepPart Best = StepPart::Weights;
  double Longest = -1;
  for (auto [Part, Time] :
       {std::pair(StepPart::Weights, double(S.Weights) / Bandwidth),
        std::pair(StepPart::Cache, double(S.Cache) / Bandwidth),
        std::pair(StepPart::Other, double(S.Other) / Bandwidth),
        std::pair(StepPart::Compute, ComputeTime)})
    if (Time > Longest) {
      Longest = Time;
      Best = Part;
    }
  return Best;
}

} // namespace xfa
