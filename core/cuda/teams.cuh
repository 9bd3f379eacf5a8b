#pragma once

#include <cstdint>

#include "core/cuda/kernel_language.cuh"
#include "core/team.h"

// The teams of core/team.h that are threads of a block.
namespace muybridge::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kThreads = 256;  // of a block
// At most, of a block whose threads hold a row: each may have 170 of the 65,536 registers.
inline constexpr int kPackedThreads = 384;

// Folds what the threads of a block have, of a multiple of kWarp threads, and 0. Every thread must
// come; all get the same. The order is fixed: lanes by halves, warps in order.
class BlockFold {
 public:
  template <class A, class Join>
  __device__ A operator()(A mine, const Join& join) const {
    for (int step = kWarp / 2; step > 0; step /= 2)
      mine = join(mine, __shfl_xor_sync(~0U, mine, step));
    if (blockDim.x == kWarp) return mine;
    // Two arrays in turn: who comes to write one has passed the barrier of the other, and so have
    // all that read the one.
    __shared__ A of_warp[2][kPackedThreads / kWarp];
    turn_ ^= 1;
    if (threadIdx.x % kWarp == 0) of_warp[turn_][threadIdx.x / kWarp] = mine;
    __syncthreads();
    A all = 0;
    for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp)
      all = join(all, of_warp[turn_][warp]);
    return all;
  }

 private:
  mutable int turn_ = 0;
};

// A block of kThreads walks a row of any length in memory. Thread t does the columns t,
// t + kThreads, .. of every walk, so that what one walk wrote at a column, the next one of the same
// length reads in the same thread.
class BlockTeam {
 public:
  template <class T>
  __device__ const T* read(const T* row, std::int64_t) const {
    return row;
  }
  template <class T>
  __device__ const T* read_of_head(const T* row, std::int64_t, std::int64_t) const {
    return row;
  }
  template <class F>
  __device__ void each(std::int64_t n, const F& f) const {
    for (std::int64_t j = threadIdx.x; j < n; j += kThreads) f(j);
  }
  template <class T, class F>
  __device__ void write(T* row, std::int64_t n, const F& f) const {
    each(n, [&](std::int64_t j) { row[j] = static_cast<T>(f(j)); });
  }
  template <class T, class F>
  __device__ void put(T* row, std::int64_t n, bool add, const F& f) const {
    using A = Accumulator<T>;
    each(n, [&](std::int64_t j) {
      const A value = f(j);
      row[j] = static_cast<T>(add ? static_cast<A>(row[j]) + value : value);
    });
  }
  template <class T, class F>
  __device__ void write_pairs(T* row, std::int64_t heads, std::int64_t width, const F& f) const {
    each(heads, width / 2, [&](std::int64_t head, std::int64_t pair) {
      const std::int64_t j = head * width + 2 * pair;
      const auto [first, second] = f(j, 2 * pair);
      row[j] = static_cast<T>(first);
      row[j + 1] = static_cast<T>(second);
    });
  }
  template <class F>
  __device__ void each(std::int64_t n, std::int64_t m, const F& f) const {
    // A row has less than 2^32 columns; division of 64 bits is several times dearer.
    const auto count = static_cast<std::uint32_t>(n * m), columns = static_cast<std::uint32_t>(m);
    for (std::uint32_t i = threadIdx.x; i < count; i += kThreads)
      f(std::int64_t{i / columns}, std::int64_t{i % columns});
  }
  template <class A, class F>
  __device__ A sum(std::int64_t n, const F& f) const {
    A mine = 0;
    each(n, [&](std::int64_t j) { mine += f(j); });
    return fold_(mine, Plus{});
  }
  template <class A, class F>
  __device__ A largest(std::int64_t n, const F& f) const {
    A mine = 0;
    each(n, [&](std::int64_t j) { mine = Greater{}(mine, f(j)); });
    return fold_(mine, Greater{});
  }
  template <class A, class F>
  __device__ A sum_pairs(std::int64_t heads, std::int64_t width, const F& f) const {
    A mine = 0;
    each(heads, width / 2, [&](std::int64_t head, std::int64_t pair) {
      mine += f(head * width + 2 * pair, 2 * pair);
    });
    return fold_(mine, Plus{});
  }
  __device__ bool leader() const { return threadIdx.x == 0; }

 private:
  BlockFold fold_;
};

// Which of the columns that a thread holds.
struct Slot {
  int index;
  __device__ Slot operator+(int columns) const { return {index + columns}; }
};

// kPack columns, moved 16 bytes at a time.
template <class T>
struct alignas(16) Pack {
  T columns[kPack];
};

