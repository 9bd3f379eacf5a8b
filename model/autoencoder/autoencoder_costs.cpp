#include "model/autoencoder/autoencoder_costs.h"

#include <algorithm>

namespace muybridge {
namespace {

constexpr double kTaps = 27, kTapsOfPlaces = 9, kTapsOfFrames = 3;

// Walks as Encoder and Decoder do.
class Walk {
 public:
  explicit Walk(const Grid& clip)
      : frames_(clip.frames), height_(clip.height), width_(clip.width) {}

  void convolution(double taps, double in, double out) {
    costs.operations += 2 * taps * in * out * places();
    keep(out);
  }
  // Norm, SiLU and convolution twice; what the second convolution gives is kept as the sum.
  void block(double in, double out) {
    norm_silu(in);
    convolution(kTaps, in, out);
    norm_silu(out);
    convolution(kTaps, out, out);
    if (in != out) costs.operations += 2 * in * out * places();
  }
  void norm_silu(double channels) { keep(2 * channels); }
  void attention(double channels) {
    costs.operations += (8 * channels * channels + 4 * channels * height_ * width_) * places();
    keep(6 * channels);
  }
  void shrink(double channels, bool frames) {
    height_ /= 2, width_ /= 2;
    convolution(kTapsOfPlaces, channels, channels);
    if (!frames) return;
    frames_ = 1 + (frames_ - 1) / 2;
    convolution(kTapsOfFrames, channels, channels);
  }
  void grow(double in, double out, bool frames) {
    if (frames) {
      convolution(kTapsOfFrames, in, 2 * in);
      frames_ = 1 + 2 * (frames_ - 1);
      keep(in);
    }
    height_ *= 2, width_ *= 2;
    keep(in);
    convolution(kTapsOfPlaces, in, out);
  }

  AutoencoderCosts costs;

 private:
  double places() const { return frames_ * height_ * width_; }
  void keep(double channels) {
    costs.kept += channels * places();
    costs.largest = std::max(costs.largest, channels * places());
  }

  double frames_, height_, width_;
};

}  // namespace

AutoencoderCosts autoencoder_costs(const AutoencoderOptions& o, const Grid& clip) {
  Walk walk(clip);
  const std::size_t levels = o.multiples.size();
  const auto channels = [&](std::size_t level) {
    return static_cast<double>(o.multiples[level] * o.width);
  };
  const auto z = static_cast<double>(o.latent_channels), pixel = static_cast<double>(o.channels);
  const auto middle = [&] {
    walk.block(channels(levels - 1), channels(levels - 1));
    walk.attention(channels(levels - 1));
    walk.block(channels(levels - 1), channels(levels - 1));
  };

  walk.convolution(kTaps, pixel, channels(0));
  for (std::size_t level = 0; level < levels; ++level) {
    for (std::int64_t b = 0; b < o.blocks; ++b)
      walk.block(channels(b == 0 && level > 0 ? level - 1 : level), channels(level));
    if (level + 1 < levels) walk.shrink(channels(level), o.halves_frames[level]);
  }
  middle();
  walk.norm_silu(channels(levels - 1));
  walk.convolution(kTaps, channels(levels - 1), 2 * z);
  walk.convolution(1, 2 * z, 2 * z);

  walk.convolution(1, z, z);
  walk.convolution(kTaps, z, channels(levels - 1));
  middle();
  double in = channels(levels - 1);
  for (std::size_t level = levels; level-- > 0;) {
    for (std::int64_t b = 0; b <= o.blocks; ++b) {
      walk.block(in, channels(level));
      in = channels(level);
    }
    if (level == 0) break;
    walk.grow(in, in / 2, o.halves_frames[level - 1]);
    in /= 2;
  }
  walk.norm_silu(channels(0));
  walk.convolution(kTaps, channels(0), pixel);
  return walk.costs;
}

}  // namespace muybridge
