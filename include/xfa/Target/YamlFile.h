//===- YamlFile.h - small YAML files, errors with their line --------------===//
//
// On llvm::yaml's node stream rather than its traits: errors can then name the
// line and the key, and nothing is parsed that the format does not ask for, so
// that no nesting in the file becomes recursion here.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TARGET_YAMLFILE_H
#define XFA_TARGET_YAMLFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

#include <optional>
#include <string>
#include <vector>

namespace xfa {

/// Reads one thing, or a list of things, each a mapping. Every error is one
/// sentence: file, line, what was expected, what was found.
class YamlFile {
public:
  static constexpr size_t MaxBytes = 1 << 20;

  YamlFile(llvm::StringRef Yaml, llvm::StringRef Path);
  YamlFile(const YamlFile &) = delete;
  YamlFile &operator=(const YamlFile &) = delete;

  /// The file's text; What it should have been is for the error.
  static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  open(llvm::StringRef Path, llvm::StringRef What);

  /// Calls One for each thing of the file, in order.
  llvm::Error read(llvm::function_ref<llvm::Error(llvm::yaml::Node *)> One);

  using EntryFn =
      llvm::function_ref<llvm::Error(llvm::StringRef, llvm::yaml::Node *)>;
  /// Calls Read with each key's name and value, in order; Of is what has the
  /// keys ("an accelerator"). A key that is there twice is an error.
  llvm::Error readMapping(llvm::yaml::Node *N, llvm::StringRef Of,
                          EntryFn Read);
  llvm::Error unknownKey(llvm::StringRef Name, llvm::StringRef Of,
                         llvm::ArrayRef<llvm::StringRef> Known) const;

  /// A scalar's text; none where N is something else.
  static std::optional<std::string> text(llvm::yaml::Node *N);
  /// The texts of a list, or a single one.
  llvm::Expected<std::vector<std::string>> texts(llvm::yaml::Node *N,
                                                 llvm::StringRef Key);
  /// "a mapping", "a list", "nothing".
  static std::string describe(llvm::yaml::Node *N);
  /// As it stands in a sentence of one line: quoted, short, printable.
  static std::string quoted(llvm::StringRef Text);

  /// From now on errors are at N.
  void at(llvm::yaml::Node *N);
  const char *here() const { return Here; }
  void backTo(const char *Place) { Here = Place; }
  /// An error at the place looked at last.
  llvm::Error wrong(const llvm::Twine &What) const;

private:
  bool parserFailed() const { return !ParserMessage.empty(); }

  llvm::MemoryBufferRef Buffer;
  std::string Path;
  const char *Here; ///< the place looked at last
  llvm::SourceMgr Sources;
  std::string ParserMessage; ///< empty: none
  int ParserLine = 1;
};

} // namespace xfa

#endif // XFA_TARGET_YAMLFILE_H
