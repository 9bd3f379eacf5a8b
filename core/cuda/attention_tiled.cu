#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/cuda/attention_tiled.cuh"
#include "core/cuda/attention_tiled.h"
#include "core/cuda/context.h"
#include "core/cuda/private_functors.h"
#include "core/cuda/runtime.h"
#include "core/launch.h"

namespace muybridge::cuda {
namespace {

// What a block has without asking for more.
constexpr std::size_t kSharedBytes = 48 << 10;

std::size_t shared_bytes(int tiles, int scores, std::int64_t width, std::size_t number) {
  return static_cast<std::size_t>(tiles * kTile * (width + 1) + scores * kTileThreads) * number;
}

void require_narrow(const AttentionShape& shape, DType dtype) {
  if (const std::int64_t most = widest_head(dtype); shape.head_width > most)
    throw std::invalid_argument(
        fmt::format("attention on CUDA: heads of {} columns in {}, at most {} are supported",
                    shape.head_width, name_of(dtype), most));
}

// f(clips, tiles) for groups of clips; tiles are of queries, or of keys.
template <class F>
void for_groups(const AttentionShape& shape, bool of_keys, const F& f) {
  const auto all = static_cast<std::int64_t>(shape.query_offsets.size()) - 1;
  for (std::int64_t begin = 0; begin < all; begin += TiledClips::kMost) {
    TiledClips clips{};
    clips.count = static_cast<int>(std::min<std::int64_t>(TiledClips::kMost, all - begin));
    for (int c = 0; c <= clips.count; ++c) {
      clips.queries[c] = shape.query_offsets[begin + c];
      clips.keys[c] = shape.key_offsets[begin + c];
    }
    const std::int32_t* const rows = of_keys ? clips.keys : clips.queries;
    for (int c = 0; c < clips.count; ++c)
      clips.first_tile[c + 1] = clips.first_tile[c] + (rows[c + 1] - rows[c] + kTile - 1) / kTile;
    if (const std::int32_t tiles = clips.first_tile[clips.count]; tiles > 0)
      f(clips, dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(shape.heads)));
  }
}

template <class T>
Operand<T> operand(const HeadColumns& columns) {
  return {columns.x.data<std::remove_const_t<T>>() + columns.column, columns.x.shape().back()};
}

template <class T>
TiledForward<T> forward_of(const AttentionShape& shape, const HeadColumns& q, const HeadColumns& k,
                           const HeadColumns& v) {
  using A = Accumulator<T>;
  return {.q = operand<const T>(q),
          .k = operand<const T>(k),
          .v = operand<const T>(v),
          .rows = q.x.shape().rows(),
          .width = static_cast<int>(shape.head_width),
          .scale = A{1} / std::sqrt(static_cast<A>(shape.head_width)),
          .bias = {}};
}

template <class T, class Out>
void launch_forward(const AttentionShape& shape, const TiledForward<T>& p, const Tensor& out,
                    const Tensor& log_sum_exp) {
  using A = Accumulator<T>;
  const std::size_t bytes = shared_bytes(3, 1, shape.head_width, sizeof(A));
  dispatch_columns(shape.head_width, [&]<int kColumns>() {
    for_groups(shape, false, [&](const TiledClips& clips, dim3 grid) {
      launch("tiled_forward_kernel", tiled_forward_kernel<T, Out, kColumns>, grid, kTileThreads,
             bytes, Context::get().stream(), clips, p, operand<Out>({out, 0}),
             log_sum_exp.data<A>());
    });
  });
}

// f.operator()<columns>() with as many sums a thread as heads of this width need.
template <class F>
void dispatch_columns(std::int64_t head_width, const F& f) {
  if (head_width <= 4 * kTile)
    f.template operator()<4>();
  else
    f.template operator()<12>();
}

// f.operator()<T, R>() for operands of type T and results of type R, which is T or its accumulator.
template <class F>
void dispatch_types(DType operands, DType results, const F& f) {
  dispatch_float(operands, "attention", [&]<class T>() {
    if (results == operands)
      f.template operator()<T, T>();
    else
      f.template operator()<T, Accumulator<T>>();
  });
}

}  // namespace

// Of the keys' kernel, which takes most.
std::int64_t widest_head(DType dtype) {
  const std::size_t number = size_of(accumulator_of(dtype));
  std::int64_t width = 1;
  while (shared_bytes(4, 2, width + 1, number) <= kSharedBytes) ++width;
  return width;
}

void tiled_attention_forward(const AttentionShape& shape, const HeadColumns& q,
                             const HeadColumns& k, const HeadColumns& v, const Tensor& out,
                             const Tensor& log_sum_exp) {
  require_narrow(shape, q.x.dtype());
  dispatch_types(q.x.dtype(), out.dtype(), [&]<class T, class Out>() {
    launch_forward<T, Out>(shape, forward_of<T>(shape, q, k, v), out, log_sum_exp);
  });
}

void tiled_relative_attention(const AttentionShape& shape, const HeadColumns& q,
                              const HeadColumns& k, const HeadColumns& v, const Tensor& bias,
                              const Tensor& out) {
  require_narrow(shape, q.x.dtype());
  const Tensor log_sum_exp =
      Tensor::empty({shape.heads, q.x.shape().rows()}, bias.dtype(), Device::kCuda);
  dispatch_float(q.x.dtype(), "attention", [&]<class T>() {
    TiledForward<T> p = forward_of<T>(shape, q, k, v);
    p.scale = 1;
    p.bias = {bias.data<Accumulator<T>>(), static_cast<int>(bias.shape()[1] / 2)};
    launch_forward<T, T>(shape, p, out, log_sum_exp);
  });
}

void tiled_attention_backward(const AttentionShape& shape, const HeadColumns& q,
                              const HeadColumns& k, const HeadColumns& v, const Tensor& out,
                              const Tensor& log_sum_exp, const Tensor& dout,
                              const AttentionGradients& gradients) {
  require_narrow(shape, q.x.dtype());
  const std::int64_t rows = q.x.shape().rows();
  const Tensor delta =
      Tensor::empty({shape.heads, rows}, accumulator_of(q.x.dtype()), Device::kCuda);
  dispatch_types(q.x.dtype(), gradients.dq.x.dtype(), [&]<class T, class Grad>() {
    using A = Accumulator<T>;
    for_elements(shape.heads * rows,
                 functor::HeadDot<T>{out.data<T>(), dout.data<T>(), rows, shape.heads,
                                     shape.head_width, delta.data<A>()});
    const TiledBackward<T> p{.forward = forward_of<T>(shape, q, k, v),
                             .dout = operand<const T>({dout, 0}),
                             .log_sum_exp = log_sum_exp.data<A>(),
                             .delta = delta.data<A>()};
    const cudaStream_t stream = Context::get().stream();
    dispatch_columns(shape.head_width, [&]<int kColumns>() {
      for_groups(shape, false, [&](const TiledClips& clips, dim3 grid) {
        launch("tiled_queries_kernel", tiled_queries_kernel<T, Grad, kColumns>, grid, kTileThreads,
               shared_bytes(4, 1, shape.head_width, sizeof(A)), stream, clips, p,
               operand<Grad>(gradients.dq));
      });
      for_groups(shape, true, [&](const TiledClips& clips, dim3 grid) {
        launch("tiled_keys_kernel", tiled_keys_kernel<T, Grad, kColumns>, grid, kTileThreads,
               shared_bytes(4, 2, shape.head_width, sizeof(A)), stream, clips, p,
               operand<Grad>(gradients.dk), operand<Grad>(gradients.dv));
      });
    });
  });
}

}  // namespace muybridge::cuda
