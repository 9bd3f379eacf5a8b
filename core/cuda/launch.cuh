#pragma once

#include <algorithm>
#include <cstdint>

#include "core/cuda/context.h"
#include "core/cuda/counting_team.h"
#include "core/cuda/recorder.h"
#include "core/cuda/teams.cuh"
#include "core/launch.h"

// The CUDA side of core/launch.h: the kernels that run a functor. Rows that may be read in packs
// are: by a block whose threads hold all of a row, so that it is read once, or, where columns do
// not depend on each other, by a thread a pack. Other rows are walked by a BlockTeam. Sums have a
// fixed order, there are no atomics, and no launch waits for the device.
namespace muybridge::cuda {

inline constexpr int kBlocksPerMultiprocessor = 16;
// A chunk's sums stay in shared memory up to this size, which needs no opt-in.
inline constexpr std::size_t kSharedSums = 40 << 10;

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

template <int kPacks, class F>
__global__ void __launch_bounds__(kPackedThreads) packed_rows_kernel(const F f) {
  f(PackTeam<kPacks>(static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)),
    static_cast<std::int64_t>(blockIdx.x));
}

// A thread a pack of any row.
template <class F>
__global__ void __launch_bounds__(kThreads) packs_kernel(std::int64_t packs, const F f) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= packs) return;
  const std::int64_t of_row = f.columns() / kPack, row = i / of_row;
  f(PackTeam<1>(static_cast<int>(i - row * of_row), 1), row);
}

struct ChunkRows {
  std::int64_t first, last;
};
__device__ inline ChunkRows rows_of(const Segments& segments, std::int32_t chunk) {
  int s = 0;
  for (int end = segments.count; end - s > 1;) {  // the last segment that begins at it or before
    const int middle = (s + end) / 2;
    (segments.first_chunk[middle] <= chunk ? s : end) = middle;
  }
  const std::int64_t first =
      segments.offsets[s] + std::int64_t{chunk - segments.first_chunk[s]} * kChunkRows;
  const std::int64_t end = segments.offsets[s + 1];
  return {first, first + kChunkRows < end ? first + kChunkRows : end};
}

// A block a chunk: its rows one after the other, then its sums to partial[chunk].
template <class A, class F>
__global__ void __launch_bounds__(kThreads)
    chunks_kernel(const Segments segments, std::int64_t width, bool shared, const F f, A* partial) {
  const auto chunk = static_cast<std::int32_t>(blockIdx.x);
  A* const out = partial + chunk * width;
  A* const memory = shared ? static_cast<A*>(dynamic_shared()) : out;
  for (std::int64_t j = threadIdx.x; j < width; j += kThreads) memory[j] = A{0};
  __syncthreads();
  const BlockTeam team;
  auto sums = sums_of(f, memory);
  const ChunkRows rows = rows_of(segments, chunk);
  for (std::int64_t row = rows.first; row < rows.last; ++row) f(team, row, sums);
  if (!shared) return;
  __syncthreads();
  for (std::int64_t j = threadIdx.x; j < width; j += kThreads) out[j] = memory[j];
}

// The same with the sums of a thread's packs in its registers. blockIdx.y: which part of a row's
// packs, where columns do not depend on each other.
template <class A, int kPacks, class F>
__global__ void __launch_bounds__(kPackedThreads)
    packed_chunks_kernel(const Segments segments, std::int64_t width, const F f, A* partial) {
  const auto chunk = static_cast<std::int32_t>(blockIdx.x);
  const PackTeam<kPacks> team(static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x),
                              static_cast<int>(blockDim.x));
  HeldSums<A, kPacks, F::kGroups> sums;
  const ChunkRows rows = rows_of(segments, chunk);
  for (std::int64_t row = rows.first; row < rows.last; ++row) f(team, row, sums);
  const std::int64_t columns = f.columns();
#pragma unroll
  for (int group = 0; group < F::kGroups; ++group)
    if (group * columns < width)
      team.write(partial + chunk * width + group * columns, columns,
                 [&](Slot at) { return sums(group, at); });
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

// The bytes that a functor of elements, or one with sums for its leader, says to move of each.
template <class F>
double said_bytes(std::int64_t n, const F& f) {
  if constexpr (requires { f.bytes(); })
    return static_cast<double>(n) * static_cast<double>(f.bytes());
  else
    return 0;
}

template <class F>
double bytes_of_all_rows(std::int64_t rows, const F& f) {
  if constexpr (requires { f.bytes(); })
    return said_bytes(rows, f);
  else
    return bytes_of_rows(rows, f);
}

// In a dry run.
template <class F>
void record_kernel(const F&, std::int64_t calls, double bytes) {
  record({.kind = Recorded::Kind::kKernel,
          .what = name_of_functor(typeid(F)),
          .calls = calls,
          .bytes = bytes});
}

template <class F>
void for_elements(std::int64_t n, const F& f) {
  if (n <= 0) return;
  if (recording()) return record_kernel(f, 1, said_bytes(n, f));
  const Context& context = Context::get();
  const std::int64_t wanted = (n + kThreads - 1) / kThreads;
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(
      wanted, std::int64_t{context.multiprocessors()} * kBlocksPerMultiprocessor));
  launch("elements_kernel", elements_kernel<F>, blocks, kThreads, 0, context.stream(), n, f);
}

