#include "data/media/picture/image_facts.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace muybridge {
namespace {

constexpr int kMostParts = 4096;  // chunks or boxes that are looked at

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::uint32_t big(const std::uint8_t* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

std::uint32_t little(const std::uint8_t* bytes, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

template <std::size_t N>
bool starts(const std::array<std::uint8_t, N>& bytes, std::string_view text, std::size_t at = 0) {
  return std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// The tags of TIFF that matter here.
enum Tag : unsigned {
  kCompression = 259,
  kOrientation = 274,
  kTileWidth = 322,
  kExtraSamples = 338,
  kDngVersion = 50706,
};

// The first directory of a TIFF file, or of EXIF, which is one, that begins at `base`.
ImageFacts tiff_facts(const ReadAt& read, std::uint64_t base) {
  std::array<std::uint8_t, 12> bytes{};
  if (!read(base, bytes.data(), 8)) return {};
  const bool intel = starts(bytes, "II");
  if (!intel && !starts(bytes, "MM")) return {};
  const auto number = intel ? &little : &big;
  if (number(bytes.data() + 2, 2) != 42) return {};
  std::uint64_t at = base + number(bytes.data() + 4, 4);
  if (!read(at, bytes.data(), 2)) return {};
  const unsigned tags = number(bytes.data(), 2);
  at += 2;

  ImageFacts facts;
  bool tiles = false, jpeg = false, dng = false;
  for (unsigned i = 0; i < tags && read(at, bytes.data(), 12); ++i, at += 12) {
    constexpr unsigned kShort = 3, kLong = 4;
    const unsigned type = number(bytes.data() + 2, 2);
    const unsigned count = number(bytes.data() + 4, 4);
    const bool one = count == 1 && (type == kShort || type == kLong);
    const unsigned value = one ? number(bytes.data() + 8, type == kShort ? 2 : 4) : 0;
    switch (number(bytes.data(), 2)) {
      case kOrientation:
        facts.orientation = exif_orientation(value);
        break;
      case kCompression:
        jpeg = value == 6 || value == 7;
        break;
      case kTileWidth:
        tiles = true;
        break;
      case kExtraSamples:
        facts.premultiplied = value == 1;
        break;
      case kDngVersion:
        dng = true;
        break;
      default:
        break;
    }
  }
  if (!dng && (tiles || jpeg)) {
    facts.unreadable = fmt::format(
        "TIFF {} cannot be read; save it as TIFF in strips, with LZW or Deflate, or as PNG",
        tiles ? "in tiles" : "of JPEG data");
  }
  return facts;
}

// EXIF may begin with the mark that it has in JPEG.
Orientation exif_at(const ReadAt& read, std::uint64_t at) {
  std::array<std::uint8_t, 6> mark{};
  if (!read(at, mark.data(), mark.size())) return {};
  return tiff_facts(read, starts(mark, std::string_view("Exif\0\0", 6)) ? at + 6 : at).orientation;
}

ImageFacts png_facts(const ReadAt& read) {
  ImageFacts facts;
  std::array<std::uint8_t, 12> head{};
  std::uint64_t at = 8;
  for (int i = 0; i < kMostParts && read(at, head.data(), head.size()); ++i) {
    if (starts(head, "acTL", 4)) facts.one_picture = big(head.data() + 8, 4) == 1;
    if (starts(head, "eXIf", 4)) facts.orientation = exif_at(read, at + 8);
    if (starts(head, "eXIf", 4) || starts(head, "IEND", 4)) break;
    at += 12 + std::uint64_t{big(head.data(), 4)};
  }
  return facts;
}

// The bytes of a table of colours, by the flags of what it belongs to.
std::uint64_t gif_table(std::uint8_t flags) {
  return (flags & 0x80) != 0 ? std::uint64_t{3} << ((flags & 7) + 1) : 0;
}

// Behind the blocks of up to 255 bytes that begin there; nothing where they do not end.
std::optional<std::uint64_t> behind_gif_blocks(const ReadAt& read, std::uint64_t at) {
  constexpr int kMostBlocks = 1 << 18;  // 64 MB
  std::uint8_t bytes = 0;
  for (int i = 0; i < kMostBlocks && read(at, &bytes, 1); ++i) {
    at += std::uint64_t{1} + bytes;
    if (bytes == 0) return at;
  }
  return std::nullopt;
}

// GIF89a, sections 18 to 27: whether a second picture follows the first.
ImageFacts gif_facts(const ReadAt& read) {
  std::array<std::uint8_t, 13> screen{};
  if (!read(0, screen.data(), screen.size())) return {};
  std::uint64_t at = screen.size() + gif_table(screen[10]);
  int pictures = 0;
  std::array<std::uint8_t, 10> head{};
  for (int i = 0; i < kMostParts && read(at, head.data(), 1); ++i) {
    if (head[0] == 0x3B) return {.orientation{}, .one_picture = pictures == 1};
    std::optional<std::uint64_t> next;
    if (head[0] == 0x21) {
      next = behind_gif_blocks(read, at + 2);
    } else if (head[0] == 0x2C && ++pictures == 1 && read(at, head.data(), head.size())) {
      next = behind_gif_blocks(read, at + head.size() + gif_table(head[9]) + 1);
    }
    if (!next) return {};
    at = *next;
  }
  return {};
}

ImageFacts webp_facts(const ReadAt& read) {
  ImageFacts facts;
  std::array<std::uint8_t, 8> head{};
  std::uint64_t at = 12;
  for (int i = 0; i < kMostParts && read(at, head.data(), 8); ++i) {
    if (starts(head, "ANIM")) {
      facts.unreadable = "an animated WebP cannot be read; save it as GIF, APNG or a video";
    }
    if (starts(head, "EXIF")) {
      facts.orientation = exif_at(read, at + 8);
      break;
    }
    const std::uint64_t size = little(head.data() + 4, 4);
    at += 8 + size + size % 2;
  }
  return facts;
}

// The content of the first box of a name in a range of boxes (ISO/IEC 14496-12).
std::optional<Range> box(const ReadAt& read, Range in, std::string_view name) {
  std::array<std::uint8_t, 8> head{};
  for (int i = 0; i < kMostParts && in.begin + 8 <= in.end; ++i) {
    if (!read(in.begin, head.data(), 8)) return std::nullopt;
    const std::uint64_t size = big(head.data(), 4);
    if (size < 8 || in.begin + size > in.end) return std::nullopt;
    if (starts(head, name, 4)) return Range{in.begin + 8, in.begin + size};
    in.begin += size;
  }
  return std::nullopt;
}

// A property box of AVIF, applied after those before it.
Orientation turned_by(const ReadAt& read, Range property, std::string_view name, Orientation now) {
  std::uint8_t value = 0;
  if (property.begin >= property.end || !read(property.begin, &value, 1)) return now;
  if (name == "irot") {  // quarter turns against the clock
    now.quarter_turns = (now.quarter_turns + 4 - value % 4) % 4;
  } else {  // imir: 0 exchanges top and bottom, 1 left and right
    // A mirror after a turn is the turn backwards after a mirror.
    now.mirror = !now.mirror;
    now.quarter_turns = (4 - now.quarter_turns + (value % 2 == 0 ? 2 : 0)) % 4;
  }
  return now;
}

// ISO/IEC 23008-12: the primary item's properties, in the order of its associations.
ImageFacts avif_facts(const ReadAt& read) {
  std::array<std::uint8_t, 12> head{};
  if (!read(0, head.data(), 8)) return {};
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;
  const auto meta = box(read, {big(head.data(), 4), kMostBytes}, "meta");
  if (!meta) return {};
  const Range in_meta{meta->begin + 4, meta->end};
  const auto primary = box(read, in_meta, "pitm");
  const auto properties = box(read, in_meta, "iprp");
  if (!primary || !properties) return {};
  const auto container = box(read, *properties, "ipco");
  const auto links = box(read, *properties, "ipma");
  if (!container || !links) return {};

  if (!read(primary->begin, head.data(), 8)) return {};
  const unsigned item = head[0] == 0 ? big(head.data() + 4, 2) : big(head.data() + 4, 4);

  ImageFacts facts;
  struct Property {
    std::array<char, 4> name;
    Range content;
  };
  std::vector<Property> all;
  for (Range left = *container; left.begin + 8 <= left.end && all.size() < 256;) {
    if (!read(left.begin, head.data(), 8)) return {};
    const std::uint64_t size = big(head.data(), 4);
    if (size < 8 || left.begin + size > left.end) return {};
    Property found{{}, {left.begin + 8, left.begin + size}};
    std::memcpy(found.name.data(), head.data() + 4, 4);
    all.push_back(found);
    // Its alpha is a second picture that libav leaves aside: what it hides would be seen.
    constexpr std::string_view kAlpha = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha";
    std::array<std::uint8_t, 4 + kAlpha.size()> kind{};
    if (starts(head, "auxC", 4) && read(left.begin + 8, kind.data(), kind.size()) &&
        starts(kind, kAlpha, 4)) {
      facts.unreadable = "AVIF with transparent parts cannot be read; save it as PNG or WebP";
    }
    left.begin += size;
  }

  if (!read(links->begin, head.data(), 8)) return {};
  const bool wide_items = head[0] != 0;
  const bool wide_links = (head[3] & 1) != 0;
  const std::uint32_t entries = big(head.data() + 4, 4);
  std::uint64_t at = links->begin + 8;
  for (std::uint32_t entry = 0; entry < entries && entry < kMostParts; ++entry) {
    const int id_bytes = wide_items ? 4 : 2;
    if (!read(at, head.data(), static_cast<std::size_t>(id_bytes) + 1)) return {};
    const bool ours = big(head.data(), id_bytes) == item;
    const unsigned count = head[static_cast<std::size_t>(id_bytes)];
    at += static_cast<std::uint64_t>(id_bytes) + 1;
    Orientation& result = facts.orientation;
    for (unsigned i = 0; i < count; ++i, at += wide_links ? 2 : 1) {
      if (!ours) continue;
      if (!read(at, head.data(), wide_links ? 2 : 1)) return {};
      const unsigned index = wide_links ? big(head.data(), 2) & 0x7FFF : head[0] & 0x7FU;
      if (index == 0 || index > all.size()) continue;
      const Property& property = all[index - 1];
      const std::string_view name(property.name.data(), 4);
      if (name == "irot" || name == "imir")
        result = turned_by(read, property.content, name, result);
    }
    if (ours) break;
  }
  return facts;
}

}  // namespace

Orientation exif_orientation(unsigned value) {
  constexpr std::array<Orientation, 8> kMeaning = {
      {{0, false}, {0, true}, {2, false}, {2, true}, {3, true}, {1, false}, {1, true}, {3, false}}};
  return value >= 1 && value <= 8 ? kMeaning[value - 1] : Orientation{};
}

ImageFacts image_facts(const ReadAt& read) {
  std::array<std::uint8_t, 12> head{};
  if (!read(0, head.data(), head.size())) return {};
  if (starts(head, "\x89PNG\r\n\x1A\n")) return png_facts(read);
  if (starts(head, "RIFF") && starts(head, "WEBP", 8)) return webp_facts(read);
  if (starts(head, "II") || starts(head, "MM")) return tiff_facts(read, 0);
  if (starts(head, "GIF8")) return gif_facts(read);
  if (starts(head, "ftypavif", 4)) {
    ImageFacts facts = avif_facts(read);
    facts.one_picture = true;
    return facts;
  }
  return {};
}

}  // namespace muybridge
