//===- PlanningOptions.cpp - parsers of --draft and its like --------------===//

#include "xfa/Analysis/Explain.h"
#include "xfa/Report/Options.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace xfa {

llvm::Expected<int64_t> parseGamma(llvm::StringRef Text) {
  int64_t Gamma = 0;
  static constexpr int64_t Most = 1000000;
  if (Text.getAsInteger(10, Gamma) || Gamma < 1 || Gamma > Most)
    return usageError("--gamma=" + Text + ": expected an integer from 1 to " +
                      llvm::Twine(Most) +
                      ", the tokens that the draft proposes in a round");
  return Gamma;
}

llvm::Expected<double> parseAlpha(llvm::StringRef Text) {
  double Alpha = 0;
  if (Text.getAsDouble(Alpha) || !(Alpha >= 0 && Alpha <= 1))
    return usageError("--alpha=" + Text +
                      ": expected a number in [0, 1], how likely a proposed "
                      "token is accepted");
  return Alpha;
}

llvm::Expected<RequestSize> parseRequest(llvm::StringRef Text) {
  RequestSize R;
  llvm::SmallVector<llvm::StringRef, 2> Parts;
  Text.split(Parts, ',');
  for (llvm::StringRef Part : Parts) {
    auto [Name, Value] = Part.split('=');
    Name = Name.trim();
    int64_t *To = Name == "prompt" ? &R.Prompt
                  : Name == "new"  ? &R.New
                                   : nullptr;
    if (!To || *To)
      return usageError("--request=\"" + Text +
                        "\": expected prompt=TOKENS,new=TOKENS, got '" +
                        Part.trim() + "'");
    if (Value.trim().getAsInteger(10, *To) || *To < 1)
      return usageError("--request=\"" + Text + "\": " + Name +
                        " must be a positive integer, got '" + Value.trim() +
                        "'");
  }
  if (!R.Prompt || !R.New)
    return usageError("--request=\"" + Text +
                      "\": expected prompt=TOKENS,new=TOKENS, got no " +
                      (R.Prompt ? "new" : "prompt"));
  if (R.New > MostNewTokens)
    return usageError("--request=\"" + Text + "\": at most " +
                      llvm::Twine(MostNewTokens) + " new tokens");
  return R;
}

llvm::Expected<llvm::SmallVector<Role, 2>> parseExplain(llvm::StringRef Text) {
  llvm::SmallVector<Role, 2> Roles;
  llvm::SmallVector<llvm::StringRef, 2> Names;
  Text.split(Names, ',');
  for (llvm::StringRef Name : Names) {
    std::optional<Role> R = roleFromName(Name.trim());
    if (!R || !llvm::is_contained(explainableRoles(), *R)) {
      std::string Known;
      for (Role Each : explainableRoles())
        Known += (Known.empty() ? "" : " ") + roleName(Each).str();
      return usageError("--explain=" + Text +
                        ": the textbook has no rule for '" + Name.trim() +
                        "'; it has for: " + Known);
    }
    if (!llvm::is_contained(Roles, *R))
      Roles.push_back(*R);
  }
  return Roles;
}

} // namespace xfa
