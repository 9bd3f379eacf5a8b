#pragma once

#include <vector>

#include "model/autoencoder/autoencoder_options.h"
#include "model/autoencoder/resample.h"
#include "model/autoencoder/residual_block.h"

// T frames  H rows  W columns  z channels of a latent
namespace muybridge {

struct MiddleBlock {
  ResidualBlock first;
  FrameAttention attention;
  ResidualBlock second;

  MiddleBlock(Parameters& parameters, const std::string& name, std::int64_t channels);
  Var operator()(const Var& x, FrameMemory& memory) const;
};

// Pixels to the mean and the logarithm of the variance of latents.
struct Encoder {
  struct Level {
    std::vector<ResidualBlock> blocks;
    std::optional<Shrink> shrink;  // none behind the last
  };
  CausalConvolution in;
  std::vector<Level> levels;
  MiddleBlock middle;
  Var norm;
  CausalConvolution out;
  Linear moments;  // z and z

  Encoder(Parameters& parameters, const std::string& name, const AutoencoderOptions& options);
  Var operator()(const Var& pixels, FrameMemory& memory) const;
};

struct Decoder {
  struct Level {
    std::vector<ResidualBlock> blocks;
    std::optional<Grow> grow;
  };
  Linear latents;
  CausalConvolution in;
  MiddleBlock middle;
  std::vector<Level> levels;
  Var norm;
  CausalConvolution out;

  Decoder(Parameters& parameters, const std::string& name, const AutoencoderOptions& options);
  Var operator()(const Var& z, FrameMemory& memory) const;
};

// The video autoencoder of Wan2.1 (arXiv:2503.20314, section 4.1; AutoencoderKLWan): a clip of
// 1 + n F frames becomes 1 + n latent ones, F being AutoencoderOptions::frame_factor(), of sides
// that are `side_factor()` times smaller. What a frame becomes depends on it and on earlier ones.
struct Autoencoder {
  AutoencoderOptions options;
  Encoder encoder;
  Decoder decoder;

  Autoencoder(Parameters& parameters, const AutoencoderOptions& options);

  // Pixels [T,H,W,3] in [-1, 1], the next frames of a clip: 1 + n F of them at its beginning, then
  // n F. -> [t,h,w,2z]: mean and logarithm of the variance of each latent. Throws
  // std::invalid_argument where the size is no multiple of what a latent stands for.
  Var encode(const Var& pixels, FrameMemory& memory) const;
  // Latents [t,h,w,z], the next of a clip -> pixels. About [-1, 1], not clipped.
  Var decode(const Var& latents, FrameMemory& memory) const;
};

}  // namespace muybridge
