//===- Roofline.cpp -------------------------------------------------------===//

#include "xfa/Analysis/Roofline.h"

namespace xfa {

namespace {

/// C8: a unit's peak; none where the accelerator's figure is unknown.
std::optional<double> seconds(__int128 Flops, std::optional<double> Peak) {
  if (Flops == 0)
    return 0.0;
  if (!Peak)
    return std::nullopt;
  return static_cast<double>(Flops) / *Peak;
}

/// C19: each piece on its own unit, matrix and vector work added.
llvm::Expected<std::optional<double>> perOpTime(const Ledger &L, const Gpu &G,
                                                const Bindings &At,
                                                Float32Products Products) {
  double Total = 0;
  for (const Ledger::Piece &P : L.Pieces) {
    auto Matrix = evaluate(P.W.Matrix, At);
    if (!Matrix)
      return Matrix.takeError();
    auto Vector = evaluate(P.W.Vector, At);
    if (!Vector)
      return Vector.takeError();
    auto Bytes = evaluate(P.W.bytes(), At);
    if (!Bytes)
      return Bytes.takeError();
    auto Times = evaluate(P.Times, At);
    if (!Times)
      return Times.takeError();
    std::optional<double> OnMatrix =
        seconds(*Matrix, matrixPeak(G, P.MatrixType, Products));
    std::optional<double> OnVector = seconds(*Vector, vectorPeak(G));
    if (!OnMatrix || !OnVector)
      return std::optional<double>();
    double Memory = static_cast<double>(*Bytes) / G.Bandwidth;
    Total +=
        std::max(*OnMatrix + *OnVector, Memory) * static_cast<double>(*Times);
  }
  return Total;
}

} // namespace

llvm::Expected<RooflinePoint> evaluateRoofline(const Ledger &L, const Gpu &G,
                                               ElemType Type,
                                               const Bindings &At,
                                               Float32Products Products) {
  RooflinePoint P;
  auto Flops = evaluate(L.Total.flops(), At);
  if (!Flops)
    return Flops.takeError();
  auto Bytes = evaluate(L.Total.bytes(), At);
  if (!Bytes)
    return Bytes.takeError();
  P.Flops = *Flops;
  P.Bytes = *Bytes;
  if (P.Bytes > 0)
    P.Intensity = static_cast<double>(P.Flops) / static_cast<double>(P.Bytes);
  P.MemoryTime = static_cast<double>(P.Bytes) / G.Bandwidth;
  P.ComputeTime = seconds(P.Flops, matrixPeak(G, Type, Products));
  if (P.ComputeTime) {
    P.Time = std::max(*P.ComputeTime, P.MemoryTime);
    P.BoundBy = *P.ComputeTime > P.MemoryTime ? Bound::Compute : Bound::Memory;
  }
  auto PerOp = perOpTime(L, G, At, Products);
  if (!PerOp)
    return PerOp.takeError();
  P.PerOpTime = *PerOp;
  return P;
}

std::optional<double> Clock::seconds(const Ledger &L,
                                     const Bindings &At) const {
  if (PerOp) {
    llvm::Expected<std::optional<double>> Time = perOpTime(L, G, At, Products);
    if (Time)
      return *Time;
    llvm::consumeError(Time.takeError());
    return std::nullopt;
  }
  llvm::Expected<__int128> Flops = evaluate(L.Total.flops(), At);
  if (!Flops) {
    llvm::consumeError(Flops.takeError());
    return std::nullopt;
  }
  llvm::Expected<__int128> Bytes = evaluate(L.Total.bytes(), At);
  if (!Bytes) {
    llvm::consumeError(Bytes.takeError());
    return std::nullopt;
  }
  std::optional<double> Compute =
      ::xfa::seconds(*Flops, matrixPeak(G, Type, Products));
  if (!Compute)
    return std::nullopt;
  return std::max(*Compute, static_cast<double>(*Bytes) / G.Bandwidth);
}

} // namespace xfa
