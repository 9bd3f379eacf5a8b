#include "data/media/video_reader.h"

#include <array>
#include <cstring>
#include <functional>

#include "core/error.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

class VideoReaderTest : public MediaFolder {
 protected:
  static std::string failure_of(const std::filesystem::path& file) {
    try {
      read_video(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kCorrupt);
      return error.what();
    }
    return "";
  }

  static void expect_contains(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  static std::array<int, 3> pixel(const Frames& frames, int x, int y, int index = 0) {
    const std::uint8_t* at = frames.frame(index) + 3 * (y * frames.width + x);
    return {at[0], at[1], at[2]};
  }

  static void expect_color(const Frames& frames, int x, int y, std::array<int, 3> wanted) {
    const std::array<int, 3> seen = pixel(frames, x, y);
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_NEAR(seen[channel], wanted[channel], 24) << x << "," << y << " channel " << channel;
    }
  }

  // Red over green on the left, blue over white on the right.
  static constexpr const char* kFourColors =
      "-f lavfi -i \"color=red:size=32x24:rate=10,pad=64:48:0:0:blue,"
      "drawbox=0:24:32:24:lime:fill,drawbox=32:24:32:24:white:fill\" ";
};

constexpr std::array<int, 3> kRed{255, 0, 0};
constexpr std::array<int, 3> kGreen{0, 255, 0};
constexpr std::array<int, 3> kBlue{0, 0, 255};
constexpr std::array<int, 3> kWhite{255, 255, 255};

TEST_F(VideoReaderTest, GivesEveryPictureInOrder) {
  const Frames frames = read_video(numbered("a.mp4", 40));
  ASSERT_EQ(frames.count, 40);
  EXPECT_EQ(frames.width, 64);
  EXPECT_EQ(frames.height, 48);
  EXPECT_EQ(frames.rgb.size(), std::size_t{40} * 64 * 48 * 3);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(number_of(frames, i), i);
}

TEST_F(VideoReaderTest, SaysWhatIsInTheFile) {
  VideoReader reader(numbered("a.mp4", 45, 15));
  EXPECT_EQ(reader.info().width, 64);
  EXPECT_EQ(reader.info().height, 48);
  EXPECT_DOUBLE_EQ(reader.info().fps, 15);
  EXPECT_NEAR(reader.info().seconds, 3, 1e-3);
  EXPECT_EQ(reader.info().codec, "h264");
  EXPECT_EQ(reader.expected_frames(), 45);
}

