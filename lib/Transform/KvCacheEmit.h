//===- KvCacheEmit.h - the graph with a cache -----------------------------===//

#ifndef XFA_LIB_TRANSFORM_KVCACHEEMIT_H
#define XFA_LIB_TRANSFORM_KVCACHEEMIT_H

#include "KvCacheLengths.h"

#include "llvm/ADT/StringMap.h"

#include <map>

namespace xfa::kvcache {

/// One value that is kept between steps.
struct Kept {
  ValueId Value;
  std::string Past, Present; ///< names of input and output
  unsigned BatchAxis, TimeAxis;
  int64_t BytesPerToken;
};

/// Makes what the plan wants. The model is changed in the end only: a failure
/// (failed()) leaves nodes that nothing uses.
class Emitter {
public:
  Emitter(const Facts &F, const Plan &P, Editor &E)
      : F(F), P(P), E(E), L(F, E), Nodes(F.M.main().Nodes),
        Outputs(F.M.main().Outputs) {}

  /// False, with Why, if something could not be made.
  bool run(llvm::ArrayRef<Kept> Cache, std::string &Why);

private:
  void inputs();
  TypeId cacheType(const Kept &K, bool Past);
  void pasts(llvm::ArrayRef<Kept> Cache);
  ValueId get(ValueId V, Version Which);
  ValueId make(ValueId V, Version Which);
  ValueId known(ValueId V);
  ValueId copied(ValueId V, Version Which, const Rule &R);
  ValueId shaped(ValueId V, Version Which, const Rule &R, llvm::StringRef Op);
  ValueId counted(ValueId V, Version Which);
  ValueId sliced(ValueId V, Version Which, const Rule &R);
  ValueId triangle(ValueId V, Version Which, const Rule &R);
  ValueId attention(ValueId V, Version Which, const Rule &R);
  ValueId openColumns();
  ValueId rows(ValueId V, Version Which, Version Whole);
  ValueId cut(ValueId From, llvm::ArrayRef<int64_t> Axes);
  ValueId shapeOf(ValueId V, Version Which);
  std::string nameFor(NodeId N, Version Which);
  ValueId finished(ValueId Made, ValueId V);
  Expr element(ValueId V, size_t I) const;

  const Facts &F;
  const Plan &P;
  Editor &E;
  Lengths L;
  std::vector<NodeId> Nodes; ///< as they were
  std::vector<ValueId> Outputs;
  llvm::DenseMap<ValueId, ValueId> PastOf, PresentOf;
  std::map<std::pair<uint32_t, Version>, ValueId> Made;
  std::map<std::pair<uint32_t, Version>, NodeId> Copies; ///< by node
  llvm::StringMap<unsigned> NodeNames;
  ValueId Open; ///< openColumns(), once made
  std::string Failure;
};

} // namespace xfa::kvcache

#endif // XFA_LIB_TRANSFORM_KVCACHEEMIT_H
