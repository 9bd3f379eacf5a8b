#include "data/media/av_handles.h"

#include <atomic>
#include <cstdarg>
#include <mutex>
#include <string_view>

extern "C" {
#include <libavutil/log.h>
}

namespace muybridge {
namespace {

thread_local std::string last_complaint;
std::atomic<int> complaints_of_decoders{0};

bool is_decoder(void* source) {
  const AVClass* kind = source == nullptr ? nullptr : *static_cast<const AVClass**>(source);
  if (kind == nullptr) return false;
  const AVClassCategory category =
      kind->get_category != nullptr ? kind->get_category(source) : kind->category;
  return category == AV_CLASS_CATEGORY_DECODER;
}

void keep_complaint(void* source, int level, const char* format, va_list arguments) {
  const bool conceals = std::string_view(format).starts_with("concealing ");  // no error to libav
  if ((level <= AV_LOG_ERROR || conceals) && is_decoder(source)) ++complaints_of_decoders;
  if (level > AV_LOG_ERROR) return;
  char line[256];
  int print_prefix = 0;
  av_log_format_line2(source, level, format, arguments, line, sizeof(line), &print_prefix);
  std::string_view text = line;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (!text.empty()) last_complaint = text;
}

}  // namespace

void AvIoCloser::operator()(AVIOContext* io) const noexcept {
  av_freep(&io->buffer);
  avio_context_free(&io);
}

AvFrame make_frame() {
  AvFrame frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  return frame;
}

AvPacket make_packet() {
  AvPacket packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  return packet;
}

std::string av_reason(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

int with_memory(int error) {
  if (error == AVERROR(ENOMEM)) throw std::bad_alloc();
  return error;
}

void listen_to_libav() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(&keep_complaint); });
  last_complaint.clear();
}

std::string explained(const std::string& reason) {
  return last_complaint.empty() ? reason : reason + " (" + last_complaint + ")";
}

int decoder_complaints() { return complaints_of_decoders.load(); }

bool libav_complained() { return !last_complaint.empty(); }

}  // namespace muybridge
