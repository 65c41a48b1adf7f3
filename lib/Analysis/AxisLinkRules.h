//===- AxisLinkRules.h - the functions of the table in AxisLinks.cpp ------===//
//
// Each sets the links of one operand's axes; they are Whole before.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_AXISLINKRULES_H
#define XFA_LIB_ANALYSIS_AXISLINKRULES_H

#include "xfa/Analysis/AxisLinks.h"

namespace xfa::links {

using LinkRule = void (*)(const LinkContext &, AxisLinks &);

// AxisLinks.cpp
AxisLink broadcastAxis(const LinkContext &, int64_t In, int64_t Out);
void wholeLinks(const LinkContext &, AxisLinks &);
void broadcastLinks(const LinkContext &, AxisLinks &);
void firstBroadcastLinks(const LinkContext &, AxisLinks &);
void lastAxisLinks(const LinkContext &, AxisLinks &);
void transposeLinks(const LinkContext &, AxisLinks &);
void squeezeLinks(const LinkContext &, AxisLinks &);
void sliceLinks(const LinkContext &, AxisLinks &);
void splitLinks(const LinkContext &, AxisLinks &);
void concatLinks(const LinkContext &, AxisLinks &);
void padLinks(const LinkContext &, AxisLinks &);
void tileLinks(const LinkContext &, AxisLinks &);

// AxisLinksMixing.cpp
void gatherLinks(const LinkContext &, AxisLinks &);
void gatherNDLinks(const LinkContext &, AxisLinks &);
void gatherElementsLinks(const LinkContext &, AxisLinks &);
void scatterElementsLinks(const LinkContext &, AxisLinks &);
void scatterNDLinks(const LinkContext &, AxisLinks &);
void oneHotLinks(const LinkContext &, AxisLinks &);
void topKLinks(const LinkContext &, AxisLinks &);
void reduceLinks(const LinkContext &, AxisLinks &);
void cumulativeLinks(const LinkContext &, AxisLinks &);
void softmaxLinks(const LinkContext &, AxisLinks &);
void matMulLinks(const LinkContext &, AxisLinks &);
void gemmLinks(const LinkContext &, AxisLinks &);
void einsumLinks(const LinkContext &, AxisLinks &);
void normLinks(const LinkContext &, AxisLinks &);
void rotaryLinks(const LinkContext &, AxisLinks &);
void convLinks(const LinkContext &, AxisLinks &);

} // namespace xfa::links

#endif // XFA_LIB_ANALYSIS_AXISLINKRULES_H
