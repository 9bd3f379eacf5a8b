#include "tests/parallel/collective_claims.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "parallel/host/group_stream.h"

namespace muybridge {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kF64, DType::kBF16, DType::kI64};
// Less and more than what goes in one round.
constexpr std::int64_t kSizes[] = {1, 7, 1000, 40'000};
constexpr std::int64_t kSteps = 270'001;  // of each of four ranks: more than a step of a plan

// What rank `rank` brings: keyed, so that every rank knows what the others have. Mixed by one
// round of SplitMix64, for the oracle draws all ranks' numbers again and again.
Tensor brought(int rank, std::uint64_t key, std::int64_t n, DType dtype) {
  const auto number = [seed = key * 1000 + static_cast<std::uint64_t>(rank)](std::int64_t i) {
    std::uint64_t z = (seed << 32) + static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return static_cast<std::int32_t>(z >> 40) - (1 << 23);
  };
  const Tensor x = Tensor::empty({n}, dtype == DType::kI64 ? dtype : DType::kF32);
  if (dtype == DType::kI64)
    for (std::int64_t i = 0; i < n; ++i) x.data<std::int64_t>()[i] = number(i);
  else
    for (std::int64_t i = 0; i < n; ++i)
      x.data<float>()[i] = static_cast<float>(number(i)) * 0x1p-21F;
  return dtype == DType::kI64 ? x : x.to(dtype);
}

// The reduction that StreamGroup promises: in the order of ranks, bf16 in f32 and rounded once;
// `level` ranks at a time, then over these sums.
template <class T, class Wide>
Tensor reduced(int size, std::uint64_t key, std::int64_t n, Reduce how, int level) {
  const auto merge = [&](Wide& sum, Wide value, bool first) {
    sum = first ? value : how == Reduce::kSum ? sum + value : std::max(sum, value);
  };
  std::vector<Wide> total(static_cast<std::size_t>(n));
  std::vector<Wide> of_level(static_cast<std::size_t>(n));
  for (int q = 0; q < size; ++q) {
    const Tensor x = brought(q, key, n, dtype_of<T>());
    for (std::int64_t i = 0; i < n; ++i)
      merge(of_level[i], static_cast<Wide>(x.data<T>()[i]), q % level == 0);
    if ((q + 1) % level != 0 && q + 1 != size) continue;
    for (std::int64_t i = 0; i < n; ++i) merge(total[i], of_level[i], q < level);
  }
  const Tensor result = Tensor::empty({n}, dtype_of<T>());
  for (std::int64_t i = 0; i < n; ++i)
    result.data<T>()[i] = static_cast<T>(total[static_cast<std::size_t>(i)]);
  return result;
}

Tensor reduced(int size, std::uint64_t key, std::int64_t n, DType dtype, Reduce how,
               int ranks_per_machine = 0) {
  const bool large = n * static_cast<std::int64_t>(size_of(dtype)) >=
                     static_cast<std::int64_t>(StreamGroup::kLevelsFrom);
  const bool in_levels = ranks_per_machine > 0 && size % ranks_per_machine == 0 && large;
  const int level = in_levels ? ranks_per_machine : size;
  switch (dtype) {
    case DType::kF64:
      return reduced<double, double>(size, key, n, how, level);
    case DType::kBF16:
      return reduced<bf16, float>(size, key, n, how, size);
    case DType::kI64:
      return reduced<std::int64_t, std::int64_t>(size, key, n, how, level);
    default:
      return reduced<float, float>(size, key, n, how, level);
  }
}

void expect_same_bits(const Tensor& x, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(x.bytes(), expected.bytes()) << what;
  const auto* a = static_cast<const std::byte*>(x.raw());
  const auto* b = static_cast<const std::byte*>(expected.raw());
  const auto [at, other] = std::mismatch(a, a + x.bytes(), b);
  EXPECT_EQ(at - a, static_cast<std::ptrdiff_t>(x.bytes()))
      << what << ": first difference at this byte";
}

std::string label(const Group& group, DType dtype, std::int64_t n) {
  return fmt::format("rank {} of {}, {} {}", group.rank(), group.size(), n, name_of(dtype));
}

}  // namespace

void expect_all_reduce(Group& group, int ranks_per_machine) {
  std::uint64_t key = 100;
  const auto expect = [&](std::int64_t n, DType dtype, Reduce how) {
    const Tensor x = brought(group.rank(), ++key, n, dtype);
    group.all_reduce(x, how).wait();
    expect_same_bits(x, reduced(group.size(), key, n, dtype, how, ranks_per_machine),
                     label(group, dtype, n));
  };
  for (const DType dtype : kTypes)
    for (const std::int64_t n : kSizes)
      for (const Reduce how : {Reduce::kSum, Reduce::kMax}) expect(n, dtype, how);
  expect(4 * kSteps, DType::kBF16, Reduce::kSum);
  expect(4 * kSteps, DType::kF32, Reduce::kSum);
}

