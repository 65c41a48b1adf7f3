//===- Analysis.cpp - the analyses in order -------------------------------===//

#include "xfa/Analysis/Analysis.h"

#include "xfa/Analysis/Decode.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <map>

namespace xfa {

namespace {

/// Positions that a step computes anew, and those of earlier steps.
std::optional<std::pair<Expr, Expr>> newAndPast(const Structure &S) {
  for (const Block &B : S.Blocks)
    for (const AttentionCore &C : B.Attention)
      if (C.Cached && !C.Cross)
        return std::pair(C.Rows, C.Columns - C.Rows);
  return std::nullopt;
}

/// A symbol of its own for past + new, as masks have it.
void aliasTotal(ModelAnalysis &A) {
  auto Lengths = newAndPast(A.Found);
  if (!Lengths)
    return;
  Expr Total = A.alias(Lengths->first + Lengths->second);
  for (const SymbolInfo &Info : A.Symbols)
    if (Info.Meaning == SymbolInfo::Total) {
      A.Aliases[Info.GraphName] = Total;
      A.Assumptions.push_back(Info.GraphName + " = " + toString(Total) +
                              ", as the graph needs to run");
    }
}

/// A mask over another sequence is as long as that is, whatever its own name.
void aliasMasks(ModelAnalysis &A) {
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &C : B.Attention) {
      if (!C.Cross || !C.Columns || !C.Columns.asSymbol())
        continue;
      for (Expr Length : C.MaskLengths) {
        std::optional<llvm::StringRef> Name = Length.asSymbol();
        Expr Columns = A.alias(C.Columns);
        if (!Name || A.alias(Length) == Columns)
          continue;
        A.Aliases[*Name] = Columns;
        A.Assumptions.push_back(
            (*Name + " = " + toString(Columns) + ", as the graph needs to run")
                .str());
      }
    }
}

void nameEverything(ModelAnalysis &A) {
  A.Symbols = nameSymbols(A.Facts, A.Found);
  for (const SymbolInfo &Info : A.Symbols) {
    int64_t Low = Info.Meaning == SymbolInfo::Past ? 0 : 1;
    Expr Old = A.Store->symbol(Info.GraphName);
    if (std::optional<int64_t> Least = lowerBound(Old))
      Low = std::min(Low, *Least);
    A.Aliases[Info.GraphName] = A.Store->symbol(Info.Name, Low);
  }
  if (auto Lengths = newAndPast(A.Found)) {
    A.NewPositions = A.alias(Lengths->first);
    A.PastPositions = A.alias(Lengths->second);
    A.HasCache = A.PastPositions.asSymbol().has_value();
  }
  aliasTotal(A);
  aliasMasks(A);
}

Ledger aliased(const Ledger &L, const ModelAnalysis &A) {
  return mapLedger(L, [&](Expr E) { return A.alias(E); });
}

void aliasStructure(Structure &S, const ModelAnalysis &A) {
  auto Fix = [&](Expr &E) {
    if (E)
      E = A.alias(E);
  };
  auto FixProjection = [&](Projection &P) {
    Fix(P.In);
    Fix(P.Out);
  };
  for (Expr *E : {&S.Hidden, &S.Heads, &S.KvHeads, &S.HeadDim, &S.MlpHidden,
                  &S.Vocab, &S.Window})
    Fix(*E);
  for (Block &B : S.Blocks) {
    for (AttentionCore &C : B.Attention) {
      for (Expr *E : {&C.Batch, &C.Rows, &C.Columns, &C.Heads, &C.KvHeads,
                      &C.HeadDim, &C.ValueDim, &C.QueryWidth, &C.KeyWidth,
                      &C.ValueWidth, &C.ResultWidth, &C.SavedReads})
        Fix(*E);
      for (Projection *P : {&C.Q, &C.K, &C.V, &C.Out})
        FixProjection(*P);
      for (auto &[R, P] : C.LowRank)
        FixProjection(P);
      Fix(C.Window);
      Fix(C.Times);
    }
    for (Mlp &L : B.Mlps) {
      for (Expr *E : {&L.Hidden, &L.Rows, &L.Experts, &L.Chosen, &L.Times})
        Fix(*E);
      for (Projection *P : {&L.Up, &L.Gate, &L.Down})
        FixProjection(*P);
    }
  }
}

/// The type whose peak C18 uses: that of the most matrix FLOPs, judged where
/// every symbol is 2.
ElemType mainMatrixType(const Ledger &L, ElemType Fallback) {
  std::map<ElemType, double> ByType;
  for (const Ledger::Piece &P : L.Pieces) {
    if (P.MatrixType == ElemType::Undefined)
      continue;
    Bindings Twos;
    for (Expr E : {P.W.Matrix, P.Times})
      for (llvm::StringRef Name : symbols(E))
        Twos[Name] = 2;
    llvm::Expected<__int128> Flops = evaluate(P.W.Matrix * P.Times, Twos);
    if (!Flops) {
      llvm::consumeError(Flops.takeError());
      continue;
    }
    ByType[P.MatrixType] += static_cast<double>(*Flops);
  }
  ElemType Best = Fallback;
  double Most = 0;
  for (auto [Type, Flops] : ByType)
    if (Flops > Most) {
      Most = Flops;
      Best = Type;
    }
  return Best;
}

/// T9: the element type of the graph's activations, that of the cores' and
/// MLPs' products.
ElemType activationType(const ModelAnalysis &A,
                        const CountingOptions &Options) {
  for (const Block &B : A.Found.Blocks) {
    for (const AttentionCore &C : B.Attention)
      if (C.Query && isFloat(A.Facts[C.Query].Elem))
        return countedType(A.Facts[C.Query].Elem, Options);
    for (const Mlp &L : B.Mlps)
      if (L.Up.Input && isFloat(A.Facts[L.Up.Input].Elem))
        return countedType(A.Facts[L.Up.Input].Elem, Options);
  }
  return Options.Dtype.value_or(ElemType::Float32);
}

/// Some block stands in the body of a node whose cost is not known: it is run
/// so often at least (C16), and what counts it is a lower bound.
bool mayRunMoreOften(const Structure &S, const Model &M,
                     const GraphCosts &Costs) {
  auto Inside = [&](NodeId N) {
    while (N && (N = M[M[N].Parent].Owner))
      if (!Costs.Nodes[N.Index].known())
        return true;
    return false;
  };
  return llvm::any_of(S.Blocks, [&](const Block &B) {
    return llvm::any_of(
               B.Attention,
               [&](const AttentionCore &C) { return Inside(C.Softmax); }) ||
           llvm::any_of(B.Mlps,
                        [&](const Mlp &L) { return Inside(L.Down.Product); });
  });
}

/// What the proof says of causality outweighs how the masks look.
void settleKind(Structure &S) {
  bool Plain = llvm::all_of(S.Blocks, [](const Block &B) {
    return llvm::none_of(B.Attention, [](const AttentionCore &C) {
      return C.Cross || C.Cached;
    });
  });
  if (!Plain || (S.Kind != Structure::Decoder && S.Kind != Structure::Encoder))
    return;
  if (S.Causal == Verdict::Proved)
    S.Kind = Structure::Decoder;
  else if (S.Causal == Verdict::Refuted)
    S.Kind = Structure::Encoder;
}

/// How many weights the initialisers of operators with block-quantised weights
/// stand for: none for scales and zero points.
llvm::DenseMap<ValueId, int64_t> quantisedWeights(const Model &M) {
  llvm::DenseMap<ValueId, int64_t> Found;
  auto Note = [&](const Node &N, unsigned Input, int64_t Weights) {
    if (Input < N.Inputs.size() && N.Inputs[Input])
      Found[N.Inputs[Input]] = Weights;
  };
  auto Product = [](int64_t A, int64_t B) {
    int64_t Result = 0; // damaged attributes multiply to anything
    return llvm::MulOverflow(A, B, Result) ? 0 : Result;
  };
  // A byte holds two of 4 bits; types of 4 bits hold one, as they say.
  auto Unpacked = [&](const Node &N, unsigned Input, llvm::StringRef Bits) {
    ValueId V = Input < N.Inputs.size() ? N.Inputs[Input] : ValueId();
    if (!V || !M[V].Const)
      return int64_t(0);
    const Constant &C = M[M[V].Const];
    const int64_t Width = N.intAttribute(Bits, 4);
    const bool Packed = elemBits(C.Elem) == 8 && Width > 0 && Width < 8;
    return Product(C.numElements().value_or(0), Packed ? 8 / Width : 1);
  };
  for (const Node &N : M.Nodes) {
    switch (N.Kind) {
    case OpKind::MsMatMulNBits:
      Note(N, 1,
           Product(N.intAttribute("K"),
                   N.intAttribute("N"))); // no padding
      Note(N, 2, 0);
      Note(N, 3, 0);
      break;
    case OpKind::MsGatherBlockQuantized:
      Note(N, 0, Unpacked(N, 0, "bits"));
      Note(N, 2, 0);
      Note(N, 3, 0);
      break;
    case OpKind::MsQMoE:
      for (unsigned Weights : {2u, 5u, 8u}) {
        Note(N, Weights, Unpacked(N, Weights, "expert_weight_bits"));
        Note(N, Weights + 1, 0);
      }
      break;
    default:
      break;
    }
  }
  return Found;
}

void countParameters(const Model &M, ModelAnalysis &A) {
  const llvm::DenseMap<ValueId, int64_t> Quantised = quantisedWeights(M);
  bool AnyLarge = false, LargeInside = false, SmallInside = false;
  for (size_t I = 0; I < M.Values.size(); ++I) {
    const Value &V = M.Values[I];
    if (!V.IsInitializer || !V.Const)
      continue;
    const Constant &C = M[V.Const];
    std::optional<int64_t> Count = C.numElements();
    if (!Count || elemBits(C.Elem) == 0)
      continue;
    A.WeightBytes += (*Count * int64_t(elemBits(C.Elem)) + 7) / 8;
    // Shape arithmetic keeps its integers as initialisers too.
    if (C.Dims.empty() || !(isFloat(C.Elem) || elemBits(C.Elem) <= 8) ||
        C.Elem == ElemType::Bool)
      continue;
    auto Weights = Quantised.find(ValueId(I));
    A.Parameters += Weights == Quantised.end() ? *Count : Weights->second;
    // The large ones decide, where there are any: exporters keep small
    // constants inside.
    const bool Large = *Count > 1024;
    AnyLarge |= Large;
    (Large ? LargeInside : SmallInside) |= C.Present && !C.External;
  }
  A.WeightsPresent = AnyLarge ? LargeInside : SmallInside;
}

void listUnknowns(const Model &M, ModelAnalysis &A) {
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    NodeId Id(I);
    const NodeCost &C = A.Costs.Nodes[I];
    ++A.TotalNodes;
    std::string Why = C.Unknown;
    bool Shaped = true;
    for (ValueId Out : M[Id].Outputs) {
      if (!Out)
        continue;
      const ValueFacts &F = A.Facts[Out];
      if (F.absent()) // in a branch that never runs
        continue;
      bool Tensor =
          F.Kind == ValueFacts::Tensor || F.Kind == ValueFacts::Unknown;
      if (Tensor && !F.HasRank) {
        Shaped = false;
        if (Why.empty())
          Why = F.why().str();
      }
      for (Expr Dim : F.Dims)
        if (!Dim.isKnown()) {
          Shaped = false;
          if (Why.empty())
            Why = Dim.unknownReason().str();
        }
    }
    A.ShapedNodes += Shaped;
    A.CostedNodes += C.known();
    if (!C.known() || !Shaped)
      A.Unknown.push_back({Id, Why});
  }
}

} // namespace

