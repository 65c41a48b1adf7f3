//===- ElementMath.cpp ----------------------------------------------------===//

#include "ElementMath.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

namespace xfa {

namespace {

/// An expression over a positive integer.
struct Fraction {
  Expr Num;
  int64_t Den = 1;
};

/// Largest numerator or denominator that a float constant may bring into a
/// ratio: larger ones would leave the significand together with the size.
constexpr int64_t MaxFactor = 256;

/// The element as a fraction that its float type holds exactly.
std::optional<Fraction> exactFraction(ExprStore &Store, Element E) {
  if (E.kind() == Element::Ratio &&
      llvm::isPowerOf2_64(static_cast<uint64_t>(E.denominator())))
    return Fraction{E.expr(), E.denominator()};
  if (E.kind() != Element::Float || !std::isfinite(E.number()))
    return std::nullopt;
  int64_t Den = 1;
  double Num = E.number();
  while (Den <= MaxFactor && Num != std::floor(Num)) {
    Num *= 2;
    Den *= 2;
  }
  if (Den > MaxFactor || std::fabs(Num) >= 0x1p24)
    return std::nullopt;
  return Fraction{Store.constant(static_cast<int64_t>(Num)), Den};
}

bool isRatio(Element A) { return A.kind() == Element::Ratio; }
bool isFloatLike(Element A) {
  return A.kind() == Element::Float || A.kind() == Element::Ratio;
}
bool areInts(Element A, Element B) {
  return A.kind() == Element::Int && B.kind() == Element::Int;
}
bool areNumbers(Element A, Element B) {
  return A.kind() == Element::Float && B.kind() == Element::Float;
}
bool nonNegative(Expr E) { return lowerBound(E).value_or(-1) >= 0; }

/// Truncating division for B >= 1 (or B >= 0, zero being no valid binding).
Expr truncDiv(ExprStore &Store, Expr A, Expr B) {
  if (nonNegative(A))
    return floorDiv(A, B);
  if (std::optional<Expr> Exact = tryExactDiv(A, B))
    return *Exact;
  Expr Zero = Store.constant(0);
  return floorDiv(xfa::max(A, Zero), B) - floorDiv(xfa::max(-A, Zero), B);
}

std::optional<double> roundTo(ElemType Type, double D) {
  const llvm::fltSemantics *Semantics = nullptr;
  switch (Type) {
  case ElemType::Float64:
    return D;
  case ElemType::Float32:
    return static_cast<double>(static_cast<float>(D));
  case ElemType::Float16:
    Semantics = &llvm::APFloat::IEEEhalf();
    break;
  case ElemType::BFloat16:
    Semantics = &llvm::APFloat::BFloat();
    break;
  default:
    return std::nullopt;
  }
  llvm::APFloat Value(D);
  bool Lossy = false;
  Value.convert(*Semantics, llvm::APFloat::rmNearestTiesToEven, &Lossy);
  Value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &Lossy);
  return Value.convertToDouble();
}

} // namespace

Element ElementMath::integer(Expr E) const {
  bool Unsigned = elemClass(Type) == ElemClass::Unsigned;
  if (!isInteger(Type))
    return Element();
  unsigned Bits = elemBits(Type);
  std::optional<int64_t> C = E.constant();
  if (!C) {
    if (Bits < 32 || (Unsigned && !nonNegative(E)))
      return Element();
    return Element::integer(E);
  }
  if (Unsigned ? *C < 0 || (Bits < 64 && !llvm::isUIntN(Bits, *C))
               : !llvm::isIntN(Bits, *C))
    return Element();
  return Element::integer(E);
}

Element ElementMath::number(double D) const {
  std::optional<double> Rounded = roundTo(Type, D);
  return Rounded ? Element::number(*Rounded) : Element();
}

Element ElementMath::ratio(Expr Num, int64_t Den) const {
  if (std::optional<int64_t> C = Num.constant()) {
    if (*C < -(int64_t(1) << 53) || *C > (int64_t(1) << 53))
      return Element();
    return number(static_cast<double>(*C) / static_cast<double>(Den));
  }
  if (Type != ElemType::Float32 && Type != ElemType::Float64)
    return Element();
  if (Den != 1)
    if (std::optional<Expr> Whole = tryExactDiv(Num, Store.constant(Den)))
      return Element::ratio(*Whole, 1);
  return Element::ratio(Num, Den);
}

