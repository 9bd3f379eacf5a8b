#include <cstring>
#include <random>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/ops/accumulate.h"
#include "core/ops/activation.h"
#include "core/ops/attention/rope.h"
#include "core/ops/checksum.h"
#include "core/ops/embedding.h"
#include "core/ops/flow.h"
#include "core/ops/loss.h"
#include "core/ops/norm.h"
#include "core/ops/product/linear.h"
#include "core/ops/regroup.h"
#include "core/ops/residual.h"
#include "core/ops/update/adamw.h"
#include "core/ops/update/muon.h"
#include "core/parameters.h"
#include "tests/core/cuda_twin.h"

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
  parameters.round_to_values(parameters.master());
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

TEST_F(CudaTwin, ChecksumsAreTheSameNumbers) {
  for (const DType dtype : kFloats) {
    const std::vector<Tensor> here{draw({1025}, dtype), draw({300007}, dtype), draw({1}, dtype)};
    std::vector<Tensor> there;
    for (const Tensor& x : here) there.push_back(x.to(Device::kCuda));
    EXPECT_EQ(checksums(there), checksums(here)) << name_of(dtype);
  }
}

TEST_F(CudaTwin, Norms) {
  for (const DType dtype : kFloats)
    // Walked, a thread a pack, in a warp with idle lanes, two packs a thread, as many as a block
    // holds, and walked with sums beyond shared memory.
    for (const std::int64_t width : {7, 64, 264, 1536, 6144, 6152}) {
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

TEST_F(CudaTwin, NormsAddToTheGradientOfTheStream) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {7, 264, 6152}) {
      const auto beside = [](const Var& x, const Var& y) { return add(y, x); };
      expect_same(
          "layer_norm",
          {draw({Clips::kRows, width}, dtype), draw({width}, dtype), draw({width}, dtype)},
          [&](Inputs in, Device) { return beside(in[0], layer_norm(in[0], in[1], in[2], 1e-6)); });
      expect_same("rms_norm", {draw({Clips::kRows, width}, dtype), draw({width}, dtype)},
                  [&](Inputs in, Device) { return beside(in[0], rms_norm(in[0], in[1], 1e-6)); });
      expect_same(
          "norm_modulate",
          {draw({Clips::kRows, width}, dtype),
           draw({Clips::kCount, 3, width}, accumulator_of(dtype))},
          [&](Inputs in, Device device) {
            return beside(in[0], norm_modulate(in[0], in[1], 2, 0, Clips::on(device), 1e-6));
          },
          Clips::kUsed);
    }
}

TEST_F(CudaTwin, NormsOfRowsThatLieWhereNothingIsReadInPacks) {
  for (const DType dtype : kFloats) {
    const Tensor x = draw({40 * 64 + 1}, dtype), weight = draw({64}, dtype),
                 dy = draw({40, 64}, dtype);
    const auto results = [&](Device device) {
      const Var rows = Var::leaf(x.to(device).flat_view(1, {40, 64}));
      const Var by = Var::leaf(weight.to(device));
      const Var y = rms_norm(rows, by, 1e-6);
      backward(y, dy.to(device));
      return std::vector<Tensor>{y.value(), rows.grad(), by.grad()};
    };
    const std::vector<Tensor> got = results(Device::kCuda), want = results(Device::kCpu);
    for (std::size_t i = 0; i < want.size(); ++i) expect_near("rms_norm", got[i], want[i], dtype);
  }
}

TEST_F(CudaTwin, GatesTablesAndBias) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {10, 384, 4104}) {  // the last: a row has three blocks
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
      expect_same("gated_gelu", {draw({200, 2 * width}, dtype)},
                  [](Inputs in, Device) { return gated_gelu(in[0]); });
    }
}

TEST_F(CudaTwin, RopeTablesAreTheSameNumbers) {
  const Packing packing = Packing::of({{2, 5, 3}, {0, 1, 1}, {4, 3, 7}}, 120);
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const auto on = [&](Device device) {
      return rope_table(packing, RopeAxes::of_head_width(40), dtype, Slice::range(11, 109), device)
          .to(DType::kF64)
          .to_vector<double>();
    };
    EXPECT_EQ(on(Device::kCuda), on(Device::kCpu));
  }
}

