// Against transformers' UMT5EncoderModel: files made by tests/golden/make_umt5.py.
#include "model/umt5/umt5_encoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/safetensors_shards.h"
#include "model/umt5/weights.h"
#include "tests/model/umt5/umt5_golden.h"

namespace muybridge {
namespace {

using testing::umt5_golden;

class Umt5Golden : public ::testing::Test {
 protected:
  Umt5Golden()
      : expected_(umt5_golden() / "states.safetensors"),
        options_(read_umt5_options(umt5_golden() / "text_encoder" / "config.json")),
        encoder_(parameters_, "encoder", options_) {
    std::vector<std::int32_t> ids;
    for (const std::int64_t id : expected_.read("ids").to_vector<std::int64_t>())
      ids.push_back(static_cast<std::int32_t>(id));
    texts_ = {.ids = Tensor::of<std::int32_t>({std::ssize(ids)}, ids),
              .packing = Packing::of_lengths(expected_.read("lengths").to_vector<std::int64_t>())};
  }

  void load(DType dtype) {
    parameters_.freeze();
    parameters_.allocate(dtype, 1);
    const SafetensorsShards files(umt5_golden() / "text_encoder");
    Umt5Weights(files, parameters_, "encoder").read();
  }

  // |got - expected| over |expected|, both as vectors.
  double error(const Tensor& states) const {
    const std::vector<double> got = states.to(DType::kF64).to_vector<double>(),
                              want = expected_.read("states").to_vector<double>();
    EXPECT_EQ(got.size(), want.size());
    double error = 0, size = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      error += (got[i] - want[i]) * (got[i] - want[i]);
      size += want[i] * want[i];
    }
    return std::sqrt(error / size);
  }

  SafetensorsReader expected_;
  Umt5Options options_;
  Parameters parameters_;
  Umt5Encoder encoder_;
  PackedText texts_;
};

TEST_F(Umt5Golden, MatchesTransformersInF64) {
  load(DType::kF64);
  EXPECT_LT(error(encoder_(texts_).value()), 1e-12);
}

TEST_F(Umt5Golden, MatchesTransformersInF32) {
  load(DType::kF32);
  EXPECT_LT(error(encoder_(texts_).value()), 1e-5);
}

// Two layers of numbers with 8 bits.
TEST_F(Umt5Golden, MatchesTransformersInBf16AsWellAsItsRoundingAllows) {
  load(DType::kBF16);
  const Tensor states = encoder_(texts_).value();
  EXPECT_EQ(states.dtype(), DType::kBF16);
  EXPECT_LT(error(states), 0.05);
}

TEST_F(Umt5Golden, ATextIsWhatItIsAlone) {
  load(DType::kF64);
  const std::vector<double> all = encoder_(texts_).value().to_vector<double>();
  for (int text = 0; text < texts_.packing.clips(); ++text) {
    const std::int64_t first = texts_.packing.offsets[text], length = texts_.packing.length(text);
    const std::vector<double> alone =
        encoder_({texts_.ids.rows(first, length).clone(), Packing::of_lengths({length})})
            .value()
            .to_vector<double>();
    for (std::size_t i = 0; i < alone.size(); ++i)
      ASSERT_NEAR(alone[i], all[first * options_.width + i], 1e-12) << text;
  }
}

TEST_F(Umt5Golden, DistancesFallIntoTheBucketsOfTheReference) {
  const std::vector<std::int64_t> buckets = expected_.read("buckets").to_vector<std::int64_t>();
  const std::int64_t reach = std::ssize(buckets) / 2;
  for (std::int64_t d = -reach; d <= reach; ++d)
    ASSERT_EQ(options_.buckets.of(d), buckets[d + reach]) << d;
}

TEST_F(Umt5Golden, WhereItWouldBeTrainedItSaysThatItCannot) {
  parameters_.allocate(DType::kF32, 1);
  EXPECT_THROW(encoder_(texts_), std::logic_error);
  const NoGradScope no_grad;
  EXPECT_NO_THROW(encoder_(texts_));
}

TEST(Umt5Encoder, HasTheNumberOfWeightsThatUmt5XxlHas) {
  Parameters parameters;
  const Umt5Encoder encoder(parameters, "", {});
  EXPECT_EQ(parameters.count(), 5'680'910'336);
}

TEST(Umt5Encoder, RefusesSizesThatAreNone) {
  Parameters parameters;
  EXPECT_THROW(Umt5Encoder(parameters, "", {.heads = 0}), std::invalid_argument);
  EXPECT_THROW(Umt5Encoder(parameters, "", {.buckets = {.count = 3}}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
