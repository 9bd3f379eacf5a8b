#include "train/checks/require_memory.h"

#include "core/error.h"
#include "tests/train/training_run.h"
#include "train/load_config.h"

namespace muybridge {
namespace {

constexpr std::int64_t kGB = 1'000'000'000;

// The refusal, or the warning.
std::string refusal(double bytes, int ranks, std::int64_t memory, std::int64_t available) {
  Machine machine;
  machine.memory = memory;
  machine.memory_available = available;
  try {
    return require_memory({.weights = bytes}, ranks, machine, "take less");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return std::string("refused: ") + error.what();
  }
}

TEST(RequireMemory, RefusesWhatTheMachineDoesNotHave) {
  EXPECT_EQ(refusal(3.0 * kGB, 1, 8 * kGB, 7 * kGB), "");
  EXPECT_NE(refusal(7.5 * kGB, 1, 8 * kGB, kGB).find("of which 1.0 GB are free now"),
            std::string::npos);
  EXPECT_NE(refusal(9.0 * kGB, 1, 8 * kGB, 7 * kGB).find("this machine has 8.0 GB: take less"),
            std::string::npos);
  EXPECT_NE(refusal(3.0 * kGB, 4, 8 * kGB, 7 * kGB).find("for 4 ranks here"), std::string::npos);
  EXPECT_EQ(refusal(9e15, 1, 0, 0), "");  // where the system does not say
}

// A commit waits where there is no room for its copy.
TEST(RequireMemory, NeverRefusesForTheCopyThatIsCommitted) {
  Machine machine;
  machine.memory = machine.memory_available = 8 * kGB;
  const MemoryEstimate rank{.weights = 3.0 * kGB, .snapshot = 2.0 * kGB};
  EXPECT_EQ(require_memory(rank, 1, machine, "take less"), "");
  EXPECT_NE(require_memory(rank, 2, machine, "take less").find("the copy that is committed 2.0 GB"),
            std::string::npos);
  EXPECT_THROW(require_memory(rank, 3, machine, "take less"), Error);
}

class MemoryOfRun : public testing::TrainingRun {
 protected:
  MemoryEstimate of(int ranks, const std::vector<std::string>& overrides,
                    const HeldParameters& held = {.all = 1000, .blocks = 2}) const {
    std::vector<std::string> all = {"batch.tokens=4096", "eval.samples=0", "model.heads=4"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    return memory_of_run(load_train_config(scratch_ / "tiny.yaml", all),
                         CorpusIndex::open(scratch_ / "corpus"), held, ranks);
  }
};

TEST_F(MemoryOfRun, IsRefusedBeforeAnythingIsAllocated) {
  for (const char* huge :
       {"batch.tokens=1073741824", "model.width=65536 model.mlp_width=262144 model.depth=1000",
        "eval.frames=2000000 eval.size=8192x8192", "batch.tokens=16777216 data.prefetch=1024"}) {
    EXPECT_EQ(run_to_end(train(1, "run", huge)), 2) << huge << "\n" << log();
    EXPECT_TRUE(log_has("of memory: weights and optimizer")) << huge << "\n" << log();
    EXPECT_FALSE(std::filesystem::exists(run("run"))) << huge;
  }
  EXPECT_EQ(run_to_end(train(2, "run", "batch.tokens=1073741824")), 2) << log();
}

// Ranks that share the layers have all of the clips and of their velocities each.
TEST(MemoryOfDrawing, IsWholeClipsAndAShareOfTheRest) {
  const DitOptions model{.patch = {.frames = 2, .height = 4, .width = 4}, .width = 32};
  const auto of = [&](const MeshSizes& layout) {
    return memory_of_sampling(model, layout, 1000, 0, DType::kF32).sampling;
  };
  const double one = of({}), four = of({.tensor = 2, .context = 2});
  const double whole = 1.06 * 1000 * 3.5 * (3 * 2 * 4 * 4) * 4;
  EXPECT_NEAR((4 * four - one) / 3, whole, 1e-6 * whole);
  EXPECT_GT(one, 2 * whole);
}

class MemoryOfSampling : public testing::TrainingRun {};

TEST_F(MemoryOfSampling, IsRefusedBeforeAnythingIsDrawn) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=1")), 0) << log();
  const std::string name = run("run").string();
  const std::string out = (scratch_ / "clips").string();
  EXPECT_EQ(run_to_end(kBinary + " sample " + name + " --out " + out +
                       " --prompt x --size 8192x8192 --frames 4000"),
            2)
      << log();
  EXPECT_TRUE(log_has("of memory: weights ")) << log();
  EXPECT_TRUE(log_has("draw shorter or smaller clips")) << log();
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(run_to_end(kBinary + " evaluate " + name + " eval.size=8192x8192 eval.frames=4000"), 2)
      << log();
  EXPECT_TRUE(log_has("draw shorter or smaller clips")) << log();
  // A batch of held-out clips is no larger than they are.
  EXPECT_EQ(run_to_end(kBinary + " evaluate " + name + " batch.tokens=1073741824"), 0) << log();
}

TEST_F(MemoryOfRun, IsThatOfTheLayout) {
  const double one = of(1, {}).activations;
  EXPECT_NEAR(of(2, {"parallel.context=2"}).activations / one, 0.6,
              0.05);  // all the text is on each
  // Of the split layers tensor ranks have all tokens of their segment.
  const double tensor = of(2, {"parallel.tensor=2"}).activations / one;
  EXPECT_GT(tensor, 0.55);
  EXPECT_LT(tensor, 0.8);
  EXPECT_NEAR(of(4, {"parallel.tensor=2", "parallel.context=2"}).activations / one, tensor / 2,
              0.1);
  // Two stages of one block each: 1F1B keeps two micro-batches of it, GPipe all four.
  const double few = of(2, {"parallel.pipeline=2"}).activations,
               all = of(2, {"parallel.pipeline=2", "parallel.schedule=gpipe"}).activations;
  EXPECT_NEAR(few / one, 1, 0.2);
  EXPECT_GT(all, 1.5 * few);
}

TEST_F(MemoryOfRun, OfADeviceHasItsLibrariesAndTheWorkspaceOfAttention) {
  const MemoryEstimate host = of(2, {"parallel.context=2", "train.precision=bf16"}),
                       device =
                           of(2, {"parallel.context=2", "train.precision=bf16", "device=cuda"}),
                       wide = of(2, {"parallel.context=2", "device=cuda"}),
                       alone = of(1, {"train.precision=bf16", "device=cuda"});
  EXPECT_EQ(host.workspace, 0);
  EXPECT_EQ(host.communication, 0);
  EXPECT_GT(device.process, host.process);
  EXPECT_EQ(device.communication, kDeviceGroup);
  EXPECT_EQ(alone.communication, 0);
  EXPECT_GT(device.workspace, 0);
  EXPECT_EQ(alone.workspace, 2 * device.workspace);
  EXPECT_EQ(wide.workspace, 0);
  EXPECT_GE(device.total() - host.total(), device.process - host.process + kDeviceGroup);
}

// In f32, of two ranks with the same parameters: weights that are shared out have a master.
TEST_F(MemoryOfRun, ZeroSharesWhatItSays) {
  const MemoryEstimate none = of(2, {}), state = of(2, {"parallel.zero=1"}),
                       gradients = of(2, {"parallel.zero=2"}), weights = of(2, {"parallel.zero=3"});
  EXPECT_NEAR(state.optimizer / none.optimizer, 4.0 / 2 / 3, 1e-3);
  EXPECT_EQ(state.gradients, none.gradients);
  EXPECT_EQ(gradients.weights, none.weights);
  EXPECT_GT(weights.weights, 0);
  EXPECT_LE(weights.weights, none.weights);
  // What is of no block is always whole, of ten blocks three are.
  const HeldParameters held{.all = 1000, .beside_blocks = 100, .blocks = 10};
  EXPECT_EQ(of(2, {"parallel.zero=3"}, held).weights, 4 * (100 + 3 * 90));
  // With nobody to share, a block's room comes on top; here two blocks are all.
  EXPECT_EQ(of(1, {"parallel.zero=3"}).gradients, of(1, {}).gradients * 2);
}

}  // namespace
}  // namespace muybridge
