// The DiT against PyTorch: files made by tests/golden/make_golden.py.
#include <gtest/gtest.h>

#include <cmath>

#include "core/ops/loss.h"
#include "core/ops/update/adamw.h"
#include "model/dit.h"
#include "model/safetensors.h"

namespace muybridge {
namespace {

SafetensorsReader golden(const std::string& name) {
  return SafetensorsReader(std::string(MUYBRIDGE_SOURCE_DIR) + "/tests/golden/" + name);
}

DitOptions options_of(const SafetensorsReader& file) {
  const auto number = [&](const char* key) { return std::stoi(file.metadata().at(key)); };
  const bool sines =
      file.metadata().count("sine_positions") && file.metadata().at("sine_positions") == "True";
  return {.channels = number("channels"),
          .patch = {1, 2, 2},
          .width = number("width"),
          .depth = number("depth"),
          .heads = number("heads"),
          .mlp_width = number("mlp_width"),
          .text_width = number("text_width"),
          .text_depth = number("text_depth"),
          .text_heads = number("text_heads"),
          .sine_positions = sines};
}

struct Model {
  Parameters parameters;
  Dit dit;

  // Weights come from the file's tensors of that prefix; every one of the model is there.
  Model(const SafetensorsReader& file, const SafetensorsReader& weights, DType dtype)
      : dit(parameters, options_of(file)) {
    parameters.allocate(dtype, 1);
    for (const Parameter& parameter : parameters.list())
      parameter.var.value().copy_from(weights.read("parameters." + parameter.spec.name).to(dtype));
  }
};

struct Inputs {
  Packing clips;
  PackedText text;

  explicit Inputs(const SafetensorsReader& file) {
    const Tensor grids = file.read("inputs.grids");
    for (std::int64_t clip = 0; clip < grids.shape()[0]; ++clip) {
      const std::int64_t* const g = grids.data<std::int64_t>() + 3 * clip;
      clips.add({.frames = static_cast<int>(g[0]),
                 .height = static_cast<int>(g[1]),
                 .width = static_cast<int>(g[2])});
    }
    std::vector<std::int32_t> ids;
    for (const std::int64_t id : file.read("inputs.text_ids").span<std::int64_t>())
      ids.push_back(static_cast<std::int32_t>(id));
    text.ids = Tensor::of<std::int32_t>({static_cast<std::int64_t>(ids.size())}, ids);
    const std::vector<std::int64_t> offsets =
        file.read("inputs.text_offsets").to_vector<std::int64_t>();
    std::vector<std::int64_t> lengths;
    for (std::size_t i = 1; i < offsets.size(); ++i) lengths.push_back(offsets[i] - offsets[i - 1]);
    text.packing = Packing::of_lengths(lengths);
  }
};

// |got - expected| over |expected|, both as vectors.
double relative_error(const Tensor& got, const Tensor& expected) {
  const std::vector<double> a = got.to(DType::kF64).to_vector<double>(),
                            b = expected.to(DType::kF64).to_vector<double>();
  EXPECT_EQ(a.size(), b.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(error / (size + 1e-30));
}

void expect_outputs_and_gradients(DType dtype, double tolerance) {
  const SafetensorsReader file = golden("dit_forward_backward.safetensors");
  const Model model(file, file, dtype);
  const Inputs inputs(file);
  const TokenLayout layout = model.dit.layout(inputs.clips);
  const DType wide = accumulator_of(dtype);
  const Var velocity =
      model.dit(file.read("inputs.tokens").to(wide), file.read("inputs.timesteps").to(wide),
                model.dit.encode_text(inputs.text), layout);
  const Tensor target = file.read("inputs.target").to(wide);
  const Var loss = squared_error(velocity, target, inputs.clips.offsets,
                                 1.0 / static_cast<double>(target.numel()))
                       .loss;
  EXPECT_LT(relative_error(velocity.value(), file.read("outputs.velocity")), tolerance);
  EXPECT_NEAR(loss.value().item(), file.read("outputs.loss").item(), tolerance);
  backward(loss);
  for (const Parameter& parameter : model.parameters.list())
    EXPECT_LT(relative_error(parameter.var.grad(), file.read("gradients." + parameter.spec.name)),
              tolerance)
        << parameter.spec.name;
}

TEST(DitGolden, OutputsAndAllGradientsMatchPyTorchInF32) {
  expect_outputs_and_gradients(DType::kF32, 1e-4);
}

TEST(DitGolden, OutputsAndAllGradientsMatchPyTorchInF64) {
  expect_outputs_and_gradients(DType::kF64, 2e-6);
}

TEST(DitGolden, TwentyStepsOfTrainingMatchPyTorchInF32) {
  const SafetensorsReader start = golden("dit_forward_backward.safetensors"),
                          file = golden("training_curve.safetensors");
  const Model model(file, start, DType::kF32);
  const Inputs inputs(file);
  const TokenLayout layout = model.dit.layout(inputs.clips);
  const Tensor& master = model.parameters.master();
  const Tensor m = Tensor::zeros(master.shape()), v = Tensor::zeros(master.shape());
  const Tensor clean = file.read("inputs.clean"), noise = file.read("inputs.noise"),
               times = file.read("inputs.timesteps");
  const Tensor losses = file.read("outputs.losses");
  const std::int64_t elements = clean.numel(), clips = inputs.clips.clips(),
                     width = clean.shape()[1];
  for (int step = 0; step < 20; ++step) {
    const Tensor noisy = Tensor::empty(clean.shape()), target = Tensor::empty(clean.shape());
    for (std::int64_t i = 0; i < elements; ++i) {
      const float e = noise.data<float>()[step * elements + i], x = clean.data<float>()[i];
      const float t = times.data<float>()[step * clips + layout.clips.pointer()[i / width]];
      noisy.data<float>()[i] = (1 - t) * x + t * e;
      target.data<float>()[i] = e - x;
    }
    model.parameters.zero_gradients();
    const Var velocity = model.dit(noisy, times.rows(step, 1).reshape({clips}),
                                   model.dit.encode_text(inputs.text), layout);
    const Var loss =
        squared_error(velocity, target, inputs.clips.offsets, 1.0 / static_cast<double>(elements))
            .loss;
    const double expected = losses.data<float>()[step];
    EXPECT_NEAR(loss.value().item(), expected, 1e-4 * expected) << "step " << step;
    backward(loss);
    for (const Parameter& parameter : model.parameters.list()) {
      const auto part = [&](const Tensor& flat) { return model.parameters.slice(flat, parameter); };
      adamw({.master = part(master),
             .m = part(m),
             .v = part(v),
             .gradient = part(model.parameters.gradients()),
             .average = {},
             .compute = {}},
            {.step = step + 1,
             .learning_rate = 1e-3,
             .beta1 = 0.9,
             .beta2 = 0.95,
             .eps = 1e-8,
             .weight_decay = parameter.spec.decay ? 0.01 : 0.0});
    }
  }
  // The decay alone moves the weights by 2e-4 of themselves.
  for (const Parameter& parameter : model.parameters.list())
    EXPECT_LT(relative_error(parameter.var.value(), file.read("final." + parameter.spec.name)),
              5e-5)
        << parameter.spec.name;
}

}  // namespace
}  // namespace muybridge
