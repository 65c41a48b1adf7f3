//===- OpTest.h - one node, its operands' facts, what it gives and costs --===//
//
//   OneNode N("MatMul");
//   N.input("B,N,1600").input("1600,6400");
//   EXPECT_EQ(N.shape(), "[B,N,6400]");
//   EXPECT_EQ(N.matrix(), "20480000*B*N");
//
// Shapes are written as text: expressions by commas, `?` an unknown dimension,
// `*` alone an unknown rank, "" a scalar.
//
//===----------------------------------------------------------------------===//

#ifndef XFA_TEST_OPS_OPTEST_H
#define XFA_TEST_OPS_OPTEST_H

#include "xfa/IR/Model.h"
#include "xfa/Ops/Op.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace xfa {

class OneNode {
public:
  explicit OneNode(llvm::StringRef Op, int Opset = 21,
                   llvm::StringRef Domain = "", unsigned NumOutputs = 1)
      : NumOutputs(NumOutputs) {
    N.Kind = findOpKind(Domain, Op);
    N.Op = M.save(Op);
    N.Domain = M.save(Domain);
    N.OpsetVersion = Opset;
    EXPECT_NE(N.Kind, OpKind::Unknown) << Op.str();
  }

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  OneNode &input(llvm::StringRef Dims, ElemType Elem = ElemType::Float32) {
    ValueFacts F;
    F.Kind = ValueFacts::Tensor;
    F.Elem = Elem;
    F.HasRank = Dims != "*";
    if (!F.HasRank)
      F.Why = Store.unknown("the test says so");
    else
      F.Dims = parseDims(Dims);
    return facts(std::move(F));
  }
  /// A 1-D int64 tensor with these expressions as contents.
  OneNode &ints(llvm::StringRef Items, ElemType Elem = ElemType::Int64) {
    Shape Exprs = parseDims(Items);
    input(std::to_string(Exprs.size()), Elem);
    for (Expr E : Exprs)
      Given.back().Known.Elements.push_back(Element::integer(E));
    return *this;
  }
  /// A scalar with a known value.
  OneNode &scalar(llvm::StringRef Text, ElemType Elem = ElemType::Int64) {
    ints(Text, Elem);
    Given.back().Dims.clear();
    return *this;
  }
  OneNode &number(double D, ElemType Elem = ElemType::Float32) {
    return elements("", {Element::number(D)}, Elem);
  }
  OneNode &elements(llvm::StringRef Dims, std::vector<Element> Items,
                    ElemType Elem) {
    input(Dims, Elem);
    for (Element E : Items)
      Given.back().Known.Elements.push_back(E);
    return *this;
  }
  OneNode &splat(llvm::StringRef Dims, Element E, ElemType Elem) {
    input(Dims, Elem);
    Given.back().Known = Contents::splat(E);
    return *this;
  }
  OneNode &facts(ValueFacts F) {
    Given.push_back(std::move(F));
    Here.push_back(true);
    return *this;
  }
  /// An optional input left out.
  OneNode &absent() {
    Given.emplace_back();
    Here.push_back(false);
    return *this;
  }

  /// The last operand is a function of constants and dimensions (C7).
  OneNode &folded() {
    Given.back().Folded = true;
    return *this;
  }

