#include "train/weights/weights_scope.h"

#include <stdexcept>

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

}  // namespace
}  // namespace muybridge
