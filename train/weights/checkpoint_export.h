#pragma once

#include <filesystem>

#include "core/packing.h"
#include "core/parameters.h"
#include "model/autoencoder/autoencoder_options.h"
#include "model/safetensors.h"
#include "train/checkpoint/checkpoint_reader.h"

namespace muybridge {

struct ExportOptions {
  StateKind which = StateKind::kEma;  // or kMaster
  DType dtype = DType::kF32;          // or kBF16
  Grid patch = {};                    // of the model
  SafetensorsMetadata metadata = {};  // train/weights/exported_model.h
};

// Writes the weights as one safetensors file with the names that diffusers gives Wan2.1
// (model/wan_names.h). One parameter is in memory at a time.
void export_weights(const CheckpointReader& reader, const ExportOptions& options,
                    const std::filesystem::path& out);

// The same of a video autoencoder, with the names of AutoencoderKLWan
// (model/autoencoder/public_names.h); `patch` is not looked at.
void export_autoencoder(const CheckpointReader& reader, const ExportOptions& options,
                        const AutoencoderOptions& model, const std::filesystem::path& out);

// The inverse of export_weights: fills what this rank holds of each parameter (Parameters::fill).
// Throws Error(kUsage) that names the tensor when one is missing or has another shape.
void import_weights(const SafetensorsReader& file, const Grid& patch, const Parameters& parameters);

}  // namespace muybridge
