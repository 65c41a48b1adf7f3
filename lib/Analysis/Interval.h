//===- Interval.h - bounds of one element, as far as a mask needs them ----===//
//
// A bound is a number, or a number plus something that only the data tell (a
// score, a bias, a learned slope), which is finite. Integers that are functions
// of positions and lengths alone are kept exactly, as expressions.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_INTERVAL_H
#define XFA_LIB_ANALYSIS_INTERVAL_H

#include "xfa/Symbolic/Expr.h"

namespace xfa {

struct Interval {
  Expr Exact; ///< the value itself; the bounds say nothing then
  double Low = 0, High = 0;
  bool LowData = true, HighData = true; ///< plus something from the data
  double Times = 1;                     ///< the data, so many times

  static Interval data() { return {}; }
  static Interval anything();
  static Interval between(double Low, double High) {
    return {Expr(), Low, High, false, false};
  }
  static Interval point(double D) { return between(D, D); }
  static Interval unknownBool() { return between(0, 1); }
  static Interval exact(Expr E) {
    Interval I;
    I.Exact = E;
    return I;
  }

  /// All the same number.
  bool isPoint() const {
    return !Exact && !LowData && !HighData && Low == High;
  }
  bool hasData() const { return LowData || HighData; }
  bool isZero() const { return isPoint() && Low == 0; }
  /// Truth of a boolean.
  Truth truth() const;
  bool isFinite() const;
};

/// Fills at or below this are masks: Exp of it is 0 beside any score that is
/// above the other.
constexpr double MaskFill = -1e4;
constexpr double ScoreFloor = -9e3;

/// What the data are taken to be, and may be scaled by: beyond, they could
/// reach a fill.
constexpr double LargestData = 1e3;

/// Sequences up to here are taken for granted.
constexpr int64_t Unlimited = int64_t(1) << 20;

/// No fill: a number that the data could be.
inline bool isModest(const Interval &I) {
  return !I.Exact && I.Low >= -LargestData && I.High <= LargestData;
}

/// A softmax gives it no weight.
inline bool isMasked(const Interval &I) {
  return !I.Exact && I.High <= MaskFill;
}
/// Only if scores stay above ScoreFloor: the fill is no true infinity.
inline bool masksByAssumption(const Interval &I) {
  return I.HighData && I.High > -1e30;
}
/// Beside columns that are at most Hidden, a fill, a softmax gives it nearly
/// all weight: what scores are relative to does not matter, only how far they
/// are from the fill. Nothing but a number bounds it from below.
inline bool isOpenBeside(const Interval &I, const Interval &Hidden) {
  double Floor = ScoreFloor / MaskFill * Hidden.High;
  return !I.Exact && !Hidden.Exact && I.Low > Floor;
}
/// A softmax gives it weight.
inline bool isOpen(const Interval &I) {
  return !I.Exact && I.Low > ScoreFloor && I.High < -MaskFill;
}

Interval hull(const Interval &A, const Interval &B);
Interval operator+(const Interval &A, const Interval &B);
Interval operator-(const Interval &A);
Interval operator*(const Interval &A, const Interval &B);
Interval divide(const Interval &A, const Interval &B);
Interval power(const Interval &A, const Interval &B);
Interval logarithm(const Interval &A);
/// Towards zero, as integers are divided.
Interval truncated(const Interval &A);
Interval exponential(const Interval &A);
Interval larger(const Interval &A, const Interval &B);
Interval smaller(const Interval &A, const Interval &B);

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_INTERVAL_H
