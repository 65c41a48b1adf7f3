//===- FileTest.cpp - files, other formats, damage ------------------------===//

#include "ImportTestSupport.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <random>

using namespace xfa;
using namespace xfa::test;
using llvm::StringRef;

namespace {

std::string errorOf(llvm::Expected<std::unique_ptr<Model>> M) {
  return M ? "no error" : llvm::toString(M.takeError());
}

/// A file in the temporary directory, removed at the end.
class TemporaryFile {
public:
  explicit TemporaryFile(StringRef Suffix) {
    EXPECT_FALSE(
        llvm::sys::fs::createTemporaryFile("xfa-import", Suffix, FD, Path));
  }
  ~TemporaryFile() { EXPECT_FALSE(llvm::sys::fs::remove(Path)); }
  void write(StringRef Bytes) { llvm::raw_fd_ostream(FD, true) << Bytes; }

  int FD = -1;
  llvm::SmallString<128> Path;
};

const char Text[] = R"(# a comment first
<ir_version: 8, opset_import: ["" : 17]>
g (float[N] x) => (float[N] y) { y = Relu(x) })";

TEST(ImportFile, FilesThatCannotBeRead) {
  EXPECT_EQ(errorOf(importFile("/nowhere/m.onnx")),
            "/nowhere/m.onnx: cannot be read: No such file or directory");
  EXPECT_EQ(errorOf(importFile("/")), "/: expected a file, found a directory");
}

TEST(ImportFile, TheModelKeepsItsFile) {
  TemporaryFile File("onnx");
  File.write(model(Message()
                       .message(1, node("Relu", {"x"}, {"y"}))
                       .message(11, valueInfo("x")))
                 .str());
  auto M = importFile(File.Path);
  ASSERT_TRUE(static_cast<bool>(M)) << llvm::toString(M.takeError());
  EXPECT_EQ((*M)->Path, File.Path.str());
  EXPECT_EQ((*M)->Nodes[0].Op, "Relu");
}

TEST(ImportFile, FiveGigabytesOfWeightsCostNothing) {
  // A sparse file: the initializer's payload is a hole of 5 GB.
  constexpr uint64_t Payload = 5ull << 30;
  Message Ends = Message()
                     .message(1, node("Relu", {"x"}, {"y"}))
                     .message(11, valueInfo("x"));
  auto Number = [](uint64_t Value) { // as a varint
    return Message().varint(1, Value).str().substr(1);
  };
  std::string Tensor =
      tensor("w", {Payload / 4}, 1).str() + '\x4a' /* 9 */ + Number(Payload);
  std::string Graph = '\x2a' /* 5 */ + Number(Tensor.size() + Payload) + Tensor;
  std::string Start = Message().varint(1, 8).str() + '\x3a' /* 7 */ +
                      Number(Graph.size() + Payload + Ends.str().size()) +
                      Graph;

  TemporaryFile File("onnx");
  {
    llvm::raw_fd_ostream OS(File.FD, true);
    OS << Start;
    OS.seek(Start.size() + Payload);
    OS << Ends.str();
    OS.close();
    if (OS.has_error()) {
      OS.clear_error();
      GTEST_SKIP() << "no sparse file of 5 GB here";
    }
  }
  auto M = importFile(File.Path);
  ASSERT_TRUE(static_cast<bool>(M)) << llvm::toString(M.takeError());
  EXPECT_EQ((*M)->Constants[0].numElements(), int64_t(Payload / 4));
  EXPECT_TRUE((*M)->Constants[0].Present);
  EXPECT_EQ((*M)->Nodes.size(), 1u);
}

TEST(ImportFile, TextByItsNameOrItsStart) {
  EXPECT_TRUE(importFrom(Text).M);
  EXPECT_TRUE(
      importFrom("g (float[N] x) => (float[N] y) { y = Relu(x) }", "m.onnxtxt")
          .M);
  EXPECT_EQ(importFrom("<ir_version: 8>\ng (float[N] x) => (y) { y = Relu x) }")
                .Error,
            "m.onnx: line 2, column 34: Expected character ( not found: g "
            "(float[N] x) => (y) { y = Relu x) }");
  EXPECT_EQ(
      importFrom("<ir_version: 99999999999999999999>").Error.substr(0, 60),
      "m.onnx: expected numbers that fit their types, found one tha");
}

TEST(ImportFile, OtherFormats) {
  EXPECT_EQ(importFrom("").Error, "m.onnx: not an ONNX model: it is empty");
  EXPECT_EQ(importFrom("\x89PNG\r\n\x1a\n").Error,
            "m.onnx: not an ONNX model: it is a PNG image");
  EXPECT_EQ(importFrom("version https://git-lfs.github.com/spec/v1\n").Error,
            "m.onnx: not an ONNX model: it is a Git LFS pointer; fetch the "
            "file itself");
  EXPECT_EQ(importFrom("# Title\nWords.\n").Error,
            "m.onnx: not an ONNX model: expected a protobuf ModelProto, found "
            "text");
  EXPECT_EQ(importModel(Message().varint(1, 8)).Error,
            "m.onnx: not an ONNX model: expected a graph in ModelProto (field "
            "7), found none");
  EXPECT_EQ(importFrom(StringRef("\x08\x08\x3a\x7f", 4)).Error,
            "m.onnx: the file is truncated or damaged: in ModelProto, field 7 "
            "claims 127 bytes where 0 are left");
}

