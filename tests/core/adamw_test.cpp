#include "core/ops/update/adamw.h"

#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

using testing::random_tensor;

// The recurrence of Loshchilov and Hutter written out for one element.
TEST(AdamW, FollowsItsRecurrenceOverSeveralSteps) {
  const Tensor master = random_tensor({5}, 1), m = Tensor::zeros({5}, DType::kF64),
               v = Tensor::zeros({5}, DType::kF64);
  const Tensor average = master.clone(), start = master.clone();
  std::vector<double> w = start.to_vector<double>(), em(5), ev(5), ea = w;
  for (int step = 1; step <= 6; ++step) {
    const Tensor gradient = random_tensor({5}, 10 + step);
    adamw(
        {.master = master, .m = m, .v = v, .gradient = gradient, .average = average, .compute = {}},
        {.step = step,
         .learning_rate = 0.1,
         .beta1 = 0.8,
         .beta2 = 0.9,
         .eps = 1e-3,
         .weight_decay = 0.2,
         .gradient_scale = 0.5,
         .average_weight = 0.25});
    for (int i = 0; i < 5; ++i) {
      const double g = 0.5 * gradient.data<double>()[i];
      em[i] = 0.8 * em[i] + 0.2 * g;
      ev[i] = 0.9 * ev[i] + 0.1 * g * g;
      const double update =
          em[i] / (1 - std::pow(0.8, step)) / (std::sqrt(ev[i] / (1 - std::pow(0.9, step))) + 1e-3);
      w[i] -= 0.1 * (update + 0.2 * w[i]);
      ea[i] = 0.75 * ea[i] + 0.25 * w[i];
    }
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(master.data<double>()[i], w[i], 1e-12);
    EXPECT_NEAR(average.data<double>()[i], ea[i], 1e-12);
  }
}

TEST(AdamW, TheComputeCopyIsTheRoundedMaster) {
  const Tensor master = random_tensor({40}, 1, DType::kF32), zeros = Tensor::zeros({40});
  const Tensor compute = Tensor::empty({40}, DType::kBF16);
  adamw({.master = master,
         .m = zeros,
         .v = zeros.clone(),
         .gradient = random_tensor({40}, 2, DType::kF32),
         .average = {},
         .compute = compute},
        {.step = 1,
         .learning_rate = 0.1,
         .beta1 = 0.9,
         .beta2 = 0.9,
         .eps = 1e-8,
         .weight_decay = 0});
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(compute.data<bf16>()[i].bits, bf16(master.data<float>()[i]).bits);
}

// 1 - beta in f32 would be off by 2e-5 of itself at 0.999.
TEST(AdamW, MomentsInF32AreThoseOfF64) {
  const auto moment = [](DType dtype) {
    const Tensor m = Tensor::zeros({1}, dtype), v = Tensor::zeros({1}, dtype);
    adamw({.master = Tensor::full({1}, 1.0, dtype),
           .m = m,
           .v = v,
           .gradient = Tensor::full({1}, 1.0, dtype),
           .average = {},
           .compute = {}},
          {.step = 1,
           .learning_rate = 0.1,
           .beta1 = 0.9,
           .beta2 = 0.9999,
           .eps = 1e-8,
           .weight_decay = 0,
           .gradient_scale = 1,
           .average_weight = 0});
    return v.item();
  };
  EXPECT_NEAR(moment(DType::kF32) / moment(DType::kF64), 1, 1e-7);
}

}  // namespace
}  // namespace muybridge
