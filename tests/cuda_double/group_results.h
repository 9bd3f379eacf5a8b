#pragma once

#include <vector>

#include "parallel/group.h"

namespace muybridge::testing {

inline Tensor numbers(std::int64_t count, int rank, Device device) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(100.0 * rank + static_cast<double>(i));
  return Tensor::of<double>({count}, values).to(device);
}

// What each operation of a group of at least 2 ranks leaves in its result.
inline std::vector<std::vector<double>> results_on(Device device, Group& group) {
  const int rank = group.rank(), ranks = group.size();
  const auto empty = [&](std::int64_t count) {
    return Tensor::empty({count}, DType::kF64, device);
  };
  std::vector<Tensor> results;
  results.push_back(numbers(4, rank, device));
  group.all_reduce(results.back()).wait();
  results.push_back(numbers(4, rank, device));
  group.broadcast(results.back(), 1).wait();
  results.push_back(empty(2 * ranks));
  group.all_gather(numbers(2, rank, device), results.back()).wait();
  // In place, as gradients are gathered.
  const Tensor whole = numbers(2 * ranks, rank, device);
  group.all_gather(whole.rows(2 * rank, 2), whole).wait();
  results.push_back(whole);
  results.push_back(empty(2));
  group.reduce_scatter(numbers(2 * ranks, rank, device), results.back()).wait();
  results.push_back(empty(2 * ranks));
  group.all_to_all(numbers(2 * ranks, rank, device), results.back()).wait();
  results.push_back(empty(3));
  const Messages messages = group.exchange({{(rank + 1) % ranks, numbers(3, rank, device)}},
                                           {{(rank + ranks - 1) % ranks, results.back()}});
  messages.wait();
  messages.received.wait();  // may be called again
  std::vector<std::vector<double>> values;
  for (const Tensor& each : results) values.push_back(each.to_vector<double>());
  return values;
}

}  // namespace muybridge::testing
