//===- TextTables.cpp - nodes, operators, values, memory, causality -------===//

#include "Text.h"
#include "ValueText.h"

#include "llvm/ADT/StringExtras.h"

namespace xfa {

std::string typeText(const ModelAnalysis &A, ValueId V) {
  return factsText(A.Facts[V], &A);
}

void textNodes(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS) {
  printHeading("Nodes · FLOPs and bytes as the file has them", Style, OS);
  TextTable Table({{"node"},
                   {"op"},
                   {"role"},
                   {"layer", TextTable::Right},
                   {"FLOPs", TextTable::Left, true},
                   {"bytes read", TextTable::Left, true},
                   {"bytes written", TextTable::Left, true}});
  for (const NodeRow &Row : R.Nodes) {
    std::string Name = printable(R.M->label(Row.Node));
    std::string Op = printable((*R.M)[Row.Node].Op);
    std::string RoleText = Row.Folded ? "folded"
                           : Row.R    ? roleName(*Row.R).str()
                                      : "–";
    std::string Layer = Row.Layer < 0 ? "–" : llvm::itostr(Row.Layer);
    const bool Known = Row.Why.empty();
    auto Figure = [&](Expr E) {
      return E ? atLeast(Known).str() + formula(E) : "?";
    };
    Table.add({Name, Op, RoleText, Layer,
               Figure(Row.Flops) + (Known ? "" : " " + printable(Row.Why)),
               Figure(Row.Read), Figure(Row.Written)});
  }
  Table.print(Style, OS);
}

void textOps(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS) {
  printHeading("Operators · what is known when the graph is compiled costs "
               "nothing and is left out",
               Style, OS);
  TextTable Table({{"op"},
                   {"count", TextTable::Right},
                   {"FLOPs", TextTable::Left, true},
                   {"bytes", TextTable::Left, true}});
  for (const OpRow &Row : R.Ops) {
    std::string Least = Row.Unknown ? "≥ " : "";
    Table.add({printable(Row.Op), grouped(Row.Count),
               Least + formula(Row.Flops), Least + formula(Row.Bytes)});
  }
  Table.print(Style, OS);
}

void textShapes(const Report &R, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  printHeading("Values of the main graph", Style, OS);
  TextTable Table({{"value"}, {"from"}, {"type", TextTable::Left, true}});
  for (ValueId V : R.Values) {
    const Value &Val = (*R.M)[V];
    const ValueFacts &F = R.A->Facts[V];
    std::string From = Val.Producer        ? (*R.M)[Val.Producer].Op.str()
                       : Val.IsInitializer ? "initialiser"
                                           : "input";
    std::string Type = typeText(*R.A, V);
    if (F.FromDeclaration)
      Type += " declared";
    else if (!F.why().empty())
      Type += " " + F.why().str();
    Table.add({printable(Val.Name), printable(From), printable(Type)});
  }
  Table.print(Style, OS);
}

void textMemory(const Report &R, const TextStyle &Style,
                llvm::raw_ostream &OS) {
  if (!R.Memory)
    return;
  const MemoryView &V = *R.Memory;
  printHeading("Memory at the peak, in bytes · nodes in the file's order",
               Style, OS);
  std::string Least = atLeast(V.Exact).str();
  TextTable Parts({{""}, {"", TextTable::Left, true}});
  Parts.add({"weights", formula(V.WeightBytes)});
  Parts.add({"activations", Least + formula(V.ActivationBytes)});
  Parts.add({"together", Least + formula(V.PeakBytes)});
  if (V.KvCacheBytes)
    Parts.add({"KV cache", formula(V.KvCacheBytes)});
  Parts.print(Style, OS);
  if (!V.Exact && !V.Unknown.empty())
    printWrapped("A lower bound: " + printable(V.Unknown), 2, 4, Style, OS);
  for (const MemoryView::Place &P : V.PeakAt)
    printWrapped("peak at " + printable(P.Op) + " '" + printable(P.Node) +
                     "': " + formula(P.Bytes),
                 2, 6, Style, OS);
  if (!V.None.empty())
    printWrapped(printable(V.None), 2, 4, Style, OS);
  if (V.Rows.empty())
    return;
  OS << "\n";
  std::vector<TextTable::Column> Columns = {{"at"},
                                            {"weights", TextTable::Figure},
                                            {"activations", TextTable::Figure},
                                            {"together", TextTable::Figure}};
  if (V.KvCacheBytes)
    Columns.push_back({"KV cache", TextTable::Figure});
  TextTable Table(std::move(Columns));
  for (const MemoryView::Row &Row : V.Rows) {
    std::vector<std::string> Cells = {
        toString(Row.At), figure(static_cast<double>(Row.Weights), "B"),
        Least + figure(static_cast<double>(Row.Activations), "B"),
        Least + figure(static_cast<double>(Row.Peak), "B")};
    if (V.KvCacheBytes)
      Cells.push_back(
          Row.KvCache ? figure(static_cast<double>(*Row.KvCache), "B") : "?");
    Table.add(std::move(Cells));
  }
  Table.print(Style, OS);
}

void textCausality(const Report &R, const TextStyle &Style,
                   llvm::raw_ostream &OS) {
  printHeading("Causality", Style, OS);
  std::string Text = verdictName(R.Found.Causal).str();
  if (!R.Found.CausalWhy.empty())
    Text += ": " + printable(R.Found.CausalWhy);
  printWrapped(Text, 2, 4, Style, OS);
  const StructureView &F = R.Found;
  if (F.CausalLeak)
    printWrapped("first leaking pair: row " +
                     std::to_string(F.CausalLeak->first) + ", column " +
                     std::to_string(F.CausalLeak->second),
                 2, 4, Style, OS);
  for (const std::string &Step : F.CausalChain)
    printWrapped("because " + printable(Step), 2, 4, Style, OS);
  for (const std::string &Assumed : F.CausalAssumptions)
    printWrapped("assumes: " + printable(Assumed), 2, 4, Style, OS);
}

} // namespace xfa
