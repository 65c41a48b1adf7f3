//===- Editor.h - changing a model ----------------------------------------===//
//
// Passes change a model through an Editor, which keeps in step what follows
// from a change: who uses a value, which names are taken. New nodes go to the
// end of their graph; finish() puts each directly above the first node that
// needs it, and takes away what the changes left without a use. Until then a
// graph may still list nodes that are gone.
//
// Ids stay valid until compact(). Model-local functions are not edited: the
// copies of their bodies that calls have (Node::Callee) are read only.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_IR_EDITOR_H
#define XFA_IR_EDITOR_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace xfa {

/// A node to be made.
struct NodeSpec {
  llvm::StringRef Op;
  llvm::ArrayRef<ValueId> Inputs; ///< none: optional, left out
  llvm::ArrayRef<Attribute> Attributes;
  unsigned NumOutputs = 1;
  llvm::StringRef Domain;
  /// Of the node; outputs are called after it, or after the operator.
  llvm::StringRef Name;
};

class Editor {
public:
  explicit Editor(Model &M);

  Model &model() { return M; }

  //===-- Looking ---------------------------------------------------------===//

  /// By nodes of any graph, in no particular order.
  llvm::ArrayRef<Use> uses(ValueId V) const { return UsesOf[V.Index]; }
  /// How often V is an output of a graph (of any).
  unsigned outputUses(ValueId V) const { return OutputUses[V.Index]; }
  bool used(ValueId V) const { return !uses(V).empty() || outputUses(V); }

  //===-- Making ----------------------------------------------------------===//

  NodeId makeNode(GraphId In, const NodeSpec &Spec);
  /// A node with one output; that.
  ValueId make(GraphId In, llvm::StringRef Op, llvm::ArrayRef<ValueId> Inputs,
               llvm::ArrayRef<Attribute> Attributes = {},
               llvm::StringRef Name = {});

  /// Initialisers of the main graph, which every graph sees but functions'
  /// bodies. Equal ones are made once.
  ValueId constantInts(ElemType Elem, llvm::ArrayRef<int64_t> Dims,
                       llvm::ArrayRef<int64_t> Ints, llvm::StringRef Name = {});
  ValueId constantFloats(ElemType Elem, llvm::ArrayRef<int64_t> Dims,
                         llvm::ArrayRef<double> Floats,
                         llvm::StringRef Name = {});
  /// int64: a vector, a scalar.
  ValueId intVector(llvm::ArrayRef<int64_t> Ints, llvm::StringRef Name = {});
  ValueId intScalar(int64_t Value, llvm::StringRef Name = {});
  ValueId floatScalar(ElemType Elem, double Value, llvm::StringRef Name = {});

  Attribute intAttr(llvm::StringRef Name, int64_t Value);
  Attribute intsAttr(llvm::StringRef Name, llvm::ArrayRef<int64_t> Values);
  Attribute floatAttr(llvm::StringRef Name, double Value);
  Attribute textAttr(llvm::StringRef Name, llvm::StringRef Value);

  /// A tensor type; dims by number or by name.
  TypeId type(ElemType Elem, llvm::ArrayRef<DeclaredDim> Dims);
  DeclaredDim dim(int64_t Value);
  DeclaredDim dim(llvm::StringRef Symbol);

  /// Names are as given, where nothing else has them, else Name_1, ….
  ValueId addInput(GraphId To, llvm::StringRef Name, TypeId Declared);
  /// V as one more output called Name: V is renamed, or where it has a name
  /// that somebody may know (an input's, another output's), an Identity of it.
  ValueId addOutput(GraphId To, ValueId V, llvm::StringRef Name,
                    TypeId Declared = {});
  /// Fresh where Hint is taken; lives as long as the model.
  llvm::StringRef freshName(llvm::StringRef Hint);

  //===-- Changing --------------------------------------------------------===//

  /// To takes the place of From, as an operand (but of Except) and as an output
  /// of graphs. The main graph's outputs keep their names and declared types:
  /// To gets those of From, or an Identity of To does.
  void replaceAllUses(ValueId From, ValueId To, NodeId Except = {});
  void setInput(NodeId N, unsigned Operand, ValueId To);
  void setInputs(NodeId N, llvm::ArrayRef<ValueId> Inputs);
  void setOutput(GraphId G, unsigned Index, ValueId To);
  void removeOutput(GraphId G, unsigned Index);
  /// An input that nothing uses any more.
  void removeInput(GraphId G, ValueId V);
  void rename(ValueId V, llvm::StringRef Name);
  void setAttributes(NodeId N, llvm::ArrayRef<Attribute> Attributes);
  /// Forgets declared types of values that are neither inputs nor outputs: for
  /// passes that change shapes.
  void forgetInnerTypes();
  /// An entry of the model's metadata_props, in place of one with this key.
  void setProp(llvm::StringRef Key, llvm::StringRef Text);
  /// The version of an operator set; imported if it is not yet.
  int opsetVersion(llvm::StringRef Domain, int IfNew = 1);

