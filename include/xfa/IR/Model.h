//===- Model.h - the graph as the file has it -----------------------------===//
//
// Values, nodes, graphs and constants live in contiguous vectors and are named
// by 32-bit ids; strings, operand lists and attributes live in the model's
// arena. The model says what the file says: analyses keep what they find in
// side tables indexed by id (Analysis/).
//
// All graphs of a model (the main one, bodies of If, Loop and Scan, and one
// copy of a model-local function's body for each call) share the id spaces. A
// subgraph uses an outer value simply by its id.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_IR_MODEL_H
#define XFA_IR_MODEL_H

#include "xfa/IR/ElemType.h"
#include "xfa/IR/OpKind.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/StringSaver.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xfa {

/// A typed index; default-constructed it names nothing and tests false.
template <typename Tag> struct Id {
  static constexpr uint32_t None = ~0u;
  uint32_t Index = None;
  Id() = default;
  explicit Id(size_t I) : Index(static_cast<uint32_t>(I)) {}
  explicit operator bool() const { return Index != None; }
  bool operator==(Id O) const { return Index == O.Index; }
  bool operator!=(Id O) const { return Index != O.Index; }
  bool operator<(Id O) const { return Index < O.Index; }
};
} // namespace xfa

namespace llvm {
template <typename Tag> struct DenseMapInfo<xfa::Id<Tag>> {
  static xfa::Id<Tag> getEmptyKey() { return xfa::Id<Tag>(0xffffffffu); }
  static xfa::Id<Tag> getTombstoneKey() { return xfa::Id<Tag>(0xfffffffeu); }
  static unsigned getHashValue(xfa::Id<Tag> I) { return I.Index * 37u; }
  static bool isEqual(xfa::Id<Tag> A, xfa::Id<Tag> B) { return A == B; }
};
} // namespace llvm

namespace xfa {

using ValueId = Id<struct ValueTag>;
using NodeId = Id<struct NodeTag>;
using GraphId = Id<struct GraphTag>;
using ConstantId = Id<struct ConstantTag>;
using TypeId = Id<struct TypeTag>;

/// One declared dimension: a number, a name, or nothing said.
struct DeclaredDim {
  enum KindTy : uint8_t { Unset, Number, Name } Kind = Unset;
  int64_t Value = 0;      ///< Number; never negative
  llvm::StringRef Symbol; ///< Name: dim_param as written, may hold spaces
};

/// A declared type. Sequence and Optional have an element type, Map a key type
/// (`Elem`) and a value type (`Element`).
struct DeclaredType {
  enum KindTy : uint8_t { Tensor, SparseTensor, Sequence, Optional, Map };
  KindTy Kind = Tensor;
  ElemType Elem = ElemType::Undefined;
  bool HasShape = false;
  llvm::ArrayRef<DeclaredDim> Dims;
  TypeId Element;
  /// The TypeProto as the file has it; empty for types that passes make.
  llvm::StringRef Message;
};

/// An initialiser, a Constant's tensor, or a tensor attribute. Payloads of
/// weights are never read. Kept are: integers and booleans up to
/// MaxKeptElements, floats up to MaxKeptFloats, scalars always.
struct Constant {
  static constexpr unsigned MaxKeptElements = 4096;
  static constexpr unsigned MaxKeptFloats = 64;

  ElemType Elem = ElemType::Undefined;
  llvm::ArrayRef<int64_t> Dims;
  /// Elements in row-major order; both empty where the payload is not kept.
  llvm::ArrayRef<int64_t> Ints;  ///< integers, booleans as 0/1
  llvm::ArrayRef<double> Floats; ///< every float type
  bool Kept = false;             ///< the payload is in Ints or Floats
  bool External = false;         ///< its payload is in another file
  bool Present = true;           ///< the file has a payload of its own
  bool Sparse = false;
  int64_t NonZeros = 0;                    ///< sparse: stored values
  llvm::ArrayRef<llvm::StringRef> Strings; ///< string tensors, where kept
  /// The TensorProto (if Sparse, SparseTensorProto) as the file has it, payload
  /// and all; empty for constants that no such message states.
  llvm::StringRef Message;
  /// The elements, row-major and little-endian, where they lie in this form: in
  /// raw_data, or mapped from another file. Nobody has read them.
  llvm::StringRef Payload;

