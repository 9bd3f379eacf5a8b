#include "train/checks/cut_captions.h"

#include <fmt/format.h>

#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class CutCaptionsTest : public TemporaryCorpus {};

TEST_F(CutCaptionsTest, AreCountedAndTheLongestIsNamed) {
  const CorpusIndex corpus = make({{.caption = "12345"},
                                   {.caption = "123456"},
                                   {.caption = "12345678", .split = "validation"},
                                   {.caption = ""}});
  const CutCaptions found = count_cut_captions(corpus, 5, 100);
  EXPECT_EQ(found.cut, 2);
  EXPECT_EQ(found.looked_at, 4);
  EXPECT_EQ(found.longest, 8U);
  EXPECT_EQ(found.clip, 2);
  EXPECT_EQ(count_cut_captions(corpus, 8, 100).cut, 0);
}

TEST_F(CutCaptionsTest, OfALargeCorpusAShareIsLookedAt) {
  const CorpusIndex corpus = make(mixed(30));  // "caption 7" and "caption 17"
  const CutCaptions found = count_cut_captions(corpus, 8, 10);
  EXPECT_EQ(found.looked_at, 10);
  EXPECT_EQ(found.cut, 10);
  EXPECT_GE(found.clip, 10);
}

TEST_F(CutCaptionsTest, AreSaidOnTheTerminal) {
  make({{.caption = "12345"}, {.caption = "1234567"}});
  TrainConfig config;
  config.data.train = folder_.string();
  config.data.max_caption_bytes = 6;
  ::testing::internal::CaptureStderr();
  warn_of_cut_captions(config);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("1 of 2 captions are longer than data.max_caption_bytes = 6"),
            std::string::npos)
      << said;
}

}  // namespace
}  // namespace muybridge
