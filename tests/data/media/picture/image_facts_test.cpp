#include "data/media/picture/image_facts.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace muybridge {
namespace {

using namespace std::string_literals;

ImageFacts facts_of(const std::string& file, int* reads = nullptr) {
  return image_facts([&](std::uint64_t at, void* out, std::size_t bytes) {
    if (reads != nullptr) ++*reads;
    if (at > file.size() || bytes > file.size() - at) return false;
    std::memcpy(out, file.data() + at, bytes);
    return true;
  });
}

std::string number(unsigned value, int bytes, bool intel) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (intel ? i : bytes - 1 - i);
    text += static_cast<char>(value >> shift);
  }
  return text;
}

struct Tag {
  unsigned id;
  unsigned value;
  unsigned type = 3;
};

// A TIFF directory without a picture, which is what EXIF is.
std::string tiff(bool intel, const std::vector<Tag>& tags) {
  std::string text = (intel ? "II"s : "MM"s) + number(42, 2, intel) + number(8, 4, intel) +
                     number(static_cast<unsigned>(tags.size()), 2, intel);
  for (const Tag& tag : tags) {
    const int bytes = tag.type == 3 ? 2 : 4;
    text += number(tag.id, 2, intel) + number(tag.type, 2, intel) + number(1, 4, intel) +
            number(tag.value, bytes, intel) + std::string(static_cast<std::size_t>(4 - bytes), 0);
  }
  return text + number(0, 4, intel);
}

std::string png(const std::string& exif) {
  const auto chunk = [](const std::string& name, const std::string& content) {
    return number(static_cast<unsigned>(content.size()), 4, false) + name + content + "crc."s;
  };
  return "\x89PNG\r\n\x1A\n"s + chunk("IHDR", std::string(13, 1)) + chunk("IDAT", "pixels") +
         chunk("eXIf", exif) + chunk("IEND", "");
}

std::string webp(const std::string& exif) {
  const auto chunk = [](const std::string& name, const std::string& content) {
    return name + number(static_cast<unsigned>(content.size()), 4, true) + content +
           std::string(content.size() % 2, 0);
  };
  return "RIFF????WEBP"s + chunk("VP8X", std::string(10, 0)) + chunk("VP8L", "odd") +
         chunk("EXIF", exif);
}

std::string box(const std::string& name, const std::string& content) {
  return number(static_cast<unsigned>(content.size()) + 8, 4, false) + name + content;
}

// Item 2 is the picture; it has the second and third property. Item 1 has the first.
std::string avif(const std::string& first, const std::string& second, const std::string& third) {
  const std::string links = "\0\0\0\0"s + number(2, 4, false) + "\0\1\1\x81"s + "\0\2\2\x82\x83"s;
  return box("ftyp", "avif\0\0\0\0mif1"s) +
         box("meta", "\0\0\0\0"s + box("hdlr", "....") + box("pitm", "\0\0\0\0\0\2"s) +
                         box("iprp", box("ipco", first + second + third) + box("ipma", links))) +
         box("mdat", "pixels");
}

TEST(ImageFacts, OrientationIsReadInEveryForm) {
  for (unsigned value = 1; value <= 8; ++value) {
    const Orientation wanted = exif_orientation(value);
    for (const bool intel : {false, true}) {
      const std::string exif = tiff(intel, {{256, 7}, {274, value}, {305, 9}});
      EXPECT_EQ(facts_of(exif).orientation, wanted) << value;
      EXPECT_EQ(facts_of(png(exif)).orientation, wanted) << value;
      EXPECT_EQ(facts_of(webp(exif)).orientation, wanted) << value;
      EXPECT_EQ(facts_of(webp("Exif\0\0"s + exif)).orientation, wanted) << value;
      EXPECT_EQ(facts_of(tiff(intel, {{274, value, 4}})).orientation, wanted) << value;
    }
  }
}

