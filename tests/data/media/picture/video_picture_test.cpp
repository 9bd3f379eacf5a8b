#include "data/media/picture/video_picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "data/media/video_reader.h"
#include "tests/data/media/picture_frames.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using Color = std::array<double, 3>;  // R'G'B' of 0 .. 1

constexpr Color kBars[8] = {{1, 1, 1},       {0.75, 0.75, 0}, {0, 0.75, 0.75}, {0, 0.75, 0},
                            {0.75, 0, 0.75}, {0.75, 0, 0},    {0, 0, 0.75},    {0.2, 0.5, 0.35}};
constexpr int kBarWidth = 16;

// Eight bars, in any planar format of YUV or RGB, alpha opaque.
TestFrame bars(AVPixelFormat format, AVColorSpace matrix, bool full_range, int height = 16) {
  const AVPixFmtDescriptor& about = *av_pix_fmt_desc_get(format);
  TestFrame frame = blank_frame(format, 8 * kBarWidth, height);
  const bool rgb = (about.flags & AV_PIX_FMT_FLAG_RGB) != 0;
  const int depth = about.comp[0].depth;
  for (int c = 0; c < about.nb_components; ++c) {
    const bool chroma = !rgb && (c == 1 || c == 2);
    for (int y = 0; y < height >> (chroma ? about.log2_chroma_h : 0); ++y) {
      for (int x = 0; x < 8 * kBarWidth >> (chroma ? about.log2_chroma_w : 0); ++x) {
        const Color& bar = kBars[(x << (chroma ? about.log2_chroma_w : 0)) / kBarWidth];
        const double top = (1 << depth) - 1;
        const double value = c == 3 ? top
                             : rgb  ? bar[c] * top
                                    : stored_yuv(bar, matrix, full_range, depth)[c];
        set_sample(*frame, c, x, y, static_cast<int>(std::lround(std::min(value, top))));
      }
    }
  }
  frame->colorspace = matrix;
  frame->color_range = full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  return frame;
}

void expect_bars(const std::vector<std::uint8_t>& rgb, int width, int height, double tolerance,
                 const std::string& what) {
  for (int bar = 0; bar < 8; ++bar) {
    const int x = (2 * bar + 1) * width / 16;
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(rgb[static_cast<std::size_t>(3 * (height / 2 * width + x) + c)],
                  255 * kBars[bar][c], tolerance)
          << what << ", bar " << bar << ", channel " << c;
    }
  }
}

TEST(VideoPicture, BarsOfEveryMatrixRangeDepthAndSubsamplingAreTheirColors) {
  for (const AVPixelFormat format :
       {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV411P,
        AV_PIX_FMT_YUV440P, AV_PIX_FMT_YUV410P, AV_PIX_FMT_NV12, AV_PIX_FMT_YUYV422,
        AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_P010LE, AV_PIX_FMT_YUV422P10LE, AV_PIX_FMT_YUV444P10LE,
        AV_PIX_FMT_YUV420P12LE, AV_PIX_FMT_YUV444P12LE, AV_PIX_FMT_YUV420P16LE,
        AV_PIX_FMT_YUVA444P16LE, AV_PIX_FMT_YUVA420P}) {
    for (const AVColorSpace matrix :
         {AVCOL_SPC_BT709, AVCOL_SPC_FCC, AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M,
          AVCOL_SPC_SMPTE240M, AVCOL_SPC_YCGCO, AVCOL_SPC_BT2020_NCL}) {
      for (const bool full_range : {false, true}) {
        const TestFrame frame = bars(format, matrix, full_range);
        frame->color_primaries = AVCOL_PRI_BT709;
        const std::string what = fmt::format("{} matrix {} {}", av_get_pix_fmt_name(format),
                                             static_cast<int>(matrix), full_range);
        // Three samples of 8 bits, each rounded by up to half a level, make a colour of YCgCo.
        const bool deep = av_pix_fmt_desc_get(format)->comp[0].depth > 8;
        const double tolerance = deep ? 1.01 : matrix == AVCOL_SPC_YCGCO ? 2.8 : 2;
        PictureConverter converter;
        expect_bars(converted(converter, *frame, whole_plan(128, 16)), 128, 16, tolerance, what);
        const PicturePlan smaller =
            plan_picture(128, 16, 1, {}, {.resize = Resize::kCover, .width = 64, .height = 8});
        expect_bars(converted(converter, *frame, smaller), 64, 8, tolerance, what + " scaled");
        EXPECT_TRUE(converter.notes().empty()) << what;
      }
    }
  }
}

