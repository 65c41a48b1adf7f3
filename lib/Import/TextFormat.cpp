#include "TextFormat.h"
#include "Proto.h"
namespace xfa::import {
llvm::Expected<std::string> serializeText(llvm::StringRef) { return fail("ONNX text is not read yet"); }
}
