//===- Activations.cpp - which nonlinearity an MLP has --------------------===//
//
// The expression between the products is worked out at some points and held
// against known functions: spellings differ, values do not. Weights in between
// (a bias, a gain for each channel) are none of its business.
//
//===----------------------------------------------------------------------===//

#include "Recogniser.h"

#include <algorithm>
#include <cmath>

namespace xfa {

namespace {

double sigmoid(double X) { return 1 / (1 + std::exp(-X)); }
double softplus(double X) { return std::log1p(std::exp(X)); }
double gelu(double X) { return X / 2 * (1 + std::erf(X / std::sqrt(2.0))); }
double tanhGelu(double X) {
  const double Inner =
      std::sqrt(2 / 3.14159265358979323846) * (X + 0.044715 * X * X * X);
  return X / 2 * (1 + std::tanh(Inner));
}
double relu(double X) { return std::max(X, 0.0); }

double elu(double X) { return X < 0 ? std::expm1(X) : X; }
double selu(double X) {
  return 1.0507009873554805 * (X < 0 ? 1.6732632423543772 * std::expm1(X) : X);
}

struct KnownFunction {
  llvm::StringLiteral Name;
  double (*Of)(double);
};

constexpr KnownFunction KnownFunctions[] = {
    {"relu", relu},
    {"relu_squared", [](double X) { return relu(X) * relu(X); }},
    {"gelu", gelu},
    {"gelu_tanh", tanhGelu},
    {"quick_gelu", [](double X) { return X * sigmoid(1.702 * X); }},
    {"silu", [](double X) { return X * sigmoid(X); }},
    {"mish", [](double X) { return X * std::tanh(softplus(X)); }},
    {"sigmoid", sigmoid},
    {"tanh", [](double X) { return std::tanh(X); }},
    {"softplus", softplus},
    {"selu", selu},
    {"elu", elu},
    {"leaky_relu", [](double X) { return X < 0 ? 0.01 * X : X; }},
    {"softsign", [](double X) { return X / (1 + std::fabs(X)); }},
    {"sin", [](double X) { return std::sin(X); }},
    {"exp", [](double X) { return std::exp(X); }},
    {"relu6", [](double X) { return std::min(relu(X), 6.0); }},
    {"hard_swish",
     [](double X) { return X * std::min(relu(X / 6 + 0.5), 1.0); }},
};

constexpr double Points[] = {-4.1, -2.3, -1.1, -0.37, 0.41,
                             0.93, 2.2,  3.7,  7.3};

/// The value of an expression where the products before it are X.
class Expression {
public:
  Expression(const FlatGraph &G, const llvm::DenseMap<NodeId, int> &ProductAt,
             int Up, int Gate, double X)
      : G(G), M(G.M), ProductAt(ProductAt), Up(Up), Gate(Gate), X(X) {}

  std::optional<double> at(ValueId V, unsigned Depth = 0);

private:
  std::optional<double> node(NodeId N, unsigned Depth);
  std::optional<double> pair(NodeId N, unsigned Depth);
  double number(NodeId N, llvm::StringRef Name, double Default) const {
    const Attribute *A = M[N].attribute(Name);
    return A ? A->F : Default;
  }

