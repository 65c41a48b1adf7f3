//===- Learning.cpp - ai.onnx.ml: classical models ------------------------===//

#include "ResultTypes.h"
#include "Shapes.h"

namespace xfa {

/// Elements are looked up or copied: C6.
void costLookup(CostContext &) {}

void costDataDependent(CostContext &Ctx) {
  Ctx.unknown("the work depends on data, and no rule counts it"); // C16
}

/// Length of a list attribute, of whatever kind; 0 if it is not there.
static int64_t listLength(const OpContext &Ctx, llvm::StringRef Name) {
  const Attribute *A = Ctx.node().attribute(Name);
  if (!A)
    return 0;
  return static_cast<int64_t>(
      std::max({A->Ints.size(), A->Floats.size(), A->Strings.size()}));
}

/// The rows of [N, features]; one for [features].
static Expr batchOf(InferContext &Ctx) {
  if (Ctx.hasRank(0) && Ctx.rank(0) == 1)
    return Ctx.constant(1);
  return dimOrUnknown(Ctx, 0, 0);
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

/// Binarizer, Imputer: the same type and shape.
void inferMLSame(InferContext &Ctx) { setLike(Ctx, 0, Ctx.elem(0), 0); }

/// Normalizer, Scaler: floats of the same shape.
void inferMLFloat(InferContext &Ctx) { setLike(Ctx, 0, ElemType::Float32, 0); }

/// C2: a comparison an element.
void costBinarizer(CostContext &Ctx) { Ctx.addVector(Ctx.outSize(0)); }

/// C2: Sub (offset) and Mul (scale), each where it is given.
void costScaler(CostContext &Ctx) {
  int64_t Steps = Ctx.hasAttr("offset") + Ctx.hasAttr("scale");
  Ctx.addVector(Steps * Ctx.outSize(0));
}

void inferLabelEncoder(InferContext &Ctx) {
  ElemType Elem = ElemType::Undefined;
  if (const Constant *Values = Ctx.tensorAttr("values_tensor"))
    Elem = Values->Elem;
  else if (Ctx.hasAttr("values_strings"))
    Elem = ElemType::String;
  else if (Ctx.hasAttr("values_int64s"))
    Elem = ElemType::Int64;
  else if (Ctx.hasAttr("values_floats"))
    Elem = ElemType::Float32;
  else if (Ctx.hasAttr("classes_strings")) // version 1: there and back
    Elem = Ctx.elem(0) == ElemType::String  ? ElemType::Int64
           : Ctx.elem(0) == ElemType::Int64 ? ElemType::String
                                            : ElemType::Undefined;
  const Constant *Default = Ctx.tensorAttr("default_tensor");
  if (Default && (Default->Elem != Elem || Default->numElements() != 1))
    return Ctx.fail("expected a default_tensor of one " + elemTypeName(Elem) +
                    ", found one of another type or size");
  setLike(Ctx, 0, Elem, 0);
}

/// Strings to integers, or integers to strings.
void inferCategoryMapper(InferContext &Ctx) {
  int64_t Numbers = listLength(Ctx, "cats_int64s");
  int64_t Names = listLength(Ctx, "cats_strings");
  if (Numbers != Names || Numbers == 0)
    return Ctx.fail("expected as many cats_int64s as cats_strings, found " +
                    llvm::Twine(Numbers) + " and " + llvm::Twine(Names));
  ElemType From = Ctx.elem(0);
  setLike(Ctx, 0,
          From == ElemType::String  ? ElemType::Int64
          : From == ElemType::Int64 ? ElemType::String
                                    : ElemType::Undefined,
          0);
}

//===----------------------------------------------------------------------===//
// Features
//===----------------------------------------------------------------------===//

/// Columns of the last axis, as many as there are indices; a vector counts as
/// one row.
void inferArrayFeatureExtractor(InferContext &Ctx) {
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, Ctx.elem(0), unknownRank(Ctx, 0));
  if (Ctx.rank(0) == 0)
    return Ctx.fail("expected at least one axis, found a scalar");
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  if (Dims.size() == 1)
    Dims.insert(Dims.begin(), Ctx.constant(1));
  Dims.back() = Ctx.hasRank(1) ? numElements(Ctx.store(), Ctx.dims(1))
                               : Ctx.unknownDim(unknownRank(Ctx, 1));
  Ctx.set(0, Ctx.elem(0), Dims);
}

/// C11: the gathered elements and the indices are read.
void costArrayFeatureExtractor(CostContext &Ctx) {
  Ctx.reads(0, Ctx.outSize(0));
}

/// A new last axis, one place a category.
void inferOneHotEncoder(InferContext &Ctx) {
  int64_t Numbers = listLength(Ctx, "cats_int64s");
  int64_t Names = listLength(Ctx, "cats_strings");
  if ((Numbers == 0) == (Names == 0))
    return Ctx.fail("expected either cats_int64s or cats_strings, found " +
                    llvm::Twine(Numbers ? "both" : "neither"));
  if (!Ctx.hasRank(0))
    return Ctx.setUnknown(0, ElemType::Float32, unknownRank(Ctx, 0));
  Shape Dims(Ctx.dims(0).begin(), Ctx.dims(0).end());
  int64_t Categories =
      std::max(listLength(Ctx, "cats_int64s"), listLength(Ctx, "cats_strings"));
  Dims.push_back(Categories ? Ctx.constant(Categories)
                            : Ctx.unknownDim("no categories are given"));
  Ctx.set(0, ElemType::Float32, Dims);
}

/// [N, sum of the inputs' widths]
void inferFeatureVectorizer(InferContext &Ctx) {
  Expr Width = Ctx.constant(0);
  if (auto Widths = Ctx.intsAttr("inputdimensions"))
    for (int64_t W : *Widths)
      Width += Ctx.constant(W);
  else
    for (unsigned I = 0; I < Ctx.numInputs(); ++I)
      Width += Ctx.hasRank(I) && Ctx.rank(I) == 2
                   ? Ctx.dim(I, 1)
                   : Ctx.unknownDim("the width of an input is not known");
  Ctx.set(0, ElemType::Float32, {batchOf(Ctx), Width});
}

/// A map to [1, vocabulary].
void inferDictVectorizer(InferContext &Ctx) {
  int64_t Words = std::max(listLength(Ctx, "string_vocabulary"),
                           listLength(Ctx, "int64_vocabulary"));
  const ValueFacts &In = Ctx.input(0);
  ElemType Elem = In.Kind == ValueFacts::Map && In.Item ? In.Item->Elem
                                                        : ElemType::Undefined;
  Ctx.set(0, Elem,
          {Ctx.constant(1), Words ? Ctx.constant(Words)
                                  : Ctx.unknownDim("no vocabulary is given")});
}

/// A map to [1, max_map], or to its values, [1, ?].
void inferCastMap(InferContext &Ctx) {
  llvm::StringRef To = Ctx.stringAttr("cast_to", "TO_FLOAT");
  ElemType Elem = To == "TO_STRING"  ? ElemType::String
                  : To == "TO_INT64" ? ElemType::Int64
                                     : ElemType::Float32;
  bool Sparse = Ctx.stringAttr("map_form", "DENSE") == "SPARSE";
  int64_t Size = Ctx.intAttr("max_map", 1);
  Ctx.set(0, Elem,
          {Ctx.constant(1), Sparse && Size >= 0
                                ? Ctx.constant(Size)
                                : Ctx.unknownDim("the map's size is data")});
}

/// A sequence of maps from class to score, one a row.
void inferZipMap(InferContext &Ctx) {
  ValueFacts Map;
  Map.Kind = ValueFacts::Map;
  Map.Elem =
      Ctx.hasAttr("classlabels_strings") ? ElemType::String : ElemType::Int64;
  Map.Item = std::make_shared<ValueFacts>();
  Map.Item->Kind = ValueFacts::Tensor;
  Map.Item->Elem = ElemType::Float32;
  Map.Item->HasRank = true;
  ValueFacts Sequence;
  Sequence.Kind = ValueFacts::Sequence;
  Sequence.Item = std::make_shared<ValueFacts>(std::move(Map));
  Ctx.set(0, std::move(Sequence));
}

//===----------------------------------------------------------------------===//
// Regressors and classifiers
//===----------------------------------------------------------------------===//

static void setRegression(InferContext &Ctx, ElemType Elem,
                          std::optional<int64_t> Targets) {
  Ctx.set(0, Elem,
          {batchOf(Ctx), Targets && *Targets >= 0
                             ? Ctx.constant(*Targets)
                             : Ctx.unknownDim("n_targets is missing")});
}

void inferLinearRegressor(InferContext &Ctx) {
  setRegression(Ctx, ElemType::Float32, Ctx.intAttr("targets", 1));
}

/// C1: [N, C] by [C, targets], and a bias where intercepts are given.
void costLinearRegressor(CostContext &Ctx) {
  if (Ctx.stringAttr("post_transform", "NONE") != "NONE")
    return Ctx.unknown("no rule counts this post_transform"); // C16
  Expr Size = Ctx.outSize(0);
  Ctx.addMatrix(2 * Size * costDim(Ctx, 0, -1));
  if (listLength(Ctx, "intercepts"))
    Ctx.addVector(Size);
}

void inferSVMRegressor(InferContext &Ctx) {
  setRegression(Ctx, ElemType::Float32, 1);
}

void inferTreeEnsembleRegressor(InferContext &Ctx) {
  setRegression(Ctx, ElemType::Float32, Ctx.intAttr("n_targets"));
}

/// The lists over nodes and over leaves are parallel, and numbers in them have
/// the input's type. Gives what is wrong with them.
static std::string treeListsError(const OpContext &Ctx) {
  int64_t Nodes = listLength(Ctx, "nodes_featureids");
  for (const char *Name : {"nodes_truenodeids", "nodes_falsenodeids",
                           "nodes_trueleafs", "nodes_falseleafs"})
    if (listLength(Ctx, Name) != Nodes)
      return "expected " + std::to_string(Nodes) + " " + Name + ", found " +
             std::to_string(listLength(Ctx, Name));
  std::pair<const char *, int64_t> Tensors[] = {
      {"nodes_splits", Nodes},
      {"leaf_weights", listLength(Ctx, "leaf_targetids")}};
  for (auto [Name, Count] : Tensors) {
    const Constant *C = Ctx.tensorAttr(Name);
    if (!C)
      continue;
    if (C->numElements() != Count)
      return "expected " + std::to_string(Count) + " " + Name +
             ", found another number";
    if (Ctx.elem(0) != ElemType::Undefined && C->Elem != Ctx.elem(0))
      return std::string("expected ") + Name + " of type " +
             elemTypeName(Ctx.elem(0)).str() + ", found " +
             elemTypeName(C->Elem).str();
  }
  return "";
}

/// Version 5: the result has the input's type.
void inferTreeEnsemble(InferContext &Ctx) {
  if (std::string Why = treeListsError(Ctx); !Why.empty())
    return Ctx.fail(Why);
  setRegression(Ctx, Ctx.elem(0), Ctx.intAttr("n_targets"));
}

/// The class of each row, and a score a row and class.
static void setClassification(InferContext &Ctx, bool Strings, Expr Scores) {
  Expr Batch = batchOf(Ctx);
  Ctx.set(0, Strings ? ElemType::String : ElemType::Int64, Batch);
  Ctx.set(1, ElemType::Float32, {Batch, Scores});
}

/// TreeEnsembleClassifier and LinearClassifier.
void inferClassifier(InferContext &Ctx) {
  bool Linear = Ctx.node().Kind == OpKind::LinearClassifier;
  int64_t Strings = listLength(Ctx, "classlabels_strings");
  int64_t Labels =
      std::max(Strings, listLength(Ctx, Linear ? "classlabels_ints"
                                               : "classlabels_int64s"));
  // Two classes may share one row of coefficients; the second score is
  // derived from it.
  int64_t Rows = Linear ? listLength(Ctx, "intercepts") : 0;
  bool Agrees = Rows == 0 || Rows == Labels || (Rows == 1 && Labels == 2);
  setClassification(Ctx, Strings > 0,
                    Labels > 0 && Agrees
                        ? Ctx.constant(Labels)
                        : Ctx.unknownDim("the number of classes is unclear"));
}

/// Scores are probabilities a class if prob_a is given, else pairwise.
void inferSVMClassifier(InferContext &Ctx) {
  int64_t Strings = listLength(Ctx, "classlabels_strings");
  int64_t Labels = std::max(Strings, listLength(Ctx, "classlabels_ints"));
  bool Probabilities = listLength(Ctx, "prob_a") > 0;
  setClassification(
      Ctx, Strings > 0,
      Labels > 0 && (Probabilities || Labels <= 2)
          ? Ctx.constant(Labels)
          : Ctx.unknownDim("runtimes differ in the number of raw scores"));
}

} // namespace xfa
