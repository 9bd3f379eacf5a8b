#include "train/records/run_records.h"

namespace muybridge {

RunRecords::RunRecords(const RunFolder& run, std::int64_t step, std::int64_t steps, int log_every)
    : metrics_(run.metrics(), step),
      tensorboard_(run.tensorboard(), step),
      progress_(step, steps, log_every) {}

void RunRecords::add(const StepMetrics& m) {
  metrics_.append(m);
  std::vector<std::pair<std::string, double>> scalars = {
      {"train/loss", m.loss},
      {"train/grad_norm", m.grad_norm},
      {"train/learning_rate", m.learning_rate},
      {"speed/tokens_per_second", static_cast<double>(m.tokens) / m.seconds},
      {"speed/tflops", m.tflops},
      {"speed/data_wait", m.data_wait}};
  for (const auto& [key, value] : m.extra.items())
    if (value.is_number()) scalars.emplace_back("eval/" + key, value.get<double>());
  tensorboard_.add_scalars(m.step, scalars);
  progress_.update(m);
}

}  // namespace muybridge
