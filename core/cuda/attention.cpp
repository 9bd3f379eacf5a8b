#include "core/cuda/attention.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "core/cuda/attention_graph.h"
#include "core/cuda/attention_tiled.h"
#include "core/cuda/private_functors.h"
#include "core/cuda/recorder.h"
#include "core/launch.h"
#include "core/ops/accumulate.h"

// T query rows  S key rows  A heads  E head width  D = A E
namespace muybridge::cuda {
namespace {

constexpr std::int64_t kShortest = 128;  // rows of a kernel's tile

bool has_library_kernel(const AttentionShape& shape, const Tensor& q) {
  return q.dtype() == DType::kBF16 && shape.head_width % 8 == 0 && shape.head_width <= 128;
}

std::int64_t longest(std::span<const std::int32_t> offsets) {
  std::int64_t length = kShortest;
  for (std::size_t clip = 0; clip + 1 < offsets.size(); ++clip)
    length = std::max<std::int64_t>(length, offsets[clip + 1] - offsets[clip]);
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(length)));
}

// With at most an eighth more, so that texts of many lengths share their plans.
std::int64_t rounded(std::int64_t rows) {
  const auto step = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows))) / 8;
  return step > 1 ? (rows + step - 1) / step * step : rows;
}

std::int64_t stride(const HeadColumns& columns) {
  return columns.x.defined() ? columns.x.shape().back() : 0;
}

void* address(const HeadColumns& columns) { return columns.x.data<bf16>() + columns.column; }

// Clips that have queries, and so keys, which callers see to. cuDNN is told of no others:
// before 9.25 it may make NaN beside sequences of no length.
std::vector<std::size_t> clips_with_queries(const AttentionShape& shape) {
  std::vector<std::size_t> clips;
  for (std::size_t clip = 0; clip + 1 < shape.query_offsets.size(); ++clip)
    if (shape.query_offsets[clip + 1] > shape.query_offsets[clip]) clips.push_back(clip);
  return clips;
}

// Plans for more clips than there are serve more batches; the others have no length.
std::int64_t rounded_clips(std::size_t clips) {
  constexpr std::size_t kTakesNoLength = 92500;
  const bool takes = dnn_calls().cudnnGetVersion() >= kTakesNoLength;
  return static_cast<std::int64_t>(takes ? std::bit_ceil(clips) : clips);
}

AttentionPlanKey plan_key(const AttentionShape& shape, std::size_t clips, const HeadColumns& q,
                          const HeadColumns& k, const HeadColumns& v,
                          const AttentionGradients& gradients) {
  return {.batch = rounded_clips(clips),
          .heads = shape.heads,
          .head_width = shape.head_width,
          .longest_query = longest(shape.query_offsets),
          .longest_key = longest(shape.key_offsets),
          .query_rows = rounded(q.x.shape().rows()),
          .key_rows = rounded(k.x.shape().rows()),
          .q_stride = stride(q),
          .k_stride = stride(k),
          .v_stride = stride(v),
          .dq_stride = stride(gradients.dq),
          .dk_stride = stride(gradients.dk),
          .dv_stride = stride(gradients.dv)};
}

// Where the clips begin in every operand and how long they are, on the device.
class Tables {
 public:
  Tables(const AttentionShape& shape, const std::vector<std::size_t>& clips,
         const AttentionPlanKey& key)
      : batch_(key.batch),
        first_(Tensor::empty({kOperands, key.batch + 1}, DType::kI64, Device::kCuda)),
        lengths_(Tensor::empty({2, key.batch}, DType::kI32, Device::kCuda)) {
    functor::SequenceTables functor{};
    const std::int64_t width = key.heads * key.head_width;
    const std::int64_t strides[kOperands] = {key.q_stride,  key.k_stride, key.v_stride,
                                             width,         key.heads,    key.dq_stride,
                                             key.dk_stride, key.dv_stride};
    std::copy(std::begin(strides), std::end(strides), functor.strides);
    for (const int operand : {1, 2, 6, 7}) functor.of_keys[operand] = true;
    functor.batch = batch_;
    functor.first = first_.data<std::int64_t>();
    functor.lengths = lengths_.data<std::int32_t>();
    // Entries behind the last clip have no rows, and lie where all end.
    const auto put = [&clips](std::span<const std::int32_t> offsets, std::int64_t entry,
                              std::int32_t& first, std::int32_t& count) {
      const bool is_clip = entry < std::ssize(clips);
      const std::size_t clip = is_clip ? clips[static_cast<std::size_t>(entry)] : 0;
      first = is_clip ? offsets[clip] : offsets.back();
      count = is_clip ? offsets[clip + 1] - offsets[clip] : 0;
    };
    for (std::int64_t base = 0; base <= batch_; base += functor::SequenceTables::kClips) {
      const std::int64_t count =
          std::min<std::int64_t>(functor::SequenceTables::kClips, batch_ + 1 - base);
      for (std::int64_t i = 0; i < count; ++i) {
        put(shape.query_offsets, base + i, functor.first_query[i], functor.queries[i]);
        put(shape.key_offsets, base + i, functor.first_key[i], functor.keys[i]);
      }
      functor.base = base;
      for_elements(count, functor);
    }
  }

