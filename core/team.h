#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "core/lanes.h"

// Before a loop whose index must be known to the compiler of a kernel.
#if defined(__CUDACC__)
#define MUY_UNROLL _Pragma("unroll")
#else
#define MUY_UNROLL
#endif

// A row's worker, which a functor of rows is given. The same functor runs with any of them:
//
//   team.read(row, n)                     the n columns that lie at `row`, for columns[at]
//   team.read_of_head(row, width, n)      the same where every head of `width` reads the same
//   team.write(row, n, f)                 row[j] = f(at), rounded to the row's type
//   team.put(row, n, add, f)              the same, or where `add` row[j] += f(at), rounded once
//   team.each(n, f), team.sum<A>(n, f)    f(at)
//   team.largest<A>(n, f)                 of 0 and all f(at)
//   team.write_pairs(row, heads, width, f), team.sum_pairs<A>(heads, width, f)
//                                         f(at, in_head) for columns at and at + 1 of each head
//   team.leader()                         one of the threads that run this row
//
// `at` says which column; what it is depends on the team. Here a thread runs vector loops over
// pointers and `at` is j. On CUDA (core/cuda/teams.cuh) a column may be in a register.
namespace muybridge {

// Columns that a thread of a kernel reads at once.
inline constexpr int kPack = 8;

template <class A>
struct ColumnPair {
  A first, second;
};

struct SerialTeam {
  template <class T>
  MUY_HD const T* read(const T* row, std::int64_t) const {
    return row;
  }
  template <class T>
  MUY_HD const T* read_of_head(const T* row, std::int64_t, std::int64_t) const {
    return row;
  }
  template <class F>
  MUY_HD void each(std::int64_t n, const F& f) const {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) f(j);
  }
  template <class T, class F>
  MUY_HD void write(T* row, std::int64_t n, const F& f) const {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) row[j] = static_cast<T>(f(j));
  }
  template <class T, class F>
  MUY_HD void put(T* row, std::int64_t n, bool add, const F& f) const {
    if (!add) return write(row, n, f);
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j)
      row[j] = static_cast<T>(static_cast<Accumulator<T>>(row[j]) + f(j));
  }
  template <class T, class F>
  MUY_HD void write_pairs(T* row, std::int64_t heads, std::int64_t width, const F& f) const {
    for (std::int64_t head = 0; head < heads; ++head) {
      const std::int64_t begin = head * width;
#pragma omp simd
      for (std::int64_t pair = 0; pair < width / 2; ++pair) {
        const auto [first, second] = f(begin + 2 * pair, 2 * pair);
        row[begin + 2 * pair] = static_cast<T>(first);
        row[begin + 2 * pair + 1] = static_cast<T>(second);
      }
    }
  }
  // f(i, j) for all pairs of indices, j innermost.
  template <class F>
  MUY_HD void each(std::int64_t n, std::int64_t m, const F& f) const {
    for (std::int64_t i = 0; i < n; ++i) {
#pragma omp simd
      for (std::int64_t j = 0; j < m; ++j) f(i, j);
    }
  }
  template <class A, class F>
  MUY_HD A sum(std::int64_t n, const F& f) const {
    LaneFold<A, Plus> total(A{0});
    total.add(n, f);
    return total.result();
  }
  template <class A, class F>
  MUY_HD A largest(std::int64_t n, const F& f) const {
    LaneFold<A, Greater> most(A{0});
    most.add(n, f);
    return most.result();
  }
  template <class A, class F>
  MUY_HD A sum_pairs(std::int64_t heads, std::int64_t width, const F& f) const {
    LaneFold<A, Plus> total(A{0});
    for (std::int64_t head = 0; head < heads; ++head)
      total.add(width / 2, [&](std::int64_t pair) { return f(head * width + 2 * pair, 2 * pair); });
    return total.result();
  }
  MUY_HD bool leader() const { return true; }
};

// Sums over rows, in memory: groups of as many as a row has columns.
template <class A>
struct SumsInMemory {
  A* first;
  std::int64_t columns;
  MUY_HD A& operator()(int group, std::int64_t j) const { return first[group * columns + j]; }
};

// As f wants them: those of a functor without columns are its leader's.
template <class F, class A>
MUY_HD auto sums_of(const F& f, A* memory) {
  if constexpr (requires { f.columns(); })
    return SumsInMemory<A>{memory, f.columns()};
  else
    return memory;
}

}  // namespace muybridge
