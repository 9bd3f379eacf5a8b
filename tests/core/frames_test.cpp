#include "core/ops/frames.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::expect_gradients;
using testing::random_tensor;

Var counted(const Shape& shape) {
  const Tensor x = Tensor::empty(shape, DType::kF64);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<double>()[i] = static_cast<double>(i);
  return Var::constant(x);
}

TEST(Frames, AreTakenAndJoined) {
  const Var x = counted({4, 2, 1, 1});
  EXPECT_EQ(some_frames(x, 1, 2).value().to_vector<double>(), (std::vector<double>{2, 3, 4, 5}));
  const Var y = join_frames({some_frames(x, 3, 1), Var{}, some_frames(x, 0, 2)});
  EXPECT_EQ(y.shape(), Shape({3, 2, 1, 1}));
  EXPECT_EQ(y.value().to_vector<double>(), (std::vector<double>{6, 7, 0, 1, 2, 3}));
  EXPECT_THROW(some_frames(x, 3, 2), std::invalid_argument);
  EXPECT_THROW(join_frames({x, counted({1, 1, 2, 1})}), std::invalid_argument);
  EXPECT_THROW(join_frames({Var{}}), std::invalid_argument);
}

TEST(Frames, BecomeLarger) {
  EXPECT_EQ(enlarge(counted({1, 1, 2, 2}), 2).value().to_vector<double>(),
            (std::vector<double>{0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(enlarge(counted({2, 3, 2, 1}), 3).shape(), Shape({2, 9, 6, 1}));
}

TEST(Frames, OfHalvesOfTheirChannelsFollowEachOther) {
  // Two frames of two places with channels 0 1 | 2 3 and so on.
  const Var y = frames_of_channels(counted({2, 1, 2, 4}));
  EXPECT_EQ(y.shape(), Shape({4, 1, 2, 2}));
  EXPECT_EQ(y.value().to_vector<double>(),
            (std::vector<double>{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
  EXPECT_THROW(frames_of_channels(counted({1, 1, 1, 3})), std::invalid_argument);
}

TEST(Frames, GradientsMatchFiniteDifferences) {
  const Tensor x = random_tensor({3, 2, 3, 4}, 1), y = random_tensor({2, 2, 3, 4}, 2);
  expect_gradients([](Inputs in) { return reshape(in[0], {6, 12}); }, {x});
  expect_gradients([](Inputs in) { return some_frames(in[0], 1, 2); }, {x});
  expect_gradients([](Inputs in) { return join_frames({in[0], in[1], in[0]}); }, {x, y});
  expect_gradients([](Inputs in) { return enlarge(in[0], 2); }, {x});
  expect_gradients([](Inputs in) { return enlarge(in[0], 3); }, {x});
  expect_gradients([](Inputs in) { return frames_of_channels(in[0]); }, {x});
}

}  // namespace
}  // namespace muybridge
