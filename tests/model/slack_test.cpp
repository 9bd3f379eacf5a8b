// Rows of slack belong to no clip: whatever lies in memory, they change nothing.
#include "core/ops/flow.h"
#include "core/ops/loss.h"
#include "model/flow_matching.h"
#include "tests/model/tiny_dit.h"

namespace muybridge {
namespace {

using testing::random_tensor;

class Slack : public ::testing::TestWithParam<std::tuple<Prediction, DType>> {};
INSTANTIATE_TEST_SUITE_P(Dit, Slack,
                         ::testing::Combine(::testing::Values(Prediction::kVelocity,
                                                              Prediction::kClean),
                                            ::testing::Values(DType::kF32, DType::kBF16)));

// The loss of a step, as training computes it, and all gradients.
std::vector<float> step(const TinyDit& model, const Tensor& tokens) {
  const Packing packing = Packing::of({{2, 2, 3}, {1, 3, 2}}, 40);
  const TokenLayout layout = model.dit.layout(packing);
  const FlowDraw draw = draw_training_flow({}, 3, 1, std::vector<std::int64_t>{0, 1});
  const NoisyTokens noisy = add_flow_noise(tokens, draw.times, draw.noise, layout.clips);
  const EncodedText text = model.dit.encode_text(pack_captions({"a red ball", "it falls"}, 256));
  model.parameters.zero_gradients();
  const Var velocity = model.dit(noisy.tokens, draw.times, text, layout);
  const SquaredErrorResult error = squared_error(velocity, noisy.velocity, packing.offsets, 0.01);
  std::vector<float> result = {static_cast<float>(error.loss.value().item())};
  backward(error.loss);
  for (const float value : model.parameters.gradients().span<float>()) result.push_back(value);
  return result;
}

TEST_P(Slack, MemoryFullOfNanChangesNothing) {
  DitOptions options = tiny_dit_options();
  options.prediction = std::get<0>(GetParam());
  const TinyDit model(options, std::get<1>(GetParam()));
  const Tensor tokens = Tensor::zeros({40, 8});
  tokens.rows(0, 18).copy_from(random_tensor({18, 8}, 1, DType::kF32));
  const std::vector<float> clean = step(model, tokens);
  ASSERT_TRUE(std::isfinite(clean[0]));
  for (int i = 0; i < 2; ++i) {
    poison_pool(Device::kCpu);
    const std::vector<float> poisoned = step(model, tokens);
    ASSERT_EQ(poisoned.size(), clean.size());
    for (std::size_t k = 0; k < clean.size(); ++k) ASSERT_EQ(poisoned[k], clean[k]) << k;
  }
}

}  // namespace
}  // namespace muybridge
