// Whole runs that compute on the device, which is emulated: they follow the CPU's.
#include "tests/train/training_run.h"

namespace muybridge::testing {
namespace {

class DeviceTraining : public TrainingRun {
 protected:
  void SetUp() override {
    TrainingRun::SetUp();
    ::setenv("MUYBRIDGE_EMULATED_DEVICES", "1", /*overwrite=*/1);
    std::ofstream(scratch_ / "bench.yaml")
        << "run: {name: bench}\ndata: {train: none}\ntrain: {steps: 1}\n"
           "model: {width: 24, depth: 1, heads: 2, mlp_width: 48, text_width: 16, text_depth: 1, "
           "text_heads: 2}\nbatch: {tokens: 128}\n"
           "eval: {frames: 8, size: 16x16, steps: 1}\n";
  }

  static constexpr const char* kShort =
      "train.steps=2 train.checkpoint_every=0 eval.samples=0 eval.validation_clips=2 ";

  // Numbers of steps and of the last evaluation, which sums in another order may move a little.
  void expect_same_curve(const std::string& name, const std::string& reference, double bound) {
    const auto got = metrics(name), want = metrics(reference);
    ASSERT_EQ(got.size(), want.size()) << name << "\n" << log();
    ASSERT_FALSE(want.empty());
    const auto near = [&](const nlohmann::json& a, const nlohmann::json& b, const char* what) {
      const double x = a.at(what), y = b.at(what);
      EXPECT_NEAR(x, y, bound * std::abs(y)) << name << ", " << what << " of step " << b.at("step");
    };
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(got[i].at("tokens"), want[i].at("tokens"));
      near(got[i], want[i], "loss");
      near(got[i], want[i], "grad_norm");
    }
    near(got.back(), want.back(), "validation_loss");
  }
};

TEST_F(DeviceTraining, FollowsTheCpuInEveryLayout) {
  const std::string f32 =
      std::string(kShort) + "model.head_mlp_width=16 model.depth=4 batch.micro_batches=2 ";
  ASSERT_EQ(run_to_end(train(1, "cpu", f32 + "device=cpu")), 0) << log();
  struct Layout {
    int ranks;
    const char* device;
    const char* keys;
  };
  ::setenv("MUYBRIDGE_EMULATED_DEVICES", "2", /*overwrite=*/1);
  for (const auto& [ranks, device, keys] :
       {Layout{1, "cuda", "parallel.data=1"}, Layout{2, "cuda", "parallel.data=2 parallel.zero=3"},
        Layout{2, "cuda", "parallel.tensor=2"},
        Layout{2, "shared-cuda", "parallel.context=2 model.recompute=block"},
        Layout{2, "cuda", "parallel.context=2 parallel.context_method=ring"},
        Layout{2, "cuda", "parallel.pipeline=2 parallel.schedule=1f1b"},
        Layout{2, "cuda", "parallel.pipeline=2 parallel.schedule=zb_v"}}) {
    const std::string name = fmt::format("run {}", keys);
    std::string folder = name;
    std::ranges::replace(folder, ' ', '-');
    ASSERT_EQ(run_to_end(train(ranks, folder, fmt::format("{} device={} {}", f32, device, keys))),
              0)
        << log();
    EXPECT_TRUE(log_has(" on CUDA")) << log();
    EXPECT_EQ(log_has("devices exchange over NCCL 2."), ranks > 1 && device == std::string("cuda"))
        << log();
    expect_same_curve(folder, "cpu", 1e-5);
  }
}

// Whose steps are shared over ranks in a way of their own.
TEST_F(DeviceTraining, FollowsTheCpuWithMuonOverTensorRanks) {
  const std::string muon = std::string(kShort) + "optimizer.matrices=muon batch.micro_batches=1 ";
  ASSERT_EQ(run_to_end(train(1, "cpu", muon + "device=cpu")), 0) << log();
  ASSERT_EQ(run_to_end(train(2, "cuda",
                             muon + "device=shared-cuda parallel.tensor=2 "
                                    "parallel.zero=2")),
            0)
      << log();
  EXPECT_TRUE(log_has(" on CUDA")) << log();
  expect_same_curve("cuda", "cpu", 1e-5);
  // Gradients of matrices go to their owners as messages; one replica has nothing to do.
  ::setenv("MUYBRIDGE_EMULATED_DEVICES", "2", /*overwrite=*/1);
  ASSERT_EQ(run_to_end(train(2, "nccl", muon + "device=cuda parallel.zero=1")), 0) << log();
  EXPECT_TRUE(log_has("devices exchange over NCCL")) << log();
  expect_same_curve("nccl", "cpu", 1e-5);
}

// Heads of 64 columns in bf16 go to the library of attention.
TEST_F(DeviceTraining, FollowsTheCpuInBf16) {
  const std::string bf16 = std::string(kShort) +
                           "train.precision=bf16 model.width=128 model.mlp_width=64 model.depth=1 "
                           "batch.micro_batches=1 ";
  ASSERT_EQ(run_to_end(train(1, "cpu", bf16 + "device=cpu")), 0) << log();
  ASSERT_EQ(run_to_end(train(1, "cuda", bf16 + "device=cuda")), 0) << log();
  EXPECT_TRUE(log_has(" on CUDA")) << log();
  EXPECT_FALSE(log_has("this processor has no instructions for it")) << log();
  expect_same_curve("cuda", "cpu", 2e-2);
  EXPECT_EQ(nlohmann::json::parse(read_file(run("cuda") / "environment.json")).at("device"),
            "cuda");
}

// Codes are the same on both; a sum in another order may move a number to the next code.
TEST_F(DeviceTraining, FollowsTheCpuInFp8) {
  for (const char* precision : {"f32", "bf16"}) {
    const std::string fp8 =
        std::string(kShort) +
        "train.linear=fp8 model.width=32 batch.micro_batches=2 train.precision=" + precision;
    const std::string here = fmt::format("cpu-{}", precision);
    ASSERT_EQ(run_to_end(train(1, here, fp8 + " device=cpu")), 0) << log();
    EXPECT_TRUE(log_has("train.linear=fp8: the CPU multiplies the same codes")) << log();
    struct Layout {
      int ranks;
      const char* keys;
    };
    ::setenv("MUYBRIDGE_EMULATED_DEVICES", "2", /*overwrite=*/1);
    for (const auto& [ranks, keys] :
         {Layout{1, "parallel.data=1"}, Layout{2, "parallel.data=2 parallel.zero=3"}}) {
      const std::string name = fmt::format("cuda-{}-{}", precision, ranks);
      ASSERT_EQ(run_to_end(train(ranks, name, fmt::format("{} device=cuda {}", fp8, keys))), 0)
          << log();
      EXPECT_TRUE(log_has(" on CUDA")) << log();
      EXPECT_FALSE(log_has("train.linear=fp8: the CPU")) << log();
      expect_same_curve(name, here, precision == std::string("f32") ? 5e-3 : 2e-2);
    }
  }
}

TEST_F(DeviceTraining, ARunGoesFromOneToTheOtherAndBack) {
  const std::string quick =
      "eval.samples=0 train.checkpoint_every=2 optimizer.matrices=muon eval.validation_clips=2 ";
  ASSERT_EQ(run_to_end(train(1, "cpu", quick + "device=cpu train.steps=6")), 0) << log();
  const char* const devices[] = {"cpu", "cuda", "cpu"};
  for (int part = 0; part < 3; ++part) {
    ASSERT_EQ(run_to_end(train(
                  1, "both",
                  fmt::format("{} device={} train.steps={}", quick, devices[part], 2 * part + 2))),
              0)
        << log();
    EXPECT_EQ(went_on_after(), 2 * part);
    EXPECT_EQ(log_has(" on CUDA"), part == 1) << log();
  }
  expect_same_curve("both", "cpu", 1e-5);
}

// The state is copied while the next step computes, and changes at its end or for an evaluation.
TEST_F(DeviceTraining, CommitsBehindTheNextStepHoldWhatCommitsInItsWayHold) {
  ::setenv("MUYBRIDGE_EMULATED_DEVICES", "2", /*overwrite=*/1);
  const std::string often =
      "device=cuda train.steps=4 train.checkpoint_every=1 train.keep_checkpoints=9 eval.every=2 "
      "eval.samples=0 eval.validation_clips=2 batch.micro_batches=2 ";
  for (const char* how : {"wait", "behind"})
    ASSERT_EQ(run_to_end(train(2, how, fmt::format("{} train.commit={}", often, how))), 0) << log();
  for (int step = 1; step <= 4; ++step)
    for (const char* file : {"rank-0000.h5", "rank-0001.h5"}) {
      const auto bytes_of = [&](const char* name) {
        return read_file(run(name) / "checkpoints" / fmt::format("step-{:08d}", step) / file);
      };
      EXPECT_TRUE(bytes_of("wait") == bytes_of("behind")) << file << " of step " << step;
    }
}

TEST_F(DeviceTraining, ItsCommitsAreMeasuredAndDrawnOnEither) {
  ASSERT_EQ(run_to_end(train(1, "run", std::string(kShort) + "device=cuda train.steps=1")), 0)
      << log();
  const auto losses_of = [&](const std::string& device) {
    EXPECT_EQ(
        run_to_end(fmt::format("{} evaluate {} device={}", kBinary, run("run").string(), device)),
        0)
        << log();
    return nlohmann::json::parse(read_file(run("run") / "report.json"))
        .at("validation_loss")
        .get<std::vector<double>>();
  };
  const auto there = losses_of("cuda"), here = losses_of("cpu");
  ASSERT_EQ(there.size(), here.size());
  for (std::size_t i = 0; i < here.size(); ++i) EXPECT_NEAR(there[i], here[i], 1e-5 * here[i]);
  ::setenv("MUYBRIDGE_EMULATED_DEVICES", "2", /*overwrite=*/1);
  for (const int ranks : {1, 2})
    EXPECT_EQ(run_to_end(fmt::format("{}{} sample {} device=cuda parallel.pipeline={} --prompt 'a "
                                     "red circle' --out {}",
                                     launcher(ranks), kBinary, run("run").string(), ranks,
                                     (scratch_ / fmt::format("out-{}", ranks)).string())),
              0)
        << log();
}

// The emulated one has 64 GiB; the machine's own memory is another question.
TEST_F(DeviceTraining, WhatDoesNotFitInTheDeviceIsRefusedByItsMemory) {
  const std::string huge =
      "model.width=16384 model.heads=128 model.mlp_width=65536 model.depth=8 train.steps=1 "
      "train.commit=wait ";
  EXPECT_EQ(run_to_end(train(1, "run", huge + "device=cuda")), 2);
  EXPECT_TRUE(log_has("; the CUDA device has 68.7 GB: lower batch.tokens")) << log();
  EXPECT_FALSE(std::filesystem::exists(run("run"))) << log();
}

TEST_F(DeviceTraining, HeadsThatAreTooWideAreRefusedBeforeTheStart) {
  EXPECT_EQ(run_to_end(train(1, "run", "model.width=384 model.heads=2 device=cuda")), 2);
  EXPECT_TRUE(log_has("model.heads: heads of 192 columns; CUDA has attention for at most 183"))
      << log();
  EXPECT_EQ(run_to_end(train(1, "run", "model.text_width=400 model.text_heads=2 device=cuda")), 2);
  EXPECT_TRUE(log_has("model.text_heads: heads of 200 columns")) << log();
  EXPECT_FALSE(std::filesystem::exists(run("run")));
}

TEST_F(DeviceTraining, ADryRunSaysWhatAStepAsksOfADevice) {
  const std::string dry = fmt::format(
      "{} bench step {} batch.micro_batches=1 batch.tokens=2048 eval.frames=16 eval.size=64x64 "
      "model.width=192 model.mlp_width=768 model.depth=4 --dry-run --json",
      kBinary, (scratch_ / "bench.yaml").string());
  ASSERT_EQ(run_to_end(fmt::format("{} train.precision=bf16 > {}", dry,
                                   (scratch_ / "asked.json").string())),
            0)
      << log();
  const auto asked = nlohmann::json::parse(read_file(scratch_ / "asked.json"));
  double operations = 0, least = 0;
  nlohmann::json gates;
  for (const auto& part : asked.at("parts")) {
    // The model's operations are three times those of its forward.
    const std::string kind = part.at("kind");
    if (kind != "attention backward")
      operations += part.at("flops").get<double>() * (kind == "attention" ? 3 : 1);
    least += part.at("least_seconds").get<double>();
    if (part.at("what") == "GateResidual<bf16>") gates = part;
  }
  EXPECT_NEAR(operations / asked.at("flops_of_model").get<double>(), 1, 0.03);
  EXPECT_NEAR(least, asked.at("least_seconds"), 1e-9);
  // One clip of 2048 tokens: x, y and their sum, and the gates.
  ASSERT_EQ(gates.at("calls"), 8) << asked;
  EXPECT_EQ(gates.at("bytes"), 8 * (3 * 2048 * 192 * 2 + 192 * 4));

  // The same operations, most of them at twice the rate; and kernels that make scales and codes.
  ASSERT_EQ(run_to_end(fmt::format("{} train.precision=bf16 train.linear=fp8 > {}", dry,
                                   (scratch_ / "fp8.json").string())),
            0)
      << log();
  const auto fp8 = nlohmann::json::parse(read_file(scratch_ / "fp8.json"));
  double wide = 0, narrow = 0;
  for (const auto& part : fp8.at("parts")) {
    const double flops = part.at("flops");
    if (part.at("kind") == "product") wide += flops;
    if (part.at("kind") != "product in 8 bits") continue;
    narrow += flops;
    EXPECT_NEAR(part.at("least_seconds").get<double>(),
                std::max(flops / 1580e12, part.at("bytes").get<double>() / 4.3e12), 1e-12);
  }
  double products = 0, codes = 0;
  for (const auto& part : asked.at("parts"))
    if (part.at("kind") == "product") products += part.at("flops").get<double>();
  EXPECT_NEAR(wide + narrow, products, 1e-6 * products);
  EXPECT_GT(narrow, 0.8 * products);
  for (const auto& part : fp8.at("parts"))
    if (part.at("what").get<std::string>().starts_with("Quantize<"))
      codes += part.at("bytes").get<double>();
  EXPECT_GT(codes, 0);

  EXPECT_EQ(run_to_end(dry), 2);
  EXPECT_TRUE(log_has("set train.precision=bf16")) << log();
}

TEST_F(DeviceTraining, BenchTimesTheDevice) {
  for (const char* job : {"step", "sample", "matmul"}) {
    ASSERT_EQ(run_to_end(fmt::format("{} bench {} {} device=cuda --repeats 1 --json > {}", kBinary,
                                     job, (scratch_ / "bench.yaml").string(),
                                     (scratch_ / "figures.json").string())),
              0)
        << log();
    const auto figures = nlohmann::json::parse(read_file(scratch_ / "figures.json"));
    EXPECT_GT(figures.at("seconds_median"), 0) << job;
    // With the workspace of products, which only the device's pool has.
    EXPECT_GT(figures.at("peak_pool_bytes"), 32 << 20) << job;
  }
}

TEST_F(DeviceTraining, TwoRanksOnOneDeviceAreRefusedUnlessAskedFor) {
  EXPECT_EQ(run_to_end(train(2, "run", std::string(kShort) + "device=cuda")), 2);
  EXPECT_TRUE(
      log_has("ranks 0 and 1 would compute on the same device, emulated device "
              "00000000000000000000000000000000 of"))
      << log();
  EXPECT_TRUE(log_has("set device: shared-cuda")) << log();
  EXPECT_FALSE(std::filesystem::exists(run("run")));
}

}  // namespace
}  // namespace muybridge::testing
