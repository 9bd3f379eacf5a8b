#include "tests/cuda_double/kernel_emulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "core/tensor.h"
#include "tests/cuda_double/core/cuda/kernel_language.cuh"
#include "tests/cuda_double/device_memory.h"

// What the other tests of this folder rest on: that a wrong kernel is found.
namespace muybridge {
namespace {

using ::testing::HasSubstr;

class KernelEmulator : public ::testing::Test {
 protected:
  void TearDown() override { emulator::set_order(emulator::Order::kForward); }

  static std::string failure_of(void (*kernel)(int*), int* argument = nullptr,
                                unsigned threads = 64) {
    try {
      cuda::launch("kernel", kernel, 2, threads, 0, nullptr, argument);
      return "";
    } catch (const std::logic_error& error) {
      return error.what();
    }
  }
};

void reverse_in_shared_memory(int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncthreads();
  out[blockIdx.x * 64 + threadIdx.x] = values[63 - threadIdx.x];
}

void reverse_without_a_barrier(int* out) {
  __shared__ int values[64];
  values[threadIdx.x] = static_cast<int>(threadIdx.x + 100 * blockIdx.x);
  out[blockIdx.x * 64 + threadIdx.x] = values[63 - threadIdx.x];
}

std::vector<int> run_in(emulator::Order order, void (*kernel)(int*)) {
  emulator::set_order(order);
  std::vector<int> out(128, -1);
  cuda::launch("kernel", kernel, 2, 64, 0, nullptr, out.data());
  return out;
}

TEST_F(KernelEmulator, ThreadsMeetAtBarriersInAnyOrder) {
  std::vector<int> want(128);
  for (std::size_t i = 0; i < 128; ++i) want[i] = 63 - static_cast<int>(i % 64);
  EXPECT_EQ(run_in(emulator::Order::kForward, reverse_in_shared_memory), want);
  EXPECT_EQ(run_in(emulator::Order::kReverse, reverse_in_shared_memory), want);
}

TEST_F(KernelEmulator, AMissingBarrierShowsInAnotherOrder) {
  EXPECT_NE(run_in(emulator::Order::kForward, reverse_without_a_barrier),
            run_in(emulator::Order::kReverse, reverse_without_a_barrier));
}

TEST_F(KernelEmulator, LanesExchangeWithinTheirWarp) {
  std::vector<int> out(64);
  cuda::launch(
      "kernel",
      +[](int* sums) {
        int value = static_cast<int>(threadIdx.x);
        for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(~0U, value, step);
        sums[threadIdx.x] = value;
      },
      1, 64, 0, nullptr, out.data());
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i < 32 ? 496 : 1520);
}

TEST_F(KernelEmulator, ABarrierThatSomeDoNotComeToIsAnError) {
  EXPECT_THAT(failure_of(+[](int*) {
                if (threadIdx.x < 40) __syncthreads();
              }),
              HasSubstr("kernel, block 0 0 0: 40 threads wait at a barrier, 0 in an exchange of "
                        "their warp, and 24 have ended"));
}

TEST_F(KernelEmulator, AnExchangeThatSomeLanesDoNotComeToIsAnError) {
  EXPECT_THAT(failure_of(+[](int*) {
                if (threadIdx.x != 5) __shfl_xor_sync(~0U, 1, 1);
              }),
              HasSubstr("31 in an exchange"));
}

TEST_F(KernelEmulator, WhatIsNotEmulatedIsAnError) {
  EXPECT_THAT(failure_of(+[](int*) { __shfl_xor_sync(1U, 1, 1); }),
              HasSubstr("a shuffle of a part of a warp is not emulated"));
}

TEST_F(KernelEmulator, WhatADeviceRefusesIsRefused) {
  EXPECT_THAT(failure_of(
                  +[](int*) {}, nullptr, 2048),
              HasSubstr("blocks of 2048 threads"));
  EXPECT_THROW(cuda::launch(
                   "kernel", +[](int*) {}, 1, 32, 64 << 10, nullptr, nullptr),
               std::logic_error);
  EXPECT_THROW(cuda::launch(
                   "kernel", +[](int*) {}, 0, 32, 0, nullptr, nullptr),
               std::logic_error);
}

TEST_F(KernelEmulator, MemoryOfTheDeviceIsPoisonedAndNotForTheHost) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  emulator::guard_always();
  trim_pool(Device::kCuda);
  const Tensor x = Tensor::empty({16}, DType::kF32, Device::kCuda);
  for (const float each : x.to_vector<float>()) EXPECT_TRUE(std::isnan(each));
  EXPECT_DEATH(*x.data<float>() = 1, "");
}

// Blocks that one thread takes while another is at work on the device.
TEST_F(KernelEmulator, ThreadsTakeMemoryWhileOthersUseIt) {
  const emulator::DeviceAccess at_work;
  std::vector<void*> blocks;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) blocks.push_back(emulator::allocate_device_memory(50'000));
  });
  other.join();
  for (void* block : blocks) EXPECT_TRUE(emulator::free_device_memory(block));
}

TEST_F(KernelEmulator, WhatIsWrittenBehindABlockIsFound) {
  void* const block = emulator::allocate_device_memory(1000);
  {
    const emulator::DeviceAccess access;
    static_cast<char*>(block)[1000] = 1;
  }
  EXPECT_THROW(emulator::require_intact_ends(), std::logic_error);
  {
    const emulator::DeviceAccess access;
    static_cast<unsigned char*>(block)[1000] = 0xC5;
  }
  EXPECT_TRUE(emulator::free_device_memory(block));
  EXPECT_FALSE(emulator::free_device_memory(block));
}

}  // namespace
}  // namespace muybridge
