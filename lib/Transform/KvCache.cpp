//===- KvCache.cpp - the pass kv-cache ------------------------------------===//
//
// A graph that computes all positions becomes one that computes new ones, with
// what it needs of earlier ones as inputs and outputs. KvCachePlan.h has the
// idea; nothing here knows a model or a name.
//
//===----------------------------------------------------------------------===//

#include "KvCacheEmit.h"
#include "KvCacheExisting.h"

#include "xfa/Transform/Pass.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

namespace xfa {

using namespace kvcache;

namespace {

/// The kept values that an operand of an attention product follows from.
void keptBehind(const kvcache::Facts &F, const Plan &P, ValueId V,
                llvm::SmallVectorImpl<ValueId> &Found) {
  for (unsigned Steps = 0; V && Steps < 64; ++Steps) {
    if (llvm::is_contained(P.Cut, V)) {
      Found.push_back(V);
      return;
    }
    if (!F.isHistory(V) || !F.isCheap(V))
      return;
    ValueId Next;
    for (ValueId In : F.M[F.M[V].Producer].Inputs)
      if (In && F.time(In).Tokens)
        Next = In;
    V = Next;
  }
}

/// past_key_values.3.key for what the scores of layer 3 read, and so on.
std::vector<Kept> nameCache(const kvcache::Facts &F, const Plan &P,
                            const Structure &Found) {
  llvm::DenseMap<ValueId, std::string> Names;
  for (const Block &B : Found.Blocks)
    for (const AttentionCore &C : B.Attention) {
      auto Name = [&](NodeId Product, llvm::StringRef What) {
        if (!Product)
          return;
        llvm::SmallVector<ValueId, 2> Kept;
        for (ValueId In : F.M[Product].Inputs)
          keptBehind(F, P, In, Kept);
        if (Kept.size() == 1)
          Names.try_emplace(Kept[0],
                            std::to_string(B.Layer) + "." + What.str());
      };
      if (!C.Cross && !C.Fused) {
        Name(C.Scores, "key");
        Name(C.Values, "value");
      }
      if (C.Fused && C.Softmax && F.M[C.Softmax].Inputs.size() > 2)
        for (unsigned I : {1u, 2u}) {
          llvm::SmallVector<ValueId, 2> Kept;
          keptBehind(F, P, F.M[C.Softmax].Inputs[I], Kept);
          if (Kept.size() == 1)
            Names.try_emplace(Kept[0], std::to_string(B.Layer) +
                                           (I == 1 ? ".key" : ".value"));
        }
    }
  std::vector<Kept> Result;
  llvm::StringSet<> Taken;
  for (const Value &V : F.M.Values)
    Taken.insert(V.Name);
  unsigned Nameless = 0;
  for (ValueId V : P.Cut) {
    auto It = Names.find(V);
    std::string Name =
        It != Names.end() ? It->second : "other." + std::to_string(Nameless++);
    while (Taken.contains("past_key_values." + Name) ||
           Taken.contains("present." + Name))
      Name = "other." + std::to_string(Nameless++);
    Kept K;
    K.Value = V;
    K.Past = "past_key_values." + Name;
    K.Present = "present." + Name;
    Taken.insert(K.Past);
    Taken.insert(K.Present);
    bool Layout;
    K.BytesPerToken = F.keptBytes(V, Layout);
    K.TimeAxis = F.time(V).Axes[0].Axis;
    K.BatchAxis = 0;
    for (auto [A, Dim] : llvm::enumerate(F.Shapes[V].Dims))
      if (A != K.TimeAxis && Dim == F.Shapes[F.Time.Tokens].Dims[0] &&
          !Dim.isConstant())
        K.BatchAxis = static_cast<unsigned>(A);
    Result.push_back(std::move(K));
  }
  return Result;
}

std::string metadata(llvm::ArrayRef<Kept> Cache) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  llvm::json::OStream J(OS);
  J.array([&] {
    for (const Kept &K : Cache)
      J.object([&] {
        J.attribute("past", K.Past);
        J.attribute("present", K.Present);
        J.attribute("batch_axis", int64_t(K.BatchAxis));
        J.attribute("time_axis", int64_t(K.TimeAxis));
        J.attribute("bytes_per_token", K.BytesPerToken);
      });
  });
  return Text;
}

std::string labelOf(const Model &M, NodeId N) {
  return N ? M.label(N) + " (" + M[N].Op.str() + ")" : std::string();
}

} // namespace

llvm::Error addKvCache(PassContext &Context) {
  Model &M = Context.model();
  // Facts of the graph as it is; editing would void the context's own.
  ExprStore Store;
  llvm::Expected<ShapeFacts> Shapes = inferShapes(M, Store);
  if (!Shapes)
    return Shapes.takeError();
  Uses U(M);
  std::vector<ExistingCache> Before = existingCaches(M, *Shapes, U);
  if (!Before.empty()) {
    std::string Pasts = "'" + M[Before[0].Past].Name.str() + "'";
    if (Before.size() > 1)
      Pasts += " and " + std::to_string(Before.size() - 1) + " more inputs";
    Context.refuse(labelOf(M, Before[0].Where),
                   "takes earlier positions from " + Pasts +
                       ": the graph has a cache already, and is not given a "
                       "second one");
    return llvm::Error::success();
  }
  Structure Found = recogniseStructure(M, *Shapes, U, Store);
  for (const Metadata &Prop : M.Props)
    if (Prop.Key == "xfa.cache") {
      Context.refuse(
          "metadata (xfa.cache)",
          "the graph says that it has a cache already, and is not given a "
          "second one");
      return llvm::Error::success();
    }
  TimeDependence Time = analyseTime(M, *Shapes, Found, Store,
                                    /*SupposeUnread=*/true);
  kvcache::Facts F(M, *Shapes, Time, Store);
  Plan P = makePlan(F);
  if (P.Refused) {
    // What is wrong with the whole graph is wrong with its sequence.
    ValueId Sequence = Time.Tokens;
    if (!Sequence && !M.main().Inputs.empty())
      Sequence = M.main().Inputs[0];
    std::string Where = labelOf(M, P.Refused->Where);
    if (Where.empty() && Sequence)
      Where = M[Sequence].Name.str() + " (input)";
    else if (Where.empty() && !M.main().Outputs.empty())
      Where = M[M.main().Outputs[0]].Name.str() + " (output)";
    const bool Calls = P.Refused->Where && M[P.Refused->Where].Callee;
    Context.refuse(Where, P.Refused->Why +
                              (Calls ? "; it is a function, whose body can be "
                                       "put in its place (unfuse)"
                                     : ""));
    return llvm::Error::success();
  }
  std::vector<Kept> Cache = nameCache(F, P, Found);
  Editor &E = Context.editor();
  std::string Why;
  if (!Emitter(F, P, E).run(Cache, Why))
    return llvm::createStringError(M.Path +
                                   ": kv-cache planned what it cannot "
                                   "make: " +
                                   Why);
  E.forgetInnerTypes();
  E.setProp("xfa.cache", metadata(Cache));
  int64_t Bytes = 0;
  for (const Kept &K : Cache)
    Bytes += K.BytesPerToken;
  Context.note("the cache holds " + std::to_string(Bytes) +
               " bytes a position, in " + std::to_string(Cache.size()) +
               " tensors");
  for (const std::string &Assumed : Time.Assumptions)
    Context.assume(Assumed);
  Context.fired();
  return llvm::Error::success();
}

} // namespace xfa
