//===- TextLedger.cpp - totals, roles, layers, reconciliation -------------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

std::string ledgerTitle(const LedgerView &L) {
  if (L.Kind == LedgerKind::Graph)
    return "every node as the file has it";
  std::string Text = "textbook rules";
  if (L.ElementBits % 8 == 0 && L.ElementBits)
    Text += ", " + llvm::utostr(L.ElementBits / 8) +
            (L.ElementBits == 8 ? " byte an element" : " bytes an element");
  return Text;
}

std::string scopeTitle(const Report &R, const LedgerView &L) {
  if (L.Kind == LedgerKind::Graph)
    return "the whole graph";
  llvm::StringRef Name = R.Options.TextbookScope.Name;
  if (Name == "core")
    return R.Found.Kind == Structure::Mlp         ? "MLP"
           : R.Found.Kind == Structure::Attention ? "attention"
                                                  : "attention and MLP";
  if (Name == "attention")
    return "attention with its projections";
  if (Name == "mha")
    return "attention without its projections";
  if (Name == "mlp")
    return "MLP";
  if (Name == "all")
    return "all roles";
  return Name.str();
}

namespace {
struct Term {
  std::string Sign, Number, Monomial;
};
} // namespace

/// 2949504000*B*N → "2,949,504,000" and "·B·N".
static std::vector<Term> splitTerms(Expr E) {
  std::vector<Term> Result;
  for (const ExprTerm &T : terms(E)) {
    Term Text;
    bool Negative = T.Coefficient < 0;
    Text.Sign = Negative ? "−" : Result.empty() ? "" : "+";
    __int128 Magnitude = T.Coefficient;
    Text.Number = toString(Negative ? -Magnitude : Magnitude, ExprStyle::Human);
    std::string Monomial =
        T.Monomial.is(1) ? "" : toString(T.Monomial, ExprStyle::Human);
    if (Magnitude == 1 && !Monomial.empty())
      Text.Number = Monomial;
    else if (!Monomial.empty())
      Text.Monomial = "·" + Monomial;
    Result.push_back(std::move(Text));
  }
  if (Result.empty())
    Result.push_back({"", "0", ""});
  return Result;
}

/// Two polynomials under each other, coefficients and monomials aligned; false
/// if that does not fit.
static bool printAligned(llvm::ArrayRef<std::pair<std::string, Expr>> Lines,
                         const TextStyle &Style, llvm::raw_ostream &OS) {
  std::vector<std::vector<Term>> All;
  size_t Columns = 0, Label = 0;
  for (const auto &[Name, E] : Lines) {
    if (!E || !E.isKnown())
      return false;
    All.push_back(splitTerms(E));
    Columns = std::max(Columns, All.back().size());
    Label = std::max(Label, textWidth(Name));
  }
  std::vector<size_t> Numbers(Columns), Monomials(Columns);
  size_t Width = 2 + Label + 2;
  for (size_t C = 0; C < Columns; ++C) {
    for (const auto &Terms : All)
      if (C < Terms.size()) {
        Numbers[C] = std::max(Numbers[C], textWidth(Terms[C].Number));
        Monomials[C] = std::max(Monomials[C], textWidth(Terms[C].Monomial));
      }
    Width += Numbers[C] + Monomials[C] + (C ? 5 : 0);
  }
  if (Columns == 0 || Width > Style.Width)
    return false;
  for (size_t L = 0; L < All.size(); ++L) {
    std::string Line = "  " + padRight(Lines[L].first, Label) + "  ";
    for (size_t C = 0; C < All[L].size(); ++C) {
      const Term &T = All[L][C];
      Line += C ? "  " + T.Sign + "  " : T.Sign;
      Line +=
          padLeft(T.Number, Numbers[C]) + padRight(T.Monomial, Monomials[C]);
    }
    OS << llvm::StringRef(Line).rtrim(' ') << "\n";
  }
  return true;
}

void textFormulas(llvm::ArrayRef<std::pair<std::string, Expr>> Lines,
                  const TextStyle &Style, llvm::raw_ostream &OS) {
  if (printAligned(Lines, Style, OS))
    return;
  for (const auto &[Name, E] : Lines)
    printWrapped(Name + "  " + formula(E), 2, 6, Style, OS);
}

void textTotals(const Report &R, const LedgerView &L, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  std::string Title =
      R.A->HasCache ? formula(R.A->NewPositions) +
                          (R.A->NewPositions.is(1) ? " new token after "
                                                   : " new tokens after ") +
                          formula(R.A->PastPositions) + " cached"
                    : std::string("Forward pass");
  Title += " · " + scopeTitle(R, L) + " · " + ledgerTitle(L);
  for (const std::string &WhatIf : R.Options.WhatIfs)
    Title += " · " + WhatIf;
  printHeading(Title, Style, OS);
  std::pair<std::string, Expr> Lines[] = {
      {"FLOPs" + std::string(L.Exact ? "" : " ≥"), L.Total.flops()},
      {"bytes" + std::string(L.Exact ? "" : " ≥"), L.Total.bytes()}};
  textFormulas(Lines, Style, OS);
}

namespace {
/// Roles that text shows as one row.
struct Merged {
  std::string Name;
  int64_t Count = 0;
  Work W;
  LedgerView::Share At;
};
} // namespace

static void addShare(std::optional<double> &To, std::optional<double> From) {
  if (To && From)
    *To += *From;
  else
    To = std::nullopt;
}

static bool has(const LedgerView &L, Role R) {
  return llvm::any_of(L.Roles,
                      [&](const LedgerView::RoleRow &X) { return X.R == R; });
}

