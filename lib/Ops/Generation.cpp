//===- Generation.cpp - com.microsoft: whole loops over decoder graphs ----===//
//
// BeamSearch, GreedySearch, Sampling. How many steps they take depends on what
// the graphs give, but some graph runs once whatever that is, with operands
// whose shapes are known: it is counted, as a lower bound (C16).
//
// model_type 0, a decoder alone: the first run, over the prompt, is that of
// init_decoder, or of decoder where there is none. max_length has to be greater
// than the prompt's length, so there is a first run.
// model_type 1, 2, an encoder and a decoder: the encoder runs once. It may give
// the first token's scores itself, so the decoder need not run at all.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

namespace xfa {

namespace {

/// A graph that surely runs, and what it is given.
struct FirstRun {
  GraphId Body;
  llvm::SmallVector<ValueFacts, 8> Operands;
};

enum ModelType : int64_t { DecoderOnly, EncoderDecoder, Speech };

constexpr unsigned NumBeams = 3, DecoderIds = 10; // inputs of BeamSearch

bool hasBeams(const OpContext &Ctx) {
  OpKind Kind = Ctx.node().Kind;
  return Kind == OpKind::MsBeamSearch || Kind == OpKind::MsWhisperBeamSearch;
}

/// Rows of the first run for one of the batch.
Expr beams(const OpContext &Ctx) {
  if (!hasBeams(Ctx) || !Ctx.has(NumBeams))
    return Ctx.constant(1);
  Element Known = Ctx.scalar(NumBeams);
  if (Known.kind() == Element::Int &&
      lessEqual(Ctx.constant(1), Known.expr()) == Truth::True)
    return Known.expr();
  return Ctx.store().symbol( // as C17 has it for trip counts
      ("beams_" + Ctx.model().ownName(Ctx.nodeId())).str());
}

ValueFacts tensor(ElemType Elem, llvm::ArrayRef<Expr> Dims) {
  ValueFacts F;
  F.Kind = ValueFacts::Tensor;
  F.Elem = Elem;
  F.HasRank = true;
  F.Dims.assign(Dims.begin(), Dims.end());
  return F;
}

/// Ids, positions and a mask [B·beams, S], then one empty cache
/// [2, B·beams, heads, 0, head size] for each output but the first, the scores.
/// None for a graph of another kind: with a cache that is as long as it will
/// ever be, what a step reads of it is another question.
std::optional<FirstRun> promptRun(const OpContext &Ctx, GraphId Body) {
  const Graph &G = Ctx.model()[Body];
  if (!Ctx.hasRank(0) || Ctx.rank(0) != 2 || G.Outputs.size() < 2 ||
      G.Inputs.size() != G.Outputs.size() + 2)
    return std::nullopt;
  FirstRun Run = {Body, {}};
  const Expr Rows = Ctx.dim(0, 0) * beams(Ctx);
  for (auto [I, In] : llvm::enumerate(G.Inputs)) {
    const Value &V = Ctx.model()[In];
    if (!V.Declared)
      return std::nullopt;
    const DeclaredType &Type = Ctx.model()[V.Declared];
    if (I < 3) {
      Run.Operands.push_back(tensor(Type.Elem, {Rows, Ctx.dim(0, 1)}));
      continue;
    }
    if (Type.Dims.size() != 5 || Type.Dims[2].Kind != DeclaredDim::Number ||
        Type.Dims[4].Kind != DeclaredDim::Number)
      return std::nullopt;
    Run.Operands.push_back(tensor(
        Type.Elem, {Ctx.constant(2), Rows, Ctx.constant(Type.Dims[2].Value),
                    Ctx.constant(0), Ctx.constant(Type.Dims[4].Value)}));
  }
  return Run;
}

/// Of text: ids and a mask [B, S], and where the encoder starts the decoder ids
/// for that, [B, 1]. Of speech: features, and ids as they are given. Runtimes
/// repeated the batch for each beam once, and do no longer: it is not repeated.
std::optional<FirstRun> encoderRun(const OpContext &Ctx, GraphId Body,
                                   bool Features) {
  const Graph &G = Ctx.model()[Body];
  const int64_t Rank = Features ? 3 : 2;
  if (!Ctx.hasRank(0) || Ctx.rank(0) != Rank || G.Inputs.size() < 2 ||
      G.Inputs.size() > (Features ? 2 : 3))
    return std::nullopt;
  FirstRun Run = {Body, {tensor(Ctx.elem(0), Ctx.dims(0))}};
  const Shape Started = {Ctx.dim(0, 0), Ctx.constant(1)};
  if (!Features)
    Run.Operands.push_back(tensor(ElemType::Int32, Ctx.dims(0)));
  else if (!Ctx.has(DecoderIds))
    Run.Operands.push_back(tensor(ElemType::Int32, Started));
  else if (Ctx.hasRank(DecoderIds))
    Run.Operands.push_back(tensor(ElemType::Int32, Ctx.dims(DecoderIds)));
  else
    return std::nullopt;
  if (G.Inputs.size() > 2)
    Run.Operands.push_back(tensor(ElemType::Int32, Started));
  return Run;
}

std::optional<FirstRun> firstRun(const OpContext &Ctx) {
  const int64_t Type = Ctx.intAttr("model_type", DecoderOnly);
  if (Type == DecoderOnly) {
    std::optional<GraphId> First = Ctx.graphAttr("init_decoder");
    if (!First)
      First = Ctx.graphAttr("decoder");
    return First ? promptRun(Ctx, *First) : std::nullopt;
  }
  std::optional<GraphId> Encoder = Ctx.graphAttr("encoder");
  if (!Encoder || (Type != EncoderDecoder && Type != Speech))
    return std::nullopt;
  return encoderRun(Ctx, *Encoder, Type == Speech);
}

void inferFirstRun(InferContext &Ctx) {
  if (std::optional<FirstRun> Run = firstRun(Ctx))
    Ctx.inferSubgraph(Run->Body, Run->Operands);
}

Expr knownScalar(InferContext &Ctx, unsigned I, const char *What) {
  Element E = Ctx.scalar(I);
  if (E.kind() == Element::Int)
    return E.expr();
  return Ctx.unknownDim(llvm::Twine(What) + " is not known");
}

} // namespace

void inferBeamSearch(InferContext &Ctx) {
  // (input_ids [B, S], max_length, min_length, num_beams, num_return_sequences)
  // → sequences, their scores?, scores of every step?
  inferFirstRun(Ctx);
  Expr B = dimOrUnknown(Ctx, 0, 0);
  Expr Returned = knownScalar(Ctx, 4, "num_return_sequences");
  Ctx.set(0, ElemType::Int32, {B, Returned, knownScalar(Ctx, 1, "max_length")});
  Ctx.set(1, ElemType::Float32, {B, Returned});
  Ctx.setUnknown(2, ElemType::Float32, "the number of steps depends on data");
}

void inferGreedySearch(InferContext &Ctx) {
  // (input_ids [B, S], max_length, …) → sequences [B, max_length]
  inferFirstRun(Ctx);
  Ctx.set(0, ElemType::Int32,
          {dimOrUnknown(Ctx, 0, 0), knownScalar(Ctx, 1, "max_length")});
  Ctx.setUnknown(1, ElemType::Float32, "the number of steps depends on data");
}

/// The first run alone is sure (C16).
void costGeneration(CostContext &Ctx) {
  Ctx.unknown("how many steps it takes depends on data");
  if (std::optional<FirstRun> Run = firstRun(Ctx))
    Ctx.runs(Run->Body, Ctx.constant(1));
}

} // namespace xfa
