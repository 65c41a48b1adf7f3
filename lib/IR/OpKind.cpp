//===- OpKind.cpp ---------------------------------------------------------===//

#include "xfa/IR/OpKind.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"

#include <utility>

namespace xfa {

namespace {

struct OpRow {
  llvm::StringRef Domain, Name;
  uint32_t Traits;
};

constexpr OpRow Rows[] = {
    {"", "", trait::None},
#define XFA_OP(KIND, DOMAIN, NAME, TRAITS, INFER, COST) {DOMAIN, NAME, TRAITS},
#include "xfa/IR/Ops.def"
};

using OpKey = std::pair<llvm::StringRef, llvm::StringRef>;

const llvm::DenseMap<OpKey, OpKind> &byName() {
  static const llvm::DenseMap<OpKey, OpKind> Map = [] {
    llvm::DenseMap<OpKey, OpKind> M;
    for (unsigned I = 1; I < std::size(Rows); ++I)
      M.insert({{Rows[I].Domain, Rows[I].Name}, static_cast<OpKind>(I)});
    return M;
  }();
  return Map;
}

} // namespace

OpKind findOpKind(llvm::StringRef Domain, llvm::StringRef Name) {
  auto It = byName().find({Domain, Name});
  return It == byName().end() ? OpKind::Unknown : It->second;
}

llvm::StringRef opDomain(OpKind Kind) {
  return Rows[static_cast<unsigned>(Kind)].Domain;
}
llvm::StringRef opName(OpKind Kind) {
  return Rows[static_cast<unsigned>(Kind)].Name;
}
uint32_t opTraits(OpKind Kind) {
  return Rows[static_cast<unsigned>(Kind)].Traits;
}

} // namespace xfa
