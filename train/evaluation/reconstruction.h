#pragma once

#include "model/autoencoder/autoencoder.h"
#include "train/evaluation/evaluation.h"

namespace muybridge {

// How a video autoencoder gives held-out clips back, by the means of their latents: squared error
// and quality, each clip as long as it is trained; eval.samples of them, spread evenly,
// are written under RUN/samples/step-NNNNNNNN beside the real ones. The same numbers for any ranks.
// Collective; what fails on one rank throws on all.
Evaluation evaluate_reconstruction(const Autoencoder& autoencoder, const EvaluationSubject& subject,
                                   const RunFolder& run, const Mesh& mesh);

// "autoencoder of 4 levels, 8x8 pixels and 4 frames to 16 numbers, 126.9 M parameters"
std::string describe_autoencoder(const AutoencoderOptions& options, std::int64_t parameters);

}  // namespace muybridge
