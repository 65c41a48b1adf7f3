//===- Annotated.cpp - what xf-opt prints ---------------------------------===//

#include "xfa/Report/Annotated.h"

#include "JsonValues.h"
#include "ValueText.h"

#include "xfa/IR/Printer.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"

namespace xfa {

static std::string note(const ModelAnalysis &A, NodeId Id) {
  const NodeCost &C = A.Costs.Nodes[Id.Index];
  if (C.Folded)
    return "folded";
  std::string Text;
  if (Id.Index < A.Found.Roles.size())
    if (std::optional<Role> R = A.Found.Roles[Id.Index])
      Text = roleName(*R).str();
  if (Id.Index < A.Found.Layers.size() && A.Found.Layers[Id.Index] >= 0)
    Text += (Text.empty() ? "layer " : " layer ") +
            llvm::itostr(A.Found.Layers[Id.Index]);
  if (!Text.empty())
    Text += " ; ";
  if (!C.known())
    return Text + "unknown: " + C.Unknown;
  Text += toString(C.Matrix + C.Vector) + " FLOP ; " + toString(C.Read) +
          " B read ; " + toString(C.Written) + " B written";
  if (!C.Times.is(1))
    Text += " ; times " + toString(C.Times);
  return Text;
}

void printAnnotated(const Model &M, const ModelAnalysis &A,
                    llvm::raw_ostream &OS) {
  printModel(
      M, OS, [&](ValueId V) { return factsText(A.Facts[V], nullptr); },
      [&](NodeId N) { return note(A, N); });
}

void printWithShapes(const Model &M, const ShapeFacts &Facts,
                     llvm::raw_ostream &OS) {
  printModel(
      M, OS, [&](ValueId V) { return factsText(Facts[V], nullptr); },
      [](NodeId) { return std::string(); });
}

static llvm::StringRef kindText(ValueFacts::KindTy K) {
  switch (K) {
  case ValueFacts::Unknown:
    return "";
  case ValueFacts::Tensor:
    return "tensor";
  case ValueFacts::SparseTensor:
    return "sparse_tensor";
  case ValueFacts::Sequence:
    return "sequence";
  case ValueFacts::Optional:
    return "optional";
  case ValueFacts::Map:
    return "map";
  }
  return "";
}

static void jsonFacts(llvm::json::OStream &J, const ValueFacts &F) {
  J.object([&] {
    jsonText(J, "kind", kindText(F.Kind));
    if (F.Kind == ValueFacts::Sequence || F.Kind == ValueFacts::Optional) {
      J.attributeBegin("of");
      if (F.Item)
        jsonFacts(J, *F.Item);
      else
        J.value(nullptr);
      J.attributeEnd();
      return;
    }
    if (F.Elem == ElemType::Undefined)
      J.attribute("elem", nullptr);
    else
      J.attribute("elem", static_cast<int64_t>(F.Elem));
    if (!F.HasRank)
      return J.attribute("shape", nullptr);
    J.attributeArray("shape", [&] {
      for (Expr D : F.Dims)
        jsonExpr(J, D);
    });
  });
}

void printShapesLine(llvm::StringRef Path, const Model &M,
                     const ShapeFacts &Facts, llvm::raw_ostream &OS) {
  llvm::json::OStream J(OS);
  llvm::DenseSet<llvm::StringRef> Seen;
  J.object([&] {
    J.attribute("path", jsonSafe(Path));
    J.attributeObject("values", [&] {
      auto Add = [&](ValueId V) {
        if (!V || M[V].Name.empty() || !Seen.insert(M[V].Name).second)
          return;
        J.attributeBegin(jsonSafe(M[V].Name));
        jsonFacts(J, Facts[V]);
        J.attributeEnd();
      };
      llvm::for_each(M.main().Inputs, Add);
      llvm::for_each(M.main().Initializers, Add);
      for (NodeId N : M.main().Nodes)
        llvm::for_each(M[N].Outputs, Add);
    });
  });
  OS << "\n";
}

void printErrorLine(llvm::StringRef Path, llvm::StringRef Sentence,
                    llvm::raw_ostream &OS) {
  llvm::json::OStream J(OS);
  J.object([&] {
    J.attribute("path", jsonSafe(Path));
    J.attribute("error", jsonSafe(Sentence));
  });
  OS << "\n";
}

} // namespace xfa
