//===- ExprImpl.h - how expressions are stored ----------------------------===//
//
// Private to Symbolic. An ExprNode is a polynomial: terms in printing order,
// each a coefficient and a monomial; a monomial is a product of powers of
// atoms. Nodes, monomials and atoms are uniqued and live until the store dies.
//
// Every order used here (of factors, of terms, of operands of max) is by
// structure and names, never by address or age: so the canonical form, and
// with it the text, does not depend on the history of the store. Unknowns are
// the exception; nothing but their age tells them apart.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_SYMBOLIC_EXPRIMPL_H
#define XFA_LIB_SYMBOLIC_EXPRIMPL_H

#include "xfa/Symbolic/Expr.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Allocator.h"

#include <array>
#include <vector>

namespace xfa {

struct ExprMonomial;

/// Apart, so that short names meet no others in xfa.
namespace symbolic {

using Int128 = __int128;

/// An interval of integers; an absent end is infinite.
struct Range {
  std::optional<Int128> Low, High;
};

enum class AtomKind : uint8_t { Symbol, FloorDiv, Max, Min, Unknown };

struct Factor {
  const ExprAtom *Atom;
  uint32_t Exponent;
};

struct Term {
  int64_t Coefficient;
  const ExprMonomial *Monomial;
};

using TermList = llvm::SmallVector<Term, 8>;
using FactorList = llvm::SmallVector<Factor, 4>;

/// Total orders by structure: negative, zero (only for the same pointer) or
/// positive.
int compareAtoms(const ExprAtom *A, const ExprAtom *B);
int compareMonomials(const ExprMonomial *A, const ExprMonomial *B);
int compareExprs(Expr A, Expr B);

inline uint64_t mixHash(uint64_t Seed, uint64_t Value) {
  uint64_t Hash = (Seed ^ Value) * 0x9E3779B97F4A7C15ull;
  return Hash ^ (Hash >> 29);
}

/// An open-addressing set of pointers to things that know their hash.
template <typename T> class UniqueTable {
public:
  template <typename EqualT> T *find(uint64_t Hash, EqualT &&Equal) const {
    if (Slots.empty())
      return nullptr;
    for (size_t At = Hash & Mask; Slots[At]; At = (At + 1) & Mask)
      if (Slots[At]->Hash == Hash && Equal(*Slots[At]))
        return Slots[At];
    return nullptr;
  }
  void insert(T *Element) {
    if (2 * (Count + 1) > Slots.size())
      grow();
    ++Count;
    place(Element);
  }

private:
  void place(T *Element) {
    size_t At = Element->Hash & Mask;
    while (Slots[At])
      At = (At + 1) & Mask;
    Slots[At] = Element;
  }
  void grow() {
    std::vector<T *> Old(Slots.empty() ? 64 : 2 * Slots.size(), nullptr);
    Old.swap(Slots);
    Mask = Slots.size() - 1;
    for (T *Element : Old)
      if (Element)
        place(Element);
  }
  std::vector<T *> Slots;
  size_t Mask = 0;
  size_t Count = 0;
};

/// Remembers the result of a binary operation by the ids of its operands.
template <typename T> class PairMemo {
public:
  const T *find(uint32_t A, uint32_t B) const {
    if (Slots.empty())
      return nullptr;
    uint64_t Key = keyOf(A, B);
    for (size_t At = mixHash(0, Key) & Mask; Slots[At].Result;
         At = (At + 1) & Mask)
      if (Slots[At].Key == Key)
        return Slots[At].Result;
    return nullptr;
  }
  void insert(uint32_t A, uint32_t B, const T *Result) {
    if (2 * (Count + 1) > Slots.size())
      grow();
    ++Count;
    place({keyOf(A, B), Result});
  }

private:
  struct Slot {
    uint64_t Key = 0;
    const T *Result = nullptr;
  };
  static uint64_t keyOf(uint32_t A, uint32_t B) {
    return uint64_t(A) << 32 | B;
  }
  void place(Slot New) {
    size_t At = mixHash(0, New.Key) & Mask;
    while (Slots[At].Result)
      At = (At + 1) & Mask;
    Slots[At] = New;
  }
  void grow() {
    std::vector<Slot> Old(Slots.empty() ? 64 : 2 * Slots.size());
    Old.swap(Slots);
    Mask = Slots.size() - 1;
    for (const Slot &Each : Old)
      if (Each.Result)
        place(Each);
  }
  std::vector<Slot> Slots;
  size_t Mask = 0;
  size_t Count = 0;
};

} // namespace symbolic

struct ExprAtom {
  uint64_t Hash;
  symbolic::AtomKind Kind;
  bool Known;
  /// An unknown that stands for a value that our arithmetic could not hold.
  bool Overflow;
  uint32_t Id;
  /// Length of the text, in tokens, and nesting of atoms: both are capped.
  uint32_t Size;
  uint32_t Depth;
  llvm::StringRef Name; ///< a symbol's name, an unknown's reason
  /// floordiv: numerator, denominator; max and min: two or more.
  llvm::ArrayRef<Expr> Operands;
  symbolic::Range Bounds;
};

struct ExprMonomial {
  uint64_t Hash;
  uint32_t Id;
  uint32_t Degree;
  uint32_t Size;
  uint32_t Depth;
  bool Known;
  llvm::ArrayRef<symbolic::Factor> Factors; ///< by compareAtoms
};

struct ExprNode {
  uint64_t Hash;
  ExprStore::Impl *Store;
  llvm::ArrayRef<symbolic::Term>
      Terms;        ///< by compareMonomials; no zero coefficients
  int64_t Constant; ///< of a constant
  uint32_t Id;
  uint32_t Size;
  uint32_t Depth;
  bool IsConstant;
  bool Known;
  mutable bool LowIsCached = false;
  mutable bool LowIsComplete = false;
  mutable std::optional<int64_t> Low;

