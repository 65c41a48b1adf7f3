//===- GpuFile.cpp - the user's accelerators, from YAML -------------------===//
//
// On llvm::yaml's node stream rather than its traits: errors can then name the
// line and the key, and nothing is parsed that the format does not ask for, so
// that no nesting in the file becomes recursion here.
//
//===----------------------------------------------------------------------===//

#include "xfa/Target/Gpu.h"

#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

#include <algorithm>
#include <cmath>

namespace xfa {

namespace {

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

constexpr size_t MaxFileBytes = 1 << 20;
constexpr double MaxQuantity = 1e18; // fits an int64_t

struct UnitName {
  StringRef Name;
  double Scale;
};
// The first is the one meant where none is written.
constexpr UnitName RateUnits[] = {{"TFLOP/s", 1e12}, {"TOP/s", 1e12},
                                  {"GFLOP/s", 1e9},  {"GOP/s", 1e9},
                                  {"PFLOP/s", 1e15}, {"POP/s", 1e15}};
constexpr UnitName BandwidthUnits[] = {
    {"GB/s", 1e9}, {"TB/s", 1e12}, {"MB/s", 1e6}};
constexpr UnitName MemoryUnits[] = {
    {"GB", 1e9}, {"GiB", 0x1p30}, {"TB", 1e12}, {"MB", 1e6}, {"MiB", 0x1p20}};
constexpr UnitName CacheUnits[] = {
    {"MiB", 0x1p20}, {"KiB", 0x1p10}, {"GiB", 0x1p30}};
constexpr UnitName SramUnits[] = {{"KiB", 0x1p10}, {"MiB", 0x1p20}};
constexpr UnitName CountUnits[] = {{"", 1}};
constexpr UnitName PowerUnits[] = {{"W", 1}};

/// What is at a place of the file: a text, a quantity, or quantities by name.
struct TextField {
  StringRef Name;
  std::string Gpu::*Member;
};
struct QuantityField {
  StringRef Name;
  llvm::ArrayRef<UnitName> Units;
  void (*Set)(Gpu &, double);
};
struct GroupField {
  StringRef Name;
  llvm::ArrayRef<QuantityField> Members;
};

constexpr TextField TextFields[] = {
    {"key", &Gpu::Key},
    {"name", &Gpu::Name},
    {"vendor", &Gpu::Vendor},
    {"arch", &Gpu::Arch},
    {"memory-type", &Gpu::MemoryType},
    {"unit-kind", &Gpu::UnitKind},
    {"link", &Gpu::Link},
    {"source", &Gpu::Source},
    {"notes", &Gpu::Notes},
};

template <Rate R> void setRate(Gpu &G, double V) {
  G.Rates[static_cast<unsigned>(R)] = V;
}
const QuantityField PeakFields[] = {
    {"fp64", RateUnits, setRate<Rate::FP64>},
    {"fp64-matrix", RateUnits, setRate<Rate::FP64Matrix>},
    {"fp32", RateUnits, setRate<Rate::FP32>},
    {"tf32", RateUnits, setRate<Rate::TF32>},
    {"fp16", RateUnits, setRate<Rate::FP16>},
    {"fp16-sum16", RateUnits, setRate<Rate::FP16Sum16>},
    {"bf16", RateUnits, setRate<Rate::BF16>},
    {"fp8", RateUnits, setRate<Rate::FP8>},
    {"int8", RateUnits, setRate<Rate::INT8>},
    {"fp4", RateUnits, setRate<Rate::FP4>},
    {"int4", RateUnits, setRate<Rate::INT4>},
};

// Fractions of what the peak promises: no unit, at most 1.
const QuantityField MeasuredFields[] = {
    {"best-matrix", {}, [](Gpu &G, double V) { G.BestMatrixFraction = V; }},
    {"median-matrix", {}, [](Gpu &G, double V) { G.MedianMatrixFraction = V; }},
    {"weight-stream", {}, [](Gpu &G, double V) { G.WeightStreamFraction = V; }},
};

const QuantityField QuantityFields[] = {
    {"bandwidth", BandwidthUnits, [](Gpu &G, double V) { G.Bandwidth = V; }},
    {"memory", MemoryUnits, [](Gpu &G, double V) { G.MemoryBytes = V; }},
    {"l2", CacheUnits, [](Gpu &G, double V) { G.L2Bytes = V; }},
    {"llc", CacheUnits, [](Gpu &G, double V) { G.LastLevelBytes = V; }},
    {"units", CountUnits, [](Gpu &G, double V) { G.Units = V; }},
    {"sram-per-unit", SramUnits,
     [](Gpu &G, double V) { G.SramBytesPerUnit = V; }},
    {"max-shared-per-block", SramUnits,
     [](Gpu &G, double V) { G.MaxSharedBytesPerBlock = V; }},
    {"link-bandwidth", BandwidthUnits,
     [](Gpu &G, double V) { G.LinkBandwidth = V; }},
    {"watts", PowerUnits, [](Gpu &G, double V) { G.Watts = V; }},
};

const GroupField GroupFields[] = {
    {"peaks", PeakFields},
    {"measured", MeasuredFields},
};

template <typename Table> auto *findField(const Table &Fields, StringRef Name) {
  auto It = llvm::find_if(Fields, [&](auto &F) { return F.Name == Name; });
  return It == std::end(Fields) ? nullptr : &*It;
}

template <typename Table>
void addNames(llvm::SmallVectorImpl<StringRef> &Names, const Table &Fields) {
  for (const auto &F : Fields)
    Names.push_back(F.Name);
}

std::string nearest(StringRef Name, llvm::ArrayRef<StringRef> Names) {
  StringRef Best;
  unsigned BestDistance = 1 + std::max<size_t>(1, Name.size() / 3);
  for (StringRef N : Names)
    if (unsigned D = Name.edit_distance(N); D < BestDistance) {
      Best = N;
      BestDistance = D;
    }
  return Best.str();
}

/// As it stands in a sentence of one line: quoted, short, printable.
std::string quoted(StringRef Text) {
  constexpr size_t Longest = 40;
  std::string Out = "'";
  for (char C : Text.take_front(Longest))
    Out += llvm::isPrint(C) ? C : '?';
  return Out + (Text.size() > Longest ? "…'" : "'");
}

class Reader {
public:
  Reader(StringRef Yaml, StringRef Path)
      : Buffer(Yaml, Path), Path(Path), Here(Yaml.begin()) {
    // The parser would print what it finds; the first of it is our sentence.
    Sources.setDiagHandler(
        [](const llvm::SMDiagnostic &D, void *Self) {
          auto *R = static_cast<Reader *>(Self);
          if (R->ParserMessage.empty()) {
            R->ParserMessage = D.getMessage().str();
            R->ParserLine = std::max(1, D.getLineNo());
          }
        },
        this);
  }

