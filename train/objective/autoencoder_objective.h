#pragma once

#include "model/autoencoder/autoencoder.h"
#include "train/objective/objective.h"

namespace muybridge {

// A video autoencoder learns to give clips back: the squared error of its pixels, and, weighed, the
// divergence of its latents from the standard normal (Kingma and Welling 2013, arXiv:1312.6114).
// Clips go through it one by one. Each rank has all of the model.
class AutoencoderObjective final : public Objective {
 public:
  // `parameters` are the model's, and outlive this with all else that is handed in.
  AutoencoderObjective(const TrainConfig& config, Autoencoder autoencoder,
                       const Parameters& parameters, Mesh mesh);

  std::string describe(std::int64_t parameters) const override;
  std::int64_t token_width() const override;
  StepResult accumulate(const StepWork& work) override;
  Evaluation evaluate(const EvaluationSubject& subject, const RunFolder& run) const override;

 private:
  void add_clip(const Batch& batch, int clip, bool last, const StepWork& work,
                StepResult& result) const;

  const TrainConfig& config_;
  const Autoencoder autoencoder_;
  const Parameters& parameters_;
  const Mesh mesh_;
};

}  // namespace muybridge
