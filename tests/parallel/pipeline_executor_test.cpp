#include "parallel/pipeline_executor.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "parallel/host/local_ranks.h"
#include "parallel/schedule/schedule.h"

namespace muybridge {
namespace {

constexpr int kMicroBatches = 5;

// A model whose section s makes 2 x + s of its input, which is the micro-batch's number for the
// first, and 3 dy + s of a gradient, which is the output for the last. So each number at the far
// end tells by which sections it came.
class Sums final : public PipelineWork {
 public:
  Sums(const Placement& place, int rank) : place_(place), rank_(rank) {}

  Tensor room(int, bool) override { return Tensor::empty({1}, DType::kF64); }

  Tensor forward(int micro_batch, int chunk, const Tensor& x) override {
    const int section = place_.section_of(rank_, chunk);
    EXPECT_EQ(x.defined(), section > 0);
    const double y = 2 * (x.defined() ? x.item() : micro_batch) + section;
    EXPECT_EQ(y, forward_to(section, micro_batch));
    actions.push_back({ActionKind::kForward, micro_batch, chunk});
    return section + 1 < place_.sections() ? Tensor::full({1}, y, DType::kF64) : Tensor();
  }

  Tensor backward(int micro_batch, int chunk, const Tensor& dy, bool whole) override {
    const int section = place_.section_of(rank_, chunk);
    EXPECT_EQ(dy.defined(), section + 1 < place_.sections());
    const double at_end = forward_to(place_.sections() - 1, micro_batch);
    const double dx = 3 * (dy.defined() ? dy.item() : at_end) + section;
    EXPECT_EQ(dx, backward_to(section, micro_batch));
    actions.push_back(
        {whole ? ActionKind::kBackward : ActionKind::kBackwardInput, micro_batch, chunk});
    return section > 0 ? Tensor::full({1}, dx, DType::kF64) : Tensor();
  }

  void backward_weight(int micro_batch, int chunk) override {
    actions.push_back({ActionKind::kBackwardWeight, micro_batch, chunk});
  }

  Order actions;

 private:
  static double forward_to(int section, int micro_batch) {
    double y = micro_batch;
    for (int s = 0; s <= section; ++s) y = 2 * y + s;
    return y;
  }
  double backward_to(int section, int micro_batch) const {
    double dx = forward_to(place_.sections() - 1, micro_batch);
    for (int s = place_.sections() - 1; s >= section; --s) dx = 3 * dx + s;
    return dx;
  }

  const Placement place_;
  int rank_;
};

class Executor : public ::testing::TestWithParam<std::pair<ScheduleKind, int>> {};

TEST_P(Executor, DoesWhatTheScheduleSaysWithWhatTheNeighboursMade) {
  const auto [kind, chunks] = GetParam();
  for (const int ranks : {1, 2, 3, 4})
    run_local_ranks(ranks, [&, kind = kind, chunks = chunks](const std::shared_ptr<Group>& group) {
      const Placement place = placement_of(kind, ranks, chunks);
      const PipelineSchedule schedule = make_schedule({.kind = kind,
                                                       .stages = ranks,
                                                       .virtual_stages = chunks,
                                                       .micro_batches = kMicroBatches});
      Sums work(place, group->rank());
      run_pipeline(schedule, work, *group);
      Order wanted;
      for (const Action& action : schedule.ranks[static_cast<std::size_t>(group->rank())])
        if (action.computes()) wanted.push_back(action);
      EXPECT_EQ(to_string(work.actions), to_string(wanted));
    });
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, Executor,
    ::testing::Values(std::pair{ScheduleKind::kGpipe, 1}, std::pair{ScheduleKind::k1F1B, 1},
                      std::pair{ScheduleKind::kInterleaved, 3}, std::pair{ScheduleKind::kZbH1, 1},
                      std::pair{ScheduleKind::kZbV, 2}, std::pair{ScheduleKind::kTuned, 2}));

TEST(PipelineExecutor, NamesWhatAWrongOrderLacks) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    PipelineSchedule schedule = make_schedule({.stages = 2, .micro_batches = 1});
    for (Order& order : schedule.ranks)
      std::erase_if(order, [](const Action& action) { return !action.computes(); });
    if (group->rank() == 0) return;
    Sums work(schedule.placement, group->rank());
    EXPECT_THROW(run_pipeline(schedule, work, *group), std::logic_error);
  });
}

}  // namespace
}  // namespace muybridge
