#include "train/plan/workload.h"

#include <algorithm>

#include "core/error.h"
#include "train/model_options.h"

namespace muybridge {
double Workload::pairs() const {
  return static_cast<double>(batch.clips) * static_cast<double>(clip_tokens) *
         static_cast<double>(clip_tokens);
}

double Workload::text_pairs() const {
  return static_cast<double>(batch.clips) * static_cast<double>(clip_tokens) *
         static_cast<double>(clip_text);
}

double Workload::operations() const {
  const auto clips = static_cast<std::size_t>(batch.clips);
  const Packing text = Packing::of_lengths(std::vector<std::int64_t>(clips, clip_text));
  const Packing packing = Packing::of_lengths(std::vector<std::int64_t>(clips, clip_tokens));
  return training_flops(model, packing, text);
}

Workload workload_of(const TrainConfig& config, int caption_bytes) {
  if (caption_bytes < 0)
    fail(ExitCode::kUsage, "captions of {} bytes; 0 is the least", caption_bytes);
  Workload work;
  work.model = dit_options(config);
  work.compute = compute_dtype(config);
  work.muon = config.optimizer.matrices == TrainConfig::Matrices::kMuon;
  work.clip_tokens = usual_clip_tokens(config);
  work.clip_text = 1 + std::min(caption_bytes, config.data.max_caption_bytes);
  work.batch.clips = std::max<std::int64_t>(1, config.batch.tokens / work.clip_tokens);
  work.batch.tokens = config.batch.tokens;
  work.batch.text_tokens = work.batch.clips * work.clip_text;
  work.micro_batches = config.batch.micro_batches;
  work.batches_ahead = config.data.prefetch + 1;
  work.snapshot = config.train.commit == TrainConfig::Commit::kBehind;
  if (config.eval.samples > 0 && config.model.channels == 3) {
    // Guidance runs each clip twice; as many clips at once as fit the sampler's budget.
    const std::int64_t budget = render_options(config).token_budget;
    const std::int64_t clip = work.clip_tokens * (config.eval.guidance == 1.0 ? 1 : 2);
    work.sampled_tokens = clip * std::min<std::int64_t>(config.eval.samples,
                                                        std::max<std::int64_t>(1, budget / clip));
  }
  return work;
}

}  // namespace muybridge
