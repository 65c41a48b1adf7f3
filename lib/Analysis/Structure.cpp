//===- Structure.cpp - the steps in order, and the figures ----------------===//

#include "xfa/Analysis/Structure.h"

#include "Recogniser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace xfa {

static constexpr llvm::StringLiteral RoleNames[] = {
#define XFA_ROLE(ENUM, NAME) NAME,
#include "xfa/Analysis/Roles.def"
};

llvm::StringRef roleName(Role R) { return RoleNames[static_cast<unsigned>(R)]; }

std::optional<Role> roleFromName(llvm::StringRef Name) {
  for (auto [I, Each] : llvm::enumerate(RoleNames))
    if (Each == Name)
      return static_cast<Role>(I);
  return std::nullopt;
}

Structure Recogniser::run() {
  findNorms();
  findCores();
  findProducts();
  connectCores();
  findMlps();
  findLowRank();
  orderLayers();
  assignRoles();
  describe();
  describeOrigins();
  S.ElseTaken = std::move(ElseTaken);
  return std::move(S);
}

/// A layer may have several attentions, or MLPs.
static void noteOnce(std::vector<std::string> &Missing, std::string Odd) {
  if (!llvm::is_contained(Missing, Odd))
    Missing.push_back(std::move(Odd));
}

void Structure::differs(int Layer, llvm::StringRef What, Expr Is, Expr First) {
  noteOnce(Missing, ("layer " + llvm::Twine(Layer) + " differs: " + What + " " +
                     toString(Is) + ", not " + toString(First))
                        .str());
  Confidence = Partial;
}

/// Takes the figure from the first layer; a layer that differs is reported.
static void agree(Expr &Figure, Expr Each, llvm::StringRef Name, int Layer,
                  Structure &S) {
  if (!Each)
    return;
  if (!Each.isKnown())
    noteOnce(S.Missing, ("layer " + llvm::Twine(Layer) + ": " + Name +
                         " not known: " + Each.unknownReason())
                            .str());
  else if (!Figure)
    Figure = Each;
  else if (Figure != Each)
    S.differs(Layer, Name, Each, Figure);
}

/// The narrowing products; of K's product what is not V's.
void Recogniser::describeLowRank(FoundCore &C) {
  for (auto [P, R] : C.LowRank) {
    const WeightProduct &Low = Products[P];
    C.Core.LowRank.push_back(
        {R, {Low.Node, Low.Data, Low.Weight, Low.In, Low.Out, Low.Bias}});
  }
  if (!C.LowRank.empty() && C.K >= 0 && C.K != C.Q)
    C.Core.K.Out =
        C.K == C.V ? Products[C.K].Out - C.Core.V.Out : Products[C.K].Out;
}

/// Products with weights that stand among the blocks' and have no part in them.
void Recogniser::findUnplaced() {
  int First = -1, Last = -1;
  auto Reaches = [&](int P) {
    if (P < 0)
      return;
    int At = G.position(Products[P].Node);
    First = First < 0 ? At : std::min(First, At);
    Last = std::max(Last, At);
  };
  for (const FoundCore &C : Cores)
    for (int P : {C.Q, C.K, C.V, C.Out})
      Reaches(P);
  for (const FoundMlp &L : Mlps)
    for (int P : {L.Up, L.Gate, L.Down})
      Reaches(P);
  for (const WeightProduct &P : Products)
    if (int At = G.position(P.Node);
        At > First && At < Last && S.Roles[P.Node.Index] == Role::Other)
      S.Unplaced.push_back(P.Node);
  if (!S.Unplaced.empty())
    S.Missing.push_back((llvm::Twine(S.Unplaced.size()) +
                         " of the products with weights among the blocks have "
                         "no part in what was recognised, the first of them '" +
                         M.label(S.Unplaced.front()) + "'")
                            .str());
}

/// Once where an If counts both its branches as one.
Expr Recogniser::timesOf(NodeId N) const {
  Expr Times = Costs ? Costs->Nodes[N.Index].Times : Expr();
  return Times && !Times.is(0) ? Times : Store.constant(1);
}