TEST(ImportFile, NamesInMessagesStayOnTheirLine) {
  EXPECT_EQ(
      importModel(model(Message().message(1, node("A\nB\x1b", {"x"}, {"y"}))))
          .Error,
      "m.onnx: node 'A\\x0aB\\x1b -> y': input 0, 'x', is an output of no "
      "node, and no graph input or initializer");
}

TEST(ImportFile, NestingHasALimit) {
  Message Graph, Type;
  Type.message(1, Message().varint(1, 1));
  for (int Depth = 0; Depth < 10000; ++Depth) {
    Type = Message().message(4, Message().message(1, Type));
    Graph = Message().message(
        1, node("If", {}, {}).message(5, Message().message(6, Graph)));
    if (Type.str().size() > 20000)
      break;
  }
  StringRef Deep = "stand more than 64 deep in each other";
  EXPECT_TRUE(StringRef(importModel(model(Graph)).Error).ends_with(Deep));
  EXPECT_TRUE(StringRef(importModel(model(Message().message(
                                        11, valueInfo("x").message(2, Type))))
                            .Error)
                  .ends_with(Deep));

  std::string Brackets = "<ir_version: 8>\ng () => () {";
  for (int Depth = 0; Depth < 100000; ++Depth)
    Brackets += "y = If (c) <then_branch = g () => () {";
  EXPECT_NE(importFrom(Brackets).Error.find("brackets stand more than 192"),
            std::string::npos);
}

TEST(ImportFile, DamagedFilesNeverBreakUs) {
  Message Weight = tensor("w", {2, 3}, 7).packed(7, {1, 2, 3, 4, 5, 6});
  Message Half = tensor("h", {2}, 10).packed(5, {0x3c00, 0x4000});
  Message Sparse = Message()
                       .message(1, tensor("s", {1}, 7).packed(7, {9}))
                       .message(2, tensor("", {1}, 7).packed(7, {3}))
                       .packed(3, {2, 2});
  Message Body = Message()
                     .message(1, node("Mul", {"a", "w"}, {"p"}))
                     .message(12, valueInfo("p"));
  Message Shape = Message()
                      .message(1, Message().bytes(2, "N"))
                      .message(1, Message().varint(1, 3));
  Message Graph =
      Message()
          .bytes(2, "g")
          .message(1, node("f", {"x", "h"}, {"a"}).bytes(7, "local"))
          .message(1, node("If", {"c"}, {"y"})
                          .message(5, Message()
                                          .bytes(1, "then_branch")
                                          .message(6, Body)
                                          .varint(20, 5)))
          .message(5, Weight)
          .message(5, Half)
          .message(15, Sparse)
          .message(11, valueInfo("x").message(
                           2, Message().message(
                                  1, Message().varint(1, 1).message(2, Shape))))
          .message(11, valueInfo("c"))
          .message(12, valueInfo("y"));
  Message F = Message()
                  .bytes(1, "f")
                  .bytes(10, "local")
                  .bytes(4, "i")
                  .bytes(4, "j")
                  .bytes(5, "o")
                  .message(7, node("Add", {"i", "j"}, {"o"}));
  const std::string Whole = model(Graph).message(25, F).str();
  ASSERT_TRUE(importFrom(Whole).M) << importFrom(Whole).Error;

  std::mt19937 Random(1);
  for (int Round = 0; Round < 3000; ++Round) {
    std::string Bytes = Whole;
    for (unsigned Edits = 1 + Random() % 3; Edits && !Bytes.empty(); --Edits) {
      size_t At = Random() % Bytes.size();
      switch (Random() % 5) {
      case 0:
        Bytes[At] ^= static_cast<char>(1 << Random() % 8);
        break;
      case 1:
        Bytes[At] = static_cast<char>(Random());
        break;
      case 2:
        Bytes.resize(At);
        break;
      case 3:
        Bytes.insert(At, 1 + Random() % 4, static_cast<char>(Random()));
        break;
      case 4:
        Bytes.erase(At, 1 + Random() % 4);
        break;
      default:
        break;
      }
    }
    Imported I = importFrom(Bytes);
    // Either a model whose names are there to be read, or one sentence.
    if (!I.M) {
      EXPECT_TRUE(StringRef(I.Error).starts_with("m.onnx: ")) << I.Error;
      EXPECT_EQ(I.Error.find('\n'), std::string::npos) << I.Error;
      continue;
    }
    for (uint32_t N = 0; N < I->Nodes.size(); ++N)
      EXPECT_FALSE(I->label(NodeId(N)).empty());
  }
}

} // namespace
