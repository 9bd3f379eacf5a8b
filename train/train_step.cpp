#include "train/train_step.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/error.h"
#include "parallel/values.h"
#include "train/model_options.h"
#include "train/update/schedule_lr.h"

namespace muybridge {
namespace {

constexpr std::size_t kRemembered = 31, kNeeded = 5;  // steps
constexpr double kLongestStep = 5;                    // over the median

}  // namespace

TrainStep::TrainStep(const TrainConfig& config, Objective& objective, const Parameters& parameters,
                     const Optimizer& optimizer, BatchSource& batches, UnitStore& store, Mesh mesh,
                     Activity& activity)
    : config_(config),
      objective_(objective),
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
  const auto token_width = static_cast<double>(objective_.token_width());
  // Any constant would do: gradients are divided by the elements that were really there.
  const double normaliser =
      static_cast<double>(config_.batch.tokens) * config_.batch.micro_batches * token_width;
  const Totals totals = accumulate(step, normaliser);
  const double elements = totals.tokens * token_width;
  const double loss = (totals.squared_error + totals.divergence) / elements;
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
  if (totals.divergence > 0) {
    extra["squared_error"] = totals.squared_error / elements;
    extra["divergence"] = totals.divergence / elements;
  }
  // A device waits by itself, and how long the host does not see.
  if (parameters_.master().device() == Device::kCpu)
    extra["exposed_communication"] = exposed_seconds() / seconds;
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
  StepResult result =
      objective_.accumulate({.micro_batches = mine,
                             .next =
                                 [this] {
                                   const InSection reading(activity_, Section::kData);
                                   return batches_.next();
                                 },
                             .seed = static_cast<std::uint64_t>(config_.train.seed),
                             .step = step,
                             .timeline = &activity_.timeline,
                             .normaliser = normaliser,
                             .on_leaf_ready =
                                 [this](std::int64_t tag, bool complete) {
                                   store_.on_ready(tag);
                                   if (complete) reducer_.on_ready(tag);
                                 }});
  own_times_.operations = result.flops / mesh_.replica()->size();
  exposed_in_store_ = store_.finish();
  reducer_.finish();
  const Tensor sums = Tensor::of<double>(
      {4}, {result.squared_error, result.divergence, static_cast<double>(result.tokens),
            result.flops / mesh_.replica()->size()});
  mesh_.world()->all_reduce(sums).wait();
  return {.squared_error = sums.data<double>()[0],
          .divergence = sums.data<double>()[1],
          .tokens = sums.data<double>()[2],
          .flops = sums.data<double>()[3],
          .bad_clips = std::move(result.bad_clips)};
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
