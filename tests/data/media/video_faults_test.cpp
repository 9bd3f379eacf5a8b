// What is refused, and why; what a torn file still gives.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "tests/data/media/video_reader_fixture.h"

namespace muybridge {
namespace {

TEST_F(VideoReaderTest, NamesWhatIsWrongWithAFile) {
  expect_contains(failure_of(write("empty.mp4", "")), "the file is empty");
  expect_contains(failure_of(write("text.mp4", "this is no video at all")), "not a video");
  expect_contains(failure_of(ffmpeg("-f lavfi -i sine=duration=1", "audio.mp4")), "only audio");
  expect_contains(failure_of(folder_), "not a regular file");
  EXPECT_THROW(read_video(folder_ / "missing.mp4"), Error);
}

TEST_F(VideoReaderTest, ACoverPictureIsNoVideo) {
  const auto cover = ffmpeg(std::string(kFourColors) + "-frames:v 1", "cover.png");
  const auto song =
      ffmpeg(fmt::format("-f lavfi -i sine=duration=1 -i '{}' -map 0 -map 1 -c:v copy "
                         "-c:a aac -disposition:v:0 attached_pic",
                         cover.string()),
             "song.m4a");
  expect_contains(failure_of(song), "only audio");
}

// A file that names others would make the reader a way to them.
TEST_F(VideoReaderTest, RefusesPlaylists) {
  const auto secret = numbered("secret.mp4", 5);
  expect_contains(failure_of(write("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" +
                                                   secret.string() + "\n#EXT-X-ENDLIST\n")),
                  "playlist");
  expect_contains(failure_of(write("concat.mp4", "ffconcat version 1.0\nfile secret.mp4\n")),
                  "playlist");
}

TEST_F(VideoReaderTest, ATruncatedFileGivesOnlyGoodFrames) {
  const auto file = numbered("a.mp4", 90, 30, "-movflags +faststart");
  const Frames whole = read_video(file);
  const std::string bytes = read_file(file);
  int longest = 0;
  for (std::size_t part = 1; part < 24; ++part) {
    const auto cut = write("cut.mp4", std::string_view(bytes).substr(0, bytes.size() * part / 24));
    int frames = 0;
    std::string why;
    try {
      VideoReader reader(cut);
      std::vector<std::uint8_t> rgb(reader.frame_bytes());
      for (; reader.next(rgb.data()); ++frames) {
        ASSERT_EQ(std::memcmp(rgb.data(), whole.frame(frames), whole.frame_bytes()), 0)
            << part << "/24, frame " << frames;
      }
      why = reader.damage();
    } catch (const Error& error) {
      why = error.what();
    }
    EXPECT_LT(frames, 90);
    EXPECT_GE(frames, longest);
    EXPECT_FALSE(why.empty() && frames < 75) << part << "/24: " << frames << " frames";
    longest = std::max(longest, frames);
  }
  EXPECT_GT(longest, 45);
}

TEST_F(VideoReaderTest, ATruncatedFileWithoutItsIndexIsRefused) {
  const std::string bytes = read_file(numbered("a.mp4", 30));
  EXPECT_FALSE(failure_of(write("cut.mp4", bytes.substr(0, bytes.size() / 2))).empty());
}

TEST_F(VideoReaderTest, RefusesPicturesThatAreTooLarge) {
  EXPECT_THROW(read_video(numbered("a.mp4", 3), {.max_pixels = 1000}), Error);
}

}  // namespace
}  // namespace muybridge
