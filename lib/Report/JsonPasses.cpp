//===- JsonPasses.cpp - passes and the ladder in xf-analyze/1 -------------===//

#include "Json.h"

namespace xfa {

static void jsonFigures(llvm::json::OStream &J, const Report &R,
                        const PassesView::State &S) {
  J.attributeArray("points", [&] {
    for (const PassesView::Figure &F : S.Figures)
      J.object([&] {
        jsonAt(J, "at", F.At);
        if (F.Gpu >= 0)
          J.attribute("gpu", jsonSafe(R.Gpus[F.Gpu].Key));
        J.attribute("ledger", ledgerName(F.Kind));
        jsonInteger(J, "flops", F.Flops);
        jsonInteger(J, "bytes", F.Bytes);
        jsonNumber(J, "ai", F.Intensity);
        if (F.Dominant)
          J.attribute("dominant", roleName(*F.Dominant));
        else
          J.attribute("dominant", nullptr);
        jsonNumber(J, "dominant_share", F.DominantShare);
        if (F.Gpu < 0)
          return;
        jsonNumber(J, "time_s", F.Time);
        jsonNumber(J, "time_per_token_s", F.TimePerToken);
        // A picture of a roofline: this over `ai`.
        jsonNumber(J, "attained_flops",
                   F.Time && *F.Time > 0
                       ? std::optional(static_cast<double>(F.Flops) / *F.Time)
                       : std::nullopt);
        jsonBound(J, "bound", F.BoundBy);
      });
  });
}

static void jsonState(llvm::json::OStream &J, const Report &R,
                      const PassesView::State &S) {
  jsonBothLedgers(J, S.Ledgers);
  jsonFigures(J, R, S);
  jsonText(J, "none", S.None);
}

void jsonPasses(llvm::json::OStream &J, const Report &R) {
  const PassesView &V = *R.Passes;
  if (V.IsLadder) {
    J.attributeArray("ladder", [&] {
      for (const PassesView::State &S : V.States)
        J.object([&] {
          J.attribute("rung", jsonSafe(S.Name));
          jsonState(J, R, S);
        });
    });
    return;
  }
  J.attributeArray("passes", [&] {
    for (size_t I = 0; I < V.Steps.size(); ++I)
      J.object([&] {
        J.attribute("pass", jsonSafe(V.States[I + 1].Name));
        J.attribute("fired", V.Steps[I].Fired);
        J.attributeArray("refused", [&] {
          for (const Refusal &Each : V.Steps[I].Refused)
            J.object([&] {
              J.attribute("where", jsonSafe(Each.Where));
              J.attribute("why", jsonSafe(Each.Why));
            });
        });
        J.attributeArray("notes", [&] {
          for (const std::string &Note : V.Steps[I].Notes)
            J.value(jsonSafe(Note));
        });
        J.attributeObject("before", [&] { jsonState(J, R, V.States[I]); });
        J.attributeObject("after", [&] { jsonState(J, R, V.States[I + 1]); });
      });
  });
}

} // namespace xfa
