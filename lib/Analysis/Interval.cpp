//===- Interval.cpp - arithmetic of bounds --------------------------------===//
//
// Exact operands never come here: the caller does their arithmetic, or turns
// them into bounds first.
//
//===----------------------------------------------------------------------===//

#include "Interval.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace xfa {

static constexpr double Infinity = std::numeric_limits<double>::infinity();

Interval Interval::anything() { return between(-Infinity, Infinity); }

Truth Interval::truth() const {
  if (Exact) {
    std::optional<int64_t> C = Exact.constant();
    return !C ? Truth::Unknown : *C != 0 ? Truth::True : Truth::False;
  }
  if (!isPoint())
    return Truth::Unknown;
  return Low != 0 ? Truth::True : Truth::False;
}

bool Interval::isFinite() const {
  return Exact || (std::isfinite(Low) && std::isfinite(High));
}

/// How many times the data count in it.
static double timesOf(const Interval &A) { return A.hasData() ? A.Times : 0; }

/// Data that count too often could reach a fill.
static Interval counted(Interval A, double Times) {
  A.Times = Times;
  if (!A.hasData() || Times <= LargestData)
    return A;
  if (A.LowData)
    A.Low = -Infinity;
  if (A.HighData)
    A.High = Infinity;
  A.LowData = A.HighData = false;
  return A;
}

Interval hull(const Interval &A, const Interval &B) {
  return counted({Expr(), std::min(A.Low, B.Low), std::max(A.High, B.High),
                  A.LowData || B.LowData, A.HighData || B.HighData},
                 std::max(timesOf(A), timesOf(B)));
}

/// -inf + inf has no sign that anything follows from.
static double sum(double A, double B, double IfUndefined) {
  double S = A + B;
  return std::isnan(S) ? IfUndefined : S;
}

Interval operator+(const Interval &A, const Interval &B) {
  return counted({Expr(), sum(A.Low, B.Low, -Infinity),
                  sum(A.High, B.High, Infinity), A.LowData || B.LowData,
                  A.HighData || B.HighData},
                 timesOf(A) + timesOf(B));
}

Interval operator-(const Interval &A) {
  return {Expr(), -A.High, -A.Low, A.HighData, A.LowData, A.Times};
}

static Interval scale(const Interval &A, double Factor) {
  if (Factor == 0)
    return A.isFinite() ? Interval::point(0) : Interval::anything();
  if (!std::isfinite(Factor))
    return A.hasData() || A.Low * A.High <= 0 ? Interval::anything()
                                              : Interval::point(A.Low * Factor);
  Interval R = counted(A, timesOf(A) * std::abs(Factor));
  R.Low *= Factor;
  R.High *= Factor;
  if (Factor < 0) {
    std::swap(R.Low, R.High);
    std::swap(R.LowData, R.HighData);
  }
  return R;
}

Interval operator*(const Interval &A, const Interval &B) {
  if (A.isPoint())
    return scale(B, A.Low);
  if (B.isPoint())
    return scale(A, B.Low);
  if (!A.isFinite() || !B.isFinite())
    return Interval::anything();
  if (A.hasData() || B.hasData()) {
    // A number of a fill's size times data could be of either sign.
    auto Size = [](const Interval &I) {
      return std::max({std::abs(I.Low), std::abs(I.High), timesOf(I)});
    };
    double Times = Size(A) * Size(B);
    return Times <= LargestData ? counted(Interval::data(), Times)
                                : Interval::anything();
  }
  double P[] = {A.Low * B.Low, A.Low * B.High, A.High * B.Low, A.High * B.High};
  return Interval::between(*std::min_element(P, P + 4),
                           *std::max_element(P, P + 4));
}

Interval divide(const Interval &A, const Interval &B) {
  if (B.isPoint() && B.Low != 0) {
    Interval R = scale(A, 1 / B.Low);
    // As the graph divides: no product with a reciprocal, which is rounded.
    if (!A.hasData() && B.Low > 0 && std::isfinite(B.Low))
      return Interval::between(A.Low / B.Low, A.High / B.Low);
    return R;
  }
  if (A.isZero())
    return A;
  // Data are not taken to be 0; what has 0 as its bound may be.
  if (!B.hasData())
    return B.Low <= 0 && B.High >= 0
               ? Interval::anything()
               : A * Interval::between(1 / B.High, 1 / B.Low);
  if (!B.LowData && B.Low <= 0 && (B.HighData || B.High >= 0))
    return Interval::anything();
  return isModest(A) ? Interval::data() : Interval::anything();
}

Interval truncated(const Interval &A) {
  Interval R = A;
  R.Low = std::trunc(A.Low);
  R.High = std::trunc(A.High);
  return R;
}

Interval exponential(const Interval &A) {
  Interval R = Interval::between(A.LowData ? 0 : std::exp(A.Low), Infinity);
  R.HighData = A.HighData && std::exp(A.High) <= LargestData;
  if (!A.HighData)
    R.High = std::exp(A.High);
  else if (R.HighData)
    R.High = std::max(1.0, std::exp(A.High));
  return R;
}

Interval power(const Interval &A, const Interval &B) {
  bool Data = A.LowData || A.HighData;
  // A square, a root: of data, data.
  if (Data && B.isPoint() && B.Low >= 0 && B.Low <= 4)
    return isModest(A) ? Interval::data() : Interval::anything();
  if (Data || B.LowData || B.HighData || !A.isFinite() || !B.isFinite())
    return Interval::anything();
  bool Whole = B.isPoint() && B.Low == std::floor(B.Low) && B.Low >= 0;
  if (A.Low <= 0 && !Whole)
    return Interval::anything();
  if (A.Low <= 0) {
    double Most = std::pow(std::max(std::abs(A.Low), std::abs(A.High)), B.Low);
    return Interval::between(-Most, Most);
  }
  double P[] = {std::pow(A.Low, B.Low), std::pow(A.Low, B.High),
                std::pow(A.High, B.Low), std::pow(A.High, B.High)};
  return Interval::between(*std::min_element(P, P + 4),
                           *std::max_element(P, P + 4));
}

Interval logarithm(const Interval &A) {
  if (A.LowData)
    return isModest(A) ? Interval::data() : Interval::anything();
  Interval R = Interval::between(std::log(std::max(A.Low, 0.0)),
                                 std::log(std::max(A.High, 0.0)));
  R.HighData = A.HighData;
  if (A.HighData)
    R.High = std::max(R.High, 0.0);
  return R;
}

Interval larger(const Interval &A, const Interval &B) {
  Interval R{Expr(),
             std::max(A.Low, B.Low),
             std::max(A.High, B.High),
             A.LowData && B.LowData,
             A.HighData || B.HighData,
             std::max(A.Times, B.Times)};
  // The one that is a number alone is a bound by itself.
  if (A.LowData != B.LowData)
    R.Low = A.LowData ? B.Low : A.Low;
  return R;
}

Interval smaller(const Interval &A, const Interval &B) {
  return -larger(-A, -B);
}

} // namespace xfa
