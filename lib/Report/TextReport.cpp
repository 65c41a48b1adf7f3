//===- TextReport.cpp - what it is, the answer, why, what next ------------===//

#include "Text.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

llvm::StringRef verdictName(Verdict V) {
  switch (V) {
  case Verdict::Proved:
    return "proved";
  case Verdict::Refuted:
    return "refuted";
  case Verdict::Unknown:
    return "unknown";
  case Verdict::NotApplicable:
    return "not-applicable";
  }
  return "unknown";
}

llvm::StringRef kindName(Structure::KindTy K) {
  switch (K) {
  case Structure::None:
    return "none";
  case Structure::Decoder:
    return "decoder";
  case Structure::Encoder:
    return "encoder";
  case Structure::EncoderDecoder:
    return "encoder-decoder";
  case Structure::Attention:
    return "attention";
  case Structure::Mlp:
    return "mlp";
  }
  return "none";
}

llvm::StringRef confidenceName(Structure::ConfidenceTy C) {
  static constexpr llvm::StringLiteral Names[] = {"none", "partial",
                                                  "recognised"};
  return Names[C];
}

llvm::StringRef meaningName(SymbolInfo::MeaningTy M) {
  switch (M) {
  case SymbolInfo::Batch:
    return "batch";
  case SymbolInfo::Sequence:
    return "sequence";
  case SymbolInfo::Past:
    return "past";
  case SymbolInfo::Total:
    return "total";
  case SymbolInfo::Other:
    return "other";
  }
  return "other";
}

static std::string count(int64_t Number, llvm::StringRef What) {
  return grouped(Number) + " " + What.str() + (Number == 1 ? "" : "s");
}

/// "gelu_tanh" → "tanh GELU".
static std::string activationName(llvm::StringRef Name) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> Names[] =
      {{"gelu_tanh", "tanh GELU"},   {"gelu", "GELU"},
       {"quick_gelu", "quick GELU"}, {"relu", "ReLU"},
       {"relu_squared", "ReLU²"},    {"silu", "SiLU"}};
  for (const auto &[Given, Shown] : Names)
    if (Given == Name)
      return Shown.str();
  return printable(Name);
}

/// "decoder-only, 48 layers, D 1600, 25 heads of 64, MLP 6400 (tanh GELU), …".
static std::string structureLine(const StructureView &S) {
  static constexpr llvm::StringLiteral Kinds[] = {
      "no transformer found", "decoder-only", "encoder-only",
      "encoder-decoder",      "attention",    "MLP"};
  std::string Text = Kinds[S.Kind].str();
  if (S.Kind == Structure::None || S.Kind == Structure::Mlp)
    Text +=
        S.Convolutions > 0 ? ", " + count(S.Convolutions, "convolution") : "";
  if (S.Kind == Structure::None)
    return Text;
  if (S.Layers > 1 || S.Kind <= Structure::EncoderDecoder)
    Text += ", " + count(S.Layers, "layer");
  auto AddSize = [&](llvm::StringRef Before, Expr E,
                     llvm::StringRef After = "") {
    if (E && E.isKnown())
      Text += ", " + Before.str() + toString(E) + After.str();
  };
  AddSize("D ", S.Hidden);
  if (S.Heads && S.HeadDim)
    Text += ", " + formula(S.Heads) + (S.Heads.is(1) ? " head" : " heads") +
            " of " + formula(S.HeadDim);
  if (S.KvHeads && S.KvHeads != S.Heads)
    Text += ", " + formula(S.KvHeads) + " for K and V";
  if (S.Window)
    Text +=
        ", window " + formula(S.Window) +
        (S.WindowedLayers < S.Layers ? " in " + count(S.WindowedLayers, "layer")
                                     : "");
  std::string Activation =
      S.Activation.empty() ? "" : " (" + activationName(S.Activation) + ")";
  if (S.MlpHidden)
    AddSize("MLP ", S.MlpHidden, Activation);
  if (S.Vocab)
    Text += ", vocabulary " + formula(S.Vocab);
  if (S.VisionLayers > 0) {
    Text += S.VisionLayers == S.Layers
                ? ", sees an image"
                : ", " + count(S.VisionLayers, "layer") + " of an image";
    if (S.Patch)
      Text += " in patches of " + llvm::itostr(S.Patch->first) + "×" +
              llvm::itostr(S.Patch->second);
  }
  return Text;
}

