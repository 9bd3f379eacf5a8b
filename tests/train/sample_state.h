#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "core/random.h"
#include "train/checkpoint/checkpoint.h"

// A small training state for the tests of checkpoints: any step of it can be made again, bit by
// bit.
namespace muybridge::testing {

inline Parameters sample_parameters(DType compute = DType::kF32) {
  Parameters parameters;
  parameters.add({.name = "patch_embedding.weight", .shape = {24, 12}});
  parameters.add({.name = "patch_embedding.bias", .shape = {24}});
  parameters.add({.name = "blocks.0.modulation", .shape = {6, 24}});
  parameters.add({.name = "blocks.0.self_attention.qkv.weight", .shape = {72, 24}});
  parameters.add({.name = "blocks.0.norm3.weight", .shape = {1}});
  parameters.add({.name = "head.projection.weight", .shape = {13, 7, 3}});
  parameters.allocate(compute, 1);
  return parameters;
}

// The value of one element of one parameter at a step: the same in every layout of ranks.
inline float sample_value(const std::string& name, StateKind kind, std::int64_t step,
                          std::int64_t element) {
  const RandomStream stream(static_cast<std::uint64_t>(step), Purpose::kTest, hash_name(name),
                            static_cast<std::uint64_t>(kind));
  return stream.normal(static_cast<std::uint64_t>(element));
}

// The values of the elements that the rank's parameters hold.
inline Tensor sample_flat(const Parameters& parameters, StateKind kind, std::int64_t step) {
  Tensor flat = Tensor::zeros({parameters.flat_size()});
  for (const Parameter& parameter : parameters.list()) {
    const Slice slice = parameter.slice();
    for (std::int64_t i = 0; i < parameter.shape.numel(); ++i)
      flat.data<float>()[parameter.offset + i] =
          sample_value(parameter.spec.name, kind, step, slice.at(i));
  }
  return flat;
}

// A rank's flat tensors; those that are not defined are no part of the state.
struct SampleTensors {
  Tensor master, momentum, variance, ema;

  static SampleTensors of_step(const Parameters& parameters, std::int64_t step) {
    return {sample_flat(parameters, StateKind::kMaster, step),
            sample_flat(parameters, StateKind::kMomentum, step),
            sample_flat(parameters, StateKind::kVariance, step),
            sample_flat(parameters, StateKind::kEma, step)};
  }
  static SampleTensors zeros(const Parameters& parameters) {
    const auto zeros = [&] { return Tensor::zeros({parameters.flat_size()}); };
    return {zeros(), zeros(), zeros(), zeros()};
  }

  std::vector<FlatTensor> list() const {
    std::vector<FlatTensor> tensors;
    for (const auto& [kind, tensor] : {std::pair{StateKind::kMaster, &master},
                                       {StateKind::kMomentum, &momentum},
                                       {StateKind::kVariance, &variance},
                                       {StateKind::kEma, &ema}})
      if (tensor->defined()) tensors.push_back({kind, *tensor});
    return tensors;
  }
  // The elements of flat ranges, or all.
  TrainState state(const Parameters& parameters,
                   const std::optional<FlatRanges>& wanted = {}) const {
    TrainState state{.catalogue = catalogue_of(parameters)};
    for (const FlatTensor& tensor : list())
      for (const StatePiece& piece :
           wanted ? state_pieces(parameters, tensor, *wanted) : state_pieces(parameters, tensor))
        state.pieces.push_back(piece);
    return state;
  }
};

// The records of a step.
inline TrainState with_records(TrainState state, std::int64_t step) {
  state.step = step;
  state.seed = 7;
  state.loader_position = {{"epoch", step}, {"clip", 3 * step}};
  state.extra = {{"tokens", 1000 * step}};
  state.config = "run:\n  name: sample\n";
  return state;
}

// What a rank that holds everything saves.
inline TrainState sample_state(const Parameters& parameters, std::int64_t step, int rank,
                               int ranks) {
  return with_records(
      SampleTensors::of_step(parameters, step)
          .state(parameters, FlatRanges{even_share(parameters.flat_size(), rank, ranks)}),
      step);
}

// A state to be filled: all there is, of zeros.
inline TrainState blank_state(const Parameters& parameters) {
  return SampleTensors::zeros(parameters).state(parameters);
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Empty when the state has, bit by bit, what its step has there.
inline std::string difference_from_sample(const TrainState& state) {
  for (const StatePiece& piece : state.pieces)
    for (std::int64_t i = 0; i < piece.elements.numel(); ++i)
      if (piece.elements.data<float>()[i] !=
          sample_value(piece.name, piece.kind, state.step, piece.slice.at(i)))
        return fmt::format("element {} of {} of step {} differs", i, piece.data_set(), state.step);
  const TrainState expected = with_records({}, state.step);
  if (state.loader_position != expected.loader_position || state.extra != expected.extra ||
      state.seed != expected.seed || state.config != expected.config)
    return fmt::format("the records of step {} differ", state.step);
  return {};
}

}  // namespace muybridge::testing
