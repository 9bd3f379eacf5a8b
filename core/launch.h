#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/buffer.h"
#include "core/parallel_for.h"
#include "core/team.h"
#include "core/tensor.h"

// The three ways to run a functor (core/functor.h) over tensors: the CPU loops below and the CUDA
// kernels of core/cuda/launch.cuh run the same arithmetic. The linker chooses: the `cuda::`
// templates are built in core/cuda/instances_*.cu, or in core/cuda_stubs.cpp where there is no
// toolkit.
namespace muybridge {

namespace cuda {
template <class F>
void for_elements(std::int64_t n, const F& f);
template <class F>
void for_rows(std::int64_t rows, const F& f);
template <class A, class F>
void for_rows_sum(std::span<const std::int32_t> offsets, std::int64_t width, const F& f, A* out);
}  // namespace cuda

// f(i) for i in [0, n).
template <class F>
void for_elements(Device device, std::int64_t n, const F& f) {
  if (device == Device::kCuda) return cuda::for_elements(n, f);
  parallel_for(n, [&](std::int64_t begin, std::int64_t end) {
    const F local = f;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) local(i);
  });
}

// f(team, row) for row in [0, rows); `work` is about the number of elements a row has.
template <class F>
void for_rows(Device device, std::int64_t rows, std::int64_t work, const F& f) {
  if (device == Device::kCuda) return cuda::for_rows(rows, f);
  parallel_for(
      rows,
      [&](std::int64_t begin, std::int64_t end) {
        const F local = f;
        for (std::int64_t row = begin; row < end; ++row) local(SerialTeam{}, row);
      },
      std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(work, 1)));
}

// f(team, row, sums) for every row; `sums` are private to the team until it is done, and
// out[segment] are their totals over the rows [offsets[s], offsets[s+1]), `width` of them. So a
// backward pass makes the gradient of its input and of a weight, bias or modulation in one walk.
// sums(group, at) is that of a column, and only whoever does that column may add to it. A functor
// without columns has sums[j], for its leader. The order of additions is fixed: chunks of
// kChunkRows rows, then chunks in order.
inline constexpr std::int64_t kChunkRows = 64;

template <class A, class F>
void for_rows_sum(Device device, std::span<const std::int32_t> offsets, std::int64_t width,
                  const F& f, A* out) {
  const int segments = static_cast<int>(offsets.size()) - 1;
  if (device == Device::kCuda) return cuda::for_rows_sum(offsets, width, f, out);
  std::vector<std::int32_t> first_chunk(segments + 1, 0);
  for (int s = 0; s < segments; ++s)
    first_chunk[s + 1] =
        first_chunk[s] +
        static_cast<std::int32_t>((offsets[s + 1] - offsets[s] + kChunkRows - 1) / kChunkRows);
  const Buffer partial_buffer(sizeof(A) * width * first_chunk[segments], Device::kCpu);
  A* const partial = static_cast<A*>(partial_buffer.data());
  parallel_for(
      first_chunk[segments],
      [&](std::int64_t begin, std::int64_t end) {
        const F local = f;
        int s = 0;
        for (std::int64_t chunk = begin; chunk < end; ++chunk) {
          while (first_chunk[s + 1] <= chunk) ++s;
          const std::int64_t first = offsets[s] + (chunk - first_chunk[s]) * kChunkRows;
          const std::int64_t last = std::min<std::int64_t>(first + kChunkRows, offsets[s + 1]);
          A* const sums = partial + chunk * width;
          std::fill(sums, sums + width, A{0});
          auto columns = sums_of(local, sums);
          for (std::int64_t row = first; row < last; ++row) local(SerialTeam{}, row, columns);
        }
      },
      std::max<std::int64_t>(1, 16384 / (kChunkRows * std::max<std::int64_t>(width, 1))));
  for (int s = 0; s < segments; ++s) {
    A* const total = out + s * width;
    std::fill(total, total + width, A{0});
    for (std::int32_t chunk = first_chunk[s]; chunk < first_chunk[s + 1]; ++chunk)
      for (std::int64_t j = 0; j < width; ++j) total[j] += partial[chunk * width + j];
  }
}

}  // namespace muybridge
