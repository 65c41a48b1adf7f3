//===- Printer.cpp - a model as text, one node a line ---------------------===//

#include "xfa/IR/Printer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

namespace xfa {

static std::string quoted(llvm::StringRef Text) {
  std::string Result;
  llvm::raw_string_ostream OS(Result);
  OS << '"';
  OS.write_escaped(Text);
  OS << '"';
  return Result;
}

std::string valueText(const Model &M, ValueId V) {
  llvm::StringRef Name = M[V].Name;
  bool Plain = !Name.empty() && llvm::all_of(Name, [](char C) {
    return llvm::isAlnum(C) || llvm::StringRef("_./:-").contains(C);
  });
  return "%" + (Plain ? Name.str() : quoted(Name));
}

namespace {
class Printer {
public:
  Printer(const Model &M, llvm::raw_ostream &OS,
          llvm::function_ref<std::string(ValueId)> TypeOf,
          llvm::function_ref<std::string(NodeId)> NoteOf)
      : M(M), OS(OS), TypeOf(TypeOf), NoteOf(NoteOf) {}

  void graph(llvm::StringRef Title, GraphId Id, unsigned Indent);

private:
  void typed(ValueId V);
  void node(NodeId Id, unsigned Indent);
  void constant(const Constant &C);
  void attribute(const Attribute &A);
  template <typename T> void list(llvm::ArrayRef<T> Items);
  void item(int64_t I) { OS << I; }
  void item(double D) { OS << llvm::format("%.9g", D); }
  void item(llvm::StringRef S) { OS << quoted(S); }

  /// Longer contents are left out.
  static constexpr size_t MaxItems = 16;

  const Model &M;
  llvm::raw_ostream &OS;
  llvm::function_ref<std::string(ValueId)> TypeOf;
  llvm::function_ref<std::string(NodeId)> NoteOf;
};
} // namespace

template <typename T> void Printer::list(llvm::ArrayRef<T> Items) {
  OS << '[';
  for (size_t I = 0; I < std::min(Items.size(), MaxItems); ++I) {
    if (I)
      OS << ',';
    item(Items[I]);
  }
  OS << (Items.size() > MaxItems ? ",…]" : "]");
}

void Printer::typed(ValueId V) {
  OS << valueText(M, V);
  if (std::string Type = TypeOf(V); !Type.empty())
    OS << " : " << Type;
}

/// " [1,2]": what is kept of the contents.
void Printer::constant(const Constant &C) {
  if (!C.Ints.empty()) {
    OS << ' ';
    list(C.Ints);
  } else if (!C.Floats.empty()) {
    OS << ' ';
    list(C.Floats);
  } else if (!C.Strings.empty()) {
    OS << ' ';
    list(C.Strings);
  }
}

void Printer::attribute(const Attribute &A) {
  OS << A.Name << " = ";
  switch (A.Kind) {
  case AttrKind::Float:
    return item(A.F);
  case AttrKind::Int:
    return item(A.I);
  case AttrKind::String:
    return item(A.S);
  case AttrKind::Floats:
    return list(A.Floats);
  case AttrKind::Ints:
    return list(A.Ints);
  case AttrKind::Strings:
    return list(A.Strings);
  case AttrKind::Tensor:
    if (A.Tensor) {
      const Constant &C = M[A.Tensor];
      OS << elemTypeName(C.Elem);
      list(C.Dims);
      return constant(C);
    }
    break;
  case AttrKind::Graph:
  case AttrKind::Graphs:
  case AttrKind::Tensors:
  case AttrKind::Type:
  case AttrKind::Other:
  case AttrKind::Undefined:
    break;
  }
  OS << "…";
}

void Printer::node(NodeId Id, unsigned Indent) {
  const Node &N = M[Id];
  OS.indent(Indent);
  bool First = true;
  for (ValueId V : N.Outputs) {
    OS << (First ? "" : ", ");
    First = false;
    if (V)
      typed(V);
    else
      OS << '_';
  }
  if (!First)
    OS << " = ";
  if (!N.Domain.empty())
    OS << N.Domain << '.';
  OS << N.Op << '(';
  First = true;
  for (ValueId V : N.Inputs) {
    OS << (First ? "" : ", ") << (V ? valueText(M, V) : "_");
    First = false;
  }
  OS << ')';
  First = true;
  for (const Attribute &A : N.Attributes) {
    if (A.Kind == AttrKind::Graph || A.Kind == AttrKind::Graphs)
      continue; // printed under the node
    OS << (First ? " {" : ", ");
    First = false;
    attribute(A);
  }
  if (!First)
    OS << '}';
  if (std::string Note = NoteOf(Id); !Note.empty())
    OS << " ; " << Note;
  OS << '\n';
  for (const Attribute &A : N.Attributes)
    if (A.Kind == AttrKind::Graph || A.Kind == AttrKind::Graphs)
      for (GraphId G : A.Graphs)
        graph(A.Name, G, Indent + 2);
  if (N.Callee)
    graph("body", N.Callee, Indent + 2);
}

void Printer::graph(llvm::StringRef Title, GraphId Id, unsigned Indent) {
  const Graph &G = M[Id];
  OS.indent(Indent) << Title << '(';
  bool First = true;
  for (ValueId V : G.Inputs) {
    OS << (First ? "" : ", ");
    First = false;
    typed(V);
  }
  OS << ") -> (";
  First = true;
  for (ValueId V : G.Outputs) {
    OS << (First ? "" : ", ") << (V ? valueText(M, V) : "_");
    First = false;
  }
  OS << ") {\n";
  for (ValueId V : G.Initializers) {
    OS.indent(Indent + 2);
    typed(V);
    OS << " = initialiser";
    if (M[V].Const)
      constant(M[M[V].Const]);
    OS << '\n';
  }
  for (NodeId N : G.Nodes)
    node(N, Indent + 2);
  OS.indent(Indent) << "}\n";
}

void printModel(const Model &M, llvm::raw_ostream &OS,
                llvm::function_ref<std::string(ValueId)> TypeOf,
                llvm::function_ref<std::string(NodeId)> NoteOf) {
  std::string Name = M.main().Name.str();
  Printer(M, OS, TypeOf, NoteOf)
      .graph("graph " + (Name.empty() ? "main" : Name), GraphId(0), 0);
}

} // namespace xfa
