//===- SmallFloat.cpp - floats narrower than a double ---------------------===//
//
// IEEE 754; for float8 "FP8 Formats for Deep Learning" (Micikevicius et al.
// 2022) and onnx/docs/docsgen/source/technical/float8.md; for float6 and float4
// the OCP Microscaling Formats specification 1.0.
//
//===----------------------------------------------------------------------===//

#include "SmallFloat.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>

namespace xfa::import {

namespace {

/// A binary float of at most 16 bits: sign, exponent, mantissa.
struct SmallFloat {
  ElemType Elem;
  int ExponentBits, MantissaBits, Bias;
  /// What the patterns that IEEE gives to infinities and NaNs mean.
  enum { Ieee, OnesAreNan, NegativeZeroIsNan, Finite } Specials;
};

constexpr SmallFloat SmallFloats[] = {
    {ElemType::Float16, 5, 10, 15, SmallFloat::Ieee},
    {ElemType::BFloat16, 8, 7, 127, SmallFloat::Ieee},
    {ElemType::Float8E4M3FN, 4, 3, 7, SmallFloat::OnesAreNan},
    {ElemType::Float8E4M3FNUZ, 4, 3, 8, SmallFloat::NegativeZeroIsNan},
    {ElemType::Float8E5M2, 5, 2, 15, SmallFloat::Ieee},
    {ElemType::Float8E5M2FNUZ, 5, 2, 16, SmallFloat::NegativeZeroIsNan},
    {ElemType::Float6E2M3, 2, 3, 1, SmallFloat::Finite},
    {ElemType::Float6E3M2, 3, 2, 3, SmallFloat::Finite},
    {ElemType::Float4E2M1, 2, 1, 1, SmallFloat::Finite},
};

double decode(const SmallFloat &Format, uint64_t Code) {
  const int M = Format.MantissaBits, E = Format.ExponentBits;
  const uint64_t Ones = (uint64_t(1) << E) - 1;
  const uint64_t Mantissa = Code & ((uint64_t(1) << M) - 1);
  const uint64_t Exponent = Code >> M & Ones;
  const bool Negative = Code >> (M + E) & 1;
  const double Nan = std::numeric_limits<double>::quiet_NaN();

  if (Format.Specials == SmallFloat::NegativeZeroIsNan && Negative &&
      Exponent == 0 && Mantissa == 0)
    return Nan;
  if (Format.Specials == SmallFloat::Ieee && Exponent == Ones) {
    if (Mantissa != 0)
      return Nan;
    const double Infinity = std::numeric_limits<double>::infinity();
    return Negative ? -Infinity : Infinity;
  }
  if (Format.Specials == SmallFloat::OnesAreNan && Exponent == Ones &&
      Mantissa == (uint64_t(1) << M) - 1)
    return Nan;

  // Subnormals have no implied leading one and the exponent of the first.
  const uint64_t Digits = Exponent ? Mantissa | uint64_t(1) << M : Mantissa;
  const double Magnitude =
      std::ldexp(static_cast<double>(Digits),
                 static_cast<int>(Exponent ? Exponent : 1) - Format.Bias - M);
  return Negative ? -Magnitude : Magnitude;
}

} // namespace

double decodeFloat(ElemType Elem, uint64_t Code) {
  switch (Elem) {
  case ElemType::Float32:
    return llvm::bit_cast<float>(static_cast<uint32_t>(Code));
  case ElemType::Float64:
    return llvm::bit_cast<double>(Code);
  case ElemType::Float8E8M0: // 2 to the (code - 127), all ones is NaN
    return Code == 0xff ? std::numeric_limits<double>::quiet_NaN()
                        : std::ldexp(1.0, static_cast<int>(Code) - 127);
  default:
    for (const SmallFloat &Format : SmallFloats)
      if (Format.Elem == Elem)
        return decode(Format, Code);
    return std::numeric_limits<double>::quiet_NaN();
  }
}

} // namespace xfa::import