/// A block in a loop stands for as many layers as the loop runs it.
void Recogniser::countLayers() {
  for (const Block &B : S.Blocks) {
    S.NumLayers += B.layers();
    if (Expr Times = B.times(); Times && !Times.isConstant())
      S.Missing.push_back(("layer " + llvm::Twine(B.Layer) +
                           " is in a loop that runs " + toString(Times) +
                           " times, and counts as one layer")
                              .str());
  }
}

/// A decoder hides from each row what others see, in all its layers; beside an
/// encoder of something else it has the head.
bool Recogniser::hidesLater() const {
  auto Hides = [](const FoundCore &C) { return C.RowMask; };
  return LmHead >= 0 ? llvm::any_of(Cores, Hides) : llvm::all_of(Cores, Hides);
}

/// Beside layers that read another stream, one that makes such a stream: its
/// rows are not the decoder's, or each of them sees all others and no cache.
bool Recogniser::hasEncoder() const {
  llvm::SmallVector<const Block *, 0> Decoder = S.decoderBlocks();
  std::vector<bool> Open(S.Blocks.size(), true);
  for (const FoundCore &C : Cores)
    if (C.Core.Cross || C.Core.Cached || C.RowMask)
      Open[C.Layer] = false;
  return llvm::any_of(S.Blocks, [&](const Block &B) {
    return !B.Attention.empty() &&
           (Open[B.Layer] || !llvm::is_contained(Decoder, &B));
  });
}

void Recogniser::describe() {
  findUnplaced();
  int Layers = 0;
  for (const FoundCore &C : Cores)
    Layers = std::max(Layers, C.Layer + 1);
  for (const FoundMlp &L : Mlps)
    Layers = std::max(Layers, L.Layer + 1);
  for (int I = 0; I < Layers; ++I)
    S.Blocks.push_back({I, {}, {}});
  bool AnyCross = false, AnyCache = false;
  for (FoundCore &C : Cores) {
    describeLowRank(C);
    C.Core.Times = timesOf(C.Core.Softmax);
    const AttentionCore &A = C.Core;
    S.Blocks[C.Layer].Attention.push_back(A);
    AnyCross |= A.Cross;
    AnyCache |= A.Cached;
    // A query may come from a narrower copy of the stream; the result goes
    // back.
    Expr Hidden = A.Out ? A.Out.Out : A.Q ? A.Q.In : Expr();
    agree(S.Hidden, Hidden, "hidden width", C.Layer, S);
    agree(S.Heads, A.Heads, "heads", C.Layer, S);
    agree(S.KvHeads, A.KvHeads, "key/value heads", C.Layer, S);
    agree(S.HeadDim, A.HeadDim, "head width", C.Layer, S);
    for (auto [Found, What] : {std::pair(&A.Q, "query projection"),
                               std::pair(&A.K, "key projection"),
                               std::pair(&A.V, "value projection"),
                               std::pair(&A.Out, "output projection")})
      if (!*Found && !(A.Cross && (Found == &A.K || Found == &A.V)))
        S.Missing.push_back(
            ("layer " + llvm::Twine(C.Layer) + ": no " + What).str());
  }
  for (const FoundMlp &L : Mlps) {
    Mlp Each;
    auto Make = [&](int P, Expr Out) {
      Projection R;
      R.Product = Products[P].Node;
      R.Input = Products[P].Data;
      R.Weight = Products[P].Weight;
      R.In = Products[P].In;
      R.Out = Out;
      R.Bias = Products[P].Bias;
      return R;
    };
    Each.Hidden = L.Hidden;
    const WeightProduct &Up = Products[L.Up];
    Each.Rows = Up.Rows;
    if (Up.Experts) {
      // Each token comes to as many experts as there are rows for it.
      const ValueFacts &Data = Facts[Up.Data];
      Expr Tokens = Data.HasRank && Up.Chooses
                        ? exactDiv(numElements(Store, Data.Dims), Up.In)
                        : Up.Rows;
      std::optional<Expr> Chosen = tryExactDiv(Up.Rows, Tokens);
      Each.Experts = Up.Experts;
      Each.Chosen = Chosen.value_or(Store.constant(1));
      if (Chosen)
        Each.Rows = Tokens;
    }
    Each.Times = timesOf(Products[L.Down].Node);
    Each.Up = Make(L.Up, Each.Hidden);
    if (L.Gate >= 0)
      Each.Gate = Make(L.Gate, Each.Hidden);
    Each.Down = Make(L.Down, Products[L.Down].Out);
    Each.Down.In = L.Hidden;
    Each.Activation = activationOf(L);
    agree(S.Hidden, Each.Up.In, "hidden width", L.Layer, S);
    agree(S.MlpHidden, Each.Hidden, "MLP width", L.Layer, S);
    if (S.Activation.empty())
      S.Activation = Each.Activation.str();
    S.Blocks[L.Layer].Mlps.push_back(Each);
  }
  S.Norm = normOfBlocks().str();
  S.Position = positionScheme();
  if (LmHead >= 0)
    S.Vocab = Products[LmHead].Out;
  else if (TokenEmbedding && Facts[G.operand(TokenEmbedding, 0)].rank() == 2)
    S.Vocab = Facts[G.operand(TokenEmbedding, 0)].Dims[0];

  if (Cores.empty() && Mlps.empty()) {
    S.CausalWhy = "no attention in this graph";
    S.Causal = Verdict::NotApplicable;
    return;
  }
  countLayers();
  S.Confidence = S.Missing.empty() ? Structure::Recognised : Structure::Partial;
  if (Cores.empty()) {
    S.Kind = Structure::Mlp;
    S.Causal = Verdict::NotApplicable;
    S.CausalWhy = "no attention in this graph";
    return;
  }
  S.CausalWhy = "the mask has not been interpreted";
  if (AnyCross)
    S.Kind = hasEncoder() ? Structure::EncoderDecoder : Structure::Decoder;
  else if (Mlps.empty() && Cores.size() == 1)
    S.Kind = Structure::Attention;
  else
    S.Kind = AnyCache || hidesLater() ? Structure::Decoder : Structure::Encoder;
}

