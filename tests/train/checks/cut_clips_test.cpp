#include "train/checks/cut_clips.h"

#include <fmt/format.h>

#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class CutClipsTest : public TemporaryCorpus {
 protected:
  static TrainConfig config() {
    TrainConfig config;
    config.model.patch = {4, 8, 8};
    return config;
  }
};

TEST_F(CutClipsTest, AreCountedWithTheSizesOfTheFirst) {
  const CorpusIndex corpus = make({{.frames = 8, .height = 16, .width = 24},
                                   {.frames = 7, .height = 16, .width = 16},
                                   {.frames = 8, .height = 18, .width = 16},
                                   {.frames = 8, .height = 16, .width = 19}});
  const CutClips found = count_cut_clips(corpus, config());
  EXPECT_EQ(found.cut, 3);
  EXPECT_EQ(found.first, 1);
  EXPECT_EQ(found.sizes, "7 frames of 16x16 -> 4 of 16x16");
}

TEST_F(CutClipsTest, WhatIsRepeatedOrLeftOutOnPurposeIsNoCut) {
  const CorpusIndex corpus =
      make({{.frames = 1, .height = 16, .width = 16}, {.frames = 7, .height = 16, .width = 16}});
  TrainConfig limited = config();
  limited.data.frames_max = 4;
  EXPECT_EQ(count_cut_clips(corpus, limited).cut, 0);
  EXPECT_EQ(count_cut_clips(corpus, config()).cut, 1);
}

TEST_F(CutClipsTest, AreSaidOnTheTerminal) {
  make({{.frames = 8, .height = 38, .width = 38}});
  TrainConfig config = CutClipsTest::config();
  config.data.train = folder_.string();
  ::testing::internal::CaptureStderr();
  warn_of_cut_clips(config);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("1 of 1 clips are no whole number of patches of 4 frames of 8x8"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("8 frames of 38x38 -> 8 of 32x32"), std::string::npos) << said;
}

}  // namespace
}  // namespace muybridge
