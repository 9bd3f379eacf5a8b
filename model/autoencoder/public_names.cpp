#include "model/autoencoder/public_names.h"

#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace muybridge {
namespace {

// How a parameter lies there.
enum class Kind {
  kVector,       // [C]
  kNorm,         // [C, 1, 1, 1]
  kImageNorm,    // [C, 1, 1]
  kConvolution,  // [K, C, kT, kH, kW]
  kImage,        // [K, C, kH, kW]
};

struct Rule {
  std::string_view ours, theirs;
  Kind kind;  // of the weight; a bias is a vector
};

// Of residual blocks.
constexpr Rule kBlock[] = {{"norm1.weight", "norm1.gamma", Kind::kNorm},
                           {"convolution1", "conv1", Kind::kConvolution},
                           {"norm2.weight", "norm2.gamma", Kind::kNorm},
                           {"convolution2", "conv2", Kind::kConvolution},
                           {"shortcut", "conv_shortcut", Kind::kConvolution}};
constexpr Rule kAttention[] = {{"norm.weight", "norm.gamma", Kind::kImageNorm},
                               {"qkv", "to_qkv", Kind::kImage},
                               {"out", "proj", Kind::kImage}};
constexpr Rule kResample[] = {{"over_places", "resample.1", Kind::kImage},
                              {"over_frames", "time_conv", Kind::kConvolution}};
// Of the encoder and the decoder; what begins with a slash is outside of either there.
constexpr Rule kOuter[] = {{"in", "conv_in", Kind::kConvolution},
                           {"out", "conv_out", Kind::kConvolution},
                           {"norm.weight", "norm_out.gamma", Kind::kNorm},
                           {"moments", "/quant_conv", Kind::kConvolution},
                           {"latents", "/post_quant_conv", Kind::kConvolution}};

// Takes `prefix` and a dot from the front of `name`.
bool take(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() <= prefix.size() || name[prefix.size()] != '.')
    return false;
  name.remove_prefix(prefix.size() + 1);
  return true;
}

std::int64_t take_number(std::string_view& name) {
  std::int64_t number = -1;
  const char* const end = name.data() + name.size();
  const auto [after, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || after == end || *after != '.' || number < 0)
    throw std::invalid_argument("a number is missing");
  name.remove_prefix(static_cast<std::size_t>(after - name.data()) + 1);
  return number;
}

Shape shape_there(Kind kind, const Shape& here) {
  if (kind == Kind::kVector) return here;
  if (kind == Kind::kNorm) return {here[0], 1, 1, 1};
  if (kind == Kind::kImageNorm) return {here[0], 1, 1};
  // A product over channels is a convolution of one tap.
  const bool linear = here.rank() == 2;
  const std::int64_t frames = linear ? 1 : here[1], height = linear ? 1 : here[2],
                     width = linear ? 1 : here[3];
  if (kind == Kind::kImage) return {here[0], here.back(), height, width};
  return {here[0], here.back(), frames, height, width};
}

template <std::size_t N>
PublicTensor translate(std::string_view rest, const std::string& prefix, const Rule (&rules)[N],
                       const Shape& shape) {
  for (const Rule& rule : rules) {
    if (rest == rule.ours)
      return {prefix + std::string(rule.theirs), shape_there(rule.kind, shape)};
    std::string_view tail = rest;
    if (!take(tail, rule.ours) || (tail != "weight" && tail != "bias")) continue;
    std::string name(rule.theirs);
    name = name.front() == '/' ? name.substr(1) : prefix + name;
    return {fmt::format("{}.{}", name, tail),
            shape_there(tail == "bias" ? Kind::kVector : rule.kind, shape)};
  }
  throw std::invalid_argument(fmt::format("'{}' is not known", rest));
}

PublicTensor translate(std::string_view rest, const Shape& shape, std::int64_t blocks) {
  const bool encodes = take(rest, "encoder");
  if (!encodes && !take(rest, "decoder")) throw std::invalid_argument("neither part");
  const std::string part = encodes ? "encoder." : "decoder.";
  if (take(rest, "middle")) {
    if (take(rest, "attention"))
      return translate(rest, part + "mid_block.attentions.0.", kAttention, shape);
    const bool first = take(rest, "first");
    if (!first && !take(rest, "second")) throw std::invalid_argument("no such part");
    return translate(rest, fmt::format("{}mid_block.resnets.{}.", part, first ? 0 : 1), kBlock,
                     shape);
  }
  if (!take(rest, "levels")) return translate(rest, part, kOuter, shape);
  const std::int64_t level = take_number(rest);
  // Levels of the encoder are one list there: blocks, and what makes frames smaller.
  const std::int64_t first = level * (blocks + 1);
  if (take(rest, "blocks")) {
    const std::int64_t block = take_number(rest);
    return translate(rest,
                     encodes ? fmt::format("encoder.down_blocks.{}.", first + block)
                             : fmt::format("decoder.up_blocks.{}.resnets.{}.", level, block),
                     kBlock, shape);
  }
  if (encodes && take(rest, "shrink"))
    return translate(rest, fmt::format("encoder.down_blocks.{}.", first + blocks), kResample,
                     shape);
  if (!encodes && take(rest, "grow"))
    return translate(rest, fmt::format("decoder.up_blocks.{}.upsamplers.0.", level), kResample,
                     shape);
  throw std::invalid_argument("no such part");
}

// Calls f(element there, element here) for every element of a convolution's weight.
template <class F>
void for_each_element(const Shape& here, const F& f) {
  const std::int64_t channels = here.back(), taps = here.numel() / (here[0] * channels);
  std::int64_t there = 0;
  for (std::int64_t row = 0; row < here[0]; ++row)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t tap = 0; tap < taps; ++tap) f(there++, (row * taps + tap) * channels + c);
}

}  // namespace

PublicTensor public_autoencoder_tensor(const std::string& name, const Shape& shape,
                                       std::int64_t blocks) {
  try {
    return translate(name, shape, blocks);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(
        fmt::format("autoencoder: '{}' is none of its parameters: {}", name, error.what()));
  }
}

Tensor to_public_tensor(const Tensor& parameter, const PublicTensor& there) {
  const Tensor out = Tensor::empty(there.shape, parameter.dtype());
  const std::size_t size = size_of(parameter.dtype());
  const auto* const from = static_cast<const std::byte*>(parameter.raw());
  auto* const to = static_cast<std::byte*>(out.raw());
  if (parameter.shape().rank() < 2) {
    std::memcpy(to, from, out.bytes());
    return out;
  }
  for_each_element(parameter.shape(), [&](std::int64_t at_there, std::int64_t at_here) {
    std::memcpy(to + static_cast<std::size_t>(at_there) * size,
                from + static_cast<std::size_t>(at_here) * size, size);
  });
  return out;
}

void from_public_tensor(const Tensor& source, const PublicTensor& there, const Tensor& parameter) {
  require_shape("autoencoder", there.name.c_str(), source, there.shape);
  const Tensor typed = source.to(parameter.dtype());
  const std::size_t size = size_of(parameter.dtype());
  const auto* const from = static_cast<const std::byte*>(typed.raw());
  auto* const to = static_cast<std::byte*>(parameter.raw());
  if (parameter.shape().rank() < 2) {
    std::memcpy(to, from, parameter.bytes());
    return;
  }
  for_each_element(parameter.shape(), [&](std::int64_t at_there, std::int64_t at_here) {
    std::memcpy(to + static_cast<std::size_t>(at_here) * size,
                from + static_cast<std::size_t>(at_there) * size, size);
  });
}

}  // namespace muybridge
