//===- CustomOpsFile.cpp --------------------------------------------------===//

#include "xfa/Analysis/CustomOpsFile.h"

#include "xfa/Target/YamlFile.h"

#include "llvm/ADT/STLExtras.h"

namespace xfa {

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

namespace {

struct TextField {
  StringRef Name;
  void (*Set)(CustomOpText &, std::string);
};
constexpr TextField TextFields[] = {
    {"op", [](CustomOpText &O, std::string T) { O.Name = std::move(T); }},
    {"domain", [](CustomOpText &O, std::string T) { O.Domain = std::move(T); }},
    {"flops", [](CustomOpText &O, std::string T) { O.Flops = std::move(T); }},
    {"matrix-flops",
     [](CustomOpText &O, std::string T) { O.MatrixFlops = std::move(T); }},
};

struct ListField {
  StringRef Name;
  std::vector<std::string> CustomOpText::*Member;
};
constexpr ListField ListFields[] = {
    {"inputs", &CustomOpText::Inputs}, {"outputs", &CustomOpText::Outputs},
    {"types", &CustomOpText::Types},   {"reads", &CustomOpText::Reads},
    {"writes", &CustomOpText::Writes},
};

Error readField(YamlFile &File, CustomOpText &To, StringRef Name,
                llvm::yaml::Node *Value) {
  llvm::SmallVector<StringRef, 16> Known;
  for (const TextField &F : TextFields) {
    Known.push_back(F.Name);
    if (F.Name != Name)
      continue;
    File.at(Value);
    std::optional<std::string> Text = YamlFile::text(Value);
    if (!Text)
      return File.wrong(Name + ": expected a text, found " +
                        YamlFile::describe(Value));
    F.Set(To, std::move(*Text));
    return Error::success();
  }
  for (const ListField &F : ListFields) {
    Known.push_back(F.Name);
    if (F.Name != Name)
      continue;
    Expected<std::vector<std::string>> Texts = File.texts(Value, Name);
    if (!Texts)
      return Texts.takeError();
    To.*F.Member = std::move(*Texts);
    return Error::success();
  }
  return File.unknownKey(Name, "an operator", Known);
}

} // namespace

Expected<std::shared_ptr<const CustomOps>> parseCustomOps(StringRef Yaml,
                                                          StringRef Path) {
  auto Ops = std::make_shared<CustomOps>();
  YamlFile File(Yaml, Path);
  auto ReadOne = [&](llvm::yaml::Node *N) -> Error {
    File.at(N);
    const char *Start = File.here();
    CustomOpText Text;
    if (Error E = File.readMapping(
            N, "an operator", [&](StringRef Name, llvm::yaml::Node *Value) {
              return readField(File, Text, Name, Value);
            }))
      return E;
    File.backTo(Start);
    if (Text.Name.empty())
      return File.wrong("expected an op, the operator's name, found none");
    if (Text.Domain == "ai.onnx")
      Text.Domain.clear();
    if (Error E = Ops->add(Text))
      return File.wrong(YamlFile::quoted(Text.Name) + ": " +
                        llvm::toString(std::move(E)));
    return Error::success();
  };
  if (Error E = File.read(ReadOne))
    return E;
  if (Ops->empty())
    return File.wrong("expected an operator or a list of them, found nothing");
  return Ops;
}

Expected<std::shared_ptr<const CustomOps>> readCustomOps(StringRef Path) {
  Expected<std::unique_ptr<llvm::MemoryBuffer>> Opened =
      YamlFile::open(Path, "operators");
  if (!Opened)
    return Opened.takeError();
  return parseCustomOps((*Opened)->getBuffer(), Path);
}

} // namespace xfa
