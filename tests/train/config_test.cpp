#include "train/config.h"

#include <gtest/gtest.h>

#include "core/system/file.h"

namespace muybridge {
namespace {

const std::filesystem::path kSource = MUYBRIDGE_SOURCE_DIR;

TEST(TrainConfig, TheReferenceInDocsIsThatOfTheFields) {
  EXPECT_EQ(read_file(kSource / "docs/configuration.md"), train_config_reference())
      << "write it again: muybridge config reference > docs/configuration.md";
}

}  // namespace
}  // namespace muybridge