Element ElementMath::zero() const {
  if (isInteger(Type))
    return Element::integer(Store.constant(0));
  if (isFloat(Type))
    return Element::number(0);
  return Type == ElemType::Bool ? Element::boolean(false) : Element();
}

Element ElementMath::add(Element A, Element B) const {
  if (areInts(A, B))
    return integer(A.expr() + B.expr());
  if (areNumbers(A, B))
    return number(A.number() + B.number());
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Element();
  int64_t Den = std::max(FA->Den, FB->Den); // powers of two
  return ratio(FA->Num * (Den / FA->Den) + FB->Num * (Den / FB->Den), Den);
}

Element ElementMath::sub(Element A, Element B) const {
  if (areInts(A, B))
    return integer(A.expr() - B.expr());
  if (areNumbers(A, B))
    return number(A.number() - B.number());
  if (!isFloatLike(A) || !isFloatLike(B))
    return Element();
  return add(A, neg(B));
}

Element ElementMath::mul(Element A, Element B) const {
  if (areInts(A, B))
    return integer(A.expr() * B.expr());
  // 0 times what nobody knows; of floats it may be NaN.
  if (isInteger(Type) && ((A.kind() == Element::Int && A.expr().is(0)) ||
                          (B.kind() == Element::Int && B.expr().is(0))))
    return integer(Store.constant(0));
  if (areNumbers(A, B))
    return number(A.number() * B.number());
  if (isRatio(A) && isRatio(B))
    return Element(); // its numerator may leave the significand
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Element();
  const Fraction &Factor = isRatio(A) ? *FB : *FA;
  std::optional<int64_t> C = Factor.Num.constant();
  if (!C || *C < -MaxFactor || *C > MaxFactor ||
      FA->Den > MaxFactor * MaxFactor || FB->Den > MaxFactor * MaxFactor)
    return Element();
  return ratio(FA->Num * FB->Num, FA->Den * FB->Den);
}

Element ElementMath::div(Element A, Element B) const {
  if (areInts(A, B)) {
    std::optional<int64_t> CA = A.expr().constant(), CB = B.expr().constant();
    if (CB == 0)
      return Element();
    if (CA && CB) {
      if (*CA == std::numeric_limits<int64_t>::min() && *CB == -1)
        return Element();
      return integer(Store.constant(*CA / *CB));
    }
    if (nonNegative(B.expr()))
      return integer(truncDiv(Store, A.expr(), B.expr()));
    if (nonNegative(-B.expr()))
      return integer(-truncDiv(Store, A.expr(), -B.expr()));
    return Element();
  }
  if (areNumbers(A, B))
    return number(A.number() / B.number());
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Element();
  // (a/p) / (c/q) = a*q / (p*c)
  if (std::optional<int64_t> C = FB->Num.constant()) {
    int64_t Den = 0;
    if (*C == 0 || *C < -(1 << 20) || *C > (1 << 20) || FB->Den > MaxFactor ||
        FA->Den > MaxFactor * MaxFactor)
      return Element();
    Den = FA->Den * (*C < 0 ? -*C : *C);
    return ratio((*C < 0 ? -FA->Num : FA->Num) * FB->Den, Den);
  }
  Expr Num = FA->Num * FB->Den, Den = FB->Num * FA->Den;
  if (std::optional<Expr> Whole = tryExactDiv(Num, Den))
    return ratio(*Whole, 1);
  return Element();
}

Element ElementMath::mod(Element A, Element B, bool Fmod) const {
  if (areInts(A, B)) {
    std::optional<int64_t> CA = A.expr().constant(), CB = B.expr().constant();
    if (CB == 0)
      return Element();
    if (CA && CB) {
      if (*CB == -1)
        return integer(Store.constant(0));
      int64_t Rest = *CA % *CB;
      if (!Fmod && Rest != 0 && (Rest < 0) != (*CB < 0))
        Rest += *CB;
      return integer(Store.constant(Rest));
    }
    if (!Fmod || (nonNegative(A.expr()) && nonNegative(B.expr())))
      return integer(xfa::mod(A.expr(), B.expr()));
    return Element();
  }
  if (areNumbers(A, B) && Fmod)
    return number(std::fmod(A.number(), B.number()));
  return Element();
}

