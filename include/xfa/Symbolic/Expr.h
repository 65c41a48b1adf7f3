//===- Expr.h - exact integer expressions over dimension symbols ----------===//
//
// An Expr is a value the size of a pointer. It stands for a sparse polynomial
// with integer coefficients over *atoms*; an atom is a symbol, floordiv(a, b),
// max(a, b), min(a, b), or an opaque unknown. Expressions are canonical and
// uniqued in their ExprStore: the same canonical form is the same pointer, so
// `==` is a pointer compare. It is always sound; for polynomials it is also
// complete. With floordiv, max and min it may miss an equality: provablyEqual
// looks further. A canonical form has the value of what was written wherever
// that is defined; it may be defined at more points (0 * (N // P) is 0, also
// at P = 0).
//
// Arithmetic never wraps. A coefficient that leaves 64 bits, or an expression
// that grows beyond ExprStore::MaxTerms, becomes a fresh unknown with that
// reason.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_SYMBOLIC_EXPR_H
#define XFA_SYMBOLIC_EXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xfa {

class ExprStore;
struct ExprNode;
struct ExprAtom;

/// Three-valued truth: a statement over all bindings of the symbols.
enum class Truth : uint8_t { False, True, Unknown };

class Expr {
public:
  /// No expression at all (not zero, not unknown): tests false.
  Expr() = default;
  explicit operator bool() const { return Node != nullptr; }

  bool operator==(Expr Other) const { return Node == Other.Node; }
  bool operator!=(Expr Other) const { return Node != Other.Node; }

  /// The value, if it is the same for every binding.
  std::optional<int64_t> constant() const;
  bool isConstant() const { return constant().has_value(); }
  bool is(int64_t Value) const { return constant() == Value; }

  /// False if an opaque unknown occurs anywhere in it.
  bool isKnown() const;
  /// Why it is not known: the reason of the first unknown that occurs in it.
  llvm::StringRef unknownReason() const;
  /// The symbol's name, if it is exactly one symbol.
  std::optional<llvm::StringRef> asSymbol() const;

  ExprStore &store() const;
  const ExprNode *node() const { return Node; }

private:
  friend class ExprStore;
  friend struct llvm::DenseMapInfo<Expr>;
  explicit Expr(const ExprNode *N) : Node(N) {}
  const ExprNode *Node = nullptr;
};

Expr operator+(Expr A, Expr B);
Expr operator-(Expr A, Expr B);
Expr operator*(Expr A, Expr B);
Expr operator-(Expr A);
Expr operator+(Expr A, int64_t B);
Expr operator-(Expr A, int64_t B);
Expr operator*(Expr A, int64_t B);
Expr operator+(int64_t A, Expr B);
Expr operator-(int64_t A, Expr B);
Expr operator*(int64_t A, Expr B);
inline Expr &operator+=(Expr &A, Expr B) { return A = A + B; }
inline Expr &operator-=(Expr &A, Expr B) { return A = A - B; }
inline Expr &operator*=(Expr &A, Expr B) { return A = A * B; }

/// A to a non-negative power.
Expr pow(Expr A, unsigned Exponent);
/// floor(A / B), as Python's //. B = 0 gives an unknown.
Expr floorDiv(Expr A, Expr B);
Expr floorDiv(Expr A, int64_t B);
/// ceil(A / B) = -((-A) // B).
Expr ceilDiv(Expr A, Expr B);
Expr ceilDiv(Expr A, int64_t B);
/// A - B * floor(A / B): the sign of B, as Python's %.
Expr mod(Expr A, Expr B);
/// A / B where it is known that B divides A for every valid binding (the -1 of
/// a Reshape): the polynomial quotient where there is one, else floorDiv.
Expr exactDiv(Expr A, Expr B);
/// The polynomial quotient, only if B divides A as polynomials.
std::optional<Expr> tryExactDiv(Expr A, Expr B);
Expr max(Expr A, Expr B);
Expr min(Expr A, Expr B);
/// The product of all of them; 1 for none. Store gives the 1.
Expr product(ExprStore &Store, llvm::ArrayRef<Expr> Factors);

/// Bounds that hold for every binding (symbols lie in [their lower bound, ∞)).
std::optional<int64_t> lowerBound(Expr A);
std::optional<int64_t> upperBound(Expr A);

