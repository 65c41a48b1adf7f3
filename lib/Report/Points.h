//===- Points.h - the points of a report, bound to a model ----------------===//

#ifndef XFA_LIB_REPORT_POINTS_H
#define XFA_LIB_REPORT_POINTS_H

#include "xfa/Analysis/Analysis.h"
#include "xfa/Report/Options.h"

#include "llvm/ADT/STLExtras.h"

#include <deque>

namespace xfa {

struct BoundPoint {
  Coordinates At;     ///< as asked for, in aliases
  Coordinates Filled; ///< with the symbols that do not matter: owns the names
  Bindings Values;
};

struct BoundPoints {
  std::deque<BoundPoint> Points; ///< addresses stay: Values refers to names
  std::string None;              ///< why there are none
};

/// Binds the points asked for, or the seed's four where none were: of those,
/// the coordinates that the graph has. `Needed`: the symbols that the figures
/// depend on. UsageError on a point that does not fit the graph, naming --at,
/// or --sweep from FirstSwept on; of the seed's, those that fit are left.
llvm::Expected<BoundPoints> bindPoints(const ModelAnalysis &A,
                                       const std::vector<Coordinates> &Asked,
                                       size_t FirstSwept,
                                       llvm::ArrayRef<llvm::StringRef> Needed);

/// "B (batch_size), N (sequence_length)": what --at may name.
std::string knownSymbols(const ModelAnalysis &A);

/// The symbols of the points of these rows, in the order in which they first
/// stand. Rows: of whatever has Coordinates At, or pointers to such.
template <typename RowRange>
std::vector<std::string> symbolsOf(const RowRange &Rows) {
  std::vector<std::string> Names;
  auto Add = [&](const auto &Row) {
    for (const auto &Coordinate : Row.At)
      if (!llvm::is_contained(Names, Coordinate.first))
        Names.push_back(Coordinate.first);
  };
  for (const auto &Row : Rows)
    if constexpr (requires { Row.At; })
      Add(Row);
    else
      Add(*Row);
  return Names;
}

} // namespace xfa

#endif // XFA_LIB_REPORT_POINTS_H
