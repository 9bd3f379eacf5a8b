#include "train/train_step.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.h"
#include "parallel/values.h"
#include "train/accumulation.h"
#include "train/idle_batch.h"
#include "train/model_options.h"
#include "train/update/schedule_lr.h"

namespace muybridge {
namespace {

constexpr std::size_t kRemembered = 31, kNeeded = 5;  // steps
constexpr double kLongestStep = 5;                    // over the median

}  // namespace

TrainStep::TrainStep(const TrainConfig& config, const Dit& dit, const Parameters& parameters,
                     const Optimizer& optimizer, BatchSource& batches, UnitStore& store, Mesh mesh,
                     Activity& activity)
    : config_(config),
      dit_(dit),
      parameters_(parameters),
      optimizer_(optimizer),
      batches_(batches),
      store_(store),
      mesh_(std::move(mesh)),
      activity_(activity),
      reducer_(parameters, mesh_.copies()) {}

StepMetrics TrainStep::run(std::int64_t step, std::int64_t committed,
                           const std::function<void()>& before_change) {
  const auto begin = std::chrono::steady_clock::now();
  const InSection in_step(activity_, Section::kCompute);
  const double waited = batches_.wait_seconds();
  const auto token_width = static_cast<double>(dit_.options.token_width());
  // Any constant would do: gradients are divided by the elements that were really there.
  const double normaliser =
      static_cast<double>(config_.batch.tokens) * config_.batch.micro_batches * token_width;
  const Totals totals = accumulate(step, normaliser);
  const double elements = totals.tokens * token_width;
  const double loss = totals.squared_error / elements;
  const double scale = normaliser / elements;
  activity_.begin(Section::kOptimizer);
  const double norm = optimizer_.gradient_norm(scale);
  if (!std::isfinite(loss) || !std::isfinite(norm))
    fail_diverged({.step = step, .loss = loss, .grad_norm = norm}, committed, totals.bad_clips);

  const double rate = learning_rate_at(config_.optimizer, step, config_.train.steps);
  if (before_change) before_change();
  optimizer_.step(step, rate, scale, norm);
  store_.forget_values();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  take_times(seconds);
  nlohmann::ordered_json extra = nlohmann::ordered_json::object();
  // A device waits by itself, and how long the host does not see.
  if (dit_.device() == Device::kCpu) extra["exposed_communication"] = exposed_seconds() / seconds;
  return {.step = step,
          .loss = loss,
          .grad_norm = norm,
          .learning_rate = rate,
          .tokens = static_cast<std::int64_t>(totals.tokens),
          .seconds = seconds,
          .tflops = totals.flops / seconds * 1e-12,
          .data_wait = (batches_.wait_seconds() - waited) / seconds,
          .extra = std::move(extra)};
}

// A step that takes much longer than those before it hangs.
void TrainStep::take_times(double step_seconds) {
  own_times_.seconds = activity_.take();
  own_times_.step_seconds = step_seconds;
  step_seconds_.push_back(step_seconds);
  if (step_seconds_.size() > kRemembered) step_seconds_.pop_front();
  if (step_seconds_.size() < kNeeded) return;
  std::vector<double> sorted(step_seconds_.begin(), step_seconds_.end());
  std::ranges::nth_element(sorted, sorted.begin() + std::ssize(sorted) / 2);
  activity_.set_patience(
      std::max(config_.train.liveness_seconds, kLongestStep * sorted[sorted.size() / 2]));
}

TrainStep::Totals TrainStep::accumulate(std::int64_t step, double normaliser) {
  parameters_.zero_gradients();
  activity_.begin(Section::kData);
  const int mine = batches_.begin_step();
  activity_.begin(Section::kCompute);
  const int count = micro_batches_of_all(mine);  // may be 0: the others' gradients are taken over
  AccumulationResult result;
  if (count > 0) {
    auto found = schedules_.find(count);
    if (found == schedules_.end())
      found = schedules_.emplace(count, schedule_of(config_, count)).first;
    const auto next = [&, left = mine]() mutable {
      if (left-- <= 0) return idle_batch(dit_.options, mesh_.tokens()->size());
      const InSection reading(activity_, Section::kData);
      return batches_.next();
    };
    result = accumulate_gradients(dit_, found->second, *mesh_.pipeline(), next,
                                  {.flow = flow_options(config_),
                                   .seed = static_cast<std::uint64_t>(config_.train.seed),
                                   .step = step,
                                   .timeline = &activity_.timeline,
                                   .normaliser = normaliser,
                                   .counted = mine,
                                   .on_leaf_ready = [this](std::int64_t tag, bool complete) {
                                     store_.on_ready(tag);
                                     if (complete) reducer_.on_ready(tag);
                                   }});
  }
  own_times_.operations = result.flops / mesh_.replica()->size();
  exposed_in_store_ = store_.finish();
  reducer_.finish();
  const Tensor sums =
      Tensor::of<double>({3}, {result.squared_error, static_cast<double>(result.tokens),
                               result.flops / mesh_.replica()->size()});
  mesh_.world()->all_reduce(sums).wait();
  return {.squared_error = sums.data<double>()[0],
          .tokens = sums.data<double>()[1],
          .flops = sums.data<double>()[2],
          .bad_clips = std::move(result.bad_clips)};
}

// Where values or gradients of blocks come and go all replicas run as many micro-batches.
int TrainStep::micro_batches_of_all(int mine) const {
  if (parameters_.sharing() < Sharing::kGradients) return mine;
  const int replicas = mesh_.sizes().data;
  return (config_.batch.micro_batches + replicas - 1) / replicas;
}

void TrainStep::fail_diverged(const StepMetrics& metrics, std::int64_t committed,
                              const std::vector<std::int64_t>& bad_clips) const {
  const std::vector<std::string> all =
      all_gather_text(*mesh_.world(), fmt::format("{}", fmt::join(bad_clips, " ")));
  const std::string where = committed >= 0
                                ? fmt::format("the last good commit is of step {}", committed)
                                : "there is no commit yet";
  fail(ExitCode::kInternal,
       "step {}: the loss is {} and the gradient's norm {}; clips whose loss is not finite: [{}]; "
       "{}. Lower optimizer.learning_rate or look at these clips with their number in index.json",
       metrics.step, metrics.loss, metrics.grad_norm, fmt::join(all, " "), where);
}

}  // namespace muybridge
