//===- Experts.cpp - operators that are a mixture of experts --------------===//
//
// MoE: X [tokens, D], the router's result [tokens, E], then for each of up,
// down and (optionally) gate the weights of all experts, [E, …], and biases.
// QMoE has scales in between, and packs several weights in a byte.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

namespace xfa {

void Recogniser::findExpertOperators(llvm::DenseSet<int> &Taken) {
  for (NodeId N : G.order()) {
    bool Packed = G.kind(N) == OpKind::MsQMoE;
    if (!Packed && G.kind(N) != OpKind::MsMoE)
      continue;
    const unsigned Step = Packed ? 3 : 2; // from one weight to the next
    ValueId X = G.operand(N, 0), Up = G.operand(N, 2),
            Down = G.operand(N, 2 + Step), Gate = G.operand(N, 2 + 2 * Step);
    if (!X || !Up || !Down || !Facts[X].HasRank || Facts[X].rank() < 1 ||
        !Facts[Up].HasRank || !Facts[Down].HasRank || Facts[Down].rank() < 1)
      continue;
    int64_t Bits = M[N].intAttribute("expert_weight_bits", 4);
    int64_t PerByte = Packed && Bits > 0 && Bits <= 8 ? 8 / Bits : 1;
    Expr D = Facts[X].Dims.back(), Experts = Facts[Down].Dims.front();
    Expr Tokens = exactDiv(numElements(Store, Facts[X].Dims), D);
    // The width of the weights of an expert beside D.
    auto Width = [&](ValueId W) {
      return exactDiv(numElements(Store, Facts[W].Dims) * PerByte, Experts * D);
    };
    FoundMlp L;
    L.Operator = N;
    L.Hidden = Width(Down);
    L.Path.insert(N);
    auto Product = [&](ValueId Weight, unsigned Bias, Expr In, Expr Out) {
      WeightProduct P;
      P.Node = N;
      P.Operand = X;
      P.Data = G.strip(X);
      P.Weight = Weight;
      P.Rows = Tokens * std::max<int64_t>(M[N].intAttribute("k", 1), 1);
      P.In = In;
      P.Out = Out;
      P.Experts = Experts;
      P.Chooses = G.operand(N, 1);
      P.Bias = bool(G.operand(N, Bias));
      P.Result = G.result(N);
      Taken.insert(static_cast<int>(Products.size()));
      Products.push_back(std::move(P));
      return static_cast<int>(Products.size()) - 1;
    };
    const unsigned Bias = Step; // from a first weight's place to its bias, 1 on
    L.Up = Product(Up, 1 + Bias, D, Width(Up));
    ProductAt[N] = L.Up;
    if (Gate)
      L.Gate = Product(Gate, 1 + 2 * Step + Bias, D, Width(Gate));
    else if (Width(Up) == L.Hidden * 2)
      L.Gate = L.Up;
    L.Down = Product(Down, 1 + Step + Bias, L.Hidden, D);
    Mlps.push_back(std::move(L));
  }
}

} // namespace xfa
