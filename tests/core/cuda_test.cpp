#include <cstring>
#include <random>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/ops/accumulate.h"
#include "core/ops/activation.h"
#include "core/ops/adamw.h"
#include "core/ops/attention.h"
#include "core/ops/embedding.h"
#include "core/ops/flow.h"
#include "core/ops/linear.h"
#include "core/ops/loss.h"
#include "core/ops/matmul.h"
#include "core/ops/muon.h"
#include "core/ops/norm.h"
#include "core/ops/residual.h"
#include "core/ops/rope.h"
#include "core/parameters.h"
#include "tests/core/gradient_check.h"

// Without a driver: that its absence is told and nothing breaks. With one: every op against its CPU
// twin, on numbers drawn anew in each run.
namespace muybridge {
namespace {

TEST(CudaWithoutADriver, IsToldAndDoesNotThrow) {
  if (cuda::available()) GTEST_SKIP() << "this machine has a device";
  EXPECT_NO_THROW(cuda::device_count());
  EXPECT_FALSE(cuda::summary().empty());
  EXPECT_FALSE(cuda::available()) << "the second answer differs";
}

TEST(CudaWithoutADriver, ATensorThereIsAUsageErrorThatSaysWhatToSet) {
  if (cuda::available()) GTEST_SKIP() << "this machine has a device";
  try {
    Tensor::empty({4}, DType::kF32, Device::kCuda);
    FAIL() << "memory of a device that is not there was given out";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("device: cpu"), std::string::npos) << error.what();
  }
  EXPECT_EQ(pool_statistics(Device::kCuda).in_use_bytes, 0U);
  EXPECT_THROW(cuda::use_device(0), Error);
}

class CudaTwin : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda::available()) GTEST_SKIP() << cuda::summary();
    seed_ = std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
  }

  Tensor draw(const Shape& shape, DType dtype) {
    const RandomStream stream(seed_, Purpose::kTest, ++draws_);
    const Tensor values = Tensor::empty(shape, DType::kF32);
    fill_normal(stream, values.data<float>(), values.numel());
    return values.to(dtype);
  }

  // Relative to the largest number, since sums are taken in another order.
  static double tolerance(DType dtype) {
    return dtype == DType::kF64 ? 1e-12 : dtype == DType::kF32 ? 1e-5 : 1e-2;
  }

  void expect_near(const char* what, const Tensor& on_cuda, const Tensor& on_cpu, DType dtype) {
    ASSERT_EQ(on_cuda.device(), Device::kCuda) << what;
    ASSERT_EQ(on_cuda.shape(), on_cpu.shape()) << what;
    ASSERT_EQ(on_cuda.dtype(), on_cpu.dtype()) << what;
    const std::vector<double> got = on_cuda.to(DType::kF64).to_vector<double>(),
                              want = on_cpu.to(DType::kF64).to_vector<double>();
    double largest = 1;
    for (const double value : want) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(got[i], want[i], tolerance(dtype) * largest)
          << what << ", " << name_of(dtype) << ", element " << i << " of "
          << to_string(on_cpu.shape()) << ", seed " << seed_;
  }

  // The value and all gradients of f on both devices. `rows`: how many of the first rows of the
  // value count, where the rest is slack.
  void expect_same(const char* what, const std::vector<Tensor>& inputs,
                   const std::function<Var(Inputs, Device)>& f, std::int64_t rows = -1) {
    const auto run = [&](Device device, Tensor& dy, std::vector<Tensor>& results) {
      std::vector<Var> leaves;
      for (const Tensor& input : inputs) leaves.push_back(Var::leaf(input.to(device)));
      const Var y = f(leaves, device);
      if (!dy.defined()) {
        dy = draw(y.shape(), y.value().dtype());
        if (rows >= 0) dy.rows(rows, dy.shape()[0] - rows).fill_zero();
      }
      backward(y, dy.to(device));
      results.push_back(rows < 0 ? y.value() : y.value().rows(0, rows));
      for (const Var& leaf : leaves) results.push_back(leaf.grad());
    };
    Tensor dy;
    std::vector<Tensor> want, got;
    run(Device::kCpu, dy, want);
    run(Device::kCuda, dy, got);
    for (std::size_t i = 0; i < want.size(); ++i)
      expect_near(
          fmt::format("{}: {}", what, i ? fmt::format("gradient {}", i - 1) : "value").c_str(),
          got[i], want[i], inputs[0].dtype());
  }

  static constexpr DType kFloats[] = {DType::kF32, DType::kBF16, DType::kF64};
  std::uint64_t seed_ = 0;
  std::uint64_t draws_ = 0;
};

