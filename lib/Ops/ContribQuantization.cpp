//===- ContribQuantization.cpp - com.microsoft: quantised products --------===//

#include "MatMul.h"
#include "Quantization.h"
#include "Shapes.h"

namespace xfa {

//===----------------------------------------------------------------------===//
// Products whose shape is in the attributes K and N: A [.., K] → [.., N]
//===----------------------------------------------------------------------===//

/// Sets output O to input 0 with N columns.
static void setColumns(InferContext &Ctx, unsigned O, int64_t K, int64_t N) {
  if (!Ctx.hasRank(0)) {
    Ctx.setUnknown(O, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  if (Ctx.rank(0) == 0) {
    Ctx.fail("a matrix product needs rank 1 or more");
    return;
  }
  if (!sameDim(Ctx, Ctx.dim(0, -1), Ctx.constant(K),
               "last axis of the input and K"))
    return;
  Shape Dims(Ctx.dims(0));
  Dims.back() = Ctx.constant(N);
  Ctx.set(O, Ctx.elem(0), Dims);
}

/// The operand's number of elements, where it is known, against what the blocks
/// of B need. False: a failure is set.
static bool expectElements(InferContext &Ctx, unsigned I, int64_t Expected,
                           const llvm::Twine &What) {
  if (!Ctx.hasRank(I))
    return true;
  Expr Count = numElements(Ctx.store(), Ctx.dims(I));
  if (equal(Count, Ctx.constant(Expected)) != Truth::False)
    return true;
  Ctx.fail("expected " + llvm::Twine(Expected) + " elements of " + What +
           ", got " + shapeText(Ctx.dims(I)));
  return false;
}

/// Scales, one a block, and zero points, packed row by row where they are
/// bytes.
static bool expectBlocks(InferContext &Ctx, int64_t K, int64_t N) {
  int64_t Block = Ctx.intAttr("block_size", 0), Bits = Ctx.intAttr("bits", 4);
  constexpr int64_t Large = int64_t(1) << 31;
  if (Block <= 0 || Bits <= 0 || Bits > 8 || K <= 0 || N <= 0 || K > Large ||
      N > Large)
    return true;
  int64_t Blocks = (K + Block - 1) / Block;
  if (!expectElements(Ctx, 2, N * Blocks, "scales"))
    return false;
  bool Packed = Ctx.elem(3) == ElemType::UInt8;
  return expectElements(Ctx, 3, N * (Packed ? (Blocks * Bits + 7) / 8 : Blocks),
                        "zero points");
}

/// MatMulNBits (A, packed B, scales, zero points?, group index?, bias?),
/// MatMulBnb4 (A, packed B, scales).
void inferMatMulNBits(InferContext &Ctx) {
  std::optional<int64_t> K = Ctx.intAttr("K"), N = Ctx.intAttr("N");
  if (!K || !N)
    Ctx.fail("the attributes K and N are needed");
  else if (Ctx.node().Kind != OpKind::MsMatMulNBits ||
           expectBlocks(Ctx, *K, *N))
    setColumns(Ctx, 0, *K, *N);
}

void costMatMulNBits(CostContext &Ctx) {
  std::optional<int64_t> K = Ctx.intAttr("K"), N = Ctx.intAttr("N");
  if (!K || !N) {
    Ctx.unknown("the attributes K and N are needed");
    return;
  }
  Expr Size = Ctx.outSize(0);
  Ctx.addMatrix(2 * Size * *K);                                         // C1
  Ctx.addVector(DequantizeFlops * Ctx.constant(*K) * Ctx.constant(*N)); // C14
  if (Ctx.has(5))
    Ctx.addVector(Size);
}

void inferMatMulFpQ4(InferContext &Ctx) {
  // (A, packed B, shape of B)
  auto B = Ctx.ints(2);
  if (!B || B->size() != 2) {
    Ctx.setUnknown(0, Ctx.elem(0), "the shape of B is not known");
    return;
  }
  if (!Ctx.hasRank(0) || Ctx.rank(0) == 0) {
    Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
    return;
  }
  Shape Dims(Ctx.dims(0));
  Dims.back() = (*B)[1];
  Ctx.set(0, Ctx.elem(0), Dims);
}

void costMatMulFpQ4(CostContext &Ctx) {
  Expr K = costDim(Ctx, 0, -1);
  Ctx.addMatrix(2 * Ctx.outSize(0) * K);
  Ctx.addVector(DequantizeFlops * K * Ctx.outDim(0, -1)); // C14
}

void inferMatMulNBitsMlp(InferContext &Ctx) {
  inferMatMulNBits(Ctx);
  setLike(Ctx, 1, Ctx.elem(0), 0); // the sum of input and skip
}

void inferMatMulNBitsQkv(InferContext &Ctx) {
  std::optional<int64_t> K = Ctx.intAttr("K"), Nq = Ctx.intAttr("Nq"),
                         Nkv = Ctx.intAttr("Nkv");
  if (!K || !Nq || !Nkv) {
    Ctx.fail("the attributes K, Nq and Nkv are needed");
    return;
  }
  setColumns(Ctx, 0, *K, *Nq);
  setColumns(Ctx, 1, *K, *Nkv);
  setColumns(Ctx, 2, *K, *Nkv);
  setLike(Ctx, 3, Ctx.elem(0), 0);
}

void costMatMulNBitsFused(CostContext &Ctx) {
  Ctx.unknown("no rule counts this fusion yet");
}

//===----------------------------------------------------------------------===//
// 8- and 16-bit products
//===----------------------------------------------------------------------===//

void inferDynamicQuantizeMatMul(InferContext &Ctx) {
  setMatMul(Ctx, 0, Ctx.elem(0), 0, 1);
}

void costDynamicQuantizeMatMul(CostContext &Ctx) {
  // (A, B, scale of B, zero point of B?, bias?): DynamicQuantizeLinear of A,
  // whose zero point is subtracted, MatMulInteger, Mul of the scales, Mul, Add.
  addMatMul(Ctx, 0);
  Expr A = Ctx.inSize(0);
  Ctx.addVector(dynamicQuantizeFlops(A) + A + Ctx.inSize(2));
  addZeroPoint(Ctx, 1, 3);
  Ctx.addVector((Ctx.has(4) ? 2 : 1) * Ctx.outSize(0));
}

void inferMatMulIntegerToFloat(InferContext &Ctx) {
  setMatMul(Ctx, 0, Ctx.elem(2), 0, 1);
}

void costMatMulIntegerToFloat(CostContext &Ctx) {
  // (A, B, scales of both (2, 3), zero points of both (4, 5)?, bias?):
  // MatMulInteger, Mul of the scales, Mul, Add.
  addMatMul(Ctx, 0);
  addZeroPoint(Ctx, 0, 4);
  addZeroPoint(Ctx, 1, 5);
  Ctx.addVector(Ctx.inSize(3) + (Ctx.has(6) ? 2 : 1) * Ctx.outSize(0));
}

void inferQGemm(InferContext &Ctx) {
  // A, scale, zero point, B, scale, zero point, C?, scale and zero point of the
  // result? Without the last it is float.
  setGemm(Ctx, Ctx.has(8) ? Ctx.elem(8) : Ctx.elem(1), 0, 3);
}

void costQGemm(CostContext &Ctx) {
  addGemm(Ctx, 0);
  addZeroPoint(Ctx, 0, 2);
  addZeroPoint(Ctx, 3, 5);
  int64_t Bias = Ctx.has(6) ? 1 : 0;
  Ctx.addVector((Bias + (Ctx.has(8) ? RequantizeFlops : 1)) * Ctx.outSize(0));
}

//===----------------------------------------------------------------------===//
// GatherBlockQuantized: data, indices, scales, zero points?
//===----------------------------------------------------------------------===//

/// How many elements one of the data holds: 8-bit data packs smaller ones.
static int64_t packedElements(const OpContext &Ctx) {
  int64_t Bits = Ctx.intAttr("bits", 4);
  if (Ctx.elem(0) != ElemType::UInt8 || Bits <= 0 || Bits > 8)
    return 1;
  return 8 / Bits;
}

void inferGatherBlockQuantized(InferContext &Ctx) {
  ElemType Elem = Ctx.elem(2);
  for (unsigned I : {0u, 1u})
    if (!Ctx.hasRank(I)) {
      Ctx.setUnknown(0, Elem, unknownRank(Ctx, I));
      return;
    }
  auto Axis =
      OpContext::normalizeAxis(Ctx.intAttr("gather_axis", 0), Ctx.rank(0));
  auto Quantised =
      OpContext::normalizeAxis(Ctx.intAttr("quantize_axis", 1), Ctx.rank(0));
  if (!Axis || !Quantised) {
    Ctx.fail("an axis is outside of " + shapeText(Ctx.dims(0)));
    return;
  }
  Shape Data(Ctx.dims(0));
  Data[*Quantised] *= Ctx.constant(packedElements(Ctx));
  Shape Dims(Data.begin(), Data.begin() + *Axis);
  Dims.append(Ctx.dims(1).begin(), Ctx.dims(1).end());
  Dims.append(Data.begin() + *Axis + 1, Data.end());
  Ctx.set(0, Elem, Dims);
}

void costGatherBlockQuantized(CostContext &Ctx) {
  Expr Size = Ctx.outSize(0);
  Ctx.addVector(DequantizeFlops * Size); // C14
  // C11: the rows that are gathered, and their scales.
  Ctx.reads(0, exactDiv(Size, Ctx.constant(packedElements(Ctx))));
  auto Axis =
      Ctx.hasRank(2)
          ? OpContext::normalizeAxis(Ctx.intAttr("gather_axis", 0), Ctx.rank(2))
          : std::nullopt;
  if (!Axis)
    return;
  Expr Scales = Ctx.inSize(1) * costProduct(Ctx, 2, 0, *Axis) *
                costProduct(Ctx, 2, *Axis + 1, Ctx.rank(2));
  Ctx.reads(2, Scales);
}

} // namespace xfa
