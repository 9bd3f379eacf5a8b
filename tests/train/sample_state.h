#pragma once

#include <cstring>
#include <string>

#include "core/random.h"
#include "train/checkpoint/checkpoint.h"

// A small training state for the tests of checkpoints: any step of it can be made again, bit by
// bit.
namespace muybridge::testing {

inline Parameters sample_parameters() {
  Parameters parameters;
  parameters.add({.name = "patch_embedding.weight", .shape = {24, 12}});
  parameters.add({.name = "patch_embedding.bias", .shape = {24}});
  parameters.add({.name = "blocks.0.modulation", .shape = {6, 24}});
  parameters.add({.name = "blocks.0.self_attention.qkv.weight", .shape = {72, 24}});
  parameters.add({.name = "blocks.0.norm3.weight", .shape = {1}});
  parameters.add({.name = "head.projection.weight", .shape = {13, 7, 3}});
  return parameters;
}

// The value of one element of one parameter at a step: the same in every layout of ranks.
inline float sample_value(const std::string& name, StateKind kind, std::int64_t step,
                          std::int64_t element) {
  const RandomStream stream(static_cast<std::uint64_t>(step), Purpose::kTest, hash_name(name),
                            static_cast<std::uint64_t>(kind));
  return stream.normal(static_cast<std::uint64_t>(element));
}

inline Tensor sample_flat(const Parameters& parameters, StateKind kind, std::int64_t step) {
  Tensor flat = Tensor::zeros({parameters.flat_size()});
  for (const Parameter& parameter : parameters.list())
    for (std::int64_t i = 0; i < parameter.spec.shape.numel(); ++i)
      flat.data<float>()[parameter.offset + i] = sample_value(parameter.spec.name, kind, step, i);
  return flat;
}

// What a rank that holds everything saves.
inline TrainState sample_state(const Parameters& parameters, std::int64_t step, int rank,
                               int ranks) {
  return {.parameters = &parameters,
          .master = sample_flat(parameters, StateKind::kMaster, step),
          .momentum = sample_flat(parameters, StateKind::kMomentum, step),
          .variance = sample_flat(parameters, StateKind::kVariance, step),
          .ema = sample_flat(parameters, StateKind::kEma, step),
          .owned = even_share(parameters.flat_size(), rank, ranks),
          .step = step,
          .seed = 7,
          .loader_position = {{"epoch", step}, {"clip", 3 * step}},
          .extra = {{"tokens", 1000 * step}},
          .config = "run:\n  name: sample\n"};
}

// A state to be filled: the same tensors, of zeros.
inline TrainState blank_state(const Parameters& parameters, int rank, int ranks) {
  TrainState state;
  state.parameters = &parameters;
  for (Tensor* tensor : {&state.master, &state.momentum, &state.variance, &state.ema})
    *tensor = Tensor::zeros({parameters.flat_size()});
  state.owned = even_share(parameters.flat_size(), rank, ranks);
  return state;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Empty when the state is, bit by bit, that of its step.
inline std::string difference_from_sample(const TrainState& state) {
  const TrainState expected = sample_state(*state.parameters, state.step, 0, 1);
  for (const StateKind kind : kStateKinds)
    if (!same_bits(state.of(kind), expected.of(kind)))
      return fmt::format("{} of step {} differs", name_of(kind), state.step);
  if (state.loader_position != expected.loader_position || state.extra != expected.extra ||
      state.seed != expected.seed || state.config != expected.config)
    return fmt::format("the records of step {} differ", state.step);
  return {};
}

}  // namespace muybridge::testing