  Expected<std::vector<Gpu>> read() {
    llvm::yaml::Stream Stream(Buffer, Sources, /*ShowColors=*/false);
    for (llvm::yaml::Document &Document : Stream) {
      llvm::yaml::Node *Root = Document.getRoot();
      Error E = readRoot(Root);
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
    if (Gpus.empty())
      return wrong("expected an accelerator or a list of them, found nothing");
    return std::move(Gpus);
  }

private:
  bool parserFailed() const { return !ParserMessage.empty(); }

  void at(llvm::yaml::Node *N) {
    if (!N || llvm::isa<llvm::yaml::NullNode>(N))
      return; // it stands at what follows; the key before it says more
    const char *Start = N->getSourceRange().Start.getPointer();
    StringRef Text = Buffer.getBuffer();
    if (Start && Start >= Text.begin() && Start <= Text.end())
      Here = Start;
  }

  /// An error at the place looked at last.
  Error wrong(const llvm::Twine &What) const {
    StringRef Before(Buffer.getBufferStart(), Here - Buffer.getBufferStart());
    return llvm::createStringError(
        llvm::formatv("{0}:{1}: {2}", Path, 1 + Before.count('\n'), What.str())
            .str());
  }

  static std::string describe(llvm::yaml::Node *N) {
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

  /// A scalar's text; none where N is something else.
  std::optional<std::string> text(llvm::yaml::Node *N) {
    if (auto *Scalar = llvm::dyn_cast_or_null<llvm::yaml::ScalarNode>(N)) {
      llvm::SmallString<64> Storage;
      return Scalar->getValue(Storage).str();
    }
    if (auto *Block = llvm::dyn_cast_or_null<llvm::yaml::BlockScalarNode>(N))
      return Block->getValue().trim().str();
    return std::nullopt;
  }

  Error readRoot(llvm::yaml::Node *Root) {
    at(Root);
    if (!Root || llvm::isa<llvm::yaml::NullNode>(Root))
      return Error::success();
    auto *List = llvm::dyn_cast<llvm::yaml::SequenceNode>(Root);
    if (!List)
      return readGpu(Root);
    for (llvm::yaml::Node &N : *List)
      if (Error E = readGpu(&N))
        return E;
    return Error::success();
  }

  Error readGpu(llvm::yaml::Node *N) {
    at(N);
    const char *Start = Here;
    Gpu G;
    Error E =
        readMapping(N, "an accelerator", [&](StringRef Name, auto &Entry) {
          return readField(G, Name, Entry);
        });
    if (E)
      return E;
    Here = Start;
    if (G.Key.empty())
      return wrong("expected a key for the accelerator, found none");
    auto Missing = [&](const llvm::Twine &What) {
      return wrong("expected " + What + " for " + quoted(G.Key) +
                   ", found none");
    };
    if (G.Bandwidth == 0)
      return Missing("a bandwidth");
    if (llvm::none_of(G.Rates, [](auto &R) { return R.has_value(); }))
      return Missing("at least one of its peaks");
    if (llvm::any_of(Gpus, [&](Gpu &O) {
          return StringRef(O.Key).equals_insensitive(G.Key);
        }))
      return wrong("expected each key once, found " + quoted(G.Key) + " twice");
    if (G.Name.empty())
      G.Name = G.Key;
    Gpus.push_back(std::move(G));
    return Error::success();
  }

  /// Calls Read with each key's name and entry; it says what it did not know.
  template <typename Fn>
  Error readMapping(llvm::yaml::Node *N, StringRef Of, Fn Read) {
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
      if (Error E = Read(*Name, Entry))
        return E;
    }
    return Error::success();
  }

  Error unknownKey(StringRef Name, StringRef Of,
                   llvm::ArrayRef<StringRef> Known) {
    std::string Near = nearest(Name, Known);
    return wrong("expected a key of " + Of + ", found " + quoted(Name) + "; " +
                 (Near.empty() ? "known are " + llvm::join(Known, ", ")
                               : "did you mean '" + Near + "'?"));
  }

  Error readField(Gpu &G, StringRef Name, llvm::yaml::KeyValueNode &Entry) {
    if (const TextField *F = findField(TextFields, Name))
      return readText(G, *F, Entry.getValue());
    if (const QuantityField *F = findField(QuantityFields, Name))
      return readQuantity(G, *F, Entry.getValue());
    if (const GroupField *F = findField(GroupFields, Name)) {
      at(Entry.getValue());
      return readMapping(
          Entry.getValue(), Name, [&](StringRef Member, auto &Inner) {
            if (const QuantityField *M = findField(F->Members, Member))
              return readQuantity(G, *M, Inner.getValue());
            llvm::SmallVector<StringRef, 16> Known;
            addNames(Known, F->Members);
            return unknownKey(Member, Name, Known);
          });
    }
    llvm::SmallVector<StringRef, 32> Known;
    addNames(Known, TextFields);
    addNames(Known, QuantityFields);
    addNames(Known, GroupFields);
    return unknownKey(Name, "an accelerator", Known);
  }

  Error readText(Gpu &G, const TextField &F, llvm::yaml::Node *N) {
    at(N);
    std::optional<std::string> Text = text(N);
    if (!Text || Text->empty())
      return wrong(F.Name + ": expected a text, found " +
                   (Text ? "nothing" : describe(N)));
    // `--gpu=A,B` and JSON both have to be able to say it.
    auto InKey = [](char C) {
      return llvm::isAlnum(C) || C == '-' || C == '_' || C == '.';
    };
    if (F.Member == &Gpu::Key && !llvm::all_of(*Text, InKey))
      return wrong("key: expected letters, digits, '-', '_' and '.', found " +
                   quoted(*Text));
    G.*F.Member = std::move(*Text);
    return Error::success();
  }

  Error readQuantity(Gpu &G, const QuantityField &F, llvm::yaml::Node *N) {
    at(N);
    bool IsFraction = F.Units.empty();
    std::optional<std::string> Text = text(N);
    StringRef Written = Text ? StringRef(*Text).trim() : StringRef();
    auto [Digits, Suffix] = Written.split(' ');
    auto Expected = [&] {
      std::string What;
      if (IsFraction)
        What = "a number above 0 and at most 1";
      else if (F.Units.front().Name.empty())
        What = "a positive number";
      else
        What = "a positive number of " + F.Units.front().Name.str();
      return wrong(
          F.Name + ": expected " + What + ", found " +
          (Written.empty() ? describe(Text ? nullptr : N) : quoted(Written)));
    };

    double Value;
    // getAsDouble also takes what no data sheet says (hexadecimal, infinity).
    if (Digits.find_first_not_of("0123456789.eE+-") != StringRef::npos ||
        Digits.getAsDouble(Value) || !(Value > 0))
      return Expected();
    if (IsFraction) {
      if (Value > 1 || !Suffix.empty())
        return Expected();
      F.Set(G, Value);
      return Error::success();
    }
    const UnitName *Unit = &F.Units.front();
    if (Suffix = Suffix.trim(); !Suffix.empty()) {
      Unit = findField(F.Units, Suffix);
      if (!Unit) {
        llvm::SmallVector<StringRef, 8> Known;
        addNames(Known, F.Units);
        std::string Choice =
            Known.front().empty() ? "no unit" : llvm::join(Known, ", ");
        return wrong(F.Name + ": expected " + Choice + ", found " +
                     quoted(Suffix));
      }
    }
    double Whole = std::round(Value * Unit->Scale);
    if (Whole < 1 || !(Whole <= MaxQuantity))
      return Expected();
    F.Set(G, Whole);
    return Error::success();
  }

  llvm::MemoryBufferRef Buffer;
  StringRef Path;
  const char *Here; ///< the place looked at last
  llvm::SourceMgr Sources;
  std::string ParserMessage; ///< empty: none
  int ParserLine = 1;
  std::vector<Gpu> Gpus;
};

} // namespace

Expected<std::vector<Gpu>> parseGpus(StringRef Yaml, StringRef Path) {
  if (Yaml.size() > MaxFileBytes)
    return llvm::createStringError(
        llvm::formatv("{0}: expected at most {1} bytes of YAML, found {2}",
                      Path, MaxFileBytes, Yaml.size())
            .str());
  return Reader(Yaml, Path).read();
}

Expected<std::vector<Gpu>> readGpuFile(StringRef Path) {
  auto Buffer = llvm::MemoryBuffer::getFile(Path);
  if (!Buffer)
    return llvm::createStringError(
        llvm::formatv("{0}: expected a YAML file of accelerators, found: {1}",
                      Path, Buffer.getError().message())
            .str());
  return parseGpus((*Buffer)->getBuffer(), Path);
}

} // namespace xfa
