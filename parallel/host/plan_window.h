#pragma once

#include <memory>

#include "parallel/host/plan.h"
#include "parallel/host/window.h"

namespace muybridge {

// The collectives of ranks that meet in a window: the same results, bit for bit, as those of
// plan.h, with no message. Rank, size and order are the window's. The plans of a window are to be
// carried out one at a time, on every rank in the same order.
using SharedWindow = std::shared_ptr<Window>;

Plan plan_all_reduce(const SharedWindow& window, const Tensor& x, Reduce how);
Plan plan_reduce_scatter(const SharedWindow& window, const Tensor& all, const Tensor& mine,
                         Reduce how);
Plan plan_broadcast(const SharedWindow& window, const Tensor& x, int root);
Plan plan_all_gather(const SharedWindow& window, const Tensor& mine, const Tensor& all);
Plan plan_all_to_all(const SharedWindow& window, const Tensor& from, const Tensor& to);
Plan plan_barrier(const SharedWindow& window);

// A run of elements.
struct Run {
  std::int64_t begin;
  std::int64_t count;

  Run part(int q, int size) const;  // part q of `size` nearly equal ones
};
// Adds meetings after which parts[window rank] of x on each rank is the reduction of that part over
// the ranks of the window; it alone changes.
void add_scatter_reduce(Plan& plan, const SharedWindow& window, const Tensor& x,
                        const std::vector<Run>& parts, Reduce how);
// Adds meetings after which every rank has parts[q] of x as rank q of the window has it.
void add_gather(Plan& plan, const SharedWindow& window, const Tensor& x,
                const std::vector<Run>& parts);

}  // namespace muybridge
