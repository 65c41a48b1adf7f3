//===- Options.cpp - parsers of what a report is asked for ----------------===//

#include "xfa/Report/Options.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace xfa {

char UsageError::ID = 0;

void UsageError::log(llvm::raw_ostream &OS) const { OS << Sentence; }

std::error_code UsageError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

llvm::Error usageError(const llvm::Twine &Sentence) {
  return llvm::make_error<UsageError>(Sentence);
}

namespace {
enum class ViewForm : uint8_t { Table, Prose, Later };
struct ViewRow {
  llvm::StringLiteral Name;
  ViewForm Form;
};
constexpr ViewRow ViewTable[] = {
#define XFA_VIEW(ENUM, NAME, KIND) {NAME, ViewForm::KIND},
#include "xfa/Report/Views.def"
};
} // namespace

llvm::StringRef viewName(View V) {
  return ViewTable[static_cast<unsigned>(V)].Name;
}

bool isTable(View V) {
  return ViewTable[static_cast<unsigned>(V)].Form == ViewForm::Table;
}

llvm::StringRef ledgerName(LedgerKind K) {
  return K == LedgerKind::Textbook ? "textbook" : "graph";
}

static llvm::Expected<View> parseView(llvm::StringRef Name) {
  const ViewRow *Nearest = nullptr;
  unsigned Distance = 3;
  for (const ViewRow &Row : ViewTable) {
    unsigned D = Row.Name.edit_distance(Name, true, Distance);
    if (D == 0) {
      if (Row.Form == ViewForm::Later)
        return usageError("view '" + Name +
                          "' is not available yet in this version");
      return static_cast<View>(&Row - ViewTable);
    }
    if (D < Distance && Row.Form != ViewForm::Later) {
      Distance = D;
      Nearest = &Row;
    }
  }
  if (Nearest)
    return usageError("no view '" + Name + "'; did you mean '" + Nearest->Name +
                      "'?");
  std::string Known;
  for (const ViewRow &Row : ViewTable)
    if (Row.Form != ViewForm::Later)
      Known += (Known.empty() ? "" : " ") + Row.Name.str();
  return usageError("no view '" + Name + "'; there are: " + Known);
}

llvm::Expected<llvm::SmallVector<View, 4>> parseViews(llvm::StringRef Text) {
  llvm::SmallVector<View, 4> Views;
  llvm::SmallVector<llvm::StringRef, 4> Names;
  Text.split(Names, ',');
  for (llvm::StringRef Name : Names) {
    llvm::Expected<View> V = parseView(Name.trim());
    if (!V)
      return V.takeError();
    if (!llvm::is_contained(Views, *V))
      Views.push_back(*V);
  }
  return Views;
}

std::string toString(const Coordinates &At, llvm::StringRef Separator) {
  std::string Text;
  for (const auto &[Name, Value] : At) {
    if (!Text.empty())
      Text += Separator;
    Text += Name + "=" + llvm::itostr(Value);
  }
  return Text;
}

/// "N=32:64:x2" → "N", "32:64:x2". A name may hold anything but `=` (the
/// graph's own may be expressions); the value is what follows the last `=`.
static llvm::Expected<std::pair<llvm::StringRef, llvm::StringRef>>
splitAssignment(llvm::StringRef Part, llvm::StringRef Option,
                llvm::StringRef Whole) {
  auto [Name, Value] = Part.rsplit('=');
  Name = Name.trim();
  Value = Value.trim();
  if (Name.empty() || Value.empty())
    return usageError(Option + "=\"" + Whole + "\": expected SYMBOL=VALUE, " +
                      "got '" + Part.trim() + "'");
  return std::make_pair(Name, Value);
}

static llvm::Expected<int64_t> parseSize(llvm::StringRef Text,
                                         llvm::StringRef Name,
                                         llvm::StringRef Option,
                                         llvm::StringRef Whole) {
  int64_t Value = 0;
  if (!Text.getAsInteger(10, Value) && Value >= 0 && !Text.starts_with("+"))
    return Value;
  const std::string Rule = llvm::all_of(Text, llvm::isDigit)
                               ? "at most " + std::to_string(INT64_MAX)
                               : std::string("a positive integer");
  return usageError(Option + "=\"" + Whole + "\": " + Name + " must be " +
                    Rule + ", got '" + Text + "'");
}

