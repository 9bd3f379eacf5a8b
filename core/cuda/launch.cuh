#pragma once

#include <algorithm>
#include <cstdint>

#include "core/cuda/context.h"
#include "core/cuda/kernel_language.cuh"
#include "core/launch.h"

// The CUDA side of core/launch.h: the three kernels that run a functor. Sums have a fixed order,
// there are no atomics, and no launch waits for the device.
namespace muybridge::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kThreads = 256;  // of a block
inline constexpr int kBlocksPerMultiprocessor = 16;
// A chunk's sums stay in shared memory up to this size, which needs no opt-in.
inline constexpr std::size_t kSharedSums = 40 << 10;

// A row's worker: a block. Thread t does the elements t, t + kThreads, .. of every walk, so that
// what one walk wrote at an element, the next one of the same length reads in the same thread.
struct BlockTeam {
  template <class F>
  __device__ void each(std::int64_t n, const F& f) const {
    for (std::int64_t i = threadIdx.x; i < n; i += kThreads) f(i);
  }
  template <class F>
  __device__ void each(std::int64_t n, std::int64_t m, const F& f) const {
    // A row has less than 2^32 elements; division of 64 bits is several times dearer.
    const auto count = static_cast<std::uint32_t>(n * m), columns = static_cast<std::uint32_t>(m);
    for (std::uint32_t i = threadIdx.x; i < count; i += kThreads)
      f(std::int64_t{i / columns}, std::int64_t{i % columns});
  }
  template <class A, class F>
  __device__ A sum(std::int64_t n, const F& f) const {
    A mine = 0;
    each(n, [&](std::int64_t i) { mine += f(i); });
    return total(mine);
  }
  template <class A, class F>
  __device__ A sum(std::int64_t n, std::int64_t m, const F& f) const {
    A mine = 0;
    each(n, m, [&](std::int64_t i, std::int64_t j) { mine += f(i, j); });
    return total(mine);
  }
  __device__ bool leader() const { return threadIdx.x == 0; }

 private:
  // Every thread of the block must come here; all get the same sum.
  template <class A>
  __device__ static A total(A mine) {
    __shared__ A of_warp[kThreads / kWarp];
    for (int step = kWarp / 2; step > 0; step /= 2) mine += __shfl_xor_sync(~0U, mine, step);
    __syncthreads();  // the sum before this one has been read
    if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = mine;
    __syncthreads();
    A all = 0;
    for (int warp = 0; warp < kThreads / kWarp; ++warp) all += of_warp[warp];
    return all;
  }
};

// A group of segments, by value among a kernel's parameters: offsets need no copy to the device.
inline constexpr int kSegments = 128;
struct Segments {
  int count;
  std::int32_t offsets[kSegments + 1];
  std::int32_t first_chunk[kSegments + 1];  // of each segment, within the group
};

template <class F>
__global__ void __launch_bounds__(kThreads) elements_kernel(std::int64_t n, const F f) {
  const std::int64_t stride = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += stride) f(i);
}

template <class F>
__global__ void __launch_bounds__(kThreads) rows_kernel(const F f) {
  f(BlockTeam{}, static_cast<std::int64_t>(blockIdx.x));
}

// A block a chunk: its rows one after the other, then its sums to partial[chunk].
template <class A, class F>
__global__ void __launch_bounds__(kThreads)
    chunks_kernel(const Segments segments, std::int64_t width, bool shared, const F f, A* partial) {
  const auto chunk = static_cast<std::int32_t>(blockIdx.x);
  int s = 0;
  for (int end = segments.count; end - s > 1;) {  // the last segment that begins at it or before
    const int middle = (s + end) / 2;
    (segments.first_chunk[middle] <= chunk ? s : end) = middle;
  }
  A* const out = partial + chunk * width;
  A* const sums = shared ? static_cast<A*>(dynamic_shared()) : out;
  for (std::int64_t j = threadIdx.x; j < width; j += kThreads) sums[j] = A{0};
  __syncthreads();
  const std::int64_t first =
      segments.offsets[s] + std::int64_t{chunk - segments.first_chunk[s]} * kChunkRows;
  const std::int64_t last =
      first + kChunkRows < segments.offsets[s + 1] ? first + kChunkRows : segments.offsets[s + 1];
  for (std::int64_t row = first; row < last; ++row) f(BlockTeam{}, row, sums);
  if (!shared) return;
  __syncthreads();
  for (std::int64_t j = threadIdx.x; j < width; j += kThreads) out[j] = sums[j];
}

