#include "parallel/token_exchange.h"

#include "core/ops/regroup.h"

namespace muybridge {
namespace {

Tensor gathered(const Tensor& x, Group& group) {
  const Tensor all =
      Tensor::empty({group.size() * x.shape()[0], x.shape()[1]}, x.dtype(), x.device());
  group.all_gather(x, all).wait();
  return all;
}

Tensor summed(const Tensor& x, Group& group) {
  if (x.shape()[0] % group.size() != 0)
    throw std::invalid_argument(fmt::format("sum_to_rows: {} rows over {} ranks of group '{}'",
                                            x.shape()[0], group.size(), group.name()));
  const Tensor mine =
      Tensor::empty({x.shape()[0] / group.size(), x.shape()[1]}, x.dtype(), x.device());
  group.reduce_scatter(x, mine).wait();
  return mine;
}

Tensor to_heads(const Tensor& x, std::int64_t blocks, Group& group) {
  const Tensor apart = parts_apart(x, blocks, group.size());
  const Tensor arrived = Tensor::empty(apart.shape(), apart.dtype(), apart.device());
  group.all_to_all(apart, arrived).wait();
  return arrived.reshape({apart.shape()[0] * apart.shape()[1], apart.shape()[2]});
}

Tensor to_tokens(const Tensor& x, std::int64_t blocks, Group& group) {
  const Tensor apart = x.reshape({group.size(), x.shape()[0] / group.size(), x.shape()[1]});
  const Tensor arrived = Tensor::empty(apart.shape(), apart.dtype(), apart.device());
  group.all_to_all(apart, arrived).wait();
  return parts_together(arrived, blocks);
}

}  // namespace

Var gather_rows(const Var& x, const std::shared_ptr<Group>& group) {
  if (group->size() == 1) return x;
  return Var::op(gathered(x.value(), *group), {x.without_value()},
                 [group](Inputs in, const Tensor& dy) { in[0].add_grad(summed(dy, *group)); });
}

Var sum_to_rows(const Var& x, const std::shared_ptr<Group>& group) {
  if (group->size() == 1) return x;
  return Var::op(summed(x.value(), *group), {x.without_value()},
                 [group](Inputs in, const Tensor& dy) { in[0].add_grad(gathered(dy, *group)); });
}

Var tokens_to_heads(const Var& x, std::int64_t blocks, const std::shared_ptr<Group>& group) {
  if (group->size() == 1) return x;
  return Var::op(to_heads(x.value(), blocks, *group), {x.without_value()},
                 [group, blocks](Inputs in, const Tensor& dy) {
                   in[0].add_grad(to_tokens(dy, blocks, *group));
                 });
}

Var heads_to_tokens(const Var& x, std::int64_t blocks, const std::shared_ptr<Group>& group) {
  if (group->size() == 1) return x;
  return Var::op(to_tokens(x.value(), blocks, *group), {x.without_value()},
                 [group, blocks](Inputs in, const Tensor& dy) {
                   in[0].add_grad(to_heads(dy, blocks, *group));
                 });
}

}  // namespace muybridge
