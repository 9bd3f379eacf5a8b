#pragma once

#include "core/packing.h"
#include "model/autoencoder/autoencoder_options.h"

namespace muybridge {

// What an autoencoder does with a clip as a whole, counted layer by layer.
struct AutoencoderCosts {
  double operations = 0;  // floating point, of its products and convolutions, forward
  double kept = 0;        // numbers that are there from forward to backward
  double largest = 0;     // numbers of the largest tensor
};

// There and back; `clip` in pixels, of sizes that the model takes.
AutoencoderCosts autoencoder_costs(const AutoencoderOptions& options, const Grid& clip);

}  // namespace muybridge
