#include "model/autoencoder/residual_block.h"

#include <vector>

#include "core/ops/activation.h"
#include "core/ops/attention/attention.h"
#include "core/ops/frames.h"
#include "core/ops/norm.h"
#include "core/ops/residual.h"

namespace muybridge {
namespace {

// Of the squares' mean. Wan divides by the length itself, but by 1e-12 at least.
constexpr double kEps = 1e-24;

// Of what is added to a shortcut: small, so that a new block hands its input on.
constexpr float kBranchGain = 0.2F;

}  // namespace

Var add_norm(Parameters& parameters, const std::string& name, std::int64_t channels) {
  return parameters.add({.name = name + ".weight", .shape = {channels}, .init = Constant{1}});
}

Var norm_silu(const Var& x, const Var& norm) { return silu(rms_norm(x, norm, kEps)); }

ResidualBlock::ResidualBlock(Parameters& parameters, const std::string& name, std::int64_t in,
                             std::int64_t out)
    : norm1(add_norm(parameters, name + ".norm1", in)),
      convolution1(parameters, name + ".convolution1", in, out),
      norm2(add_norm(parameters, name + ".norm2", out)),
      convolution2(parameters, name + ".convolution2", out, out, {.gain = kBranchGain}) {
  if (in != out) shortcut.emplace(parameters, name + ".shortcut", in, out);
}

Var ResidualBlock::operator()(const Var& x, FrameMemory& memory) const {
  const Var inner = convolution1(norm_silu(x, norm1), memory);
  return add(shortcut ? (*shortcut)(x) : x, convolution2(norm_silu(inner, norm2), memory));
}

FrameAttention::FrameAttention(Parameters& parameters, const std::string& name,
                               std::int64_t channels)
    : norm(add_norm(parameters, name + ".norm", channels)),
      qkv(parameters, name + ".qkv", channels, 3 * channels),
      out(parameters, name + ".out", channels, channels, {.weight = Glorot{kBranchGain}}) {}

Var FrameAttention::operator()(const Var& x) const {
  const Shape& shape = x.shape();
  const Packing frames = Packing::of_lengths(
      std::vector<std::int64_t>(static_cast<std::size_t>(shape[0]), shape[1] * shape[2]));
  const Var places = reshape(rms_norm(x, norm, kEps), {shape.rows(), shape.back()});
  const Var attended = self_attention(qkv(places), /*heads=*/1, frames);
  return add(x, reshape(out(attended), shape));
}

}  // namespace muybridge