static llvm::Error addCoordinate(Coordinates &At, llvm::StringRef Name,
                                 int64_t Value, llvm::StringRef Option,
                                 llvm::StringRef Whole) {
  for (const auto &Given : At)
    if (Given.first == Name)
      return usageError(Option + "=\"" + Whole + "\": " + Name +
                        " is given twice");
  At.emplace_back(Name.str(), Value);
  return llvm::Error::success();
}

llvm::Expected<Coordinates> parsePoint(llvm::StringRef Text) {
  Coordinates At;
  llvm::SmallVector<llvm::StringRef, 4> Parts;
  Text.split(Parts, ',');
  for (llvm::StringRef Part : Parts) {
    auto Assignment = splitAssignment(Part, "--at", Text);
    if (!Assignment)
      return Assignment.takeError();
    auto Value = parseSize(Assignment->second, Assignment->first, "--at", Text);
    if (!Value)
      return Value.takeError();
    if (auto E = addCoordinate(At, Assignment->first, *Value, "--at", Text))
      return E;
  }
  return At;
}

namespace {
struct Range {
  std::string Name;
  std::vector<int64_t> Values;
};
} // namespace

static llvm::Error tooMany(llvm::StringRef Text) {
  return usageError("--sweep=\"" + Text + "\": more than " +
                    llvm::Twine(MaxSweepPoints) +
                    " points; use a larger step or fewer dimensions");
}

/// "32", or "32:16384:x2", or "32:1024:+32".
static llvm::Expected<Range>
parseRange(llvm::StringRef Name, llvm::StringRef Text, llvm::StringRef Whole) {
  Range R;
  R.Name = Name.str();
  llvm::SmallVector<llvm::StringRef, 3> Parts;
  Text.split(Parts, ':');
  auto First = parseSize(Parts[0], Name, "--sweep", Whole);
  if (!First)
    return First.takeError();
  if (Parts.size() == 1) {
    R.Values.push_back(*First);
    return R;
  }
  if (Parts.size() != 3)
    return usageError("--sweep=\"" + Whole + "\": expected " + Name +
                      "=FIRST:LAST:xFACTOR or " + Name + "=FIRST:LAST:+STEP");
  auto Last = parseSize(Parts[1], Name, "--sweep", Whole);
  if (!Last)
    return Last.takeError();
  llvm::StringRef StepText = Parts[2];
  bool Geometric = StepText.consume_front("x");
  int64_t Step = 0;
  if ((!Geometric && !StepText.consume_front("+")) ||
      StepText.getAsInteger(10, Step) || Step < (Geometric ? 2 : 1))
    return usageError("--sweep=\"" + Whole + "\": the step of " + Name +
                      " must be +K with K ≥ 1 or xK with K ≥ 2, got '" +
                      Parts[2] + "'");
  if (*Last < *First || (Geometric && *First == 0))
    return usageError("--sweep=\"" + Whole + "\": the range of " + Name +
                      " is empty");
  for (int64_t Value = *First; Value <= *Last;) {
    R.Values.push_back(Value);
    if (R.Values.size() > MaxSweepPoints)
      return tooMany(Whole);
    bool Overflow = Geometric ? llvm::MulOverflow(Value, Step, Value)
                              : llvm::AddOverflow(Value, Step, Value);
    if (Overflow)
      break;
  }
  return R;
}

llvm::Expected<std::vector<Coordinates>> parseSweep(llvm::StringRef Text) {
  std::vector<Coordinates> Points(1);
  llvm::SmallVector<llvm::StringRef, 4> Parts;
  Text.split(Parts, ',');
  for (llvm::StringRef Part : Parts) {
    auto Assignment = splitAssignment(Part, "--sweep", Text);
    if (!Assignment)
      return Assignment.takeError();
    auto R = parseRange(Assignment->first, Assignment->second, Text);
    if (!R)
      return R.takeError();
    if (Points.size() * R->Values.size() > MaxSweepPoints)
      return tooMany(Text);
    std::vector<Coordinates> Crossed;
    for (const Coordinates &Point : Points)
      for (int64_t Value : R->Values) {
        Crossed.push_back(Point);
        if (auto E =
                addCoordinate(Crossed.back(), R->Name, Value, "--sweep", Text))
          return E;
      }
    Points = std::move(Crossed);
  }
  return Points;
}

} // namespace xfa