llvm::SmallVector<const Block *, 0> Structure::decoderBlocks() const {
  Expr Rows;
  for (const Block &B : Blocks)
    for (const AttentionCore &C : B.Attention)
      if (C.Cross)
        Rows = C.Rows;
  llvm::SmallVector<const Block *, 0> Found;
  for (const Block &B : Blocks)
    if (!Rows || llvm::any_of(B.Attention, [&](const AttentionCore &C) {
          return C.Rows == Rows;
        }))
      Found.push_back(&B);
  return Found;
}

const AttentionCore *Structure::selfAttention(
    llvm::function_ref<bool(const AttentionCore &)> Fits) const {
  for (const Block *B : decoderBlocks())
    for (const AttentionCore &C : B->Attention)
      if (!C.Cross && Fits(C))
        return &C;
  return nullptr;
}

Structure recogniseStructure(const Model &M, const ShapeFacts &Facts,
                             const Uses &U, ExprStore &Store,
                             const GraphCosts *Costs) {
  return Recogniser(M, Facts, U, Store, Costs).run();
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// What Python does not take for the name of a variable, and what expressions
/// call.
static constexpr llvm::StringLiteral Reserved[] = {
    "False",  "None",   "True",    "and",      "as",     "assert", "async",
    "await",  "break",  "class",   "continue", "def",    "del",    "elif",
    "else",   "except", "finally", "for",      "from",   "global", "if",
    "import", "in",     "is",      "lambda",   "max",    "min",    "nonlocal",
    "not",    "or",     "pass",    "raise",    "return", "try",    "while",
    "with",   "yield"};

static std::string identifier(llvm::StringRef Name) {
  std::string Text;
  for (char C : Name)
    Text.push_back(llvm::isAlnum(C) || C == '_' ? C : '_');
  if (Text.empty() || llvm::isDigit(Text.front()))
    Text.insert(0, "_");
  if (llvm::is_contained(Reserved, Text))
    Text += "_";
  return Text;
}

std::vector<SymbolInfo> nameSymbols(const ShapeFacts &Facts,
                                    const Structure &S) {
  using Meaning = SymbolInfo::MeaningTy;
  llvm::DenseMap<llvm::StringRef, Meaning> Means;
  auto Note = [&](Expr E, Meaning What) {
    if (!E)
      return;
    if (std::optional<llvm::StringRef> Name = E.asSymbol())
      Means.try_emplace(*Name, What);
  };
  // By where they stand in the cores.
  bool Cached = false, OneRow = false;
  for (const Block *B : S.decoderBlocks())
    for (const AttentionCore &A : B->Attention) {
      if (A.Cross)
        continue;
      Note(A.Batch, SymbolInfo::Batch);
      Note(A.Rows, SymbolInfo::Sequence);
      OneRow |= A.Rows && A.Rows.isConstant();
      if (A.Cached) {
        Cached = true;
        Note(A.Columns - A.Rows, SymbolInfo::Past);
      }
    }
  // A mask's own name for the keys' length.
  if (Cached)
    for (const Block &B : S.Blocks)
      for (const AttentionCore &A : B.Attention)
        for (Expr Length : A.MaskLengths)
          if (!A.Cross && Length != A.Columns)
            Note(Length, SymbolInfo::Total);
  // What is attended to elsewhere is no length of ours.
  for (const Block &B : S.Blocks)
    for (const AttentionCore &A : B.Attention)
      if (A.Cross) {
        Note(A.Columns, SymbolInfo::Other);
        for (Expr Length : A.MaskLengths)
          Note(Length, SymbolInfo::Other);
      }
  // Names break ties: only where nothing else speaks.
  auto Has = [&](Meaning What) {
    return llvm::any_of(Means, [&](auto &KV) { return KV.second == What; });
  };
  for (llvm::StringRef Name : Facts.Symbols) {
    if (Means.count(Name))
      continue;
    std::string Lower = Name.lower();
    if ((Name == "B" || llvm::StringRef(Lower).contains("batch")) &&
        !Has(SymbolInfo::Batch))
      Means[Name] = SymbolInfo::Batch;
    else if ((Name == "N" || llvm::StringRef(Lower).contains("seq")) &&
             !llvm::StringRef(Lower).contains("past") &&
             !llvm::StringRef(Lower).contains("total") &&
             !Has(SymbolInfo::Sequence) && !OneRow)
      Means[Name] = SymbolInfo::Sequence;
    else if (llvm::StringRef(Lower).contains("total") && Cached)
      Means[Name] = SymbolInfo::Total;
  }

  std::vector<SymbolInfo> Result;
  llvm::SmallVector<std::string, 8> Taken;
  for (Meaning What : {SymbolInfo::Batch, SymbolInfo::Sequence,
                       SymbolInfo::Past, SymbolInfo::Total, SymbolInfo::Other})
    for (llvm::StringRef Name : Facts.Symbols) {
      auto It = Means.find(Name);
      Meaning Each = It == Means.end() ? SymbolInfo::Other : It->second;
      if (Each != What)
        continue;
      SymbolInfo Info;
      Info.GraphName = Name.str();
      Info.Meaning = Each;
      switch (Each) {
      case SymbolInfo::Batch:
        Info.Name = "B";
        break;
      case SymbolInfo::Sequence:
        Info.Name = Cached ? "S" : "N";
        break;
      case SymbolInfo::Past:
        Info.Name = "P";
        break;
      case SymbolInfo::Total:
        Info.Name = "T";
        break;
      case SymbolInfo::Other:
        Info.Name = identifier(Name);
        if (Info.Name == "N" || Info.Name == "B")
          Info.Name += "_";
        break;
      }
      while (llvm::is_contained(Taken, Info.Name))
        Info.Name += "_";
      Taken.push_back(Info.Name);
      Result.push_back(std::move(Info));
    }
  return Result;
}

} // namespace xfa
