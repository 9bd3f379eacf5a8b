#include "train/evaluation/clip_shape.h"

#include <fmt/format.h>

#include "tests/data/temporary_corpus.h"
#include "train/load_config.h"

namespace muybridge {
namespace {

struct Made {
  int frames = 16;
  int height = 32;
  int width = 32;
  double fps = 30;
  std::string split = "train";
};

class ClipShapeTest : public TemporaryCorpus {
 protected:
  CorpusIndex corpus(const std::vector<Made>& clips) const {
    ShardWriter writer(folder_, 0, "{}");
    for (const Made& clip : clips) {
      ClipRecord record;
      record.source = fmt::format("clip-{}.mp4", writer.clips());
      record.split = clip.split;
      record.frames = clip.frames;
      record.height = clip.height;
      record.width = clip.width;
      record.fps = clip.fps;
      writer.add(record, std::vector<std::uint8_t>(record.bytes()).data());
    }
    writer.commit();
    return CorpusIndex::build(folder_);
  }
  TrainConfig config(const std::vector<std::string>& more = {}) const {
    return parse_train_config(
        fmt::format("run: {{name: x}}\ndata: {{train: '{}'}}\ntrain: {{steps: 1}}\n"
                    "model: {{patch: [4, 8, 8]}}\n",
                    folder_.string()),
        "x", more);
  }
};

TEST_F(ClipShapeTest, IsThatOfMostClips) {
  const ClipShape usual = usual_clip(corpus({{.frames = 81, .fps = 30},
                                             {.frames = 81, .fps = 29.97},
                                             {.frames = 81, .fps = 30000.0 / 1001},
                                             {.frames = 7, .fps = 30},
                                             {.frames = 99, .height = 64, .width = 48, .fps = 12},
                                             {.frames = 1, .height = 16, .width = 16, .fps = 1},
                                             {.frames = 1, .height = 16, .width = 16, .fps = 1},
                                             {.frames = 1, .height = 16, .width = 16, .fps = 1},
                                             {.frames = 1, .height = 16, .width = 16, .fps = 1},
                                             {.frames = 1, .height = 16, .width = 16, .fps = 1}}));
  EXPECT_EQ(usual.frames, 81);
  EXPECT_EQ(usual.size, (FrameSize{32, 32})) << "of videos, not of the pictures beside them";
  EXPECT_EQ(usual.fps, 30) << "two of 29.97 and two of 30: the larger";
}

TEST_F(ClipShapeTest, FillsWhatIsOpenWithWholePatches) {
  corpus({{.frames = 83, .height = 50, .width = 38, .fps = 24}});
  const TrainConfig filled = with_shape_of_clips(config());
  EXPECT_EQ(filled.eval.frames, 80);
  EXPECT_EQ(filled.eval.size, (FrameSize{32, 48}));
  EXPECT_EQ(filled.eval.fps, 24);
  EXPECT_EQ(with_shape_of_clips(config({"data.frames_max=18"})).eval.frames, 16);
  const TrainConfig said =
      with_shape_of_clips(config({"eval.fps=5", "eval.size=16x8", "eval.frames=12"}));
  EXPECT_EQ(said.eval.frames, 12);
  EXPECT_EQ(said.eval.size, (FrameSize{16, 8}));
  EXPECT_EQ(said.eval.fps, 5);
}

TEST_F(ClipShapeTest, ACorpusOfPicturesMakesPictures) {
  corpus({{.frames = 1, .fps = 0}});
  const TrainConfig filled = with_shape_of_clips(config());
  EXPECT_EQ(filled.eval.frames, 1);
  EXPECT_EQ(filled.eval.fps, 8);
  // What was resolved is written to config.yaml, and that must load.
  EXPECT_EQ(parse_train_config(to_yaml(filled), "x").eval.frames, 1);
}

TEST_F(ClipShapeTest, WithoutTheCorpusNothingIsFilled) {
  const TrainConfig open = with_shape_of_clips(config());
  EXPECT_EQ(open.eval.frames, 0);
  EXPECT_EQ(parse_train_config(to_yaml(open), "x").eval.size, FrameSize{});
}

}  // namespace
}  // namespace muybridge
