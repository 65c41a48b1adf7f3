//===- YamlFile.cpp -------------------------------------------------------===//

#include "xfa/Target/YamlFile.h"

#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

namespace xfa {

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static std::string nearest(StringRef Name, llvm::ArrayRef<StringRef> Names) {
  StringRef Best;
  unsigned BestDistance = 1 + std::max<size_t>(1, Name.size() / 3);
  for (StringRef N : Names)
    if (unsigned D = Name.edit_distance(N); D < BestDistance) {
      Best = N;
      BestDistance = D;
    }
  return Best.str();
}

std::string YamlFile::quoted(StringRef Text) {
  constexpr size_t Longest = 40;
  std::string Out = "'";
  for (char C : Text.take_front(Longest))
    Out += llvm::isPrint(C) ? C : '?';
  return Out + (Text.size() > Longest ? "…'" : "'");
}

YamlFile::YamlFile(StringRef Yaml, StringRef Path)
    : Buffer(Yaml, Path), Path(Path), Here(Yaml.begin()) {
  // The parser would print what it finds; the first of it is our sentence.
  Sources.setDiagHandler(
      [](const llvm::SMDiagnostic &D, void *Self) {
        auto *F = static_cast<YamlFile *>(Self);
        if (F->ParserMessage.empty()) {
          F->ParserMessage = D.getMessage().str();
          F->ParserLine = std::max(1, D.getLineNo());
        }
      },
      this);
}

Expected<std::unique_ptr<llvm::MemoryBuffer>> YamlFile::open(StringRef Path,
                                                             StringRef What) {
  auto Opened = llvm::MemoryBuffer::getFile(Path);
  if (!Opened)
    return llvm::createStringError(
        llvm::formatv("{0}: expected a YAML file of {1}, found: {2}", Path,
                      What, Opened.getError().message())
            .str());
  return std::move(*Opened);
}

Error YamlFile::read(llvm::function_ref<Error(llvm::yaml::Node *)> One) {
  if (Buffer.getBufferSize() > MaxBytes)
    return llvm::createStringError(
        llvm::formatv("{0}: expected at most {1} bytes of YAML, found {2}",
                      Path, MaxBytes, Buffer.getBufferSize())
            .str());
  auto ReadRoot = [&](llvm::yaml::Node *Root) -> Error {
    at(Root);
    if (!Root || llvm::isa<llvm::yaml::NullNode>(Root))
      return Error::success();
    auto *List = llvm::dyn_cast<llvm::yaml::SequenceNode>(Root);
    if (!List)
      return One(Root);
    for (llvm::yaml::Node &N : *List)
      if (Error E = One(&N))
        return E;
    return Error::success();
  };
  llvm::yaml::Stream Stream(Buffer, Sources, /*ShowColors=*/false);
  for (llvm::yaml::Document &Document : Stream) {
    Error E = ReadRoot(Document.getRoot());
    if (E && !parserFailed())
      return E;
    llvm::consumeError(std::move(E));
    if (parserFailed())
      break;
  }
  if (parserFailed())
    return llvm::createStringError(
        llvm::formatv("{0}:{1}: expected YAML, found: {2}", Path, ParserLine,
                      ParserMessage)
            .str());
  return Error::success();
}

void YamlFile::at(llvm::yaml::Node *N) {
  if (!N || llvm::isa<llvm::yaml::NullNode>(N))
    return; // it stands at what follows; the key before it says more
  const char *Start = N->getSourceRange().Start.getPointer();
  StringRef Text = Buffer.getBuffer();
  if (Start && Start >= Text.begin() && Start <= Text.end())
    Here = Start;
}

Error YamlFile::wrong(const llvm::Twine &What) const {
  StringRef Before(Buffer.getBufferStart(), Here - Buffer.getBufferStart());
  return llvm::createStringError(
      llvm::formatv("{0}:{1}: {2}", Path, 1 + Before.count('\n'), What.str())
          .str());
}

std::string YamlFile::describe(llvm::yaml::Node *N) {
  if (!N)
    return "nothing";
  switch (N->getType()) {
  case llvm::yaml::Node::NK_Null:
    return "nothing";
  case llvm::yaml::Node::NK_Mapping:
    return "a mapping";
  case llvm::yaml::Node::NK_Sequence:
    return "a list";
  case llvm::yaml::Node::NK_Alias:
    return "an alias";
  default:
    return "a text";
  }
}

std::optional<std::string> YamlFile::text(llvm::yaml::Node *N) {
  if (auto *Scalar = llvm::dyn_cast_or_null<llvm::yaml::ScalarNode>(N)) {
    llvm::SmallString<64> Storage;
    return Scalar->getValue(Storage).str();
  }
  if (auto *Block = llvm::dyn_cast_or_null<llvm::yaml::BlockScalarNode>(N))
    return Block->getValue().trim().str();
  return std::nullopt;
}

Expected<std::vector<std::string>> YamlFile::texts(llvm::yaml::Node *N,
                                                   StringRef Key) {
  at(N);
  std::vector<std::string> Found;
  auto Add = [&](llvm::yaml::Node *Item) -> Error {
    at(Item);
    std::optional<std::string> Text = text(Item);
    if (!Text)
      return wrong(Key + ": expected a text, found " + describe(Item));
    Found.push_back(std::move(*Text));
    return Error::success();
  };
  auto *List = llvm::dyn_cast_or_null<llvm::yaml::SequenceNode>(N);
  if (!List) {
    if (Error E = Add(N))
      return E;
    return Found;
  }
  for (llvm::yaml::Node &Item : *List)
    if (Error E = Add(&Item))
      return E;
  return Found;
}

Error YamlFile::readMapping(llvm::yaml::Node *N, StringRef Of, EntryFn Read) {
  auto *Mapping = llvm::dyn_cast_or_null<llvm::yaml::MappingNode>(N);
  if (!Mapping)
    return wrong("expected the keys of " + Of + ", found " + describe(N));
  llvm::SmallSet<std::string, 16> Seen;
  for (llvm::yaml::KeyValueNode &Entry : *Mapping) {
    llvm::yaml::Node *KeyNode = Entry.getKey();
    at(KeyNode);
    std::optional<std::string> Name = text(KeyNode);
    if (!Name)
      return wrong("expected the name of a key of " + Of + ", found " +
                   describe(KeyNode));
    if (!Seen.insert(*Name).second)
      return wrong("expected each key of " + Of + " once, found " +
                   quoted(*Name) + " twice");
    if (Error E = Read(*Name, Entry.getValue()))
      return E;
  }
  return Error::success();
}

Error YamlFile::unknownKey(StringRef Name, StringRef Of,
                           llvm::ArrayRef<StringRef> Known) const {
  std::string Near = nearest(Name, Known);
  return wrong("expected a key of " + Of + ", found " + quoted(Name) + "; " +
               (Near.empty() ? "known are " + llvm::join(Known, ", ")
                             : "did you mean '" + Near + "'?"));
}

} // namespace xfa
