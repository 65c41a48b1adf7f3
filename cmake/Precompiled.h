//===- Precompiled.h - What nearly every file reads first -----------------===//
//
// Parsed once for all. A file still includes what it uses: clang-tidy and
// -DXFA_PRECOMPILED=OFF build without this one.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_PRECOMPILED_H
#define XFA_PRECOMPILED_H

#include "llvm/ADT/APInt.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#endif // XFA_PRECOMPILED_H
