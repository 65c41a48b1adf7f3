//===- Proto.h - what the messages say, before names become ids -----------===//
//
// Importing has two halves. Proto.cpp walks the wire format and notes what
// stands there, by name. Resolve.cpp gives every definition an id, finds each
// name in its scope, copies function bodies to their calls and puts nodes in
// order. A function's body is walked once however often it is called.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_IMPORT_PROTO_H
#define XFA_LIB_IMPORT_PROTO_H

#include "xfa/IR/Model.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>

namespace xfa::import {

/// Graphs inside graphs, function calls inside calls, types inside types: how
/// deep, before a file is taken for damaged or hostile.
constexpr unsigned MaxDepth = 64;

struct ProtoGraph;

/// What an attribute has beyond its value: bodies, or a reference to an
/// attribute of the function around it.
struct AttributeExtra {
  unsigned Index = 0; ///< in ProtoNode::Attributes
  llvm::StringRef Reference;
  llvm::ArrayRef<const ProtoGraph *> Bodies;
};

struct ProtoAttributes {
  llvm::ArrayRef<Attribute> List; ///< without Graphs
  llvm::ArrayRef<AttributeExtra> Extras;
};

struct ProtoNode {
  llvm::StringRef Op, Domain, Overload, Name;
  llvm::ArrayRef<llvm::StringRef> Inputs, Outputs;
  ProtoAttributes Attributes;
  llvm::ArrayRef<Metadata> Props;
  llvm::StringRef Rest;
};

struct ProtoValueInfo {
  llvm::StringRef Name;
  TypeId Type;
  llvm::StringRef Message, Rest;
};

struct ProtoInitializer {
  llvm::StringRef Name;
  ConstantId Tensor;
};

struct ProtoGraph {
  llvm::StringRef Name;
  llvm::ArrayRef<ProtoNode> Nodes;
  llvm::ArrayRef<ProtoInitializer> Initializers;
  llvm::ArrayRef<ProtoValueInfo> Inputs, Outputs, ValueInfos;
  llvm::StringRef Rest;
};

struct ProtoFunction {
  llvm::StringRef Domain, Name, Overload;
  llvm::ArrayRef<llvm::StringRef> Inputs, Outputs;
  ProtoAttributes Defaults;
  llvm::ArrayRef<ProtoNode> Nodes;
  llvm::ArrayRef<ProtoValueInfo> ValueInfos;
  llvm::ArrayRef<OpsetImport> Opsets;
};

/// Counts of what was met and accepted; one warning each in the end.
struct Leniencies {
  uint64_t NegativeDims = 0;
  uint64_t UnknownElemTypes = 0;
  uint64_t NamelessInitializers = 0;
  uint64_t RepeatedInitializers = 0;
  uint64_t Redefinitions = 0;
  uint64_t UnsortedGraphs = 0;
  uint64_t RepeatedFunctions = 0;
  llvm::StringRef FirstRepeated, FirstRedefined, FirstUnsorted, FirstFunction;
};

/// Lives while importing. What outlives it (types, constants, attributes) is
/// in the model already.
struct ProtoModel {
  ProtoGraph Graph;
  std::vector<ProtoFunction> Functions;
  Leniencies Accepted;

  llvm::BumpPtrAllocator Arena;
  template <typename T> llvm::MutableArrayRef<T> allocate(size_t Count) {
    T *Data = Arena.Allocate<T>(Count);
    std::uninitialized_value_construct_n(Data, Count);
    return {Data, Count};
  }
  template <typename T> llvm::ArrayRef<T> save(llvm::ArrayRef<T> From) {
    llvm::MutableArrayRef<T> To = allocate<T>(From.size());
    llvm::copy(From, To.begin());
    return To;
  }
};

/// Reads a ModelProto: its header, types and constants into M, the rest into
/// P. Errors do not name the file yet.
llvm::Error readModel(llvm::StringRef Bytes, Model &M, ProtoModel &P);

/// Makes M's values, nodes and graphs from P.
llvm::Error resolveModel(ProtoModel &P, Model &M);

/// A TensorProto's value; Name receives the tensor's name.
llvm::Error readTensor(llvm::StringRef Message, Model &M, Leniencies &Accepted,
                       llvm::StringRef &Name, ConstantId &Result);
/// The same of a SparseTensorProto, whose name is that of its values. Small
/// ones are kept as the dense tensors that they stand for.
llvm::Error readSparseTensor(llvm::StringRef Message, Model &M,
                             Leniencies &Accepted, llvm::StringRef &Name,
                             ConstantId &Result);

/// The constant that a Constant node's attribute stands for; none for an
/// attribute that Constant does not have.
ConstantId constantOfAttribute(const Attribute &A, Model &M);

/// Appends a packed array of varints.
llvm::Error readPacked(llvm::StringRef Payload, llvm::StringRef Field,
                       llvm::SmallVectorImpl<int64_t> &To);

/// An error that says this.
llvm::Error fail(const llvm::Twine &Sentence);
/// The same error, told to lie in Where: "Where: what was said".
llvm::Error inside(const llvm::Twine &Where, llvm::Error E);

/// "node 'h.3/MatMul'", or "node 'MatMul -> y'" where it has no name.
std::string describe(const ProtoNode &N);

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_PROTO_H
