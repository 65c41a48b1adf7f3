//===- ExpandedView.cpp ---------------------------------------------------===//

#include "ExpandedView.h"

namespace xfa {

Shape distinctAfterExpand(llvm::ArrayRef<Expr> Distinct,
                          llvm::ArrayRef<Expr> In, llvm::ArrayRef<Expr> Out) {
  if (Out.empty() || In.size() > Out.size())
    return {};
  ExprStore &Store = Out.front().store();
  size_t Added = Out.size() - In.size();
  Shape Result(Added, Store.constant(1));
  for (size_t I = 0; I < In.size(); ++I)
    Result.push_back(Distinct.empty() ? In[I] : Distinct[I]);
  return llvm::ArrayRef<Expr>(Result) == Out ? Shape() : Result;
}

Shape distinctAfterSlice(llvm::ArrayRef<Expr> Distinct, llvm::ArrayRef<Expr> In,
                         llvm::ArrayRef<Expr> Out) {
  if (Distinct.size() != In.size() || In.size() != Out.size())
    return {};
  Shape Result;
  for (size_t I = 0; I < In.size(); ++I)
    Result.push_back(Distinct[I] == In[I] ? Out[I]
                     : In[I] == Out[I]    ? Distinct[I]
                                          : min(Distinct[I], Out[I]));
  return Result;
}

Shape distinctAfterTranspose(llvm::ArrayRef<Expr> Distinct,
                             llvm::ArrayRef<int64_t> Permutation) {
  if (Permutation.empty())
    return Shape(Distinct.rbegin(), Distinct.rend());
  Shape Result;
  for (int64_t Axis : Permutation) {
    int64_t Rank = Distinct.size();
    if (Axis < -Rank || Axis >= Rank)
      return {};
    Result.push_back(Distinct[Axis < 0 ? Axis + Rank : Axis]);
  }
  return Result;
}

Shape distinctAfterReshape(llvm::ArrayRef<Expr> Distinct,
                           llvm::ArrayRef<Expr> In, llvm::ArrayRef<Expr> Out) {
  if (Distinct.size() != In.size() || Out.empty())
    return {};
  ExprStore &Store = Out.front().store();
  Shape Result;
  size_t I = 0, O = 0;
  auto SkipOnes = [&] {
    while (I < In.size() && In[I].is(1))
      ++I;
    while (O < Out.size() && Out[O].is(1)) {
      Result.push_back(Store.constant(1));
      ++O;
    }
  };
  // Groups of neighbouring axes with the same number of elements on both sides.
  for (SkipOnes(); I < In.size() && O < Out.size(); SkipOnes()) {
    Expr From = In[I], To = Out[O], Different = Distinct[I];
    size_t Begin = O;
    ++I, ++O;
    while (From != To) {
      if (I < In.size() && tryExactDiv(To, From)) {
        From *= In[I];
        Different *= Distinct[I++];
      } else if (O < Out.size() && tryExactDiv(From, To)) {
        To *= Out[O++];
      } else {
        return {};
      }
    }
    if (O - Begin == 1)
      Result.push_back(Different);
    else if (Different == From)
      Result.append(Out.begin() + Begin, Out.begin() + O);
    else if (Different.is(1))
      Result.append(O - Begin, Different);
    else
      return {};
  }
  return I == In.size() && O == Out.size() ? Result : Shape();
}

} // namespace xfa
