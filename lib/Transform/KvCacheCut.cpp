//===- KvCacheCut.cpp - the cheapest values to keep -----------------------===//
//
// A cut between the tokens and what is wanted at full length, over values that
// follow from each other at no product's cost. Weights are bytes a position;
// among equal ones the layout [batch, heads, positions, width] is preferred.
// Maximum flow by shortest augmenting paths: the networks are a few chains.
//
//===----------------------------------------------------------------------===//

#include "KvCachePlan.h"

#include <deque>

namespace xfa::kvcache {

namespace {

constexpr int64_t Unbounded = int64_t(1) << 60;

struct Network {
  struct Edge {
    unsigned To;
    int64_t Capacity;
    unsigned Back; ///< index of the reverse edge at To
  };
  std::vector<std::vector<Edge>> Edges;

  unsigned add() {
    Edges.emplace_back();
    return static_cast<unsigned>(Edges.size() - 1);
  }
  void connect(unsigned From, unsigned To, int64_t Capacity) {
    Edges[From].push_back({To, Capacity, unsigned(Edges[To].size())});
    Edges[To].push_back({From, 0, unsigned(Edges[From].size() - 1)});
  }
  /// One augmenting path; what flowed along it.
  int64_t augment(unsigned Source, unsigned Sink) {
    std::vector<std::pair<int, int>> From(Edges.size(), {-1, -1});
    std::deque<unsigned> Queue{Source};
    From[Source] = {static_cast<int>(Source), -1};
    while (!Queue.empty() && From[Sink].first < 0) {
      unsigned At = Queue.front();
      Queue.pop_front();
      for (unsigned E = 0; E < Edges[At].size(); ++E)
        if (Edges[At][E].Capacity > 0 && From[Edges[At][E].To].first < 0) {
          From[Edges[At][E].To] = {static_cast<int>(At), static_cast<int>(E)};
          Queue.push_back(Edges[At][E].To);
        }
    }
    if (From[Sink].first < 0)
      return 0;
    int64_t Flow = Unbounded;
    for (unsigned At = Sink; At != Source; At = From[At].first)
      Flow = std::min(Flow, Edges[From[At].first][From[At].second].Capacity);
    for (unsigned At = Sink; At != Source; At = From[At].first) {
      Edge &E = Edges[From[At].first][From[At].second];
      E.Capacity -= Flow;
      Edges[E.To][E.Back].Capacity += Flow;
    }
    return Flow;
  }
  std::vector<bool> reachable(unsigned Source) const {
    std::vector<bool> Seen(Edges.size(), false);
    std::deque<unsigned> Queue{Source};
    Seen[Source] = true;
    while (!Queue.empty()) {
      unsigned At = Queue.front();
      Queue.pop_front();
      for (const Edge &E : Edges[At])
        if (E.Capacity > 0 && !Seen[E.To]) {
          Seen[E.To] = true;
          Queue.push_back(E.To);
        }
    }
    return Seen;
  }
};

/// One connected part of the network: chains of different layers never meet.
struct Part {
  std::vector<ValueId> Values;
  llvm::DenseSet<ValueId> Wanted;
};

} // namespace

/// What V follows from by a cheap node, as far as it depends on tokens.
static llvm::SmallVector<ValueId, 2> sources(const Facts &F, ValueId V) {
  llvm::SmallVector<ValueId, 2> Result;
  if (F.isCheap(V))
    for (ValueId In : F.M[F.M[V].Producer].Inputs)
      if (In && F.time(In).Tokens && !F.time(In).Axes.empty())
        Result.push_back(In);
  return Result;
}

static bool cutPart(const Facts &F, const Part &P, std::vector<ValueId> &Cut,
                    ValueId &Stuck) {
  Network Net;
  unsigned Source = Net.add(), Sink = Net.add();
  llvm::DenseMap<ValueId, unsigned> Place;
  for (ValueId V : P.Values) {
    Place[V] = Net.add();
    Net.add();
  }
  for (ValueId V : P.Values) {
    bool Layout;
    int64_t Bytes = F.keptBytes(V, Layout);
    // Before the heads are expanded rather than after.
    int64_t Weight =
        Bytes ? Bytes * 64 + (Layout ? 0 : 1) + (F.repeats(V) ? 2 : 0)
              : Unbounded;
    unsigned In = Place[V];
    Net.connect(In, In + 1, Weight);
    auto From = sources(F, V);
    for (ValueId Each : From)
      Net.connect(Place[Each] + 1, In, Unbounded);
    if (From.empty())
      Net.connect(Source, In, Unbounded);
    if (P.Wanted.count(V))
      Net.connect(In + 1, Sink, Unbounded);
  }
  int64_t Total = 0;
  while (int64_t Flow = Net.augment(Source, Sink)) {
    Total += Flow;
    if (Total >= Unbounded) {
      Stuck = P.Values.back();
      return false;
    }
  }
  std::vector<bool> Seen = Net.reachable(Source);
  for (ValueId V : P.Values)
    if (Seen[Place[V]] && !Seen[Place[V] + 1])
      Cut.push_back(V);
  return true;
}

std::vector<ValueId> cheapestCut(const Facts &F, llvm::ArrayRef<ValueId> Wanted,
                                 ValueId &Stuck) {
  // Parts grow from what is wanted; those that meet become one.
  llvm::DenseMap<ValueId, unsigned> PartOf;
  std::vector<Part> Parts;
  for (ValueId W : Wanted) {
    unsigned Index = static_cast<unsigned>(Parts.size());
    Parts.emplace_back();
    llvm::SmallVector<ValueId, 8> Work{W};
    while (!Work.empty()) {
      ValueId V = Work.pop_back_val();
      auto [It, New] = PartOf.try_emplace(V, Index);
      if (New) {
        Parts[Index].Values.push_back(V);
        Work.append(sources(F, V));
      } else if (unsigned Other = It->second; Other != Index) {
        for (ValueId Each : Parts[Other].Values) {
          PartOf[Each] = Index;
          Parts[Index].Values.push_back(Each);
        }
        Parts[Index].Wanted.insert(Parts[Other].Wanted.begin(),
                                   Parts[Other].Wanted.end());
        Parts[Other] = Part();
      }
    }
    Parts[Index].Wanted.insert(W);
  }
  std::vector<ValueId> Cut;
  for (const Part &P : Parts)
    if (!P.Values.empty() && !cutPart(F, P, Cut, Stuck))
      return {};
  return Cut;
}

} // namespace xfa::kvcache
