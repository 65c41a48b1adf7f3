//===- ProtoReader.h - the walk over the wire format ----------------------===//
//
// Field numbers: onnx-ml.proto of ONNX 1.23.2. Fields that no analysis reads
// (doc strings, training information, quantisation annotations, device
// configurations) and those that ONNX does not define are kept as they stand,
// for Export.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_IMPORT_PROTOREADER_H
#define XFA_LIB_IMPORT_PROTOREADER_H

#include "Proto.h"
#include "WireReader.h"

namespace xfa::import {

inline llvm::StringRef normalDomain(llvm::StringRef Domain) {
  return Domain == "ai.onnx" ? llvm::StringRef() : Domain;
}

/// Success where R went through the whole of the message.
llvm::Error damaged(const WireReader &R, llvm::StringRef Message);

/// Fields that the IR has no notion of, as they stand.
class RestOfMessage {
public:
  void add(llvm::StringRef Field) {
    if (Copy.empty() && (Slice.empty() || Slice.end() == Field.begin())) {
      Slice = llvm::StringRef(Slice.empty() ? Field.begin() : Slice.begin(),
                              Slice.size() + Field.size());
      return;
    }
    if (Copy.empty())
      Copy.append(Slice.begin(), Slice.end());
    Copy.append(Field.begin(), Field.end());
  }
  llvm::StringRef save(Model &M) const {
    return Copy.empty()
               ? Slice
               : llvm::StringRef(M.save(llvm::ArrayRef<char>(Copy)).data(),
                                 Copy.size());
  }

private:
  llvm::StringRef Slice; ///< while they stand side by side
  llvm::SmallVector<char, 0> Copy;
};

/// Walks the messages; one object a model, for the arenas and the scratch.
class Reader {
public:
  Reader(Model &M, ProtoModel &P) : M(M), P(P) {}

  llvm::Error model(llvm::StringRef Bytes);

private:
  llvm::Error graph(llvm::StringRef Bytes, unsigned Depth, ProtoGraph &G);
  llvm::Error node(llvm::StringRef Bytes, unsigned Depth, ProtoNode &N);
  llvm::Error attribute(llvm::StringRef Bytes, unsigned Depth, Attribute &A,
                        AttributeExtra &Extra);
  llvm::Error attributes(llvm::ArrayRef<llvm::StringRef> Messages,
                         unsigned Depth, ProtoAttributes &Result);
  llvm::Error function(llvm::StringRef Bytes, ProtoFunction &F);
  llvm::Error valueInfo(llvm::StringRef Bytes, ProtoValueInfo &V);
  llvm::Error type(llvm::StringRef Bytes, unsigned Depth, TypeId &Result);
  llvm::Error tensorType(llvm::StringRef Bytes, DeclaredType &T);
  llvm::Error elementType(llvm::StringRef Bytes, unsigned Depth,
                          DeclaredType &T);
  llvm::Error shape(llvm::StringRef Bytes, DeclaredType &T);
  llvm::Error dimension(llvm::StringRef Bytes, DeclaredDim &D);
  llvm::Error entry(llvm::StringRef Bytes, Metadata &Entry);
  llvm::Error opset(llvm::StringRef Bytes, OpsetImport &Import);

  /// Reads each message with Read into an array that lives while importing.
  template <typename T, typename Fn>
  llvm::Error each(llvm::ArrayRef<llvm::StringRef> Messages, Fn Read,
                   llvm::ArrayRef<T> &Result) {
    llvm::MutableArrayRef<T> List = P.allocate<T>(Messages.size());
    for (size_t I = 0; I < Messages.size(); ++I)
      if (llvm::Error E = Read(Messages[I], List[I]))
        return E;
    Result = List;
    return llvm::Error::success();
  }

  Model &M;
  ProtoModel &P;
};

} // namespace xfa::import

#endif // XFA_LIB_IMPORT_PROTOREADER_H
