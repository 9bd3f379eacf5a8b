#include "train/evaluation/evaluation.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/machine.h"
#include "core/system/temporary_file.h"
#include "eval/picture_quality.h"
#include "eval/shared_render.h"
#include "parallel/together.h"
#include "parallel/values.h"
#include "train/evaluation/corpus_clip.h"
#include "train/evaluation/evaluation_prompts.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/records/progress.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json to_json(const ScoreSummaries& summaries) {
  Json json = Json::object();
  for (const auto& [name, summary] : summaries)
    json[name] = {{"clips", summary.clips}, {"chance", summary.chance}};
  return json;
}

// Of the corpus, beside which the gallery shows those that the model made; each replica its share.
void write_real_clips(const EvaluationSubject& subject, const RenderOptions& options,
                      const fs::path& folder, const Mesh& mesh) {
  const std::vector<EvaluationPrompt>& prompts = subject.prompts.picked;
  together(*mesh.world(), [&] {
    if (mesh.replica()->rank() > 0) return std::string();
    fs::create_directories(folder);
    remove_stale_temporaries(folder);
    for (auto i = static_cast<std::size_t>(mesh.coordinate().data); i < prompts.size();
         i += static_cast<std::size_t>(mesh.sizes().data))
      if (prompts[i].clip >= 0)
        write_corpus_clip(*subject.corpus, prompts[i].clip, options,
                          folder / fmt::format("real-{:03}.mp4", i));
    return std::string();
  });
}

SampleSet render_prompts(const Dit& dit, const EvaluationSubject& subject, const RunFolder& run,
                         const Mesh& mesh) {
  const TrainConfig::Eval& eval = subject.config.eval;
  const RenderOptions options = render_options(subject.config);
  SampleSet set{.step = subject.step,
                .checkpoint = subject.checkpoint,
                .settings = describe(options.sampler),
                .clips = {}};
  const std::vector<EvaluationPrompt>& prompts = subject.prompts.picked;
  if (prompts.empty()) return set;
  const fs::path folder = run.samples(subject.step);
  write_real_clips(subject, options, folder, mesh);
  std::vector<RenderRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i)
    requests.push_back({.prompt = prompts[i].text,
                        .seed = static_cast<std::uint64_t>(eval.seed + prompts[i].ordinal),
                        .file = fmt::format("clip-{:03}.mp4", i),
                        .source = prompts[i].source,
                        .real = prompts[i].clip < 0 ? "" : fmt::format("real-{:03}.mp4", i)});
  set.clips = render_shared(dit, mesh, requests, options, folder, set);
  rank_zero(*mesh.world(), [&] {
    remove_clips_of_before(folder, set);
    write_sample_set(folder, set);
    return std::string();
  });
  return set;
}

// What the run was trained with, beside the defaults; nothing where its config.yaml is gone.
std::vector<GallerySetting> settings_of(const RunFolder& run) {
  if (!fs::exists(run.config())) return {};
  std::vector<GallerySetting> settings;
  try {
    const std::vector<ConfigValue> values = values_of(load_train_config(run.config()));
    const std::vector<ConfigValue> defaults = values_of(TrainConfig{});
    for (std::size_t i = 0; i < values.size(); ++i)
      settings.push_back({values[i].key, values[i].value, defaults[i].value});
  } catch (const Error& error) {
    log_warning("{}; the gallery leaves the settings out", error.what());
  }
  return settings;
}

double mean_loss(const Evaluation& evaluation) {
  return std::accumulate(evaluation.validation_loss.begin(), evaluation.validation_loss.end(),
                         0.0) /
         static_cast<double>(evaluation.validation_loss.size());
}

}  // namespace

void remove_clips_of_before(const fs::path& folder, const SampleSet& set) {
  std::set<std::string> wanted;
  for (const SampleRecord& clip : set.clips) wanted.insert({clip.file, clip.real});
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".mp4" && !wanted.contains(entry.path().filename().string()))
      old.push_back(entry.path());
  for (const fs::path& file : old) fs::remove(file);
}

