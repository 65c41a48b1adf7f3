//===- Points.cpp - the points of a report, bound to a model --------------===//

#include "Points.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

std::string knownSymbols(const ModelAnalysis &A) {
  std::string Text;
  bool HasN = false;
  for (const SymbolInfo &S : A.Symbols) {
    Text += (Text.empty() ? "" : ", ") + S.Name;
    if (S.GraphName != S.Name)
      Text += " (" + S.GraphName + ")";
    HasN |= S.Name == "N";
  }
  if (A.HasCache && !HasN)
    Text += std::string(Text.empty() ? "" : ", ") + "N = P + S";
  return Text;
}

static bool hasSymbol(const ModelAnalysis &A, llvm::StringRef Name) {
  return llvm::any_of(A.Symbols,
                      [&](const SymbolInfo &S) { return S.Name == Name; });
}

/// The alias of a name that may be the graph's own; a total length is N.
static std::string aliasOf(const ModelAnalysis &A, llvm::StringRef Name) {
  for (const SymbolInfo &S : A.Symbols)
    if (S.Name == Name || S.GraphName == Name) {
      if (A.HasCache && S.Meaning == SymbolInfo::Total)
        return "N";
      llvm::StringRef Target = A.target(S);
      return Target.empty() ? S.Name : Target.str();
    }
  return Name.str();
}

/// Stands for something else (a mask's length), or, in a graph with a cache,
/// follows from N = P + S, S = 1.
static bool follows(const ModelAnalysis &A, const SymbolInfo &S) {
  if (A.target(S) != S.Name)
    return true;
  return A.HasCache &&
         (S.Meaning == SymbolInfo::Past || S.Meaning == SymbolInfo::Total ||
          A.NewPositions.asSymbol() == llvm::StringRef(S.Name));
}

static llvm::Error bindOne(const ModelAnalysis &A, BoundPoint &P,
                           llvm::StringRef Option,
                           llvm::ArrayRef<llvm::StringRef> Needed) {
  const std::string Given = toString(P.At, ",");
  for (auto &Coordinate : P.At)
    Coordinate.first = aliasOf(A, Coordinate.first);
  // One sequence, unless something else is said.
  for (const SymbolInfo &S : A.Symbols)
    if (S.Meaning == SymbolInfo::Batch && llvm::is_contained(Needed, S.Name) &&
        llvm::none_of(P.At, [&](const auto &C) { return C.first == S.Name; }))
      P.At.emplace(P.At.begin(), S.Name, 1);
  P.Filled = P.At;
  // A symbol that no figure depends on needs no value from the user.
  for (const SymbolInfo &S : A.Symbols) {
    bool Bound = llvm::any_of(P.At, [&](const auto &C) {
      return C.first == S.Name || C.first == S.GraphName;
    });
    if (!Bound && !follows(A, S) && !llvm::is_contained(Needed, S.Name))
      P.Filled.emplace_back(S.Name, 1);
  }
  llvm::Expected<Bindings> Values = A.bind(P.Filled);
  if (!Values) {
    std::string Why = llvm::toString(Values.takeError());
    std::string Known = knownSymbols(A);
    if (!llvm::StringRef(Why).contains("known:"))
      Why += Known.empty() ? std::string("; the graph has no symbols")
                           : "; known: " + Known;
    return usageError(Option + "\"" + Given + "\": " + Why);
  }
  P.Values = std::move(*Values);
  return llvm::Error::success();
}

/// The length of a sequence: the graph's own, or one that it attends to.
static bool isLength(const ModelAnalysis &A, const SymbolInfo &S) {
  if (S.Meaning == SymbolInfo::Sequence || S.Meaning == SymbolInfo::Total)
    return true;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention)
      if (Core.Cross && llvm::is_contained(symbols(Core.Columns), S.Name))
        return true;
  return false;
}

/// The seed's four, of the coordinates that the graph has; the other batches
/// are as large, the other lengths as long. Empty, with a reason, if a symbol
/// remains.
static std::vector<Coordinates>
defaultPoints(const ModelAnalysis &A, llvm::ArrayRef<llvm::StringRef> Needed,
              std::string &None) {
  bool HasBatch = hasSymbol(A, "B");
  bool HasLength = A.HasCache || hasSymbol(A, "N");
  std::string Open;
  std::vector<std::string> Batches, Lengths;
  for (const SymbolInfo &S : A.Symbols) {
    if (!llvm::is_contained(Needed, S.Name) || S.Name == "B" || S.Name == "N")
      continue;
    if (follows(A, S))
      continue;
    if (S.Meaning == SymbolInfo::Batch)
      Batches.push_back(S.Name);
    else if (isLength(A, S))
      Lengths.push_back(S.Name);
    else
      Open += (Open.empty() ? "" : ", ") + S.Name;
  }
  if (!Open.empty()) {
    None = "no figures: give " + Open + " with --at";
    return {};
  }
  std::vector<Coordinates> Points;
  for (int64_t B : {1, 64})
    for (int64_t N : {32, 1024}) {
      Coordinates At;
      if (HasBatch)
        At.emplace_back("B", B);
      for (const std::string &Name : Batches)
        At.emplace_back(Name, B);
      if (HasLength)
        At.emplace_back("N", N);
      for (const std::string &Name : Lengths)
        At.emplace_back(Name, N);
      if (!llvm::is_contained(Points, At))
        Points.push_back(std::move(At));
    }
  return Points;
}

/// Why the graph cannot run at these values; empty if nothing is against it.
static std::string whyImpossible(const ModelAnalysis &A, const Bindings &At) {
  for (const ModelAnalysis::Extent &E : A.Extents) {
    llvm::Expected<__int128> Size = evaluate(E.Size, At);
    if (!Size)
      llvm::consumeError(Size.takeError()); // the figures say so
    else if (*Size < 0)
      return E.Node + " would give a size of " +
             std::to_string(static_cast<int64_t>(*Size));
  }
  return "";
}

llvm::Expected<BoundPoints> bindPoints(const ModelAnalysis &A,
                                       const std::vector<Coordinates> &Asked,
                                       size_t FirstSwept,
                                       llvm::ArrayRef<llvm::StringRef> Needed) {
  BoundPoints Result;
  std::string Impossible;
  std::vector<Coordinates> Points =
      Asked.empty() ? defaultPoints(A, Needed, Result.None) : Asked;
  for (Coordinates &At : Points) {
    BoundPoint &P = Result.Points.emplace_back();
    P.At = std::move(At);
    const bool Swept = Result.Points.size() > FirstSwept;
    if (llvm::Error E =
            bindOne(A, P, Swept ? "--sweep, at " : "--at=", Needed)) {
      if (!Asked.empty())
        return E;
      Result.None = "no figures: " + llvm::toString(std::move(E));
      Result.Points.clear();
      break;
    }
    const std::string Why = whyImpossible(A, P.Values);
    if (Why.empty())
      continue;
    const std::string Text = "\"" + toString(P.At, ",") + "\": " + Why;
    if (!Asked.empty())
      return usageError((Swept ? "--sweep, at " : "--at=") + Text);
    Result.Points.pop_back();
    if (Impossible.empty())
      Impossible = "no figures: at " + Text;
  }
  if (Result.Points.empty() && Result.None.empty())
    Result.None = Impossible;
  return Result;
}

} // namespace xfa
