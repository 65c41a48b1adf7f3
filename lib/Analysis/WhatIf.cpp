//===- WhatIf.cpp ---------------------------------------------------------===//

#include "xfa/Analysis/WhatIf.h"

#include "LedgerBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace xfa {

namespace {

struct Word {
  llvm::StringLiteral Name;
  WhatIf::KindTy Kind;
};
constexpr Word Words[] = {{"tensor-parallel", WhatIf::TensorParallel},
                          {"chunked-prefill", WhatIf::ChunkedPrefill},
                          {"kv-bits", WhatIf::CacheBits}};

using Change = llvm::function_ref<Work(Role, int Layer, const Work &)>;

/// Role by role and layer by layer.
Ledger changed(const ModelAnalysis &A, Change Fn) {
  LedgerBuilder Builder(*A.Store);
  for (const Ledger::Cell &C : A.Graph.Cells)
    Builder.add(C.R, C.Layer, Fn(C.R, C.Layer, C.W), A.MatrixType,
                A.Store->constant(1), /*IsPart=*/true);
  Ledger L = Builder.finish();
  L.Exact &= A.Graph.Exact;
  // As many pieces as there were.
  for (auto [To, From] : llvm::zip_equal(L.Cells, A.Graph.Cells))
    To.Count = From.Count;
  for (auto [To, From] : llvm::zip_equal(L.Roles, A.Graph.Roles))
    To.Count = From.Count;
  return L;
}

Expr divided(Expr E, int64_t By) {
  Expr Divisor = E.store().constant(By);
  return tryExactDiv(E, Divisor).value_or(ceilDiv(E, By));
}

/// Bytes of keys and of values of so many positions, in a layer; of as many as
/// its cores read, where none are given.
struct KeysAndValues {
  Expr Keys, Values;
};
KeysAndValues cacheOf(const ModelAnalysis &A, int Layer, Expr Positions = {}) {
  Expr Zero = A.Store->constant(0);
  KeysAndValues R = {Zero, Zero};
  for (const Block &B : A.Found.Blocks)
    if (B.Layer == Layer)
      for (const AttentionCore &Core : B.Attention) {
        const Expr Rows = Core.Batch * (Positions ? Positions : Core.Columns);
        R.Keys += bytesOf(Rows * Core.KeyWidth, A.ActivationType);
        R.Values += bytesOf(Rows * Core.ValueWidth, A.ActivationType);
      }
  return R;
}

bool allKnown(const KeysAndValues &R) {
  return R.Keys.isKnown() && R.Values.isKnown();
}

llvm::Expected<WhatIfCost> shareLayers(const ModelAnalysis &A,
                                       int64_t Devices) {
  WhatIfCost R;
  R.Devices = Devices;
  R.Reduced = A.Store->constant(0);
  for (const Block &B : A.Found.Blocks) {
    for (const AttentionCore &Core : B.Attention) {
      for (Expr Heads : {Core.Heads, Core.KvHeads})
        if (std::optional<int64_t> Count = Heads.constant();
            !Count || *Count % Devices != 0)
          return llvm::createStringError(
              Count ? "layer " + llvm::itostr(B.Layer) + " has " +
                          llvm::itostr(*Count) + " heads, which " +
                          llvm::itostr(Devices) + " devices cannot share"
                    : "how many heads a layer has is not known");
      if (Core.Out)
        R.Reduced +=
            bytesOf(Core.Batch * Core.Rows * Core.Out.Out, A.ActivationType);
    }
    for (const Mlp &M : B.Mlps) {
      if (M.Experts)
        return llvm::createStringError("how devices would share the experts of "
                                       "layer " +
                                       llvm::itostr(B.Layer) + " is not known");
      R.Reduced += bytesOf(M.Rows * M.Down.Out, A.ActivationType);
    }
  }
  R.L = changed(A, [&](Role Which, int Layer, const Work &W) {
    Work Part = W;
    if (Layer < 0)
      return Part;
    auto Share = [&](Expr &E) { E = divided(E, Devices); };
    Expr Others = W.Read - W.Weight;
    switch (Which) {
    case Role::QProj: // columns of the weight: X is read whole
    case Role::KProj:
    case Role::VProj:
    case Role::QkvProj:
    case Role::MlpUp:
    case Role::MlpGate:
      Share(Part.Written);
      break;
    case Role::OutProj: // rows of it: sums of the whole width
    case Role::MlpDown:
      Share(Others);
      break;
    case Role::Rope:
    case Role::Qk:
    case Role::Scale:
    case Role::Softmax:
    case Role::Av:
    case Role::Attention:
    case Role::Activation:
    case Role::Cache:
      Share(Others);
      Share(Part.Written);
      break;
    case Role::Mask: // scores by heads, as it writes them; the mask is whole
      Others = Others - W.Written + divided(W.Written, Devices);
      Share(Part.Written);
      break;
    default: // norms, residuals: each device has them all
      return Part;
    }
    Share(Part.Matrix);
    Share(Part.Vector);
    Share(Part.Weight);
    Part.Read = Others + Part.Weight;
    return Part;
  });
  return R;
}

/// The layer's rows of the role that reads the keys, of that which reads the
/// values; one operator reads both.
Work withReads(Role Which, const Work &W, Expr Keys, Expr Values) {
  Work Result = W;
  if (Which == Role::Qk || Which == Role::Attention)
    Result.Read += Keys;
  if (Which == Role::Av || Which == Role::Attention)
    Result.Read += Values;
  return Result;
}

llvm::Expected<WhatIfCost> inChunks(const ModelAnalysis &A, int64_t Length) {
  if (A.HasCache)
    return llvm::createStringError("the graph has a cache: a step of it is a "
                                   "chunk already");
  Expr Rows;
  for (const Block &B : A.Found.Blocks)
    for (const AttentionCore &Core : B.Attention) {
      if (Core.Cross || (Rows && Core.Rows != Rows))
        return llvm::createStringError("its layers do not all take the same "
                                       "positions");
      Rows = Core.Rows;
    }
  if (!Rows || !Rows.isKnown())
    return llvm::createStringError("how many positions it takes is not known");
  const Expr Chunks = ceilDiv(Rows, Length);
  // Before chunk i stand i · Length positions: in all Length · m (m − 1) / 2.
  const Expr Before = Length * floorDiv(Chunks * (Chunks - 1), 2);
  WhatIfCost R;
  R.L = changed(A, [&](Role Which, int Layer, const Work &W) {
    Work Again = W;
    if (Which == Role::Embedding) // its rows are the tokens' own
      return Again;
    Again.Weight = W.Weight * Chunks;
    Again.Read += Again.Weight - W.Weight;
    const KeysAndValues Earlier = cacheOf(A, Layer, Before);
    return withReads(Which, Again, Earlier.Keys, Earlier.Values);
  });
  return R;
}

llvm::Expected<WhatIfCost> cacheIn(const ModelAnalysis &A, int64_t Bits) {
  if (!A.HasCache)
    return llvm::createStringError("the graph has no cache");
  const auto Old = static_cast<int64_t>(elemBits(A.ActivationType));
  if (Bits > Old)
    return llvm::createStringError("its keys and values have " +
                                   llvm::itostr(Old) + " bits");
  WhatIfCost R;
  R.L = changed(A, [&](Role Which, int Layer, const Work &W) {
    const KeysAndValues Now = cacheOf(A, Layer);
    auto Less = [&](Expr Bytes) { return ceilDiv(Bytes * Bits, Old) - Bytes; };
    return withReads(Which, W, Less(Now.Keys), Less(Now.Values));
  });
  return R;
}

} // namespace