// Threads of a block, each with up to `packs` packs of a row; 0 threads where it has too many.
struct PackedBlock {
  int packs;
  unsigned threads;
};
inline PackedBlock block_for(std::int64_t columns) {
  const std::int64_t all = columns / kPack;
  const int packs = all <= kWarp ? 1 : 2;  // two keep twice the bytes under way
  const std::int64_t threads = ((all + packs - 1) / packs + kWarp - 1) / kWarp * kWarp;
  return {packs, threads > kPackedThreads ? 0 : static_cast<unsigned>(threads)};
}

// g.template operator()<packs>() with what the compiler must know of a block.
template <class G>
void dispatch_packs(int packs, const G& g) {
  if (packs == 1) return g.template operator()<1>();
  g.template operator()<2>();
}

template <class F>
concept Packable = requires(const F& f) {
  f.in_packs();
  requires sizeof(typename F::A) <= sizeof(float);
};
template <class F>
inline constexpr bool kApart = requires {
  F::kColumnsApart;
};

// Whether it did.
template <class F>
bool for_packed_rows(std::int64_t rows, const F& f) {
  const cudaStream_t stream = Context::get().stream();
  if (!f.in_packs()) return false;
  if constexpr (kApart<F>) {
    const std::int64_t packs = rows * (f.columns() / kPack);
    launch("packs_kernel", packs_kernel<F>,
           static_cast<unsigned>((packs + kThreads - 1) / kThreads), kThreads, 0, stream, packs, f);
  } else {
    const PackedBlock block = block_for(f.columns());
    if (block.threads == 0) return false;
    dispatch_packs(block.packs, [&]<int kPacks>() {
      launch("packed_rows_kernel", packed_rows_kernel<kPacks, F>, static_cast<unsigned>(rows),
             block.threads, 0, stream, f);
    });
  }
  return true;
}

template <class F>
void for_rows(std::int64_t rows, const F& f) {
  if (rows <= 0) return;
  if (recording()) return record_kernel(f, 1, bytes_of_all_rows(rows, f));
  if constexpr (Packable<F>)
    if (for_packed_rows(rows, f)) return;
  launch("rows_kernel", rows_kernel<F>, static_cast<unsigned>(rows), kThreads, 0,
         Context::get().stream(), f);
}

// Whether it did.
template <class A, class F>
bool for_packed_chunks(const Segments& segments, std::int32_t chunks, std::int64_t width,
                       const F& f, A* partial) {
  const cudaStream_t stream = Context::get().stream();
  if (!f.in_packs() || reinterpret_cast<std::uintptr_t>(partial) % 16) return false;
  if constexpr (kApart<F>) {
    const std::int64_t packs = f.columns() / kPack, parts = (packs + kThreads - 1) / kThreads;
    const std::int64_t threads = ((packs + parts - 1) / parts + kWarp - 1) / kWarp * kWarp;
    launch("packed_chunks_kernel", packed_chunks_kernel<A, 1, F>,
           dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(parts)),
           static_cast<unsigned>(threads), 0, stream, segments, width, f, partial);
  } else {
    const PackedBlock block = block_for(f.columns());
    if (block.threads == 0) return false;
    dispatch_packs(block.packs, [&]<int kPacks>() {
      launch("packed_chunks_kernel", packed_chunks_kernel<A, kPacks, F>,
             static_cast<unsigned>(chunks), block.threads, 0, stream, segments, width, f, partial);
    });
  }
  return true;
}

template <class A, class F>
void for_chunks(const Segments& segments, std::int32_t chunks, std::int64_t width, const F& f,
                A* partial) {
  if constexpr (Packable<F>)
    if (for_packed_chunks(segments, chunks, width, f, partial)) return;
  const std::size_t bytes = sizeof(A) * width;
  const bool shared = bytes <= kSharedSums;
  launch("chunks_kernel", chunks_kernel<A, F>, static_cast<unsigned>(chunks), kThreads,
         shared ? bytes : 0, Context::get().stream(), segments, width, shared, f, partial);
}

template <class A, class F>
void record_rows_sum(std::span<const std::int32_t> offsets, std::int64_t width, const F& f) {
  const std::int64_t rows = offsets.back() - offsets.front(), all = std::ssize(offsets) - 1;
  const std::int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  double bytes = said_bytes(rows, f);
  if constexpr (requires { f.columns(); })
    bytes = bytes_of_rows(rows, [&](const CountingTeam& team, std::int64_t row) {
      auto sums = sums_of(f, static_cast<A*>(nullptr));
      f(team, row, sums);
    });
  record_kernel(f, 2 * ((all + kSegments - 1) / kSegments),
                bytes + static_cast<double>(sizeof(A) * width * (2 * chunks + all)));
}

template <class A, class F>
void for_rows_sum(std::span<const std::int32_t> offsets, std::int64_t width, const F& f, A* out) {
  if (recording()) return record_rows_sum<A>(offsets, width, f);
  const cudaStream_t stream = Context::get().stream();
  const auto all = static_cast<std::int64_t>(offsets.size()) - 1;
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
    const Buffer partial(sizeof(A) * width * chunks, Device::kCuda);
    A* const sums = static_cast<A*>(partial.data());
    if (chunks > 0) for_chunks(group, chunks, width, f, sums);
    const bool few = width < kThreads;
    const dim3 grid(static_cast<unsigned>(few ? width : (width + kThreads - 1) / kThreads),
                    static_cast<unsigned>(group.count));
    launch("add_chunks_kernel", few ? add_chunks_of_few_kernel<A> : add_chunks_kernel<A>, grid,
           kThreads, 0, stream, group, width, sums, out + begin * width);
  }
}

}  // namespace muybridge::cuda