  const FlatGraph &G;
  const Model &M;
  const llvm::DenseMap<NodeId, int> &ProductAt;
  int Up, Gate;
  double X;
  llvm::DenseMap<ValueId, std::optional<double>> Seen;
};

std::optional<double> Expression::at(ValueId V, unsigned Depth) {
  V = G.canonical(V);
  if (!V || Depth > 64)
    return std::nullopt;
  auto [It, New] = Seen.try_emplace(V);
  if (!New)
    return It->second;
  std::optional<double> Value;
  NodeId N = G.producer(V);
  auto Product = N ? ProductAt.find(N) : ProductAt.end();
  if (G.folded(V) && G.oneElement(V)) {
    if (Element E = G.Facts[V].Known.at(0); E.kind() == Element::Float)
      Value = E.number();
    else if (E.kind() == Element::Int && E.expr().isConstant())
      Value = static_cast<double>(*E.expr().constant());
  } else if (Product != ProductAt.end()) {
    // Beside a gate, the product that goes through no nonlinearity is 1.
    Value = Gate >= 0 && Gate != Up && Product->second == Up ? 1 : X;
  } else if (N) {
    Value = node(N, Depth + 1);
  }
  return Seen[V] = Value;
}

/// Of two operands; a weight of many elements adds nothing and scales nothing.
std::optional<double> Expression::pair(NodeId N, unsigned Depth) {
  const auto [First, Second] = dataOperands(G.kind(N));
  ValueId Left = G.operand(N, First), Right = G.operand(N, Second);
  // A quantised number alone says nothing.
  if (plainKind(G.kind(N)) != G.kind(N) && (G.folded(Left) || G.folded(Right)))
    return std::nullopt;
  auto IsVector = [&](ValueId V) { return G.folded(V) && !G.oneElement(V); };
  if (IsVector(Right))
    return at(Left, Depth);
  if (IsVector(Left) && G.kind(N) != OpKind::Sub && G.kind(N) != OpKind::Div)
    return at(Right, Depth);
  std::optional<double> A = at(Left, Depth), B = at(Right, Depth);
  if (!A || !B)
    return std::nullopt;
  switch (plainKind(G.kind(N))) {
  case OpKind::Add:
    return *A + *B;
  case OpKind::Sub:
    return *A - *B;
  case OpKind::Mul:
    return *A * *B;
  case OpKind::Div:
    return *A / *B;
  case OpKind::Pow:
    return std::pow(*A, *B);
  case OpKind::Max:
    return std::max(*A, *B);
  case OpKind::Min:
    return std::min(*A, *B);
  default:
    return std::nullopt;
  }
}

std::optional<double> Expression::node(NodeId N, unsigned Depth) {
  switch (plainKind(G.kind(N))) {
  case OpKind::Add:
  case OpKind::Sub:
  case OpKind::Mul:
  case OpKind::Div:
  case OpKind::Pow:
    return pair(N, Depth);
  case OpKind::Max:
  case OpKind::Min:
    return M[N].Inputs.size() == 2 ? pair(N, Depth) : std::nullopt;
  case OpKind::Concat: {
    // A product that serves attention too reads both: what attention gave is
    // no expression of the MLP's.
    std::optional<double> Only;
    for (unsigned I = 0; I < M[N].Inputs.size(); ++I)
      if (std::optional<double> Each = at(G.operand(N, I), Depth)) {
        if (Only && *Only != *Each)
          return std::nullopt;
        Only = Each;
      }
    return Only;
  }
  default:
    break;
  }
  std::optional<double> In = at(G.operand(N, 0), Depth);
  if (!In)
    return std::nullopt;
  const double A = *In;
  switch (plainKind(G.kind(N))) {
  case OpKind::Neg:
    return -A;
  case OpKind::Abs:
    return std::fabs(A);
  case OpKind::Sqrt:
    return std::sqrt(A);
  case OpKind::Exp:
    return std::exp(A);
  case OpKind::Log:
    return std::log(A);
  case OpKind::Reciprocal:
    return 1 / A;
  case OpKind::Tanh:
    return std::tanh(A);
  case OpKind::Erf:
    return std::erf(A);
  case OpKind::Sigmoid:
    return sigmoid(A);
  case OpKind::Relu:
    return relu(A);
  case OpKind::Softplus:
    return softplus(A);
  case OpKind::Mish:
    return A * std::tanh(softplus(A));
  case OpKind::HardSigmoid:
    return std::clamp(number(N, "alpha", 0.2) * A + number(N, "beta", 0.5), 0.0,
                      1.0);
  case OpKind::HardSwish:
    return A * std::clamp(A / 6 + 0.5, 0.0, 1.0);
  case OpKind::LeakyRelu:
    return A < 0 ? number(N, "alpha", 0.01) * A : A;
  case OpKind::Elu:
    return A < 0 ? number(N, "alpha", 1) * std::expm1(A) : A;
  case OpKind::Celu: {
    const double Alpha = number(N, "alpha", 1);
    return A < 0 ? Alpha * std::expm1(A / Alpha) : A;
  }
  case OpKind::Selu:
    return number(N, "gamma", 1.0507009873554805) *
           (A < 0 ? number(N, "alpha", 1.6732632423543772) * std::expm1(A) : A);
  case OpKind::ThresholdedRelu:
    return A > number(N, "alpha", 1) ? A : 0;
  case OpKind::Softsign:
    return A / (1 + std::fabs(A));
  case OpKind::Sin:
    return std::sin(A);
  case OpKind::Cos:
    return std::cos(A);
  case OpKind::Swish:
    return A * sigmoid(number(N, "alpha", 1) * A);
  case OpKind::MsQuickGelu:
    return A * sigmoid(number(N, "alpha", 1.702) * A);
  case OpKind::MsFastGelu:
    return tanhGelu(A);
  case OpKind::Gelu:
  case OpKind::MsGelu:
  case OpKind::MsBiasGelu: {
    const Attribute *How = M[N].attribute("approximate");
    return How && How->S == "tanh" ? tanhGelu(A) : gelu(A);
  }
  case OpKind::Clip: {
    double Value = A;
    if (ValueId Low = G.operand(N, 1)) {
      std::optional<double> Bound = at(Low, Depth);
      if (!Bound)
        return std::nullopt;
      Value = std::max(Value, *Bound);
    } else {
      Value = std::max(Value, number(N, "min", Value));
    }
    if (ValueId High = G.operand(N, 2)) {
      std::optional<double> Bound = at(High, Depth);
      if (!Bound)
        return std::nullopt;
      return std::min(Value, *Bound);
    }
    return std::min(Value, number(N, "max", Value));
  }
  default:
    return G.isPassThrough(N) || quantises(G.kind(N)) ? In : std::nullopt;
  }
}

} // namespace

llvm::StringRef Recogniser::activationOf(const FoundMlp &L) const {
  if (L.Operator) {
    const Attribute *A = M[L.Operator].attribute("activation_type");
    llvm::StringRef Name = A ? A->S : "relu";
    return Name == "swiglu" ? "silu" : Name == "identity" ? "none" : Name;
  }
  // A packed product is both halves of a gated unit: X times the function.
  const bool Packed = L.Gate >= 0 && L.Gate == L.Up;
  llvm::SmallVector<double, std::size(Points)> Values;
  for (double X : Points) {
    std::optional<double> Value =
        Expression(G, ProductAt, L.Up, L.Gate, X).at(Products[L.Down].Operand);
    if (!Value || !std::isfinite(*Value))
      return "other";
    Values.push_back(*Value);
  }
  llvm::StringRef Name = "other";
  // Constants of 16-bit graphs are that far off; different functions are
  // further apart, and the nearest is taken.
  double Nearest = 3e-3;
  for (const KnownFunction &F : KnownFunctions) {
    double Worst = 0;
    for (auto [X, Value] : llvm::zip(Points, Values)) {
      const double Expected = F.Of(X) * (Packed ? X : 1);
      Worst = std::max(Worst, std::fabs(Value - Expected) /
                                  std::max(1.0, std::fabs(Expected)));
    }
    if (Worst < Nearest) {
      Nearest = Worst;
      Name = F.Name;
    }
  }
  return Name;
}

} // namespace xfa
