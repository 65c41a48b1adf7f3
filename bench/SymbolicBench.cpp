//===- SymbolicBench.cpp - how fast expressions are -----------------------===//
//
// Shape inference asks the same questions of layer after layer, so what counts
// most is an operation whose operands have met before.
//
//===----------------------------------------------------------------------===//

#include "xfa/Symbolic/Expr.h"

#include "benchmark/benchmark.h"

using namespace xfa;

static Expr sample(ExprStore &Store) {
  Expr B = Store.symbol("B"), N = Store.symbol("N");
  return 2949888000 + 3379200 * B * N + 14400 * B * N * N;
}

template <Expr (*Operation)(Expr, Expr)>
static void repeated(benchmark::State &State) {
  ExprStore Store;
  Expr A = sample(Store), B = Store.symbol("N") + 7;
  for (auto _ : State)
    benchmark::DoNotOptimize(Operation(A, B));
}
static Expr addUp(Expr A, Expr B) { return A + B; }
static Expr multiplyUp(Expr A, Expr B) { return A * B; }
BENCHMARK(repeated<addUp>)->Name("repeated/add");
BENCHMARK(repeated<multiplyUp>)->Name("repeated/mul");
BENCHMARK(repeated<floorDiv>)->Name("repeated/floorDiv");
BENCHMARK(repeated<exactDiv>)->Name("repeated/exactDiv");
BENCHMARK(repeated<max>)->Name("repeated/max");
BENCHMARK(repeated<mod>)->Name("repeated/mod");

static void repeatedLess(benchmark::State &State) {
  ExprStore Store;
  Expr A = sample(Store), B = Store.symbol("N") + 7;
  for (auto _ : State)
    benchmark::DoNotOptimize(less(A, B));
}
BENCHMARK(repeatedLess)->Name("repeated/less");

static void constants(benchmark::State &State) {
  ExprStore Store;
  Expr A = Store.constant(1600), B = Store.constant(25);
  for (auto _ : State)
    benchmark::DoNotOptimize(A * 64 + B);
}
BENCHMARK(constants)->Name("constants/mul+add");

/// A total over nodes: every sum is new.
static void totalOverNodes(benchmark::State &State) {
  for (auto _ : State) {
    ExprStore Store;
    Expr Cost = sample(Store), Total = Store.constant(0);
    for (int I = 0; I != 8899; ++I)
      Total += Cost;
    benchmark::DoNotOptimize(Total);
  }
  State.SetItemsProcessed(State.iterations() * 8899);
}
BENCHMARK(totalOverNodes)->Name("fresh/total of 8,899 costs");

/// (a + b + c + d)^8: 165 terms.
static void power(benchmark::State &State) {
  for (auto _ : State) {
    ExprStore Store;
    Expr Sum = Store.symbol("a") + Store.symbol("b") + Store.symbol("c") +
               Store.symbol("d");
    benchmark::DoNotOptimize(pow(Sum, 8));
  }
}
BENCHMARK(power)->Name("fresh/pow 8 of 4 symbols");

/// The output size of a convolution, then its stride: each a new floordiv.
static void floorDivisions(benchmark::State &State) {
  ExprStore Store;
  Expr N = Store.symbol("N");
  int64_t I = 0;
  for (auto _ : State)
    benchmark::DoNotOptimize(floorDiv(3 * N + ++I, 1000003));
}
BENCHMARK(floorDivisions)->Name("fresh/floorDiv")->Iterations(200000);

static void evaluatePoint(benchmark::State &State) {
  ExprStore Store;
  Expr A = sample(Store);
  Bindings At = {{"B", 64}, {"N", 1024}};
  for (auto _ : State)
    benchmark::DoNotOptimize(llvm::cantFail(evaluate(A, At)));
}
BENCHMARK(evaluatePoint)->Name("evaluate");

static void substitutePoint(benchmark::State &State) {
  ExprStore Store;
  Expr A = sample(Store);
  Substitution With = {{"N", Store.symbol("P") + 1}};
  for (auto _ : State)
    benchmark::DoNotOptimize(substitute(A, With));
}
BENCHMARK(substitutePoint)->Name("substitute");

static void print(benchmark::State &State) {
  ExprStore Store;
  Expr A = sample(Store);
  for (auto _ : State)
    benchmark::DoNotOptimize(toString(A));
}
BENCHMARK(print)->Name("print");

static void parse(benchmark::State &State) {
  ExprStore Store;
  std::string Text = toString(sample(Store));
  for (auto _ : State)
    benchmark::DoNotOptimize(llvm::cantFail(Store.parse(Text)));
}
BENCHMARK(parse)->Name("parse");
