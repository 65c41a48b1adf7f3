//===- EditorMake.cpp - new nodes, constants, attributes, types -----------===//

#include "xfa/IR/Editor.h"

#include "llvm/ADT/STLExtras.h"

using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

namespace xfa {

ValueId Editor::makeValue(StringRef Name) {
  Value &V = M.Values.emplace_back();
  V.Name = freshName(Name);
  UsesOf.emplace_back();
  OutputUses.push_back(0);
  return ValueId(M.Values.size() - 1);
}

NodeId Editor::makeNode(GraphId In, const NodeSpec &Spec) {
  NodeId Id(M.Nodes.size());
  Node N;
  N.Kind = findOpKind(Spec.Domain, Spec.Op);
  N.Op = M.save(Spec.Op);
  N.Domain = M.save(Spec.Domain);
  N.Name = M.save(Spec.Name);
  N.OpsetVersion = opsetVersion(Spec.Domain);
  N.Parent = In;
  N.Inputs = M.save(Spec.Inputs);
  N.Attributes = M.save(Spec.Attributes);
  SmallVector<ValueId, 2> Outputs;
  for (unsigned I = 0; I < Spec.NumOutputs; ++I) {
    Outputs.push_back(makeValue(Spec.Name.empty() ? Spec.Op : Spec.Name));
    M[Outputs.back()].Producer = Id;
    M[Outputs.back()].OutputIndex = I;
    Unused.push_back(Outputs.back());
  }
  N.Outputs = M.save(ArrayRef<ValueId>(Outputs));
  M.Nodes.push_back(N);
  Erased.push_back(false);
  nameApart(Id);
  M[In].Nodes.push_back(Id);
  addUses(Id);
  return Id;
}

ValueId Editor::make(GraphId In, StringRef Op, ArrayRef<ValueId> Inputs,
                     ArrayRef<Attribute> Attributes, StringRef Name) {
  NodeSpec Spec;
  Spec.Op = Op;
  Spec.Inputs = Inputs;
  Spec.Attributes = Attributes;
  Spec.Name = Name;
  return M[makeNode(In, Spec)].Outputs[0];
}

ValueId Editor::makeConstant(Constant C, StringRef Name) {
  std::string Key = elemTypeName(C.Elem).str();
  auto Add = [&Key](const auto &Numbers) {
    Key += '|';
    Key.append(reinterpret_cast<const char *>(Numbers.data()),
               Numbers.size() * sizeof(Numbers[0]));
  };
  Add(C.Dims);
  Add(C.Ints);
  Add(C.Floats);
  ValueId &Known = Constants[Key];
  if (Known && M[Known].IsInitializer)
    return Known;
  C.Kept = true;
  M.Constants.push_back(C);
  ValueId V = makeValue(Name.empty() ? "constant" : Name);
  M[V].IsInitializer = true;
  M[V].Const = ConstantId(M.Constants.size() - 1);
  M[GraphId(0)].Initializers.push_back(V);
  Unused.push_back(V);
  return Known = V;
}

ValueId Editor::constantInts(ElemType Elem, ArrayRef<int64_t> Dims,
                             ArrayRef<int64_t> Ints, StringRef Name) {
  Constant C;
  C.Elem = Elem;
  C.Dims = M.save(Dims);
  C.Ints = M.save(Ints);
  return makeConstant(C, Name);
}

ValueId Editor::constantFloats(ElemType Elem, ArrayRef<int64_t> Dims,
                               ArrayRef<double> Floats, StringRef Name) {
  Constant C;
  C.Elem = Elem;
  C.Dims = M.save(Dims);
  C.Floats = M.save(Floats);
  return makeConstant(C, Name);
}

ValueId Editor::intVector(ArrayRef<int64_t> Ints, StringRef Name) {
  return constantInts(ElemType::Int64, {static_cast<int64_t>(Ints.size())},
                      Ints, Name);
}

ValueId Editor::intScalar(int64_t Value, StringRef Name) {
  return constantInts(ElemType::Int64, {}, ArrayRef(Value), Name);
}

ValueId Editor::floatScalar(ElemType Elem, double Value, StringRef Name) {
  return constantFloats(Elem, {}, ArrayRef(Value), Name);
}

Attribute Editor::intAttr(StringRef Name, int64_t Value) {
  Attribute A;
  A.Name = M.save(Name);
  A.Kind = AttrKind::Int;
  A.I = Value;
  return A;
}

Attribute Editor::intsAttr(StringRef Name, ArrayRef<int64_t> Values) {
  Attribute A;
  A.Name = M.save(Name);
  A.Kind = AttrKind::Ints;
  A.Ints = M.save(Values);
  return A;
}

Attribute Editor::floatAttr(StringRef Name, double Value) {
  Attribute A;
  A.Name = M.save(Name);
  A.Kind = AttrKind::Float;
  A.F = Value;
  return A;
}

Attribute Editor::textAttr(StringRef Name, StringRef Value) {
  Attribute A;
  A.Name = M.save(Name);
  A.Kind = AttrKind::String;
  A.S = M.save(Value);
  return A;
}

TypeId Editor::type(ElemType Elem, ArrayRef<DeclaredDim> Dims) {
  DeclaredType T;
  T.Elem = Elem;
  T.HasShape = true;
  T.Dims = M.save(Dims);
  M.Types.push_back(T);
  return TypeId(M.Types.size() - 1);
}

DeclaredDim Editor::dim(int64_t Value) {
  DeclaredDim D;
  D.Kind = DeclaredDim::Number;
  D.Value = Value;
  return D;
}

DeclaredDim Editor::dim(StringRef Symbol) {
  DeclaredDim D;
  D.Kind = DeclaredDim::Name;
  D.Symbol = M.save(Symbol);
  return D;
}

int Editor::opsetVersion(StringRef Domain, int IfNew) {
  for (const OpsetImport &Import : M.Opsets)
    if (Import.Domain == Domain)
      return static_cast<int>(Import.Version);
  M.Opsets.push_back({M.save(Domain), IfNew});
  return IfNew;
}

void Editor::setProp(StringRef Key, StringRef Text) {
  for (Metadata &Prop : M.Props)
    if (Prop.Key == Key) {
      Prop.Text = M.save(Text);
      return;
    }
  M.Props.push_back({M.save(Key), M.save(Text)});
}

} // namespace xfa
