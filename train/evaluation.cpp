#include "train/evaluation.h"

#include <chrono>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "core/log.h"
#include "train/corpus_clip.h"
#include "train/cut_captions.h"
#include "train/evaluation_prompts.h"
#include "train/model_options.h"
#include "train/progress.h"
#include "train/together.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> texts_of(const std::vector<EvaluationPrompt>& prompts) {
  std::vector<std::string> texts;
  for (const EvaluationPrompt& prompt : prompts) texts.push_back(prompt.text);
  return texts;
}

// Every rank renders its share; all learn all records, in the order of the prompts.
SampleSet render_shared(const EvaluationSubject& subject, const RunFolder& run, Group& group) {
  const TrainConfig::Eval& eval = subject.config.eval;
  const RenderOptions options = render_options(subject.config);
  SampleSet set{.step = subject.step,
                .checkpoint = subject.checkpoint,
                .settings = describe(options.sampler),
                .clips = {}};
  const std::vector<EvaluationPrompt> prompts =
      evaluation_prompts(eval.prompts, eval.samples, subject.corpus);
  const std::filesystem::path folder = run.samples(subject.step);
  if (group.rank() == 0) warn_of_cut_prompts(texts_of(prompts), options.sampler.max_caption_bytes);
  std::vector<RenderRequest> mine;
  for (std::size_t i = group.rank(); i < prompts.size(); i += group.size())
    mine.push_back({.prompt = prompts[i].text,
                    .seed = static_cast<std::uint64_t>(eval.seed + prompts[i].ordinal),
                    .file = fmt::format("clip-{:03}.mp4", i),
                    .source = prompts[i].source,
                    .real = prompts[i].clip < 0 ? "" : fmt::format("real-{:03}.mp4", i)});
  const std::vector<std::string> parts = together(group, [&] {
    std::filesystem::create_directories(folder);
    for (std::size_t i = group.rank(); i < prompts.size(); i += group.size())
      if (prompts[i].clip >= 0)
        write_corpus_clip(*subject.corpus, prompts[i].clip, options,
                          folder / fmt::format("real-{:03}.mp4", i));
    Json records = Json::array();
    for (const SampleRecord& record : render_clips(subject.dit, mine, options, folder, set))
      records.push_back(to_json(record));
    return records.dump();
  });
  set.clips.resize(prompts.size());
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    std::size_t place = rank;
    for (const Json& record : Json::parse(parts[rank])) {
      set.clips[place] = sample_record_from(record);
      place += parts.size();
    }
  }
  rank_zero(group, [&] {
    if (!set.clips.empty()) write_sample_set(folder, set);
    return std::string();
  });
  return set;
}

// What the run was trained with, beside the defaults; nothing where its config.yaml is gone.
std::vector<GallerySetting> settings_of(const RunFolder& run) {
  if (!std::filesystem::exists(run.config())) return {};
  std::vector<GallerySetting> settings;
  try {
    const std::vector<ConfigValue> values = config_values(load_train_config(run.config()));
    const std::vector<ConfigValue> defaults = config_values(TrainConfig{});
    for (std::size_t i = 0; i < values.size(); ++i)
      settings.push_back({values[i].key, values[i].value, defaults[i].value});
  } catch (const Error& error) {
    log_warning("{}; the gallery leaves the settings out", error.what());
  }
  return settings;
}

}  // namespace

Evaluation evaluate(const EvaluationSubject& subject, const RunFolder& run, Group& group) {
  const auto begin = std::chrono::steady_clock::now();
  Evaluation result{.step = subject.step};
  if (subject.corpus) {
    result.validation_loss =
        validation_losses(subject.dit, *subject.corpus, loader_options(subject.config),
                          validation_options(subject.config), group);
  } else {
    result.validation_loss.fill(std::nan(""));
  }
  result.samples = render_shared(subject, run, group);
  std::vector<Scores> scores;
  for (const SampleRecord& clip : result.samples.clips)
    if (!clip.scores.empty()) scores.push_back(clip.scores);
  result.scores = mean_scores(scores);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::string describe_model(const DitOptions& options, std::int64_t parameters) {
  return fmt::format("DiT {} x {}, {} parameters", options.depth, options.width,
                     format_quantity(static_cast<double>(parameters)));
}

void write_report(const RunFolder& run, const Evaluation& evaluation, const std::string& model,
                  const std::string& name, const Json& more) {
  Json samples = Json::array();
  for (const SampleRecord& clip : evaluation.samples.clips) {
    Json sample = to_json(clip);
    sample["scores"] = clip.scores;  // also where there are none
    sample["file"] =
        (std::filesystem::relative(run.samples(evaluation.step), run.root) / clip.file).string();
    samples.push_back(std::move(sample));
  }
  Json report = {{"step", evaluation.step},
                 {"model", model},
                 {"validation_loss", evaluation.validation_loss},
                 {"scores", evaluation.scores}};
  report.update(more);
  report["samples"] = std::move(samples);
  write_file_durably(run.report(), report.dump(2) + "\n");
  std::vector<double> by_noise(evaluation.validation_loss.begin(),
                               evaluation.validation_loss.end());
  write_gallery(run.root, {.title = name,
                           .model = model,
                           .step = evaluation.step,
                           .scores = evaluation.scores,
                           .loss_by_noise = std::move(by_noise),
                           .settings = settings_of(run)});
}

}  // namespace muybridge