// Adds the chunks of each segment in order: blockIdx.y is the segment, a thread an accumulator.
template <class A>
__global__ void __launch_bounds__(kThreads)
    add_chunks_kernel(const Segments segments, std::int64_t width, const A* partial, A* out) {
  const std::int64_t j = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (j >= width) return;
  const int s = static_cast<int>(blockIdx.y);
  A total = 0;
#pragma unroll 8
  for (std::int32_t chunk = segments.first_chunk[s]; chunk < segments.first_chunk[s + 1]; ++chunk)
    total += partial[chunk * width + j];
  out[s * width + j] = total;
}

// The same where a row has few accumulators: a block has one of a segment, and its threads share
// the chunks, each every kThreads-th.
template <class A>
__global__ void __launch_bounds__(kThreads)
    add_chunks_of_few_kernel(const Segments segments, std::int64_t width, const A* partial,
                             A* out) {
  const std::int64_t j = blockIdx.x;
  const int s = static_cast<int>(blockIdx.y);
  const std::int32_t first = segments.first_chunk[s], count = segments.first_chunk[s + 1] - first;
  const A total = BlockTeam{}.template sum<A>(
      count, [&](std::int64_t chunk) { return partial[(first + chunk) * width + j]; });
  if (threadIdx.x == 0) out[s * width + j] = total;
}

template <class F>
void for_elements(std::int64_t n, const F& f) {
  if (n <= 0) return;
  const Context& context = Context::get();
  const std::int64_t wanted = (n + kThreads - 1) / kThreads;
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(
      wanted, std::int64_t{context.multiprocessors()} * kBlocksPerMultiprocessor));
  launch("elements_kernel", elements_kernel<F>, blocks, kThreads, 0, context.stream(), n, f);
}

template <class F>
void for_rows(std::int64_t rows, const F& f) {
  if (rows <= 0) return;
  launch("rows_kernel", rows_kernel<F>, static_cast<unsigned>(rows), kThreads, 0,
         Context::get().stream(), f);
}

template <class A, class F>
void for_rows_sum(std::span<const std::int32_t> offsets, std::int64_t width, const F& f, A* out) {
  const cudaStream_t stream = Context::get().stream();
  const auto all = static_cast<std::int64_t>(offsets.size()) - 1;
  const std::size_t bytes = sizeof(A) * width;
  const bool shared = bytes <= kSharedSums;
  for (std::int64_t begin = 0; begin < all && width > 0; begin += kSegments) {
    Segments group{};
    group.count = static_cast<int>(std::min<std::int64_t>(kSegments, all - begin));
    group.offsets[0] = offsets[begin];
    for (int s = 0; s < group.count; ++s) {
      group.offsets[s + 1] = offsets[begin + s + 1];
      group.first_chunk[s + 1] =
          group.first_chunk[s] +
          static_cast<std::int32_t>((group.offsets[s + 1] - group.offsets[s] + kChunkRows - 1) /
                                    kChunkRows);
    }
    const std::int32_t chunks = group.first_chunk[group.count];
    // Goes back to the pool while the kernels may still run: what takes it next runs after them.
    const Buffer partial(bytes * chunks, Device::kCuda);
    A* const sums = static_cast<A*>(partial.data());
    if (chunks > 0)
      launch("chunks_kernel", chunks_kernel<A, F>, static_cast<unsigned>(chunks), kThreads,
             shared ? bytes : 0, stream, group, width, shared, f, sums);
    const bool few = width < kThreads;
    const dim3 grid(static_cast<unsigned>(few ? width : (width + kThreads - 1) / kThreads),
                    static_cast<unsigned>(group.count));
    launch("add_chunks_kernel", few ? add_chunks_of_few_kernel<A> : add_chunks_kernel<A>, grid,
           kThreads, 0, stream, group, width, sums, out + begin * width);
  }
}

}  // namespace muybridge::cuda
