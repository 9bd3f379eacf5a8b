#include "train/plan/chip.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace muybridge {
namespace {

TEST(Chip, IsFoundByItsName) {
  for (const std::string& name : chip_names()) EXPECT_EQ(chip_named(name).name, name);
  EXPECT_EQ(chip_named("h200").speed(DType::kBF16).peak, 989e12);
  EXPECT_EQ(chip_named("h200").speed(DType::kF32).peak, 67e12);
}

TEST(Chip, OfAnUnknownNameIsAUsersMistakeThatNamesTheOthers) {
  try {
    chip_named("h300");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_STREQ(error.what(), "gpu 'h300' is not known; choose one of h200, h100, cpu, ideal");
  }
}

// Nothing is measured to be faster than its maker says it could be.
TEST(Chip, IsNoFasterThanItsPeak) {
  for (const std::string& name : chip_names())
    for (const DType type : {DType::kBF16, DType::kF32}) {
      const ChipSpeed& speed = chip_named(name).speed(type);
      EXPECT_LE(speed.product, speed.peak) << name;
      EXPECT_LE(speed.attention_forward, speed.peak) << name;
      EXPECT_LE(speed.attention_backward, speed.attention_forward) << name;
    }
}

}  // namespace
}  // namespace muybridge
