//===- GpuList.h - the table of --list-gpus -------------------------------===//

#ifndef XFA_REPORT_GPULIST_H
#define XFA_REPORT_GPULIST_H

#include "xfa/Target/Gpu.h"

#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace xfa {

/// One line an accelerator: key, name, peaks of fp16 (bf16 where there is no
/// fp16) and fp32, bandwidth, balance, memory, and how well it is known, whose
/// codes the last lines explain.
std::string gpuListText(llvm::ArrayRef<Gpu> Gpus);
/// {"schema", "gpus": […]}, each as a report has it.
std::string gpuListJson(llvm::ArrayRef<Gpu> Gpus);
/// One line an accelerator; rates in FLOP/s, bandwidth in bytes/s.
std::string gpuListCsv(llvm::ArrayRef<Gpu> Gpus);

} // namespace xfa

#endif // XFA_REPORT_GPULIST_H