  OneNode &attr(llvm::StringRef Name, int64_t I) {
    Attribute A = named(Name, AttrKind::Int);
    A.I = I;
    return add(A);
  }
  OneNode &attr(llvm::StringRef Name, int I) {
    return attr(Name, static_cast<int64_t>(I));
  }
  OneNode &attr(llvm::StringRef Name, double F) {
    Attribute A = named(Name, AttrKind::Float);
    A.F = F;
    return add(A);
  }
  OneNode &attr(llvm::StringRef Name, const char *S) {
    Attribute A = named(Name, AttrKind::String);
    A.S = M.save(llvm::StringRef(S));
    return add(A);
  }
  OneNode &attrInts(llvm::StringRef Name, std::vector<int64_t> Ints) {
    Attribute A = named(Name, AttrKind::Ints);
    A.Ints = M.save(llvm::ArrayRef(Ints));
    return add(A);
  }
  OneNode &attrFloats(llvm::StringRef Name, std::vector<double> Floats) {
    Attribute A = named(Name, AttrKind::Floats);
    A.Floats = M.save(llvm::ArrayRef(Floats));
    return add(A);
  }
  OneNode &attrTensor(llvm::StringRef Name, ElemType Elem,
                      std::vector<int64_t> Dims, std::vector<int64_t> Ints,
                      std::vector<double> Floats = {}) {
    Constant C;
    C.Elem = Elem;
    C.Dims = M.save(llvm::ArrayRef(Dims));
    C.Ints = M.save(llvm::ArrayRef(Ints));
    C.Floats = M.save(llvm::ArrayRef(Floats));
    C.Kept = true;
    M.Constants.push_back(C);
    Attribute A = named(Name, AttrKind::Tensor);
    A.Tensor = ConstantId(M.Constants.size() - 1);
    return add(A);
  }

