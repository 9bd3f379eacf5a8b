#pragma once

#include <cmath>
#include <cstdint>

#include "core/cuda/kernel_language.cuh"
#include "core/dtype.h"
#include "core/math.h"

// T query rows  S key rows  E head width  of one head
namespace muybridge::cuda {

// Queries and keys of a tile: a thread of a block has one score, a row of scores is half a warp.
inline constexpr int kTile = 16;
inline constexpr int kTileThreads = kTile * kTile;

// A group of clips, by value among a kernel's parameters; a block has a tile of queries, or of
// keys.
struct TiledClips {
  static constexpr int kMost = 128;
  int count;
  std::int32_t queries[kMost + 1];
  std::int32_t keys[kMost + 1];
  std::int32_t first_tile[kMost + 1];  // of each clip, within the group
};

// Columns of packed rows; head h has the columns from h * E on.
template <class T>
struct Operand {
  T* data;
  std::int64_t stride;  // elements of a row
};

// By how many rows a key lies behind its query, d: column reach + d of data [A, 2 reach + 1].
template <class A>
struct TiledBias {
  const A* data;  // null: no bias
  int reach;

  __device__ A of(std::int64_t d) const {
    const std::int64_t near = d < -reach ? -reach : d > reach ? reach : d;
    return data[std::int64_t{blockIdx.y} * (2 * reach + 1) + reach + near];
  }
};

template <class T>
struct TiledForward {
  using A = Accumulator<T>;
  Operand<const T> q, k, v;
  std::int64_t rows;  // of q
  int width;          // E
  A scale;
  TiledBias<A> bias;
};

template <class T>
struct TiledBackward {
  using A = Accumulator<T>;
  TiledForward<T> forward;
  Operand<const T> dout;
  const A* log_sum_exp;  // [A, T]
  const A* delta;        // [A, T]: the sum of dout * out over a row of a head
};

// The clip whose tiles hold this block's.
__device__ inline int clip_of_block(const TiledClips& clips) {
  const auto tile = static_cast<std::int32_t>(blockIdx.x);
  int clip = 0;
  for (int end = clips.count; end - clip > 1;) {
    const int middle = (clip + end) / 2;
    (clips.first_tile[middle] <= tile ? clip : end) = middle;
  }
  return clip;
}

// The first row of its tile, from where the clip begins.
__device__ inline std::int64_t row_of_block(const TiledClips& clips, int clip) {
  return (static_cast<std::int64_t>(blockIdx.x) - clips.first_tile[clip]) * kTile;
}

// Rows of a head in shared memory. One element wider, so that columns lie in different banks.
template <class A>
struct Tile {
  A* data;
  int width;

  __device__ A* row(int i) const { return data + i * (width + 1); }

  // Rows [first, end) of this head, zero behind them.
  template <class T>
  __device__ void load(const Operand<const T>& from, std::int64_t first, std::int64_t end) const {
    const std::int64_t column = std::int64_t{blockIdx.y} * width;
    for (int at = threadIdx.x; at < kTile * width; at += kTileThreads) {
      const int i = at / width, e = at % width;
      row(i)[e] = first + i < end
                      ? static_cast<A>(from.data[(first + i) * from.stride + column + e])
                      : A{0};
    }
  }
};

template <class A>
__device__ A dot(const A* x, const A* y, int width) {
  A sum = 0;
  for (int e = 0; e < width; ++e) sum += x[e] * y[e];
  return sum;
}

// Over the threads of a row of scores; all get it.
template <class A>
__device__ A row_sum(A value) {
  for (int step = kTile / 2; step > 0; step /= 2) value += __shfl_xor_sync(~0U, value, step);
  return value;
}
template <class A>
__device__ A row_largest(A value) {
  for (int step = kTile / 2; step > 0; step /= 2) {
    const A other = __shfl_xor_sync(~0U, value, step);
    value = other > value ? other : value;
  }
  return value;
}

// A thread's sums to its columns of a row of this head.
template <int kColumns, class Out, class A>
__device__ void store(const A (&sums)[kColumns], const Operand<Out>& to, std::int64_t row,
                      int width) {
  const int first = threadIdx.x % kTile;
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int e = first + c * kTile;
    if (e < width)
      to.data[row * to.stride + std::int64_t{blockIdx.y} * width + e] = static_cast<Out>(sums[c]);
  }
}

// A block a tile of queries and a head (blockIdx.y). kColumns: columns of a row that a thread sums,
// those from its place in a row of scores on, by steps of kTile.
template <class T, class Out, int kColumns>
__global__ void __launch_bounds__(kTileThreads)
    tiled_forward_kernel(const TiledClips clips, const TiledForward<T> p, const Operand<Out> out,
                         Accumulator<T>* log_sum_exp) {
  using A = Accumulator<T>;
  const int width = p.width, i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  A* const shared = static_cast<A*>(dynamic_shared());
  const Tile<A> q{shared, width}, k{q.row(kTile), width}, v{k.row(kTile), width};
  A* const weights = v.row(kTile);  // [kTile, kTile]
  const int clip = clip_of_block(clips);
  const std::int64_t first = clips.queries[clip] + row_of_block(clips, clip),
                     end = clips.queries[clip + 1], keys_end = clips.keys[clip + 1];
  q.load(p.q, first, end);
  constexpr A kNone = -INFINITY;
  A sums[kColumns] = {}, total = 0, largest = kNone;
  for (std::int64_t key = clips.keys[clip]; key < keys_end; key += kTile) {
    __syncthreads();  // the tiles before these have been used
    k.load(p.k, key, keys_end);
    v.load(p.v, key, keys_end);
    __syncthreads();
    const bool is_key = key + j < keys_end;
    A score = is_key ? dot(q.row(i), k.row(j), width) * p.scale : kNone;
    if (p.bias.data) score += p.bias.of(key + j - (first + i));
    const A here = row_largest(score), before = largest;
    largest = here > before ? here : before;
    const A weight = is_key ? math::exp(score - largest) : A{0};
    const A kept = total == 0 ? A{0} : math::exp(before - largest);
    total = total * kept + row_sum(weight);
    weights[threadIdx.x] = weight;
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int e = j + c * kTile;
      if (e < width) {
        A sum = sums[c] * kept;
        for (int s = 0; s < kTile; ++s) sum += weights[i * kTile + s] * v.row(s)[e];
        sums[c] = sum;
      }
    }
  }
  if (first + i >= end) return;
