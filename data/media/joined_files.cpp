#include "data/media/joined_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace muybridge {
namespace {

using namespace std::string_view_literals;

constexpr int kMostBoxes = 1 << 20;
constexpr std::int64_t kNear = 64;  // bytes by which libav's places of packets are off

// How a file begins, of the containers of which libav reads the first only. A dot is any byte.
struct Beginning {
  std::string_view format;
  std::string_view bytes;
};
constexpr Beginning kBeginnings[] = {
    {"flv", "FLV\1.\0\0\0\x09"sv},
    {"asf", "\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA\0\x62\xCE\x6C"sv},
    {"gif", "GIF8.a"sv},
    {"apng", "\x89PNG\r\n\x1A\n"sv},
    {"mxf", "\x06\x0E\x2B\x34\x02\x05\x01\x01\x0D\x01\x02\x01\x01\x02"sv},
    {"nut", "nut/multimedia container\0"sv},
    {"ivf", "DKIF\0\0\x20\0"sv},
    {"rm", ".RMF\0\0\0"sv},
    {"yuv4mpegpipe", "YUV4MPEG2 "sv},
    {"wtv", "\xB7\xD8\0\x20\x37\x49\xDA\x11\xA6\x4E\0\x07\xE9\x5E\xAD\x8D"sv},
};

std::uint64_t big_endian(const std::uint8_t* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | at[i];
  return value;
}

bool matches(std::string_view bytes, std::string_view beginning) {
  return bytes.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), bytes.begin(),
                    [](char wanted, char there) { return wanted == '.' || wanted == there; });
}

const Beginning* beginning_of(std::string_view format) {
  const auto* kind = std::ranges::find(kBeginnings, format, &Beginning::format);
  return kind == std::end(kBeginnings) ? nullptr : kind;
}

// The first place in [begin, end), but not 0, where `beginning` is.
std::optional<std::int64_t> search(const VideoFile& file, std::string_view beginning,
                                   std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kBlock = std::int64_t{1} << 20;
  const auto length = static_cast<std::int64_t>(beginning.size());
  end = std::min(end, file.size() - length + 1);
  std::vector<char> block;
  for (std::int64_t place = std::max<std::int64_t>(begin, 1); place < end; place += kBlock) {
    block.resize(static_cast<std::size_t>(std::min(kBlock, end - place) + length - 1));
    if (!file.read_at(static_cast<std::uint64_t>(place), block.data(), block.size())) break;
    const std::string_view bytes(block.data(), block.size());
    for (std::size_t i = 0; i + beginning.size() <= bytes.size(); ++i) {
      if (matches(bytes.substr(i), beginning)) return place + static_cast<std::int64_t>(i);
    }
  }
  return std::nullopt;
}

// Its header says how long it is.
std::optional<std::int64_t> second_flash(const VideoFile& file) {
  std::array<std::uint8_t, 8> head{};
  if (!file.read_at(0, head.data(), head.size()) || head[0] != 'F') return std::nullopt;
  std::int64_t length = 0;
  for (std::size_t i = 8; i-- > 4;) length = length << 8 | head[i];
  return search(file, "FWS"sv, length, length + 1);
}

}  // namespace

MovieParts movie_parts(const VideoFile& file) {
  std::uint64_t at = 0;
  bool header = false;  // of the first movie, and
  bool media = false;   // pictures, were seen
  for (int box = 0; box < kMostBoxes; ++box) {
    std::array<std::uint8_t, 16> head{};
    if (!file.read_at(at, head.data(), 8)) return {};
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    if (box == 0 && type != "ftyp" && type != "moov" && type != "mdat" && type != "wide" &&
        type != "free" && type != "skip") {
      return {};
    }
    if (header && media && (type == "ftyp" || type == "moov")) {
      return {.second = static_cast<std::int64_t>(at)};
    }
    header = header || type == "moov";
    media = media || type == "mdat";
    std::uint64_t size = big_endian(head.data(), 4);
    if (size == 1 && file.read_at(at, head.data(), 16)) size = big_endian(head.data() + 8, 8);
    if (size < 8) return {};
    if (size > static_cast<std::uint64_t>(file.size()) - at) return {.torn = true};
    at += size;
  }
  return {};
}

std::optional<std::int64_t> second_file(const VideoFile& file, std::string_view format,
                                        std::int64_t from) {
  if (format == "swf") return second_flash(file);
  const Beginning* kind = beginning_of(format);
  return kind == nullptr ? std::nullopt : search(file, kind->bytes, from - kNear, file.size());
}

bool is_second_file(const VideoFile& file, const AVPacket& packet, std::string_view format,
                    std::int64_t last_dts) {
  if (format == "mxf") {
    return last_dts != AV_NOPTS_VALUE && (packet.dts <= last_dts || packet.pts < packet.dts);
  }
  if (format != "nut" || packet.pos < kNear) return false;
  return search(file, beginning_of(format)->bytes, packet.pos - kNear, packet.pos + kNear)
      .has_value();
}

}  // namespace muybridge