  //===-- Functions -------------------------------------------------------===//

  /// Why the nodes cannot become a function of their own; empty: they can.
  std::string whyNotOutlined(llvm::ArrayRef<NodeId> Nodes);
  /// Turns nodes of one graph, named in its order, into a call of a new
  /// model-local function, whose body they are. Its inputs are what they use
  /// from outside, in the order of use; its outputs what the outside uses, in
  /// the order of definition. Bodies that are the same but for names are one
  /// function; another body gets another name (Name_1, …). whyNotOutlined must
  /// have nothing to say.
  NodeId outline(llvm::ArrayRef<NodeId> Nodes, llvm::StringRef Domain,
                 llvm::StringRef Name);
  /// Why the body of the function that Call calls cannot stand in its graph;
  /// empty: it can.
  std::string whyNotInlined(NodeId Call) const;
  /// Puts it there, in the place of Call: the inverse of outline. The nodes of
  /// the body.
  std::vector<NodeId> inlineCall(NodeId Call);
  /// Forgets functions that nothing calls any more, if no call is left, and the
  /// operator sets that were theirs alone.
  void dropUncalledFunctions();

  /// A node whose outputs nothing uses, and the graphs in it.
  void erase(NodeId N);
  /// One that nothing uses.
  void eraseInitializer(ValueId V);

  /// Erases nodes and initialisers that lost their last use, and what only they
  /// used; sorts the graphs. Fails, naming a node, on a cycle.
  llvm::Error finish();

private:
  struct Boundary;
  Boundary boundary(llvm::ArrayRef<NodeId> Nodes);
  void moveInto(GraphId Body, Boundary &B);
  llvm::StringRef functionName(GraphId Body, llvm::StringRef Domain,
                               llvm::StringRef Name, NodeId Call);

  ValueId makeValue(llvm::StringRef Name);
  ValueId makeConstant(Constant C, llvm::StringRef Name);
  void takeNames(GraphId G);
  void takeNodeNames(GraphId G);
  /// Runtimes refuse two nodes of one name: a copy of a node, or the second
  /// call of a function that is inlined, gets a number. N is in no graph yet.
  void nameApart(NodeId N);
  void addUses(NodeId N);
  void dropUse(ValueId V, NodeId User, unsigned Operand);
  void dropUsesIn(NodeId N);
  void eraseGraph(GraphId G);
  void settleNodes(GraphId G);
  void replaceOutputs(ValueId From, ValueId To);
  ValueId outputNamed(GraphId G, ValueId V, llvm::StringRef Name,
                      TypeId Declared);

  Model &M;
  std::vector<llvm::SmallVector<Use, 2>> UsesOf; ///< by ValueId
  std::vector<unsigned> OutputUses;              ///< by ValueId
  llvm::StringMap<unsigned> Taken; ///< names, and the last number tried
  /// Of nodes outside of functions, and the last number tried; filled when
  /// first asked.
  llvm::StringMap<unsigned> NodeNames;
  llvm::StringMap<ValueId> Constants;
  std::vector<ValueId> Unused;               ///< may have lost their last use
  std::vector<bool> Erased;                  ///< by NodeId
  llvm::StringMap<llvm::StringRef> Outlined; ///< body → name of its function
  /// Nodes that finish() puts in the place of another: the call of a function,
  /// or a body.
  llvm::DenseMap<NodeId, std::vector<NodeId>> InPlaceOf;
};

/// Sorts a graph's nodes so that each comes after those it needs. Nodes keep
/// their order but for those that have to move up, directly above the first
/// that needs them. Fails, naming a node, on a cycle.
llvm::Error sortNodes(Model &M, GraphId G);

/// Renumbers what is left, in the old order: analyses expect no holes. Ids from
/// before are void.
void compact(Model &M);

/// Fn on each graph that stands in N: bodies in its attributes, and the body of
/// the function that it calls.
void forEachInnerGraph(const Node &N, llvm::function_ref<void(GraphId)> Fn);

} // namespace xfa

#endif // XFA_IR_EDITOR_H