  /// The term of degree 0; it is always first.
  int64_t constantTerm() const {
    return !Terms.empty() && Terms[0].Monomial->Degree == 0
               ? Terms[0].Coefficient
               : 0;
  }
  llvm::ArrayRef<symbolic::Term> nonConstantTerms() const {
    return Terms.drop_front(constantTerm() != 0);
  }
};

struct ExprStore::Impl {
  enum Operation { Add, Sub, Mul, FloorDiv, ExactDiv, Max, Min, NumOperations };

  /// Caps beside MaxTerms. Sharing can make a small graph print as an
  /// exponentially long text, so the length of the text is capped too.
  static constexpr uint32_t MaxSize = 1u << 15;
  static constexpr uint32_t MaxDepth = 64;
  static constexpr uint32_t MaxDegree = 1u << 16;
  static constexpr uint64_t MaxProducts = 1u << 17;
  static constexpr unsigned MaxOperands = 16;

  explicit Impl(ExprStore &Owner);

  ExprStore &Owner;
  llvm::BumpPtrAllocator Memory;

  // Interning (Store.cpp).
  Expr constant(int64_t Value);
  Expr zero() { return constant(0); }
  Expr unknown(llvm::StringRef Reason, std::optional<int64_t> LowerBound,
               bool Overflow);
  Expr overflow(llvm::StringRef Reason) {
    return unknown(Reason, std::nullopt, /*Overflow=*/true);
  }
  Expr symbol(llvm::StringRef Name, int64_t LowerBound);
  /// The atom over these operands, which nothing simplifies any further.
  Expr composite(symbolic::AtomKind Kind, llvm::ArrayRef<Expr> Operands,
                 symbolic::Range Bounds);
  const ExprMonomial *monomial(llvm::ArrayRef<symbolic::Factor> Sorted);
  const ExprMonomial *unitMonomial() const { return Unit; }
  const ExprMonomial *multiply(const ExprMonomial *A, const ExprMonomial *B);
  /// A / B, or null if B does not divide A.
  const ExprMonomial *divide(const ExprMonomial *A, const ExprMonomial *B);
  /// The greatest monomial that divides both.
  const ExprMonomial *common(const ExprMonomial *A, const ExprMonomial *B);
  /// The polynomial of terms in order, without zero coefficients.
  Expr polynomial(llvm::ArrayRef<symbolic::Term> Sorted);
  /// Sorts and merges terms first.
  Expr sum(llvm::SmallVectorImpl<symbolic::Term> &Terms);
  Expr term(int64_t Coefficient, const ExprMonomial *Monomial);
  Expr atom(const ExprAtom *Atom);

