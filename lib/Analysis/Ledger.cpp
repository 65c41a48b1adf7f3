//===- Ledger.cpp - rows and totals ---------------------------------------===//

#include "xfa/Analysis/Ledger.h"

#include "Kernel.h"
#include "LedgerBuilder.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

namespace xfa {

Work Work::zero(ExprStore &Store) {
  Expr Zero = Store.constant(0);
  return {Zero, Zero, Zero, Zero, Zero};
}

Work &Work::operator+=(const Work &O) {
  Matrix += O.Matrix;
  Vector += O.Vector;
  Read += O.Read;
  Written += O.Written;
  Weight += O.Weight;
  Exact &= O.Exact;
  return *this;
}

Work mapWork(const Work &W, llvm::function_ref<Expr(Expr)> Fn) {
  return {Fn(W.Matrix),  Fn(W.Vector), Fn(W.Read),
          Fn(W.Written), Fn(W.Weight), W.Exact};
}

Ledger mapLedger(const Ledger &L, llvm::function_ref<Expr(Expr)> Fn) {
  Ledger Result = L;
  Result.Total = mapWork(L.Total, Fn);
  for (auto &Row : Result.Roles)
    Row.W = mapWork(Row.W, Fn);
  for (auto &Row : Result.Layers)
    Row.W = mapWork(Row.W, Fn);
  for (auto &Cell : Result.Cells)
    Cell.W = mapWork(Cell.W, Fn);
  for (auto &Piece : Result.Pieces) {
    Piece.W = mapWork(Piece.W, Fn);
    Piece.Times = Fn(Piece.Times);
  }
  return Result;
}

//===----------------------------------------------------------------------===//
// LedgerBuilder
//===----------------------------------------------------------------------===//

void LedgerBuilder::add(Role R, int Layer, const Work &W, ElemType MatrixType,
                        Expr Times, bool IsPart) {
  Entry &E = Cells[{static_cast<int>(R), Layer}];
  E.Count += std::max<int64_t>(Times.constant().value_or(1), 1);
  E.Exact &= W.Exact && W.Read.isKnown();
  auto Scaled = [&](Expr X) {
    Expr All = Times.is(1) ? X : X * Times;
    E.Exact &= All.isKnown();
    return All.isKnown() ? All : Store.constant(0);
  };
  E.Matrix.add(Scaled(W.Matrix));
  E.Vector.add(Scaled(W.Vector));
  E.Read.add(Scaled(W.Read.isKnown() ? W.Read : W.Weight));
  E.Written.add(Scaled(W.Written));
  E.Weight.add(Scaled(W.Weight));
  if (!IsPart)
    addPiece(W, MatrixType, Times);
}

void LedgerBuilder::addPiece(const Work &W, ElemType MatrixType, Expr Times) {
  PieceKey Key = {{W.Matrix, W.Vector},
                  {W.bytes(), static_cast<int>(MatrixType)}};
  auto [It, New] = PieceIndex.try_emplace(Key, Pieces.size());
  if (New)
    Pieces.push_back({W, MatrixType, Times});
  else
    Pieces[It->second].Times += Times;
}

Ledger LedgerBuilder::finish() {
  Ledger L;
  L.Total = Work::zero(Store);
  std::map<int, Work> Layers;
  for (auto &[Key, E] : Cells) {
    Work W = {E.Matrix.total(Store), E.Vector.total(Store), E.Read.total(Store),
              E.Written.total(Store), E.Weight.total(Store), E.Exact};
    auto R = static_cast<Role>(Key.first);
    L.Cells.push_back({R, Key.second, E.Count, W});
    if (L.Roles.empty() || L.Roles.back().R != R)
      L.Roles.push_back({R, 0, Work::zero(Store)});
    L.Roles.back().Count += E.Count;
    L.Roles.back().W += W;
    Layers.try_emplace(Key.second, Work::zero(Store)).first->second += W;
    L.Total += W;
  }
  // C16: a sum that grows too large is unknown.
  L.Exact = L.Total.Exact && L.Total.flops().isKnown() &&
            L.Total.bytes().isKnown();
  for (auto &[Layer, W] : Layers)
    L.Layers.push_back({Layer, W});
  L.Pieces = std::move(Pieces);
  return L;
}

//===----------------------------------------------------------------------===//
// Graph ledger
//===----------------------------------------------------------------------===//

Ledger graphLedger(const Model &M, const GraphCosts &Costs, const Structure &S,
                   ExprStore &Store) {
  LedgerBuilder Builder(Store);
  // A fused kernel is one piece, in the order of calls.
  const std::vector<NodeId> Kernels = kernelsOf(M);
  llvm::MapVector<NodeId, Ledger::Piece> Fused;
  for (size_t I = 0; I < M.Nodes.size(); ++I) {
    const NodeCost &C = Costs.Nodes[I];
    if (C.Folded || C.Times.is(0))
      continue;
    Role R = Role::Other;
    int Layer = -1;
    if (I < S.Roles.size()) {
      if (S.Roles[I])
        R = *S.Roles[I];
      Layer = S.Layers[I];
    }
    const Work W = {C.Matrix,  C.Vector,     C.Read,
                    C.Written, C.WeightRead, C.known()};
    const NodeId In = Kernels[I];
    Builder.add(R, Layer, W, C.MatrixType, C.Times, /*IsPart=*/bool(In));
    if (!In)
      continue;
    // Its nodes run equally often but for bodies of loops in it.
    Ledger::Piece &Whole = Fused[In];
    if (!Whole.Times)
      Whole = {Work::zero(Store), ElemType::Undefined, Store.constant(1)};
    Whole.W += mapWork(W, [&](Expr E) { return E * C.Times; });
    if (C.MatrixType != ElemType::Undefined)
      Whole.MatrixType = C.MatrixType;
  }
  for (const auto &[Call, Whole] : Fused)
    Builder.addPiece(Whole.W, Whole.MatrixType, Whole.Times);
  Ledger L = Builder.finish();
  L.Exact &= Costs.Exact;
  return L;
}

} // namespace xfa