TEST(VideoPicture, RgbAndGreyAreTakenAsTheyAre) {
  for (const AVPixelFormat format :
       {AV_PIX_FMT_RGB24, AV_PIX_FMT_BGR0, AV_PIX_FMT_GBRP, AV_PIX_FMT_ARGB, AV_PIX_FMT_GBRAP,
        AV_PIX_FMT_GBRP10LE, AV_PIX_FMT_RGB48LE, AV_PIX_FMT_RGBA64LE}) {
    PictureConverter converter;
    const TestFrame frame = bars(format, AVCOL_SPC_UNSPECIFIED, false);
    expect_bars(converted(converter, *frame, whole_plan(128, 16)), 128, 16, 0.6,
                av_get_pix_fmt_name(format));
    EXPECT_TRUE(converter.notes().empty());
  }
  const TestFrame grey = blank_frame(AV_PIX_FMT_GRAY8, 64, 64);
  std::memset(grey->data[0], 200, std::size_t{64} * static_cast<std::size_t>(grey->linesize[0]));
  PictureConverter converter;
  EXPECT_EQ(converted(converter, *grey, whole_plan(64, 64))[0], 200);
  grey->color_range = AVCOL_RANGE_MPEG;
  EXPECT_EQ(converted(converter, *grey, whole_plan(64, 64))[2], 214) << "(200 - 16) 255 / 219";
}

TEST(VideoPicture, ColorsDoNotDependOnCropOrSize) {
  const TestFrame frame = blank_frame(AV_PIX_FMT_YUV420P, 1280, 720);
  const std::array<double, 3> yuv = stored_yuv({0, 0.75, 0}, AVCOL_SPC_BT709, false, 8);
  for (int c = 0; c < 3; ++c) {
    std::memset(frame->data[c], static_cast<int>(std::lround(yuv[c])),
                static_cast<std::size_t>(frame->linesize[c]) * (c == 0 ? 720U : 360U));
  }
  PictureConverter converter;
  for (const SizeOptions& size :
       {SizeOptions{}, SizeOptions{.resize = Resize::kCover, .width = 256, .height = 144},
        SizeOptions{.resize = Resize::kCover, .width = 256, .height = 128},
        SizeOptions{.resize = Resize::kFit, .width = 832, .height = 480, .multiple = 16},
        SizeOptions{.multiple = 32}, SizeOptions{.crop = CropBox{100, 301, 51, 152}}}) {
    const PicturePlan plan = plan_picture(1280, 720, 1, {}, size);
    const std::vector<std::uint8_t> rgb = converted(converter, *frame, plan);
    EXPECT_NEAR(rgb[0], 0, 2);
    EXPECT_NEAR(rgb[1], 191, 2) << plan.width << "x" << plan.height;
    EXPECT_NEAR(rgb[2], 0, 2);
  }
  EXPECT_EQ(converter.notes(),
            (std::vector<std::string>{"colour matrix not marked: taken as BT.709 for the size"}));
}

TestFrame noise(AVPixelFormat format, int scale) {
  TestFrame frame = blank_frame(format, 70, 38);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < (plane == 0 ? 38 : 19); ++y) {
      for (int x = 0; x < (plane == 0 ? 70 : 35); ++x) {
        set_sample(*frame, plane, x, y, scale * (60 + (x * 37 + y * 91 + plane * 57) % 120));
      }
    }
  }
  frame->colorspace = AVCOL_SPC_BT709;
  return frame;
}

// The painter of 4:2:0 and zimg are two ways to one picture.
TEST(VideoPicture, BothWaysToRgbAgree) {
  for (const AVChromaLocation place :
       {AVCHROMA_LOC_LEFT, AVCHROMA_LOC_CENTER, AVCHROMA_LOC_TOPLEFT, AVCHROMA_LOC_TOP}) {
    const TestFrame painted = noise(AV_PIX_FMT_YUV420P, 1);
    const TestFrame graphed = noise(AV_PIX_FMT_YUV420P10LE, 4);
    painted->chroma_location = graphed->chroma_location = place;
    for (const SizeOptions& size : {SizeOptions{}, SizeOptions{.crop = CropBox{7, 60, 3, 30}}}) {
      const PicturePlan plan = plan_picture(70, 38, 1, {}, size);
      PictureConverter converter;
      const std::vector<std::uint8_t> a = converted(converter, *painted, plan);
      const std::vector<std::uint8_t> b = converted(converter, *graphed, plan);
      for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1) << place << " at " << i;
    }
  }
}

