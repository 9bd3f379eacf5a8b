#include "model/autoencoder/autoencoder.h"

#include <algorithm>
#include <stdexcept>

namespace muybridge {
namespace {

// Where a part of the model has levels, from pixels on: the channels of each.
std::vector<std::int64_t> channels_of(const AutoencoderOptions& options) {
  std::vector<std::int64_t> channels;
  for (const std::int64_t multiple : options.multiples)
    channels.push_back(multiple * options.width);
  return channels;
}

}  // namespace

void require_valid(const AutoencoderOptions& options) {
  const auto positive = [](std::int64_t number) { return number > 0; };
  if (options.multiples.empty() || options.multiples.size() != options.halves_frames.size() + 1)
    throw std::invalid_argument(fmt::format(
        "autoencoder: {} levels have {} steps between them, halves_frames says {}",
        options.multiples.size(), options.multiples.size() - 1, options.halves_frames.size()));
  if (!std::ranges::all_of(options.multiples, positive) ||
      !std::ranges::all_of(
          std::vector{options.channels, options.latent_channels, options.width, options.blocks},
          positive))
    throw std::invalid_argument("autoencoder: every number of channels and blocks is positive");
}

MiddleBlock::MiddleBlock(Parameters& parameters, const std::string& name, std::int64_t channels)
    : first(parameters, name + ".first", channels, channels),
      attention(parameters, name + ".attention", channels),
      second(parameters, name + ".second", channels, channels) {}

Var MiddleBlock::operator()(const Var& x, FrameMemory& memory) const {
  return second(attention(first(x, memory)), memory);
}

Encoder::Encoder(Parameters& parameters, const std::string& name, const AutoencoderOptions& o)
    : in(parameters, name + ".in", o.channels, o.width),
      levels([&] {
        std::vector<Level> all(o.multiples.size());
        std::int64_t channels = o.width;
        for (std::size_t i = 0; i < all.size(); ++i) {
          const std::string level = fmt::format("{}.levels.{}", name, i);
          for (std::int64_t b = 0; b < o.blocks; ++b) {
            const std::int64_t wanted = channels_of(o)[i];
            all[i].blocks.emplace_back(parameters, fmt::format("{}.blocks.{}", level, b), channels,
                                       wanted);
            channels = wanted;
          }
          if (i + 1 < all.size())
            all[i].shrink.emplace(parameters, level + ".shrink", channels, o.halves_frames[i]);
        }
        return all;
      }()),
      middle(parameters, name + ".middle", channels_of(o).back()),
      norm(add_norm(parameters, name + ".norm", channels_of(o).back())),
      out(parameters, name + ".out", channels_of(o).back(), 2 * o.latent_channels),
      moments(parameters, name + ".moments", 2 * o.latent_channels, 2 * o.latent_channels) {}

Var Encoder::operator()(const Var& pixels, FrameMemory& memory) const {
  Var x = in(pixels, memory);
  for (const Level& level : levels) {
    for (const ResidualBlock& block : level.blocks) x = block(x, memory);
    if (level.shrink) x = (*level.shrink)(x, memory);
  }
  return moments(out(norm_silu(middle(x, memory), norm), memory));
}

// Growing halves the number of channels.
Decoder::Decoder(Parameters& parameters, const std::string& name, const AutoencoderOptions& o)
    : latents(parameters, name + ".latents", o.latent_channels, o.latent_channels),
      in(parameters, name + ".in", o.latent_channels, channels_of(o).back()),
      middle(parameters, name + ".middle", channels_of(o).back()),
      levels([&] {
        std::vector<Level> all(o.multiples.size());
        std::int64_t channels = channels_of(o).back();
        for (std::size_t i = 0; i < all.size(); ++i) {
          const std::string level = fmt::format("{}.levels.{}", name, i);
          const std::int64_t wanted = channels_of(o)[all.size() - 1 - i];
          for (std::int64_t b = 0; b <= o.blocks; ++b) {
            all[i].blocks.emplace_back(parameters, fmt::format("{}.blocks.{}", level, b), channels,
                                       wanted);
            channels = wanted;
          }
          if (i + 1 == all.size()) continue;
          all[i].grow.emplace(parameters, level + ".grow", channels, channels / 2,
                              o.halves_frames[all.size() - 2 - i]);
          channels /= 2;
        }
        return all;
      }()),
      norm(add_norm(parameters, name + ".norm", channels_of(o).front())),
      out(parameters, name + ".out", channels_of(o).front(), o.channels) {}

Var Decoder::operator()(const Var& z, FrameMemory& memory) const {
  Var x = middle(in(latents(z), memory), memory);
  for (const Level& level : levels) {
    for (const ResidualBlock& block : level.blocks) x = block(x, memory);
    if (level.grow) x = (*level.grow)(x, memory);
  }
  return out(norm_silu(x, norm), memory);
}

Autoencoder::Autoencoder(Parameters& parameters, const AutoencoderOptions& o)
    : options((require_valid(o), o)),
      encoder(parameters, "encoder", o),
      decoder(parameters, "decoder", o) {}

Var Autoencoder::encode(const Var& pixels, FrameMemory& memory) const {
  const Shape& shape = pixels.shape();
  const std::int64_t side = options.side_factor();
  if (shape.rank() != 4 || shape[3] != options.channels || shape[1] % side != 0 ||
      shape[2] % side != 0)
    throw std::invalid_argument(
        fmt::format("autoencoder: pixels are {}; want [T,H,W,{}], H and W multiples of {}", shape,
                    options.channels, side));
  const std::int64_t factor = options.frame_factor(), others = shape[0] - (memory.is_new() ? 1 : 0);
  if (others < 0 || others % factor != 0)
    throw std::invalid_argument(fmt::format(
        "autoencoder: {} frames {} a clip; the first stands for itself, of the others {} each "
        "become one",
        shape[0], memory.is_new() ? "begin" : "go on with", factor));
  return encoder(pixels, memory);
}

Var Autoencoder::decode(const Var& latents, FrameMemory& memory) const {
  const Shape& shape = latents.shape();
  if (shape.rank() != 4 || shape[3] != options.latent_channels)
    throw std::invalid_argument(fmt::format("autoencoder: latents are {}; want [t,h,w,{}]", shape,
                                            options.latent_channels));
  return decoder(latents, memory);
}

}  // namespace muybridge
