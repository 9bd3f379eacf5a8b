#include "parallel/host/stream.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds_of_process() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(Stream, OperationsEndWhileTheRankIsBusyWithSomethingElse) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const Work work = group->all_reduce(Tensor::full({100'000}, 1));
    const auto limit = Clock::now() + std::chrono::seconds(20);
    std::uint64_t sum = 0;
    while (!work.done() && Clock::now() < limit)
      for (int i = 0; i < 1000; ++i) sum += static_cast<std::uint64_t>(i) * sum + 1;
    EXPECT_TRUE(work.done()) << sum;
  });
}

// As MPI does where a port is blocked.
TEST(Stream, RanksThatAreNeverConnectedEndTheProcess) {
  const auto never = []() -> std::unique_ptr<Transport> {
    std::this_thread::sleep_for(std::chrono::hours(1));
    return nullptr;
  };
  EXPECT_EXIT(Stream::start(never, 600, /*liveness_seconds=*/0.2),
              ::testing::ExitedWithCode(static_cast<int>(ExitCode::kRankLost)),
              "MPI did not connect the ranks within 0.2 s .*btl_tcp_if_include");
}

TEST(Stream, AWaitingThreadLeavesTheCoreToOthers) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    if (group->rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      group->barrier().wait();
      return;
    }
    const Clock::time_point begin = Clock::now();
    const double before = cpu_seconds_of_process();
    group->barrier().wait();
    const std::chrono::duration<double> waited = Clock::now() - begin;
    EXPECT_LT(cpu_seconds_of_process() - before, 0.4 * waited.count());
  });
}

TEST(Stream, AfterARankIsLostEveryOperationFailsAtOnce) {
  run_local_ranks(
      2,
      [](const std::shared_ptr<Group>& group) {
        if (group->rank() == 1) return;  // never takes part
        const Tensor x = Tensor::zeros({10});
        const Work first = group->all_reduce(x);
        const Work queued = group->all_reduce(x);
        for (const Work& work : {first, queued, group->barrier()}) {
          try {
            work.wait();
            ADD_FAILURE() << "no error";
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kRankLost);
            EXPECT_NE(std::string(error.what()).find("all_reduce of 40 bytes in group 'world'"),
                      std::string::npos)
                << error.what();
          }
        }
        EXPECT_TRUE(group->barrier().done());
      },
      /*time_limit_seconds=*/0.3, AtEnd::kLeave);
}

TEST(Stream, ReportsWhyItsTransportCannotBeMade) {
  try {
    Stream::start([]() -> std::unique_ptr<Transport> { fail(ExitCode::kIo, "no network"); }, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kIo);
    EXPECT_STREQ(error.what(), "no network");
  }
}

class LonelyTransport final : public Transport {
 public:
  explicit LonelyTransport(std::string& story) : story_(story) {}
  int rank() const override { return 0; }
  int size() const override { return 2; }
  int largest_tag() const override { return 32767; }
  const Neighbours& neighbours() const override { return nobody_; }
  void progress() override {}
  std::unique_ptr<Transfer> post(const Message&) override { return std::make_unique<Never>(); }
  void close() override { story_ += "closed"; }
  void abort(int code) override { story_ += fmt::format("aborted {}", code); }

 private:
  struct Never final : Transfer {
    bool done() override { return false; }
  };
  std::string& story_;
  Neighbours nobody_;
};

Operation barrier_with_nobody() {
  return {.what = "barrier",
          .bytes = 1,
          .members = std::make_shared<GroupMembers>(
              GroupMembers{.name = "world", .rank = 0, .ranks = {0, 1}, .context = 0}),
          .ordered = true,
          .plan = plan_barrier(0, 2),
          .result = {}};
}

TEST(Stream, ClosesTheTransportOnlyIfAllWentWell) {
  std::string well, badly;
  const auto stream = Stream::start([&] { return std::make_unique<LonelyTransport>(well); }, 60);
  EXPECT_EQ(stream->size(), 2);
  stream->close(/*orderly=*/true);
  EXPECT_EQ(well, "closed");
  EXPECT_THROW(stream->push(barrier_with_nobody()).wait(), Error);

  const auto lost = Stream::start([&] { return std::make_unique<LonelyTransport>(badly); }, 0.1);
  EXPECT_THROW(lost->push(barrier_with_nobody()).wait(), Error);
  EXPECT_TRUE(lost->failed());
  lost->close(/*orderly=*/true);
  EXPECT_EQ(badly, "");
}

TEST(Stream, ClosingEndsOperationsUnderWay) {
  std::string story;
  const auto stream = Stream::start([&] { return std::make_unique<LonelyTransport>(story); }, 60);
  const Work work = stream->push(barrier_with_nobody());
  stream->close(/*orderly=*/false);
  EXPECT_THROW(work.wait(), Error);
}

TEST(Stream, AbortReachesTheTransport) {
  std::string story;
  const auto stream = Stream::start([&] { return std::make_unique<LonelyTransport>(story); }, 60);
  const Work work = stream->push(barrier_with_nobody());
  stream->abort(69);
  EXPECT_EQ(story, "aborted 69");
  stream->close(/*orderly=*/false);
}

}  // namespace
}  // namespace muybridge