void expect_broadcast(Group& group) {
  for (int root = 0; root < group.size(); ++root)
    for (const std::int64_t n : kSizes) {
      const Tensor x = brought(group.rank(), 200, n, DType::kF32);
      group.broadcast(x, root).wait();
      expect_same_bits(x, brought(root, 200, n, DType::kF32), label(group, DType::kF32, n));
    }
}

void expect_all_gather(Group& group) {
  for (const std::int64_t n : kSizes) {
    const Tensor all = Tensor::empty({group.size(), n});
    group.all_gather(brought(group.rank(), 300, n, DType::kF32), all).wait();
    for (int q = 0; q < group.size(); ++q)
      expect_same_bits(all.rows(q, 1), brought(q, 300, n, DType::kF32),
                       label(group, DType::kF32, n));
    // In place: `mine` is this rank's part of `all`.
    const Tensor again = Tensor::zeros({group.size(), n});
    again.rows(group.rank(), 1).copy_from(all.rows(group.rank(), 1));
    group.all_gather(again.rows(group.rank(), 1), again).wait();
    expect_same_bits(again, all, "in place, " + label(group, DType::kF32, n));
  }
}

void expect_reduce_scatter(Group& group) {
  for (const DType dtype : kTypes)
    for (const std::int64_t n : kSizes) {
      const std::int64_t whole = n * group.size();
      const Tensor all = brought(group.rank(), 400, whole, dtype);
      const Tensor mine = Tensor::empty({n}, dtype);
      group.reduce_scatter(all, mine).wait();
      const Tensor expected =
          reduced(group.size(), 400, whole, dtype, Reduce::kSum).rows(group.rank() * n, n);
      expect_same_bits(mine, expected, label(group, dtype, n));
      group.reduce_scatter(all, all.rows(group.rank() * n, n)).wait();
      expect_same_bits(all.rows(group.rank() * n, n), expected,
                       "in place, " + label(group, dtype, n));
    }
  const Tensor all = brought(group.rank(), 401, kSteps * group.size(), DType::kF32);
  const Tensor mine = Tensor::empty({kSteps});
  group.reduce_scatter(all, mine).wait();
  expect_same_bits(mine,
                   reduced(group.size(), 401, all.numel(), DType::kF32, Reduce::kSum)
                       .rows(group.rank() * kSteps, kSteps),
                   "steps");
}

void expect_all_to_all(Group& group) {
  for (const std::int64_t n : kSizes) {
    const std::int64_t whole = n * group.size();
    const Tensor to = Tensor::empty({whole}, DType::kBF16);
    group.all_to_all(brought(group.rank(), 500, whole, DType::kBF16), to).wait();
    for (int q = 0; q < group.size(); ++q)
      expect_same_bits(to.rows(q * n, n),
                       brought(q, 500, whole, DType::kBF16).rows(group.rank() * n, n),
                       label(group, DType::kBF16, n));
  }
}

void expect_exchange(Group& group) {
  if (group.size() == 1) return;
  const int self = group.rank();
  const int next = (self + 1) % group.size();
  const int previous = (self + group.size() - 1) % group.size();
  for (const std::int64_t n : kSizes) {
    const Tensor a = brought(self, 600, n, DType::kF32);
    const Tensor b = brought(self, 601, n, DType::kBF16);
    const Tensor from_previous = Tensor::empty({n});
    const Tensor from_next = Tensor::empty({n}, DType::kBF16);
    // A ring in both directions; for two ranks next and previous are one.
    group.exchange({{next, a}, {previous, b}}, {{previous, from_previous}, {next, from_next}})
        .wait();
    expect_same_bits(from_previous, brought(previous, 600, n, DType::kF32), "from previous");
    expect_same_bits(from_next, brought(next, 601, n, DType::kBF16), "from next");
  }
  // Everybody with everybody, two to each, beside a collective.
  constexpr std::int64_t kLength = 5000;
  const Tensor sum = brought(self, 610, kLength, DType::kF32);
  std::vector<Parcel> sends, receives;
  for (int step = 1; step < group.size(); ++step)
    for (int which = 0; which < 2; ++which) {
      sends.push_back(
          {(self + step) % group.size(), brought(self, 611 + which, kLength + which, DType::kF32)});
      receives.push_back(
          {(self + group.size() - step) % group.size(), Tensor::empty({kLength + which})});
    }
  const Work reduction = group.all_reduce(sum);
  group.exchange(sends, receives).wait();
  reduction.wait();
  for (std::size_t i = 0; i < receives.size(); ++i) {
    const auto which = static_cast<std::int64_t>(i % 2);
    expect_same_bits(receives[i].tensor,
                     brought(receives[i].peer, 611 + which, kLength + which, DType::kF32),
                     fmt::format("{} of rank {}", which, receives[i].peer));
  }
  expect_same_bits(sum, reduced(group.size(), 610, kLength, DType::kF32, Reduce::kSum), "sum");
}

