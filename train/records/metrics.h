#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace muybridge {

// What a step of training did, over all ranks.
struct StepMetrics {
  std::int64_t step = 0;  // the first is 1
  double loss = 0;        // mean over the step's tokens
  double grad_norm = 0;   // before clipping
  double learning_rate = 0;
  std::int64_t tokens = 0;  // of the step
  double seconds = 0;       // of the step
  double tflops = 0;        // a second, over all ranks, of the model's arithmetic
  double data_wait = 0;     // share of the step spent waiting for data
  nlohmann::ordered_json extra = nlohmann::ordered_json::object();  // further keys of the line
};

nlohmann::ordered_json to_json(const StepMetrics& metrics);
// Throws nlohmann::json::exception for what to_json did not make.
StepMetrics step_metrics_from(const nlohmann::json& line);

// The file metrics.jsonl: a JSON object a line, each with its "step", in order of steps.
class MetricsLog {
 public:
  // Goes on after `step`: lines of later steps, and one that a crash cut short, are removed, so
  // that the file becomes that of a run that was never stopped.
  MetricsLog(const std::filesystem::path& path, std::int64_t step);

  // `line` has "step"; values that are not finite become null.
  void append(const nlohmann::ordered_json& line);
  void append(const StepMetrics& metrics) { append(to_json(metrics)); }

  // Of the last line; 0 where there is none.
  std::int64_t last_step() const { return last_step_; }

  // To the disk. Call before a commit: a resumed run relies on the lines up to its step.
  void sync() const;

 private:
  std::filesystem::path path_;
  std::int64_t last_step_ = 0;
};

}  // namespace muybridge