  void add_to(AttentionPointers& pointers, bool backward) const {
    constexpr AttentionTensor kOrder[kOperands] = {kQ, kK, kV, kOut, kStats, kDq, kDk, kDv};
    for (int operand = 0; operand < (backward ? kOperands : 5); ++operand)
      pointers[kFirstRow + kOrder[operand]] = first_.data<std::int64_t>() + operand * (batch_ + 1);
    pointers[kQueryLengths] = lengths_.data<std::int32_t>();
    pointers[kKeyLengths] = lengths_.data<std::int32_t>() + batch_;
  }

 private:
  static constexpr int kOperands = functor::SequenceTables::kOperands;
  std::int64_t batch_;
  Tensor first_;
  Tensor lengths_;
};

void run(const AttentionPlanKey& key, AttentionPointers& pointers) {
  Context& context = Context::get();
  const std::lock_guard lock(context.mutex());
  attention_graph(key, context).run(context.dnn(), pointers);
}

// Zeroes the columns of all heads in rows [used, rows).
void zero_rows(const HeadColumns& columns, std::int64_t used, std::int64_t rows,
               std::int64_t width) {
  const std::size_t number = size_of(columns.x.dtype()),
                    row = static_cast<std::size_t>(columns.x.shape().back()) * number;
  if (used >= rows) return;
  CHECK_CUDA(cudaMemset2DAsync(static_cast<std::byte*>(columns.x.raw()) +
                                   static_cast<std::size_t>(used) * row +
                                   static_cast<std::size_t>(columns.column) * number,
                               row, 0, static_cast<std::size_t>(width) * number,
                               static_cast<std::size_t>(rows - used), Context::get().stream()));
}

// From `used` on.
void zero_slack(const HeadColumns& columns, std::int64_t used, std::int64_t width) {
  zero_rows(columns, used, columns.x.shape().rows(), width);
}

// Gradients that are wider than cuDNN's own, each a tensor of its own.
void backward_widened(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                      const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                      const Tensor& dout, const AttentionGradients& wide) {
  const auto rounded = [](const HeadColumns& columns) {
    return HeadColumns{Tensor::empty(columns.x.shape(), DType::kBF16, Device::kCuda),
                       columns.column};
  };
  const AttentionGradients own{rounded(wide.dq), rounded(wide.dk), rounded(wide.dv)};
  cuda::attention_backward(shape, q, k, v, out, log_sum_exp, dout, own);
  cast(own.dq.x, wide.dq.x);
  cast(own.dk.x, wide.dk.x);
  cast(own.dv.x, wide.dv.x);
}

void record_attention(const AttentionShape& shape, const Tensor& q, bool backward) {
  double pairs = 0;
  for (std::size_t clip = 0; clip + 1 < shape.query_offsets.size(); ++clip)
    pairs += static_cast<double>(shape.query_offsets[clip + 1] - shape.query_offsets[clip]) *
             static_cast<double>(shape.key_offsets[clip + 1] - shape.key_offsets[clip]);
  const auto width = static_cast<double>(shape.heads * shape.head_width);
  const double rows = 2.0 * (shape.query_offsets.back() + shape.key_offsets.back());
  // Forward two products over all pairs, backward five; q, k, v and out, and their gradients.
  record({.kind = backward ? Recorded::Kind::kAttentionBackward : Recorded::Kind::kAttention,
          .what = fmt::format("{} heads of {} in {}, {} clips: {} x {}", shape.heads,
                              shape.head_width, name_of(q.dtype()), shape.query_offsets.size() - 1,
                              shape.query_offsets.back(), shape.key_offsets.back()),
          .calls = 1,
          .bytes = (backward ? 2 : 1) * rows * width * static_cast<double>(size_of(q.dtype())),
          .operations = (backward ? 10 : 4) * pairs * width});
}

}  // namespace

