//===- ConstantPlane.h - bounds over a part of a constant tensor ----------===//

#ifndef XFA_LIB_ANALYSIS_CONSTANTPLANE_H
#define XFA_LIB_ANALYSIS_CONSTANTPLANE_H

#include "xfa/IR/Model.h"
#include "xfa/Ops/Facts.h"

namespace xfa {

/// A box of indices, cut by Low <= index[Second] - index[First] <= High.
struct ConstantPlane {
  llvm::SmallVector<int64_t, 4> Low, High; ///< inclusive, clipped to the dims
  int64_t First = -1, Second = -1;
  std::optional<int64_t> LowDifference, HighDifference;
};

/// Elements of a constant: those that were kept, or else the bytes of the
/// mapped file, read only when asked.
class ConstantReader {
public:
  enum WhichTy : uint8_t {
    Masks, ///< what couldBeMask()
    Tables ///< numbers too, if they are few
  };
  /// So many numbers are few.
  static constexpr int64_t MaxTable = int64_t(1) << 16;
  ConstantReader(const Model &M, const ValueFacts &Facts, ConstantId C,
                 WhichTy Which = Masks);

  bool readable() const { return Readable; }
  /// A boolean or integer tensor, or one with equal last dimensions: what masks
  /// are stored in.
  bool couldBeMask() const;
  /// Smallest and largest element; none if there is none, or a NaN.
  std::optional<std::pair<double, double>>
  range(const ConstantPlane &Plane) const;
  /// The same of all elements; none if they cannot be read.
  std::optional<std::pair<double, double>> range() const;

private:
  /// Widens Range by Count elements from Flat on; false on a NaN.
  bool widen(int64_t Flat, int64_t Count,
             std::optional<std::pair<double, double>> &Range) const;

  const ValueFacts &Facts;
  const Constant *C = nullptr;
  llvm::SmallVector<int64_t, 4> Dims;
  bool Readable = false;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_CONSTANTPLANE_H