// Linear light of a BT.1886 screen, by the matrix of BT.2087.
TEST(VideoPicture, WidePrimariesAreConvertedInLinearLight) {
  constexpr double kTo709[3][3] = {{1.660491, -0.587641, -0.072850},
                                   {-0.124550, 1.132900, -0.008349},
                                   {-0.018151, -0.100579, 1.118730}};
  const TestFrame frame = bars(AV_PIX_FMT_YUV444P16LE, AVCOL_SPC_BT2020_NCL, false);
  frame->color_primaries = AVCOL_PRI_BT2020;
  frame->color_trc = AVCOL_TRC_BT2020_10;
  PictureConverter converter;
  const std::vector<std::uint8_t> rgb = converted(converter, *frame, whole_plan(128, 16));
  for (int bar = 0; bar < 8; ++bar) {
    for (int c = 0; c < 3; ++c) {
      double light = 0;
      for (int k = 0; k < 3; ++k) light += kTo709[c][k] * std::pow(kBars[bar][k], 2.4);
      EXPECT_NEAR(rgb[static_cast<std::size_t>(3 * (bar * kBarWidth + 8) + c)],
                  255 * std::pow(std::clamp(light, 0.0, 1.0), 1 / 2.4), 2)
          << "bar " << bar << " channel " << c;
    }
  }
  EXPECT_EQ(converter.notes(),
            (std::vector<std::string>{"colours converted from BT.2020 to BT.709"}));
}

TEST(VideoPicture, HdrGoesThroughTheToneMap) {
  for (const bool hlg : {false, true}) {
    const TestFrame frame = bars(AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT2020_NCL, false);
    frame->color_primaries = AVCOL_PRI_BT2020;
    frame->color_trc = hlg ? AVCOL_TRC_ARIB_STD_B67 : AVCOL_TRC_SMPTE2084;
    PictureConverter converter;
    const std::vector<std::uint8_t> rgb = converted(converter, *frame, whole_plan(128, 16));
    VideoNotes notes;
    const ToneMap map(colors_of(*frame, false, notes));
    for (int bar = 0; bar < 8; ++bar) {
      std::array<std::uint16_t, 3> signal{};
      for (int c = 0; c < 3; ++c) {
        signal[c] = static_cast<std::uint16_t>(std::lround(65535 * kBars[bar][c]));
      }
      std::array<std::uint8_t, 3> wanted{};
      map.map(&signal[0], &signal[1], &signal[2], 1, wanted.data());
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(rgb[static_cast<std::size_t>(3 * (bar * kBarWidth + 8) + c)], wanted[c], 4)
            << "bar " << bar << " channel " << c << " HLG " << hlg;
      }
    }
    EXPECT_EQ(converter.notes(), (std::vector<std::string>{fmt::format(
                                     "HDR ({}) tone-mapped to BT.709", hlg ? "HLG" : "PQ")}));
  }
}

// Left: nothing but a hidden green. Right: opaque red.
TestFrame half_hidden(AVPixelFormat format) {
  const AVPixFmtDescriptor& about = *av_pix_fmt_desc_get(format);
  TestFrame frame = blank_frame(format, 64, 32);
  const bool rgb = (about.flags & AV_PIX_FMT_FLAG_RGB) != 0;
  const bool grey = about.nb_components == 2;
  for (int c = 0; c < about.nb_components; ++c) {
    const bool alpha = c == about.nb_components - 1;
    const bool chroma = !rgb && !grey && (c == 1 || c == 2);
    for (int y = 0; y < 32 >> (chroma ? about.log2_chroma_h : 0); ++y) {
      for (int x = 0; x < 64 >> (chroma ? about.log2_chroma_w : 0); ++x) {
        const bool right = (x << (chroma ? about.log2_chroma_w : 0)) >= 32;
        const Color color = right ? Color{1, 0, 0} : Color{0, 1, 0};
        const double top = (1 << about.comp[0].depth) - 1;
        const double value =
            alpha  ? (right ? top : 0)
            : grey ? (right ? 0 : 0.5) * top
            : rgb  ? color[c] * top
                   : stored_yuv(color, AVCOL_SPC_SMPTE170M, false, about.comp[0].depth)[c];
        set_sample(*frame, c, x, y, static_cast<int>(std::lround(value)));
      }
    }
  }
  frame->colorspace = AVCOL_SPC_SMPTE170M;
  return frame;
}

