#include "parallel/host/window.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "core/error.h"

namespace muybridge {
namespace {

struct alignas(64) Segment {
  std::byte bytes[Window::kBytes] = {};
};

// The windows of ranks that share memory.
class WindowTest : public ::testing::Test {
 protected:
  void make(int ranks) {
    std::vector<std::byte*> pointers;
    for (int rank = 0; rank < ranks; ++rank)
      pointers.push_back(segments_.emplace_back(std::make_unique<Segment>())->bytes);
    for (int rank = 0; rank < ranks; ++rank) windows_.emplace_back(rank, pointers);
  }

  std::vector<std::unique_ptr<Segment>> segments_;
  std::vector<Window> windows_;
};

TEST_F(WindowTest, NobodyHasComeBeforeItDid) {
  make(3);
  for (Window& window : windows_) window.open();
  EXPECT_FALSE(windows_[0].has_come(2));
  windows_[2].come({.what = 1, .bytes = 8});
  EXPECT_TRUE(windows_[0].has_come(2));
  EXPECT_FALSE(windows_[0].has_come(1));
  windows_[2].open();
  windows_[1].open();
  EXPECT_FALSE(windows_[1].has_come(2)) << "to the next meeting";
}

TEST_F(WindowTest, WhoComesWakesTheOthers) {
  make(2);
  std::uint32_t word = 0;
  const Bell other(&word);
  Window window(0, {segments_[0]->bytes, segments_[1]->bytes}, {other});
  window.open();
  EXPECT_FALSE(other.sleep(Bell::For::kAll, std::chrono::milliseconds(1)));
  window.come({.what = 1, .bytes = 8});
  EXPECT_TRUE(other.sleep(Bell::For::kAll, std::chrono::seconds(60)));
}

TEST_F(WindowTest, TicketsThatDifferAreAnErrorThatNamesTheRank) {
  make(3);
  for (Window& window : windows_) {
    window.open();
    window.come({.what = 1, .bytes = window.rank() == 1 ? 80U : 40U});
  }
  EXPECT_THROW(windows_[1].require_same_tickets(), Error);
  try {
    windows_[0].require_same_tickets();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInternal);
    EXPECT_NE(std::string(error.what()).find("place 1 of these ranks came with 80 bytes"),
              std::string::npos)
        << error.what();
  }
}

// What a rank read of a meeting is what was put there, however far ahead the others are.
TEST_F(WindowTest, ASlotIsNotWrittenAgainBeforeAllHaveReadIt) {
  constexpr int kMeetings = 2000;
  make(3);
  std::vector<std::thread> ranks;
  for (Window& window : windows_)
    ranks.emplace_back([&window] {
      for (int meeting = 0; meeting < kMeetings; ++meeting) {
        window.open();
        const int mine = 10 * meeting + window.rank();
        std::memcpy(window.own_slot(), &mine, sizeof mine);
        window.come({});
        for (int q = 0; q < window.size(); ++q) {
          while (!window.has_come(q)) std::this_thread::yield();
          int theirs = 0;
          std::memcpy(&theirs, window.slot(q), sizeof theirs);
          ASSERT_EQ(theirs, 10 * meeting + q);
        }
      }
    });
  for (std::thread& rank : ranks) rank.join();
}

}  // namespace
}  // namespace muybridge