// Three clips of 150 rows, more than two chunks of sums, one clip empty, and 3 rows of slack.
struct Clips {
  static constexpr std::int64_t kRows = 153, kUsed = 150, kCount = 3;
  static ClipRows on(Device device) {
    std::vector<std::int32_t> clip_of(kRows, 2);
    std::fill_n(clip_of.begin(), 20, 0);
    return {.clip_of = Tensor::of<std::int32_t>({kRows}, clip_of).to(device),
            .offsets = {0, 20, 20, kUsed}};
  }
};

TEST_F(CudaTwin, CopiesAndZeroes) {
  const Tensor x = draw({1000, 7}, DType::kF32);
  EXPECT_EQ(x.to(Device::kCuda).clone().rows(3, 900).to_vector<float>(),
            x.rows(3, 900).to_vector<float>());
  EXPECT_EQ(Tensor::zeros({5}, DType::kF32, Device::kCuda).to_vector<float>(),
            std::vector<float>(5, 0.0F));
}

TEST_F(CudaTwin, ElementwiseOps) {
  for (const DType dtype : kFloats)
    for (const std::int64_t n : {1, 255, 1000003}) {
      expect_same("silu", {draw({n}, dtype)}, [](Inputs in, Device) { return silu(in[0]); });
      expect_same("add", {draw({n}, dtype), draw({n}, dtype)},
                  [](Inputs in, Device) { return add(in[0], in[1]); });
    }
}

TEST_F(CudaTwin, ConvertsWhereTheNumbersAre) {
  for (const DType from : kFloats)
    for (const DType to : kFloats) {
      const Tensor x = draw({1025}, from);
      const Tensor there = x.to(Device::kCuda).to(to);
      ASSERT_EQ(there.device(), Device::kCuda);
      // The same bits: one rounding, the same on both.
      EXPECT_EQ(there.to(DType::kF64).to_vector<double>(),
                x.to(to).to(DType::kF64).to_vector<double>())
          << name_of(from) << " to " << name_of(to);
    }
}

TEST_F(CudaTwin, PublishesTheMasterWhereItIs) {
  Parameters parameters;
  const Var w = parameters.add({.name = "w", .shape = {1000}, .init = Normal{}});
  parameters.allocate(DType::kBF16, seed_, Device::kCuda);
  scale_in_place(parameters.master(), 0.3);
  parameters.round_to_compute(0, parameters.flat_size());
  EXPECT_EQ(w.value().to(DType::kF64).to_vector<double>(), parameters.master()
                                                               .rows(0, 1000)
                                                               .to(Device::kCpu)
                                                               .to(DType::kBF16)
                                                               .to(DType::kF64)
                                                               .to_vector<double>());
}

TEST_F(CudaTwin, AccumulateAndScaleAndSquares) {
  for (const DType target : kFloats)
    for (const DType source : kFloats) {
      const Tensor a = draw({1025}, target), b = draw({1025}, source);
      const Tensor there = a.to(Device::kCuda);
      accumulate(there, b.to(Device::kCuda));
      accumulate(a, b);
      expect_near("accumulate", there, a, target);
    }
  for (const DType dtype : kFloats) {
    const Tensor x = draw({300007}, dtype), there = x.to(Device::kCuda);
    EXPECT_NEAR(sum_of_squares(there) / sum_of_squares(x), 1.0, 1e-6) << name_of(dtype);
    EXPECT_EQ(sum_of_squares(there), sum_of_squares(there)) << "the order of a sum changed";
    scale_in_place(there, 0.37);
    scale_in_place(x, 0.37);
    expect_near("scale", there, x, dtype);
  }
}