void expect_exchanges_under_way_together(Group& group) {
  if (group.size() == 1) return;
  // A pipeline: rank 0 sends, those between pass on, the last takes. Each rank has many exchanges
  // under way, called in one go, small and large in turns, and waits for the last one first.
  constexpr int kMessages = 12;
  const auto length = [](int message) -> std::int64_t { return message % 2 == 0 ? 3 : 50'000; };
  std::vector<Tensor> out, in;
  std::vector<Messages> works;
  for (int i = 0; i < kMessages; ++i) {
    out.push_back(brought(group.rank(), 650 + i, length(i), DType::kF32));
    in.push_back(Tensor::zeros({length(i)}));
    std::vector<Parcel> sends, receives;
    if (group.rank() + 1 < group.size()) sends.push_back({group.rank() + 1, out.back()});
    if (group.rank() > 0) receives.push_back({group.rank() - 1, in.back()});
    works.push_back(group.exchange(sends, receives));
  }
  for (auto work = works.rbegin(); work != works.rend(); ++work) work->wait();
  for (int i = 0; i < kMessages && group.rank() > 0; ++i)
    expect_same_bits(in[static_cast<std::size_t>(i)],
                     brought(group.rank() - 1, 650 + i, length(i), DType::kF32),
                     fmt::format("message {}", i));
}

void expect_split(Group& group) {
  // Odd and even ranks, in reverse order; rank 0 stays out of the third.
  const int color = group.rank() % 2;
  const auto half = group.split(color, -group.rank(), "half");
  const auto others = group.split(group.rank() == 0 ? -1 : 7, 0, "others");
  const int members = (group.size() + 1 - color) / 2;
  ASSERT_EQ(half->size(), members);
  EXPECT_EQ(half->rank(), members - 1 - group.rank() / 2);
  EXPECT_EQ(half->name(), "half");
  ASSERT_EQ(others == nullptr, group.rank() == 0);
  // Groups do not wait for each other: ranks may turn to theirs in any order.
  const Tensor a = Tensor::full({5000}, group.rank());
  const Tensor b = Tensor::full({5000}, group.rank());
  std::vector<Work> works;
  if (color == 0) works.push_back(half->all_reduce(a));
  if (others) works.push_back(others->all_reduce(b));
  if (color == 1) works.push_back(half->all_reduce(a));
  for (const Work& work : works) work.wait();
  float of_half = 0;
  float of_others = 0;
  for (int q = 0; q < group.size(); ++q) {
    if (q % 2 == color) of_half += static_cast<float>(q);
    of_others += static_cast<float>(q);
  }
  EXPECT_EQ(a.data<float>()[4999], of_half);
  EXPECT_EQ(b.data<float>()[4999], others ? of_others : 0.0F);
}

void expect_many_under_way(Group& group, int ranks_per_machine) {
  constexpr int kCount = 60;
  std::vector<Tensor> tensors;
  std::vector<Work> works;
  for (int i = 0; i < kCount; ++i) {
    tensors.push_back(brought(group.rank(), 700, 3000 * (i % 7) + 1, DType::kF32));
    works.push_back(i % 3 == 0 ? group.broadcast(tensors.back(), i % group.size())
                               : group.all_reduce(tensors.back()));
  }
  works.push_back(group.barrier());
  works.back().wait();
  for (int i = 0; i < kCount; ++i) {
    EXPECT_TRUE(works[static_cast<std::size_t>(i)].done());
    const Tensor& x = tensors[static_cast<std::size_t>(i)];
    expect_same_bits(x,
                     i % 3 == 0 ? brought(i % group.size(), 700, x.numel(), DType::kF32)
                                : reduced(group.size(), 700, x.numel(), DType::kF32, Reduce::kSum,
                                          ranks_per_machine),
                     fmt::format("operation {}", i));
  }
}

}  // namespace muybridge
