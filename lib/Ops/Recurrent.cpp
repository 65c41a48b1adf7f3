//===- Recurrent.cpp - RNN, GRU, LSTM -------------------------------------===//
//
// X [S, B, I] (layout 1: [B, S, I]), W [D, gates·H, I], R [D, gates·H, H],
// bias?, sequence lengths?, initial_h?, LSTM: initial_c?, peepholes?
//
// No ONNX body: the costs are those of the equations in ONNX's documentation,
// for all S rows, whatever the sequence lengths say.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

namespace xfa {

namespace {

enum RecurrentInput : unsigned { X, W, R, Bias, Peepholes = 7 };

struct RecurrentSizes {
  Expr S, B, I, H;
  int64_t Directions = 1;
  bool BatchFirst = false;
};

RecurrentSizes recurrentSizes(const OpContext &Ctx) {
  ExprStore &Store = Ctx.store();
  auto Dim = [&](unsigned I, int64_t Axis) {
    std::optional<Expr> D = knownDim(Ctx, I, Axis);
    return D ? *D : Store.unknown(unknownRank(Ctx, I), 0);
  };
  RecurrentSizes Z;
  Z.BatchFirst = Ctx.intAttr("layout", 0) != 0;
  Z.S = Dim(X, Z.BatchFirst ? 1 : 0);
  Z.B = Dim(X, Z.BatchFirst ? 0 : 1);
  Z.I = Dim(X, 2);
  std::optional<int64_t> Hidden = Ctx.intAttr("hidden_size");
  Z.H = Hidden && *Hidden > 0 ? Store.constant(*Hidden) : Dim(R, 2);
  if (Ctx.stringAttr("direction", "forward") == "bidirectional")
    Z.Directions = 2;
  return Z;
}

/// What one gate-based cell costs a hidden unit and row.
struct Cell {
  int64_t Gates;  ///< products with W and with R
  int64_t Vector; ///< with the sum of the two products, without bias
  int64_t Clips;  ///< inputs of activations, which `clip` bounds
};

void costCell(CostContext &Ctx, const Cell &C) {
  RecurrentSizes Z = recurrentSizes(Ctx);
  for (Expr E : {Z.S, Z.B, Z.I, Z.H})
    if (!E.isKnown()) {
      Ctx.unknown("a size is unknown: " + E.unknownReason());
      return;
    }
  Expr Units = Z.S * Z.B * Z.H * Z.Directions;
  Ctx.addMatrix(2 * Units * C.Gates * (Z.I + Z.H)); // C1
  Ctx.addVector(C.Vector * Units);
  if (Ctx.has(Bias)) // one each for W and R
    Ctx.addVector(2 * C.Gates * Units);
  if (Ctx.hasAttr("clip")) // Less and Where for each end
    Ctx.addVector(4 * C.Clips * Units);
}

} // namespace

void inferRecurrent(InferContext &Ctx) {
  if (!expectRank(Ctx, X, 3, "X") || !expectRank(Ctx, W, 3, "W") ||
      !expectRank(Ctx, R, 3, "R"))
    return;
  RecurrentSizes Z = recurrentSizes(Ctx);
  Expr D = Ctx.constant(Z.Directions);
  ElemType Elem = Ctx.elem(X);
  if (Z.BatchFirst)
    Ctx.set(0, Elem, {Z.B, Z.S, D, Z.H});
  else
    Ctx.set(0, Elem, {Z.S, D, Z.B, Z.H});
  for (unsigned O : {1u, 2u}) // the last hidden and cell state
    if (Z.BatchFirst)
      Ctx.set(O, Elem, {Z.B, D, Z.H});
    else
      Ctx.set(O, Elem, {D, Z.B, Z.H});
}

void costRNN(CostContext &Ctx) {
  // H = f(X·Wᵀ + H·Rᵀ): Add, f.
  costCell(Ctx, {1, 2, 1});
}

void costGRU(CostContext &Ctx) {
  // z, r, h: Add and an activation each; r ⊙ H; (1 - z) ⊙ h + z ⊙ H.
  costCell(Ctx, {3, 3 * 2 + 1 + 4, 3});
}

void costLSTM(CostContext &Ctx) {
  if (Ctx.intAttr("input_forget", 0) != 0) {
    Ctx.unknown("no rule counts coupled input and forget gates");
    return;
  }
  // i, o, f, c: Add and an activation each; C = f ⊙ C + i ⊙ c; H = o ⊙ h(C).
  // Peepholes: Mul, Add for three gates.
  costCell(Ctx, {4, 4 * 2 + 3 + 2 + (Ctx.has(Peepholes) ? 6 : 0), 5});
}

} // namespace xfa
