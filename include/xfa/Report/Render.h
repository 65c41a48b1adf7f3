//===- Render.h - reports as text, JSON, CSV ------------------------------===//

#ifndef XFA_REPORT_RENDER_H
#define XFA_REPORT_RENDER_H

#include "xfa/Report/Views.h"

#include "llvm/Support/raw_ostream.h"

namespace xfa {

struct TextStyle {
  unsigned Width = 120; ///< columns
  bool Colour = false;
};

/// For a reader at a terminal; lines fit Style.Width.
void renderText(const Report &R, const TextStyle &Style, llvm::raw_ostream &OS);
/// Schema xf-analyze/1 (docs/xf-analyze.schema.json). Indent 0: on one line.
void renderJson(const Report &R, llvm::raw_ostream &OS, unsigned Indent = 2);
/// One table (RFC 4180, a header line): V must be a table. Numbers are exact,
/// expressions as Python writes them, an empty field is "not known".
void renderCsv(const Report &R, View V, llvm::raw_ostream &OS);

} // namespace xfa

#endif // XFA_REPORT_RENDER_H
