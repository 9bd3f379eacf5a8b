#include "parallel/together.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <stdexcept>

#include "core/error.h"
#include "parallel/local_ranks.h"

namespace muybridge {
namespace {

TEST(Together, RankZeroGetsWhatEachReturned) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const auto texts =
        together(*group, [&] { return std::string(static_cast<std::size_t>(group->rank()), 'x'); });
    EXPECT_EQ(texts, group->rank() == 0 ? (std::vector<std::string>{"", "x", "xx"})
                                        : std::vector<std::string>{});
    EXPECT_EQ(rank_zero(*group, [] { return std::string("zero"); }), "zero");
  });
}

TEST(Together, WhenOneFailsAllThrowItsCodeAndMessage) {
  std::array<std::string, 3> messages;
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    try {
      together(*group, [&]() -> std::string {
        if (group->rank() == 1) fail(ExitCode::kIo, "no room");
        return "fine";
      });
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      messages[static_cast<std::size_t>(group->rank())] = error.what();
    }
  });
  EXPECT_EQ(messages,
            (std::array<std::string, 3>{"rank 1: no room", "no room", "rank 1: no room"}));
}

TEST(Together, WhatRankZeroDoesNoOtherDoesAndAllHearOfIt) {
  std::atomic<int> calls{0};
  run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const std::string said = rank_zero(*group, [&] {
      ++calls;
      return fmt::format("rank {}", group->rank());
    });
    EXPECT_EQ(said, "rank 0");
    try {
      rank_zero(*group, []() -> std::string { throw std::runtime_error("a bug"); });
      ADD_FAILURE() << "no error on rank " << group->rank();
    } catch (const Error& error) {
      EXPECT_NE(group->rank(), 0);
      EXPECT_EQ(error.code(), ExitCode::kInternal);
      EXPECT_STREQ(error.what(), "rank 0: a bug");
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(group->rank(), 0) << "its own exception";
      EXPECT_STREQ(error.what(), "a bug");
    }
  });
  EXPECT_EQ(calls, 1);
}

TEST(Together, ErrorsOfTheFileSystemAreInputOutput) {
  try {
    together(*solo_group(), [] {
      std::filesystem::create_directory("/proc/no/such/folder");
      return std::string();
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo);
  }
}

}  // namespace
}  // namespace muybridge
