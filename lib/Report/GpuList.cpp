//===- GpuList.cpp --------------------------------------------------------===//

#include "xfa/Report/GpuList.h"

#include "CsvLine.h"
#include "Json.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

namespace xfa {

namespace {

constexpr unsigned NumColumns = 8;
using Row = std::array<std::string, NumColumns>;
constexpr bool RightAligned[NumColumns] = {false, false, true, true,
                                           true,  true,  true, false};

/// At most Decimals of them, none of them a trailing zero.
std::string number(double Value, unsigned Decimals) {
  std::string Text;
  llvm::raw_string_ostream(Text)
      << llvm::format("%.*f", static_cast<int>(Decimals), Value);
  if (llvm::StringRef(Text).contains('.'))
    Text = llvm::StringRef(Text).rtrim('0').rtrim('.').str();
  return Text;
}

std::string scaled(std::optional<double> Value, double Unit,
                   unsigned Decimals) {
  return Value ? number(*Value / Unit, Decimals) : "-";
}

ElemType halfOf(const Gpu &G) {
  return G.rate(Rate::FP16) ? ElemType::Float16 : ElemType::BFloat16;
}

Row row(const Gpu &G) {
  ElemType Half = halfOf(G);
  std::string Peak = scaled(matrixPeak(G, Half), 1e12, 1);
  if (Half == ElemType::BFloat16 && Peak != "-")
    Peak = "bf16 " + Peak;
  return {G.Key,
          G.Name,
          Peak,
          scaled(G.rate(Rate::FP32), 1e12, 2),
          number(G.Bandwidth / 1e9, 1),
          scaled(machineBalance(G, Half), 1, 1),
          G.MemoryBytes ? number(*G.MemoryBytes / 1e9, 1) : "-",
          evidenceCode(G.Verified).str()};
}

} // namespace

std::string gpuListText(llvm::ArrayRef<Gpu> Gpus) {
  llvm::SmallVector<Row, 96> Rows = {
      {"KEY", "NAME", "FP16", "FP32", "BANDWIDTH", "BALANCE", "MEMORY",
       "KNOWN"},
      {"", "", "TFLOP/s", "TFLOP/s", "GB/s", "FLOP/byte", "GB", ""}};
  for (const Gpu &G : Gpus)
    Rows.push_back(row(G));

  std::array<size_t, NumColumns> Widths = {};
  for (const Row &R : Rows)
    for (unsigned I = 0; I < NumColumns; ++I)
      Widths[I] = std::max(Widths[I], R[I].size());

  std::string Text;
  llvm::raw_string_ostream OS(Text);
  for (const Row &R : Rows) {
    std::string Line;
    for (unsigned I = 0; I < NumColumns; ++I) {
      std::string Space(Widths[I] - R[I].size(), ' ');
      Line += (I ? "  " : "") + (RightAligned[I] ? Space + R[I] : R[I] + Space);
    }
    OS << llvm::StringRef(Line).rtrim() << '\n';
  }

  OS << "\nPeaks are dense; BALANCE is the fp16 peak over the bandwidth, "
        "FLOP per byte.\nKNOWN:";
  const char *Separator = " ";
  for (Evidence E : {Evidence::V1, Evidence::V2, Evidence::M, Evidence::C,
                     Evidence::U, Evidence::User}) {
    if (llvm::none_of(Gpus, [&](const Gpu &G) { return G.Verified == E; }))
      continue;
    OS << Separator << evidenceCode(E) << ' ' << evidenceMeaning(E);
    Separator = "; ";
  }
  OS << ".\n";
  return Text;
}

std::string gpuListJson(llvm::ArrayRef<Gpu> Gpus) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  llvm::json::OStream J(OS, /*IndentSize=*/2);
  J.object([&] {
    J.attribute("schema", JsonSchema);
    J.attributeArray("gpus", [&] {
      for (const Gpu &G : Gpus)
        jsonGpu(J, G, halfOf(G), Float32Products::FP32);
    });
  });
  OS << '\n';
  return Text;
}

std::string gpuListCsv(llvm::ArrayRef<Gpu> Gpus) {
  std::string Text;
  llvm::raw_string_ostream OS(Text);
  {
    CsvLine Header(OS);
    Header << "key" << "name";
    for (unsigned I = 0; I < NumRates; ++I)
      Header << rateName(static_cast<Rate>(I));
    Header << "bandwidth" << "memory_bytes" << "evidence" << "source";
  }
  for (const Gpu &G : Gpus) {
    CsvLine Line(OS);
    Line << G.Key << G.Name;
    for (std::optional<double> Peak : G.Rates)
      Line << Peak;
    Line << std::optional(G.Bandwidth);
    if (G.MemoryBytes)
      Line << *G.MemoryBytes;
    else
      Line << "";
    Line << evidenceCode(G.Verified) << G.Source;
  }
  return Text;
}

} // namespace xfa
