#include "train/records/tensorboard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/system/file.h"
#include "tests/train/scratch_folder.h"

namespace muybridge {
namespace {

using testing::ScratchFolder;

// A reader of its own, from the description of the format and of protobuf's encoding: it shares no
// code with the writer.
std::uint32_t bitwise_crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) crc = (crc & 1) ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
  }
  return crc ^ 0xFFFFFFFFU;
}

template <class Number>
Number take(std::string_view& bytes) {
  Number value{};
  if (bytes.size() < sizeof value) throw std::runtime_error("cut short");
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<std::uint8_t>(bytes);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
}

struct Field {
  int number = 0;
  std::uint64_t integer = 0;  // varint, fixed 64 or fixed 32
  std::string bytes;
};

std::vector<Field> fields_of(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const std::uint64_t key = take_varint(message);
    Field field{static_cast<int>(key >> 3), 0, {}};
    switch (key & 7) {
      case 0:
        field.integer = take_varint(message);
        break;
      case 1:
        field.integer = take<std::uint64_t>(message);
        break;
      case 5:
        field.integer = take<std::uint32_t>(message);
        break;
      case 2: {
        const std::uint64_t size = take_varint(message);
        if (size > message.size()) throw std::runtime_error("cut short");
        field.bytes = message.substr(0, size);
        message.remove_prefix(size);
        break;
      }
      default:
        throw std::runtime_error("an unknown kind of field");
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

const Field* find(const std::vector<Field>& fields, int number) {
  const auto found = std::ranges::find(fields, number, &Field::number);
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::vector<Field>> events_in(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  std::string_view rest = content;
  const auto check = [](std::string_view bytes, std::uint32_t stored) {
    const std::uint32_t crc = bitwise_crc32c(bytes);
    if (((crc >> 15) | (crc << 17)) + 0xA282EAD8U != stored) throw std::runtime_error("bad CRC");
  };
  std::vector<std::vector<Field>> events;
  while (!rest.empty()) {
    const std::string_view head = rest.substr(0, 8);
    const auto size = take<std::uint64_t>(rest);
    check(head, take<std::uint32_t>(rest));
    const std::string_view event = rest.substr(0, size);
    rest.remove_prefix(size);
    check(event, take<std::uint32_t>(rest));
    events.push_back(fields_of(event));
  }
  return events;
}

float as_float(std::uint64_t bits) {
  const auto raw = static_cast<std::uint32_t>(bits);
  float value;
  std::memcpy(&value, &raw, sizeof value);
  return value;
}

TEST(TensorBoard, CrcIsThatOfThePublishedTestVectors) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(TensorBoard, AnIndependentReaderFindsWhatWasWritten) {
  const ScratchFolder folder;
  TensorBoardWriter writer(folder / "tensorboard", 0);
  writer.add_scalars(1, {{"loss", 0.5}, {"grad_norm", 2.0}});
  writer.add_scalars(300, {{"loss", 0.25}});
  writer.add_image(301, "samples", 4, 6, "\x89PNG");
  const auto events = events_in(writer.path());
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(find(events[0], 3)->bytes, "brain.Event:2");

  EXPECT_EQ(find(events[1], 2)->integer, 1U);
  const auto values = fields_of(find(events[1], 5)->bytes);
  ASSERT_EQ(values.size(), 2U);
  const auto grad_norm = fields_of(values[1].bytes);
  EXPECT_EQ(find(grad_norm, 1)->bytes, "grad_norm");
  EXPECT_EQ(as_float(find(grad_norm, 2)->integer), 2.0F);
  EXPECT_EQ(find(events[2], 2)->integer, 300U);

  const auto picture = fields_of(fields_of(find(events[3], 5)->bytes)[0].bytes);
  const auto image = fields_of(find(picture, 4)->bytes);
  EXPECT_EQ(find(image, 1)->integer, 4U);
  EXPECT_EQ(find(image, 2)->integer, 6U);
  EXPECT_EQ(find(image, 4)->bytes, "\x89PNG");
}

TEST(TensorBoard, GoingOnForgetsLaterSteps) {
  const ScratchFolder folder;
  TensorBoardWriter first(folder.path(), 0);
  first.add_scalars(1, {{"loss", 1}});
  const std::string before = read_file(first.path());
  TensorBoardWriter second(folder.path(), 40);
  const auto events = events_in(second.path());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(find(events[0], 3)->bytes, "brain.Event:2");
  EXPECT_EQ(find(events[1], 2)->integer, 41U);
  EXPECT_EQ(fields_of(find(events[1], 7)->bytes)[0].integer, 1U);  // START
  EXPECT_EQ(read_file(first.path()), before);
  EXPECT_LT(first.path().filename(), second.path().filename());
}

}  // namespace
}  // namespace muybridge
