#include "parallel/schedule/orders.h"

#include <algorithm>

namespace muybridge {
namespace {

// Passes of a rank in groups of p micro-batches, each group through all chunks.
Order in_groups(int groups, int p, int virtual_stages, Action (*make)(int, int), bool last_first) {
  Order passes;
  for (int group = 0; group < groups; ++group)
    for (int c = 0; c < virtual_stages; ++c)
      for (int i = 0; i < p; ++i)
        passes.push_back(make(group * p + i, last_first ? virtual_stages - 1 - c : c));
  return passes;
}

// `ahead` forwards, then one of each in turns, then the backwards that are left.
Order alternate(const Order& forwards, const Order& backwards, std::size_t ahead) {
  Order order;
  for (std::size_t k = 0; k < forwards.size() + ahead; ++k) {
    if (k < forwards.size()) order.push_back(forwards[k]);
    if (k >= ahead) order.push_back(backwards[k - ahead]);
  }
  return order;
}

Order all(int micro_batches, Action (*make)(int, int)) {
  return in_groups(1, micro_batches, 1, make, false);
}

}  // namespace

Order gpipe(const OrderShape& shape) {
  const Order forwards = all(shape.micro_batches, forward);
  return alternate(forwards, all(shape.micro_batches, backward), forwards.size());
}

Order one_f_one_b(const OrderShape& shape) {
  const int ahead = std::min(shape.stages - 1 - shape.stage, shape.micro_batches);
  return alternate(all(shape.micro_batches, forward), all(shape.micro_batches, backward),
                   static_cast<std::size_t>(ahead));
}

Order interleaved(const OrderShape& shape) {
  const int p = shape.stages;
  const int v = shape.virtual_stages;
  const int groups = (shape.micro_batches + p - 1) / p;
  const int ahead = std::min(2 * (p - 1 - shape.stage) + (v - 1) * p, groups * p * v);
  return first_micro_batches(
      alternate(in_groups(groups, p, v, forward, false), in_groups(groups, p, v, backward, true),
                static_cast<std::size_t>(ahead)),
      shape.micro_batches);
}

Order zb_interleaved(const OrderShape& shape, int ahead, int later) {
  const int p = shape.stages;
  const int v = shape.virtual_stages;
  const int groups = (shape.micro_batches + p - 1) / p;
  const Order forwards = in_groups(groups, p, v, forward, false);
  const Order inputs = in_groups(groups, p, v, backward_input, true);
  const Order weights = in_groups(groups, p, v, backward_weight, true);
  const int followers = p - 1 - shape.stage;
  const auto lead =
      std::min(static_cast<std::size_t>((v - 1) * p + followers + std::min(ahead, followers)),
               forwards.size());
  Order order;
  std::size_t weight = 0;
  for (std::size_t k = 0; k < forwards.size() + lead; ++k) {
    if (k < forwards.size()) order.push_back(forwards[k]);
    if (k < lead) continue;
    order.push_back(inputs[k - lead]);
    if (k < forwards.size() && k - lead >= static_cast<std::size_t>(later))
      order.push_back(weights[weight++]);
  }
  order.insert(order.end(), weights.begin() + static_cast<std::ptrdiff_t>(weight), weights.end());
  return first_micro_batches(std::move(order), shape.micro_batches);
}

Order zb_h1(const OrderShape& shape) {
  Order order;
  const int m = shape.micro_batches;
  const int ahead = std::min(shape.stages - 1 - shape.stage, m);
  for (int k = 0; k < m + ahead; ++k) {
    if (k < m) order.push_back(forward(k));
    if (k < ahead) continue;
    order.push_back(backward_input(k - ahead));
    if (k - ahead >= shape.stage) order.push_back(backward_weight(k - ahead - shape.stage));
  }
  for (int i = std::max(m - shape.stage, 0); i < m; ++i) order.push_back(backward_weight(i));
  return order;
}

}  // namespace muybridge
