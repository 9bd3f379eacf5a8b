#include "train/records/tensorboard_clips.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/system/file.h"
#include "data/media/video_writer.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

using testing::ScratchFolder;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(TensorBoardClips, AreGifsUnderNamesThatStay) {
  const ScratchFolder folder;
  Frames frames{.count = 3, .height = 16, .width = 16, .rgb = {}};
  frames.rgb.resize(frames.frame_bytes() * 3, 100);
  SampleSet set{.step = 40, .checkpoint{}, .settings{}, .clips{}};
  for (const char* file : {"0.mp4", "1.mp4", "gone.mp4", "3.mp4"}) {
    set.clips.push_back({.prompt = "a kite", .seed = set.clips.size(), .file = file, .scores{}});
    if (file != std::string("gone.mp4")) write_video(folder / file, frames, {.fps = 12});
  }
  TensorBoardWriter writer(folder / "tensorboard", 0);
  add_clips(writer, folder.path(), set, 3);
  const std::string events = read_file(writer.path());
  EXPECT_EQ(count(events, "GIF89a"), 2U) << "of three, one is gone";
  EXPECT_EQ(count(events, "NETSCAPE2.0"), 2U) << "they play on and on";
  EXPECT_EQ(count(events, "clips/a-kite-seed-1"), 1U);
  EXPECT_EQ(count(events, "seed-3"), 0U);
}

}  // namespace
}  // namespace muybridge