static std::string weightsLine(const SummaryView &S) {
  std::string Text = figure(static_cast<double>(S.Parameters)) + " parameters";
  if (S.Parameters == 0)
    return "no parameters";
  Text += ", " + figure(static_cast<double>(S.WeightBytes), "B");
  Text += S.WeightType == ElemType::Undefined
              ? " of several types"
              : " " + elemTypeName(S.WeightType).str();
  if (!S.WeightsPresent)
    Text += " (absent, not needed)";
  return Text;
}

static std::string opsetsText(const SummaryView &S) {
  std::string Text;
  for (const auto &[Domain, Version] : S.Opsets) {
    Text += Text.empty() ? "opset " : ", ";
    if (Domain != "ai.onnx")
      Text += printable(Domain) + " ";
    Text += llvm::itostr(Version);
  }
  return Text;
}

static std::string nodesText(const SummaryView &S) {
  std::string Text = count(S.Nodes, "node");
  if (S.Costed == S.Nodes)
    return Text + (S.Nodes > 1 ? ", every one costed" : ", costed");
  return Text + ", " + grouped(S.Costed) + " costed";
}

static std::string symbolsLine(const Report &R) {
  std::string Text;
  std::string Total; // the graph's name of P + S
  for (const SymbolInfo &S : R.Summary.Symbols) {
    if (R.A->HasCache && S.Meaning == SymbolInfo::Total) {
      Total = " (" + printable(S.GraphName) + ")";
      continue;
    }
    if (R.A->target(S) != S.Name) // the assumptions say so
      continue;
    std::string Meaning = S.Meaning == SymbolInfo::Other
                              ? printable(S.GraphName)
                              : meaningName(S.Meaning).str();
    if (S.Meaning == SymbolInfo::Past)
      Meaning = "cached positions";
    if (S.Meaning == SymbolInfo::Sequence && S.Name == "S")
      Meaning = "new tokens";
    if (S.Name == Meaning)
      Meaning = "the graph's own";
    else if (S.Meaning != SymbolInfo::Other && S.GraphName != S.Name &&
             S.GraphName != Meaning)
      Meaning += " (" + printable(S.GraphName) + ")";
    Text += (Text.empty() ? "" : ", ") + S.Name + " = " + Meaning;
  }
  if (R.A->HasCache)
    Text += (Text.empty() ? "" : ", ") + std::string("N = ") +
            formula(R.A->PastPositions + R.A->NewPositions) + Total;
  const StructureView &F = R.Found;
  if (F.Kind != Structure::None && F.Causal != Verdict::NotApplicable) {
    Text += Text.empty() ? "causal: " : " · causal: ";
    Text += verdictName(F.Causal);
    if (F.Causal != Verdict::Proved && !F.CausalWhy.empty())
      Text += " (" + printable(F.CausalWhy) + ")";
  }
  return Text;
}

static void textSummary(const Report &R, const TextStyle &Style,
                        llvm::raw_ostream &OS) {
  std::string Path = printable(R.Summary.Path);
  std::vector<std::string> Paragraphs, Lines;
  auto Add = [&](std::string Text) {
    if (!Text.empty())
      Paragraphs.push_back(std::move(Text));
  };
  Add(structureLine(R.Found));
  if (R.Found.Confidence == Structure::Partial)
    Add("recognised in part: " + printable(llvm::join(R.Found.Missing, "; ")));
  std::string Opsets = opsetsText(R.Summary);
  Add(weightsLine(R.Summary) + " · " + (Opsets.empty() ? "" : Opsets + " · ") +
      nodesText(R.Summary));
  Add(symbolsLine(R));
  // Beside the path, if it all fits there; else under it.
  size_t Indent = textWidth(Path) + 4;
  bool Beside = llvm::all_of(Paragraphs, [&](const std::string &Text) {
    return Indent + textWidth(Text) <= Style.Width;
  });
  if (!Beside)
    Indent = 2;
  for (const std::string &Text : Paragraphs)
    llvm::append_range(Lines, wrapText(Text, Style.Width - Indent));
  if (Style.Colour)
    OS << "\033[1m" << Path << "\033[0m";
  else
    OS << Path;
  if (!Beside)
    OS << "\n";
  bool First = Beside;
  for (const std::string &Line : Lines) {
    OS.indent(First ? 4 : Indent) << Line << "\n";
    First = false;
  }
}