TEST(VideoPicture, TransparentPartsLieOverWhite) {
  for (const AVPixelFormat format :
       {AV_PIX_FMT_RGBA, AV_PIX_FMT_GBRAP, AV_PIX_FMT_RGBA64LE, AV_PIX_FMT_YA8, AV_PIX_FMT_YA16LE,
        AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YUVA444P, AV_PIX_FMT_YUVA444P10LE,
        AV_PIX_FMT_YUVA422P12LE}) {
    const std::string name = av_get_pix_fmt_name(format);
    const TestFrame frame = half_hidden(format);
    PictureConverter converter;
    for (const int width : {64, 24, 90}) {
      const PicturePlan plan = plan_picture(
          64, 32, 1, {}, {.resize = Resize::kCover, .width = width, .height = width / 2});
      const std::vector<std::uint8_t> rgb = converted(converter, *frame, plan);
      const std::uint8_t* row = rgb.data() + 3 * (width / 4) * width;
      const double red = name.starts_with("ya") ? 0 : 255;
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(row[3 * 4 + c], 255) << name;
        EXPECT_NEAR(row[3 * (width - 4) + c], c == 0 ? red : 0, 3) << name;
      }
      // Where both meet nothing of the hidden green is seen: green is never more than red.
      for (int x = 0; x < width && name.starts_with("rgb"); ++x) {
        EXPECT_LE(row[3 * x + 1], row[3 * x] + 2) << name << " " << width << " at " << x;
      }
    }
    EXPECT_EQ(converter.notes(), (std::vector<std::string>{"transparent parts laid over white"}))
        << name;
  }
}

TEST(VideoPicture, OpaqueAlphaIsNotWorthANote) {
  PictureConverter converter;
  converted(converter, *bars(AV_PIX_FMT_RGBA, AVCOL_SPC_RGB, true), whole_plan(128, 16));
  EXPECT_TRUE(converter.notes().empty());
}

TEST(VideoPicture, MultipliedColorsAreNotMultipliedAgain) {
  const TestFrame frame = blank_frame(AV_PIX_FMT_RGBA, 64, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      set_sample(*frame, 0, x, y, 100);
      set_sample(*frame, 3, x, y, 155);
    }
  }
  PictureConverter straight, multiplied({.premultiplied = true});
  EXPECT_NEAR(converted(straight, *frame, whole_plan(64, 64))[0], 100 * 155 / 255 + 100, 1);
  EXPECT_NEAR(converted(multiplied, *frame, whole_plan(64, 64))[0], 200, 1);
}

// A stream may change its size, format and colours: each picture is that of a new converter.
TEST(VideoPicture, FollowsChangesFromPictureToPicture) {
  std::vector<TestFrame> frames;
  frames.push_back(bars(AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, false));
  frames.push_back(bars(AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, true));
  frames.push_back(bars(AV_PIX_FMT_YUV444P10LE, AVCOL_SPC_BT709, false, 40));
  frames.push_back(bars(AV_PIX_FMT_RGBA, AVCOL_SPC_RGB, true, 24));
  PictureConverter converter;
  for (const int index : {0, 1, 2, 3, 2, 1, 0, 3, 0}) {
    const AVFrame& frame = *frames[index];
    const PicturePlan plan = plan_picture(frame.width, frame.height, 1, {},
                                          {.resize = Resize::kCover, .width = 128, .height = 16});
    PictureConverter fresh;
    EXPECT_EQ(converted(converter, frame, plan), converted(fresh, frame, plan)) << index;
  }
}

class VideoPictureFiles : public MediaFolder {
 protected:
  // ffmpeg's own conversion by what the file says, through zscale.
  Frames by_ffmpeg(const std::filesystem::path& file) const {
    return read_video(ffmpeg(
        fmt::format("-i '{}' -vf zscale=m=gbr:r=pc:f=bilinear,format=gbrp -frames:v 1 -c:v ffv1",
                    file.string()),
        "reference.mkv"));
  }
};

