#include "train/plan/operations.h"

#include <algorithm>
#include <cmath>

namespace muybridge {
namespace {

// Numbers of a token that the small ops of a block read and write, in widths of the model and of
// its MLP. Forward: norm 2, rotation 6, gate 3; norm 2, rotation 2, sum 3; norm 2, GELU 2 f,
// gate 3. Backward: norms 5 each with the sum into the stream's gradient, gates 4, rotations 9 and
// 3, GELU 3 f, sums of the columns for biases 7 and 1 f.
constexpr double kForwardD = 23, kForwardF = 2, kBackwardD = 42, kBackwardF = 4;
constexpr double kBackwardAttention = 2.5;  // its operations, of forward's
constexpr double kTimeFeatures = 256;
// Kernels that make scales and codes of a linear layer's operands.
constexpr double kQuantizeForward = 8, kQuantizeBackward = 5;

}  // namespace

Times& Times::operator+=(const Times& other) {
  products += other.products;
  attention += other.attention;
  elementwise += other.elementwise;
  recompute += other.recompute;
  exchange += other.exchange;
  tensor += other.tensor;
  context += other.context;
  return *this;
}

Times operator*(double n, const Times& t) {
  return {.products = n * t.products,
          .attention = n * t.attention,
          .elementwise = n * t.elementwise,
          .recompute = n * t.recompute,
          .exchange = n * t.exchange,
          .tensor = n * t.tensor,
          .context = n * t.context};
}

PartTimes& PartTimes::operator+=(const PartTimes& other) {
  forward += other.forward;
  backward_input += other.backward_input;
  backward_weight += other.backward_weight;
  return *this;
}

PartTimes operator*(double n, const PartTimes& t) {
  return {n * t.forward, n * t.backward_input, n * t.backward_weight};
}

Operations::Operations(const Cluster& cluster, const Workload& work, const Layout& layout)
    : chip_(cluster.chip),
      speed_(chip_.speed(work.compute)),
      links_(cluster),
      places_(layout.sizes, cluster),
      work_(work),
      layout_(layout),
      element_(static_cast<double>(size_of(work.compute))),
      wide_(static_cast<double>(size_of(accumulator_of(work.compute)))),
      d_(static_cast<double>(work.model.width)),
      f_(static_cast<double>(work.model.mlp_width)),
      t_(layout.sizes.tensor),
      c_(layout.sizes.context),
      rows_(static_cast<double>(work.batch.tokens) / (t_ * c_)),
      segment_(static_cast<double>(work.batch.tokens) / c_) {}

double Operations::product(double rows, double out, double in, double result_bytes,
                           BlockProducts of) const {
  // Operations of the tiles that are computed, of which some are padding and some units idle. A
  // long sum is shared out among units.
  double operations = 2 * in * rows * out;
  if (chip_.units > 1) {
    constexpr double kLongSum = 2048;
    const double parts = std::max(1.0, std::floor(in / kLongSum));
    const double tiles = std::ceil(rows / chip_.tile_rows) * std::ceil(out / chip_.tile_columns);
    const double turns = std::ceil(tiles * parts / chip_.units);
    operations = 2 * in / parts * turns * chip_.units * chip_.tile_rows * chip_.tile_columns;
  }
  const bool fp8 = of == BlockProducts::kFp8;
  const double bytes = (rows * in + in * out) * (fp8 ? 1 : element_) + rows * out * result_bytes;
  const double rate = speed_.product * (fp8 ? chip_.float8 : 1);
  return std::max(operations / rate, bytes / chip_.copy) + chip_.launch;
}

PartTimes Operations::linear(double rows, double out, double in, bool input_gradient) const {
  PartTimes times;
  times.forward.products = product(rows, out, in, element_);
  if (input_gradient) times.backward_input.products = product(rows, in, out, element_);
  times.backward_weight.products = product(out, in, rows, 2 * wide_);  // is added to what is there
  return times;
}

PartTimes Operations::linear_of_block(double rows, double out, double in) const {
  const BlockProducts of = work_.model.linear;
  if (of == BlockProducts::kOfPrecision) return linear(rows, out, in);
  // Each operand is read for its scale and for its codes, of a byte, as it lies and by columns; the
  // weight's scale does for both.
  PartTimes times;
  times.forward.products = product(rows, out, in, element_, of);
  times.backward_input.products = product(rows, in, out, element_, of);
  times.backward_weight.products = product(out, in, rows, 2 * wide_, of);
  times.forward.elementwise =
      copied(rows * in * (2 * element_ + 2) + out * in * (2 * element_ + 1)) +
      kQuantizeForward * chip_.launch;
  times.backward_input.elementwise =
      copied(rows * out * (2 * element_ + 2) + out * in * (element_ + 1)) +
      kQuantizeBackward * chip_.launch;
  return times;
}

PartTimes Operations::block() const {
  const auto text = static_cast<double>(work_.batch.text_tokens);
  PartTimes block;
  block += linear_of_block(segment_, 3 * d_ / t_, d_);
  block += linear_of_block(segment_, d_, d_ / t_);
  block += linear_of_block(segment_, d_ / t_, d_);
  block += linear_of_block(text, 2 * d_ / t_, d_);
  block += linear_of_block(segment_, d_, d_ / t_);
  block += linear_of_block(segment_, f_ / t_, d_);
  block += linear_of_block(segment_, d_, f_ / t_);
  attend(block);
  block.forward.elementwise += copied(rows_ * (kForwardD * d_ + kForwardF * f_) * element_);
  block.backward_input.elementwise +=
      copied(rows_ * (kBackwardD * d_ + kBackwardF * f_) * element_);
  exchange_over_tensor(block);
  exchange_over_context(block);
  // What is run again is all of its forward, with what it exchanges; or q, k and v of both
  // attentions.
  Times again;
  if (layout_.recompute == Recompute::kBlock) {
    again = block.forward;
  } else if (layout_.recompute == Recompute::kAttention) {
    again += linear_of_block(segment_, 3 * d_ / t_, d_).forward;
    again += linear_of_block(segment_, d_ / t_, d_).forward;
    again.elementwise += copied(rows_ * 8 * d_ * element_);
  }
  block.backward_input.recompute = again.total() - again.exchange;
  block.backward_input.exchange += again.exchange;
  block.backward_input.tensor += again.tensor;
  block.backward_input.context += again.context;
  return block;
}

void Operations::attend(PartTimes& block) const {
  const double operations = 4 * d_ * (work_.pairs() + work_.text_pairs()) / (t_ * c_);
  block.forward.attention = operations / speed_.attention_forward + 2 * chip_.launch;
  block.backward_input.attention =
      kBackwardAttention * operations / speed_.attention_backward + 2 * chip_.launch;
}

// All tokens before each of the three split layers, sums of them behind it; backward the other way
// round. A norm of q and k waits for sums of squares.
void Operations::exchange_over_tensor(PartTimes& block) const {
  if (layout_.sizes.tensor == 1) return;
  const double tokens = segment_ * d_ * element_;
  const auto text = static_cast<double>(work_.batch.text_tokens);
  Traffic forward = 6 * links_.all_gather(places_.tensor, tokens);
  forward += links_.all_gather(places_.tensor, text * d_ * element_);
  const Traffic sums = links_.all_reduce(places_.tensor, segment_ * wide_);
  forward += 3 * sums;
  block.forward.tensor = block.backward_input.tensor = forward;
  block.forward.exchange += forward.seconds;
  block.backward_input.exchange += forward.seconds;
}

void Operations::exchange_over_context(PartTimes& block) const {
  if (layout_.sizes.context == 1) return;
  const double width = segment_ * d_ / t_;  // numbers of this rank's q
  if (layout_.sizes.sharing() > 1) {
    const Traffic heads = links_.all_to_all(places_.heads, 3 * width * element_) +
                          links_.all_to_all(places_.heads, width * element_);
    block.forward.context = block.backward_input.context = heads;
    block.forward.exchange += heads.seconds;
    block.backward_input.exchange += heads.seconds;
  }
  if (!layout_.ring()) return;
  // Keys and values go round while attention with those at hand is computed; backward their
  // gradients go along.
  const auto around = [&](Times& times, double bytes) {
    const double hops = layout_.sizes.ring - 1;
    const Traffic hop = links_.message(places_.ring, bytes);
    times.context += hops * hop;
    times.exchange += hops * std::max(0.0, hop.seconds - times.attention / layout_.sizes.ring);
  };
  around(block.forward, 2 * width * element_);
  around(block.backward_input, 2 * width * (element_ + wide_));
}

PartTimes Operations::embedding() const {
  const auto p = static_cast<double>(work_.model.token_width());
  PartTimes times = linear(rows_, d_, p, /*input_gradient=*/false);
  times.forward.elementwise = copied(rows_ * (6 * p * wide_ + 3 * d_ * element_));
  return times;
}

PartTimes Operations::head() const {
  const auto p = static_cast<double>(work_.model.token_width());
  const auto h = static_cast<double>(work_.model.head_mlp_width);
  PartTimes times = linear(rows_, p, d_);
  if (h > 0) {
    times += linear(rows_, h, d_);
    times += linear(rows_, p, h);
  }
  times.forward.elementwise = copied(rows_ * (2 * d_ * element_ + 6 * p * wide_));
  times.backward_input.elementwise = copied(rows_ * (5 * d_ * element_ + 3 * p * wide_));
  return times;
}

PartTimes Operations::conditions() const {
  const auto w = static_cast<double>(work_.model.text_width);
  const auto text = static_cast<double>(work_.batch.text_tokens);
  const auto clips = static_cast<double>(work_.batch.clips);
  PartTimes block;
  block += linear(text, 3 * w / t_, w);
  block += linear(text, w, w / t_);
  block += linear(text, 4 * w / t_, w);
  block += linear(text, w, 4 * w / t_);
  const double operations = 4 * w * text * static_cast<double>(work_.clip_text) / t_;
  block.forward.attention = operations / speed_.attention_forward + chip_.launch;
  block.backward_input.attention =
      kBackwardAttention * operations / speed_.attention_backward + chip_.launch;
  block.forward.elementwise = copied(text / t_ * 20 * w * element_);
  block.backward_input.elementwise = copied(text / t_ * 40 * w * element_);
  if (layout_.sizes.tensor > 1) {
    const Traffic around = 4 * links_.all_gather(places_.tensor, text * w * element_);
    block.forward.tensor = block.backward_input.tensor = around;
    block.forward.exchange = block.backward_input.exchange = around.seconds;
  }
  PartTimes times = static_cast<double>(work_.model.text_depth) * block;
  times += linear(text / t_, d_, w);
  times += linear(text / t_, d_, d_);
  times += linear(clips, d_, kTimeFeatures);
  times += linear(clips, d_, d_);
  times += linear(clips, 6 * d_, d_);
  return times;
}

}  // namespace muybridge