/// What is not known comes first, before the answer.
static void textUnknown(const Report &R, const TextStyle &Style,
                        llvm::raw_ostream &OS) {
  const auto &Unknown = R.Summary.Unknown;
  if (Unknown.empty())
    return;
  static constexpr size_t Most = 5;
  int64_t Uncosted = R.Summary.Nodes - R.Summary.Costed;
  std::string All = " of " + grouped(R.Summary.Nodes);
  if (Uncosted > 0)
    printHeading("Not known: the cost of " + count(Uncosted, "node") + All +
                     "; totals that miss it are lower bounds (≥)",
                 Style, OS);
  else
    printHeading("Not known: shapes at " +
                     count(static_cast<int64_t>(Unknown.size()), "node") + All +
                     "; no cost depends on them",
                 Style, OS);
  for (const auto &U : llvm::ArrayRef(Unknown).take_front(Most))
    printWrapped(printable(U.Op) + " '" + printable(U.Node) +
                     "': " + printable(U.Why),
                 2, 6, Style, OS);
  if (Unknown.size() > Most)
    OS << "  and " << grouped(static_cast<int64_t>(Unknown.size() - Most))
       << " more\n";
}

static void textNotes(const Report &R, const TextStyle &Style,
                      llvm::raw_ostream &OS) {
  OS << "\n";
  for (const std::string &Assumed : R.Summary.Assumptions)
    printWrapped("Assumed: " + printable(Assumed), 0, 2, Style, OS);
  bool Textbook = textLedgers(R).front().Kind == LedgerKind::Textbook;
  if (Textbook && !R.LeftOut.Parts.empty())
    printWrapped("Not in these figures: " + llvm::join(R.LeftOut.Parts, ", ") +
                     (R.shows(View::Reconcile) ? "" : "   (--view=reconcile)"),
                 0, 2, Style, OS);
  if (R.Next.empty())
    return;
  std::string Line = "Next:";
  for (const std::string &Hint : R.Next) {
    if (textWidth(Line) + 3 + textWidth(Hint) > Style.Width) {
      OS << Line << "\n";
      Line = " ";
    }
    Line += (llvm::StringRef(Line).ends_with(":") ? " " : "   ") + Hint;
  }
  OS << Line << "\n";
}

static void textView(const Report &R, View V, const TextStyle &Style,
                     llvm::raw_ostream &OS) {
  switch (V) {
  case View::Summary:
    return; // stands first whatever else is shown
  case View::Roles:
    for (const LedgerView &L : textLedgers(R)) {
      textTotals(R, L, Style, OS);
      textRoles(L, Style, OS);
    }
    return;
  case View::Layers:
    for (const LedgerView &L : textLedgers(R)) {
      textTotals(R, L, Style, OS);
      textLayers(L, Style, OS);
    }
    return;
  case View::Roofline:
    textRoofline(R, Style, OS);
    // The default report is short.
    if (!R.Options.Views.empty())
      textIntensities(R, Style, OS);
    return;
  case View::Crossover:
    return textCrossovers(R, Style, OS);
  case View::Memory:
    return textMemory(R, Style, OS);
  case View::Nodes:
    return textNodes(R, Style, OS);
  case View::Ops:
    return textOps(R, Style, OS);
  case View::Shapes:
    return textShapes(R, Style, OS);
  case View::Causality:
    return textCausality(R, Style, OS);
  case View::Reconcile:
    return textReconcile(R, Style, OS);
  case View::Decode:
    return textDecode(R, Style, OS);
  case View::Speculative:
    return textSpeculative(R, Style, OS);
  case View::Passes:
    return textPasses(R, Style, OS);
  case View::Advice:
    return;
  }
}

llvm::ArrayRef<LedgerView> textLedgers(const Report &R) {
  llvm::ArrayRef<LedgerView> All(R.Ledgers);
  return R.LedgersChosen ? All : All.take_front(1);
}

void renderText(const Report &R, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  TextStyle Fit = Style;
  Fit.Width = std::max(Style.Width, 40u);
  std::string Text;
  llvm::raw_string_ostream Body(Text);
  if (R.shows(View::Summary))
    textSummary(R, Fit, Body);
  textUnknown(R, Fit, Body);
  for (View V : R.Views)
    textView(R, V, Fit, Body);
  textExplanations(R, Fit, Body);
  if (R.Fit)
    textFit(R, Fit, Body);
  if (R.Request)
    textRequest(R, Fit, Body);
  if (R.shows(View::Summary))
    textNotes(R, Fit, Body);
  OS << llvm::StringRef(Text).ltrim('\n');
}

} // namespace xfa
