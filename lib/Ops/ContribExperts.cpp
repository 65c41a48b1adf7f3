//===- ContribExperts.cpp - com.microsoft: mixture of experts -------------===//

#include "Activation.h"
#include "Quantization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// MoE: input [tokens, D] or [B, S, D], router_probs [tokens, E], then the
// weights of the experts. QMoE: scales between them, weights packed.
//===----------------------------------------------------------------------===//

namespace {

/// Where weights and biases stand.
struct ExpertLayout {
  unsigned Weights[3], Biases[3];
  bool Quantised;
};
constexpr ExpertLayout PlainExperts = {{2, 4, 6}, {3, 5, 7}, false};
constexpr ExpertLayout PackedExperts = {{2, 5, 8}, {4, 7, 10}, true};
constexpr unsigned ZeroPoints = 11; // of the three, in their order

/// FLOPs an element of the inner activation; none where no rule says.
std::optional<int64_t> expertActivation(llvm::StringRef Name) {
  if (Name == "relu")
    return 1;
  if (Name == "gelu")
    return geluFlops(/*Tanh=*/false);
  if (Name == "silu")
    return SwishFlops - 1; // alpha is 1: Sigmoid, Mul
  if (Name == "identity")
    return 0;
  return std::nullopt;
}

void costExperts(CostContext &Ctx, const ExpertLayout &At) {
  if (!Ctx.hasRank(0) || !Ctx.hasRank(1) || Ctx.rank(0) < 1 ||
      Ctx.rank(1) < 1) {
    Ctx.unknown(unknownRank(Ctx, Ctx.hasRank(0) ? 1 : 0));
    return;
  }
  auto Activation = expertActivation(Ctx.stringAttr("activation_type", "relu"));
  if (!Activation) {
    Ctx.unknown("no rule counts the activation '" +
                Ctx.stringAttr("activation_type") + "'");
    return;
  }
  Expr Tokens = costProduct(Ctx, 0, 0, Ctx.rank(0) - 1);
  Expr Width = costDim(Ctx, 0, -1);
  Expr Experts = costDim(Ctx, 1, -1);
  Expr PerToken = Ctx.constant(std::max<int64_t>(Ctx.intAttr("k", 1), 1));
  Expr Calls = Tokens * PerToken;
  Expr Touched = min(Experts, Calls);

  int64_t Pack = 1;
  if (At.Quantised) {
    int64_t Bits = Ctx.intAttr("expert_weight_bits", 4);
    Pack = Bits > 0 && Bits <= 8 ? 8 / Bits : 1;
  }
  // T8: FLOPs of the experts that a token uses, weights of those touched.
  Expr Inner; // columns of the first product
  for (unsigned I = 0; I < 3; ++I) {
    unsigned W = At.Weights[I];
    if (!Ctx.has(W))
      continue;
    Expr Stored = exactDiv(Ctx.inSize(W), Experts);
    Expr Elements = Stored * Pack;
    if (I == 0)
      Inner = exactDiv(Elements, Width);
    Ctx.addMatrix(2 * Calls * Elements); // C1
    if (At.Quantised)
      Ctx.addVector(DequantizeFlops * Touched * Elements); // C14
    Ctx.reads(W, Touched * Stored);
    if (At.Quantised)
      for (unsigned Beside : {W + 1, ZeroPoints + I}) // with it: scales
        if (Ctx.has(Beside))
          Ctx.reads(Beside, Touched * exactDiv(Ctx.inSize(Beside), Experts));
    unsigned B = At.Biases[I];
    if (!Ctx.has(B))
      continue;
    Expr BiasWidth = costDim(Ctx, B, -1);
    Ctx.addVector(Calls * BiasWidth);
    Ctx.reads(B, Touched * BiasWidth);
  }
  if (!Inner) {
    Ctx.unknown("the weights of the experts are missing");
    return;
  }
  Ctx.addVector(*Activation * Calls * Inner);
  if (Ctx.has(At.Weights[2]))
    Ctx.addVector(Calls * Inner); // the gate's product
  // Softmax of the router (C3), Sum and Div if normalised; the weighted sum.
  Ctx.addVector(int64_t(Ctx.Options.SoftmaxFlops) * Ctx.inSize(1));
  if (Ctx.intAttr("normalize_routing_weights", 0) != 0)
    Ctx.addVector(2 * Calls);
  Ctx.addVector((2 * PerToken - 1) * Tokens * Width);
}

} // namespace

void costMoE(CostContext &Ctx) { costExperts(Ctx, PlainExperts); }
void costQMoE(CostContext &Ctx) { costExperts(Ctx, PackedExperts); }

} // namespace xfa
