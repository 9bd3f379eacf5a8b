#include "train/train_step.h"

#include <fmt/ranges.h>

#include <chrono>
#include <cmath>

#include "core/error.h"
#include "parallel/values.h"
#include "train/micro_batch.h"
#include "train/model_options.h"
#include "train/schedule_lr.h"

namespace muybridge {

TrainStep::TrainStep(const TrainConfig& config, const Dit& dit, const Parameters& parameters,
                     const Optimizer& optimizer, Loader& loader, Mesh mesh)
    : config_(config),
      dit_(dit),
      parameters_(parameters),
      optimizer_(optimizer),
      loader_(loader),
      mesh_(std::move(mesh)),
      reducer_(parameters, mesh_.copies()) {}

StepMetrics TrainStep::run(std::int64_t step, std::int64_t committed) {
  const auto begin = std::chrono::steady_clock::now();
  const double waited = loader_.wait_seconds();
  const auto token_width = static_cast<double>(dit_.options.token_width());
  // Any constant would do: gradients are divided by the elements that were really there.
  const double normaliser =
      static_cast<double>(config_.batch.tokens) * config_.batch.micro_batches * token_width;
  const Totals totals = accumulate_gradients(step, normaliser);
  const double elements = totals.tokens * token_width;
  const double loss = totals.squared_error / elements;
  const double scale = normaliser / elements;
  const double norm = optimizer_.gradient_norm(scale);
  if (!std::isfinite(loss) || !std::isfinite(norm))
    fail_diverged({.step = step, .loss = loss, .grad_norm = norm}, committed, totals.bad_clips);

  const double rate = learning_rate_at(config_.optimizer, step, config_.train.steps);
  optimizer_.step(step, rate, scale, norm);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {.step = step,
          .loss = loss,
          .grad_norm = norm,
          .learning_rate = rate,
          .tokens = static_cast<std::int64_t>(totals.tokens),
          .seconds = seconds,
          .tflops = totals.flops / seconds * 1e-12,
          .data_wait = (loader_.wait_seconds() - waited) / seconds,
          .extra = {{"exposed_communication", reducer_.exposed_seconds() / seconds}}};
}

TrainStep::Totals TrainStep::accumulate_gradients(std::int64_t step, double normaliser) {
  parameters_.zero_gradients();
  const int count = loader_.begin_step();  // may be 0: the others' gradients are taken over
  Totals totals;
  for (int i = 0; i < count; ++i) {
    BackwardOptions options;
    if (i + 1 == count)
      options.on_leaf_ready = [this](std::int64_t tag) { reducer_.on_ready(tag); };
    const MicroBatchResult result =
        run_micro_batch(dit_, loader_.next(), flow_options(config_),
                        static_cast<std::uint64_t>(config_.train.seed), step, normaliser, options);
    totals.squared_error += result.squared_error;
    totals.tokens += static_cast<double>(result.tokens);
    totals.flops += result.flops / mesh_.replica()->size();
    totals.bad_clips.insert(totals.bad_clips.end(), result.bad_clips.begin(),
                            result.bad_clips.end());
  }
  reducer_.finish();
  const Tensor sums = Tensor::of<double>({3}, {totals.squared_error, totals.tokens, totals.flops});
  mesh_.world()->all_reduce(sums).wait();
  totals.squared_error = sums.data<double>()[0];
  totals.tokens = sums.data<double>()[1];
  totals.flops = sums.data<double>()[2];
  return totals;
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
