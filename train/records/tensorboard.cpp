#include "train/records/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "core/error.h"
#include "core/system/file_handle.h"
#include "train/records/tensorboard.pb.h"

namespace muybridge {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78U : 0U);
    table[byte] = crc;
  }
  return table;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Number>
void append_number(std::string& record, Number value) {  // little endian
  for (std::size_t i = 0; i < sizeof value; ++i)
    record += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

tensorboard::Event event_at(std::int64_t step) {
  tensorboard::Event event;
  event.set_wall_time(seconds_since_1970());
  event.set_step(step);
  return event;
}

bool has_event_files(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().find(".tfevents.") != std::string::npos) return true;
  return false;
}

// Readers take the files of a folder in the order of their names; a later start sorts later.
std::filesystem::path new_file(const std::filesystem::path& folder) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {"localhost"};
  for (auto second = static_cast<std::int64_t>(seconds_since_1970());; ++second) {
    const std::string prefix = fmt::format("events.out.tfevents.{:010d}.", second);
    bool taken = false;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      taken = taken || entry.path().filename().string().starts_with(prefix);
    if (!taken) return folder / fmt::format("{}{}.{}", prefix, host.data(), ::getpid());
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, std::int64_t step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail_errno("mkdir(" + folder.string() + ")", error.value());
  const bool goes_on = has_event_files(folder);
  path_ = new_file(folder);
  tensorboard::Event first = event_at(0);
  first.set_file_version("brain.Event:2");
  write_record(first.SerializeAsString());
  if (!goes_on) return;
  tensorboard::Event start = event_at(step + 1);
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  write_record(start.SerializeAsString());
}

void TensorBoardWriter::add_scalars(std::int64_t step,
                                    const std::vector<std::pair<std::string, double>>& values) {
  tensorboard::Event event = event_at(step);
  for (const auto& [tag, number] : values) {
    tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  write_record(event.SerializeAsString());
}

void TensorBoardWriter::add_image(std::int64_t step, const std::string& tag, int height, int width,
                                  const std::string& encoded) {
  tensorboard::Event event = event_at(step);
  tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
  value->set_tag(tag);
  tensorboard::Summary::Image* image = value->mutable_image();
  image->set_height(height);
  image->set_width(width);
  image->set_colorspace(3);
  image->set_encoded_image_string(encoded);
  write_record(event.SerializeAsString());
}

void TensorBoardWriter::write_record(const std::string& event) const {
  std::string record;
  append_number(record, static_cast<std::uint64_t>(event.size()));
  append_number(record, masked_crc32c(record));
  record += event;
  append_number(record, masked_crc32c(event));
  const FileHandle file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file) fail_errno("open(" + path_.string() + ")", errno);
  const ssize_t wrote = ::write(file.get(), record.data(), record.size());
  if (wrote < 0) fail_errno("write(" + path_.string() + ")", errno);
  if (static_cast<std::size_t>(wrote) != record.size())
    fail_errno("write(" + path_.string() + ")", ENOSPC);
}

}  // namespace muybridge