  /// What a body gives for its operands; stands for the driver.
  using BodyFn =
      std::function<std::vector<ValueFacts>(llvm::ArrayRef<ValueFacts>)>;
  /// A Graph attribute of so many inputs and outputs.
  OneNode &body(llvm::StringRef Name, unsigned Ins, unsigned Outs, BodyFn F) {
    Graph G;
    G.Inputs.resize(Ins);
    G.Outputs.resize(Outs);
    M.Graphs.push_back(G);
    Bodies.push_back(std::move(F));
    Attribute A = named(Name, AttrKind::Graph);
    A.Graphs = M.save(llvm::ArrayRef(GraphId(M.Graphs.size() - 1)));
    return add(A);
  }
  /// Facts of a tensor of this shape.
  ValueFacts tensor(llvm::StringRef Dims, ElemType Elem = ElemType::Float32) {
    input(Dims, Elem);
    ValueFacts F = std::move(Given.back());
    Given.pop_back();
    Here.pop_back();
    return F;
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  const ValueFacts &out(unsigned O = 0) {
    infer();
    return Results[O];
  }
  /// "[B,N,1600]", "*" for an unknown rank, "!" where the node is wrong.
  std::string shape(unsigned O = 0) {
    infer();
    if (!Error.empty())
      return "!";
    if (!Results[O].HasRank)
      return "*";
    std::string Text = "[";
    for (Expr Dim : Results[O].Dims)
      Text += (Text.size() > 1 ? "," : "") + toString(Dim);
    return Text + "]";
  }
  ElemType elem(unsigned O = 0) { return out(O).Elem; }
  /// "2 B+1 ?", "all 0" for a splat, "none".
  std::string contents(unsigned O = 0) {
    const Contents &Known = out(O).Known;
    if (Known.none())
      return "none";
    std::string Text = Known.Splat ? "all" : "";
    for (const Element &E : Known.Elements)
      Text += (Text.empty() ? "" : " ") + elementText(E);
    return Text;
  }
  std::string error() {
    infer();
    return Error;
  }
  OpCost &cost() {
    infer();
    std::vector<const ValueFacts *> In = pointers();
    std::vector<const ValueFacts *> Out;
    Out.reserve(Results.size());
    for (const ValueFacts &F : Results)
      Out.push_back(&F);
    CostContext Ctx(M, NodeId(0), Store, In, Out, Options);
    costFunction(M.Nodes[0].Kind)(Ctx);
    Cost = Ctx.result();
    return Cost;
  }
  std::string matrix() { return toString(cost().Matrix); }
  /// The FLOPs on the vector unit; "?" where the cost is unknown.
  std::string vector() {
    OpCost &C = cost();
    return C.Unknown.empty() ? toString(C.Vector) : "?";
  }

  /// Elements that the cost function says are read of input I, or written of
  /// output O; "all" where C9's default holds.
  std::string reads(unsigned I) { return find(cost().Reads, I); }
  std::string writes(unsigned O) { return find(cost().Writes, O); }

  /// Arithmetic as Expr prints it: "2*3*B" gives "6*B".
  std::string text(llvm::StringRef Arithmetic) {
    return toString(parse(Arithmetic));
  }
  Expr parse(llvm::StringRef Text) {
    if (Text == "?")
      return Store.unknown("the test says so", 0);
    llvm::Expected<Expr> E = Store.parse(Text);
    if (E)
      return *E;
    ADD_FAILURE() << llvm::toString(E.takeError());
    return Store.constant(0);
  }

  Model M;
  ExprStore Store;
  CostOptions Options;
  Node N;
  unsigned NumOutputs;

private:
  static std::string elementText(const Element &E) {
    switch (E.kind()) {
    case Element::Int:
      return toString(E.expr());
    case Element::Ratio:
      return "(" + toString(E.expr()) + ")/" + std::to_string(E.denominator());
    case Element::Float: {
      char Text[32];
      snprintf(Text, sizeof(Text), "%.9gf", E.number());
      return Text;
    }
    case Element::Bool:
      return E.boolean() ? "true" : "false";
    default:
      return "?";
    }
  }
  Shape parseDims(llvm::StringRef Text) {
    // Commas inside parentheses belong to max(a,b).
    Shape Dims;
    size_t Begin = 0;
    int Depth = 0;
    for (size_t I = 0; I <= Text.size() && !Text.empty(); ++I) {
      if (I == Text.size() || (Text[I] == ',' && Depth == 0)) {
        Dims.push_back(parse(Text.slice(Begin, I)));
        Begin = I + 1;
      } else if (Text[I] == '(') {
        ++Depth;
      } else if (Text[I] == ')') {
        --Depth;
      }
    }
    return Dims;
  }
  static std::string find(llvm::ArrayRef<std::pair<unsigned, Expr>> List,
                          unsigned I) {
    for (const auto &[Index, Elements] : List)
      if (Index == I)
        return toString(Elements);
    return "all";
  }
  Attribute named(llvm::StringRef Name, AttrKind Kind) {
    Attribute A;
    A.Name = M.save(Name);
    A.Kind = Kind;
    return A;
  }
  OneNode &add(Attribute A) {
    Attributes.push_back(A);
    return *this;
  }
  std::vector<const ValueFacts *> pointers() {
    std::vector<const ValueFacts *> In;
    In.reserve(Given.size());
    for (size_t I = 0; I < Given.size(); ++I)
      In.push_back(Here[I] ? &Given[I] : nullptr);
    return In;
  }
  void infer() {
    if (Done)
      return;
    Done = true;
    N.Attributes = M.save(llvm::ArrayRef(Attributes));
    std::vector<ValueId> Ins, Outs;
    for (size_t I = 0; I < Given.size() + NumOutputs; ++I) {
      M.Values.emplace_back();
      bool IsInput = I < Given.size();
      ValueId Id(IsInput && !Here[I] ? ValueId() : ValueId(I));
      (IsInput ? Ins : Outs).push_back(Id);
    }
    N.Inputs = M.save(llvm::ArrayRef(Ins));
    N.Outputs = M.save(llvm::ArrayRef(Outs));
    M.Nodes.push_back(N);
    auto Body = [&](GraphId G, llvm::ArrayRef<ValueFacts> Operands) {
      std::vector<ValueFacts> Out = Bodies[G.Index](Operands);
      return llvm::SmallVector<ValueFacts, 4>(Out.begin(), Out.end());
    };
    std::vector<const ValueFacts *> In = pointers();
    InferContext Ctx(M, NodeId(0), Store, In, Body);
    inferFunction(N.Kind)(Ctx);
    Error = Ctx.error();
    for (unsigned O = 0; O < NumOutputs; ++O)
      Results.push_back(Ctx.output(O));
  }

  std::deque<ValueFacts> Given;
  std::vector<bool> Here;
  std::vector<Attribute> Attributes;
  std::vector<BodyFn> Bodies;
  std::deque<ValueFacts> Results;
  std::string Error;
  OpCost Cost;
  bool Done = false;
};

} // namespace xfa

#endif // XFA_TEST_OPS_OPTEST_H
