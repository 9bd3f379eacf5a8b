#include "train/weights/weights_scope.h"

#include <stdexcept>

#include "core/error.h"
#include "parallel/host/local_ranks.h"
#include "tests/model/tiny_dit.h"
#include "tests/train/sample_state.h"

namespace muybridge {
namespace {

using testing::random_tensor;
using testing::same_bits;

class WeightsScopeTest : public ::testing::TestWithParam<DType> {
 protected:
  static std::vector<Tensor> values(const Parameters& parameters) {
    std::vector<Tensor> all;
    for (const Parameter& parameter : parameters.list())
      all.push_back(parameter.var.value().clone());
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Of, WeightsScopeTest, ::testing::Values(DType::kF32, DType::kBF16));

TEST_P(WeightsScopeTest, TheModelComputesWithTheOthersAndGetsItsOwnBackBitForBit) {
  const TinyDit model(tiny_dit_options(), GetParam());
  const Tensor average = random_tensor(model.parameters.master().shape(), 9, DType::kF32);
  const std::vector<Tensor> before = values(model.parameters);
  const Tensor master = model.parameters.master().clone();
  {
    UnitStore store(model.parameters, {});
    const WeightsScope scope(model.parameters, average, Mesh(solo_group()), store);
    for (const Parameter& parameter : model.parameters.list()) {
      const Tensor& value = parameter.var.value();
      EXPECT_TRUE(same_bits(value, model.parameters.slice(average, parameter).to(value.dtype())))
          << parameter.spec.name;
    }
  }
  const std::vector<Tensor> after = values(model.parameters);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(same_bits(after[i], before[i])) << model.parameters.list()[i].spec.name;
  EXPECT_TRUE(same_bits(model.parameters.master(), master));
}

TEST_P(WeightsScopeTest, AlsoWhereAnExceptionEndsIt) {
  const TinyDit model(tiny_dit_options(), GetParam());
  const Tensor average = random_tensor(model.parameters.master().shape(), 9, DType::kF32);
  const std::vector<Tensor> before = values(model.parameters);
  EXPECT_THROW(
      {
        UnitStore store(model.parameters, {});
        const WeightsScope scope(model.parameters, average, Mesh(solo_group()), store);
        throw std::runtime_error("the disk is full");
      },
      std::runtime_error);
  const std::vector<Tensor> after = values(model.parameters);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(after[i], before[i]));
}

// The others wait for it in an exchange, or evaluate without it: no other code ends the job.
TEST(WeightsScopeOfRanks, OneThatFailsIsLostToTheOthers) {
  for (const Sharing sharing : {Sharing::kNothing, Sharing::kGradients, Sharing::kValues}) {
    ExitCode code = ExitCode::kDone;
    std::string said;
    run_local_ranks(
        2,
        [&](const std::shared_ptr<Group>& world) {
          const Mesh mesh(world);
          Parameters parameters;
          const Dit dit(parameters, tiny_dit_options());
          parameters.allocate(DType::kF32, 5, Device::kCpu, sharing_plan(mesh, sharing));
          UnitStore store(parameters, mesh.copies());
          const Tensor average =
              world->rank() == 0 ? parameters.master().clone() : Tensor::zeros({1});
          try {
            const WeightsScope scope(parameters, average, mesh, store);
          } catch (const Error& error) {
            if (world->rank() == 0) return;  // its time was over
            code = error.code();
            said = error.what();
          }
        },
        /*time_limit_seconds=*/0.5, AtEnd::kLeave);
    EXPECT_EQ(code, ExitCode::kRankLost) << static_cast<int>(sharing);
    EXPECT_TRUE(said.ends_with("; the others wait for this rank, so all end")) << said;
  }
}

}  // namespace
}  // namespace muybridge
