#include <algorithm>
#include <array>

#include "parallel/schedule/orders.h"

namespace muybridge {
namespace {

// Appends passes of the two chunks, each in the order of micro-batches, up to `micro_batches`.
class TwoChunks {
 public:
  explicit TwoChunks(int micro_batches) : micro_batches_(micro_batches) {}

  void f(int chunk) { next(forwards_, chunk, forward); }
  void i(int chunk) { next(inputs_, chunk, backward_input); }
  void w(int chunk) {
    if (weights_[chunk] < inputs_[chunk]) next(weights_, chunk, backward_weight);
  }
  bool forwards_left() const {
    return forwards_[0] < micro_batches_ || forwards_[1] < micro_batches_;
  }
  bool weights_left() const { return weights_[0] < micro_batches_ || weights_[1] < micro_batches_; }
  Order take() { return std::move(order_); }

 private:
  void next(std::array<int, 2>& count, int chunk, Action (*make)(int, int)) {
    if (count[chunk] < micro_batches_) order_.push_back(make(count[chunk]++, chunk));
  }

  int micro_batches_;
  std::array<int, 2> forwards_{}, inputs_{}, weights_{};
  Order order_;
};

}  // namespace

Order zb_v(const OrderShape& shape) {
  const int p = shape.stages;
  const int r = shape.stage;
  TwoChunks rank(std::max(shape.micro_batches, 2 * p));
  // The way down the V and up again: forwards only until the first one is back from rank p - 1.
  for (int k = 0; k < 2 * (p - r) - 1; ++k) rank.f(0);
  for (int k = 0; k < r; ++k) {
    rank.f(1);
    rank.f(0);
  }
  // Backwards of the second chunk, until the first one of the first chunk arrives.
  for (int k = 0; k < p - r; ++k) {
    rank.f(1);
    rank.i(1);
    rank.w(1);
  }
  while (rank.forwards_left()) {
    rank.f(0);
    rank.i(0);
    rank.w(0);
    rank.f(1);
    rank.i(1);
    rank.w(1);
  }
  // Weight gradients wait where an earlier stage waits for an input's gradient.
  for (int k = 0; k < r; ++k) {
    rank.i(0);
    rank.i(1);
  }
  for (int k = 0; k < p - r; ++k) {
    rank.i(0);
    rank.w(0);
  }
  while (rank.weights_left()) {
    rank.w(1);
    rank.w(0);
  }
  return first_micro_batches(rank.take(), shape.micro_batches);
}

}  // namespace muybridge
