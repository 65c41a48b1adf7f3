//===- Facts.h - what is known of a value ---------------------------------===//
//
// A value's type, shape and contents, as far as they are known before the graph
// runs. An unknown dimension is an opaque unknown Expr (never a guess); an
// unknown rank is HasRank = false with the reason.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_OPS_FACTS_H
#define XFA_OPS_FACTS_H

#include "xfa/IR/ElemType.h"
#include "xfa/Symbolic/Expr.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <memory>
#include <vector>

namespace xfa {

/// One element of a tensor.
class Element {
public:
  enum KindTy : uint8_t {
    Unknown,
    Int,   ///< of an integer tensor: an expression
    Float, ///< of a float tensor: a number
    Ratio, ///< of a float tensor: expression / positive integer, exactly
    Bool
  };
  Element() = default;
  static Element integer(Expr E) { return Element(Int, E, 1, 0); }
  static Element number(double D) { return Element(Float, Expr(), 1, D); }
  /// Den > 0. A constant ratio is stored as a Float.
  static Element ratio(Expr Num, int64_t Den);
  static Element boolean(bool B) { return Element(Bool, Expr(), B, 0); }
  static Element boolean(Truth T) {
    return T == Truth::Unknown ? Element() : boolean(T == Truth::True);
  }

  KindTy kind() const { return Kind; }
  bool known() const { return Kind != Unknown; }
  Expr expr() const { return E; }           ///< Int, or numerator of Ratio
  int64_t denominator() const { return I; } ///< Ratio
  double number() const { return D; }       ///< Float
  bool boolean() const { return I != 0; }   ///< Bool
  Truth truth() const {
    return Kind != Bool ? Truth::Unknown : I ? Truth::True : Truth::False;
  }
  bool operator==(const Element &O) const {
    return Kind == O.Kind && E == O.E && I == O.I && D == O.D;
  }

private:
  Element(KindTy K, Expr E, int64_t I, double D) : E(E), I(I), D(D), Kind(K) {}
  Expr E;
  int64_t I = 1;
  double D = 0;
  KindTy Kind = Unknown;
};

/// A tensor's elements in row-major order; or one element that all are equal to
/// (`Splat`), whatever their number. Empty and no splat: nothing known, unless
/// the tensor has no elements.
struct Contents {
  static constexpr unsigned MaxElements = 4096;
  llvm::SmallVector<Element, 0> Elements;
  bool Splat = false;

  static Contents splat(Element E) {
    Contents C;
    C.Elements.push_back(E);
    C.Splat = true;
    return C;
  }
  bool none() const { return Elements.empty(); }
  /// Element I, unknown where nothing is known.
  Element at(size_t I) const {
    if (Splat)
      return Elements.front();
    return I < Elements.size() ? Elements[I] : Element();
  }
};

using Shape = llvm::SmallVector<Expr, 4>;

struct ValueFacts {
  enum KindTy : uint8_t {
    Unknown,
    Tensor,
    Sequence,
    Optional,
    Map,
    SparseTensor
  };
  KindTy Kind = Unknown;
  ElemType Elem = ElemType::Undefined;
  bool HasRank = false;
  /// C7: a function of constants and dimensions alone.
  bool Folded = false;
  /// Taken from the file's declaration, inference had nothing.
  bool FromDeclaration = false;
  /// Two branches give known dimensions that differ: no declaration says which.
  bool Differs = false;
  Shape Dims;
  Contents Known;
  /// Why the rank, or the type, is unknown: an unknown Expr that carries the
  /// reason. A dimension carries its own.
  Expr Why;
  /// Sequence and Optional: what is known of each element (owned by whoever
  /// owns this).
  std::shared_ptr<ValueFacts> Item;
  /// Sequence: the number of elements; Optional: 1 or 0. Not set if unknown.
  Expr Length;
  /// Each element of a sequence that is known element by element.
  std::vector<ValueFacts> Items;

  int64_t rank() const { return static_cast<int64_t>(Dims.size()); }
  llvm::StringRef why() const { return Why ? Why.unknownReason() : ""; }
  /// An optional operand that is not there; what is unknown has a reason.
  bool absent() const { return Kind == Unknown && !Why; }
};

/// Number of elements; needs the rank.
Expr numElements(ExprStore &Store, llvm::ArrayRef<Expr> Dims);

/// Row-major walk helpers for contents of constant shape: none if a dim is not
/// constant or there are more than Contents::MaxElements.
std::optional<llvm::SmallVector<int64_t, 4>>
constantDims(llvm::ArrayRef<Expr> Dims);

/// The dims that Numpy broadcasting gives A and B; exact for every binding for
/// which the operation is valid (symbols >= 1). Two different symbolic dims
/// give their max: valid bindings have them equal, or one of them 1. Fails only
/// if no binding is valid.
std::optional<Shape> broadcast(llvm::ArrayRef<Expr> A, llvm::ArrayRef<Expr> B);

} // namespace xfa

#endif // XFA_OPS_FACTS_H