// cuDNN packs its statistics as [T, A]; ours are [A, T] on every device.
void attention_forward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                       const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp) {
  if (recording()) return record_attention(shape, q.x, /*backward=*/false);
  const std::int64_t used = shape.query_offsets.back(), rows = q.x.shape().rows();
  zero_slack({out, 0}, used, shape.heads * shape.head_width);
  if (used == 0) return;
  if (!has_library_kernel(shape, q.x))
    return tiled_attention_forward(shape, q, k, v, out, log_sum_exp);
  if (out.dtype() != DType::kBF16) {
    const Tensor rounded = Tensor::empty(out.shape(), DType::kBF16, Device::kCuda);
    cuda::attention_forward(shape, q, k, v, rounded, log_sum_exp);
    return cast(rounded, out);
  }
  const std::vector<std::size_t> clips = clips_with_queries(shape);
  const AttentionPlanKey key = plan_key(shape, clips.size(), q, k, v, {});
  const Tables tables(shape, clips, key);
  const Tensor stats = Tensor::empty({rows, shape.heads}, DType::kF32, Device::kCuda);
  AttentionPointers pointers{{kQ, address(q)},
                             {kK, address(k)},
                             {kV, address(v)},
                             {kOut, out.raw()},
                             {kStats, stats.raw()}};
  tables.add_to(pointers, false);
  run(key, pointers);
  for_elements(shape.heads * used, functor::StridedCopy{.from = stats.data<float>(),
                                                        .from_row = 1,
                                                        .from_column = shape.heads,
                                                        .to = log_sum_exp.data<float>(),
                                                        .to_row = rows,
                                                        .to_column = 1,
                                                        .columns = used});
}

void relative_attention(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& bias, const Tensor& out) {
  if (recording()) return record_attention(shape, q.x, /*backward=*/false);
  const std::int64_t used = shape.query_offsets.back();
  zero_slack({out, 0}, used, shape.heads * shape.head_width);
  if (used > 0) tiled_relative_attention(shape, q, k, v, bias, out);
}

void attention_backward(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                        const HeadColumns& v, const Tensor& out, const Tensor& log_sum_exp,
                        const Tensor& dout, const AttentionGradients& gradients) {
  if (recording()) return record_attention(shape, q.x, /*backward=*/true);
  const bool of_library = has_library_kernel(shape, q.x);
  if (of_library && gradients.dq.x.dtype() != DType::kBF16)
    return backward_widened(shape, q, k, v, out, log_sum_exp, dout, gradients);
  const std::int64_t used = shape.query_offsets.back(), rows = q.x.shape().rows(),
                     width = shape.heads * shape.head_width;
  zero_slack(gradients.dq, used, width);
  zero_slack(gradients.dk, shape.key_offsets.back(), width);
  zero_slack(gradients.dv, shape.key_offsets.back(), width);
  if (!of_library)
    return tiled_attention_backward(shape, q, k, v, out, log_sum_exp, dout, gradients);
  // Keys that no query looks at have no kernel to write their zeros.
  for (std::size_t clip = 0; clip + 1 < shape.query_offsets.size(); ++clip)
    if (shape.query_offsets[clip + 1] == shape.query_offsets[clip])
      for (const HeadColumns& columns : {gradients.dk, gradients.dv})
        zero_rows(columns, shape.key_offsets[clip], shape.key_offsets[clip + 1], width);
  if (used == 0) return;
  const std::vector<std::size_t> clips = clips_with_queries(shape);
  const AttentionPlanKey key = plan_key(shape, clips.size(), q, k, v, gradients);
  const Tables tables(shape, clips, key);
  const Tensor stats = Tensor::empty({rows, shape.heads}, DType::kF32, Device::kCuda);
  for_elements(used * shape.heads, functor::StridedCopy{.from = log_sum_exp.data<float>(),
                                                        .from_row = 1,
                                                        .from_column = rows,
                                                        .to = stats.data<float>(),
                                                        .to_row = shape.heads,
                                                        .to_column = 1,
                                                        .columns = shape.heads});
  AttentionPointers pointers{{kQ, address(q)},
                             {kK, address(k)},
                             {kV, address(v)},
                             {kOut, out.raw()},
                             {kStats, stats.raw()},
                             {kDOut, dout.raw()},
                             {kDq, address(gradients.dq)},
                             {kDk, address(gradients.dk)},
                             {kDv, address(gradients.dv)}};
  tables.add_to(pointers, true);
  run(key, pointers);
}

}  // namespace muybridge::cuda
