//===- TextFormat.cpp - ONNX's text format, by ONNX's own parser ----------===//

#include "TextFormat.h"

#include "Proto.h"

#include "llvm/ADT/StringExtras.h"

#include "onnx/defs/parser.h"

#include <algorithm>
#include <exception>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace xfa::import {

namespace {

/// The parser recurses with every bracket. A graph in a node's attribute costs
/// it three: `<`, `{`, and those of its types.
constexpr unsigned MaxBrackets = 3 * MaxDepth;

Error at(StringRef Text, size_t Position, const Twine &Sentence) {
  StringRef Before = Text.take_front(Position);
  size_t LineStart = Before.rfind('\n') + 1; // npos + 1 is 0
  return fail("line " + Twine(Before.count('\n') + 1) + ", column " +
              Twine(Position - LineStart + 1) + ": " + Sentence);
}

/// Brackets as the parser sees them: not in strings and comments, and the `>`
/// of `=>` is none.
Error checkNesting(StringRef Text) {
  unsigned Depth = 0;
  for (size_t I = 0; I < Text.size(); ++I) {
    switch (Text[I]) {
    case '"':
      for (++I; I < Text.size() && Text[I] != '"'; ++I)
        if (Text[I] == '\\')
          ++I;
      break;
    case '#':
      I = std::min(Text.find('\n', I), Text.size());
      break;
    case '<':
    case '(':
    case '[':
    case '{':
      if (++Depth > MaxBrackets)
        return at(Text, I,
                  "brackets stand more than " + Twine(MaxBrackets) +
                      " deep in each other");
      break;
    case '>':
      if (I != 0 && Text[I - 1] == '=')
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      if (Depth != 0)
        --Depth;
      break;
    default:
      break;
    }
  }
  return Error::success();
}

/// The parser says "[ParseError at position (line: 3 column: 9)]", the line
/// itself, and what it expected, each on a line of its own.
std::string sentence(StringRef Message) {
  StringRef Line, Column, Rest = Message;
  Rest = Rest.split("(line: ").second;
  std::tie(Line, Rest) = Rest.split(' ');
  Column = Rest.split("column: ").second.split(')').first;
  StringRef Context =
      Message.split("Error context: ").second.split('\n').first.trim();
  StringRef Why = Message.rsplit('\n').second.rtrim(" .");
  if (Line.empty() || Why.empty())
    return Message.split('\n').first.str();
  std::string Result =
      ("line " + Line + ", column " + Column + ": " + Why).str();
  if (!Context.empty())
    Result += (": " + Context.take_front(80)).str();
  return Result;
}

} // namespace

Expected<std::string> serializeText(StringRef Text) {
  if (Error E = checkNesting(Text))
    return E;
  onnx::ModelProto Model;
  std::string Bytes;
  try {
    onnx::OnnxParser Parser(std::string_view(Text.data(), Text.size()));
    onnx::Common::Status Status = Parser.Parse(Model);
    if (!Status.IsOK())
      return fail(sentence(Status.ErrorMessage()));
    if (!Model.SerializeToString(&Bytes))
      return fail("the model in text is larger than the 2 GB that protobuf "
                  "can write");
  } catch (const std::exception &Thrown) {
    // The parser does not say where.
    return fail("expected numbers that fit their types, found one that does "
                "not: " +
                Twine(Thrown.what()));
  }
  return Bytes;
}

} // namespace xfa::import