TEST_F(VideoPictureFiles, TaggedBarsAreWhatFfmpegShows) {
  int files = 0;
  for (const auto& [zscale, tag] :
       {std::pair{1, "bt709"}, {6, "smpte170m"}, {7, "smpte240m"}, {9, "bt2020nc"}}) {
    for (const char* format : {"yuv420p", "yuv422p10le", "yuv444p12le"}) {
      const bool full = ++files % 2 == 0;
      const auto file =
          ffmpeg(fmt::format("-f lavfi -i smptebars=s=128x96:r=1:d=1 -vf "
                             "format=gbrp,zscale=m={}:r={},format={} -frames:v 1 -colorspace {} "
                             "-color_range {} -color_primaries bt709 -color_trc bt709 -c:v ffv1",
                             zscale, full ? "pc" : "tv", format, tag, full ? "pc" : "tv"),
                 "a.mkv");
      const Frames ours = read_video(file);
      const Frames theirs = by_ffmpeg(file);
      ASSERT_EQ(ours.rgb.size(), theirs.rgb.size());
      int worst = 0;
      for (std::size_t i = 0; i < ours.rgb.size(); ++i) {
        worst = std::max(worst, std::abs(ours.rgb[i] - theirs.rgb[i]));
      }
      EXPECT_LE(worst, 3) << tag << " " << format << (full ? " full" : " limited");
    }
  }
}

// The background is hidden green in every form; what covers it is opaque red.
TEST_F(VideoPictureFiles, EveryFormWithAlphaIsLaidOverWhite) {
  const std::string source =
      "-f lavfi -i \"color=lime:s=64x64:r=5:d=0.4,format=rgba,"
      "geq=r='if(gt(X,31),255,0)':g='if(gt(X,31),0,255)':b=0:a='if(gt(X,31),255,0)'\" ";
  for (const auto& [name, how] :
       {std::pair{"a.png", "-frames:v 1 -pix_fmt rgba"},
        {"a16.png", "-frames:v 1 -pix_fmt rgba64be"},
        {"a.webp", "-frames:v 1 -pix_fmt bgra -lossless 1"},
        {"lossy.webp", "-frames:v 1 -pix_fmt yuva420p -quality 98"},
        {"a.tif", "-frames:v 1 -pix_fmt rgba"},
        {"a.apng", "-pix_fmt rgba -f apng"},
        {"qtrle.mov", "-c:v qtrle -pix_fmt argb"},
        {"prores.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"},
        {"ffv1.mkv", "-c:v ffv1 -pix_fmt yuva420p"},
        {"vp9.webm", "-c:v libvpx-vp9 -pix_fmt yuva420p -crf 4 -b:v 0"},
        {"vp8.webm", "-c:v libvpx -auto-alt-ref 0 -pix_fmt yuva420p -crf 4 -b:v 2M"},
        {"png.mov", "-c:v png -pix_fmt rgba"}}) {
    const Frames frames = read_video(ffmpeg(source + how, name));
    const std::uint8_t* row = frames.frame(0) + 3 * 32 * 64;
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(row[3 * 8 + c], 255, 2) << name << " channel " << c;
      EXPECT_NEAR(row[3 * 56 + c], c == 0 ? 255 : 0, 6) << name << " channel " << c;
    }
  }
}

// libav tells tags of TIFF that it does not know as damage; lost pixels are damage.
TEST_F(VideoPictureFiles, TiffWithUnknownTagsIsReadAndTruncatedTiffIsNot) {
  std::string bytes =
      read_file(ffmpeg("-f lavfi -i testsrc=s=48x32:r=1,noise=alls=60 -frames:v 1 -pix_fmt rgb24 "
                       "-compression_algo deflate",
                       "a.tif"));
  const Frames known = read_video(path("a.tif"));
  // The tag of the software (305, a text) becomes one that nobody knows.
  const std::size_t tag = bytes.find(std::string("\x31\x01\x02\x00", 4));
  ASSERT_NE(tag, std::string::npos);
  bytes[tag] = '\x77';
  bytes[tag + 1] = '\x77';
  EXPECT_EQ(read_video(write("b.tif", bytes)).rgb, known.rgb);
  for (std::size_t part = 1; part < 8; ++part) {
    EXPECT_THROW(read_video(write("c.tif", bytes.substr(0, bytes.size() * part / 8))), Error);
  }
  bytes.replace(bytes.size() / 3, 60, 60, '\xFF');  // in the compressed pixels
  EXPECT_THROW(read_video(write("d.tif", bytes)), Error);
}

}  // namespace
}  // namespace muybridge
