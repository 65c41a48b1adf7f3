//===- Text.cpp - strings, and n-grams ------------------------------------===//

#include "Broadcasting.h"

namespace xfa {

/// Strings are moved and compared, not computed with: C6.
void costText(CostContext &) {}

void inferStringConcat(InferContext &Ctx) {
  inferBroadcast(Ctx, ElemType::String, 2);
}

void inferRegexFullMatch(InferContext &Ctx) {
  setLike(Ctx, 0, ElemType::Bool, 0);
}

/// Substrings in a new last axis as long as the most that one string has, and
/// their numbers.
void inferStringSplit(InferContext &Ctx) {
  setLike(Ctx, 1, ElemType::Int64, 0);
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, ElemType::String, unknownRank(Ctx, 0));
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  Dims.push_back(Ctx.unknownDim("the number of substrings depends on data"));
  Ctx.set(0, ElemType::String, Dims);
}

/// [C] or [1, C]; stop words fall out.
void inferStringNormalizer(InferContext &Ctx) {
  const Attribute *Stop = Ctx.node().attribute("stopwords");
  if (!Stop || Stop->Strings.empty() || !Ctx.hasRank(0) || Ctx.rank(0) == 0)
    return setLike(Ctx, 0, ElemType::String, 0);
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  Dims.back() = Ctx.unknownDim("the number of stop words depends on data");
  Ctx.set(0, ElemType::String, Dims);
}

/// [C] or [N, C] to the same with one column an n-gram of the pool.
void inferTfIdfVectorizer(InferContext &Ctx) {
  if (!Ctx.hasRank(0) || Ctx.rank(0) == 0)
    return Ctx.setUnknown(0, ElemType::Float32, unknownRank(Ctx, 0));
  auto Columns = Ctx.intsAttr("ngram_indexes");
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  if (Columns && !Columns->empty() && *llvm::max_element(*Columns) >= 0)
    Dims.back() = Ctx.constant(*llvm::max_element(*Columns)) + 1;
  else
    Dims.back() = Ctx.unknownDim("ngram_indexes is missing");
  Ctx.set(0, ElemType::Float32, Dims);
}

void costTfIdfVectorizer(CostContext &Ctx) {
  Ctx.unknown("how many n-grams are found depends on data"); // C16
}

} // namespace xfa