  // What the operators compute when it is not remembered.
  Expr addTerms(Expr A, Expr B, bool Subtract);
  Expr mulTerms(Expr A, Expr B);
  Expr scale(Expr A, int64_t By);
  Expr simplifyFloorDiv(Expr A, Expr B);
  Expr extremum(bool IsMax, llvm::ArrayRef<Expr> Operands);

  template <typename ComputeT>
  Expr memoised(Operation Op, Expr A, Expr B, ComputeT &&Compute) {
    if (const ExprNode *Hit = Memo[Op].find(A.node()->Id, B.node()->Id))
      return Expr(Hit);
    Expr Result = Compute();
    if (!Memo[Op].find(A.node()->Id, B.node()->Id))
      Memo[Op].insert(A.node()->Id, B.node()->Id, Result.node());
    return Result;
  }

  static Expr wrap(const ExprNode *Node) { return Expr(Node); }

private:
  static constexpr int64_t SmallLow = -128, SmallHigh = 1024;

  template <typename T> llvm::ArrayRef<T> copy(llvm::ArrayRef<T> From) {
    if (From.empty())
      return {};
    T *To = Memory.Allocate<T>(From.size());
    std::uninitialized_copy(From.begin(), From.end(), To);
    return {To, From.size()};
  }

  symbolic::UniqueTable<ExprNode> Nodes;
  symbolic::UniqueTable<ExprMonomial> Monomials;
  symbolic::UniqueTable<ExprAtom> Atoms;
  std::array<symbolic::PairMemo<ExprNode>, NumOperations> Memo;
  symbolic::PairMemo<ExprMonomial> Products;
  std::array<const ExprNode *, SmallHigh - SmallLow + 1> Small{};
  const ExprMonomial *Unit = nullptr;
  llvm::StringSet<> Reasons;
  uint32_t NumNodes = 0, NumMonomials = 0, NumAtoms = 0;

public:
  llvm::StringMap<const ExprAtom *> Symbols;
};

inline ExprStore::Impl &implOf(Expr A) { return *A.node()->Store; }

namespace symbolic {

/// True for the lone unknown that arithmetic gives when it cannot go on. A
/// simplification that meets it is not applied.
bool overflowed(Expr A);

/// The atom, if A is exactly that atom.
const ExprAtom *asAtom(Expr A);

/// floor(A / B) for B != 0.
inline Int128 floorQuotient(Int128 A, Int128 B) {
  Int128 Quotient = A / B;
  return A % B != 0 && (A < 0) != (B < 0) ? Quotient - 1 : Quotient;
}
inline Int128 ceilQuotient(Int128 A, Int128 B) { return -floorQuotient(-A, B); }

/// The greatest common divisor of all coefficients; 0 for zero.
uint64_t content(Expr A);
/// A divided by a number that divides every coefficient.
Expr divideCoefficients(Expr A, int64_t By);

/// A = Quotient * B + Remainder, for any B but zero, in a graded order of the
/// monomials that follows names. Absent if the numbers or the work grow too
/// large. With Exact, absent also if there is a remainder.
struct Division {
  Expr Quotient, Remainder;
};
std::optional<Division> divideWithRemainder(Expr A, Expr B, bool Exact);

/// A with an atom replaced by a value, at the top level only.
Expr replaceAtom(Expr A, const ExprAtom *Atom, Expr By);

/// Bounds of an atom from the bounds of its operands.
Range floorDivRange(Expr A, Expr B);
Range extremumRange(bool IsMax, llvm::ArrayRef<Expr> Operands);

} // namespace symbolic
} // namespace xfa

#endif // XFA_LIB_SYMBOLIC_EXPRIMPL_H