// The packs of a row that a thread holds, in registers where all slots are known to the compiler.
template <class T, int kPacks>
struct Held {
  Pack<T> packs[kPacks];
  __device__ T operator[](Slot at) const {
    return packs[at.index / kPack].columns[at.index % kPack];
  }
};

template <class A, int kPacks, int kGroups>
struct HeldSums {
  A values[kGroups][kPacks * kPack] = {};
  __device__ A& operator()(int group, Slot at) { return values[group][at.index]; }
};

// Each thread holds up to kPacks packs of a row, which are read once: `first`, first + stride, ..
// For functors of columns that do not depend on each other a row may have any threads; for others
// it has a block of them.
template <int kPacks>
class PackTeam {
 public:
  __device__ PackTeam(int first, int stride) : first_(first), stride_(stride) {}

  // f(k, pack) for the thread's k-th pack.
  template <class F>
  __device__ void own(std::int64_t n, const F& f) const {
    const int packs = static_cast<int>(n) / kPack;
#pragma unroll
    for (int k = 0; k < kPacks; ++k)
      if (const int pack = first_ + k * stride_; pack < packs) f(k, pack);
  }
  template <class T>
  __device__ Held<T, kPacks> read(const T* row, std::int64_t n) const {
    Held<T, kPacks> held;
    own(n, [&](int k, int pack) { held.packs[k] = reinterpret_cast<const Pack<T>*>(row)[pack]; });
    return held;
  }
  template <class T>
  __device__ Held<T, kPacks> read_of_head(const T* row, std::int64_t width, std::int64_t n) const {
    Held<T, kPacks> held;
    const int packs_of_head = static_cast<int>(width) / kPack;
    own(n, [&](int k, int pack) {
      held.packs[k] = reinterpret_cast<const Pack<T>*>(row)[pack % packs_of_head];
    });
    return held;
  }
  template <class F>
  __device__ void each(std::int64_t n, const F& f) const {
    own(n, [&](int k, int) {
#pragma unroll
      for (int column = 0; column < kPack; ++column) f(Slot{k * kPack + column});
    });
  }
  template <class T, class F>
  __device__ void write(T* row, std::int64_t n, const F& f) const {
    own(n, [&](int k, int pack) {
      Pack<T> to;
#pragma unroll
      for (int column = 0; column < kPack; ++column)
        to.columns[column] = static_cast<T>(f(Slot{k * kPack + column}));
      reinterpret_cast<Pack<T>*>(row)[pack] = to;
    });
  }
  template <class T, class F>
  __device__ void put(T* row, std::int64_t n, bool add, const F& f) const {
    using A = Accumulator<T>;
    own(n, [&](int k, int pack) {
      Pack<T>& place = reinterpret_cast<Pack<T>*>(row)[pack];
      Pack<T> to{};
      if (add) to = place;
#pragma unroll
      for (int column = 0; column < kPack; ++column) {
        const A value = f(Slot{k * kPack + column});
        to.columns[column] =
            static_cast<T>(add ? static_cast<A>(to.columns[column]) + value : value);
      }
      place = to;
    });
  }
  template <class T, class F>
  __device__ void write_pairs(T* row, std::int64_t heads, std::int64_t width, const F& f) const {
    own(heads * width, [&](int k, int pack) {
      Pack<T> to;
#pragma unroll
      for (int column = 0; column < kPack; column += 2) {
        const Slot at{k * kPack + column};
        const auto [first, second] = f(at, at);
        to.columns[column] = static_cast<T>(first);
        to.columns[column + 1] = static_cast<T>(second);
      }
      reinterpret_cast<Pack<T>*>(row)[pack] = to;
    });
  }
  template <class A, class F>
  __device__ A sum(std::int64_t n, const F& f) const {
    A mine = 0;
    each(n, [&](Slot at) { mine += f(at); });
    return fold_(mine, Plus{});
  }
  template <class A, class F>
  __device__ A largest(std::int64_t n, const F& f) const {
    A mine = 0;
    each(n, [&](Slot at) { mine = Greater{}(mine, f(at)); });
    return fold_(mine, Greater{});
  }
  template <class A, class F>
  __device__ A sum_pairs(std::int64_t heads, std::int64_t width, const F& f) const {
    A mine = 0;
    own(heads * width, [&](int k, int) {
#pragma unroll
      for (int column = 0; column < kPack; column += 2) {
        const Slot at{k * kPack + column};
        mine += f(at, at);
      }
    });
    return fold_(mine, Plus{});
  }
  __device__ bool leader() const { return first_ == 0; }

 private:
  int first_, stride_;
  BlockFold fold_;
};

}  // namespace muybridge::cuda