std::string WhatIf::name() const {
  for (const Word &Each : Words)
    if (Each.Kind == Kind)
      return (Each.Name + "=" + llvm::Twine(Value)).str();
  return "";
}

llvm::Expected<std::vector<WhatIf>> parseWhatIfs(llvm::StringRef Text) {
  std::vector<WhatIf> Result;
  llvm::SmallVector<llvm::StringRef, 4> Parts;
  Text.split(Parts, ',');
  for (llvm::StringRef Part : Parts) {
    const auto [Name, Value] = Part.trim().split('=');
    WhatIf W;
    const auto *Known = llvm::find_if(
        Words, [&](const Word &Each) { return Each.Name == Name; });
    if (Known == std::end(Words) || Value.getAsInteger(10, W.Value) ||
        W.Value < 1)
      return llvm::createStringError(
          "expected tensor-parallel=DEVICES, chunked-prefill=TOKENS or "
          "kv-bits=BITS, got '" +
          Part.trim() + "'");
    W.Kind = Known->Kind;
    Result.push_back(W);
  }
  return Result;
}

llvm::Expected<WhatIfCost> applyWhatIf(const ModelAnalysis &A,
                                       const WhatIf &W) {
  if (!A.Found.hasTransformer())
    return llvm::createStringError("no transformer was found");
  if (A.Graph.Total.Weight.is(0))
    return llvm::createStringError("the graph has no weights of its own: where "
                                   "they are inputs, their bytes are not told "
                                   "from those of activations");
  for (const Block &B : A.Found.Blocks)
    if (!allKnown(cacheOf(A, B.Layer)))
      return llvm::createStringError("how large the keys and values of layer " +
                                     llvm::itostr(B.Layer) +
                                     " are is not known");
  switch (W.Kind) {
  case WhatIf::TensorParallel:
    return shareLayers(A, W.Value);
  case WhatIf::ChunkedPrefill:
    return inChunks(A, W.Value);
  case WhatIf::CacheBits:
    return cacheIn(A, W.Value);
  }
  llvm_unreachable("no such what-if");
}

std::optional<double> allReduceTime(double Bytes, int64_t Devices,
                                    const Gpu &G) {
  if (Devices == 1)
    return 0;
  if (!G.LinkBandwidth)
    return std::nullopt;
  const auto T = static_cast<double>(Devices);
  return 2 * (T - 1) / T * Bytes / (*G.LinkBandwidth / 2);
}

} // namespace xfa
