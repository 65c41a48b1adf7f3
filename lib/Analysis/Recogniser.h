//===- Recogniser.h - state shared by the steps of recognition ------------===//
//
// Steps, each in its file: cores (AttentionCores.cpp), products around them and
// MLPs (Projections.cpp), norms and the rest of the roles (RoleAssignment.cpp),
// then the figures (Structure.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef XFA_LIB_ANALYSIS_RECOGNISER_H
#define XFA_LIB_ANALYSIS_RECOGNISER_H

#include "FlatGraph.h"

#include "xfa/Analysis/Structure.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

#include <map>

namespace xfa {

using NodeSet = llvm::SmallSetVector<NodeId, 16>;

/// A core with the nodes that belong to it.
struct FoundCore {
  AttentionCore Core;
  int Layer = -1;
  bool RowMask = false; ///< a mask that hides from one row what others see
  ValueId QueryOperand, KeyOperand, ValueOperand; ///< of the contractions
  /// Nodes between the two products, with their roles.
  llvm::SmallVector<std::pair<NodeId, Role>, 8> Between;
  llvm::SmallVector<ValueId, 2> MaskOperands;
  /// Indices into Recogniser::Products; -1: none.
  int Q = -1, K = -1, V = -1, Out = -1;
  /// Products in front of Q's, K's and V's own.
  llvm::SmallVector<std::pair<int, Role>, 2> LowRank;
  NodeSet QueryPath, KeyPath, ValuePath; ///< from the products to the core
};

/// A softmax, whatever its spelling.
struct SpelledSoftmax {
  NodeId Node; ///< that gives Result
  NodeId Axis; ///< that says along which axis it goes
  ValueId Input, Result;
  llvm::SmallVector<NodeId, 4> Parts; ///< nodes of it besides Node
  NodeId Divides; ///< by the sums, after the product with V; else none
};

struct FoundMlp {
  NodeId Operator; ///< that is all of it; else none
  int Up = -1, Gate = -1, Down = -1;
  Expr Hidden; ///< what Down reads, less what a core gives to it
  int Layer = -1;
  NodeSet Path; ///< from Up (and Gate) to Down
};

/// A decomposed norm, or the one node of a norm operator.
struct FoundNorm {
  llvm::SmallVector<NodeId, 8> Nodes;
  ValueId Input, Result;
  bool Centred = false; ///< subtracts the mean
  Expr Width;           ///< elements that are normalised together
};

class Recogniser {
public:
  Recogniser(const Model &M, const ShapeFacts &Facts, const Uses &U,
             ExprStore &Store, const GraphCosts *Costs)
      : ElseTaken(Costs ? elseBranches(M, *Costs) : std::vector<NodeId>()),
        G(M, Facts, ElseTaken), M(M), Facts(Facts), U(U), Store(Store),
        Costs(Costs) {}

  Structure run();

private:
  // AttentionCores.cpp
  void findCores();
  std::optional<SpelledSoftmax> spelledSoftmax(NodeId N) const;
  std::optional<FoundCore> coreOfSoftmax(const SpelledSoftmax &S);
  bool findScores(FoundCore &C, ValueId V, int64_t Axis, unsigned Depth);
  bool scoresBehind(FoundCore &C, ValueId V, int64_t Axis, unsigned Depth);
  bool findValues(FoundCore &C, ValueId Probabilities, int64_t Axis);

  // AttentionOperators.cpp
  std::optional<FoundCore> coreOfOperator(NodeId N);
  bool projectInside(AttentionCore &A, NodeId N, int64_t Heads);

  // CoreMeasure.cpp
  void measureCore(FoundCore &C);
  void measureSpelled(FoundCore &C);
  Expr distinctElements(const NodeSet &Path, ValueId V) const;

  // Projections.cpp
  void findProducts();
  bool isNormOfBlock(const FoundNorm &Norm, const FoundCore &C) const;
  int productOf(ValueId Operand, NodeSet &Path, const FoundCore &C);
  bool isScaling(NodeId N) const;
  void connectCores();
  llvm::SmallVector<ValueId, 4> streamsAbove(int Product) const;
  int productGiving(ValueId V) const;
  bool feeds(int Low, int Product) const;
  bool sameStream(int P, int Q) const;
  bool onStream(ValueId V) const;
  void findLowRank();
  int productAfter(ValueId Result);

  // Mlps.cpp
  void findMlps();
  void findExpertOperators(llvm::DenseSet<int> &Taken);
  std::optional<FoundMlp> mlpBefore(int Down,
                                    const llvm::DenseSet<int> &Taken) const;
  Expr widthLeft(int Product, bool InFront) const;

  // RowMask.cpp
  bool hidesByRow(ValueId Mask) const;
  bool mayHide(ValueId Mask) const;
  using AxesSeen = llvm::SmallDenseSet<std::pair<ValueId, unsigned>, 16>;
  bool hidesBy(unsigned FromEnd, ValueId V, AxesSeen &Seen) const;

  // Positions.cpp
  std::string positionScheme() const;
  bool addsTable(NodeId N) const;
  bool isAngles(ValueId Other, const FoundCore &C) const;
  enum class BiasKind { Alibi, Relative };
  std::optional<BiasKind> biasOf(ValueId V, Expr Heads,
                                 llvm::SmallDenseSet<ValueId, 16> &Seen,
                                 bool LookedUp = false) const;

  // Activations.cpp
  llvm::StringRef activationOf(const FoundMlp &L) const;

  // Norms.cpp
  void findNorms();
  llvm::StringRef normOfBlocks() const;

  // RoleAssignment.cpp
  void orderLayers();
  void assignRoles();
  void setRole(NodeId N, Role R, int Layer);
  void assignCoreRoles(const FoundCore &C);
  void assignPath(const NodeSet &Path, int Product, const FoundCore &C);
  void assignMlpRoles(const FoundMlp &L);
  void assignRouter(const FoundMlp &L);
  void assignNorms();
  void assignResiduals();
  void assignEnds();
  NodeId tokenTable(llvm::ArrayRef<NodeId> Tables) const;
  void assignUpstream(ValueId V, Role R, int Layer = -1);
  bool roleless(NodeId N) const;
  int normLayer(const FoundNorm &Norm) const;

  // Origins.cpp
  void describeOrigins();

  // Structure.cpp
  void describe();
  bool hidesLater() const;
  bool hasEncoder() const;
  void describeLowRank(FoundCore &C);
  void findUnplaced();
  void countLayers();
  Expr timesOf(NodeId N) const;

  std::vector<NodeId> ElseTaken;
  FlatGraph G;
  const Model &M;
  const ShapeFacts &Facts;
  const Uses &U;
  ExprStore &Store;
  const GraphCosts *Costs;
  Structure S;

  std::vector<FoundCore> Cores;
  std::vector<WeightProduct> Products;
  llvm::DenseMap<NodeId, int> ProductAt; ///< node or tail node → product
  std::vector<FoundMlp> Mlps;
  std::vector<FoundNorm> Norms;
  llvm::DenseMap<NodeId, int> NormAt;
  int LmHead = -1;
  NodeId TokenEmbedding;
  bool LearnedPositions = false, Rotary = false;

  /// Where no product was found, and the least depth from which that was.
  std::map<std::pair<ValueId, int64_t>, unsigned> NoScores;
};

} // namespace xfa

#endif // XFA_LIB_ANALYSIS_RECOGNISER_H
