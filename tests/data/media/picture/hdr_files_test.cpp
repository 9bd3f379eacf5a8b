// HDR as it comes, encoded and tagged, against the reference of make_tone_map_golden.py.
#include <gmock/gmock.h>

#include <iterator>

#include "data/media/video_reader.h"
#include "tests/data/media/tone_map_golden.h"
#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

using ::testing::Contains;

constexpr int kBlock = 16;    // pixels a side
constexpr int kColumns = 10;  // blocks

class HdrFiles : public MediaFolder {
 protected:
  static std::vector<ToneMapGolden> golden_of(bool hlg) {
    std::vector<ToneMapGolden> result;
    for (const ToneMapGolden& golden : kToneMapGolden)
      if (golden.hlg == hlg) result.push_back(golden);
    return result;
  }

  static int rows_of(const std::vector<ToneMapGolden>& blocks) {
    return (static_cast<int>(blocks.size()) + kColumns - 1) / kColumns;
  }

  // The signals as blocks, R'G'B' of 16 bits.
  std::filesystem::path raw(const std::vector<ToneMapGolden>& blocks) const {
    std::string bytes;
    for (int y = 0; y < kBlock * rows_of(blocks); ++y) {
      for (int x = 0; x < kBlock * kColumns; ++x) {
        const int number = y / kBlock * kColumns + x / kBlock;
        const auto block = static_cast<std::size_t>(number);
        for (int c = 0; c < 3; ++c) {
          const double signal = block < blocks.size() ? blocks[block].signal[c] : 0;
          const auto value = static_cast<unsigned>(std::lround(65535 * signal));
          bytes += {static_cast<char>(value & 255U), static_cast<char>(value >> 8U)};
        }
      }
    }
    return write("signals.rgb48", bytes);
  }
};

TEST_F(HdrFiles, EncodedBlocksAreWhatTheReferenceShows) {
  for (const bool hlg : {false, true}) {
    const std::vector<ToneMapGolden> blocks = golden_of(hlg);
    ASSERT_GT(blocks.size(), 50U);
    const auto source = raw(blocks);
    // A step of 10 bits is more than 5 levels where a channel is at the edge of BT.709.
    for (const auto& [name, codec, tolerance] :
         {std::tuple{"a.mkv", "-c:v ffv1 -pix_fmt yuv420p12le", 5},
          {"a.mp4", "-c:v libx265 -x265-params log-level=none:lossless=1 -pix_fmt yuv420p10le", 6},
          {"a.mov", "-c:v prores_ks -profile:v 4 -qscale:v 1 -pix_fmt yuv444p10le", 6}}) {
      const char* transfer = hlg ? "arib-std-b67" : "smpte2084";
      const auto file = ffmpeg(
          fmt::format("-f rawvideo -pix_fmt rgb48le -s {}x{} -r 25 -i '{}' -vf "
                      "format=gbrp16,zscale=min=gbr:rin=pc:m=2020_ncl:r=tv,setparams=color_trc={}:"
                      "color_primaries=bt2020:colorspace=bt2020nc:range=tv -colorspace bt2020nc "
                      "-color_primaries bt2020 -color_trc {} -color_range tv {}",
                      kBlock * kColumns, kBlock * rows_of(blocks), source.string(), transfer,
                      transfer, codec),
          name);
      VideoReader reader(file);
      std::vector<std::uint8_t> rgb(reader.frame_bytes());
      ASSERT_TRUE(reader.next(rgb.data())) << name;
      for (std::size_t block = 0; block < blocks.size(); ++block) {
        const std::size_t x = kBlock * (block % kColumns) + kBlock / 2;
        const std::size_t y = kBlock * (block / kColumns) + kBlock / 2;
        for (std::size_t c = 0; c < 3; ++c) {
          EXPECT_NEAR(rgb[3 * (y * kBlock * kColumns + x) + c], blocks[block].shown[c], tolerance)
              << name << " " << transfer << " block " << block << " channel " << c;
        }
      }
      EXPECT_THAT(reader.notes(),
                  Contains(fmt::format("HDR ({}) tone-mapped to BT.709", hlg ? "HLG" : "PQ")));
    }
  }
}

}  // namespace
}  // namespace muybridge
