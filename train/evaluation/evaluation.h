#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/gallery.h"
#include "eval/provenance.h"
#include "eval/validation.h"
#include "model/dit.h"
#include "parallel/mesh.h"
#include "train/config.h"
#include "train/evaluation/evaluation_prompts.h"
#include "train/records/run_folder.h"

namespace muybridge {

struct Evaluation {
  std::int64_t step = 0;
  std::vector<double> validation_loss;    // of a DiT by noise, see eval/validation.h; or one
  std::map<std::string, double> quality;  // of reconstructions, see eval/picture_quality.h
  Scores scores;                          // means over the clips that have them
  ScoreSummaries score_details;  // the same with the number of clips and the level of chance
  SampleSet samples;
  int known_prompts = 0;  // of which the samples show some, or all
  double seconds = 0;
};

// What to look at: `config.eval` says how.
struct EvaluationSubject {
  const TrainConfig& config;
  const CorpusIndex* corpus = nullptr;  // null: no validation loss
  const EvaluationPrompts& prompts;
  std::int64_t step = 0;
  std::string checkpoint;  // hash of the manifest; empty where there is none yet
};

// Validation loss, clips for the prompts under RUN/samples/step-NNNNNNNN, their scores. Collective;
// the replicas of the model share the work, all ranks get the result, and what fails on one throws
// on all.
Evaluation evaluate(const Dit& dit, const EvaluationSubject& subject, const RunFolder& run,
                    const Mesh& mesh);

// Removes the clips of another evaluation of the same step that rendered more.
void remove_clips_of_before(const std::filesystem::path& folder, const SampleSet& set);

// What it adds to the step's line of metrics.jsonl: "validation_loss" and a "score_" each.
nlohmann::ordered_json metrics_of(const Evaluation& evaluation);

// "validation loss 0.1234  color 0.917  shape 0.833"; of what was measured
std::string describe_evaluation(const Evaluation& evaluation);

// The most memory that a process of the group has held so far. Collective.
std::int64_t peak_memory_bytes(Group& group);

// "DiT 4 x 128, 1.4 M parameters"
std::string describe_model(const DitOptions& options, std::int64_t parameters);

// Writes RUN/report.json. `more` has further keys of the report. One rank only.
void write_report(const RunFolder& run, const Evaluation& evaluation, const std::string& model,
                  const nlohmann::ordered_json& more);

// Draws RUN/index.html anew. One rank only, after the step's line of metrics.jsonl was written.
void draw_gallery(const RunFolder& run, const Evaluation& evaluation, const std::string& model,
                  const std::string& name);

}  // namespace muybridge
