//===- LearningTest.cpp - classical models, text, losses, optimizers ------===//

#include "OpTest.h"

using namespace xfa;

static constexpr const char *ML = "ai.onnx.ml";
static constexpr const char *Ms = "com.microsoft";
static constexpr const char *Training = "ai.onnx.preview.training";

TEST(Learning, ArrayFeatureExtractorPicksColumns) {
  OneNode N("ArrayFeatureExtractor", 1, ML),
      Vector("ArrayFeatureExtractor", 1, ML);
  N.input("B,10").input("3", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[B,3]");
  EXPECT_EQ(toString(N.cost().Reads.front().second), "3*B"); // C11
  Vector.input("10").input("3", ElemType::Int64);
  EXPECT_EQ(Vector.shape(), "[1,3]");
}

TEST(Learning, LabelEncoderTakesTheTypeOfItsValues) {
  OneNode N("LabelEncoder", 4, ML);
  N.input("B", ElemType::String).attrInts("values_int64s", {1, 2});
  EXPECT_EQ(N.shape(), "[B]");
  EXPECT_EQ(N.elem(), ElemType::Int64);
}

TEST(Learning, ClassifierGivesLabelsAndScores) {
  OneNode N("LinearClassifier", 1, ML, 2);
  N.input("B,10").attrInts("classlabels_ints", {0, 1, 2});
  N.attrFloats("intercepts", {0, 0, 0});
  EXPECT_EQ(N.shape(0), "[B]");
  EXPECT_EQ(N.elem(0), ElemType::Int64);
  EXPECT_EQ(N.shape(1), "[B,3]");
  EXPECT_EQ(N.elem(1), ElemType::Float32);
}

TEST(Learning, RawPairwiseScoresAreUnclear) {
  OneNode N("SVMClassifier", 1, ML, 2);
  N.input("B,10").attrInts("classlabels_ints", {0, 1, 2});
  EXPECT_EQ(N.shape(1), "[B,?]");
}

TEST(Learning, CategoriesComeInPairs) {
  OneNode N("CategoryMapper", 1, ML);
  N.input("B", ElemType::String).attrInts("cats_int64s", {1, 2});
  EXPECT_EQ(N.error(),
            "expected as many cats_int64s as cats_strings, found 2 and 0");
}

TEST(Learning, ListsOverNodesAreParallel) {
  OneNode N("TreeEnsemble", 5, ML);
  N.input("B,4").attrInts("nodes_featureids", {0, 1});
  N.attrInts("nodes_truenodeids", {0});
  EXPECT_EQ(N.error(), "expected 2 nodes_truenodeids, found 1");
}

TEST(LearningCost, C1_LinearRegressor) {
  OneNode N("LinearRegressor", 1, ML);
  N.input("B,10").attr("targets", int64_t(2)).attrFloats("intercepts", {1, 2});
  EXPECT_EQ(N.shape(), "[B,2]");
  EXPECT_EQ(N.matrix(), "40*B"); // 2 * 2 * 10
  EXPECT_EQ(N.vector(), "2*B");
}

TEST(LearningCost, C16_TreesDependOnData) {
  OneNode N("TreeEnsembleRegressor", 3, ML);
  N.input("B,10").attr("n_targets", int64_t(1));
  EXPECT_EQ(N.shape(), "[B,1]");
  EXPECT_EQ(N.vector(), "?");
}

TEST(Text, StopWordsFallOut) {
  OneNode N("StringNormalizer", 10);
  N.input("1,C", ElemType::String);
  EXPECT_EQ(N.shape(), "[1,C]"); // none are given
}

TEST(Text, SplitHasAnAxisMore) {
  OneNode N("StringSplit", 20, "", 2);
  N.input("B", ElemType::String);
  EXPECT_EQ(N.shape(0), "[B,?]");
  EXPECT_EQ(N.shape(1), "[B]");
}

TEST(Text, TfIdfHasAColumnAnNGram) {
  OneNode N("TfIdfVectorizer", 9);
  N.input("B,12", ElemType::Int32).attrInts("ngram_indexes", {0, 2, 6, 5});
  EXPECT_EQ(N.shape(), "[B,7]"); // 6 + 1
}

TEST(Loss, ReductionNoneIsALossALabel) {
  OneNode N("SoftmaxCrossEntropyLoss", 13, "", 2);
  N.input("B,10,H,W").input("B,H,W", ElemType::Int64);
  N.attr("reduction", "none");
  EXPECT_EQ(N.shape(0), "[B,H,W]");
  EXPECT_EQ(N.shape(1), "[B,10,H,W]");
}

TEST(Loss, MeanByDefault) {
  OneNode N("NegativeLogLikelihoodLoss", 13);
  N.input("B,10").input("B", ElemType::Int64);
  EXPECT_EQ(N.shape(), "[]");
}

TEST(LossCost, C5_NegAndReduceMean) {
  OneNode N("NegativeLogLikelihoodLoss", 13);
  N.input("B,10").input("B", ElemType::Int64);
  EXPECT_EQ(N.vector(), "1 + 2*B"); // Neg B, ReduceMean B + 1
}

TEST(LossCost, C5_IgnoredLabels) {
  OneNode N("NegativeLogLikelihoodLoss", 13);
  N.input("B,10").input("B", ElemType::Int64);
  N.attr("ignore_index", int64_t(1)).attr("reduction", "sum");
  // Sub, Equal, Where, Where, Neg, Where, Mul, ReduceSum
  EXPECT_EQ(N.vector(), "8*B");
}

TEST(LossCost, C5_LogSoftmaxFirst) {
  OneNode N("SoftmaxCrossEntropyLoss", 13);
  N.input("B,10").input("B", ElemType::Int64).attr("reduction", "none");
  EXPECT_EQ(N.vector(), "52*B"); // 5 * 10, Log, Neg
}

TEST(LossCost, C5_IgnoredLabelOfAnInput) {
  OneNode N("SoftmaxCrossEntropyLossInternal", 1, Ms, 2);
  N.input("B,10").input("B", ElemType::Int64).absent();
  N.input("", ElemType::Int64).attr("reduction", "sum");
  EXPECT_EQ(N.shape(0), "[]");
  EXPECT_EQ(N.shape(1), "[B,10]");
  // 5 * 10 and Log; Sub, Equal, Where, Where, Neg, Where, Mul, ReduceSum
  EXPECT_EQ(N.vector(), "59*B");
}

TEST(Loss, SparseHasTheClassesLast) {
  OneNode N("SparseSoftmaxCrossEntropy", 9, "", 2);
  N.input("B,S,10").input("B,S", ElemType::Int64).input("B,S");
  EXPECT_EQ(N.shape(0), "[]");
  EXPECT_EQ(N.shape(1), "[B,S,10]");
  // LogSoftmax 5 * 10 and Log; Neg, Mul, ReduceSum twice, and one Div
  EXPECT_EQ(N.vector(), "1 + 55*B*S");
}

TEST(Gradient, C5_BodiesOfElementwise) {
  OneNode Gelu("GeluGrad", 1, Ms), Tanh("TanhGrad", 9);
  Gelu.input("B,8").input("B,8");
  EXPECT_EQ(Gelu.vector(), "88*B"); // eleven operators
  Tanh.input("B,8").input("B,8");
  EXPECT_EQ(Tanh.vector(), "24*B"); // Mul, Sub, Mul
}

TEST(Gradient, C5_BodyOfSoftmax) {
  OneNode N("SoftmaxGrad", 9), OneAxis("SoftmaxGrad_13", 1, Ms);
  N.input("B,8").input("B,8");
  EXPECT_EQ(N.shape(), "[B,8]");
  EXPECT_EQ(N.vector(), "32*B"); // Mul, ReduceSum, Sub, Mul
  OneAxis.input("B,8").input("B,8");
  EXPECT_EQ(OneAxis.vector(), "32*B");
}

TEST(Gradient, ShapesAreThoseOfTheForwardPass) {
  OneNode Norm("LayerNormalizationGrad", 9, "", 3), Div("DivGrad", 9, "", 2);
  Norm.input("B,8").input("B,8").input("8").input("B,1").input("B,1");
  EXPECT_EQ(Norm.shape(0), "[B,8]");
  EXPECT_EQ(Norm.shape(1), "[8]");
  EXPECT_EQ(Norm.shape(2), "[8]");
  EXPECT_EQ(Norm.vector(), "?"); // C16: no body
  Div.input("B,8").input("B,8").input("8");
  EXPECT_EQ(Div.shape(0), "[B,8]");
  EXPECT_EQ(Div.shape(1), "[8]");
}

TEST(Gradient, OfAGatherHasTheShapeThatItIsGiven) {
  OneNode N("GatherNDGrad", 1), Runtime("GatherGrad", 9);
  N.ints("B,20,8").input("B,5,1", ElemType::Int64).input("B,5,8");
  EXPECT_EQ(N.shape(), "[B,20,8]");
  EXPECT_EQ(N.elem(), ElemType::Float32);
  Runtime.input("3", ElemType::Int64).input("B", ElemType::Int64).input("B,8");
  EXPECT_EQ(Runtime.shape(), "[?,?,?]");
}

TEST(Gradient, OfAReshapeMayBeAView) {
  OneNode N("ReshapeGrad", 9);
  N.input("B,4,2").input("B,8");
  EXPECT_EQ(N.shape(), "[B,4,2]");
  EXPECT_EQ(N.vector(), "?");
  EXPECT_EQ(N.reads(0), "0"); // only its shape
  EXPECT_EQ(N.reads(1), "0"); // a lower bound
  EXPECT_EQ(N.writes(0), "0");
}

TEST(Optimizer, AdamReturnsTensorsAndBothStates) {
  OneNode N("Adam", 1, Training, 6);
  N.input("").input("", ElemType::Int64);
  for (const char *Dims : {"A", "B", "A", "B", "A", "B", "A", "B"})
    N.input(Dims);
  for (unsigned O : {0u, 2u, 4u})
    EXPECT_EQ(N.shape(O), "[A]");
  for (unsigned O : {1u, 3u, 5u})
    EXPECT_EQ(N.shape(O), "[B]");
}
