//===- FuseTestSupport.h - attention cores to run passes on ---------------===//

#ifndef XFA_TEST_UNIT_TRANSFORM_FUSETESTSUPPORT_H
#define XFA_TEST_UNIT_TRANSFORM_FUSETESTSUPPORT_H

#include "Import/ImportTestSupport.h"

#include "xfa/Transform/Pipeline.h"

namespace xfa::test {

/// A core over [B,H,N,d]: Body between its parts, Result behind it.
inline std::string core(llvm::StringRef Body,
                        llvm::StringRef Outputs = "float16[B,4,N,8] y") {
  return ("g (float16[B,4,N,8] q, float16[B,4,N,8] k, float16[B,4,N,8] v, "
          "float16[B,1,N,N] mask) => (" +
          Outputs +
          ")\n<float16 c = {14336}, float16 e = {16384}>\n{\n"
          "t = Transpose <perm = [0, 1, 3, 2]> (k)\n" +
          Body + "\n}")
      .str();
}

inline constexpr llvm::StringLiteral Plain = R"(
  s = MatMul (q, t)
  r = Mul (s, c)
  m = Add (r, mask)
  p = Softmax <axis = -1> (m)
  y = MatMul (p, v))";

struct Outcome {
  PassResult Result;
  std::vector<std::string> Ops;
  std::string Error;
};

/// What a pass does to a core; verified.
inline Outcome run(llvm::StringRef Passes, const std::string &Text) {
  Outcome R;
  Imported I = importText(Text);
  if (!I.M) {
    R.Error = I.Error;
    return R;
  }
  llvm::Expected<std::vector<PassInfo>> Parsed = parsePasses(Passes);
  EXPECT_TRUE(static_cast<bool>(Parsed));
  PipelineOptions Options;
  Options.VerifyEach = true;
  auto Runs = runPasses(*I.M, *Parsed, Options);
  if (!Runs) {
    R.Error = llvm::toString(Runs.takeError());
    return R;
  }
  R.Result = Runs->back();
  R.Ops = ops(*I.M, I->main());
  return R;
}

using Names = std::vector<std::string>;

/// Why a pass that does not fire does not.
inline std::string reason(llvm::StringRef Pass, const std::string &Text) {
  Outcome R = run(Pass, Text);
  EXPECT_EQ(R.Error, "");
  EXPECT_EQ(R.Result.Fired, 0);
  return R.Result.Refused.empty() ? "" : R.Result.Refused[0].Why;
}

} // namespace xfa::test

#endif // XFA_TEST_UNIT_TRANSFORM_FUSETESTSUPPORT_H
