#include "parallel/together.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"
#include "parallel/host/local_ranks.h"

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

// Nobody waits for a rank that is lost, or that leaves the others in the middle of their exchanges.
TEST(Together, ARankThatFailsHandInHandIsLost) {
  const auto of_one = [](ExitCode code, int ranks) {
    const auto group = ranks == 1 ? solo_group() : std::shared_ptr<Group>();
    ExitCode thrown = ExitCode::kDone;
    const auto run = [&](const std::shared_ptr<Group>& all) {
      if (all->rank() > 0) return;
      try {
        together(*all, [&] {
          hand_in_hand(*all, [&] { fail(code, "no room"); });
          return std::string();
        });
      } catch (const Error& error) {
        thrown = error.code();
        EXPECT_TRUE(std::string(error.what()).starts_with("no room")) << "it speaks for itself";
      }
    };
    if (group)
      run(group);
    else
      run_local_ranks(ranks, run);
    return thrown;
  };
  EXPECT_EQ(of_one(ExitCode::kInternal, 2), ExitCode::kRankLost);
  EXPECT_EQ(of_one(ExitCode::kRankLost, 2), ExitCode::kRankLost);
  EXPECT_EQ(of_one(ExitCode::kInternal, 1), ExitCode::kInternal) << "alone it leaves nobody";
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

// A rank of a part of the job is named by its number in the job, also when the whole job hears it.
TEST(Together, NamesTheRankOfTheJob) {
  run_local_ranks(4, [](const std::shared_ptr<Group>& world) {
    const auto part = world->split(world->rank() / 2, world->rank(), "half");
    const auto words = [](const std::function<void()>& work) {
      try {
        work();
        return std::string();
      } catch (const Error& error) {
        return std::string(error.what());
      }
    };
    const auto of_part = [&] {
      together(*part, [&]() -> std::string {
        if (world->rank() == 2) fail(ExitCode::kIo, "no room");
        return "";
      });
    };
    EXPECT_EQ(words(of_part),
              std::vector<std::string>({"", "", "no room", "rank 2: no room"})[world->rank()]);
    const std::string heard = words([&] {
      together(*world, [&] {
        of_part();
        return std::string();
      });
    });
    EXPECT_EQ(heard, world->rank() == 2 ? "no room" : "rank 2: no room");
  });
}

}  // namespace
}  // namespace muybridge
