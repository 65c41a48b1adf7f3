//===- Model.cpp ----------------------------------------------------------===//

#include "xfa/IR/Model.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

namespace xfa {

Model::Model() : Strings(Arena) {}

const Attribute *Node::attribute(llvm::StringRef Name) const {
  for (const Attribute &A : Attributes)
    if (A.Name == Name)
      return &A;
  return nullptr;
}

int64_t Node::intAttribute(llvm::StringRef Name, int64_t Default) const {
  const Attribute *A = attribute(Name);
  return A && A->Kind == AttrKind::Int ? A->I : Default;
}

bool Node::hasBody() const {
  return llvm::any_of(Attributes,
                      [](const Attribute &A) { return !A.Graphs.empty(); });
}

std::optional<int64_t> Constant::numElements() const {
  int64_t Count = 1;
  for (int64_t Dim : Dims)
    if (llvm::MulOverflow(Count, Dim, Count))
      return std::nullopt;
  return Count;
}

std::string Model::label(NodeId Id) const {
  const Node &N = (*this)[Id];
  if (!N.Name.empty())
    return N.Name.str();
  for (ValueId Out : N.Outputs)
    if (Out)
      return (N.Op + " -> " + (*this)[Out].Name).str();
  return N.Op.str();
}

llvm::StringRef Model::ownName(NodeId Id) const {
  const Node &N = (*this)[Id];
  if (!N.Name.empty())
    return N.Name;
  for (ValueId Out : N.Outputs)
    if (Out)
      return (*this)[Out].Name;
  return "";
}

} // namespace xfa