#pragma unroll
  for (A& sum : sums) sum = total == 0 ? A{0} : sum / total;
  store(sums, out, first + i, width);
  if (j == 0)
    log_sum_exp[std::int64_t{blockIdx.y} * p.rows + first + i] =
        total == 0 ? kNone : largest + math::log(total);
}

// What a score's gradient needs: the weight of key j for query i, and the gradient of its score.
template <class A>
struct ScoreGradient {
  A weight, dscore;
};

// For query `row` (-1: none) at q, dout and a key at k, v.
template <class T, class A>
__device__ ScoreGradient<A> score_gradient(const TiledBackward<T>& p, std::int64_t row, const A* q,
                                           const A* dout, const A* k, const A* v) {
  if (row < 0) return {0, 0};
  const TiledForward<T>& f = p.forward;
  const std::int64_t at = std::int64_t{blockIdx.y} * f.rows + row;
  const A weight = math::exp(dot(q, k, f.width) * f.scale - p.log_sum_exp[at]);
  return {weight, weight * (dot(dout, v, f.width) - p.delta[at]) * f.scale};
}

// dq: a block a tile of queries.
template <class T, class Grad, int kColumns>
__global__ void __launch_bounds__(kTileThreads)
    tiled_queries_kernel(const TiledClips clips, const TiledBackward<T> p, const Operand<Grad> dq) {
  using A = Accumulator<T>;
  const int width = p.forward.width, i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  A* const shared = static_cast<A*>(dynamic_shared());
  const Tile<A> q{shared, width}, dout{q.row(kTile), width}, k{dout.row(kTile), width},
      v{k.row(kTile), width};
  A* const dscores = v.row(kTile);  // [kTile, kTile]
  const int clip = clip_of_block(clips);
  const std::int64_t first = clips.queries[clip] + row_of_block(clips, clip),
                     end = clips.queries[clip + 1], keys_end = clips.keys[clip + 1];
  q.load(p.forward.q, first, end);
  dout.load(p.dout, first, end);
  A sums[kColumns] = {};
  for (std::int64_t key = clips.keys[clip]; key < keys_end; key += kTile) {
    __syncthreads();
    k.load(p.forward.k, key, keys_end);
    v.load(p.forward.v, key, keys_end);
    __syncthreads();
    const bool is_pair = first + i < end && key + j < keys_end;
    dscores[threadIdx.x] =
        score_gradient(p, is_pair ? first + i : -1, q.row(i), dout.row(i), k.row(j), v.row(j))
            .dscore;
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int e = j + c * kTile;
      if (e < width)
        for (int s = 0; s < kTile; ++s) sums[c] += dscores[i * kTile + s] * k.row(s)[e];
    }
  }
  if (first + i < end) store(sums, dq, first + i, width);
}

// dk and dv: a block a tile of keys. Thread (i, j) has the score of query j for key i.
template <class T, class Grad, int kColumns>
__global__ void __launch_bounds__(kTileThreads)
    tiled_keys_kernel(const TiledClips clips, const TiledBackward<T> p, const Operand<Grad> dk,
                      const Operand<Grad> dv) {
  using A = Accumulator<T>;
  const int width = p.forward.width, i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  A* const shared = static_cast<A*>(dynamic_shared());
  const Tile<A> k{shared, width}, v{k.row(kTile), width}, q{v.row(kTile), width},
      dout{q.row(kTile), width};
  A* const weights = dout.row(kTile);  // [kTile, kTile], as dscores
  A* const dscores = weights + kTileThreads;
  const int clip = clip_of_block(clips);
  const std::int64_t first = clips.keys[clip] + row_of_block(clips, clip),
                     end = clips.keys[clip + 1], queries_end = clips.queries[clip + 1];
  k.load(p.forward.k, first, end);
  v.load(p.forward.v, first, end);
  A dk_sums[kColumns] = {}, dv_sums[kColumns] = {};
  for (std::int64_t query = clips.queries[clip]; query < queries_end; query += kTile) {
    __syncthreads();
    q.load(p.forward.q, query, queries_end);
    dout.load(p.dout, query, queries_end);
    __syncthreads();
    const bool is_pair = first + i < end && query + j < queries_end;
    const ScoreGradient<A> pair =
        score_gradient(p, is_pair ? query + j : -1, q.row(j), dout.row(j), k.row(i), v.row(i));
    weights[threadIdx.x] = pair.weight;
    dscores[threadIdx.x] = pair.dscore;
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int e = j + c * kTile;
      if (e < width)
        for (int s = 0; s < kTile; ++s) {
          dk_sums[c] += dscores[i * kTile + s] * q.row(s)[e];
          dv_sums[c] += weights[i * kTile + s] * dout.row(s)[e];
        }
    }
  }
  if (first + i >= end) return;
  store(dk_sums, dk, first + i, width);
  store(dv_sums, dv, first + i, width);
}

}  // namespace muybridge::cuda
