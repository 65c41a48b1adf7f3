//===- GpuFile.cpp - the user's accelerators, from YAML -------------------===//

#include "xfa/Target/Gpu.h"
#include "xfa/Target/YamlFile.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace xfa {

namespace {

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

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

class Reader {
public:
  Reader(StringRef Yaml, StringRef Path) : File(Yaml, Path) {}

  Expected<std::vector<Gpu>> read() {
    if (Error E = File.read([&](llvm::yaml::Node *N) { return readGpu(N); }))
      return E;
    if (Gpus.empty())
      return File.wrong(
          "expected an accelerator or a list of them, found nothing");
    return std::move(Gpus);
  }

private:
  static std::string quoted(StringRef Text) { return YamlFile::quoted(Text); }
  Error wrong(const llvm::Twine &What) const { return File.wrong(What); }

  Error readGpu(llvm::yaml::Node *N) {
    File.at(N);
    const char *Start = File.here();
    Gpu G;
    Error E = File.readMapping(N, "an accelerator",
                               [&](StringRef Name, llvm::yaml::Node *Value) {
                                 return readField(G, Name, Value);
                               });
    if (E)
      return E;
    File.backTo(Start);
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

  Error readField(Gpu &G, StringRef Name, llvm::yaml::Node *Value) {
    if (const TextField *F = findField(TextFields, Name))
      return readText(G, *F, Value);
    if (const QuantityField *F = findField(QuantityFields, Name))
      return readQuantity(G, *F, Value);
    if (const GroupField *F = findField(GroupFields, Name)) {
      File.at(Value);
      return File.readMapping(
          Value, Name, [&](StringRef Member, llvm::yaml::Node *Inner) {
            if (const QuantityField *M = findField(F->Members, Member))
              return readQuantity(G, *M, Inner);
            llvm::SmallVector<StringRef, 16> Known;
            addNames(Known, F->Members);
            return File.unknownKey(Member, Name, Known);
          });
    }
    llvm::SmallVector<StringRef, 32> Known;
    addNames(Known, TextFields);
    addNames(Known, QuantityFields);
    addNames(Known, GroupFields);
    return File.unknownKey(Name, "an accelerator", Known);
  }

  Error readText(Gpu &G, const TextField &F, llvm::yaml::Node *N) {
    File.at(N);
    std::optional<std::string> Text = YamlFile::text(N);
    if (!Text || Text->empty())
      return wrong(F.Name + ": expected a text, found " +
                   (Text ? "nothing" : YamlFile::describe(N)));
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
    File.at(N);
    bool IsFraction = F.Units.empty();
    std::optional<std::string> Text = YamlFile::text(N);
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
      return wrong(F.Name + ": expected " + What + ", found " +
                   (Written.empty() ? YamlFile::describe(Text ? nullptr : N)
                                    : quoted(Written)));
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

  YamlFile File;
  std::vector<Gpu> Gpus;
};

} // namespace

Expected<std::vector<Gpu>> parseGpus(StringRef Yaml, StringRef Path) {
  return Reader(Yaml, Path).read();
}

Expected<std::vector<Gpu>> readGpuFile(StringRef Path) {
  Expected<std::unique_ptr<llvm::MemoryBuffer>> Opened =
      YamlFile::open(Path, "accelerators");
  if (!Opened)
    return Opened.takeError();
  return parseGpus((*Opened)->getBuffer(), Path);
}

} // namespace xfa
