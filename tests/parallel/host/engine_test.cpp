#include "parallel/host/engine.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <set>
#include <thread>

#include "parallel/host/stream.h"

namespace muybridge {
namespace {

// A network of two ranks, which share a machine, whose messages are over when the test says so.
class HandTransport final : public Transport {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  int largest_tag() const override { return 32767; }
  const Neighbours& neighbours() const override { return neighbours_; }
  void progress() override {
    if (on_progress) on_progress();
  }
  std::unique_ptr<Transfer> post(const Message&) override {
    if (refuses) fail(ExitCode::kIo, "no network");
    ++posted;
    return std::make_unique<HandTransfer>(*this);
  }
  void close() override {}
  void abort(int) override {}

  std::function<void()> on_progress;
  std::atomic<int> posted{0};
  std::atomic<bool> over{false};
  bool refuses = false;

 private:
  struct HandTransfer final : Transfer {
    explicit HandTransfer(HandTransport& network) : transport(network) {}
    bool done() override { return transport.over; }
    HandTransport& transport;
  };
  alignas(64) std::array<std::array<std::byte, 64>, 2> memory_{};
  Neighbours neighbours_{
      .machines = {0, 0}, .segments = {memory_[0].data(), memory_[1].data()}, .bytes = 64};
};

Operation send_of_four_bytes() {
  static const auto members = std::make_shared<GroupMembers>(
      GroupMembers{.name = "world", .rank = 0, .ranks = {0, 1}, .context = 0});
  return {.what = "send",
          .bytes = 4,
          .members = members,
          .ordered = false,
          .plan = plan_messages(true, {{1, Tensor::zeros({1})}}),
          .result = {}};
}

class EngineTest : public ::testing::Test {
 protected:
  Work push() { return engine_->push(send_of_four_bytes(), engine_); }

  HandTransport* network_ = new HandTransport;  // the engine's
  std::shared_ptr<Engine> engine_ = std::make_shared<Engine>(std::unique_ptr<Transport>(network_));
  void SetUp() override { engine_->time_limit_seconds = 60; }
};

TEST_F(EngineTest, APushPostsTheFirstMessagesAtOnceWhoeverLooksLater) {
  const Work work = push();
  EXPECT_EQ(network_->posted, 1);
  EXPECT_FALSE(engine_->idle());
  EXPECT_FALSE(work.done());
  EXPECT_EQ(engine_->look(), Progress::Look::kQuiet);
  network_->over = true;
  EXPECT_EQ(engine_->look(), Progress::Look::kMoved);
  EXPECT_TRUE(work.done());
  EXPECT_TRUE(engine_->idle());
}

TEST_F(EngineTest, WhoWaitsNeedsNoOtherThread) {
  const Work work = push();
  int looks = 0;
  network_->on_progress = [&] { network_->over = ++looks == 3; };
  work.wait();
  EXPECT_EQ(looks, 3);
}

TEST_F(EngineTest, WhileOneThreadLooksAnotherIsSentAway) {
  const Work first = push();
  Work second;
  network_->on_progress = [&] {
    if (second.done() == false) return;
    std::thread([&] {
      EXPECT_EQ(engine_->look(), Progress::Look::kTaken);
      second = push();  // waits for nobody; it is started by who looks
    }).join();
  };
  engine_->look();
  EXPECT_EQ(network_->posted, 1);
  engine_->look();
  EXPECT_EQ(network_->posted, 2);
}

TEST_F(EngineTest, APostRingsTheOtherRanksBellAndItsRingEndsAPause) {
  using std::chrono::seconds;
  const Neighbours& neighbours = network_->neighbours();
  const auto begin = std::chrono::steady_clock::now();
  const Work work = push();
  neighbours.bell(1).sleep(Bell::For::kAll, seconds(60));
  engine_->waiting = 1;  // else nothing is urgent
  neighbours.bell(0).ring_for_neighbour();
  EXPECT_TRUE(engine_->pause(seconds(60)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(30));
}

TEST_F(EngineTest, NoNeighbourWakesTheThreadWhileTheRankComputes) {
  using std::chrono::milliseconds;
  const Work work = push();
  std::thread neighbour([&] {
    std::this_thread::sleep_for(milliseconds(20));
    network_->neighbours().bell(0).ring_for_neighbour();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(engine_->pause(milliseconds(200)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(200));
  neighbour.join();
}

TEST_F(EngineTest, AFailureToPostIsTheOperationsAndThatOfAllLaterOnes) {
  network_->refuses = true;
  for (const Work& work : {push(), push()}) {
    EXPECT_TRUE(work.done());
    try {
      work.wait();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kIo);
      EXPECT_STREQ(error.what(), "no network");
    }
  }
  EXPECT_TRUE(engine_->failed());
}

TEST_F(EngineTest, AfterItsEndNothingIsUnderWay) {
  const Work before = push();
  keep_forever(engine_->end(ExitCode::kInternal, "it is over"));
  EXPECT_THROW(before.wait(), Error);
  EXPECT_THROW(push().wait(), Error);
  EXPECT_EQ(engine_->look(), Progress::Look::kQuiet);
}

// A thread that waits looks itself and is not let go: nobody can make its wait() throw.
TEST(StreamDeathTest, AThreadThatIsStuckInTheNetworkEndsTheProcessAfterTheTimeLimit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const auto stream = Stream::start(
            [] {
              auto network = std::make_unique<HandTransport>();
              network->on_progress = [] { std::this_thread::sleep_for(std::chrono::hours(1)); };
              return network;
            },
            -29.5);  // with the grace of 30 seconds: half a second
        stream->push(send_of_four_bytes()).wait();
      },
      ::testing::ExitedWithCode(69), "stuck in the network");
}

}  // namespace
}  // namespace muybridge
