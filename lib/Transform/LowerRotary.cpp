//===- LowerRotary.cpp - rotary embedding as one operator -----------------===//
//
// ai.onnx RotaryEmbedding: X [B, heads, S, d], cosines and sines of each pair
// [B, S, d/2]. com.microsoft: a row of a table [·, d/2] for each position, and
// positions [B, S], or the first one where all sequences have the same.
//
//===----------------------------------------------------------------------===//

#include "LowerAttention.h"
#include "Rotation.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa::lowering {

namespace {

/// A rotation of [B, ·, ·, d], one of whose inner axes is heads.
struct Heads {
  Rotation R;
  bool First = true;     ///< [B, heads, S, d]; else [B, S, heads, d]
  bool OneBatch = false; ///< all sequences have the same angles
};

/// Cosines or sines: [1 or B, 1, S, ·], or with the middle axes swapped.
std::string anglesOf(const Kernel &K, ValueId V, Heads &H, bool IsFirst) {
  const ValueFacts &F = K.facts(V);
  const Shape &X = K.facts(H.R.Input).Dims;
  const std::string No =
      "'" + K.M[V].Name.str() + "' is no number for each position and pair";
  if (!F.HasRank || F.rank() < 2 || F.rank() > 4)
    return No;
  // Broadcast from the left.
  Shape Dims(4 - F.rank(), K.A.Store->constant(1));
  Dims.append(F.Dims.begin(), F.Dims.end());
  const bool First = Dims[1].is(1) && Dims[2] == X[2];
  if (!First && !(Dims[2].is(1) && Dims[1] == X[1]))
    return No;
  const bool OneBatch = Dims[0].is(1);
  if (!OneBatch && Dims[0] != X[0])
    return No;
  if (!Dims[3].is(H.R.OfPairs ? H.R.Width / 2 : H.R.Width))
    return No;
  if (!H.R.OfPairs && !sameForPairs(K.M, K.A.Facts, K.outer(V), H.R.Neighbours))
    return "that '" + K.M[V].Name.str() +
           "' has the same number for both elements of each pair is not seen "
           "in what computes it";
  if (IsFirst) {
    H.First = First;
    H.OneBatch = OneBatch;
  } else if (H.First != First || H.OneBatch != OneBatch) {
    return "its cosines and sines are of different shapes";
  }
  return {};
}

/// [1 or B, S, d/2] of cosines or sines V, which are called Now now. One for
/// all kernels that use them.
ValueId ofPairs(Maker &Make, const Kernel &K, const Heads &H, ValueId V) {
  const ValueId Now = Make.outer(V);
  const int64_t Step = H.R.Neighbours ? 2 : 1;
  return Make.once(Now, H.R.OfPairs ? 0 : Step, [&] {
    ValueId Half = Now;
    if (!H.R.OfPairs) {
      const int64_t End = H.R.Neighbours ? H.R.Width : H.R.Width / 2;
      Half = Make.value("Slice",
                        {Half, Make.E.intVector({0}), Make.E.intVector({End}),
                         Make.E.intVector({-1}), Make.E.intVector({Step})});
    }
    // Without the axis of heads, and with one of sequences.
    const int64_t Rank = K.facts(V).rank();
    const int64_t OfHeads = H.First ? -3 : -2;
    if (Rank + OfHeads >= 0)
      Half = Make.axes("Squeeze", Half, {Rank + OfHeads});
    if (Rank < 4 && !(Rank == 2 && !H.First))
      Half = Make.axes("Unsqueeze", Half, {0});
    return Half;
  });
}

void make(Maker &Make, const Kernel &K, const Heads &H, Target T) {
  Editor &E = Make.E;
  ValueId X = Make.outer(H.R.Input);
  if (!H.First)
    X = Make.permuted(X, {0, 2, 1, 3});
  ValueId Cos = ofPairs(Make, K, H, H.R.Cos),
          Sin = ofPairs(Make, K, H, H.R.Sin);
  llvm::SmallVector<ValueId, 4> Inputs;
  if (T == Target::Ort) {
    // A table of all, one sequence after the other.
    auto Table = [&](ValueId V) {
      return Make.once(V, -1, [&] {
        return Make.value("Reshape", {V, E.intVector({-1, H.R.Width / 2})});
      });
    };
    ValueId Positions = E.intVector({0});
    if (!H.OneBatch)
      Positions = Make.once(Cos, -2, [&] {
        const ValueId Both = Make.value("Slice",
                                        {Make.value("Shape", {Cos}),
                                         E.intVector({0}), E.intVector({2})}),
                      Count = Make.value("ReduceProd", {Both},
                                         {E.intAttr("keepdims", 0)});
        return Make.value(
            "Reshape",
            {Make.value("Range", {E.intScalar(0), Count, E.intScalar(1)}),
             Both});
      });
    Inputs = {X, Positions, Table(Cos), Table(Sin)};
  } else {
    if (H.OneBatch)
      for (ValueId *Angles : {&Cos, &Sin}) {
        const ValueId Given = *Angles;
        *Angles = Make.once(Given, -3, [&] {
          const ValueId Shape =
              Make.value("Concat", {sizeOf(Make, X, 0), E.intVector({1, 1})},
                         {E.intAttr("axis", 0)});
          return Make.value("Expand", {Given, Shape});
        });
      }
    Inputs = {X, Cos, Sin};
  }
  ValueId Y = Make.value("RotaryEmbedding", Inputs,
                         {E.intAttr("interleaved", H.R.Neighbours)},
                         T == Target::Ort ? "com.microsoft" : "");
  if (!H.First)
    Y = Make.value("Transpose", {Y}, {E.intsAttr("perm", {0, 2, 1, 3})});
  Make.replace(H.R.Result, Y);
}

} // namespace

Answer lowerRotary(const Kernel &K, Target T) {
  const NodeId Last =
      K.body().Outputs.size() == 1 ? K.producer(K.body().Outputs[0]) : NodeId();
  std::optional<Rotation> R =
      Last ? rotationAt(K.M, K.A.Facts, Last) : std::nullopt;
  if (!R)
    return Answer::no("it is no rotation of pairs by cosines and sines");
  Heads H;
  H.R = std::move(*R);
  if (!K.hasRank(H.R.Input, 4))
    return Answer::no(
        "what it rotates is not [batch, heads, positions, width]");
  const ElemType Elem = K.facts(H.R.Input).Elem;
  if (Elem != ElemType::Float32 && Elem != ElemType::Float16 &&
      Elem != ElemType::BFloat16)
    return Answer::no("RotaryEmbedding is not for " + elemTypeName(Elem));
  for (ValueId V : {H.R.Cos, H.R.Sin})
    if (std::string Why = anglesOf(K, V, H, V == H.R.Cos); !Why.empty())
      return Answer::no(Why);
  Part P;
  P.Op = "RotaryEmbedding";
  P.Nodes.insert(H.R.Nodes.begin(), H.R.Nodes.end());
  P.Make = [&K, H, T](Maker &Make) { make(Make, K, H, T); };
  return {std::move(P), {}};
}

} // namespace xfa::lowering