  /// Product of Dims; none if it leaves 64 bits.
  std::optional<int64_t> numElements() const;
};

enum class AttrKind : uint8_t {
  Undefined,
  Float,
  Int,
  String,
  Tensor,
  Graph,
  Floats,
  Ints,
  Strings,
  Tensors,
  Graphs,
  Type,
  Other
};

struct Attribute {
  llvm::StringRef Name;
  AttrKind Kind = AttrKind::Undefined;
  int64_t I = 0;
  double F = 0;
  llvm::StringRef S;
  llvm::ArrayRef<int64_t> Ints;
  llvm::ArrayRef<double> Floats;
  llvm::ArrayRef<llvm::StringRef> Strings;
  ConstantId Tensor;
  llvm::ArrayRef<GraphId> Graphs; ///< one for Graph
  TypeId Type;
  /// The AttributeProto as the file has it: what Tensors and Other say, and
  /// what the IR has no notion of. Empty for attributes that passes make.
  llvm::StringRef Message;
};

struct Value {
  llvm::StringRef Name;
  NodeId Producer; ///< none: graph input, initialiser, function operand
  uint32_t OutputIndex = 0;
  TypeId Declared;      ///< what the file declares, if it does
  ConstantId Const;     ///< initialiser, or output of a Constant node
  bool IsInput = false; ///< a graph input that no initialiser gives a value
  bool IsInitializer = false;
};

/// A name and its value in metadata_props.
struct Metadata {
  llvm::StringRef Key, Text;
};

struct Node {
  OpKind Kind = OpKind::Unknown;
  llvm::StringRef Op;     ///< as the file has it
  llvm::StringRef Domain; ///< "" for ai.onnx
  llvm::StringRef Name;   ///< may be empty; see Model::label
  int OpsetVersion = 1;   ///< of the domain, where the node stands
  GraphId Parent;
  llvm::MutableArrayRef<ValueId> Inputs;  ///< none: optional, left out
  llvm::MutableArrayRef<ValueId> Outputs; ///< none: not wanted
  llvm::ArrayRef<Attribute> Attributes;
  llvm::ArrayRef<Metadata> Props;
  /// Call of a model-local function: its body, copied for this call. The
  /// body's inputs and outputs correspond to the node's one by one. Kind is
  /// Unknown then, whatever the function is called.
  GraphId Callee;
  /// Fields of the NodeProto that stand nowhere above, as the file has them
  /// (doc_string, overload, …); so in Graph and Model.
  llvm::StringRef Rest;

  const Attribute *attribute(llvm::StringRef Name) const;
  /// Of an integer; Default where it is not there, or something else.
  int64_t intAttribute(llvm::StringRef Name, int64_t Default = 0) const;
  /// An attribute holds a graph, as those of If and Loop do.
  bool hasBody() const;
};

/// Operand number `Operand` of the node `User`.
struct Use {
  NodeId User;
  uint32_t Operand;
};

struct Graph {
  llvm::StringRef Name;
  NodeId Owner; ///< the node whose body this is; none for the main graph
  /// In an order in which producers come before their users.
  std::vector<NodeId> Nodes;
  std::vector<ValueId> Inputs; ///< without those that an initialiser gives
  std::vector<ValueId> Outputs;
  std::vector<ValueId> Initializers;
  /// Initialisers that the file lists as inputs too: a runtime's user may give
  /// them another value. `Before`: how many of Inputs stand before it.
  struct InitialisedInput {
    ValueId Value;
    uint32_t Before;
  };
  std::vector<InitialisedInput> InitialisedInputs;
  /// Declared types (ValueInfoProto) of names that the graph does not define.
  struct StrayType {
    llvm::StringRef Name, Message;
  };
  std::vector<StrayType> StrayTypes;
  llvm::StringRef Rest;
};

struct OpsetImport {
  llvm::StringRef Domain;
  int64_t Version = 0;
};

/// A model-local function. Calls have copies of its body (Node::Callee); what
/// is written is the FunctionProto, or for functions that passes make the body
/// of the first call.
struct Function {
  llvm::StringRef Domain, Name, Overload;
  llvm::StringRef Message; ///< the FunctionProto as the file has it
  NodeId FirstCall;        ///< where Message is empty
};

class Model {
public:
  Model();

  std::string Path; ///< as the user gave it; for messages
  int64_t IrVersion = 0;
  llvm::StringRef Producer, ProducerVersion;
  llvm::SmallVector<OpsetImport, 4> Opsets;
  llvm::SmallVector<Metadata, 0> Props;
  /// What the file got wrong and runtimes accept; sentences.
  std::vector<std::string> Warnings;
  /// Keeps alive the bytes that names and messages point into: the mapped file.
  std::shared_ptr<const void> Backing;

  std::vector<Value> Values;
  std::vector<Node> Nodes;
  std::vector<Graph> Graphs; ///< [0] is the main graph
  std::vector<Constant> Constants;
  std::vector<DeclaredType> Types;
  std::vector<Function> Functions;
  llvm::StringRef Rest;
  /// Of values whose ValueInfoProto says more than name and type: that.
  llvm::DenseMap<ValueId, llvm::StringRef> ValueRest;

  const Graph &main() const { return Graphs.front(); }
  Value &operator[](ValueId Id) { return Values[Id.Index]; }
  const Value &operator[](ValueId Id) const { return Values[Id.Index]; }
  Node &operator[](NodeId Id) { return Nodes[Id.Index]; }
  const Node &operator[](NodeId Id) const { return Nodes[Id.Index]; }
  Graph &operator[](GraphId Id) { return Graphs[Id.Index]; }
  const Graph &operator[](GraphId Id) const { return Graphs[Id.Index]; }
  const Constant &operator[](ConstantId Id) const {
    return Constants[Id.Index];
  }
  const DeclaredType &operator[](TypeId Id) const { return Types[Id.Index]; }

  /// The node's name, or `Op -> first output` where it has none.
  std::string label(NodeId Id) const;
  /// The node's name, or that of its first output; for symbols of its own.
  llvm::StringRef ownName(NodeId Id) const;

  /// Copies into the arena, which lives as long as the model.
  llvm::StringRef save(llvm::StringRef Text) { return Strings.save(Text); }
  template <typename T> llvm::MutableArrayRef<T> save(llvm::ArrayRef<T> From) {
    if (From.empty())
      return {};
    T *Data =
        static_cast<T *>(Arena.Allocate(sizeof(T) * From.size(), alignof(T)));
    std::uninitialized_copy(From.begin(), From.end(), Data);
    return {Data, From.size()};
  }

private:
  llvm::BumpPtrAllocator Arena;
  llvm::UniqueStringSaver Strings;
};

} // namespace xfa

#endif // XFA_IR_MODEL_H