ModelAnalysis::ModelAnalysis() = default;
ModelAnalysis::~ModelAnalysis() = default;

llvm::StringRef ModelAnalysis::target(const SymbolInfo &S) const {
  auto It = Aliases.find(S.GraphName);
  return It == Aliases.end() ? llvm::StringRef(S.Name)
                             : It->second.asSymbol().value_or("");
}

llvm::Expected<Bindings> ModelAnalysis::bind(
    llvm::ArrayRef<std::pair<std::string, int64_t>> Point) const {
  Bindings At;
  std::optional<int64_t> Total;
  auto Known = [&] {
    std::string Names;
    for (const SymbolInfo &Info : Symbols) {
      Names += (Names.empty() ? "" : ", ") + Info.Name;
      if (Info.GraphName != Info.Name)
        Names += " (" + Info.GraphName + ")";
    }
    return Names.empty() ? std::string("the graph has none") : Names;
  };
  for (const auto &[Name, Value] : Point) {
    const SymbolInfo *Found = nullptr;
    for (const SymbolInfo &Info : Symbols)
      if (Info.Name == Name || Info.GraphName == Name)
        Found = &Info;
    if (HasCache &&
        (Name == "N" || (Found && Found->Meaning == SymbolInfo::Total))) {
      if (Total)
        return llvm::createStringError("'" + Name + "' is given twice");
      if (Value < 1)
        return llvm::createStringError(
            "'" + Name + "' must be at least 1, got " + std::to_string(Value));
      Total = Value;
      continue;
    }
    if (!Found)
      return llvm::createStringError("unknown symbol '" + Name +
                                     "'; known: " + Known());
    if (Value < (Found->Meaning == SymbolInfo::Past ? 0 : 1))
      return llvm::createStringError(
          "'" + Name + "' must be at least " +
          (Found->Meaning == SymbolInfo::Past ? "0" : "1") + ", got " +
          std::to_string(Value));
    llvm::StringRef Target = target(*Found);
    if (Target.empty())
      Target = Found->Name;
    auto [It, New] = At.try_emplace(Target, Value);
    if (!New && (Target == Found->Name || It->second != Value))
      return llvm::createStringError("'" + Name + "' is given twice");
  }
  if (HasCache) {
    // N = P + S, and S = 1 unless bound; S may be fixed in the graph.
    auto Bound = [&](llvm::StringRef Name) {
      auto It = At.find(Name);
      return It == At.end() ? std::optional<int64_t>() : It->second;
    };
    llvm::StringRef Past = *PastPositions.asSymbol();
    std::optional<int64_t> New = NewPositions.constant();
    if (std::optional<llvm::StringRef> Symbol = NewPositions.asSymbol()) {
      if (!Bound(*Symbol))
        At[*Symbol] = Total && Bound(Past) ? *Total - *Bound(Past) : 1;
      New = Bound(*Symbol);
    }
    if (Total && New) {
      int64_t Left = *Total - *New;
      if (Left < 0 || *New < 1 || (Bound(Past) && *Bound(Past) != Left))
        return llvm::createStringError(
            "N = P + S does not hold: N " + std::to_string(*Total) + ", S " +
            std::to_string(*New) +
            (Bound(Past) ? ", P " + std::to_string(*Bound(Past)) : ""));
      At[Past] = Left;
    }
  }
  for (const SymbolInfo &Info : Symbols)
    if (!At.count(Info.Name) && Info.Meaning != SymbolInfo::Total &&
        target(Info) == Info.Name)
      return llvm::createStringError("no value for '" + Info.Name + "'" +
                                     (Info.GraphName != Info.Name
                                          ? " (" + Info.GraphName + ")"
                                          : std::string()));
  return At;
}

