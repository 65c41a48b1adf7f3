//===- Words.h - command lines by CLI11, with our own sentences -----------===//

#ifndef XFA_TOOLS_WORDS_H
#define XFA_TOOLS_WORDS_H

#include "xfa/Report/Options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace xfa::tool {

inline llvm::Error unknownOption(const std::string &Word) {
  return usageError("unknown option '" + Word + "' (see --help)");
}

inline llvm::Error parseWords(CLI::App &App, int Count,
                              const char *const *Words) {
  try {
    App.parse(Count, Words);
  } catch (const CLI::ExtrasError &) {
    std::vector<std::string> Rest = App.remaining(true);
    return unknownOption(Rest.empty() ? std::string() : Rest.front());
  } catch (const CLI::ParseError &E) {
    return usageError(std::string(E.what()) + " (see --help)");
  }
  return llvm::Error::success();
}

/// At most one, and no misspelt option.
inline llvm::Error checkModels(const std::vector<std::string> &Models) {
  for (const std::string &M : Models)
    if (M.size() > 1 && M.front() == '-')
      return unknownOption(M);
  if (Models.size() > 1)
    return usageError("one MODEL at a time, got '" + Models[0] + "' and '" +
                      Models[1] + "'");
  return llvm::Error::success();
}

} // namespace xfa::tool

#endif // XFA_TOOLS_WORDS_H
