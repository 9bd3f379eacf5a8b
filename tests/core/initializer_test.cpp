#include "core/initializer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace muybridge {
namespace {

std::vector<float> draw(const Initializer& init, const std::string& name, const Shape& shape,
                        std::uint64_t seed = 7) {
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  initialise(init, name, shape, seed, Slice::range(0, shape.numel()), std::span(values));
  return values;
}

struct Kind {
  Initializer init;
  Shape shape;
};
const std::vector<Kind> kKinds = {{Constant{0.5F}, {3, 5}},
                                  {RowConstants{{0, 1, 2}}, {3, 5}},
                                  {Values{{1, 2, 3, 4, 5, 6}}, {2, 3}},
                                  {Normal{0.3F}, {5, 7}},
                                  {Glorot{2}, {5, 7}},
                                  {Orthonormal{"k"}, {7, 4}},
                                  {Orthonormal{"k"}, {4, 7}}};

// What a rank that holds a slice draws is what one that holds all of it would have there.
TEST(Initializer, ASliceDrawsWhatTheWholeHasThere) {
  for (const Kind& kind : kKinds) {
    const std::vector<float> whole = draw(kind.init, "w", kind.shape);
    const auto elements = std::ssize(whole);
    std::vector<Slice> slices = {{1, 1, 3, elements / 3}};
    for (std::int64_t begin = 0; begin < elements; begin += 2)
      slices.push_back(Slice::range(begin, std::min<std::int64_t>(3, elements - begin)));
    for (const Slice& slice : slices) {
      std::vector<float> out(static_cast<std::size_t>(slice.numel()));
      initialise(kind.init, "w", kind.shape, 7, slice, std::span(out));
      for (std::int64_t i = 0; i < slice.numel(); ++i)
        EXPECT_EQ(out[i], whole[slice.at(i)]) << "kind " << kind.init.index();
    }
  }
}

TEST(Initializer, RandomKindsDependOnSeedAndName) {
  for (const Initializer& init : {Initializer(Normal{}), Initializer(Glorot{})}) {
    EXPECT_EQ(draw(init, "w", {4, 4}), draw(init, "w", {4, 4}));
    EXPECT_NE(draw(init, "w", {4, 4}), draw(init, "v", {4, 4}));
    EXPECT_NE(draw(init, "w", {4, 4}), draw(init, "w", {4, 4}, 8));
  }
}

TEST(Initializer, ConstantsAndValuesAreWhatTheySay) {
  EXPECT_EQ(draw(Constant{0.5F}, "w", {2}), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_EQ(draw(RowConstants{{3, 4}}, "w", {2, 2}), (std::vector<float>{3, 3, 4, 4}));
  EXPECT_EQ(draw(Values{{1, 2}}, "w", {2}), (std::vector<float>{1, 2}));
}

// Seeds promise the same start for ever: a run that is begun again begins alike.
TEST(Initializer, TheNumbersOfASeedStayWhatTheyAre) {
  EXPECT_EQ(draw(Normal{0.5F}, "normal", {3, 5})[3], -0x1.c07042p-6F);
  EXPECT_EQ(draw(Normal{0.5F}, "normal", {3, 5})[14], 0x1.47adp-5F);
  EXPECT_EQ(draw(Glorot{0.2F}, "glorot", {4, 3})[2], 0x1.926bb4p-4F);
  EXPECT_EQ(draw(Glorot{0.2F}, "glorot", {4, 3})[11], -0x1.7a0696p-4F);
  EXPECT_FLOAT_EQ(draw(Orthonormal{"patch"}, "in", {4, 2})[1], -0x1.dc69f4p-1F);
}

TEST(Initializer, SpreadsAreThoseAsked) {
  const std::vector<float> normal = draw(Normal{0.3F}, "w", {200, 200}),
                           glorot = draw(Glorot{2}, "w", {150, 250});
  double squares = 0, largest = 0, variance = 0;
  for (const float value : normal) squares += static_cast<double>(value) * value;
  EXPECT_NEAR(std::sqrt(squares / 40000), 0.3, 0.005);
  for (const float value : glorot) {
    variance += static_cast<double>(value) * value / 37500;
    largest = std::max(largest, static_cast<double>(std::abs(value)));
  }
  EXPECT_NEAR(variance, 4 * 2.0 / 400, 0.0005);
  EXPECT_LE(largest, 2 * std::sqrt(6.0 / 400) * 1.000001);
}

TEST(Initializer, WhatDoesNotFitTheShapeIsRefused) {
  EXPECT_NO_THROW(require_fit(Orthonormal{"k"}, "w", {3, 4}));
  EXPECT_THROW(require_fit(Orthonormal{"k"}, "w", {3}), std::invalid_argument);
  EXPECT_THROW(require_fit(Glorot{}, "w", {3, 4, 5}), std::invalid_argument);
  EXPECT_THROW(require_fit(Values{{1, 2}}, "w", {3}), std::invalid_argument);
  EXPECT_THROW(require_fit(RowConstants{{1, 2}}, "w", {3, 2}), std::invalid_argument);
  try {
    require_fit(Values{{1, 2}}, "head.bias", {3});
    FAIL() << "two values were taken for three elements";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "parameter 'head.bias' is [3] and starts from 2 values");
  }
}

}  // namespace
}  // namespace muybridge