/// Textbook: the projections are one row, so is the MLP.
static std::string rowName(const LedgerView &L, Role R) {
  if (L.Kind == LedgerKind::Textbook) {
    bool Qkv =
        has(L, Role::QProj) && has(L, Role::KProj) && has(L, Role::VProj);
    if (Qkv && (R == Role::QProj || R == Role::KProj || R == Role::VProj))
      return "q k v";
    bool Mlp = has(L, Role::MlpUp) && has(L, Role::MlpDown);
    if (Mlp && (R == Role::MlpUp || R == Role::MlpGate || R == Role::MlpDown))
      return "mlp";
    if (R == Role::OutProj)
      return "out";
  }
  return roleName(R).str();
}

static std::vector<Merged> mergeRoles(const LedgerView &L) {
  std::vector<Merged> Rows;
  for (const LedgerView::RoleRow &Row : L.Roles) {
    std::string Name = rowName(L, Row.R);
    auto Same =
        llvm::find_if(Rows, [&](const Merged &X) { return X.Name == Name; });
    if (Same == Rows.end()) {
      Rows.push_back({Name, Row.Count, Row.W, Row.At});
      continue;
    }
    Same->Count += Row.Count;
    Same->W += Row.W;
    addShare(Same->At.Flops, Row.At.Flops);
    addShare(Same->At.Bytes, Row.At.Bytes);
  }
  return Rows;
}

/// The headers of the two columns of shares.
static std::pair<std::string, std::string> shareHeaders(const LedgerView &L) {
  std::string At =
      L.SharesAt.empty() ? "" : "at " + toString(L.SharesAt) + ": ";
  return {At + "FLOPs", "bytes"};
}

static std::string shareText(Expr E, std::optional<double> Part) {
  return E && E.is(0) ? "–" : percent(Part);
}

/// One of the figures of some work: what is known of it.
static std::string figure(const Work &W, Expr E) {
  return atLeast(W.Exact).str() + formula(E);
}

static TextTable workTable(const LedgerView &L, llvm::StringRef First,
                           llvm::StringRef Second) {
  auto [Flops, Bytes] = shareHeaders(L);
  std::vector<TextTable::Column> Columns = {{First.str()},
                                            {Second.str(), TextTable::Right},
                                            {"FLOPs", TextTable::Left, true},
                                            {"bytes", TextTable::Left, true},
                                            {Flops, TextTable::Right},
                                            {Bytes, TextTable::Right}};
  return TextTable(std::move(Columns));
}

void textRoles(const LedgerView &L, const TextStyle &Style,
               llvm::raw_ostream &OS) {
  if (L.Roles.empty())
    return;
  TextTable Table = workTable(L, "role", "count");
  for (const Merged &Row : mergeRoles(L)) {
    const Expr Flops = Row.W.flops(), Bytes = Row.W.bytes();
    const bool Fused = L.Kind == LedgerKind::Textbook && Row.W.Exact &&
                       Bytes.is(0) && !Flops.is(0);
    Table.add({Row.Name, grouped(Row.Count), figure(Row.W, Flops),
               Fused ? "fused" : figure(Row.W, Bytes),
               shareText(Flops, Row.At.Flops), shareText(Bytes, Row.At.Bytes)});
  }
  OS << "\n";
  Table.print(Style, OS);
}

void textLayers(const LedgerView &L, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  TextTable Table = workTable(L, "layer", "");
  for (size_t I = 0; I < L.Layers.size();) {
    const LedgerView::LayerRow &Row = L.Layers[I];
    size_t End = I + 1;
    // Equal layers in a row are one line, each of them as it says.
    while (Row.Layer >= 0 && End < L.Layers.size() &&
           L.Layers[End].W.flops() == Row.W.flops() &&
           L.Layers[End].W.bytes() == Row.W.bytes() &&
           L.Layers[End].W.Exact == Row.W.Exact)
      ++End;
    std::string Name = Row.Layer < 0 ? "outside" : llvm::itostr(Row.Layer);
    std::string Each;
    if (End > I + 1) {
      Name += "–" + llvm::itostr(L.Layers[End - 1].Layer);
      Each = "each";
    }
    Table.add({Name, Each, figure(Row.W, Row.W.flops()),
               figure(Row.W, Row.W.bytes()),
               shareText(Row.W.flops(), Row.At.Flops),
               shareText(Row.W.bytes(), Row.At.Bytes)});
    I = End;
  }
  if (Table.empty())
    return;
  OS << "\n";
  Table.print(Style, OS);
}

void textReconcile(const Report &R, const TextStyle &Style,
                   llvm::raw_ostream &OS) {
  if (!R.Walk) {
    printHeading("From the textbook's total to the graph's", Style, OS);
    printWrapped("no transformer was found: there is only the graph's ledger",
                 2, 2, Style, OS);
    return;
  }
  printHeading("From the textbook's total (" + R.Options.TextbookScope.Name +
                   ") to the graph's",
               Style, OS);
  TextTable Table({{""},
                   {"FLOPs", TextTable::Left, true},
                   {"bytes", TextTable::Left, true}});
  const Reconciliation &W = *R.Walk;
  auto SignedFormula = [](Expr E) {
    if (!E || E.is(0))
      return std::string("–");
    std::string Text = formula(E);
    return Text.front() == '-' ? Text : "+ " + Text;
  };
  Table.add({"textbook", formula(W.TextbookFlops), formula(W.TextbookBytes)});
  for (const Reconciliation::Line &L : W.Lines)
    Table.add(
        {printable(L.What), SignedFormula(L.Flops), SignedFormula(L.Bytes)});
  Table.add({"graph", formula(W.GraphFlops), formula(W.GraphBytes)});
  Table.print(Style, OS);
}

} // namespace xfa
