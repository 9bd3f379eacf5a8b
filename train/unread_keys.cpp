#include "train/unread_keys.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "train/resume_rules.h"

namespace muybridge {
namespace {

// How ranks share a model that is not trained, and what it computes with.
constexpr auto kComputeKeys = std::to_array<std::string_view>(
    {"device", "threads", "batch.tokens", "train.precision", "train.linear", "parallel.data",
     "parallel.tensor", "parallel.context", "parallel.context_method", "parallel.ring",
     "parallel.pipeline", "parallel.order"});
constexpr auto kEvaluationKeys = std::to_array<std::string_view>(
    {"data.train", "data.validation", "data.frames_max", "data.max_caption_bytes", "flow.",
     "eval.prompts", "eval.samples", "eval.steps", "eval.solver", "eval.guidance", "eval.shift",
     "eval.seed", "eval.frames", "eval.size", "eval.fps", "eval.upscale", "eval.validation_clips"});

constexpr auto kEvaluateKeys = [] {
  std::array<std::string_view, kComputeKeys.size() + kEvaluationKeys.size()> all;
  const auto rest = std::ranges::copy(kComputeKeys, all.begin()).out;
  std::ranges::copy(kEvaluationKeys, rest);
  return all;
}();

bool reads(const KeyReader& reader, std::string_view key) {
  return std::ranges::any_of(reader.keys, [&](std::string_view each) {
    return each.ends_with('.') ? key.starts_with(each) : key == each;
  });
}

}  // namespace

KeyReader keys_of_evaluate() { return {"evaluate", kEvaluateKeys}; }
KeyReader keys_of_sample() { return {"sample", kComputeKeys}; }

void refuse_unread_keys(const KeyReader& reader, const TrainConfig& kept,
                        const TrainConfig& asked) {
  const std::vector<ConfigValue> before = values_of(kept), now = values_of(asked);
  std::string unread;
  for (std::size_t i = 0; i < now.size(); ++i)
    if (before[i].value != now[i].value && !reads(reader, now[i].key))
      unread += fmt::format("\n  {}: {} -> {}{}", now[i].key, before[i].value, now[i].value,
                            rule_of(now[i].key) == ResumeRule::kWeights
                                ? ", but the weights are those of a model with the first"
                                : "");
  if (!unread.empty())
    fail(ExitCode::kUsage, "{} does not read what was given it:{}\nit reads {}", reader.command,
         unread, fmt::join(reader.keys, ", "));
}

}  // namespace muybridge
