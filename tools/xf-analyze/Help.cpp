//===- Help.cpp - what --help says ----------------------------------------===//

#include "Arguments.h"

namespace xfa::tool {

const char HelpText[] = R"(xf-analyze MODEL [options]
  What a transformer costs, and why: FLOPs, bytes, time, from its ONNX graph.
  MODEL is a .onnx file, ONNX text (.onnxtxt), or - for standard input. Weights
  need not be there and are never read.

Machine
  --gpu=KEY[,KEY...]     show times on these accelerators
  --gpu-file=FILE        more accelerators, from YAML; without --gpu all of them
  --list-gpus            the accelerators that are known

Points
  --at="B=1,N=32"        evaluate here (repeatable); B batch, N sequence, S new
                         and P cached tokens (N = P + S), or the graph's names;
                         B and S are 1 unless bound. Default: B 1 and 64 by
                         N 32 and 1024
  --sweep="N=32:16384:x2"  a range, +K or xK; several by commas are crossed

What is counted
  --ledger=textbook|graph|both   a lecture's rules, the nodes of the file
  --scope=core|attention|mha|mlp|all|ROLE,...   what the textbook covers
  --dtype=TYPE           as if every float tensor had this type (fp16, tf32, ...)
  --weights=TYPE[,gN]    as if weights had this type, N to a group (int4,g128)
  --softmax-flops=3|5    FLOPs of a softmax, an element
  --layout=fused|executed  views are free, or copied
  --if=then|else|max     the branch of an If whose condition is not known
  --causal-tiles=all|skip  at points on --gpu, fused attentions compute every
                         tile of scores, or those that a causal mask leaves
  --custom-ops=FILE      shapes and costs of operators that are not known, from
                         YAML
  --strict               fail where a cost or a shape is not known

Rewrites
  --passes=P[,P...]      rewrite first, and show what each pass did (xf-opt
                         --list-passes names them; O1 and O2 are several)
  --view=passes          without --passes: from the model as written to a token,
                         by O1, O2, a cache, int4 weights, speculation
  --what-if=W[,W...]     more rungs: tensor-parallel=DEVICES,
                         chunked-prefill=TOKENS, kv-bits=BITS

Decoding and serving
  --view=decode          one new token a sequence, N positions in the cache
  --draft=MODEL          speculative decoding with that draft (--view=speculative)
  --gamma=K --alpha=A    it proposes K tokens a round (4), each accepted with
                         probability A (0.8)
  --fit=GPU[,GPU...]     the largest B at each N, and N at each B, that fit
  --request="prompt=1024,new=256"  a whole request: first token, each, all
  --explain=ROLE[,ROLE...]  how the formulas of qk, mlp_up, ... come about

Output
  --view=VIEW[,VIEW...]  summary shapes nodes ops roles layers roofline crossover
                         memory decode speculative causality reconcile passes
                         (default: summary,roles,roofline)
  --estimate=roofline|per-op   times from the totals, or summed over operators
  --format=text|json|csv   csv holds one table: one --view (default: roofline)
  -o FILE                write there; FILE appears whole or not at all
  --batch=LIST [-j N]    instead of MODEL: a line of JSON for each path in the
                         file LIST (- for standard input), its report or
                         {"path", "error"}, on N threads
  --version   --help

Examples
  xf-analyze gpt2-xl.onnx --gpu=t4
  xf-analyze model.onnx --gpu=a100-80gb,h100 --at="B=8,N=2048" --dtype=fp16
  xf-analyze model.onnx --sweep="B=1:64:x2,N=128:4096:x2" --format=csv -o out.csv
  xf-analyze model.onnx --view=nodes --format=json
  xf-analyze model.onnx --gpu=t4 --draft=small.onnx --gamma=3 --alpha=0.8

Exit codes: 0 done, 1 the input is at fault, 2 wrong usage.
)";

} // namespace xfa::tool
