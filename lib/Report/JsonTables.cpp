//===- JsonTables.cpp - ledgers, nodes, values in xf-analyze/1 ------------===//

#include "Json.h"

namespace xfa {

void jsonLedger(llvm::json::OStream &J, const LedgerView &L) {
  jsonExpr(J, "flops", L.Total.flops());
  jsonExpr(J, "matrix_flops", L.Total.Matrix);
  jsonExpr(J, "bytes", L.Total.bytes());
  jsonExpr(J, "bytes_read", L.Total.Read);
  jsonExpr(J, "bytes_written", L.Total.Written);
  jsonExpr(J, "weight_bytes", L.Total.Weight);
  J.attribute("exact", L.Exact);
  J.attributeArray("roles", [&] {
    for (const LedgerView::RoleRow &Row : L.Roles)
      J.object([&] {
        J.attribute("role", roleName(Row.R));
        J.attribute("count", Row.Count);
        jsonExpr(J, "flops", Row.W.flops());
        jsonExpr(J, "bytes", Row.W.bytes());
        jsonExpr(J, "weight_bytes", Row.W.Weight);
        if (!Row.W.Exact)
          J.attribute("exact", false);
      });
  });
  J.attributeArray("layers", [&] {
    for (const LedgerView::LayerRow &Row : L.Layers)
      J.object([&] {
        if (Row.Layer < 0)
          J.attribute("layer", nullptr);
        else
          J.attribute("layer", Row.Layer);
        jsonExpr(J, "flops", Row.W.flops());
        jsonExpr(J, "bytes", Row.W.bytes());
        if (!Row.W.Exact)
          J.attribute("exact", false);
      });
  });
}

void jsonBothLedgers(llvm::json::OStream &J,
                     llvm::ArrayRef<LedgerView> Ledgers) {
  for (LedgerKind Kind : {LedgerKind::Textbook, LedgerKind::Graph}) {
    const LedgerView *Found = nullptr;
    for (const LedgerView &L : Ledgers)
      if (L.Kind == Kind)
        Found = &L;
    if (Found)
      J.attributeObject(ledgerName(Kind), [&] { jsonLedger(J, *Found); });
    else
      J.attribute(ledgerName(Kind), nullptr);
  }
}

void jsonLedgers(llvm::json::OStream &J, const Report &R) {
  J.attributeObject("ledgers", [&] { jsonBothLedgers(J, R.Ledgers); });
}

void jsonMemory(llvm::json::OStream &J, const MemoryView &V) {
  J.attributeObject("memory", [&] {
    jsonExpr(J, "peak_bytes", V.PeakBytes);
    jsonExpr(J, "activation_bytes", V.ActivationBytes);
    jsonExpr(J, "weight_bytes", V.WeightBytes);
    jsonExpr(J, "kv_cache_bytes", V.KvCacheBytes);
    J.attribute("exact", V.Exact);
  });
}

/// "elem" and "shape" of a value, in aliases.
static void jsonType(llvm::json::OStream &J, const ModelAnalysis &A,
                     const ValueFacts &F) {
  if (F.Kind == ValueFacts::Tensor && F.HasRank)
    J.attributeArray("shape", [&] {
      for (Expr D : F.Dims)
        jsonExpr(J, A.alias(D));
    });
  else
    J.attribute("shape", nullptr);
  if (F.Elem == ElemType::Undefined)
    J.attribute("elem", nullptr);
  else
    J.attribute("elem", elemTypeName(F.Elem));
}

static void jsonOperands(llvm::json::OStream &J, const Report &R,
                         llvm::StringRef Key, llvm::ArrayRef<ValueId> Ids) {
  J.attributeArray(Key, [&] {
    for (ValueId V : Ids)
      if (V)
        J.object([&] {
          J.attribute("name", jsonSafe((*R.M)[V].Name));
          jsonType(J, *R.A, R.A->Facts[V]);
        });
  });
}

void jsonNodes(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("nodes", [&] {
    for (const NodeRow &Row : R.Nodes) {
      const Node &N = (*R.M)[Row.Node];
      J.object([&] {
        J.attribute("name", jsonSafe(R.M->label(Row.Node)));
        J.attribute("op", jsonSafe(N.Op));
        J.attribute("domain", jsonSafe(N.Domain));
        if (Row.R && !Row.Folded)
          J.attribute("role", roleName(*Row.R));
        else
          J.attribute("role", nullptr);
        if (Row.Layer < 0)
          J.attribute("layer", nullptr);
        else
          J.attribute("layer", Row.Layer);
        jsonOperands(J, R, "inputs", N.Inputs);
        jsonOperands(J, R, "outputs", N.Outputs);
        jsonExpr(J, "flops", Row.Flops);
        jsonExpr(J, "bytes_read", Row.Read);
        jsonExpr(J, "bytes_written", Row.Written);
        J.attribute("exact", Row.Why.empty());
      });
    }
  });
}

void jsonOps(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("ops", [&] {
    for (const OpRow &Row : R.Ops)
      J.object([&] {
        J.attribute("op", jsonSafe(Row.Op));
        J.attribute("count", Row.Count);
        J.attribute("unknown", Row.Unknown);
        jsonExpr(J, "flops", Row.Flops);
        jsonExpr(J, "bytes", Row.Bytes);
      });
  });
}

void jsonShapes(llvm::json::OStream &J, const Report &R) {
  J.attributeArray("values", [&] {
    for (ValueId V : R.Values)
      J.object([&] {
        J.attribute("name", jsonSafe((*R.M)[V].Name));
        jsonType(J, *R.A, R.A->Facts[V]);
        J.attribute("declared", R.A->Facts[V].FromDeclaration);
      });
  });
}

void jsonReconcile(llvm::json::OStream &J, const Reconciliation &W) {
  J.attributeObject("reconcile", [&] {
    J.attributeObject("textbook", [&] {
      jsonExpr(J, "flops", W.TextbookFlops);
      jsonExpr(J, "bytes", W.TextbookBytes);
    });
    J.attributeArray("lines", [&] {
      for (const Reconciliation::Line &L : W.Lines)
        J.object([&] {
          J.attribute("what", jsonSafe(L.What));
          jsonExpr(J, "flops", L.Flops);
          jsonExpr(J, "bytes", L.Bytes);
        });
    });
    J.attributeObject("graph", [&] {
      jsonExpr(J, "flops", W.GraphFlops);
      jsonExpr(J, "bytes", W.GraphBytes);
    });
  });
}

} // namespace xfa