static void findExtents(const Model &M, ModelAnalysis &A) {
  llvm::DenseSet<Expr> Seen;
  for (NodeId N : M.main().Nodes)
    for (ValueId Out : M[N].Outputs)
      if (Out && A.Facts[Out].HasRank)
        for (Expr Dim : A.Facts[Out].Dims)
          if (Dim.isKnown() && !Dim.isConstant() && Seen.insert(Dim).second &&
              lowerBound(Dim).value_or(-1) < 0)
            A.Extents.push_back({"node '" + M.label(N) + "' (" + M[N].Op.str() +
                                     ")",
                                 A.alias(Dim)});
}

llvm::Expected<std::unique_ptr<ModelAnalysis>>
analyseModel(const Model &M, const AnalysisOptions &Options) {
  auto A = std::make_unique<ModelAnalysis>();
  A->Options = Options;
  A->Store = std::make_unique<ExprStore>();
  ExprStore &Store = *A->Store;
  llvm::Expected<ShapeFacts> Facts =
      inferShapes(M, Store, Options.Counting.Custom.get());
  if (!Facts)
    return Facts.takeError();
  A->Facts = std::move(*Facts);
  Uses U(M);
  A->Costs = countCosts(M, A->Facts, U, Store, Options.Counting);
  for (Expr E :
       {A->Costs.Matrix, A->Costs.Vector, A->Costs.Read, A->Costs.Written})
    for (llvm::StringRef Name : symbols(E)) // trip counts (C17)
      if (!llvm::is_contained(A->Facts.Symbols, Name))
        A->Facts.Symbols.push_back(Name);
  A->Found = recogniseStructure(M, A->Facts, U, Store, &A->Costs);
  A->Time = analyseTime(M, A->Facts, A->Found, Store);
  A->Causality = judgeCausality(M, A->Facts, A->Found, A->Time);
  A->Found.Causal = A->Causality.Causal;
  A->Found.CausalWhy = A->Causality.Why;
  settleKind(A->Found);
  limitKeys(A->Found, A->Time, Store);
  for (const std::string &Each : A->Time.WindowAssumptions)
    A->Assumptions.push_back("for the sliding windows: " + Each);
  nameEverything(*A);
  A->Graph = aliased(graphLedger(M, A->Costs, A->Found, Store), *A);
  A->MatrixType = mainMatrixType(
      A->Graph, Options.Counting.Dtype.value_or(ElemType::Float32));
  if (A->Found.hasTransformer()) {
    aliasStructure(A->Found, *A);
    ElemType Type = activationType(*A, Options.Counting);
    A->ActivationType = Type;
    A->Textbook = textbookLedger(A->Found, Options.TextbookScope, Type,
                                 Options.Counting, A->Graph, Store);
    A->Textbook->Exact &= !mayRunMoreOften(A->Found, M, A->Costs);
    A->Walk = reconcile(A->Found, *A->Textbook, A->Graph, Type, Store);
  }
  if (Options.WantMemory) {
    A->Memory =
        analyseMemory(M, A->Facts, U, A->Costs, Store, Options.Counting);
    for (Expr *E : {&A->Memory->WeightBytes, &A->Memory->ActivationBytes,
                    &A->Memory->PeakBytes})
      *E = A->alias(*E);
    for (auto &Each : A->Memory->PeakAt)
      Each.second = A->alias(Each.second);
  }
  if (Options.WantDecode)
    A->Decode = std::make_unique<DecodeFacts>(analyseDecode(*A, Options));
  countParameters(M, *A);
  listUnknowns(M, *A);
  findExtents(M, *A);
  return A;
}

} // namespace xfa
