#include "core/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "core/parallel_for.h"
#include "core/tensor.h"

namespace muybridge {
namespace {

TEST(Pool, TheSameSizesAgainAskTheSystemForNothing) {
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (int i = 1; i < 40; ++i) tensors.push_back(Tensor::empty({i * 1000, 3}));
  };
  step();
  const std::uint64_t before = pool_statistics(Device::kCpu).system_allocations;
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(pool_statistics(Device::kCpu).system_allocations, before);
}

// Texts of a little fewer tokens find the blocks of those before; much smaller ones leave them.
TEST(Pool, ABlockServesWhatIsALittleSmaller) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  { const Buffer large(kBytes, Device::kCpu); }
  const auto asked = [](std::size_t bytes) {
    const std::uint64_t before = pool_statistics(Device::kCpu).system_allocations;
    const std::size_t in_use = pool_statistics(Device::kCpu).in_use_bytes;
    const Buffer block(bytes, Device::kCpu);
    EXPECT_EQ(block.bytes(), bytes);
    return std::pair{pool_statistics(Device::kCpu).system_allocations - before,
                     pool_statistics(Device::kCpu).in_use_bytes - in_use};
  };
  EXPECT_EQ(asked(kBytes * 85 / 100), (std::pair{std::uint64_t{0}, kBytes}));
  EXPECT_EQ(asked(kBytes / 2), (std::pair{std::uint64_t{1}, kBytes / 2}));
  EXPECT_EQ(asked(kBytes), (std::pair{std::uint64_t{0}, kBytes}));
}

TEST(Pool, BlocksAreAlignedAndDoNotOverlap) {
  std::vector<Buffer> buffers;
  for (int i = 0; i < 100; ++i) {
    buffers.emplace_back(100 + 777 * i, Device::kCpu);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffers.back().data()) % 64, 0U);
    std::fill_n(static_cast<unsigned char*>(buffers.back().data()), buffers.back().bytes(), i);
  }
  for (int i = 0; i < 100; ++i)
    for (std::size_t byte = 0; byte < buffers[i].bytes(); ++byte)
      ASSERT_EQ(static_cast<unsigned char*>(buffers[i].data())[byte], i);
}

TEST(Pool, ServesThreadsAtOnce) {
  const std::size_t in_use = pool_statistics(Device::kCpu).in_use_bytes;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) {
        const Tensor tensor = Tensor::full({100 + (i * 37 + t) % 500}, t);
        ASSERT_EQ(tensor.data<float>()[tensor.numel() - 1], static_cast<float>(t));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pool_statistics(Device::kCpu).in_use_bytes, in_use);
}

TEST(Pool, CountsWhatIsTakenByThreadsThatShareALoop) {
  const auto taken = [] { return pool_statistics(Device::kCpu).taken_in_parallel; };
  const int threads = omp_get_max_threads();
  omp_set_num_threads(2);
  const std::uint64_t before = taken();
  { const Buffer outside(1000, Device::kCpu); }
  EXPECT_EQ(taken(), before);
  parallel_for_each(8, [](std::int64_t, std::int64_t) { const Buffer inside(1000, Device::kCpu); });
  EXPECT_EQ(taken(), before + 8);
  omp_set_num_threads(threads);
}

TEST(Pool, TrimGivesFreeBlocksBack) {
  { const Buffer block(std::size_t{64} << 20, Device::kCpu); }
  const std::size_t reserved = pool_statistics(Device::kCpu).reserved_bytes;
  trim_pool(Device::kCpu);
  EXPECT_LE(pool_statistics(Device::kCpu).reserved_bytes + (std::size_t{64} << 20), reserved);
}

}  // namespace
}  // namespace muybridge
