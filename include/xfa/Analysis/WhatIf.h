//===- WhatIf.h - the same graph, run in another way ----------------------===//
//
// Changes of the cost, role by role; what is computed stays as it is.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_ANALYSIS_WHATIF_H
#define XFA_ANALYSIS_WHATIF_H

#include "xfa/Analysis/Analysis.h"
#include "xfa/Target/Gpu.h"

namespace xfa {

struct WhatIf {
  enum KindTy : uint8_t {
    /// Value devices share each layer (Shoeybi et al. 2019, section 3): heads
    /// and MLP columns are split, their inputs are read whole, and two sums
    /// over the devices follow, after the output projection and the MLP.
    TensorParallel,
    /// The prompt goes through in chunks of Value tokens (Agrawal et al. 2023,
    /// section 4): each reads the weights, and the keys and values before it.
    ChunkedPrefill,
    /// Keys and values are kept in Value bits: what attention reads of them
    /// shrinks. Their writing stays as it is, which is a step's one row.
    CacheBits
  };
  KindTy Kind = TensorParallel;
  int64_t Value = 1;
  std::string name() const; ///< "tensor-parallel=8"
};

/// "tensor-parallel=8,chunked-prefill=512,kv-bits=8".
llvm::Expected<std::vector<WhatIf>> parseWhatIfs(llvm::StringRef Text);

struct WhatIfCost {
  Ledger L; ///< of one device; no pieces, so without a time by operators
  /// What each device holds of the sums over devices, in bytes.
  Expr Reduced;
  int64_t Devices = 1;
};

/// The graph ledger of A under W; an error says why there is none.
llvm::Expected<WhatIfCost> applyWhatIf(const ModelAnalysis &A, const WhatIf &W);

/// Seconds of the sums of so many bytes a device by ring all-reduce, each
/// direction of the link apart: 2 (t − 1) / t · bytes / β (Thakur et al. 2005,
/// section 4). Without its latency: a lower bound. None without a link.
std::optional<double> allReduceTime(double Bytes, int64_t Devices,
                                    const Gpu &G);

} // namespace xfa

#endif // XFA_ANALYSIS_WHATIF_H
