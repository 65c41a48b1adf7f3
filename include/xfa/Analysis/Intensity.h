//===- Intensity.h - statements about FLOP/byte that hold everywhere ------===//
//
// Arithmetic intensity is a ratio of two polynomials in the symbols of a model.
// What is said of it here is proved from the coefficients, never sampled.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_INTENSITY_H
#define XFA_ANALYSIS_INTENSITY_H

#include "xfa/Analysis/Ledger.h"

namespace xfa {

/// FLOP / bytes without common integer content and common monomials.
struct PolynomialRatio {
  Expr Numerator, Denominator;
  bool operator==(const PolynomialRatio &) const = default;
};
/// What is no polynomial is left as it is.
PolynomialRatio reducedRatio(Expr Numerator, Expr Denominator);
inline PolynomialRatio intensityOf(const Work &W) {
  return reducedRatio(W.flops(), W.bytes());
}

/// Where a ratio of polynomials without negative leading coefficients goes when
/// one symbol grows and the others stay.
struct RatioLimit {
  enum KindTy : uint8_t { Zero, Finite, Infinite, Unknown };
  KindTy Kind = Unknown;
  PolynomialRatio Value; ///< Finite: in the other symbols
};
RatioLimit limitOf(const PolynomialRatio &R, llvm::StringRef Symbol);

/// Symbol ≥ value, for each.
using Domain = std::vector<std::pair<std::string, int64_t>>;

/// Whether one ratio is larger than another at every integer point of a domain.
struct Comparison {
  enum KindTy : uint8_t {
    Larger,   ///< proved: the cross-difference, moved to the corner of the
              ///< domain, has no negative coefficient, and is not 0 there
    Fails,    ///< not so at `Where`
    NotProved ///< neither; `Why` says what stood in the way
  };
  KindTy Kind = NotProved;
  Domain Over;  ///< the domain asked about
  Domain Where; ///< Fails: a point at which it is not larger
  /// Not Larger, but proved over this smaller domain; empty if over none.
  Domain ProvedOver;
  std::string Why;
};
/// A > B? Denominators are taken to be positive over the domain.
Comparison compareRatios(const PolynomialRatio &A, const PolynomialRatio &B,
                         const Domain &Over);

} // namespace xfa

#endif // XFA_ANALYSIS_INTENSITY_H