Evaluation evaluate(const Dit& dit, const EvaluationSubject& subject, const RunFolder& run,
                    const Mesh& mesh) {
  const auto begin = std::chrono::steady_clock::now();
  Evaluation result{.step = subject.step};
  if (subject.corpus && subject.config.eval.validation_clips > 0) {
    const auto losses = validation_losses(dit, *subject.corpus, loader_options(subject.config),
                                          validation_options(subject.config), mesh);
    result.validation_loss.assign(losses.begin(), losses.end());
  } else {
    result.validation_loss.assign(kTimeQuantiles, std::nan(""));
  }
  result.samples = render_prompts(dit, subject, run, mesh);
  result.known_prompts = subject.prompts.known;
  std::vector<ScoredClip> clips;
  for (const SampleRecord& clip : result.samples.clips) clips.push_back({clip.prompt, clip.scores});
  result.score_details = summarize_scores(clips);
  for (const auto& [name, summary] : result.score_details) result.scores[name] = summary.mean;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

Json metrics_of(const Evaluation& evaluation) {
  const double loss = mean_loss(evaluation);
  Json metrics = {{"validation_loss", std::isfinite(loss) ? Json(loss) : Json(nullptr)}};
  for (const auto& [name, value] : evaluation.quality) metrics["validation_" + name] = value;
  for (const auto& [name, score] : evaluation.scores) metrics["score_" + name] = score;
  return metrics;
}

std::string describe_evaluation(const Evaluation& evaluation) {
  const double loss = mean_loss(evaluation);
  std::string text = std::isnan(loss) ? "evaluated" : fmt::format("validation loss {:.4f}", loss);
  for (const auto& [name, value] : evaluation.quality) text += "  " + describe_quality(name, value);
  for (const auto& [name, summary] : evaluation.score_details)
    text += "  " + describe_score(name, summary);
  return text;
}

std::int64_t peak_memory_bytes(Group& group) {
  return static_cast<std::int64_t>(
      all_reduce_value(group, static_cast<double>(peak_resident_bytes()), Reduce::kMax));
}

std::string describe_model(const DitOptions& options, std::int64_t parameters) {
  return fmt::format("DiT {} x {}, {} parameters", options.depth, options.width,
                     format_quantity(static_cast<double>(parameters)));
}

void write_report(const RunFolder& run, const Evaluation& evaluation, const std::string& model,
                  const Json& more) {
  Json samples = Json::array();
  for (const SampleRecord& clip : evaluation.samples.clips) {
    Json sample = to_json(clip);
    sample["scores"] = clip.scores;  // also where there are none
    sample["file"] = (fs::relative(run.samples(evaluation.step), run.root) / clip.file).string();
    samples.push_back(std::move(sample));
  }
  Json report = {{"step", evaluation.step},
                 {"model", model},
                 {"validation_loss", evaluation.validation_loss},
                 {"quality", evaluation.quality},
                 {"scores", evaluation.scores},
                 {"score_details", to_json(evaluation.score_details)}};
  report.update(more);
  report["known_prompts"] = evaluation.known_prompts;
  report["samples"] = std::move(samples);
  write_file_durably(run.report(), report.dump(2) + "\n");
}

void draw_gallery(const RunFolder& run, const Evaluation& evaluation, const std::string& model,
                  const std::string& name) {
  std::vector<double> by_noise = evaluation.validation_loss;
  if (by_noise.size() < kTimeQuantiles) by_noise.clear();
  Scores chance;
  for (const auto& [score, summary] : evaluation.score_details) chance[score] = summary.chance;
  write_gallery(run.root, {.title = name,
                           .model = model,
                           .step = evaluation.step,
                           .scores = evaluation.scores,
                           .quality = evaluation.quality,
                           .chance = std::move(chance),
                           .loss_by_noise = std::move(by_noise),
                           .settings = settings_of(run)});
}

}  // namespace muybridge