TEST_F(CudaTwin, Norms) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {7, 64, 1536, 6000}) {  // the last: sums beyond shared memory
      expect_same("layer_norm",
                  {draw({Clips::kRows, width}, dtype), draw({width}, dtype), draw({width}, dtype)},
                  [](Inputs in, Device) { return layer_norm(in[0], in[1], in[2], 1e-6); });
      expect_same("rms_norm", {draw({Clips::kRows, width}, dtype), draw({width}, dtype)},
                  [](Inputs in, Device) { return rms_norm(in[0], in[1], 1e-6); });
      expect_same(
          "norm_modulate",
          {draw({Clips::kRows, width}, dtype),
           draw({Clips::kCount, 3, width}, accumulator_of(dtype))},
          [](Inputs in, Device device) {
            return norm_modulate(in[0], in[1], 2, 0, Clips::on(device), 1e-6);
          },
          Clips::kUsed);
    }
}

TEST_F(CudaTwin, GatesTablesAndBias) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {10, 384}) {
      const DType wide = accumulator_of(dtype);
      expect_same(
          "gate_residual",
          {draw({Clips::kRows, width}, dtype), draw({Clips::kRows, width}, dtype),
           draw({Clips::kCount, 2, width}, wide)},
          [](Inputs in, Device device) {
            return gate_residual(in[0], in[1], in[2], 1, Clips::on(device));
          },
          Clips::kUsed);
      for (const std::int64_t entries : {1, 6})
        expect_same("modulation_table",
                    {draw({5, entries * width}, dtype), draw({6, width}, dtype)},
                    [](Inputs in, Device) { return modulation_table(in[0], in[1]); });
      expect_same("bias_gelu", {draw({200, width}, dtype), draw({width}, dtype)},
                  [](Inputs in, Device) { return bias_gelu(in[0], in[1]); });
    }
}

TEST_F(CudaTwin, QkNormRope) {
  const Packing packing = Packing::of({{2, 3, 5}, {1, 4, 4}}, 50);
  for (const DType dtype : kFloats)
    for (const bool turned : {false, true}) {
      const std::int64_t heads = 3, head_width = 40, width = heads * head_width;
      const Tensor table =
          rope_table(packing, RopeAxes::of_head_width(head_width), accumulator_of(dtype));
      expect_same(
          "qk_norm_rope",
          {draw({packing.rows, 3 * width}, dtype), draw({width}, dtype), draw({width}, dtype)},
          [&](Inputs in, Device device) {
            return qk_norm_rope(in[0], {in[1], in[2]}, heads, turned ? table.to(device) : Tensor{},
                                1e-6);
          });
    }
}

TEST_F(CudaTwin, EmbeddingAndTimes) {
  for (const DType dtype : kFloats) {
    const Tensor ids = Tensor::of<std::int32_t>({6}, {3, 0, 3, 8, 1, 3});
    expect_same("embedding", {draw({9, 33}, dtype)},
                [&](Inputs in, Device device) { return embedding(ids.to(device), in[0]); });
    const Tensor times = draw({4}, accumulator_of(dtype));
    scale_in_place(times, 300);
    expect_near("sinusoidal_features", sinusoidal_features(times.to(Device::kCuda), 256, dtype),
                sinusoidal_features(times, 256, dtype), dtype);
  }
}

TEST_F(CudaTwin, FlowNoiseIsTheSameNoise) {
  for (const DType dtype : {DType::kF32, DType::kF64})
    for (const std::int64_t width : {12, 7}) {
      const Tensor clean = draw({Clips::kRows, width}, dtype), times = draw({3}, dtype);
      std::vector<RandomStream> streams;
      for (std::uint64_t clip = 0; clip < 3; ++clip)
        streams.emplace_back(seed_, Purpose::kNoise, 1, clip);
      const NoisyTokens want = add_flow_noise(clean, times, streams, Clips::on(Device::kCpu));
      const NoisyTokens got = add_flow_noise(clean.to(Device::kCuda), times.to(Device::kCuda),
                                             streams, Clips::on(Device::kCuda));
      // Noise is drawn in f32 on both.
      expect_near("noisy", got.tokens.rows(0, Clips::kUsed), want.tokens.rows(0, Clips::kUsed),
                  DType::kF32);
      expect_near("velocity", got.velocity.rows(0, Clips::kUsed),
                  want.velocity.rows(0, Clips::kUsed), DType::kF32);
    }
}