// ISO/IEC 23008-12 turns against the clock and mirrors in the order that the file gives.
TEST(ImageFacts, TheTransformsOfAvifFollowEachOther) {
  const std::string none = box("pixi", "....");
  const auto turn = [](char quarters) { return box("irot", std::string(1, quarters)); };
  const auto mirror = [](char axis) { return box("imir", std::string(1, axis)); };
  EXPECT_EQ(facts_of(avif(none, none, turn(1))).orientation, (Orientation{3, false}));
  EXPECT_EQ(facts_of(avif(none, turn(3), none)).orientation, (Orientation{1, false}));
  EXPECT_EQ(facts_of(avif(none, mirror(1), none)).orientation, (Orientation{0, true}));
  EXPECT_EQ(facts_of(avif(none, mirror(0), none)).orientation, (Orientation{2, true}));
  // Turned, then top and bottom exchanged.
  EXPECT_EQ(facts_of(avif(none, turn(1), mirror(0))).orientation, exif_orientation(5));
  EXPECT_EQ(facts_of(avif(none, turn(3), mirror(0))).orientation, exif_orientation(7));
  EXPECT_EQ(facts_of(avif(turn(1), none, none)).orientation, Orientation{}) << "another item's";
}

TEST(ImageFacts, NonsenseIsStraight) {
  for (const unsigned value : {0U, 9U, 65535U}) {
    EXPECT_EQ(facts_of(tiff(true, {{274, value}})).orientation, Orientation{});
  }
  EXPECT_EQ(facts_of(tiff(true, {{274, 6, 2}})).orientation, Orientation{}) << "text";
  EXPECT_EQ(facts_of("").orientation, Orientation{});
  EXPECT_EQ(facts_of("GIF89a, and more of it").orientation, Orientation{});
}

TEST(ImageFacts, NamesWhatWouldBeDecodedWrong) {
  EXPECT_EQ(facts_of(tiff(true, {{259, 5}})).unreadable, "");
  EXPECT_NE(facts_of(tiff(true, {{259, 7}})).unreadable.find("JPEG"), std::string::npos);
  EXPECT_NE(facts_of(tiff(false, {{259, 1}, {322, 256}})).unreadable.find("tiles"),
            std::string::npos);
  EXPECT_EQ(facts_of(tiff(false, {{259, 7}, {322, 256}, {50706, 1, 4}})).unreadable, "") << "DNG";
  const std::string alpha = box("auxC", "\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"s);
  EXPECT_NE(facts_of(avif(alpha, alpha, alpha)).unreadable.find("transparent"), std::string::npos);
}

TEST(ImageFacts, TellsOnePictureFromSeveral) {
  const std::string screen = "GIF89a" + "\4\0\4\0\x80\0\0"s + std::string(6, 'c');
  const std::string control = "\x21\xF9\4\0\0\0\0\0"s;
  const std::string picture = ",\0\0\0\0\4\0\4\0\0"s + "\2\3abc\1d\0"s;
  EXPECT_TRUE(facts_of(screen + control + picture + ";").one_picture);
  EXPECT_FALSE(facts_of(screen + control + picture + control + picture + ";").one_picture);
  EXPECT_FALSE(facts_of(screen + control + picture).one_picture) << "it breaks off";
  const std::string none = box("pixi", "....");
  EXPECT_TRUE(facts_of(avif(none, none, none)).one_picture);
}

TEST(ImageFacts, TellsMultipliedColors) {
  EXPECT_TRUE(facts_of(tiff(true, {{338, 1}})).premultiplied);
  EXPECT_FALSE(facts_of(tiff(true, {{338, 2}})).premultiplied);
}

TEST(ImageFacts, BrokenFilesAreReadToABoundAndNoFurther) {
  const std::string turn = box("irot", "\1");
  const std::vector<std::string> whole = {
      tiff(true, {{256, 1}, {274, 6}}), tiff(false, {{274, 6}, {259, 7}}),
      png(tiff(false, {{274, 6}})), webp(tiff(true, {{274, 6}})), avif(turn, turn, turn)};
  std::mt19937 random(7);
  for (const std::string& file : whole) {
    for (std::size_t bytes = 0; bytes < file.size(); ++bytes) facts_of(file.substr(0, bytes));
    for (int round = 0; round < 3000; ++round) {
      std::string broken = file;
      for (int i = 0; i < 1 + round % 4; ++i) {
        broken[random() % broken.size()] = static_cast<char>(random());
      }
      int reads = 0;
      facts_of(broken, &reads);
      ASSERT_LT(reads, 70000);
    }
  }
  // Chunks of no length lead nowhere, however many there are.
  int reads = 0;
  facts_of("\x89PNG\r\n\x1A\n"s + std::string(1 << 20, '\0'), &reads);
  EXPECT_LT(reads, 5000);
}

}  // namespace
}  // namespace muybridge
