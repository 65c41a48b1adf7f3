//===- ValueText.h - the type of a value as text --------------------------===//

#ifndef XFA_LIB_REPORT_VALUETEXT_H
#define XFA_LIB_REPORT_VALUETEXT_H

#include "xfa/Analysis/Analysis.h"

namespace xfa {

/// "fp16[B,N,1600]", "sequence(fp32[N])"; "?" for what is not known. In the
/// aliases of `Aliases`, or in the graph's own names if that is null.
std::string factsText(const ValueFacts &F, const ModelAnalysis *Aliases);

} // namespace xfa

#endif // XFA_LIB_REPORT_VALUETEXT_H