Element ElementMath::pow(Element A, Element B) const {
  std::optional<double> Exponent;
  if (B.kind() == Element::Float)
    Exponent = B.number();
  else if (B.kind() == Element::Int && B.expr().isConstant())
    Exponent = static_cast<double>(*B.expr().constant());
  if (!Exponent)
    return Element();
  bool Whole = *Exponent == std::floor(*Exponent);
  if (A.kind() == Element::Int) {
    if (!Whole || *Exponent < 0 || *Exponent > (A.expr().isConstant() ? 64 : 8))
      return Element();
    return integer(xfa::pow(A.expr(), static_cast<unsigned>(*Exponent)));
  }
  if (*Exponent == 1)
    return A;
  if (A.kind() != Element::Float)
    return Element();
  if (*Exponent == 0.5)
    return A.number() >= 0 ? sqrt(A) : Element();
  // Exact products of few significant bits are the same in every runtime.
  if (!Whole || *Exponent < 0 || *Exponent > 64)
    return Element();
  double Result = 1;
  for (int I = 0; I < *Exponent; ++I)
    Result *= A.number();
  std::optional<double> Rounded = roundTo(Type, Result);
  return Rounded && *Rounded == Result && std::fabs(Result) < 0x1p53
             ? Element::number(Result)
             : Element();
}

Element ElementMath::max(Element A, Element B) const {
  if (areInts(A, B))
    return integer(xfa::max(A.expr(), B.expr()));
  if (areNumbers(A, B)) {
    if (std::isnan(A.number()) || std::isnan(B.number()))
      return Element();
    return Element::number(std::max(A.number(), B.number()));
  }
  if (A == B)
    return A;
  Truth Less = elementLess(A, B);
  if (Less != Truth::Unknown)
    return Less == Truth::True ? B : A;
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Element();
  int64_t Den = std::max(FA->Den, FB->Den); // powers of two
  return ratio(xfa::max(FA->Num * (Den / FA->Den), FB->Num * (Den / FB->Den)),
               Den);
}

Element ElementMath::min(Element A, Element B) const {
  if (areInts(A, B))
    return integer(xfa::min(A.expr(), B.expr()));
  if (areNumbers(A, B)) {
    if (std::isnan(A.number()) || std::isnan(B.number()))
      return Element();
    return Element::number(std::min(A.number(), B.number()));
  }
  if (A == B)
    return A;
  Truth Less = elementLess(A, B);
  if (Less != Truth::Unknown)
    return Less == Truth::True ? A : B;
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Element();
  int64_t Den = std::max(FA->Den, FB->Den); // powers of two
  return ratio(xfa::min(FA->Num * (Den / FA->Den), FB->Num * (Den / FB->Den)),
               Den);
}

Element ElementMath::neg(Element A) const {
  switch (A.kind()) {
  case Element::Int:
    return integer(-A.expr());
  case Element::Float:
    return Element::number(-A.number());
  case Element::Ratio:
    return ratio(-A.expr(), A.denominator());
  default:
    return Element();
  }
}

Element ElementMath::abs(Element A) const {
  if (A.kind() == Element::Float)
    return Element::number(std::fabs(A.number()));
  if (A.kind() != Element::Int && A.kind() != Element::Ratio)
    return Element();
  Expr E = nonNegative(A.expr()) ? A.expr() : xfa::max(A.expr(), -A.expr());
  return A.kind() == Element::Int ? integer(E) : ratio(E, A.denominator());
}

Element ElementMath::sign(Element A) const {
  Truth Negative = elementLess(A, zero()), Positive = elementLess(zero(), A);
  int Sign = Negative == Truth::True ? -1 : Positive == Truth::True ? 1 : 0;
  if (Sign == 0 && (Negative != Truth::False || Positive != Truth::False))
    return Element();
  if (A.kind() == Element::Float && std::isnan(A.number()))
    return Element();
  return isFloat(Type) ? Element::number(Sign) : integer(Store.constant(Sign));
}

Element ElementMath::sqrt(Element A) const {
  return A.kind() == Element::Float ? number(std::sqrt(A.number())) : Element();
}

Element ElementMath::floor(Element A) const {
  if (A.kind() == Element::Float)
    return Element::number(std::floor(A.number()));
  return isRatio(A) ? ratio(floorDiv(A.expr(), A.denominator()), 1) : Element();
}

Element ElementMath::ceil(Element A) const {
  if (A.kind() == Element::Float)
    return Element::number(std::ceil(A.number()));
  return isRatio(A) ? ratio(ceilDiv(A.expr(), A.denominator()), 1) : Element();
}

