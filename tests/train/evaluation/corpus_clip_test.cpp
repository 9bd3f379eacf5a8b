#include "train/evaluation/corpus_clip.h"

#include <cstdlib>

#include "core/error.h"
#include "core/system/file.h"
#include "data/media/video_reader.h"
#include "tests/data/temporary_corpus.h"

namespace muybridge {
namespace {

class CorpusClip : public TemporaryCorpus {
 protected:
  // One clip, each of whose frames is of a grey of its own.
  CorpusIndex corpus_of(int frames, int height, int width, double fps, int channels = 3) const {
    ShardWriter writer(folder_, 0, "{}");
    ClipRecord record;
    record.source = "walks/one.mp4";
    record.frames = frames;
    record.height = height;
    record.width = width;
    record.channels = channels;
    record.fps = fps;
    std::vector<std::uint8_t> pixels;
    for (int t = 0; t < frames; ++t)
      pixels.insert(pixels.end(), record.bytes() / static_cast<std::size_t>(frames), grey(t));
    writer.add(record, pixels.data());
    writer.commit();
    return CorpusIndex::build(folder_);
  }
  static std::uint8_t grey(int frame) { return static_cast<std::uint8_t>(40 + 30 * frame); }
  static RenderOptions beside() {
    RenderOptions options;
    options.frames = 4;
    options.width = 32;
    options.height = 16;
    options.fps = 8;
    options.upscale = 4;
    return options;
  }
  std::filesystem::path file() const { return folder_ / "clip.mp4"; }
};

TEST_F(CorpusClip, IsShownFrameByFrameAtItsOwnRateAndSaysWhatItIs) {
  write_corpus_clip(corpus_of(3, 16, 32, 12), 0, beside(), file());
  const VideoReader reader(file());
  EXPECT_DOUBLE_EQ(reader.fps(), 12);
  const Frames shown = read_video(file());
  EXPECT_EQ(shown.count, 3);
  EXPECT_EQ(shown.width, 128) << "as large as the samples beside it";
  EXPECT_EQ(shown.height, 64);
  for (int t = 0; t < shown.count; ++t)
    EXPECT_LT(std::abs(*shown.frame(t) - grey(t)), 6) << "frame " << t;
  EXPECT_NE(read_file(file()).find("not generated: a clip of the corpus, walks/one.mp4"),
            std::string::npos);
}

TEST_F(CorpusClip, IsNoLongerThanTheSamplesAndAtTheirRateWhereItsOwnIsUnknown) {
  write_corpus_clip(corpus_of(7, 16, 32, 0), 0, beside(), file());
  EXPECT_EQ(read_video(file()).count, 4);
  EXPECT_DOUBLE_EQ(VideoReader(file()).fps(), 8);
}

TEST_F(CorpusClip, ThatIsLargerIsEnlargedLessAndNeverMadeSmaller) {
  write_corpus_clip(corpus_of(2, 32, 64, 8), 0, beside(), file());
  EXPECT_EQ(read_video(file()).width, 128) << "twice";
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  write_corpus_clip(corpus_of(2, 80, 160, 8), 0, beside(), file());
  EXPECT_EQ(read_video(file()).width, 160) << "as it is";
}

TEST_F(CorpusClip, ThatHoldsNoPixelsIsRefusedByName) {
  const CorpusIndex corpus = corpus_of(2, 16, 16, 8, /*channels=*/4);
  try {
    write_corpus_clip(corpus, 0, beside(), file());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find(corpus.name_of_clip(0)), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(file()));
}

}  // namespace
}  // namespace muybridge