TEST_F(VideoReaderTest, LowersAndRaisesTheFrameRate) {
  const auto file = numbered("a.mp4", 60, 30);
  const Frames half = read_video(file, {.fps = 15});
  ASSERT_EQ(half.count, 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(number_of(half, i), 2 * i);
  const Frames twice = read_video(file, {.fps = 60});
  ASSERT_EQ(twice.count, 120);
  for (int i = 0; i < 120; ++i) EXPECT_EQ(number_of(twice, i), i / 2);
  const Frames odd = read_video(file, {.fps = 24});
  ASSERT_EQ(odd.count, 48);
  for (int i = 0; i < 48; ++i) EXPECT_EQ(number_of(odd, i), i * 5 / 4);
}

// Matroska rounds times to milliseconds: 30 pictures a second begin at 33, 67, 100 ms.
TEST_F(VideoReaderTest, RoundedTimesDoNotDisturbTheChoiceOfPictures) {
  const Frames half = read_video(numbered("a.mkv", 60, 30), {.fps = 15});
  ASSERT_EQ(half.count, 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(number_of(half, i), 2 * i);
}

TEST_F(VideoReaderTest, VariableFrameRateFollowsTheClock) {
  // Pictures 0..9 last 0.1 s, 10..19 last 0.4 s: 5 s in all.
  const auto file = ffmpeg(
      "-f lavfi -i \"nullsrc=size=64x48:rate=10,geq=lum=16+2*N:cb=128:cr=128,"
      "setpts='if(lt(N,10),N,10+(N-10)*4)'\" -frames:v 20 -vsync vfr -c:v libx264 "
      "-pix_fmt yuv420p -crf 4",
      "a.mp4");
  const Frames frames = read_video(file, {.fps = 10});
  ASSERT_GE(frames.count, 46);
  for (int i = 0; i < 46; ++i) EXPECT_EQ(number_of(frames, i), i < 10 ? i : 10 + (i - 10) / 4) << i;
  EXPECT_EQ(read_video(file).count, 20);
}

TEST_F(VideoReaderTest, CutsUseOnlySomePicturesOfTheFile) {
  const Frames frames = read_video(numbered("a.mp4", 60), {.cut_first = 20, .cut_end = 35});
  ASSERT_EQ(frames.count, 15);
  EXPECT_EQ(number_of(frames, 0), 20);
  EXPECT_EQ(number_of(frames, 14), 34);
}

TEST_F(VideoReaderTest, CoverShowsTheMiddle) {
  const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 3 -c:v libx264 -crf 4", "a.mp4");
  const Frames frames =
      read_video(file, {.size = {.resize = Resize::kCover, .width = 24, .height = 24}});
  EXPECT_EQ(frames.width, 24);
  EXPECT_EQ(frames.height, 24);
  expect_color(frames, 3, 3, kRed);
  expect_color(frames, 20, 3, kBlue);
  expect_color(frames, 3, 20, kGreen);
  expect_color(frames, 20, 20, kWhite);
}

TEST_F(VideoReaderTest, TurnsPicturesAsTheirMetadataSay) {
  const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 3 -c:v libx264 -crf 4", "a.mp4");
  // Colours in the corners, from top left on. This ffmpeg turns to the left by rotate=90.
  const std::array<std::array<std::array<int, 3>, 4>, 4> corners = {
      {{kRed, kBlue, kGreen, kWhite},
       {kBlue, kWhite, kRed, kGreen},
       {kWhite, kGreen, kBlue, kRed},
       {kGreen, kRed, kWhite, kBlue}}};
  for (int turns = 0; turns < 4; ++turns) {
    const auto turned =
        ffmpeg(fmt::format("-i '{}' -c copy -metadata:s:v:0 rotate={}", file.string(), 90 * turns),
               fmt::format("turned-{}.mp4", turns));
    const Frames frames = read_video(turned);
    ASSERT_EQ(frames.width, turns % 2 == 0 ? 64 : 48) << turns;
    ASSERT_EQ(frames.height, turns % 2 == 0 ? 48 : 64) << turns;
    expect_color(frames, 5, 5, corners[turns][0]);
    expect_color(frames, frames.width - 6, 5, corners[turns][1]);
    expect_color(frames, 5, frames.height - 6, corners[turns][2]);
    expect_color(frames, frames.width - 6, frames.height - 6, corners[turns][3]);
  }
}

// A JPEG of a camera that was held upright: EXIF orientation 6, turn right by 90 degrees.
TEST_F(VideoReaderTest, TurnsPhotographs) {
  const auto plain =
      ffmpeg(std::string(kFourColors) + "-frames:v 1 -q:v 1 -pix_fmt yuvj444p", "plain.jpg");
  std::string bytes = read_file(plain);
  const std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0"
      "MM\0\x2A\0\0\0\x08"
      "\0\x01"
      "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
      "\0\0\0\0",
      36);
  bytes.insert(2, exif);
  const Frames frames = read_video(write("turned.jpg", bytes));
  ASSERT_EQ(frames.count, 1);
  ASSERT_EQ(frames.width, 48);
  ASSERT_EQ(frames.height, 64);
  expect_color(frames, 5, 5, kGreen);
  expect_color(frames, 42, 5, kRed);
  expect_color(frames, 42, 58, kBlue);
}

TEST_F(VideoReaderTest, StretchesPixelsThatAreNotSquare) {
  const auto file = ffmpeg(
      "-f lavfi -i testsrc=size=64x48:rate=10:duration=0.3 -vf setsar=3/2 -c:v libx264", "a.mp4");
  const Frames frames = read_video(file);
  EXPECT_EQ(frames.width, 96);
  EXPECT_EQ(frames.height, 48);
}

TEST_F(VideoReaderTest, ImagesAreClipsOfOneFrame) {
  for (const char* name : {"a.png", "a.jpg", "a.webp", "a.bmp"}) {
    const auto file = ffmpeg(std::string(kFourColors) + "-frames:v 1", name);
    VideoReader reader(file, {.fps = 24});
    EXPECT_TRUE(reader.info().image) << name;
    EXPECT_EQ(reader.expected_frames(), 1);
    const Frames frames = read_video(file, {.fps = 24});
    EXPECT_EQ(frames.count, 1) << name;
    expect_color(frames, 10, 10, kRed);
    expect_color(frames, 50, 40, kWhite);
  }
}

TEST_F(VideoReaderTest, OneFrameVideosAndOddSizes) {
  EXPECT_EQ(read_video(numbered("one.mp4", 1)).count, 1);
  EXPECT_EQ(read_video(numbered("one.mp4", 1), {.fps = 24}).count, 1);
  for (const auto& [width, height] : {std::pair{33, 17}, {1, 1}, {7, 64}, {2, 3}, {641, 3}}) {
    const auto file = ffmpeg(fmt::format("-f lavfi -i testsrc=size={}x{}:rate=5:duration=0.6 "
                                         "-c:v ffv1 -pix_fmt yuv444p",
                                         width, height),
                             "odd.mkv");
    const Frames frames = read_video(file);
    EXPECT_EQ(frames.width, width);
    EXPECT_EQ(frames.height, height);
    EXPECT_EQ(frames.count, 3);
  }
}

// swscale writes past the end of some rows; never past the slack.
TEST_F(VideoReaderTest, StaysWithinItsSlack) {
  const auto file =
      ffmpeg("-f lavfi -i testsrc=size=70x50:rate=5:duration=0.2 -c:v libx264", "a.mp4");
  for (int width = 1; width <= 70; ++width) {
    for (const int height : {1, 2, 7, 16, 49, 50}) {
      VideoReader reader(file,
                         {.size = {.resize = Resize::kCover, .width = width, .height = height}});
      constexpr std::size_t kGuard = 256;
      std::vector<std::uint8_t> buffer(reader.frame_bytes() + VideoReader::kSlack + kGuard, 0xA5);
      ASSERT_TRUE(reader.next(buffer.data()));
      for (std::size_t i = buffer.size() - kGuard; i < buffer.size(); ++i) {
        ASSERT_EQ(buffer[i], 0xA5) << width << "x" << height << " byte " << i;
      }
    }
  }
}

TEST_F(VideoReaderTest, ColorsFollowTheMatrixOfTheFile) {
  for (const char* matrix : {"bt709", "smpte170m"}) {
    const auto file = ffmpeg(
        fmt::format("{} -frames:v 1 -vf scale=out_color_matrix={}:out_range=tv -colorspace {} "
                    "-color_range tv -c:v libx264 -crf 1 -pix_fmt yuv444p",
                    kFourColors, matrix, matrix),
        "a.mp4");
    const Frames frames = read_video(file);
    for (const auto& [x, y, color] :
         {std::tuple{10, 10, kRed}, {50, 10, kBlue}, {10, 40, kGreen}, {50, 40, kWhite}}) {
      const std::array<int, 3> seen = pixel(frames, x, y);
      for (int channel = 0; channel < 3; ++channel) {
        EXPECT_NEAR(seen[channel], color[channel], 4) << matrix;
      }
    }
  }
}

// Against ffmpeg's most careful scaler, for coarse and for full colour.
TEST_F(VideoReaderTest, ScalesWell) {
  for (const char* format : {"yuv420p", "yuv444p", "yuv420p10le", "gbrp"}) {
    const bool rgb = std::string_view(format) == "gbrp";
    const auto file =
        ffmpeg(fmt::format("-f lavfi -i testsrc2=size=320x240:rate=5:duration=0.4,gblur=1 -pix_fmt "
                           "{} -c:v {} -crf 1",
                           format, rgb ? "libx264rgb" : "libx264"),
               "a.mkv");
    for (const auto& [width, height] : {std::pair{160, 120}, {96, 72}, {400, 300}}) {
      const Frames ours =
          read_video(file, {.size = {.resize = Resize::kCover, .width = width, .height = height}});
      const Frames reference = read_video(
          ffmpeg(fmt::format("-i '{}' -vf scale={}:{}:flags=bicubic+accurate_rnd+full_chroma_int+"
                             "full_chroma_inp,format=gbrp -c:v ffv1",
                             file.string(), width, height),
                 "reference.mkv"));
      ASSERT_EQ(reference.width, width);
      ASSERT_EQ(reference.rgb.size(), ours.rgb.size());
      double square = 0;
      for (std::size_t i = 0; i < ours.rgb.size(); ++i) {
        square += std::pow(ours.rgb[i] - reference.rgb[i], 2);
      }
      const double psnr =
          10 * std::log10(255 * 255 / (square / static_cast<double>(ours.rgb.size()) + 1e-9));
      EXPECT_GT(psnr, 34) << format << " " << width << "x" << height;
    }
  }
}

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
      std::vector<std::uint8_t> rgb(reader.frame_bytes() + VideoReader::kSlack);
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
