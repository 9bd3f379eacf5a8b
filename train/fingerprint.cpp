#include "train/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/log.h"
#include "train/load_config.h"
#include "train/resume_rules.h"
#include "train/update/schedule_lr.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr double kJump = 0.01;  // a learning rate that differs by more than this share

// Nothing, and a warning, where another version of Muybridge kept something that cannot be read.
std::optional<TrainConfig> config_of(const Manifest& manifest, const fs::path& commit,
                                     const Group& group) {
  try {
    return parse_train_config(manifest.config, (commit / "manifest.json").string());
  } catch (const Error& error) {
    if (group.rank() == 0)
      log_warning(
          "{}: the configuration it was made with cannot be read, so nothing is compared with it: "
          "{}",
          commit.string(), error.what());
    return std::nullopt;
  }
}

std::string line_of(const std::string& key, const std::string& before, const std::string& now) {
  return fmt::format("\n  {}: {} -> {}", key, before, now);
}

// A line for each key of that rule whose value is another one.
std::string differences(const TrainConfig& before, const TrainConfig& now, ResumeRule rule) {
  const std::vector<ConfigValue> old_values = values_of(before), new_values = values_of(now);
  std::string lines;
  for (std::size_t i = 0; i < old_values.size(); ++i)
    if (rule_of(old_values[i].key) == rule && old_values[i].value != new_values[i].value &&
        old_values[i].key != "data.train")
      lines += line_of(old_values[i].key, old_values[i].value, new_values[i].value);
  return lines;
}

// A corpus is the clips in it, not the path that leads there.
std::string corpus_difference(const Manifest& manifest, const TrainConfig& before,
                              const TrainConfig& now, const std::string& corpus) {
  const std::string kept = manifest.loader_position.value("corpus", std::string());
  if (kept.empty() || kept == corpus) return "";
  const auto name = [](const std::string& folder, const std::string& identity) {
    return fmt::format("{} (clips {})", folder, identity.substr(0, 8));
  };
  return line_of("data.train", name(before.data.train, kept), name(now.data.train, corpus));
}

// One spelling for a path, also where nothing lies there any more.
fs::path canonical(const std::string& path) {
  const fs::path whole = fs::weakly_canonical(fs::absolute(path).lexically_normal());
  return whole.has_filename() ? whole : whole.parent_path();
}

std::string origin_difference(const TrainConfig& before, const TrainConfig& now) {
  const std::string &old_path = before.train.init_from, &new_path = now.train.init_from;
  if (new_path.empty() || new_path == old_path) return "";
  if (!old_path.empty() && canonical(old_path) == canonical(new_path)) return "";
  return line_of("train.init_from", old_path.empty() ? "nothing" : old_path, new_path);
}

void warn_of_jump(const TrainConfig& before, const TrainConfig& now, std::int64_t step) {
  const double was = learning_rate_at(before.optimizer, step, before.train.steps);
  const double is = learning_rate_at(now.optimizer, step, now.train.steps);
  if (std::abs(was - is) <= kJump * std::max(was, is)) return;
  log_warning(
      "the learning rate of step {} would have been {:.3g} with the configuration of the commit "
      "and is {:.3g} now: train.steps or optimizer.* changed; the loss may jump with it",
      step, was, is);
}

}  // namespace

void require_same_run(const Manifest& manifest, const fs::path& commit, const TrainConfig& now,
                      const std::string& corpus, const Group& group) {
  const std::optional<TrainConfig> before = config_of(manifest, commit, group);
  if (!before) return;
  const std::string model = differences(*before, now, ResumeRule::kWeights);
  const std::string rest = differences(*before, now, ResumeRule::kCurve) +
                           corpus_difference(manifest, *before, now, corpus) +
                           origin_difference(*before, now);
  if (!model.empty() || !rest.empty()) {
    const std::string other_run = model.empty()
                                      ? fmt::format(
                                            "start a new run from its weights: run.name=OTHER "
                                            "train.init_from={}",
                                            now.folder().string())
                                      : "train a new run: run.name=OTHER";
    fail(ExitCode::kUsage,
         "{}: the run would go on from here, but what must stay as it was differs:{}{}\ngive "
         "these the values they had, or {}",
         commit.string(), model, rest, other_run);
  }
  if (group.rank() == 0) warn_of_jump(*before, now, manifest.step + 1);
}

void require_same_model(const Manifest& manifest, const fs::path& commit, const TrainConfig& now,
                        const Group& group) {
  const std::optional<TrainConfig> before = config_of(manifest, commit, group);
  if (!before) return;
  const std::string model = differences(*before, now, ResumeRule::kWeights);
  if (!model.empty())
    fail(ExitCode::kUsage,
         "train.init_from: the weights of {} are those of another model:{}\ngive these the "
         "values they have there",
         commit.string(), model);
}

}  // namespace muybridge