TEST_F(CudaTwin, SquaredError) {
  for (const DType dtype : kFloats) {
    const Tensor target = draw({Clips::kRows, 48}, accumulator_of(dtype));
    const std::vector<std::int32_t> offsets = Clips::on(Device::kCpu).offsets;
    expect_same("squared_error", {draw({Clips::kRows, 48}, dtype)}, [&](Inputs in, Device device) {
      return squared_error(in[0], target.to(device), offsets, 0.01).loss;
    });
  }
}

TEST_F(CudaTwin, AdamW) {
  for (const DType wide : {DType::kF32, DType::kF64})
    for (const DType compute : kFloats) {
      const auto state = [&](Device device) {
        draws_ = 0;
        const auto make = [&] { return draw({4099}, wide).to(device); };
        AdamWSlices s{.master = make(), .m = make(), .v = make(), .gradient = make()};
        accumulate(s.v, Tensor::full({4099}, 8.0, wide).to(device));  // never negative
        s.average = make();
        s.compute = Tensor::zeros({4099}, compute, device);
        adamw(s, {.step = 3,
                  .learning_rate = 1e-2,
                  .beta1 = 0.9,
                  .beta2 = 0.95,
                  .eps = 1e-8,
                  .weight_decay = 0.1,
                  .gradient_scale = 0.5,
                  .average_weight = 0.1});
        return s;
      };
      const AdamWSlices want = state(Device::kCpu), got = state(Device::kCuda);
      expect_near("master", got.master, want.master, wide);
      expect_near("m", got.m, want.m, wide);
      expect_near("v", got.v, want.v, wide);
      expect_near("average", got.average, want.average, wide);
      expect_near("compute", got.compute, want.compute,
                  compute == DType::kBF16 ? compute : DType::kF32);
    }
}

TEST_F(CudaTwin, Muon) {
  for (const DType wide : {DType::kF32, DType::kF64})
    for (const DType compute : kFloats) {
      const auto state = [&](Device device) {
        draws_ = 0;
        const auto make = [&] { return draw({48, 24}, wide).to(device); };
        const Tensor m = make(), direction = make();
        muon_momentum(m, direction, 0.9, 0.5);
        DescendSlices s{.master = make(), .direction = orthogonalize(direction)};
        s.average = make();
        s.compute = Tensor::zeros({48, 24}, compute, device);
        descend(s, {.learning_rate = 0.1, .weight_decay = 0.1, .average_weight = 0.1});
        return s;
      };
      const DescendSlices want = state(Device::kCpu), got = state(Device::kCuda);
      expect_near("direction", got.direction, want.direction, wide);
      expect_near("master", got.master, want.master, wide);
      expect_near("average", got.average, want.average, wide);
      expect_near("compute", got.compute, want.compute,
                  compute == DType::kBF16 ? compute : DType::kF32);
    }
}

