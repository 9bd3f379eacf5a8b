#include "data/prepare/frame_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::size_t kBytes = 1000;

std::vector<std::uint8_t> picture(std::int64_t number) {
  std::vector<std::uint8_t> rgb(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i)
    rgb[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(number) * 31 + i * 7);
  return rgb;
}

// In memory, and in a file because five frames do not fit.
class FrameStoreTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  FrameStore store_{kBytes, 5, GetParam(), ::testing::TempDir()};

  void expect_frames(std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      EXPECT_EQ(std::vector<std::uint8_t>(store_.frame(i), store_.frame(i) + kBytes), picture(i));
  }
};

TEST_P(FrameStoreTest, GivesBackTheLatestFrames) {
  for (std::int64_t i = 0; i < 40; ++i) {
    store_.push(picture(i).data());
    expect_frames(std::max<std::int64_t>(0, i - 3), i + 1);
    store_.drop_before(i - 3);
  }
  EXPECT_EQ(store_.end(), 40);
}

TEST_P(FrameStoreTest, HoldsNoMoreThanItWasMadeFor) {
  for (std::int64_t i = 0; i < 5; ++i) store_.push(picture(i).data());
  EXPECT_THROW(store_.push(picture(5).data()), Error);
  expect_frames(0, 5);
  store_.drop_before(2);
  EXPECT_THROW(store_.frame(1), Error);
  EXPECT_THROW(store_.frame(5), Error);
  store_.push(picture(5).data());
  expect_frames(2, 6);
}

INSTANTIATE_TEST_SUITE_P(MemoryAndFile, FrameStoreTest, ::testing::Values(5 * kBytes, kBytes));

TEST(FrameStore, LeavesNoFileBehind) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "store";
  std::filesystem::create_directories(folder);
  FrameStore store(kBytes, 5, 0, folder);
  store.push(picture(0).data());
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  EXPECT_THROW(FrameStore(kBytes, 5, 0, folder / "missing"), Error);
}

}  // namespace
}  // namespace muybridge
