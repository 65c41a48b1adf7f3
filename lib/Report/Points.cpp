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

/// The alias of a name that may be the graph's own.
static std::string aliasOf(const ModelAnalysis &A, llvm::StringRef Name) {
  for (const SymbolInfo &S : A.Symbols)
    if (S.Name == Name)
      return S.Name;
  for (const SymbolInfo &S : A.Symbols)
    if (S.GraphName == Name)
      return S.Name;
  return Name.str();
}

/// Symbols that must lie in a range of their own: sizes ≥ 1, past lengths ≥ 0.
static llvm::Error checkRanges(const ModelAnalysis &A, const BoundPoint &P) {
  for (const SymbolInfo &S : A.Symbols) {
    auto Found = P.Values.find(S.Name);
    if (Found == P.Values.end())
      continue;
    int64_t Value = Found->second;
    if (S.Meaning == SymbolInfo::Past) {
      if (Value < 0)
        return usageError("--at=\"" + toString(P.At, ",") +
                          "\": N counts the cached positions and the new ones "
                          "(N = P + S), so it cannot be smaller than S");
    } else if (Value < 1) {
      return usageError("--at=\"" + toString(P.At, ",") + "\": " + S.Name +
                        " must be a positive integer, got '" +
                        llvm::Twine(Value) + "'");
    }
  }
  return llvm::Error::success();
}

static llvm::Error bindOne(const ModelAnalysis &A, BoundPoint &P,
                           llvm::ArrayRef<llvm::StringRef> Needed) {
  for (const auto &[Name, Value] : P.At)
    if (Value == 0 && aliasOf(A, Name) != "P" &&
        llvm::none_of(A.Symbols, [&](const SymbolInfo &S) {
          return S.Meaning == SymbolInfo::Past && S.Name == Name;
        }))
      return usageError("--at=\"" + toString(P.At, ",") + "\": " + Name +
                        " must be a positive integer, got '0'");
  P.Filled = P.At;
  // A symbol that no figure depends on needs no value from the user.
  for (const SymbolInfo &S : A.Symbols) {
    bool Given = llvm::any_of(P.At, [&](const auto &C) {
      return C.first == S.Name || C.first == S.GraphName;
    });
    bool Derived = A.HasCache && (S.Meaning == SymbolInfo::Past ||
                                  S.Meaning == SymbolInfo::Sequence ||
                                  S.Meaning == SymbolInfo::Total);
    if (!Given && !Derived && !llvm::is_contained(Needed, S.Name))
      P.Filled.emplace_back(S.Name, 1);
  }
  llvm::Expected<Bindings> Values = A.bind(P.Filled);
  if (!Values) {
    std::string Why = llvm::toString(Values.takeError());
    std::string Known = knownSymbols(A);
    if (!llvm::StringRef(Why).contains("known:"))
      Why += Known.empty() ? std::string("; the graph has no symbols")
                           : "; known: " + Known;
    return usageError("--at=\"" + toString(P.At, ",") + "\": " + Why);
  }
  P.Values = std::move(*Values);
  for (auto &Coordinate : P.At)
    Coordinate.first = aliasOf(A, Coordinate.first);
  return checkRanges(A, P);
}

/// The seed's four, of the coordinates that the graph has; the other sequence
/// lengths are as long. Empty, with a reason, if a symbol remains.
static std::vector<Coordinates>
defaultPoints(const ModelAnalysis &A, llvm::ArrayRef<llvm::StringRef> Needed,
              std::string &None) {
  bool HasBatch = hasSymbol(A, "B");
  bool HasLength = A.HasCache || hasSymbol(A, "N");
  std::string Open;
  std::vector<std::string> AlsoLengths;
  for (const SymbolInfo &S : A.Symbols) {
    if (!llvm::is_contained(Needed, S.Name) || S.Name == "B" || S.Name == "N")
      continue;
    if (A.HasCache && (S.Name == "P" || S.Name == "S"))
      continue;
    if (S.Meaning == SymbolInfo::Sequence || S.Meaning == SymbolInfo::Total)
      AlsoLengths.push_back(S.Name);
    else
      Open += (Open.empty() ? "" : ", ") + S.Name;
  }
  if (!Open.empty()) {
    None = "no figures at points: " + Open + " has no value; give it with --at";
    return {};
  }
  std::vector<Coordinates> Points;
  for (int64_t B : {1, 64})
    for (int64_t N : {32, 1024}) {
      Coordinates At;
      if (HasBatch)
        At.emplace_back("B", B);
      if (HasLength)
        At.emplace_back("N", N);
      for (const std::string &Name : AlsoLengths)
        At.emplace_back(Name, N);
      if (!llvm::is_contained(Points, At))
        Points.push_back(std::move(At));
    }
  return Points;
}

llvm::Expected<BoundPoints> bindPoints(const ModelAnalysis &A,
                                       const std::vector<Coordinates> &Asked,
                                       llvm::ArrayRef<llvm::StringRef> Needed) {
  BoundPoints Result;
  std::vector<Coordinates> Points =
      Asked.empty() ? defaultPoints(A, Needed, Result.None) : Asked;
  for (Coordinates &At : Points) {
    BoundPoint &P = Result.Points.emplace_back();
    P.At = std::move(At);
    if (llvm::Error E = bindOne(A, P, Needed)) {
      if (!Asked.empty())
        return E;
      Result.None = "no figures at points: " + llvm::toString(std::move(E));
      Result.Points.clear();
      break;
    }
  }
  return Result;
}

} // namespace xfa