TEST_F(CudaTwin, MatmulOfEveryKind) {
  struct Extents {
    std::int64_t m, n, k;
  };
  for (const Extents e : {Extents{37, 21, 50}, Extents{256, 384, 128}, Extents{1, 8, 3}})
    for (const DType dtype : kFloats)
      for (const DType out : {dtype, accumulator_of(dtype)})
        for (int kind = 0; kind < 16; ++kind) {
          const Trans ta = kind & 1 ? Trans::kYes : Trans::kNo,
                      tb = kind & 2 ? Trans::kYes : Trans::kNo;
          const Tensor a = draw(kind & 1 ? Shape{e.k, e.m} : Shape{e.m, e.k}, dtype),
                       b = draw(kind & 2 ? Shape{e.n, e.k} : Shape{e.k, e.n}, dtype),
                       c = draw({e.m, e.n}, out), there = c.to(Device::kCuda),
                       bias = kind & 8 ? draw({e.n}, dtype) : Tensor{};
          matmul(a.to(Device::kCuda), b.to(Device::kCuda), there,
                 {.a = ta,
                  .b = tb,
                  .accumulate = (kind & 4) != 0,
                  .bias = bias.defined() ? bias.to(Device::kCuda) : Tensor{}});
          matmul(a, b, c, {.a = ta, .b = tb, .accumulate = (kind & 4) != 0, .bias = bias});
          expect_near(fmt::format("matmul {}x{}x{} kind {}", e.m, e.n, e.k, kind).c_str(), there, c,
                      out);
        }
}

TEST_F(CudaTwin, MatmulOfViewsThatAreNotAligned) {
  for (const DType dtype : kFloats) {
    const Tensor a = draw({40, 33}, dtype), b = draw({33, 29}, dtype), c = draw({39, 29}, dtype);
    const Tensor there = Tensor::zeros({40, 29}, dtype, Device::kCuda);
    matmul(a.rows(1, 39), b, c);
    matmul(a.to(Device::kCuda).rows(1, 39), b.to(Device::kCuda), there.rows(1, 39));
    expect_near("product", there.rows(1, 39), c, dtype);
  }
}

TEST_F(CudaTwin, Linear) {
  for (const DType dtype : kFloats)
    expect_same("linear", {draw({100, 48}, dtype), draw({64, 48}, dtype), draw({64}, dtype)},
                [](Inputs in, Device) { return linear(in[0], in[1], in[2]); });
  expect_same(
      "linear, unrounded",
      {draw({100, 48}, DType::kBF16), draw({64, 48}, DType::kBF16), draw({64}, DType::kBF16)},
      [](Inputs in, Device) { return linear(in[0], in[1], in[2], Rounding::kNone); });
}

// The stream's gradient is a sum, f32, from the second block on.
TEST_F(CudaTwin, StreamOfTwoBlocksInBf16) {
  for (const std::int64_t width : {10, 384})
    expect_same(
        "stream",
        {draw({Clips::kRows, width}, DType::kBF16), draw({Clips::kCount, 2, width}, DType::kF32)},
        [](Inputs in, Device device) {
          Var x = in[0];
          for (int block = 0; block < 2; ++block)
            x = gate_residual(x, norm_modulate(x, in[1], 0, 1, Clips::on(device), 1e-6), in[1], 1,
                              Clips::on(device));
          return x;
        },
        Clips::kUsed);
}

TEST_F(CudaTwin, SelfAttentionOverClipsOfAllLengths) {
  for (const std::int64_t head_width : {64, 128}) {
    const std::int64_t width = 2 * head_width;
    Packing packing = Packing::of_lengths({1, 63, 300, 128, 17});
    packing.rows += 11;
    expect_same("self_attention", {draw({packing.rows, 3 * width}, DType::kBF16)},
                [&](Inputs in, Device) { return self_attention(in[0], 2, packing); });
  }
}

TEST_F(CudaTwin, CrossAttentionOverTwoPackings) {
  const Packing queries = Packing::of_lengths({40, 200, 5}), keys = Packing::of_lengths({7, 1, 90});
  expect_same("cross_attention",
              {draw({queries.rows, 192}, DType::kBF16), draw({keys.rows, 384}, DType::kBF16)},
              [&](Inputs in, Device) { return cross_attention(in[0], in[1], 3, queries, keys); });
}

TEST_F(CudaTwin, AttentionOfF32SaysThatBf16IsNeeded) {
  const Packing packing = Packing::of_lengths({8});
  const Var x = Var::constant(draw({8, 3 * 64}, DType::kF32).to(Device::kCuda));
  try {
    self_attention(x, 1, packing);
    FAIL() << "f32 attention was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("bf16"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace muybridge