/// A < B, A <= B, A == B for every binding (True), for none (False), or
/// neither provable (Unknown). Looks beyond the canonical form: bounds of the
/// difference, monotonicity in each symbol, case split on max, min, floordiv.
Truth less(Expr A, Expr B);
Truth lessEqual(Expr A, Expr B);
Truth equal(Expr A, Expr B);
inline bool provablyEqual(Expr A, Expr B) {
  return A == B || equal(A, B) == Truth::True;
}

/// True for what constants gave that 64 bits do not hold: an unknown, and no
/// size of anything.
bool leaves64Bits(Expr A);

/// Symbol name → value.
using Bindings = llvm::DenseMap<llvm::StringRef, int64_t>;
/// Symbol name → expression of the same store.
using Substitution = llvm::DenseMap<llvm::StringRef, Expr>;

/// The value at a point. Fails, naming it, on a symbol without a value, an
/// unknown (with its reason), a division by zero, or 128-bit overflow.
llvm::Expected<__int128> evaluate(Expr A, const Bindings &At);
Expr substitute(Expr A, const Substitution &With);
/// The same expression in another store; symbols keep name and lower bound.
Expr transfer(Expr A, ExprStore &To);

/// Names of the symbols that occur in it (inside floordiv, max, min too),
/// sorted.
llvm::SmallVector<llvm::StringRef, 4> symbols(Expr A);
/// The degree in a symbol; none if the symbol stands inside floordiv, max, min.
std::optional<unsigned> degree(Expr A, llvm::StringRef Symbol);
/// Coefficient of Symbol**Power, if A is a polynomial in Symbol.
std::optional<Expr> coefficient(Expr A, llvm::StringRef Symbol, unsigned Power);

enum class ExprStyle : uint8_t {
  Python, ///< 2949888000 + 14400*B*N**2, floordiv a//b, max(a, b); symbols
          ///< that are no identifiers are printed as they are
  Human   ///< 2,949,888,000 + 14,400·B·N²
};
/// Terms by ascending total degree, then by the names in them (B, B*N, N), then
/// fewer powers of earlier names first (B*N**2, B**2*N), so that the text does
/// not depend on the history of the store. Coefficient 1 is not printed; a
/// subtraction is printed as ` - `. An unknown prints as `?`.
std::string toString(Expr A, ExprStyle Style = ExprStyle::Python);
std::string toString(__int128 Value, ExprStyle Style = ExprStyle::Python);

/// One monomial of the canonical form, for those who render or fit.
struct ExprTerm {
  int64_t Coefficient;
  Expr Monomial; ///< 1, or a product of powers of atoms with coefficient 1
};
/// In printing order. Empty for zero.
llvm::SmallVector<ExprTerm, 4> terms(Expr A);

/// Owns expressions. Not thread safe; one a model.
class ExprStore {
public:
  static constexpr unsigned MaxTerms = 4096;

  ExprStore();
  ~ExprStore();
  ExprStore(const ExprStore &) = delete;
  ExprStore &operator=(const ExprStore &) = delete;

  Expr constant(int64_t Value);
  /// The symbol of that name; LowerBound (0 or 1) counts on its first use.
  Expr symbol(llvm::StringRef Name, int64_t LowerBound = 1);
  bool hasSymbol(llvm::StringRef Name) const;
  /// A value nobody knows, unlike any other; it may be any integer. If it is
  /// known to be no less than something, say so (a dim: 0).
  Expr unknown(llvm::StringRef Reason,
               std::optional<int64_t> LowerBound = std::nullopt);

  /// Reads + - * ** // % ( ) max(a,b,…) min(a,b,…), integers and identifiers
  /// (letters, digits, _ . : #). `/` reads as exactDiv. Symbols are made as
  /// needed with LowerBound 1, or only looked up with `OnlyKnownSymbols`.
  /// Fails with a sentence that gives the column.
  llvm::Expected<Expr> parse(llvm::StringRef Text,
                             bool OnlyKnownSymbols = false);

  struct Impl;
  Impl &impl() { return *TheImpl; }

private:
  std::unique_ptr<Impl> TheImpl;
};

} // namespace xfa

namespace llvm {
template <> struct DenseMapInfo<xfa::Expr> {
  static xfa::Expr getEmptyKey();
  static xfa::Expr getTombstoneKey();
  static unsigned getHashValue(xfa::Expr E);
  static bool isEqual(xfa::Expr A, xfa::Expr B) { return A == B; }
};
} // namespace llvm

#endif // XFA_SYMBOLIC_EXPR_H