TEST_F(CudaTwin, QkNormRope) {
  struct Heads {
    std::int64_t count, width;
    bool turned;
  };
  const Packing packing = Packing::of({{2, 3, 5}, {1, 4, 4}}, 50);
  for (const DType dtype : kFloats)
    for (const Heads& each : {Heads{3, 40, false}, Heads{3, 40, true}, Heads{12, 128, true},
                              Heads{3, 42, true}, Heads{3, 42, false}}) {
      const std::int64_t width = each.count * each.width;
      const Tensor table =
          rope_table(packing, RopeAxes::of_head_width(each.width), accumulator_of(dtype));
      expect_same(
          "qk_norm_rope",
          {draw({packing.rows, 3 * width}, dtype), draw({width}, dtype), draw({width}, dtype)},
          [&](Inputs in, Device device) {
            return qk_norm_rope(in[0], {in[1], in[2]}, each.count,
                                each.turned ? table.to(device) : Tensor{}, 1e-6);
          });
    }
}

// As if the other half of each row had the same sums.
TEST_F(CudaTwin, QkNormRopeOfSharedRows) {
  const SharedRows shared{.parts = 2, .sum = [](const Tensor& sums) { scale_in_place(sums, 2); }};
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {40, 48})
      expect_same("qk_norm_rope",
                  {draw({50, 3 * width}, dtype), draw({width}, dtype), draw({width}, dtype)},
                  [&](Inputs in, Device) {
                    return qk_norm_rope(in[0], {in[1], in[2]}, 2, {}, 1e-6, shared);
                  });
}

TEST_F(CudaTwin, AddBias) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {70, 72})
      expect_same("add_bias", {draw({33, width}, dtype), draw({width}, dtype)},
                  [](Inputs in, Device) { return add_bias(in[0], in[1]); });
}

TEST_F(CudaTwin, PartsApartAndTogether) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {10, 16}) {
      const Tensor x = draw({17, 3 * 4 * width}, dtype);
      const Tensor apart = parts_apart(x.to(Device::kCuda), 3, 4);
      expect_near("parts_apart", apart, parts_apart(x, 3, 4), dtype);
      expect_near("parts_together", parts_together(apart, 3), x, dtype);
    }
}

TEST_F(CudaTwin, EmbeddingAndTimes) {
  for (const DType dtype : kFloats) {
    const Tensor ids = Tensor::of<std::int32_t>({7}, {3, 0, 3, 8, -1, 1, 3});
    for (const std::int64_t width : {33, 48})
      expect_same("embedding", {draw({9, width}, dtype)},
                  [&](Inputs in, Device) { return embedding(ids, in[0]); });
    const Var table = Var::constant(draw({9, 48}, dtype).to(Device::kCuda));
    for (const std::int32_t id : {9, -2})
      EXPECT_THROW(embedding(Tensor::of<std::int32_t>({2}, {3, id}), table), std::invalid_argument);
    EXPECT_THROW(embedding(ids.to(Device::kCuda), table), std::invalid_argument);
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

TEST_F(CudaTwin, VelocityOfClean) {
  for (const DType dtype : kFloats)
    for (const std::int64_t width : {12, 48}) {
      const DType wide = accumulator_of(dtype);
      const Tensor noisy = draw({Clips::kRows, width}, wide);
      const Tensor times = Tensor::of<double>({3}, {0.9, 0.5, 0.001}).to(wide);
      expect_same(
          "velocity_of_clean", {draw({Clips::kRows, width}, dtype)},
          [&](Inputs in, Device device) {
            return velocity_of_clean(in[0], noisy.to(device), times.to(device), Clips::on(device));
          },
          Clips::kUsed);
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
        descend(s,
                {.learning_rate = 0.1, .weight_decay = 0.1, .extent = 48, .average_weight = 0.1});
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

}  // namespace
}  // namespace muybridge
