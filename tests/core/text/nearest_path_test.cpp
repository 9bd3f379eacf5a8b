#include "core/text/nearest_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class DidYouMean : public testing::Test {
 protected:
  DidYouMean()
      : root_(fs::temp_directory_path() / ("muybridge-nearest-" + std::to_string(::getpid()))) {
    fs::create_directories(root_ / "prepared/shapes");
    fs::create_directories(root_ / "prepared/physics");
    std::ofstream(root_ / "prepared/shapes.txt") << "x";
  }
  ~DidYouMean() override { fs::remove_all(root_); }

  static bool is_folder(const fs::path& path) { return fs::is_directory(path); }

  fs::path root_;
};

TEST_F(DidYouMean, NamesWhatLiesBesideTheMistake) {
  const std::string shapes = "; did you mean " + (root_ / "prepared/shapes").string() + "?";
  EXPECT_EQ(did_you_mean(root_ / "prepared/shapez", is_folder), shapes);
  EXPECT_EQ(did_you_mean(root_ / "prepared/shapez/", is_folder), shapes);
  EXPECT_EQ(did_you_mean(root_ / "prepared/shapes", is_folder), "") << "it suggests itself";
  EXPECT_EQ(did_you_mean(root_ / "prepared/shape.txt",
                         [](const fs::path& path) { return fs::is_regular_file(path); }),
            "; did you mean " + (root_ / "prepared/shapes.txt").string() + "?");
}

TEST_F(DidYouMean, LooksWhereSuchThingsUsuallyLie) {
  const std::string shapes = "; did you mean " + (root_ / "prepared/shapes").string() + "?";
  EXPECT_EQ(did_you_mean(root_ / "shapes", is_folder, {root_ / "prepared"}), shapes);
  EXPECT_EQ(did_you_mean(root_ / "prepard/shapes", is_folder, {root_ / "prepared"}), shapes);
}

TEST_F(DidYouMean, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(did_you_mean(root_ / "prepared/trains", is_folder), "");
  EXPECT_EQ(did_you_mean("/no/such/folder", is_folder, {"/neither/this"}), "");
}

}  // namespace
}  // namespace muybridge
