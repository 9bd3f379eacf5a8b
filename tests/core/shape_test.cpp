#include "core/shape.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace muybridge {
namespace {

TEST(Shape, CountsElementsAndRows) {
  EXPECT_EQ((Shape{3, 4, 5}).numel(), 60);
  EXPECT_EQ((Shape{3, 4, 5}).rows(), 12);
  EXPECT_EQ(Shape{}.numel(), 1);
  EXPECT_EQ((Shape{3, 0}).numel(), 0);
  EXPECT_EQ((Shape{3, 0}).rows(), 0);
  EXPECT_EQ(to_string(Shape{4096, 128}), "[4096, 128]");
  EXPECT_EQ(to_string(Shape{}), "[]");
}

TEST(Shape, KeepsItsExtentsInOrder) {
  const Shape shape{3, 4, 5};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape[0], 3);
  EXPECT_EQ(shape[2], 5);
  EXPECT_EQ(shape.back(), 5);
  EXPECT_EQ(Shape(shape.extents()), shape);
  EXPECT_NE((Shape{3, 4}), (Shape{4, 3}));
  EXPECT_NE((Shape{3}), (Shape{3, 1}));
}

TEST(Shape, SaysWhichShapeItRefuses) {
  try {
    Shape{2, -1};
    FAIL() << "a negative extent was taken";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("-1"), std::string::npos) << error.what();
  }
}

TEST(Shape, RefusesWhatIsNoShape) {
  EXPECT_THROW((Shape{2, -1}), std::invalid_argument);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1}), std::invalid_argument);
  EXPECT_THROW((Shape{std::int64_t{1} << 32, std::int64_t{1} << 31}), std::invalid_argument);
  EXPECT_NO_THROW((Shape{std::int64_t{1} << 31, std::int64_t{1} << 31}));
  // Empty or not: its other extents must be countable, for gradients of views have them.
  EXPECT_THROW((Shape{std::int64_t{1} << 62, 0, 2}), std::invalid_argument);
}

}  // namespace
}  // namespace muybridge
