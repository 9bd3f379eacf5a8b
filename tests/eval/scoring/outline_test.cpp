#include "eval/scoring/outline.h"

#include <gtest/gtest.h>

#include "tests/eval/scoring/stage.h"

namespace muybridge {
namespace {

const NamedColor kWhite = {"white", {240, 240, 240}};

Track track(const std::function<void(Canvas&, int)>& draw) {
  const Frames frames = stage(32, draw);
  return track_things(frames, plain_ground(frames), 1).value().front();
}

TEST(FitShape, FindsPlaceAndSizeToAQuarterOfAPixel) {
  for (const Shape2d shape : {Shape2d::kCircle, Shape2d::kSquare, Shape2d::kTriangle}) {
    const Track seen = track([&](Canvas& canvas, int t) {
      canvas.draw(shape, 12 + 0.3 * t, 14.2, 4 + 0.1 * t, kWhite);
    });
    for (const Sighting& sighting : seen) {
      const Fit fit = fit_shape(shape, sighting.patch);
      EXPECT_NEAR(fit.x, 12 + 0.3 * sighting.frame, 0.25);
      EXPECT_NEAR(fit.y, 14.2, 0.25);
      EXPECT_NEAR(fit.radius, 4 + 0.1 * sighting.frame, 0.25);
      EXPECT_GT(fit.overlap, 0.95);
    }
  }
}

TEST(ShapeOf, NamesTheTemplatesAtAnySizeOfTheCorpus) {
  for (const double radius : {3.5, 4.5, 7.0}) {
    for (const auto& [shape, name] : {std::pair{Shape2d::kCircle, "circle"},
                                      {Shape2d::kSquare, "square"},
                                      {Shape2d::kTriangle, "triangle"}}) {
      const Track seen = track([&, shape = shape](Canvas& canvas, int t) {
        canvas.draw(shape, 10.1 + 0.4 * t, 16.4, radius, kWhite);
      });
      EXPECT_EQ(shape_of(seen), name) << radius;
    }
  }
}

// Drawn from many small squares, each pixel of which `inside` decides.
Track drawn(const std::function<bool(double, double)>& inside, double speed = 0.5) {
  return track([&](Canvas& canvas, int t) {
    for (double y = -8; y <= 8; y += 0.5)
      for (double x = -8; x <= 8; x += 0.5)
        if (inside(x, y)) canvas.draw(Shape2d::kSquare, 12 + speed * t + x, 16 + y, 0.5, kWhite);
  });
}

TEST(ShapeOf, IsNoneForWhatFitsNoTemplate) {
  using std::abs;
  const auto none = [](const char* what, const std::function<bool(double, double)>& inside) {
    EXPECT_EQ(shape_of(drawn(inside)), "") << what;
  };
  none("rectangle", [](double x, double y) { return abs(x) < 6 && abs(y) < 3; });
  none("diamond", [](double x, double y) { return abs(x) + abs(y) < 6; });
  none("cross",
       [](double x, double y) { return (abs(x) < 2 && abs(y) < 6) || (abs(y) < 2 && abs(x) < 6); });
  none("ring", [](double x, double y) { return std::hypot(x, y) < 6 && std::hypot(x, y) > 3; });
  none("half circle", [](double x, double y) { return std::hypot(x, y) < 6 && y < 0; });
  none("ellipse", [](double x, double y) { return std::hypot(x / 7, y / 4) < 1; });
  none("triangle on its head", [](double x, double y) { return abs(y) < 6 && 2 * abs(x) < 6 - y; });
}

TEST(ShapeOf, IsNoneForWhatIsNearlyASquareAndNearlyACircle) {
  const auto between = [](double x, double y) {
    return std::abs(x * x * x) + std::abs(y * y * y) < 6 * 6 * 6;
  };
  const Track seen = drawn(between, /*speed=*/0);
  const Fit circle = fit_shape(Shape2d::kCircle, seen[0].patch);
  const Fit square = fit_shape(Shape2d::kSquare, seen[0].patch);
  EXPECT_GT(std::max(circle.overlap, square.overlap), least_overlap(Shape2d::kCircle))
      << "not for its overlap";
  EXPECT_EQ(shape_of(seen), "") << circle.overlap << " " << square.overlap;
}

TEST(ShapeOf, IsNoneForAThingThatChangesItsShapeOrSize) {
  const Track morphing = track([](Canvas& canvas, int t) {
    canvas.draw(t < 8 ? Shape2d::kCircle : Shape2d::kSquare, 16, 16, 5, kWhite);
  });
  EXPECT_EQ(shape_of(morphing), "");
  for (const double growth : {-0.2, 0.2}) {
    const Track growing = track([&](Canvas& canvas, int t) {
      canvas.draw(Shape2d::kCircle, 16, 16, 5.5 + growth * (t - 8), kWhite);
    });
    EXPECT_EQ(shape_of(growing), "");
  }
}

}  // namespace
}  // namespace muybridge
