#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace muybridge {

// Splits [0, n) into one contiguous range a thread and calls body(begin, end). A range has at least
// `grain` items, so that small loops stay on the calling thread. The body must not throw, and what
// it computes must not depend on where ranges begin: results are the same for any thread count.
template <class Body>
void parallel_for(std::int64_t n, const Body& body, std::int64_t grain = 16384) {
  const std::int64_t wanted =
      std::min<std::int64_t>(omp_get_max_threads(), n / std::max<std::int64_t>(grain, 1));
  if (wanted <= 1 || omp_in_parallel()) {
    if (n > 0) body(std::int64_t{0}, n);
    return;
  }
#pragma omp parallel num_threads(static_cast <int>(wanted))
  {
    const std::int64_t threads = omp_get_num_threads();
    const std::int64_t thread = omp_get_thread_num();
    const std::int64_t begin = n * thread / threads;
    const std::int64_t end = n * (thread + 1) / threads;
    if (begin < end) body(begin, end);
  }
}

// The threads that parallel_for_each(n, ..) uses, at most.
inline std::int64_t parallel_slots(std::int64_t n) {
  return omp_in_parallel() ? 1 : std::clamp<std::int64_t>(n, 1, omp_get_max_threads());
}

// Calls body(item, slot) for every item, handing items out as threads become free: for uneven work.
// No two bodies of one slot, below parallel_slots(n), run at once: scratch memory is made for every
// slot before, since memory is not to be asked for inside (core/buffer.h counts that).
template <class Body>
void parallel_for_each(std::int64_t n, const Body& body) {
  const std::int64_t slots = parallel_slots(n);
  if (slots == 1) {
    for (std::int64_t item = 0; item < n; ++item) body(item, std::int64_t{0});
    return;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(slots))
  for (std::int64_t item = 0; item < n; ++item)
    body(item, static_cast<std::int64_t>(omp_get_thread_num()));
}

}  // namespace muybridge