Element ElementMath::round(Element A) const {
  if (A.kind() == Element::Float) {
    double D = A.number(), Down = std::floor(D), Rest = D - Down;
    if (Rest > 0.5 || (Rest == 0.5 && std::fmod(Down, 2) != 0))
      Down += 1;
    return Element::number(Down);
  }
  return isRatio(A) && A.denominator() == 1 ? A : Element();
}

Element ElementMath::shiftLeft(Element A, Element B) const {
  if (!areInts(A, B))
    return Element();
  std::optional<int64_t> By = B.expr().constant();
  if (!By || *By < 0 || *By > 62)
    return Element();
  return integer(A.expr() * (int64_t(1) << *By));
}

Element ElementMath::shiftRight(Element A, Element B) const {
  if (!areInts(A, B))
    return Element();
  std::optional<int64_t> By = B.expr().constant();
  if (!By || *By < 0 || *By > 62)
    return Element();
  return integer(floorDiv(A.expr(), int64_t(1) << *By));
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

/// Integer constant to a narrower or unsigned type: keeps the low bits.
static std::optional<int64_t> lowBits(ElemType Type, int64_t Value) {
  unsigned Bits = elemBits(Type);
  if (Bits == 0 || Bits > 64)
    return std::nullopt;
  bool Unsigned = elemClass(Type) == ElemClass::Unsigned;
  if (Bits == 64)
    return Unsigned && Value < 0 ? std::nullopt : std::optional(Value);
  uint64_t Low =
      static_cast<uint64_t>(Value) & llvm::maskTrailingOnes<uint64_t>(Bits);
  return Unsigned ? static_cast<int64_t>(Low) : llvm::SignExtend64(Low, Bits);
}

Element ElementMath::cast(Element A) const {
  if (!A.known())
    return Element();
  if (Type == ElemType::Bool) {
    if (A.kind() == Element::Bool)
      return A;
    if (A.kind() == Element::Float)
      return Element::boolean(A.number() != 0); // NaN is true
    return Element::boolean(truthNot(equal(A.expr(), Store.constant(0))));
  }
  if (isFloat(Type)) {
    switch (A.kind()) {
    case Element::Bool:
      return number(A.boolean());
    case Element::Float:
      return number(A.number());
    default:
      return ratio(A.expr(), A.kind() == Element::Ratio ? A.denominator() : 1);
    }
  }
  if (!isInteger(Type))
    return Element();
  switch (A.kind()) {
  case Element::Bool:
    return integer(Store.constant(A.boolean()));
  case Element::Int: {
    std::optional<int64_t> C = A.expr().constant();
    if (!C)
      return integer(A.expr());
    std::optional<int64_t> Low = lowBits(Type, *C);
    return Low ? Element::integer(Store.constant(*Low)) : Element();
  }
  case Element::Float: {
    double Whole = std::trunc(A.number());
    if (!(std::fabs(Whole) < 0x1p63)) // NaN too
      return Element();
    return integer(Store.constant(static_cast<int64_t>(Whole)));
  }
  default:
    return integer(truncDiv(Store, A.expr(), Store.constant(A.denominator())));
  }
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// Compares two ratios, or a ratio and a number, by cross-multiplication.
template <typename CompareFn>
static Truth compare(Element A, Element B, CompareFn Compare) {
  if (areInts(A, B))
    return Compare(A.expr(), B.expr());
  if (!isRatio(A) && !isRatio(B))
    return Truth::Unknown;
  ExprStore &Store = (isRatio(A) ? A : B).expr().store();
  auto FA = exactFraction(Store, A), FB = exactFraction(Store, B);
  if (!FA || !FB)
    return Truth::Unknown;
  return Compare(FA->Num * FB->Den, FB->Num * FA->Den);
}

static Truth truth(bool B) { return B ? Truth::True : Truth::False; }

Truth elementLess(Element A, Element B) {
  if (areNumbers(A, B))
    return truth(A.number() < B.number());
  return compare(A, B, [](Expr L, Expr R) { return less(L, R); });
}

Truth elementLessEqual(Element A, Element B) {
  if (areNumbers(A, B))
    return truth(A.number() <= B.number());
  return compare(A, B, [](Expr L, Expr R) { return lessEqual(L, R); });
}

Truth elementEqual(Element A, Element B) {
  if (areNumbers(A, B))
    return truth(A.number() == B.number());
  if (A.kind() == Element::Bool && B.kind() == Element::Bool)
    return truth(A.boolean() == B.boolean());
  return compare(A, B, [](Expr L, Expr R) { return equal(L, R); });
}

} // namespace xfa
