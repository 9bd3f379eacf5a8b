#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace muybridge::cuda {

// What a functor reads and writes of one row, and where.
struct RowTraffic {
  static constexpr int kMostReads = 32;
  int reads = 0;
  const void* from[kMostReads];
  std::int64_t bytes_read[kMostReads];
  std::int64_t bytes_written = 0;
};

// A team of core/team.h that computes nothing and counts what it is asked to move. What a functor
// does with pointers of its own is not seen.
struct CountingTeam {
  RowTraffic* traffic;

  template <class T>
  MUY_HD const T* read(const T* row, std::int64_t n) const {
    if (traffic->reads < RowTraffic::kMostReads) {
      traffic->from[traffic->reads] = row;
      traffic->bytes_read[traffic->reads++] = n * static_cast<std::int64_t>(sizeof(T));
    }
    return row;
  }
  template <class T>
  MUY_HD const T* read_of_head(const T* row, std::int64_t width, std::int64_t) const {
    return read(row, width);
  }
  template <class T, class F>
  MUY_HD void write(T*, std::int64_t n, const F&) const {
    traffic->bytes_written += n * static_cast<std::int64_t>(sizeof(T));
  }
  template <class T, class F>
  MUY_HD void put(T* row, std::int64_t n, bool add, const F& f) const {
    write(row, add ? 2 * n : n, f);  // what is added to is read
  }
  template <class T, class F>
  MUY_HD void write_pairs(T* row, std::int64_t heads, std::int64_t width, const F& f) const {
    write(row, heads * width, f);
  }
  template <class... Arguments>
  MUY_HD void each(const Arguments&...) const {}
  template <class A, class... Arguments>
  MUY_HD A sum(const Arguments&...) const {
    return A{1};
  }
  template <class A, class... Arguments>
  MUY_HD A largest(const Arguments&...) const {
    return A{1};
  }
  template <class A, class... Arguments>
  MUY_HD A sum_pairs(const Arguments&...) const {
    return A{1};
  }
  MUY_HD bool leader() const { return false; }
};

// Of all rows, where run(team, row) runs one. What two rows read at the same place is read once.
template <class Run>
double bytes_of_rows(std::int64_t rows, const Run& run) {
  RowTraffic first, last;
  run(CountingTeam{&first}, std::int64_t{0});
  run(CountingTeam{&last}, rows - 1);
  double bytes = static_cast<double>(first.bytes_written) * static_cast<double>(rows);
  for (int i = 0; i < first.reads; ++i)
    bytes += static_cast<double>(first.bytes_read[i]) *
             static_cast<double>(first.from[i] == last.from[i] ? 1 : rows);
  return bytes;
}

}  // namespace muybridge::cuda
